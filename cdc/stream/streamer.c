/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streamer; see the diagram in streamer.h. A turn is: take a command, look at the gate, take one event,
 * hand it on. Commands are answered only between transactions.
 */
#include "cdc/stream/streamer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cdc/sink.h"
#include "cdc/snapshot/snapshotter.h"
#include "cdc/source.h"
#include "cdc/stream/gate.h"
#include "cdc/stream/own_query.h"
#include "cdc/stream/own_watch.h"
#include "lib/base/panic.h"
#include "lib/db/pos.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

enum {
    TURN_MS = 200, /* longest wait for an event */
    ASK_MS = 20,   /* how often an advance asks an idle source how far it is */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    CATCHUP_LAG_MS = 1000,
    CONFIRM_MS = 200,           /* at most this often while transactions flow */
    SLOT_BEHIND_MAX = 16 << 20, /* bytes of log that nobody's transactions may keep a slot back */
    PUBLISH_MS = 50,
};

struct streamer {
    const struct cdc_streamer_env *env;
    const struct cdc_binding *binding;
    struct cdc_sink *sink;
    struct cdc_source *src;
    struct cdc_status status;
    struct cdc_gate gate;
    pid_t holder;                 /* whose end is the hold's end; 0: nobody's */
    struct cdc_own_watch owns[2]; /* the context's group, its canary group */
    struct cdc_own_read own_read; /* what stood in ficus.own, to be adopted at its position */
    struct fx_pos at;             /* handled up to here; durable unless sink->is_pending */
    struct cdc_txn waiting;       /* a BEGIN that the gate does not let pass */
    bool has_waiting;
    bool is_in_txn, is_loop;
    struct { /* as it was at BEGIN, for an ABORT */
        struct cdc_own_watch owns[2];
        int64_t leaks, applied_rows;
    } before;
    struct cdc_barrier barrier; /* seen in the open transaction; group "" : none */
    int64_t epoch;              /* claimed by this process; 0: not yet */
    bool is_exact;              /* the session checks each change by itself */
    int64_t exact_txns;         /* applied so far in that way */
    bool is_stopping;
    bool is_mark_wanted;    /* the source waits for a confirmation */
    int64_t pending_ticket; /* an ADVANCE or HOLD that waits for its moment */
    enum cdc_command_kind pending_kind;
    struct fx_mono confirmed_at, marked_at, published_at, asked_at, rate_at;
    int64_t rate_rows;
    struct fx_pos confirmed;
};

static void set_phase(struct streamer *s, enum cdc_phase to)
{
    enum cdc_phase from = s->status.phase;
    if (from == to)
        return;
    bool is_valid = to == CDC_PHASE_STARTING || to == CDC_PHASE_STOPPED;
    switch (from) {
    case CDC_PHASE_STARTING: is_valid |= to == CDC_PHASE_COPY || to == CDC_PHASE_CATCHUP; break;
    case CDC_PHASE_COPY: is_valid |= to == CDC_PHASE_CATCHUP; break;
    case CDC_PHASE_CATCHUP:
    case CDC_PHASE_STREAM: is_valid |= to == CDC_PHASE_STREAM || to == CDC_PHASE_HELD; break;
    case CDC_PHASE_HELD: is_valid |= to == CDC_PHASE_STREAM || to == CDC_PHASE_CATCHUP; break;
    case CDC_PHASE_STOPPED: is_valid = false; break;
    }
    if (!is_valid)
        FX_BUG("stream: no way from %s to %s", cdc_phase_name(from), cdc_phase_name(to));
    fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "phase", "from=%s to=%s", cdc_phase_name(from),
           cdc_phase_name(to));
    s->status.phase = to;
}

/* ---- status ------------------------------------------------------------------------------------------ */

static void measure_rate(struct streamer *s, struct fx_mono now)
{
    int64_t us = fx_mono_since_us(s->rate_at, now);
    int64_t rows = s->status.applied_rows + s->status.copied_rows;
    if (us < s->env->options->status_ms * 1000)
        return;
    s->status.rows_per_s = (rows - s->rate_rows) * 1000000 / us;
    s->rate_rows = rows;
    s->rate_at = now;
}

static void publish(struct streamer *s, bool is_forced)
{
    struct fx_mono now = fx_mono_now();
    if (!is_forced && fx_mono_since_us(s->published_at, now) < PUBLISH_MS * 1000)
        return;
    s->published_at = now;
    measure_rate(s, now);
    if (s->sink != NULL)
        s->status.applied = s->sink->is_pending || s->src == NULL ? s->sink->progress.pos : s->at;
    if (s->src != NULL)
        s->status.source_end = s->src->ops->end(s->src);
    cdc_control_publish(s->env->control, &s->status);
}

/* The binary log's times are whole seconds: there the lag is what is certain. */
static void note_lag(struct streamer *s)
{
    if (s->sink->durable_commit_us == 0)
        return;
    int64_t us = fx_wall_now().us - s->sink->durable_commit_us;
    if (s->sink->is_coarse_time)
        us -= 1000000;
    s->status.lag_ms = FX_MAX(us, (int64_t)0) / 1000;
}

/* Counted, told, and recorded on the target with what leaked, or by itself between two transactions. */
static bool note_leaks(struct streamer *s, int64_t n, const struct cdc_row *row, struct fx_err *err)
{
    if (n == 0)
        return true;
    s->status.leaks += n;
    if (row != NULL) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(200);
        const struct fx_table *table = cdc_source_table(s->binding, row->table);
        const struct fx_value *values = row->new != NULL ? row->new : row->old;
        fx_buf_printf(&what, "%s.%s key ", table->schema, table->name);
        for (size_t k = 0; k < table->n_key; k++)
            fx_value_show(&values[table->key[k]], &what);
        (void)snprintf(s->status.leak_last, sizeof s->status.leak_last, "%s at %.40s",
                       fx_buf_cstr(&what), s->waiting.pos.text);
    }
    fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "write leak", "count=%" PRId64 " last=\"%s\"", n,
           s->status.leak_last);
    return s->sink->ops->leak(s->sink, n, s->status.leak_last, err);
}

static struct cdc_own_watch *watch_of(struct streamer *s, const char *group)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(s->owns); i++)
        if (strcmp(s->owns[i].own.group, group) == 0)
            return &s->owns[i];
    return NULL;
}

static bool adopt_own(struct streamer *s, struct fx_err *err)
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

/* ---- events ------------------------------------------------------------------------------------------ */

static bool begin_txn(struct streamer *s, const struct cdc_txn *txn, struct fx_err *err)
{
    s->is_in_txn = true;
    s->is_loop = txn->is_loop;
    s->barrier.group[0] = '\0';
    s->waiting = *txn;
    memcpy(s->before.owns, s->owns, sizeof s->owns);
    s->before.leaks = s->status.leaks;
    s->before.applied_rows = s->status.applied_rows;
    return txn->is_loop || s->sink->ops->begin(s->sink, txn, err);
}

static bool on_row(struct streamer *s, const struct cdc_row *row, struct fx_err *err)
{
    const char *group = cdc_row_group(s->binding, row);
    if (group == NULL)
        return true; /* another context's canary */
    if (!note_leaks(s, cdc_own_row(watch_of(s, group)), row, err))
        return false;
    cdc_control_push_key(s->env->control, s->binding, row);
    s->status.applied_rows++;
    return s->sink->ops->row(s->sink, row, err);
}

static void end_loop(struct streamer *s)
{
    s->status.loops_discarded++;
    s->at = s->waiting.pos;
}

static bool on_commit(struct streamer *s, const struct cdc_txn *txn, struct fx_err *err)
{
    s->is_in_txn = false;
    if (s->is_loop) {
        end_loop(s);
    } else {
        bool is_more = s->gate.mode == CDC_GATE_RUN && s->barrier.group[0] == '\0' &&
                       s->src->ops->has_buffered(s->src);
        if (!s->sink->ops->commit(s->sink, is_more, err))
            return false;
        s->at = txn->pos;
        s->status.applied_txns++;
        if (s->is_exact && ++s->exact_txns > CDC_SINK_EXACT_TXNS)
            s->is_exact = false; /* the failure did not come again; the sink has gone back too */
        note_lag(s);
    }
    if (s->barrier.group[0] != '\0') {
        (void)snprintf(s->status.barrier_group, sizeof s->status.barrier_group, "%s",
                       s->barrier.group);
        s->status.barrier_epoch = s->barrier.epoch;
        fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "barrier",
               "group=%s epoch=%" PRId64 " loop=%d", s->barrier.group, s->barrier.epoch,
               s->is_loop);
        publish(s, true);
    }
    return adopt_own(s, err);
}

/* Owners, leaks and rows of a transaction that never was did not happen either. */
static bool on_abort(struct streamer *s, const struct cdc_txn *txn, struct fx_err *err)
{
    s->is_in_txn = false;
    if (!s->is_loop && !s->sink->ops->abort(s->sink, err))
        return false;
    memcpy(s->owns, s->before.owns, sizeof s->owns);
    s->status.leaks = s->before.leaks;
    s->status.applied_rows = s->before.applied_rows;
    fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "a transaction ends in the middle of the log",
           "label=\"%s\": the server was killed while it wrote it, and has rolled it back",
           txn->label);
    return true;
}

static bool on_own(struct streamer *s, const struct cdc_own *own, struct fx_err *err)
{
    struct cdc_own_watch *watch = watch_of(s, own->group);
    return watch == NULL || note_leaks(s, cdc_own_event(watch, own), NULL, err);
}

static bool on_passed(struct streamer *s, const struct fx_pos *pos, bool wants_confirm,
                      struct fx_err *err)
{
    s->is_mark_wanted |= wants_confirm;
    enum fx_engine engine = s->binding->source->engine;
    if (!fx_pos_covers(engine, &s->at, pos))
        s->at = *pos;
    struct fx_pos end = s->src->ops->end(s->src);
    if (end.text[0] != '\0' && fx_pos_covers(engine, &s->at, &end) && !s->sink->is_pending)
        s->status.lag_ms = 0;
    return adopt_own(s, err);
}

static bool on_event(struct streamer *s, const struct cdc_event *event, struct fx_err *err)
{
    switch (event->kind) {
    case CDC_EV_NONE: return true;
    case CDC_EV_BEGIN:
        if (cdc_gate_allows(&s->gate, &event->txn.pos))
            return begin_txn(s, &event->txn, err);
        s->waiting = event->txn;
        s->has_waiting = true;
        return true;
    case CDC_EV_ROW: return on_row(s, &event->row, err);
    case CDC_EV_OWN: return on_own(s, &event->own, err);
    case CDC_EV_BARRIER:
        s->barrier = event->barrier;
        return s->is_loop || s->sink->ops->barrier(s->sink, &event->barrier, err);
    case CDC_EV_COMMIT: return on_commit(s, &event->txn, err);
    case CDC_EV_ABORT: return on_abort(s, &event->txn, err);
    case CDC_EV_PASSED: return on_passed(s, &event->pos, event->wants_confirm, err);
    }
    return true;
}

/* ---- commands ---------------------------------------------------------------------------------------- */

static void answer(struct streamer *s, int64_t ticket, const struct fx_err *err)
{
    publish(s, true);
    cdc_control_answer(s->env->control, ticket, &s->at, err);
    if (ticket == s->pending_ticket)
        s->pending_kind = CDC_CMD_NONE;
}

/* Between transactions only. HOLD and ADVANCE are answered later, in finish_command. */
static void take_command(struct streamer *s)
{
    struct cdc_command command;
    struct fx_err err = FX_ERR_INIT;
    if (!cdc_control_peek(s->env->control, &command)) {
        s->pending_kind = CDC_CMD_NONE; /* whoever asked has given up */
        return;
    }
    if (s->pending_kind != CDC_CMD_NONE && command.ticket == s->pending_ticket)
        return;
    s->pending_ticket = command.ticket;
    s->pending_kind = command.kind;
    switch (command.kind) {
    case CDC_CMD_NONE: break;
    case CDC_CMD_HOLD:
        cdc_gate_hold(&s->gate, fx_mono_add_ms(fx_mono_now(), command.limit_ms));
        s->holder = command.holder_pid;
        set_phase(s, CDC_PHASE_HELD);
        break;
    case CDC_CMD_ADVANCE:
        if (!cdc_gate_advance(&s->gate, &command.goal)) {
            (void)fx_fail(&err, FX_E_STREAM, "stream \"%s\" is not held", s->binding->stream);
            answer(s, command.ticket, &err);
        }
        break;
    case CDC_CMD_RELEASE:
        cdc_gate_release(&s->gate);
        answer(s, command.ticket, NULL);
        break;
    case CDC_CMD_STOP:
        s->is_stopping = true; /* answered when the last transaction is settled */
        break;
    }
}

/* The target's progress row says exactly the goal: whoever opens a snapshot there finds it inside. */
static bool reach_goal(struct streamer *s, struct fx_err *err)
{
    enum fx_engine engine = s->binding->source->engine;
    if (!s->sink->ops->settle(s->sink, err))
        return false;
    bool is_behind = strcmp(s->sink->progress.pos.text, s->gate.goal.text) != 0 &&
                     fx_pos_covers(engine, &s->gate.goal, &s->sink->progress.pos);
    if (is_behind && !s->sink->ops->mark(s->sink, &s->gate.goal, CDC_PROGRESS_STREAM, err))
        return false;
    s->at = s->gate.goal;
    s->gate.mode = CDC_GATE_HOLD;
    return true;
}

static bool finish_command(struct streamer *s, struct fx_err *err)
{
    if (s->pending_kind == CDC_CMD_HOLD) {
        if (!s->sink->ops->settle(s->sink, err))
            return false;
        answer(s, s->pending_ticket, NULL);
    } else if (s->gate.mode == CDC_GATE_ADVANCE &&
               cdc_gate_reached(&s->gate, &s->at, s->has_waiting ? &s->waiting.pos : NULL)) {
        if (!reach_goal(s, err))
            return false;
        if (s->pending_kind == CDC_CMD_ADVANCE)
            answer(s, s->pending_ticket, NULL);
    }
    return true;
}

/* ---- turns ------------------------------------------------------------------------------------------- */

/*
 * Never more than what stands in the target's progress row: a target that comes back with an older row (a backup,
 * a crash) asks for what it lost, and a slot that has been told more would begin behind that in silence.
 */
static bool confirm(struct streamer *s, struct fx_mono now, struct fx_err *err)
{
    const struct fx_pos *safe = &s->sink->progress.pos;
    bool is_news = strcmp(safe->text, s->confirmed.text) != 0;
    int64_t wait_ms = is_news ? CONFIRM_MS : s->env->options->heartbeat_ms;
    if (fx_mono_since_us(s->confirmed_at, now) < wait_ms * 1000)
        return true;
    s->confirmed_at = now;
    s->confirmed = *safe;
    return s->src->ops->confirm(s->src, safe, err);
}

/*
 * Other people's transactions move the position and not the progress row. A MariaDB log may be purged below an old
 * one, so there the row follows at every heartbeat. A slot only keeps its log until then: it follows when that is much, or
 * when the server asks (it does not shut down before). Not oftener: the mark is a transaction that the other stream
 * passes, marks in turn, and so on.
 */
static bool is_mark_due(const struct streamer *s, struct fx_mono now)
{
    struct fx_lsn at, marked;
    if (s->binding->source->engine == FX_MY)
        return fx_mono_since_us(s->marked_at, now) >= s->env->options->heartbeat_ms * 1000;
    return s->is_mark_wanted || (fx_lsn_parse(fx_str_from(s->at.text), &at) &&
                                 fx_lsn_parse(fx_str_from(s->sink->progress.pos.text), &marked) &&
                                 at.at >= marked.at + SLOT_BEHIND_MAX);
}

static bool mark_idle(struct streamer *s, struct fx_mono now, struct fx_err *err)
{
    if (s->gate.mode != CDC_GATE_RUN || s->sink->is_pending || !is_mark_due(s, now))
        return true;
    s->marked_at = now;
    s->is_mark_wanted = false;
    if (strcmp(s->at.text, s->sink->progress.pos.text) == 0)
        return true;
    return s->sink->ops->mark(s->sink, &s->at, CDC_PROGRESS_STREAM, err);
}

/* A hold for a comparison that was interrupted would let everything wait until its limit, for nobody. */
static void expire_hold(struct streamer *s, struct fx_mono now)
{
    if (cdc_gate_expire(&s->gate, now)) {
        fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "hold ended by itself", NULL);
    } else if (s->gate.mode != CDC_GATE_RUN && s->holder > 0 && kill(s->holder, 0) != 0 &&
               errno == ESRCH) {
        cdc_gate_release(&s->gate);
        fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "hold ended with its holder", "pid=%d",
               (int)s->holder);
    }
}

static bool between_txns(struct streamer *s, struct fx_mono now, struct fx_err *err)
{
    take_command(s);
    expire_hold(s, now);
    if (!finish_command(s, err))
        return false;
    if (s->gate.mode == CDC_GATE_RUN && s->status.phase == CDC_PHASE_HELD)
        set_phase(s, CDC_PHASE_STREAM);
    if (s->status.phase == CDC_PHASE_CATCHUP && s->status.lag_ms >= 0 &&
        s->status.lag_ms < CATCHUP_LAG_MS)
        set_phase(s, CDC_PHASE_STREAM);
    if (!mark_idle(s, now, err))
        return false;
    if (s->has_waiting && cdc_gate_allows(&s->gate, &s->waiting.pos)) {
        s->has_waiting = false;
        struct cdc_txn txn = s->waiting;
        return begin_txn(s, &txn, err);
    }
    return true;
}

static bool ask_end(struct streamer *s, struct fx_mono now, struct fx_err *err)
{
    bool is_urgent = s->gate.mode == CDC_GATE_ADVANCE || s->status.phase == CDC_PHASE_CATCHUP;
    int64_t wait_ms = is_urgent ? ASK_MS : s->env->options->status_ms;
    if (s->has_waiting || fx_mono_since_us(s->asked_at, now) < wait_ms * 1000)
        return true;
    s->asked_at = now;
    return s->src->ops->ask_end(s->src, err);
}

static bool turn(struct streamer *s, struct fx_err *err)
{
    struct fx_mono now = fx_mono_now();
    struct cdc_event event;
    if (!s->is_in_txn && !between_txns(s, now, err))
        return false;
    if (s->is_stopping && !s->is_in_txn)
        return s->sink->ops->settle(s->sink, err);
    publish(s, false);
    if (!confirm(s, now, err) || !ask_end(s, now, err))
        return false;
    if (s->has_waiting) { /* held in front of a transaction: nothing to read until released */
        fx_sleep_ms(2);
        return true;
    }
    bool is_urgent = s->gate.mode == CDC_GATE_ADVANCE;
    if (s->sink->is_pending && !s->src->ops->has_buffered(s->src) &&
        !s->sink->ops->settle(s->sink, err))
        return false;
    return s->src->ops->next(s->src, is_urgent ? ASK_MS : TURN_MS, &event, err) &&
           on_event(s, &event, err);
}

/* ---- sessions ---------------------------------------------------------------------------------------- */

static bool on_copy_progress(void *arg, int64_t copied, int64_t total)
{
    struct streamer *s = arg;
    struct cdc_command command;
    s->status.copied_rows = copied;
    s->status.copy_total_rows = total;
    publish(s, false);
    if (cdc_control_peek(s->env->control, &command) && command.kind == CDC_CMD_STOP)
        s->is_stopping = true;
    return !s->is_stopping;
}

static bool copy(struct streamer *s, struct fx_err *err)
{
    struct cdc_snapshot_env env = {.binding = s->binding,
                                   .options = s->env->options,
                                   .sink = s->sink,
                                   .on_progress = on_copy_progress,
                                   .arg = s};
    if (s->binding->direction != FX_FORWARD)
        return fx_fail(err, FX_E_DRIFT, "stream \"%s\" has no position to start from",
                       s->binding->stream);
    set_phase(s, CDC_PHASE_COPY);
    publish(s, true);
    if (!fx_file_remove(s->env->context_path, err) || !cdc_snapshot_run(&env, err))
        return false;
    s->status.copy_total_rows = s->status.copied_rows;
    fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "copy finished", "rows=%" PRId64,
           s->status.copied_rows);
    return cdc_context_keep(s->env->context_path, &s->binding->ctx, err);
}

static bool open_session(struct streamer *s, struct fx_err *err)
{
    struct cdc_sink_spec spec = {.binding = s->binding,
                                 .options = s->env->options,
                                 .epoch = s->epoch,
                                 .is_exact = s->is_exact};
    if (!cdc_sink_db_open(&spec, &s->sink, err))
        return false;
    s->epoch = s->sink->progress.epoch;
    bool is_copied = s->sink->progress.phase == CDC_PROGRESS_STREAM;
    if (!(is_copied ? cdc_context_go_on(s->env->context_path, s->binding, err) : copy(s, err)))
        return false;
    s->at = s->sink->progress.pos;
    s->status.leaks = s->sink->leaks;
    (void)snprintf(s->status.leak_last, sizeof s->status.leak_last, "%s", s->sink->leak_last);
    for (size_t i = 0; i < FX_ARRAY_LEN(s->owns); i++)
        cdc_own_watch_init(&s->owns[i], i == 0 ? s->binding->ctx.name : s->binding->canary_group);
    if (!cdc_own_query(s->binding, &s->own_read, err))
        return false;
    FX_FAILPOINT("stream.open.before");
    bool is_pg = s->binding->source->engine == FX_PG;
    bool is_ok =
        is_pg ? cdc_source_pg_open(s->binding, &s->at, s->env->control->wake_fd, &s->src, err)
              : cdc_source_my_open(s->binding, &s->at, s->env->control->wake_fd, &s->src, err);
    if (is_ok)
        set_phase(s, CDC_PHASE_CATCHUP);
    return is_ok;
}

static void close_session(struct streamer *s)
{
    if (s->src != NULL)
        s->src->ops->close(s->src);
    if (s->sink != NULL)
        s->sink->ops->close(s->sink);
    s->src = NULL;
    s->sink = NULL;
    s->is_in_txn = s->has_waiting = false;
    s->status.lag_ms = -1;
    s->own_read.is_waiting = false;
}

static bool run_session(struct streamer *s, struct fx_err *err)
{
    if (!open_session(s, err))
        return false;
    while (!s->is_stopping || s->is_in_txn)
        if (!turn(s, err))
            return false;
    if (!s->sink->ops->settle(s->sink, err))
        return false;
    publish(s, true);
    return s->src->ops->confirm(s->src, &s->sink->progress.pos, err);
}

/* Waits, but not past a stop; a held reader's hold is over with the session that it held. */
static void back_off(struct streamer *s, int64_t ms)
{
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), ms);
    struct cdc_command command;
    cdc_gate_release(&s->gate);
    while (!s->is_stopping && !fx_mono_reached(until, fx_mono_now())) {
        if (cdc_control_peek(s->env->control, &command) && command.kind == CDC_CMD_STOP)
            s->is_stopping = true;
        fx_sleep_ms(20);
    }
}

/* Is there a point in another session? Decides and prepares it. */
static bool will_retry(struct streamer *s, const struct fx_err *err)
{
    bool is_data = err->code == FX_E_TARGET_CONFLICT || err->code == FX_E_TARGET;
    if (err->is_retriable)
        return true;
    if (is_data && !s->is_exact && s->status.phase != CDC_PHASE_COPY) {
        s->is_exact = true; /* once more, change by change, to name the row */
        s->exact_txns = 0;
        return true;
    }
    return false;
}

static void publish_error(struct streamer *s, const struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(64 << 10);
    fx_err_render_json(err, &json);
    if (json.len >= sizeof s->status.error) { /* too long for a status: keep what matters most */
        struct fx_err brief = *err;
        brief.context[0] = '\0';
        brief.detail[256] = '\0';
        fx_buf_clear(&json);
        fx_err_render_json(&brief, &json);
    }
    if (json.len < sizeof s->status.error)
        (void)snprintf(s->status.error, sizeof s->status.error, "%s", fx_buf_cstr(&json));
    publish(s, true);
}

/* Whoever still waits hears now how it ended, instead of waiting for its own time-out. */
static void answer_last(struct streamer *s, const struct fx_err *why)
{
    struct cdc_command command;
    struct fx_err gone = FX_ERR_INIT;
    if (!cdc_control_peek(s->env->control, &command))
        return;
    if (command.kind != CDC_CMD_STOP)
        (void)fx_fail(&gone, FX_E_STREAM, "stream \"%s\" stopped%s%s", s->binding->stream,
                      why != NULL ? ": " : "", why != NULL ? why->message : "");
    cdc_control_answer(s->env->control, command.ticket, &s->at, fx_err_is(&gone) ? &gone : NULL);
}

bool cdc_streamer_run(const struct cdc_streamer_env *env, struct fx_err *err)
{
    struct streamer s = {.env = env, .binding = env->binding};
    int64_t backoff_ms = BACKOFF_MIN_MS;
    s.status = env->control->status;
    s.status.phase = CDC_PHASE_STARTING;
    s.gate.engine = env->binding->source->engine;
    s.rate_at = fx_mono_now();
    bool is_ok = false;
    while (!is_ok) {
        struct fx_err why = FX_ERR_INIT;
        is_ok = run_session(&s, &why);
        bool was_live = s.status.phase == CDC_PHASE_STREAM || s.status.phase == CDC_PHASE_HELD;
        close_session(&s);
        if (is_ok || (s.is_stopping && (why.is_retriable || why.code == FX_E_INTERRUPTED))) {
            is_ok = true;
            break;
        }
        if (!will_retry(&s, &why)) {
            *err = why;
            break;
        }
        fx_log_err(FX_LOG_WARN, "cdc", s.binding->stream, "session lost, trying again", &why);
        set_phase(&s, CDC_PHASE_STARTING);
        publish_error(&s, &why);
        backoff_ms = was_live ? BACKOFF_MIN_MS : FX_MIN(backoff_ms * 2, (int64_t)BACKOFF_MAX_MS);
        back_off(&s, backoff_ms);
        s.status.error[0] = '\0';
    }
    set_phase(&s, CDC_PHASE_STOPPED);
    if (is_ok)
        publish(&s, true);
    else
        publish_error(&s, err);
    answer_last(&s, is_ok ? NULL : err);
    return is_ok;
}
