/* SPDX-License-Identifier: Apache-2.0 */
/* See truncate.h. */
#include "cdc/stream/truncate.h"

#include <inttypes.h>
#include <string.h>

#include "lib/io/failpoint.h"
#include "lib/log/log.h"

/* Takes seconds, and the servers step over what an earlier part has deleted. */
enum { PART_ROWS = 200000 };

/* Nothing of the open transaction stays; what came before it does. */
static bool give_up(struct cdc_streamer *s, struct fx_err *err)
{
    return s->sink->ops->abort(s->sink, err) && s->sink->ops->flush(s->sink, err);
}

static bool fail_foreign(struct cdc_streamer *s, size_t t, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(s->binding, t);
    if (!give_up(s, err))
        return false;
    (void)fx_fail(err, FX_E_UNSUPPORTED,
                  "table \"%s.%s\" was truncated on database \"%s\", which does not own it",
                  table->schema, table->name, s->binding->source->name);
    (void)fx_detail(err, "Database \"%s\" still has its rows: the stream did not delete them.",
                    s->binding->target->name);
    return fx_hint(err, "The stream cannot pass the TRUNCATE: " FX_CMD_NEW_COPY ".");
}

/*
 * Without a row in ficus.own nothing was moved yet, so the old side owns the tables; the row of
 * `own_read` may be older than a log that shows none.
 */
static enum fx_own_state owner_of(const struct cdc_streamer *s)
{
    enum fx_own_state state = s->owns[0].own.state;
    bool is_recorded = s->own_read.is_waiting && s->own_read.owns[0].state != FX_OWN_UNKNOWN;
    if (state != FX_OWN_UNKNOWN || is_recorded)
        return state;
    return s->binding->direction == FX_FORWARD ? FX_OWN_HERE : FX_OWN_AWAY;
}

bool cdc_truncate_begin(struct cdc_streamer *s, size_t table, struct fx_err *err)
{
    enum fx_own_state owner = cdc_binding_is_canary(s->binding, table) ? FX_OWN_AWAY : owner_of(s);
    s->truncate.table = table;
    s->truncate.n = 0;
    switch (owner) {
    case FX_OWN_HERE: s->truncate.state = CDC_TRUNCATE_DELETING; return true;
    case FX_OWN_UNKNOWN: s->truncate.state = CDC_TRUNCATE_ASKING; return give_up(s, err);
    case FX_OWN_FENCED:
    case FX_OWN_AWAY: return fail_foreign(s, table, err);
    }
    return true;
}

bool cdc_truncate_part(struct cdc_streamer *s, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(s->binding, s->truncate.table);
    int64_t n = 0;
    if (!s->sink->ops->delete_rows(s->sink, s->truncate.table, PART_ROWS, &n, err))
        return false;
    s->truncate.n += n;
    s->status.applied_rows += n;
    if (n >= PART_ROWS)
        return true;
    s->truncate.state = CDC_TRUNCATE_NONE;
    FX_FAILPOINT("truncate.done.after");
    fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "table was truncated",
           "table=%s.%s deleted=%" PRId64 " label=\"%s\"", table->schema, table->name,
           s->truncate.n, s->txn.label);
    return true;
}

static void learn(struct cdc_streamer *s, enum fx_own_state owner)
{
    s->truncate.owner = owner;
    fx_pos_copy(&s->truncate.owner_at, &s->sink->progress.pos);
    s->truncate.must_reopen = true;
}

/* Only who owns a table can be fenced; of the rest the log says what was before. */
static enum fx_own_state owner_before(const struct cdc_own *own)
{
    if (own->was != FX_OWN_UNKNOWN)
        return own->was;
    return own->state == FX_OWN_FENCED ? FX_OWN_HERE : FX_OWN_AWAY;
}

static const struct fx_pos *end_of(const struct cdc_event *event)
{
    switch (event->kind) {
    case CDC_EV_COMMIT: return &event->txn.pos;
    case CDC_EV_PASSED: return &event->pos;
    case CDC_EV_NONE:
    case CDC_EV_BEGIN:
    case CDC_EV_ROW:
    case CDC_EV_TRUNCATE:
    case CDC_EV_OWN:
    case CDC_EV_BARRIER:
    case CDC_EV_ABORT: return NULL;
    }
    return NULL;
}

void cdc_truncate_ask(struct cdc_streamer *s, const struct cdc_event *event)
{
    const struct fx_pos *end = end_of(event);
    bool is_owner =
        event->kind == CDC_EV_OWN && strcmp(event->own.group, s->binding->ctx.name) == 0;
    if (is_owner)
        learn(s, owner_before(&event->own));
    else if (end != NULL && fx_pos_covers(s->binding->source->engine, end, &s->own_read.pos))
        learn(s, s->own_read.owns[0].state);
}

void cdc_truncate_adopt(struct cdc_streamer *s)
{
    if (s->truncate.owner != FX_OWN_UNKNOWN && fx_pos_equal(&s->at, &s->truncate.owner_at))
        s->owns[0].own.state = s->truncate.owner;
    s->truncate.owner = FX_OWN_UNKNOWN;
}
