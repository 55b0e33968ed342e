/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a stream process. Requests are answered from the last published status; commands
 * are posted and waited for, with the streamer answering at its next transaction boundary.
 */
#include "cdc/stream/control.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cdc/status.h"
#include "lib/fmt/json_write.h"
#include "lib/http/serve.h"

/* SILENT_MS: a streamer that turns publishes well within this. */
enum { SILENT_MS = 500, COMMAND_WAIT_MS = 15000, COMMAND_GRACE_MS = 1000 };

bool cdc_control_init(struct cdc_control *control, const char *stream, int64_t tail_keys,
                      struct fx_err *err)
{
    *control = (struct cdc_control){.stream = stream};
    control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (control->wake_fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create an eventfd");
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&control->answered, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&control->lock, NULL);
    (void)pthread_mutex_init(&control->one_command, NULL);
    cdc_tail_init(&control->tail, (size_t)tail_keys);
    control->status.pid = (int)getpid();
    control->status.lag_ms = -1;
    return true;
}

void cdc_control_done(struct cdc_control *control)
{
    fx_fd_close(&control->wake_fd);
    cdc_status_done(&control->status);
    cdc_command_done(&control->command);
    fx_pos_done(&control->answer_at);
    cdc_tail_done(&control->tail);
    (void)pthread_cond_destroy(&control->answered);
    (void)pthread_mutex_destroy(&control->lock);
    (void)pthread_mutex_destroy(&control->one_command);
}

void cdc_command_done(struct cdc_command *command)
{
    fx_pos_done(&command->goal);
}

static void copy_command(struct cdc_command *to, const struct cdc_command *from)
{
    struct cdc_command copy = *from;
    fx_pos_copy(&to->goal, &from->goal);
    copy.goal = to->goal;
    *to = copy;
}

void cdc_control_publish(struct cdc_control *control, const struct cdc_status *status)
{
    (void)pthread_mutex_lock(&control->lock);
    cdc_status_copy(&control->status, status);
    control->published = fx_mono_now();
    (void)pthread_mutex_unlock(&control->lock);
}

bool cdc_control_peek(struct cdc_control *control, struct cdc_command *ret_command)
{
    uint64_t n;
    (void)pthread_mutex_lock(&control->lock);
    (void)!read(control->wake_fd, &n, sizeof n);
    copy_command(ret_command, &control->command);
    (void)pthread_mutex_unlock(&control->lock);
    return ret_command->kind != CDC_CMD_NONE;
}

void cdc_control_answer(struct cdc_control *control, int64_t ticket, const struct fx_pos *at,
                        const struct fx_err *err)
{
    (void)pthread_mutex_lock(&control->lock);
    if (control->command.ticket == ticket)
        control->command.kind = CDC_CMD_NONE;
    control->answered_ticket = ticket;
    if (at != NULL)
        fx_pos_copy(&control->answer_at, at);
    control->answer_err = err != NULL ? *err : FX_ERR_INIT;
    (void)pthread_cond_broadcast(&control->answered);
    (void)pthread_mutex_unlock(&control->lock);
}

void cdc_control_push_key(struct cdc_control *control, const struct cdc_binding *binding,
                          const struct cdc_row *row)
{
    (void)pthread_mutex_lock(&control->lock);
    cdc_tail_push(&control->tail, binding, row);
    (void)pthread_mutex_unlock(&control->lock);
}

static int64_t post(struct cdc_control *control, const struct cdc_command *command)
{
    uint64_t one = 1;
    copy_command(&control->command, command);
    control->command.ticket = ++control->last_ticket;
    (void)!write(control->wake_fd, &one, sizeof one);
    return control->last_ticket;
}

void cdc_control_request_stop(struct cdc_control *control)
{
    (void)pthread_mutex_lock(&control->lock);
    (void)post(control, &(struct cdc_command){.kind = CDC_CMD_STOP});
    (void)pthread_mutex_unlock(&control->lock);
}

/* Posts and waits. A command that nobody answered in time is taken back: the streamer must not do it later. */
static bool command_call(struct cdc_control *control, const struct cdc_command *command,
                         int64_t timeout_ms, struct fx_pos *ret_at, struct fx_err *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&control->one_command);
    (void)pthread_mutex_lock(&control->lock);
    int64_t ticket = post(control, command);
    int rc = 0;
    while (control->answered_ticket < ticket && rc == 0)
        rc = pthread_cond_timedwait(&control->answered, &control->lock, &until);
    bool is_ok = false;
    if (control->answered_ticket < ticket) {
        if (control->command.ticket == ticket)
            control->command.kind = CDC_CMD_NONE;
        (void)fx_fail(err, FX_E_TIMEOUT, "stream \"%s\" (%s) did not answer within %lld ms",
                      control->stream, cdc_phase_name(control->status.phase),
                      (long long)timeout_ms);
    } else if (control->answer_err.code != FX_E_NONE) {
        *err = control->answer_err;
    } else {
        fx_pos_copy(ret_at, &control->answer_at);
        is_ok = true;
    }
    (void)pthread_mutex_unlock(&control->lock);
    (void)pthread_mutex_unlock(&control->one_command);
    return is_ok;
}

/* ---- HTTP ------------------------------------------------------------------------------------------- */

static void reply_err(struct fx_serve_reply *reply, const struct fx_err *err)
{
    reply->status = err->code == FX_E_TIMEOUT ? 504 : 409;
    fx_err_render_json(err, &reply->body);
}

static bool read_command(enum cdc_command_kind kind, const struct fx_serve_request *request,
                         struct cdc_command *ret, int64_t *ret_timeout_ms, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    *ret = (struct cdc_command){.kind = kind};
    if (request->body.len > 0 && !fx_json_parse(request->body, &doc, err))
        return false;
    const struct fx_json *root = doc != NULL ? fx_json_root(doc) : NULL;
    if (fx_json_get_bool(root, "while_caller_lives", false))
        ret->holder_pid = request->peer_pid;
    ret->limit_ms = fx_json_get_i64(root, "limit_ms", COMMAND_WAIT_MS);
    *ret_timeout_ms = fx_json_get_i64(root, "timeout_ms", COMMAND_WAIT_MS) + COMMAND_GRACE_MS;
    if (kind != CDC_CMD_ADVANCE)
        return true;
    const char *goal = NULL;
    return fx_json_need_str(root, "goal", &goal, err) &&
           cdc_pos_read(root, "goal", &ret->goal, err);
}

static void run_command(struct cdc_control *control, enum cdc_command_kind kind,
                        const struct fx_serve_request *request, struct fx_serve_reply *reply)
{
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    int64_t timeout_ms = 0;
    struct fx_err err = FX_ERR_INIT;
    if (!read_command(kind, request, &command, &timeout_ms, &err) ||
        !command_call(control, &command, timeout_ms, &at, &err)) {
        reply_err(reply, &err);
        return;
    }
    struct fx_json_w w;
    fx_json_w_init(&w, &reply->body);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "at", fx_pos_text(&at));
    fx_json_w_end(&w);
}

static void gauge(struct fx_buf *out, const char *name, const char *type, const char *help,
                  const char *stream, double value)
{
    fx_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s{stream=\"%s\"} %.17g\n", name, help, name,
                  type, name, stream, value);
}

/* A streamer that waits for its target (a lock, a commit) says nothing meanwhile: the stream is that late, at least. */
static void status_now(const struct cdc_control *control, struct cdc_status *ret)
{
    int64_t silent_ms = fx_mono_since_us(control->published, fx_mono_now()) / 1000;
    cdc_status_copy(ret, &control->status);
    if (ret->phase != CDC_PHASE_STOPPED && ret->lag_ms >= 0 && silent_ms >= SILENT_MS)
        ret->lag_ms = FX_MAX(ret->lag_ms, silent_ms);
}

/* Six numbers straight from the status: a registry of series would hold the same numbers twice. */
static void write_metrics(const struct cdc_status *s, const char *stream, struct fx_buf *out)
{
    gauge(out, "ficus_stream_phase", "gauge",
          "0 starting, 1 copy, 2 catch-up, 3 live, 4 held, 5 stopped.", stream, (double)s->phase);
    gauge(out, "ficus_stream_lag_seconds", "gauge",
          "Commit on the source to commit on the target, newest; -1 unknown.", stream,
          s->lag_ms < 0 ? -1.0 : (double)s->lag_ms / 1000.0);
    gauge(out, "ficus_stream_copied_rows_total", "counter", "Rows of the initial copy.", stream,
          (double)s->copied_rows);
    gauge(out, "ficus_stream_applied_rows_total", "counter", "Row changes applied.", stream,
          (double)s->applied_rows);
    gauge(out, "ficus_stream_applied_transactions_total", "counter", "Source transactions applied.",
          stream, (double)s->applied_txns);
    gauge(out, "ficus_stream_loops_discarded_total", "counter",
          "Transactions of the other stream's applier, dropped.", stream,
          (double)s->loops_discarded);
    gauge(out, "ficus_stream_write_leaks_total", "counter",
          "Changes accepted on a fenced or away side.", stream, (double)s->leaks);
}

static void answer(void *arg, const struct fx_serve_request *request, struct fx_serve_reply *reply)
{
    struct cdc_control *control = arg;
    static const struct {
        const char *path;
        enum cdc_command_kind kind;
    } commands[] = {{"/hold", CDC_CMD_HOLD},
                    {"/advance", CDC_CMD_ADVANCE},
                    {"/release", CDC_CMD_RELEASE},
                    {"/stop", CDC_CMD_STOP}};
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    if (fx_str_eq_c(request->method, "POST")) {
        for (size_t i = 0; i < FX_ARRAY_LEN(commands); i++)
            if (fx_str_eq_c(request->path, commands[i].path)) {
                run_command(control, commands[i].kind, request, reply);
                return;
            }
    }
    (void)pthread_mutex_lock(&control->lock);
    status_now(control, &status);
    if (fx_str_eq_c(request->path, "/tail"))
        cdc_tail_write(&control->tail, &reply->body);
    (void)pthread_mutex_unlock(&control->lock);
    if (fx_str_eq_c(request->path, "/status")) {
        cdc_status_write(&status, &reply->body);
    } else if (fx_str_eq_c(request->path, "/metrics")) {
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        write_metrics(&status, control->stream, &reply->body);
    } else if (!fx_str_eq_c(request->path, "/tail")) {
        struct fx_err err = FX_ERR_INIT;
        (void)fx_fail(&err, FX_E_USAGE, "no such path: %.*s", FX_STR_FMT(request->path));
        reply_err(reply, &err);
        reply->status = 404;
    }
}

bool cdc_control_serve(struct cdc_control *control, const char *socket_path,
                       struct fx_serve **ret_serve, struct fx_err *err)
{
    /* A command waits in its thread; status must be answered beside it. */
    struct fx_serve_options options = {.unix_path = socket_path, .n_threads = 4};
    return fx_serve_start(&options, answer, control, ret_serve, err);
}
