/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the sink; the diagram is in session.h. */
#include "cdc/sink/session.h"

#include "lib/base/panic.h"

enum { GROUP_BYTES = 1 << 20 };

static const char *const state_names[] = {[CDC_APPLY_NONE] = "NONE",
                                          [CDC_APPLY_MEMBER] = "MEMBER",
                                          [CDC_APPLY_ALONE] = "ALONE",
                                          [CDC_APPLY_COPYING] = "COPYING"};

static bool may_follow(enum cdc_apply_state from, enum cdc_apply_state to)
{
    switch (to) {
    case CDC_APPLY_NONE: return from != CDC_APPLY_NONE;
    case CDC_APPLY_MEMBER:
    case CDC_APPLY_COPYING: return from == CDC_APPLY_NONE;
    case CDC_APPLY_ALONE: return from == CDC_APPLY_NONE || from == CDC_APPLY_MEMBER;
    }
    return false;
}

void cdc_apply_set_state(struct cdc_db_sink *s, enum cdc_apply_state to)
{
    if (!may_follow(s->state, to))
        FX_BUG("the sink of stream \"%s\" cannot go from %s to %s, %s", s->binding->stream,
               state_names[s->state], state_names[to], s->txn.label);
    s->state = to;
    cdc_apply_note_waiting(s);
}

void cdc_apply_need_open(const struct cdc_db_sink *s)
{
    FX_INVARIANT(s->state != CDC_APPLY_NONE, "stream \"%s\": no open transaction after %s",
                 s->binding->stream, s->txn.label);
}

void cdc_apply_note_waiting(struct cdc_db_sink *s)
{
    s->sink.is_pending = s->state != CDC_APPLY_NONE || s->group.members > 0 || s->due.is_set ||
                         s->in_head.is_set || s->is_sent;
    s->sink.oldest_waiting_us = s->in_head.is_set      ? s->in_head.oldest_us
                                : s->due.is_set        ? s->due.oldest_us
                                : s->group.members > 0 ? s->grouped.oldest_us
                                                       : 0;
}

void cdc_commit_point_set(struct cdc_commit_point *to, const struct cdc_commit_point *from)
{
    to->is_set = from->is_set;
    cdc_progress_copy(&to->progress, &from->progress);
    to->us = from->us;
    to->oldest_us = from->oldest_us;
    to->is_coarse = from->is_coarse;
}

struct cdc_batch *cdc_apply_batch(struct cdc_db_sink *s)
{
    return s->state == CDC_APPLY_MEMBER ? &s->member : &s->batch;
}

/* Whole rows are added, so what is sent leaves room for a large one. */
struct cdc_group_limits cdc_apply_limits(const struct cdc_db_sink *s)
{
    size_t bytes = GROUP_BYTES;
    return (struct cdc_group_limits){
        .rows = s->options->txn_rows_max,
        .bytes = s->text_max == 0 ? bytes : FX_MIN(bytes, s->text_max / 4),
        .members = s->sink.members_max,
    };
}
