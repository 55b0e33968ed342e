/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See own_watch.h. Ownership moves HERE -> FENCED -> AWAY | HERE and AWAY -> HERE only; epochs only
 * rise.
 */
#include "cdc/stream/own_watch.h"

#include <stdio.h>

void cdc_own_watch_init(struct cdc_own_watch *watch, const char *group)
{
    *watch = (struct cdc_own_watch){.own = {.state = FX_OWN_UNKNOWN}};
    (void)snprintf(watch->own.group, sizeof watch->own.group, "%s", group);
}

int64_t cdc_own_row(struct cdc_own_watch *watch)
{
    switch (watch->own.state) {
    case FX_OWN_UNKNOWN: watch->suspects++; return 0;
    case FX_OWN_HERE: return 0;
    case FX_OWN_FENCED:
    case FX_OWN_AWAY: return 1;
    }
    return 0;
}

static int64_t take_suspects(struct cdc_own_watch *watch)
{
    int64_t n = watch->suspects;
    watch->suspects = 0;
    return n;
}

int64_t cdc_own_event(struct cdc_own_watch *watch, const struct cdc_own *own)
{
    enum fx_own_state was = watch->own.state;
    watch->own.state = own->state;
    watch->own.epoch = own->epoch;
    if (was != FX_OWN_UNKNOWN)
        return 0;
    int64_t suspects = take_suspects(watch);
    if (own->was != FX_OWN_UNKNOWN)
        return own->was == FX_OWN_HERE ? 0 : suspects;
    return own->state == FX_OWN_AWAY ? suspects : 0; /* only a fenced side goes AWAY */
}

int64_t cdc_own_adopt(struct cdc_own_watch *watch, const struct cdc_own *own)
{
    if (watch->own.state != FX_OWN_UNKNOWN || own->state == FX_OWN_UNKNOWN)
        return 0; /* the stream has shown it already, and is never older */
    watch->own.state = own->state;
    watch->own.epoch = own->epoch;
    int64_t suspects = take_suspects(watch);
    return own->state == FX_OWN_HERE ? 0 : suspects;
}
