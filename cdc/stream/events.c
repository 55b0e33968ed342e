/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event means: rows go to the sink, owners to the owner watch, the position moves at COMMIT
 * and PASSED. A loop's rows do not come; what its transaction says is that the position moves.
 */
#include "cdc/stream/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/stream/truncate.h"
#include "lib/base/panic.h"
#include "lib/log/log.h"

enum { LEAK_TEXT_MAX = 16 << 10 };

/* The binary log's times are whole seconds: there the lag is what is certain. */
int64_t cdc_events_lag_ms(int64_t commit_us, bool is_coarse_time)
{
    int64_t us = fx_wall_now().us - commit_us;
    if (is_coarse_time)
        us -= 1000000;
    return FX_MAX(us, (int64_t)0) / 1000;
}

/*
 * Of the oldest transaction that waits to be durable. The newest that is durable may be old because
 * nothing was written since: while the next one waits, its age is no lag.
 */
static void note_lag(struct cdc_streamer *s)
{
    bool is_waiting = s->sink->oldest_waiting_us != 0;
    int64_t us = is_waiting ? s->sink->oldest_waiting_us : s->sink->durable_commit_us;
    if (us != 0)
        s->status.lag_ms =
            cdc_events_lag_ms(us, is_waiting ? s->txn.is_coarse_time : s->sink->is_coarse_time);
}

/* Counted, logged, and recorded on the target together
 * with the change, or in a transaction of its own. */
static bool note_leaks(struct cdc_streamer *s, int64_t n, const struct cdc_row *row,
                       struct fx_err *err)
{
    if (n == 0)
        return true;
    FX_AUTO(fx_buf) struct fx_buf whole = FX_BUF(LEAK_TEXT_MAX);
    s->status.leaks += n;
    if (row != NULL) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(LEAK_TEXT_MAX);
        cdc_row_describe(s->binding, row, &what);
        cdc_row_describe_whole(s->binding, row, &whole);
        fx_buf_printf(&whole, " at %.40s", fx_pos_text(&s->txn.pos));
        (void)snprintf(s->status.leak_last, sizeof s->status.leak_last, "%s at %.40s",
                       fx_buf_cstr(&what), fx_pos_text(&s->txn.pos));
    }
    fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "unfenced write",
           "count=%" PRId64 " last=\"%s\"", n, s->status.leak_last);
    /* Who has to deal with it finds the row's key beside the row: in the table, not in the log. */
    const char *stored = whole.len > 0 ? fx_buf_cstr(&whole) : s->status.leak_last;
    return s->sink->ops->leak(s->sink, n, stored, err);
}

static struct cdc_own_watch *watch_of(struct cdc_streamer *s, const char *group)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(s->owns); i++)
        if (strcmp(s->owns[i].own.group, group) == 0)
            return &s->owns[i];
    return NULL;
}

static bool adopt_own(struct cdc_streamer *s, struct fx_err *err)
{
    if (!s->own_read.is_waiting ||
        !fx_pos_covers(s->binding->source->engine, &s->at, &s->own_read.pos))
        return true;
    s->own_read.is_waiting = false;
    bool is_ok = true;
    for (size_t i = 0; i < FX_ARRAY_LEN(s->owns) && is_ok; i++)
        is_ok = note_leaks(s, cdc_own_adopt(&s->owns[i], &s->own_read.owns[i]), NULL, err);
    return is_ok;
}

bool cdc_events_begin(struct cdc_streamer *s, const struct cdc_txn *txn, struct fx_err *err)
{
    cdc_streamer_set_txn(s, txn->is_loop ? CDC_TXN_LOOP : CDC_TXN_APPLY);
    s->barrier.group[0] = '\0';
    s->has_own = false;
    cdc_txn_copy(&s->txn, txn);
    memcpy(s->before.owns, s->owns, sizeof s->owns);
    s->before.leaks = s->status.leaks;
    s->before.applied_rows = s->status.applied_rows;
    return txn->is_loop || s->sink->ops->begin(s->sink, txn, err);
}

static bool on_row(struct cdc_streamer *s, const struct cdc_row *row, struct fx_err *err)
{
    FX_INVARIANT(s->txn_state == CDC_TXN_APPLY,
                 "stream \"%s\": a row outside a transaction of its own, "
                 "after %s",
                 s->binding->stream, s->txn.label);
    const char *group = cdc_row_group(s->binding, row);
    if (group == NULL)
        return true; /* another context's canary */
    if (!note_leaks(s, cdc_own_row(watch_of(s, group)), row, err))
        return false;
    cdc_control_push_key(s->env->control, s->binding, row);
    s->status.applied_rows++;
    return s->sink->ops->row(s->sink, row, err);
}

/* What is read late was not known to be a loop before. */
static void end_loop(struct cdc_streamer *s)
{
    if (s->txn.commit_us != 0)
        s->status.lag_ms = cdc_events_lag_ms(s->txn.commit_us, s->txn.is_coarse_time);
    s->status.loops_discarded++;
    fx_pos_copy(&s->at, &s->txn.pos);
}

/* The failure did not come again. */
static void end_care(struct cdc_streamer *s)
{
    if (fx_pos_is_empty(&s->care.until) ||
        !fx_pos_covers(s->binding->source->engine, &s->sink->progress.pos, &s->care.until))
        return;
    fx_pos_done(&s->care.until);
    s->care.is_exact = false;
    s->care.members_max = 0;
    s->sink->ops->relax(s->sink);
}

static bool on_commit(struct cdc_streamer *s, const struct cdc_txn *txn, struct fx_err *err)
{
    bool is_loop = s->txn_state == CDC_TXN_LOOP;
    FX_INVARIANT(cdc_streamer_is_in_txn(s), "stream \"%s\": COMMIT of %s", s->binding->stream,
                 txn->label);
    cdc_streamer_set_txn(s, CDC_TXN_NONE);
    if (is_loop) {
        end_loop(s);
    } else {
        bool is_more = s->hold.mode != CDC_HOLD_PAUSED && s->barrier.group[0] == '\0' &&
                       !s->has_own && s->src->ops->has_buffered(s->src);
        if (!s->sink->ops->commit(s->sink, is_more, err))
            return false;
        fx_pos_copy(&s->at, &txn->pos);
        s->status.applied_txns++;
        end_care(s);
        note_lag(s);
    }
    if (s->barrier.group[0] != '\0') {
        (void)snprintf(s->status.barrier_group, sizeof s->status.barrier_group, "%s",
                       s->barrier.group);
        s->status.barrier_epoch = s->barrier.epoch;
        fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "barrier",
               "group=%s epoch=%" PRId64 " loop=%d", s->barrier.group, s->barrier.epoch, is_loop);
        cdc_streamer_publish(s, true);
    }
    return adopt_own(s, err);
}

/* Owners, leaks and rows of a transaction that never was did not happen either. */
static bool on_abort(struct cdc_streamer *s, const struct cdc_txn *txn, struct fx_err *err)
{
    bool is_loop = s->txn_state == CDC_TXN_LOOP;
    cdc_streamer_set_txn(s, CDC_TXN_NONE);
    if (!is_loop && !s->sink->ops->abort(s->sink, err))
        return false;
    memcpy(s->owns, s->before.owns, sizeof s->owns);
    s->status.leaks = s->before.leaks;
    s->status.applied_rows = s->before.applied_rows;
    fx_log(FX_LOG_WARN, "cdc", s->binding->stream,
           "incomplete transaction in the binary log was undone",
           "label=\"%s\": the server was killed while writing it and rolled it back at its restart",
           txn->label);
    return true;
}

static bool on_own(struct cdc_streamer *s, const struct cdc_own *own, struct fx_err *err)
{
    struct cdc_own_watch *watch = watch_of(s, own->group);
    s->has_own = true;
    return watch == NULL || note_leaks(s, cdc_own_event(watch, own), NULL, err);
}

static bool on_passed(struct cdc_streamer *s, const struct fx_pos *pos, bool wants_confirm,
                      struct fx_err *err)
{
    s->is_confirm_wanted |= wants_confirm;
    enum fx_engine engine = s->binding->source->engine;
    if (!fx_pos_covers(engine, &s->at, pos))
        fx_pos_copy(&s->at, pos);
    const struct fx_pos *end = s->src->ops->end(s->src);
    if (!fx_pos_is_empty(end) && fx_pos_covers(engine, &s->at, end) && !s->sink->is_pending)
        s->status.lag_ms = 0;
    return adopt_own(s, err);
}

bool cdc_events_handle(struct cdc_streamer *s, const struct cdc_event *event, struct fx_err *err)
{
    switch (event->kind) {
    case CDC_EV_NONE: return true;
    case CDC_EV_BEGIN:
        if (cdc_hold_allows(&s->hold, &event->txn.pos))
            return cdc_events_begin(s, &event->txn, err);
        cdc_txn_copy(&s->txn, &event->txn);
        cdc_streamer_set_txn(s, CDC_TXN_WAITING);
        return true;
    case CDC_EV_ROW: return on_row(s, &event->row, err);
    case CDC_EV_TRUNCATE: return cdc_truncate_begin(s, event->truncated, err);
    case CDC_EV_OWN: return on_own(s, &event->own, err);
    case CDC_EV_BARRIER:
        s->barrier = event->barrier;
        return s->txn_state == CDC_TXN_LOOP || s->sink->ops->barrier(s->sink, &event->barrier, err);
    case CDC_EV_COMMIT: return on_commit(s, &event->txn, err);
    case CDC_EV_ABORT: return on_abort(s, &event->txn, err);
    case CDC_EV_PASSED: return on_passed(s, &event->pos, event->wants_confirm, err);
    }
    return true;
}
