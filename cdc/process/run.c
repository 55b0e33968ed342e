/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside a stream's process: `ficus cdc run`. It takes the lock, answers on its socket from then
 * on, waits for both servers and, on the reverse stream, for the copy to begin; then it streams
 * until it is stopped or fails.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "cdc/checks.h"
#include "cdc/process/error_file.h"
#include "cdc/process/paths.h"
#include "cdc/process/serve.h"
#include "cdc/stream/streamer.h"
#include "lib/base/clock.h"
#include "lib/err/redact.h"
#include "lib/http/serve.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/io/private.h"
#include "lib/io/privilege.h"
#include "lib/log/log.h"
#include "lib/ownership/schema.h"

enum { POLL_MS = 20 };

struct signals {
    struct cdc_control *control;
    pthread_t thread;
    sigset_t set;
    int stop_signal; /* ends the thread itself */
};

static void *wait_signals(void *arg)
{
    struct signals *signals = arg;
    int number = 0;
    while (sigwait(&signals->set, &number) == 0 && number != signals->stop_signal)
        cdc_control_request_stop(signals->control);
    return NULL;
}

/* SIGTERM and SIGINT are a clean stop; SIGHUP of a closed
 * terminal is nothing. Blocked before any thread exists. */
static bool signals_start(struct signals *signals, struct cdc_control *control, struct fx_err *err)
{
    signals->control = control;
    signals->stop_signal = SIGUSR2;
    (void)sigemptyset(&signals->set);
    (void)sigaddset(&signals->set, SIGTERM);
    (void)sigaddset(&signals->set, SIGINT);
    (void)sigaddset(&signals->set, SIGUSR2);
    (void)pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = fx_failpoint_error("stream.thread")
                 ? EAGAIN
                 : pthread_create(&signals->thread, NULL, wait_signals, signals);
    return rc == 0 ||
           fx_fail_errno(err, FX_E_IO, rc, "could not start the signal thread of stream \"%s\"",
                         control->stream) ||
           fx_hint(err, "Raise the limits of processes (ulimit -u) and memory of this user, then "
                        "run the same command again; in a run: ficus run resume");
}

static void signals_stop(struct signals *signals)
{
    (void)pthread_kill(signals->thread, signals->stop_signal);
    (void)pthread_join(signals->thread, NULL);
}

static bool bind_once(struct fx_context *ctx, enum fx_direction direction, struct fx_arena *arena,
                      struct cdc_binding **ret, struct fx_err *err)
{
    struct cdc_sides sides;
    if (!cdc_sides_open(ctx, &sides, err))
        return false;
    bool is_ok = cdc_bind(ctx, direction, sides.old_side.db, sides.new_side.db, arena, ret, err) &&
                 cdc_no_silent_loss(&sides, err);
    cdc_sides_close(&sides);
    return is_ok;
}

/* Sleeps that long; true as soon as a stop is requested. */
static bool pause_or_stop(struct cdc_control *control, int64_t wait_ms)
{
    FX_AUTO(cdc_command) struct cdc_command asked = {0};
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), wait_ms);
    while (!fx_mono_reached(until, fx_mono_now())) {
        if (cdc_control_peek(control, &asked) && asked.kind == CDC_CMD_STOP) {
            cdc_control_answer(control, asked.ticket, NULL, NULL);
            return true;
        }
        fx_sleep_ms(POLL_MS);
    }
    return false;
}

/* A server that is down when the stream starts is waited for like one that goes down later. */
static bool bind_patiently(struct fx_context *ctx, enum fx_direction direction,
                           struct cdc_control *control, struct fx_arena *arena,
                           struct cdc_binding **ret, bool *ret_is_stopped, struct fx_err *err)
{
    int64_t wait_ms = 100;
    while (!*ret_is_stopped && !bind_once(ctx, direction, arena, ret, err)) {
        if (!err->is_retriable)
            return false;
        fx_log_err(FX_LOG_WARN, "cdc", control->stream, "could not start yet, retrying", err);
        fx_err_clear(err);
        *ret_is_stopped = pause_or_stop(control, wait_ms);
        wait_ms = FX_MIN(wait_ms * 2, (int64_t)5000);
    }
    return true;
}

/* No row: not installed, which the applier says better. */
static bool copy_has_begun(const struct cdc_binding *binding, bool *ret, struct fx_err *err)
{
    struct fx_db *db = NULL;
    struct fx_rows rows = {0};
    fx_cell forward = fx_str_from(binding->other_stream);
    bool is_ok = fx_db_open(binding->source, &db, err) && fx_schema_guard(db, err) &&
                 fx_db_query(db, "select 1 from ficus.progress where stream = ? and phase = 'new'",
                             &forward, 1, &rows, err);
    if (is_ok)
        *ret = rows.n_rows == 0;
    fx_rows_done(&rows);
    fx_db_close(db);
    return is_ok || fx_ctx(err, "checking whether the copy has started");
}

/* The reverse stream: its start is known when the
 * forward stream has begun to copy (snapshotter.c). */
static bool wait_copy(const struct cdc_binding *binding, struct cdc_control *control,
                      bool *ret_is_stopped, struct fx_err *err)
{
    bool has_begun = false;
    while (!*ret_is_stopped && !has_begun) {
        if (!copy_has_begun(binding, &has_begun, err)) {
            if (!err->is_retriable)
                return false;
            fx_log_err(FX_LOG_WARN, "cdc", control->stream, "could not start yet, retrying", err);
            fx_err_clear(err);
        }
        if (!has_begun)
            *ret_is_stopped = pause_or_stop(control, 100);
    }
    return true;
}

static bool run_stream(struct fx_context *ctx, enum fx_direction direction,
                       const struct cdc_options *options, struct cdc_control *control,
                       const struct cdc_paths *paths, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct cdc_streamer_env env = {
        .options = options, .control = control, .context_path = paths->context};
    struct cdc_binding *binding = NULL;
    bool is_stopped = false;
    if (!bind_patiently(ctx, direction, control, &arena, &binding, &is_stopped, err))
        return false;
    if (binding != NULL)
        binding->accept_ddl = options->accept_ddl;
    env.binding = binding;
    if (!is_stopped && direction == FX_REVERSE && !wait_copy(binding, control, &is_stopped, err))
        return false;
    return is_stopped || cdc_streamer_run(&env, err);
}

static bool run_locked(struct fx_context *ctx, enum fx_direction direction,
                       const struct cdc_options *options, const char *name,
                       const struct cdc_paths *paths, struct fx_err *err)
{
    struct cdc_control control;
    struct signals signals;
    struct fx_serve *serve = NULL;
    if (!cdc_control_init(&control, name, options->tail_keys, err))
        return false;
    if (!signals_start(&signals, &control, err)) {
        cdc_error_leave(paths->error, err);
        cdc_control_done(&control);
        return false;
    }
    bool is_ok = fx_file_remove(paths->error, err) &&
                 cdc_serve(&control, paths->sock, &serve, err) &&
                 run_stream(ctx, direction, options, &control, paths, err);
    (void)fx_err_tell_hidden(err, FX_CMD_START " --show-values");
    (void)fx_err_name_context(err, ctx->name);
    if (!is_ok)
        cdc_error_leave(paths->error, err);
    fx_serve_stop(serve);
    signals_stop(&signals);
    cdc_control_done(&control);
    return is_ok;
}

bool cdc_run(struct fx_project *project, struct fx_context *ctx, enum fx_direction direction,
             const struct cdc_options *options, struct fx_err *err)
{
    struct cdc_ref ref = {project->path, project->state_dir, ctx->name, direction};
    struct cdc_paths paths;
    struct fx_flock *lock = NULL;
    char name[128];
    char what[160];
    cdc_stream_name(&ref, name, sizeof name);
    (void)snprintf(what, sizeof what, "stream %s", name);
    if (!cdc_paths_make(&ref, &paths, err))
        return false;
    if (!fx_dir_secure(ref.state_dir, err) || !fx_dir_make(paths.dir, err) ||
        !fx_flock_take(paths.lock, what, &lock, err)) {
        if (err->code != FX_E_LOCKED) /* then the file is its holder's */
            cdc_error_leave(paths.error, err);
        return false;
    }
    fx_privilege_warn("stream", name);
    bool is_ok = run_locked(ctx, direction, options, name, &paths, err);
    fx_flock_release(lock);
    return is_ok;
}
