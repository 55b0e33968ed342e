/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detects unfenced writes (leaks): rows that someone other than our applier changed while the side
 * was FENCED or AWAY.
 *
 * States come from the stream itself, between the rows, so "before" and "after" are the log's order
 * and not a clock's. A stream that starts does not know the state yet: rows seen until the first
 * transition are *suspects*, judged when the state becomes known (cdc_own_adopt with the row of
 * ficus.own at a known position, or the transition itself: both logs carry the row as it was
 * before; without that, rows that leaked while the stream was down would be forgotten once the side
 * is HERE again).
 *
 *     UNKNOWN ── own event / adopt ──► HERE | FENCED | AWAY ── own events ──► …
 */
#ifndef CDC_STREAM_OWN_WATCH_H
#define CDC_STREAM_OWN_WATCH_H

#include "cdc/change.h"

struct cdc_own_watch {
    struct cdc_own own; /* group and state in stream order */
    int64_t suspects;
};

void cdc_own_watch_init(struct cdc_own_watch *watch, const char *group);
/* Each returns how many unfenced writes became certain: 0, or 1 for a row, or the suspects. */
int64_t cdc_own_row(struct cdc_own_watch *watch);
int64_t cdc_own_event(struct cdc_own_watch *watch, const struct cdc_own *own);
/* `own` was read from the source and was valid at a position that the stream has now reached. */
int64_t cdc_own_adopt(struct cdc_own_watch *watch, const struct cdc_own *own);

#endif
