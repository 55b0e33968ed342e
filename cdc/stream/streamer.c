/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streamer; see the diagram in streamer.h. A turn is: take a command, look at the hold point,
 * take one event, hand it on (events.c). Commands are answered only between transactions
 * (commands.c).
 */
#include "cdc/stream/streamer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/engine.h"
#include "cdc/snapshot/snapshotter.h"
#include "cdc/stream/commands.h"
#include "cdc/stream/events.h"
#include "cdc/stream/truncate.h"
#include "lib/base/panic.h"
#include "lib/err/redact.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

enum {
    TURN_MS = 200, /* longest wait for an event */
    ASK_MS = 20,   /* how often an advance asks an idle source how far it is */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    CATCHUP_LAG_MS = 1000,
    FENCE_MS = 10000, /* between two looks whether a side that gave its tables away refuses */
    LOG_MS = 10000,   /* between two looks how long the source still has the log */
    LOOK_MS = 3000,   /* between two looks whether the stream is still ours */
    CONFIRM_MS = 200, /* at most this often while transactions flow */
};

/* --- turns ------------------------------------------------------------------------------------ */

/*
 * Never more than the target's progress row says: a target that comes back with an older row (a
 * backup, a crash) asks for what it lost, and a slot that was confirmed further would silently
 * begin after that.
 */
static bool confirm(struct cdc_streamer *s, struct fx_mono now, struct fx_err *err)
{
    const struct fx_pos *safe = &s->sink->progress.pos;
    bool is_news = !fx_pos_equal(safe, &s->confirmed);
    int64_t wait_ms = is_news ? CONFIRM_MS : s->env->options->heartbeat_ms;
    if (fx_mono_since_us(s->confirmed_at, now) < wait_ms * 1000)
        return true;
    s->confirmed_at = now;
    fx_pos_copy(&s->confirmed, safe);
    return s->src->ops->confirm(s->src, safe, err);
}

/* Other people's transactions move the position and not the
 * progress row; how far it may stay back the engine knows. */
static bool is_progress_due(const struct cdc_streamer *s, struct fx_mono now)
{
    bool is_heartbeat =
        fx_mono_since_us(s->recorded_at, now) >= s->env->options->heartbeat_ms * 1000;
    return cdc_engine_of(s->binding->source)
        ->source.is_progress_due(&s->at, &s->sink->progress.pos, s->is_confirm_wanted,
                                 is_heartbeat);
}

static bool record_idle(struct cdc_streamer *s, struct fx_mono now, struct fx_err *err)
{
    if (s->hold.mode != CDC_HOLD_RUN || s->sink->is_pending || !is_progress_due(s, now))
        return true;
    s->recorded_at = now;
    s->is_confirm_wanted = false;
    if (fx_pos_equal(&s->at, &s->sink->progress.pos))
        return true;
    return s->sink->ops->progress_only(s->sink, &s->at, CDC_PROGRESS_STREAM, err);
}

/*
 * A side that gave its tables away must refuse writers. Where it does not, the stream goes on, as
 * it is what finds the writes; its status says so. What cannot be looked at now is looked at again.
 */
static void look_at_fence(struct cdc_streamer *s, enum fx_own_state state)
{
    FX_AUTO(fx_findings) struct fx_findings f;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    struct fx_err err = FX_ERR_INIT;
    s->fence_looked_at = fx_mono_now();
    fx_findings_init(&f);
    if (state == FX_OWN_AWAY && !cdc_own_look_fence(s->binding, &f, &err)) {
        fx_log_err(FX_LOG_WARN, "cdc", s->binding->stream, "could not look at the fence", &err);
        return;
    }
    s->status.missing_fences = (int64_t)f.n;
    if (f.n == 0)
        return;
    fx_findings_text(&f, &text);
    fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "tables accept writes and should refuse them",
           "hint=\"ficus upgrade --execute\" tables=\"%s\"", fx_buf_cstr(&text));
}

static void look_at_fence_in_time(struct cdc_streamer *s, struct fx_mono now)
{
    if (s->hold.mode == CDC_HOLD_RUN && !s->own_read.is_waiting &&
        fx_mono_since_us(s->fence_looked_at, now) >= FENCE_MS * 1000)
        look_at_fence(s, s->owns[0].own.state);
}

/* Once when it begins to end, not at each look. */
static void warn_of_log(struct cdc_streamer *s, bool is_ending)
{
    const struct cdc_status *st = &s->status;
    if (is_ending && !s->is_log_ending)
        fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "the source soon removes log that is needed",
               "state=%s kept_bytes=%" PRId64 " left_bytes=%" PRId64 " left_s=%" PRId64
               " hint=\"ficus cdc status --context %s\"",
               st->log_state, st->log_kept_bytes, st->log_left_bytes, st->log_left_s,
               s->binding->ctx.name);
    s->is_log_ending = is_ending;
}

/* What may not be asked is not shown; the preflight has said which right it takes. */
static void look_at_log(struct cdc_streamer *s, struct fx_mono now)
{
    struct cdc_log_look look = {0};
    struct fx_err ignored = FX_ERR_INIT;
    double seconds = (double)fx_mono_since_us(s->log_looked_at, now) / 1e6;
    bool is_ok = s->src->ops->look_log(s->src, &s->sink->progress.pos, &look, &ignored);
    s->log_looked_at = now;
    if (!is_ok || look.state[0] == '\0')
        return;
    double rate = s->log_end_bytes > 0 && seconds > 0 && look.end_bytes >= s->log_end_bytes
                      ? (double)(look.end_bytes - s->log_end_bytes) / seconds
                      : -1;
    s->log_end_bytes = look.end_bytes;
    int64_t age_s = s->status.lag_ms >= 0 ? s->status.lag_ms / 1000 : -1;
    cdc_log_show(&look, cdc_log_forecast(&look, rate, age_s), &s->status);
    warn_of_log(s, cdc_log_is_ending(&look, age_s));
}

static void look_at_log_in_time(struct cdc_streamer *s, struct fx_mono now)
{
    if (s->hold.mode == CDC_HOLD_RUN && s->txn_state == CDC_TXN_NONE &&
        fx_mono_since_us(s->log_looked_at, now) >= LOG_MS * 1000)
        look_at_log(s, now);
}

/* A stream without traffic sends nothing by which it would notice that it was taken over. */
static bool look_around(struct cdc_streamer *s, struct fx_mono now, struct fx_err *err)
{
    if (s->sink->is_pending || fx_mono_since_us(s->looked_at, now) < LOOK_MS * 1000)
        return true;
    s->looked_at = now;
    return s->sink->ops->look(s->sink, err);
}

/*
 * What was passed is not known to be equal: the row in ficus.leak says so until somebody has
 * compared. It is there before the position moves past the DDL.
 */
static bool note_passed(struct cdc_streamer *s, const char *what, struct fx_err *err)
{
    s->status.leaks++;
    (void)snprintf(s->status.leak_last, sizeof s->status.leak_last, "%s", what);
    fx_log(FX_LOG_WARN, "cdc", s->binding->stream, "DDL passed that may have changed rows",
           "what=\"%s\"", what);
    return s->sink->ops->leak(s->sink, 1, what, err);
}

static bool note_passed_ddl(struct cdc_streamer *s, struct fx_err *err)
{
    struct cdc_passed_ddl *passed = &s->src->passed_ddl;
    bool is_ok = true;
    if (passed->n == 0)
        return true;
    s->must_keep_passed = s->must_move_past = true;
    for (size_t i = 0; i < passed->n && is_ok; i++)
        is_ok = note_passed(s, passed->what[i], err);
    cdc_passed_ddl_done(passed);
    return is_ok;
}

/*
 * Makes durable that DDL was passed, by the position after it or in what the source keeps: a stream
 * that is stopped now must not stop there again when it is started without that word.
 */
static bool keep_passed_ddl(struct cdc_streamer *s, struct fx_err *err)
{
    bool may_move = s->must_move_past && s->hold.mode == CDC_HOLD_RUN;
    bool must_keep = s->must_keep_passed;
    if (!may_move && !must_keep)
        return true;
    if (!s->sink->ops->flush(s->sink, err))
        return false;
    if (may_move && !fx_pos_equal(&s->at, &s->sink->progress.pos) &&
        !s->sink->ops->progress_only(s->sink, &s->at, CDC_PROGRESS_STREAM, err))
        return false;
    s->must_move_past = s->must_move_past && !may_move;
    s->must_keep_passed = false; /* once: a source that cannot now does with its next look */
    if (must_keep && s->src->ops->keep_passed != NULL && !s->src->ops->keep_passed(s->src, err))
        return false;
    return note_passed_ddl(s, err);
}

/* What stands in the log from before the session began may be what stops it. */
static bool is_live(const struct cdc_streamer *s)
{
    return s->status.lag_ms >= 0 && s->status.lag_ms < CATCHUP_LAG_MS &&
           fx_pos_covers(s->binding->source->engine, &s->at, &s->own_read.pos);
}

static bool between_txns(struct cdc_streamer *s, struct fx_mono now, struct fx_err *err)
{
    cdc_commands_take(s);
    cdc_commands_expire_hold(s, now);
    if (!cdc_commands_finish(s, err))
        return false;
    if (s->hold.mode == CDC_HOLD_RUN && s->status.phase == CDC_PHASE_HELD)
        cdc_streamer_set_phase(s, CDC_PHASE_STREAM);
    if (s->status.phase == CDC_PHASE_CATCHUP && is_live(s))
        cdc_streamer_set_phase(s, CDC_PHASE_STREAM);
    look_at_fence_in_time(s, now);
    look_at_log_in_time(s, now);
    if (!keep_passed_ddl(s, err) || !record_idle(s, now, err) || !look_around(s, now, err))
        return false;
    if (s->txn_state == CDC_TXN_WAITING && cdc_hold_allows(&s->hold, &s->txn.pos))
        return cdc_events_begin(s, &s->txn, err);
    return true;
}

static bool request_end(struct cdc_streamer *s, struct fx_mono now, struct fx_err *err)
{
    bool is_urgent = s->hold.mode == CDC_HOLD_ADVANCE || s->status.phase == CDC_PHASE_CATCHUP;
    int64_t wait_ms = is_urgent ? ASK_MS : s->env->options->status_ms;
    if (s->txn_state == CDC_TXN_WAITING || fx_mono_since_us(s->requested_at, now) < wait_ms * 1000)
        return true;
    s->requested_at = now;
    return s->src->ops->request_end(s->src, err);
}

/* What stops the source comes after complete transactions. */
static bool next_event(struct cdc_streamer *s, int64_t timeout_ms, struct cdc_event *ret,
                       struct fx_err *err)
{
    struct fx_err ignored = FX_ERR_INIT;
    if (s->src->ops->next(s->src, timeout_ms, ret, err))
        return note_passed_ddl(s, err);
    if (!s->sink->ops->flush(s->sink, &ignored))
        return fx_ctx(err, "what came before it is applied again");
    return false;
}

static bool turn(struct cdc_streamer *s, struct fx_err *err)
{
    struct fx_mono now = fx_mono_now();
    struct cdc_event event;
    if (!cdc_streamer_is_in_txn(s) && !between_txns(s, now, err))
        return false;
    if (s->is_stopping && !cdc_streamer_is_in_txn(s))
        return s->sink->ops->flush(s->sink, err);
    if (s->txn_state == CDC_TXN_WAITING &&
        s->txn.commit_us != 0) /* not applied, so it is late from its commit on */
        s->status.lag_ms = cdc_events_lag_ms(s->txn.commit_us, s->txn.is_coarse_time);
    cdc_streamer_publish(s, false);
    if (!confirm(s, now, err) || !request_end(s, now, err))
        return false;
    if (s->txn_state ==
        CDC_TXN_WAITING) { /* held in front of a transaction: nothing to read until released */
        fx_sleep_ms(2);
        return true;
    }
    if (s->truncate.state == CDC_TRUNCATE_DELETING)
        return cdc_truncate_part(s, err);
    bool is_urgent = s->hold.mode == CDC_HOLD_ADVANCE;
    if (s->sink->is_pending && !s->src->ops->has_buffered(s->src) &&
        !s->sink->ops->flush(s->sink, err))
        return false;
    if (!next_event(s, is_urgent ? ASK_MS : TURN_MS, &event, err))
        return false;
    if (s->truncate.state == CDC_TRUNCATE_ASKING) {
        cdc_truncate_ask(s, &event);
        return true;
    }
    return cdc_events_handle(s, &event, err);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void note_copy(struct cdc_streamer *s, const struct cdc_copy_at *at)
{
    const struct fx_table *table = cdc_source_table(s->binding, at->table);
    s->status.copied_rows = at->rows;
    s->status.copy_total_rows = at->total_rows;
    s->status.copy_left_ms = at->left_ms;
    s->status.copy_table_number = (int64_t)at->table + 1;
    s->status.copy_tables = (int64_t)at->n_tables;
    s->status.copy_table_rows = at->table_rows;
    s->status.copy_table_total_rows = at->table_total_rows;
    (void)snprintf(s->status.copy_table, sizeof s->status.copy_table, "%s.%s", table->schema,
                   table->name);
}

static void forget_table(struct cdc_streamer *s)
{
    s->status.copy_table_number = s->status.copy_table_rows = s->status.copy_table_total_rows = 0;
    s->status.copy_table[0] = '\0';
}

/* A copy that begins again counts from nothing. */
static void reset_copy(struct cdc_streamer *s)
{
    s->status.copied_rows = s->status.copy_total_rows = 0;
    s->status.copy_left_ms = -1;
    s->rate_rows = s->status.applied_rows;
    s->rate_at = fx_mono_now();
    forget_table(s);
}

static void end_copy(struct cdc_streamer *s)
{
    s->status.copy_total_rows = s->status.copied_rows;
    s->status.copy_left_ms = 0;
    forget_table(s);
}

static bool on_copy_progress(void *arg, const struct cdc_copy_at *at)
{
    struct cdc_streamer *s = arg;
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    note_copy(s, at);
    cdc_streamer_publish(s, false);
    if (cdc_control_peek(s->env->control, &command) && command.kind == CDC_CMD_STOP)
        s->is_stopping = true;
    return !s->is_stopping;
}

static bool copy(struct cdc_streamer *s, struct fx_err *err)
{
    struct cdc_snapshot_env env = {.binding = s->binding,
                                   .options = s->env->options,
                                   .sink = s->sink,
                                   .on_progress = on_copy_progress,
                                   .arg = s};
    if (s->binding->direction != FX_FORWARD)
        return fx_fail(err, FX_E_DRIFT,
                       "stream \"%s\" cannot start: no position is saved for it in database \"%s\"",
                       s->binding->stream, s->binding->target->name) ||
               fx_hint(err,
                       "Another program changed the row of this stream in table ficus.progress. "
                       "To copy again, " FX_CMD_NEW_COPY ".");
    cdc_streamer_set_phase(s, CDC_PHASE_COPY);
    reset_copy(s);
    cdc_streamer_publish(s, true);
    if (!fx_file_remove(s->env->context_path, err) || !cdc_snapshot_run(&env, err))
        return false;
    end_copy(s);
    fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "copy finished", "rows=%" PRId64,
           s->status.copied_rows);
    return cdc_context_keep(s->env->context_path, &s->binding->ctx, err);
}

static bool open_session(struct cdc_streamer *s, struct fx_err *err)
{
    struct cdc_sink_spec spec = {.binding = s->binding,
                                 .options = s->env->options,
                                 .epoch = s->epoch,
                                 .is_exact = s->care.is_exact,
                                 .members_max = s->care.members_max};
    if (!cdc_sink_db_open(&spec, &s->sink, err))
        return false;
    s->epoch = s->sink->progress.epoch;
    bool is_copied = s->sink->progress.phase == CDC_PROGRESS_STREAM;
    if (!(is_copied ? cdc_context_go_on(s->env->context_path, s->binding, err) : copy(s, err)))
        return false;
    fx_pos_copy(&s->at, &s->sink->progress.pos);
    s->status.leaks = s->sink->leaks;
    (void)snprintf(s->status.leak_last, sizeof s->status.leak_last, "%s", s->sink->leak_last);
    for (size_t i = 0; i < FX_ARRAY_LEN(s->owns); i++)
        cdc_own_watch_init(&s->owns[i], i == 0 ? s->binding->ctx.name : s->binding->canary_group);
    cdc_truncate_adopt(s);
    if (!cdc_own_query(s->binding, &s->own_read, err))
        return false;
    look_at_fence(s, s->own_read.is_waiting ? s->own_read.owns[0].state : FX_OWN_UNKNOWN);
    FX_FAILPOINT("stream.open.before");
    bool is_ok = cdc_engine_of(s->binding->source)
                     ->source.open(s->binding, &s->at, s->env->control->wake_fd, &s->src, err);
    if (!is_ok || !note_passed_ddl(s, err) || !keep_passed_ddl(s, err))
        return false;
    cdc_streamer_set_phase(s, CDC_PHASE_CATCHUP);
    FX_FAILPOINT("stream.open.after");
    return true;
}

static void close_session(struct cdc_streamer *s)
{
    if (s->src != NULL)
        s->src->ops->close(s->src);
    if (s->sink != NULL) {
        fx_pos_copy(&s->failed.reach, &s->sink->reach);
        s->failed.group_members = s->sink->group_members;
        s->sink->ops->close(s->sink);
    }
    s->src = NULL;
    s->sink = NULL;
    cdc_streamer_set_txn(s, CDC_TXN_NONE);
    s->truncate.state = CDC_TRUNCATE_NONE;
    s->status.lag_ms = -1;
    s->own_read.is_waiting = false;
    s->must_keep_passed = s->must_move_past = false;
    fx_pos_done(&s->late_end);
}

static bool run_session(struct cdc_streamer *s, struct fx_err *err)
{
    if (!open_session(s, err))
        return false;
    while (!s->is_stopping || cdc_streamer_is_in_txn(s)) {
        if (!turn(s, err))
            return false;
        if (s->truncate.must_reopen)
            return true;
    }
    if (!s->sink->ops->flush(s->sink, err))
        return false;
    cdc_streamer_publish(s, true);
    return s->src->ops->confirm(s->src, &s->sink->progress.pos, err);
}

/* Waits, but not past a stop; a held reader's hold is over with the session that it held. */
static void back_off(struct cdc_streamer *s, int64_t ms)
{
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), ms);
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    cdc_hold_release(&s->hold);
    s->pending_kind =
        CDC_CMD_NONE; /* a waiting command is taken again: to advance without a pause is an error */
    while (!s->is_stopping && !fx_mono_reached(until, fx_mono_now())) {
        if (cdc_control_peek(s->env->control, &command) && command.kind == CDC_CMD_STOP)
            s->is_stopping = true;
        fx_sleep_ms(20);
    }
}

/* The next session goes carefully up to where the failed one would have come. */
static void take_care(struct cdc_streamer *s, bool is_exact, int64_t members_max)
{
    const struct fx_pos *reach = &s->failed.reach;
    s->care.is_exact = is_exact;
    s->care.members_max = members_max;
    if (fx_pos_is_empty(&s->care.until) ||
        fx_pos_covers(s->binding->source->engine, reach, &s->care.until))
        fx_pos_copy(&s->care.until, reach);
}

/* Is there a point in another session? Decides and prepares it. */
static bool will_retry(struct cdc_streamer *s, const struct fx_err *err)
{
    bool is_data = err->code == FX_E_TARGET_CONFLICT || err->code == FX_E_TARGET;
    bool has_begun = !fx_pos_is_empty(&s->failed.reach);
    if (err->is_retriable) {
        if (err->code == FX_E_DB_CONFLICT && has_begun && !s->care.is_exact)
            take_care(s, false, FX_MAX(s->failed.group_members / 2, (int64_t)1));
        return true;
    }
    if (is_data && !s->care.is_exact && has_begun && s->status.phase != CDC_PHASE_COPY) {
        take_care(s, true, 1); /* once more, change by change, to name the row */
        return true;
    }
    return false;
}

static void release(struct cdc_streamer *s)
{
    cdc_status_done(&s->status);
    cdc_hold_done(&s->hold);
    cdc_own_read_done(&s->own_read);
    cdc_txn_done(&s->txn);
    fx_pos_done(&s->at);
    fx_pos_done(&s->confirmed);
    fx_pos_done(&s->care.until);
    fx_pos_done(&s->failed.reach);
    fx_pos_done(&s->truncate.owner_at);
}

/* The next step where nobody below knew one, and the context's name in it. */
static bool fail_session(const struct cdc_streamer *s, struct fx_err *err)
{
    bool is_change = err->code == FX_E_SOURCE_DATA || err->code == FX_E_LIMIT;
    if (err->hint[0] != '\0')
        return fx_err_name_context(err, s->binding->ctx.name);
    if (err->is_retriable)
        (void)fx_hint(err, "The stream tries again by itself. To watch it: ficus cdc status "
                           "--context NAME");
    else if (is_change && s->status.phase == CDC_PHASE_COPY)
        (void)fx_hint(err, "Correct the value that the context lines name, in the source. Then "
                           "run: " FX_CMD_START);
    else if (is_change)
        (void)fx_hint(err, "The stream cannot pass this change. Correct the value that the context "
                           "lines name, in the source, then " FX_CMD_NEW_COPY ".");
    else
        (void)fx_hint(err,
                      "Remove the cause, then run: " FX_CMD_START ". What the code means: "
                      "ficus explain %s",
                      fx_code_name(err->code));
    return fx_err_name_context(err, s->binding->ctx.name);
}

/* Did the session end only to be read again, with the owner known? */
static bool reopens(struct cdc_streamer *s)
{
    bool must_reopen = s->truncate.must_reopen;
    s->truncate.must_reopen = false;
    if (must_reopen)
        cdc_streamer_set_phase(s, CDC_PHASE_STARTING);
    return must_reopen;
}

bool cdc_streamer_run(const struct cdc_streamer_env *env, struct fx_err *err)
{
    struct cdc_streamer s = {.env = env, .binding = env->binding};
    int64_t backoff_ms = BACKOFF_MIN_MS;
    cdc_status_copy(&s.status, &env->control->status);
    s.status.phase = CDC_PHASE_STARTING;
    s.hold.engine = env->binding->source->engine;
    s.rate_at = fx_mono_now();
    bool is_ok = false;
    while (!is_ok) {
        struct fx_err why = FX_ERR_INIT;
        is_ok = run_session(&s, &why);
        if (!is_ok && why.code == FX_E_TARGET_CONFLICT && s.src != NULL &&
            s.src->ops->explain != NULL)
            s.src->ops->explain(s.src, &why);
        is_ok = is_ok || fail_session(&s, &why);
        bool was_live = s.status.phase == CDC_PHASE_STREAM || s.status.phase == CDC_PHASE_HELD;
        close_session(&s);
        if (is_ok && reopens(&s)) {
            is_ok = false;
            continue;
        }
        if (is_ok || (s.is_stopping && (why.is_retriable || why.code == FX_E_INTERRUPTED))) {
            is_ok = true;
            break;
        }
        if (!will_retry(&s, &why)) {
            *err = why;
            break;
        }
        (void)fx_err_tell_hidden(&why, FX_CMD_STOP ", then " FX_CMD_START " --show-values");
        (void)fx_err_name_context(&why, s.binding->ctx.name);
        fx_log_err(FX_LOG_WARN, "cdc", s.binding->stream, "session failed, retrying", &why);
        cdc_streamer_set_phase(&s, CDC_PHASE_STARTING);
        cdc_streamer_publish_error(&s, &why);
        backoff_ms = was_live ? BACKOFF_MIN_MS : FX_MIN(backoff_ms * 2, (int64_t)BACKOFF_MAX_MS);
        back_off(&s, backoff_ms);
        s.status.error[0] = '\0';
    }
    cdc_streamer_set_phase(&s, CDC_PHASE_STOPPED);
    (void)fx_err_tell_hidden(err, FX_CMD_START " --show-values");
    (void)fx_err_name_context(err, s.binding->ctx.name);
    if (is_ok)
        cdc_streamer_publish(&s, true);
    else
        cdc_streamer_publish_error(&s, err);
    cdc_commands_end(&s, is_ok ? NULL : err);
    release(&s);
    return is_ok;
}
