/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream as a process: starting it detached, running inside it, and talking to it from elsewhere.
 *
 * The lock file decides whether it lives (the kernel drops it with the process); the socket is how it is
 * spoken to; <name>.error is what is left of one that stopped by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cdc/stream/control.h"
#include "cdc/checks.h"
#include "cdc/status.h"
#include "cdc/stream/streamer.h"
#include "lib/base/clock.h"
#include "lib/fmt/json_write.h"
#include "lib/http/client.h"
#include "lib/http/serve.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/log/log.h"

enum { SOCKET_PATH_MAX = 107, CALL_MS = 5000, POLL_MS = 20, ERROR_FILE_MAX = 64 << 10 };

struct paths {
    char dir[400], lock[512], sock[512], log[512], error[512], context[512];
};

static bool make_paths(const struct cdc_ref *ref, struct paths *ret, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    int n = snprintf(ret->dir, sizeof ret->dir, "%s/streams", ref->state_dir);
    if (n < 0 || (size_t)n >= sizeof ret->dir)
        return fx_fail(err, FX_E_CONFIG, "the state directory's path is too long");
    (void)snprintf(ret->lock, sizeof ret->lock, "%.380s/%.100s.lock", ret->dir, name);
    (void)snprintf(ret->log, sizeof ret->log, "%.380s/%.100s.log", ret->dir, name);
    (void)snprintf(ret->error, sizeof ret->error, "%.380s/%.100s.error", ret->dir, name);
    (void)snprintf(ret->context, sizeof ret->context, "%.380s/%.100s.context", ret->dir,
                   ref->context);
    n = snprintf(ret->sock, sizeof ret->sock, "%.380s/%.100s.sock", ret->dir, name);
    if (n > SOCKET_PATH_MAX) {
        (void)fx_fail(err, FX_E_CONFIG,
                      "the path of a stream's socket has %d bytes, the limit is %d: %s", n,
                      SOCKET_PATH_MAX, ret->sock);
        return fx_hint(err, "Set state.dir in ficus.yaml to a shorter path.");
    }
    return true;
}

/* ---- the client ---------------------------------------------------------------------------------------- */

static bool fail_gone(const struct cdc_ref *ref, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    (void)fx_fail(err, FX_E_STREAM, "stream \"%s\" is not running", name);
    return fx_hint(err, "Run: ficus run resume   or: ficus cdc start --context %s --execute",
                   ref->context);
}

/* The error object that the process answered, as an error here. */
static bool fail_answer(struct fx_str body, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    enum fx_code code = FX_E_STREAM;
    if (!fx_json_parse(body, &doc, err))
        return fx_ctx(err, "reading a stream's answer");
    const struct fx_json *root = fx_json_root(doc);
    if (!fx_code_from_name(fx_json_get_str(root, "code", "STREAM"), &code))
        code = FX_E_STREAM;
    (void)fx_fail(err, code, "%s", fx_json_get_str(root, "message", "the stream refused"));
    const char *hint = fx_json_get_str(root, "hint", "");
    if (hint[0] != '\0')
        (void)fx_hint(err, "%s", hint);
    return false;
}

static bool call(const struct cdc_ref *ref, const char *method, const char *path,
                 struct fx_str body, int64_t timeout_ms, struct fx_http_reply *ret,
                 struct fx_err *err)
{
    struct paths paths;
    char url[64];
    if (!make_paths(ref, &paths, err))
        return false;
    (void)snprintf(url, sizeof url, "http://stream%s", path);
    struct fx_http_request request = {.method = method,
                                      .url = url,
                                      .unix_socket = paths.sock,
                                      .body = body,
                                      .timeout_ms = timeout_ms};
    if (!fx_http_call(&request, ret, err)) {
        if (!fx_flock_is_held(paths.lock, NULL))
            return fail_gone(ref, err);
        fx_err_recode(err, FX_E_STREAM);
        return false;
    }
    if (ret->status < 400)
        return true;
    (void)fail_answer(fx_buf_str(&ret->body), err);
    fx_buf_done(&ret->body);
    return false;
}

static void read_error_file(const char *path, struct cdc_status *ret)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(ERROR_FILE_MAX);
    struct fx_err ignored = FX_ERR_INIT;
    if (fx_file_read(path, ERROR_FILE_MAX, &text, &ignored))
        (void)snprintf(ret->error, sizeof ret->error, "%s", fx_buf_cstr(&text));
}

bool cdc_status(const struct cdc_ref *ref, struct cdc_status *ret, struct fx_err *err)
{
    struct paths paths;
    struct fx_http_reply reply = {0};
    if (!make_paths(ref, &paths, err))
        return false;
    if (!call(ref, "GET", "/status", (struct fx_str){"", 0}, CALL_MS, &reply, err)) {
        if (fx_flock_is_held(paths.lock, NULL) || !fx_file_exists(paths.error))
            return false;
        fx_err_clear(err);
        cdc_status_done(ret);
        ret->phase = CDC_PHASE_STOPPED;
        ret->lag_ms = -1;
        read_error_file(paths.error, ret);
        return true;
    }
    bool is_ok = cdc_status_read(fx_buf_str(&reply.body), ret, err);
    fx_buf_done(&reply.body);
    return is_ok;
}

static bool command(const struct cdc_ref *ref, const char *path, const char *body,
                    int64_t timeout_ms, struct fx_pos *ret_at, struct fx_err *err)
{
    struct fx_http_reply reply = {0};
    if (!call(ref, "POST", path, fx_str_from(body), timeout_ms, &reply, err))
        return false;
    if (ret_at != NULL) {
        FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
        if (!fx_json_parse(fx_buf_str(&reply.body), &doc, err) ||
            !cdc_pos_read(fx_json_root(doc), "at", ret_at, err))
            (void)fx_ctx(err, "reading a stream's answer");
    }
    fx_buf_done(&reply.body);
    return !fx_err_is(err);
}

bool cdc_hold(const struct cdc_ref *ref, int64_t limit_ms, struct fx_pos *ret_at,
              struct fx_err *err)
{
    char body[96];
    (void)snprintf(body, sizeof body, "{\"limit_ms\":%" PRId64 ",\"while_caller_lives\":true}",
                   limit_ms);
    return command(ref, "/hold", body, 20000, ret_at, err);
}

bool cdc_advance(const struct cdc_ref *ref, const struct fx_pos *goal, int64_t timeout_ms,
                 struct fx_pos *ret_at, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1024 + 6 * FX_POS_MAX);
    struct fx_json_w w;
    fx_json_w_init(&w, &body);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "goal", fx_pos_text(goal));
    fx_json_w_kv_i64(&w, "timeout_ms", timeout_ms);
    fx_json_w_end(&w);
    return command(ref, "/advance", fx_buf_cstr(&body), timeout_ms + 5000, ret_at, err);
}

bool cdc_release(const struct cdc_ref *ref, struct fx_err *err)
{
    return command(ref, "/release", "{}", 20000, NULL, err);
}

bool cdc_tail(const struct cdc_ref *ref, struct fx_context *ctx, struct fx_arena *arena,
              struct cdc_key **ret_keys, size_t *ret_n, struct fx_err *err)
{
    struct fx_http_reply reply = {0};
    if (!call(ref, "GET", "/tail", (struct fx_str){"", 0}, CALL_MS, &reply, err))
        return false;
    bool is_ok = cdc_tail_read(fx_buf_str(&reply.body), ctx->n_tables, arena, ret_keys, ret_n, err);
    fx_buf_done(&reply.body);
    return is_ok;
}

bool cdc_stop(const struct cdc_ref *ref, int64_t timeout_ms, struct fx_err *err)
{
    struct paths paths;
    char body[64];
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    if (!make_paths(ref, &paths, err))
        return false;
    if (!fx_flock_is_held(paths.lock, NULL))
        return true;
    (void)snprintf(body, sizeof body, "{\"timeout_ms\":%" PRId64 "}", timeout_ms);
    bool was_told = command(ref, "/stop", body, timeout_ms + 2000, NULL, err);
    while (fx_flock_is_held(paths.lock, NULL)) {
        if (fx_mono_reached(until, fx_mono_now()))
            return !was_told ? false
                             : fx_fail(err, FX_E_TIMEOUT,
                                       "stream \"%s\" did not stop within %" PRId64 " ms",
                                       ref->context, timeout_ms);
        fx_sleep_ms(POLL_MS);
    }
    fx_err_clear(err); /* it may have gone in the middle of its answer */
    return true;
}

bool cdc_same_context(const struct cdc_ref *ref, const struct fx_context *ctx, struct fx_err *err)
{
    struct paths paths;
    return make_paths(ref, &paths, err) && cdc_context_check(paths.context, ctx, err);
}

bool cdc_has_copied(const struct cdc_ref *ref)
{
    struct fx_err ignored = FX_ERR_INIT;
    struct paths paths;
    return make_paths(ref, &paths, &ignored) && fx_file_exists(paths.context);
}

bool cdc_context_forget(const struct cdc_ref *ref, struct fx_err *err)
{
    struct paths paths;
    return make_paths(ref, &paths, err) && fx_file_remove(paths.context, err);
}

/* ---- starting ------------------------------------------------------------------------------------------ */

/*
 * Why a stream could not even begin. On a full disk, or without the right to write there, neither its log nor its error
 * file can say it: it gets a piece of memory as its standard input, which it never reads, and writes there.
 */
#define ERROR_MEMORY "ficus-stream-error"

static bool has_error_memory(void)
{
    char name[64];
    ssize_t n = readlink("/proc/self/fd/0", name, sizeof name - 1);
    name[FX_MAX(n, 0)] = '\0';
    return strncmp(name, "/memfd:" ERROR_MEMORY, strlen("/memfd:" ERROR_MEMORY)) == 0;
}

static void read_error_memory(int fd, struct cdc_status *ret)
{
    ssize_t n = fd >= 0 ? pread(fd, ret->error, sizeof ret->error - 1, 0) : 0;
    ret->error[FX_MAX(n, 0)] = '\0';
}

/* posix_spawn keeps this callable from a process with threads. */
static bool spawn(const struct cdc_ref *ref, const char *argv0, const struct paths *paths,
                  int error_fd, pid_t *ret_pid, struct fx_err *err)
{
    extern char **environ;
    const char *argv[] = {argv0,
                          "cdc",
                          "run",
                          "-f",
                          ref->project_path,
                          "--context",
                          ref->context,
                          "--direction",
                          ref->direction == FX_FORWARD ? "forward" : "reverse",
                          NULL};
    sigset_t none;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    if (error_fd >= 0)
        (void)posix_spawn_file_actions_adddup2(&actions, error_fd, 0);
    else
        (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, paths->log, O_WRONLY | O_CREAT | O_APPEND,
                                           0644);
    (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int rc = posix_spawn(ret_pid, argv0, &actions, &attr, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0 || fx_fail_errno(err, FX_E_IO, rc, "could not start \"%s cdc run\"", argv0);
}

static bool fail_died(const struct cdc_ref *ref, const struct paths *paths, int error_fd,
                      struct fx_err *err)
{
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    read_error_memory(error_fd, &status);
    if (status.error[0] == '\0')
        read_error_file(paths->error, &status);
    if (status.error[0] != '\0' && !fail_answer(fx_str_from(status.error), err) && fx_err_is(err))
        return fx_ctx(err, "starting stream \"%s-%s\"", ref->context,
                      ref->direction == FX_FORWARD ? "forward" : "reverse");
    (void)fx_fail(err, FX_E_STREAM, "the stream process ended at once");
    return fx_hint(err, "Look at its log: %s", paths->log);
}

bool cdc_start(const struct cdc_ref *ref, const char *argv0, const struct cdc_options *options,
               struct fx_err *err)
{
    struct paths paths;
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    pid_t pid = -1;
    FX_AUTO_FD int error_fd = memfd_create(ERROR_MEMORY, MFD_CLOEXEC); /* -1: then without */
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), options->start_timeout_ms);
    if (!make_paths(ref, &paths, err) || !fx_dir_make(paths.dir, err))
        return false;
    if (!fx_flock_is_held(paths.lock, NULL) &&
        (!fx_file_remove(paths.error, err) || !spawn(ref, argv0, &paths, error_fd, &pid, err)))
        return false;
    for (;;) {
        struct fx_err why = FX_ERR_INIT;
        if (cdc_status(ref, &status, &why) && status.pid != 0)
            return true;
        bool has_ended = pid > 0 && waitpid(pid, NULL, WNOHANG) == pid;
        if (has_ended && !fx_flock_is_held(paths.lock, NULL))
            return fail_died(ref, &paths, error_fd, err);
        if (fx_mono_reached(until, fx_mono_now())) {
            *err = why;
            return fx_ctx(err, "waiting for the stream to answer");
        }
        fx_sleep_ms(POLL_MS);
    }
}

/* ---- inside the process -------------------------------------------------------------------------------- */

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

/* SIGTERM and SIGINT are a clean stop; SIGHUP of a closed terminal is nothing. Blocked before any thread exists. */
static void signals_start(struct signals *signals, struct cdc_control *control)
{
    signals->control = control;
    signals->stop_signal = SIGUSR2;
    (void)sigemptyset(&signals->set);
    (void)sigaddset(&signals->set, SIGTERM);
    (void)sigaddset(&signals->set, SIGINT);
    (void)sigaddset(&signals->set, SIGUSR2);
    (void)pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_create(&signals->thread, NULL, wait_signals, signals);
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

/* Sleeps that long; true at once when the stream is told to stop meanwhile. */
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
        fx_log_err(FX_LOG_WARN, "cdc", control->stream, "cannot start yet", err);
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
    bool is_ok = fx_db_open(binding->source, &db, err) &&
                 fx_db_query(db, "select 1 from ficus.progress where stream = ? and phase = 'new'",
                             &forward, 1, &rows, err);
    if (is_ok)
        *ret = rows.n_rows == 0;
    fx_rows_done(&rows);
    fx_db_close(db);
    return is_ok || fx_ctx(err, "asking whether the copy has begun");
}

/* The reverse stream: its start is known when the forward stream has begun to copy (snapshotter.c). */
static bool wait_copy(const struct cdc_binding *binding, struct cdc_control *control,
                      bool *ret_is_stopped, struct fx_err *err)
{
    bool has_begun = false;
    while (!*ret_is_stopped && !has_begun) {
        if (!copy_has_begun(binding, &has_begun, err)) {
            if (!err->is_retriable)
                return false;
            fx_log_err(FX_LOG_WARN, "cdc", control->stream, "cannot start yet", err);
            fx_err_clear(err);
        }
        if (!has_begun)
            *ret_is_stopped = pause_or_stop(control, 100);
    }
    return true;
}

static bool run_stream(struct fx_context *ctx, enum fx_direction direction,
                       const struct cdc_options *options, struct cdc_control *control,
                       const struct paths *paths, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct cdc_streamer_env env = {
        .options = options, .control = control, .context_path = paths->context};
    struct cdc_binding *binding = NULL;
    bool is_stopped = false;
    if (!bind_patiently(ctx, direction, control, &arena, &binding, &is_stopped, err))
        return false;
    env.binding = binding;
    if (!is_stopped && direction == FX_REVERSE && !wait_copy(binding, control, &is_stopped, err))
        return false;
    return is_stopped || cdc_streamer_run(&env, err);
}

static void leave_error(const struct paths *paths, const struct fx_err *why)
{
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(ERROR_FILE_MAX);
    fx_err_render_json(why, &json);
    if (has_error_memory())
        (void)!pwrite(0, json.ptr, json.len, 0);
    (void)!fx_file_write_atomic(paths->error, fx_buf_str(&json), 0644, &ignored);
}

static bool run_locked(struct fx_context *ctx, enum fx_direction direction,
                       const struct cdc_options *options, const char *name,
                       const struct paths *paths, struct fx_err *err)
{
    struct cdc_control control;
    struct signals signals;
    struct fx_serve *serve = NULL;
    if (!cdc_control_init(&control, name, options->tail_keys, err))
        return false;
    signals_start(&signals, &control);
    bool is_ok = fx_file_remove(paths->error, err) &&
                 cdc_control_serve(&control, paths->sock, &serve, err) &&
                 run_stream(ctx, direction, options, &control, paths, err);
    if (!is_ok)
        leave_error(paths, err);
    fx_serve_stop(serve);
    signals_stop(&signals);
    cdc_control_done(&control);
    return is_ok;
}

bool cdc_run(struct fx_project *project, struct fx_context *ctx, enum fx_direction direction,
             const struct cdc_options *options, struct fx_err *err)
{
    struct cdc_ref ref = {project->path, project->state_dir, ctx->name, direction};
    struct paths paths;
    struct fx_flock *lock = NULL;
    char name[128];
    char what[160];
    cdc_stream_name(&ref, name, sizeof name);
    (void)snprintf(what, sizeof what, "stream %s", name);
    if (!make_paths(&ref, &paths, err))
        return false;
    if (!fx_dir_make(paths.dir, err) || !fx_flock_take(paths.lock, what, &lock, err)) {
        if (err->code != FX_E_LOCKED) /* then the file is its holder's */
            leave_error(&paths, err);
        return false;
    }
    bool is_ok = run_locked(ctx, direction, options, name, &paths, err);
    fx_flock_release(lock);
    return is_ok;
}
