/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the sink; the diagram is in session.h. */
#include "cdc/sink/session.h"

#include "lib/base/panic.h"

static const char *const state_names[] = {[CDC_APPLY_NONE] = "NONE",
                                          [CDC_APPLY_OPEN] = "OPEN",
                                          [CDC_APPLY_COPYING] = "COPYING",
                                          [CDC_APPLY_ENDING] = "ENDING"};

bool cdc_apply_is_open(const struct cdc_db_sink *s)
{
    return s->state == CDC_APPLY_OPEN || s->state == CDC_APPLY_COPYING;
}

static bool may_follow(enum cdc_apply_state from, enum cdc_apply_state to)
{
    bool was_open = from == CDC_APPLY_OPEN || from == CDC_APPLY_COPYING;
    switch (to) {
    case CDC_APPLY_NONE: return from == CDC_APPLY_ENDING;
    case CDC_APPLY_OPEN:
    case CDC_APPLY_COPYING: return !was_open;
    case CDC_APPLY_ENDING: return was_open;
    }
    return false;
}

void cdc_apply_set_state(struct cdc_db_sink *s, enum cdc_apply_state to)
{
    if (!may_follow(s->state, to))
        FX_BUG("the sink of stream \"%s\" cannot go from %s to %s, %s", s->binding->stream,
               state_names[s->state], state_names[to], s->txn.label);
    s->state = to;
    s->sink.is_pending = to != CDC_APPLY_NONE;
}

void cdc_apply_need_open(const struct cdc_db_sink *s)
{
    FX_INVARIANT(cdc_apply_is_open(s), "stream \"%s\": no open transaction after %s",
                 s->binding->stream, s->txn.label);
}
