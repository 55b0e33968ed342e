/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See serve.h. Requests are answered from the last
 * published status; commands wait for the streamer.
 */
#include "cdc/process/serve.h"

#include <string.h>

#include "cdc/status.h"
#include "lib/fmt/json_write.h"
#include "lib/http/serve.h"

enum { COMMAND_WAIT_MS = 15000, COMMAND_GRACE_MS = 1000 };

static void reply_err(struct fx_serve_reply *reply, const struct fx_err *err)
{
    reply->status = err->code == FX_E_TIMEOUT ? 504 : 409;
    fx_err_render_json(err, &reply->body);
}

static bool fail_body(const char *stream, enum fx_code code, struct fx_err *err)
{
    return fx_err_wrap(err, code, "stream \"%s\" cannot read the command that it was sent",
                       stream) ||
           fx_hint(err, "Another build of Ficus may have sent it. Restart the streams with this "
                        "one: " FX_CMD_STOP ", then " FX_CMD_START ".");
}

static bool read_command(const char *stream, enum cdc_command_kind kind,
                         const struct fx_serve_request *request, struct cdc_command *ret,
                         int64_t *ret_timeout_ms, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    *ret = (struct cdc_command){.kind = kind};
    if (request->body.len > 0 && !fx_json_parse(request->body, &doc, err))
        return fail_body(stream, FX_E_USAGE, err);
    const struct fx_json *root = doc != NULL ? fx_json_root(doc) : NULL;
    if (fx_json_get_bool(root, "while_caller_lives", false))
        ret->holder_pid = request->peer_pid;
    ret->caller_pid = request->peer_pid;
    ret->is_forced = kind == CDC_CMD_RELEASE && fx_json_get_bool(root, "force", false);
    ret->limit_ms = fx_json_get_i64(root, "limit_ms", COMMAND_WAIT_MS);
    *ret_timeout_ms = fx_json_get_i64(root, "timeout_ms", COMMAND_WAIT_MS) + COMMAND_GRACE_MS;
    if (kind != CDC_CMD_ADVANCE)
        return true;
    const char *goal = NULL;
    return (fx_json_need_str(root, "goal", &goal, err) &&
            cdc_pos_read(root, "goal", &ret->goal, err)) ||
           fail_body(stream, err->code, err);
}

static void run_command(struct cdc_control *control, enum cdc_command_kind kind,
                        const struct fx_serve_request *request, struct fx_serve_reply *reply)
{
    FX_AUTO(cdc_command) struct cdc_command command = {0};
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    int64_t timeout_ms = 0;
    struct fx_err err = FX_ERR_INIT;
    if (!read_command(control->stream, kind, request, &command, &timeout_ms, &err) ||
        !cdc_control_call(control, &command, timeout_ms, &at, &err)) {
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

/* Numbers straight from the status: a registry of series would hold the same numbers twice. */
static void write_metrics(const struct cdc_status *s, const char *stream, struct fx_buf *out)
{
    gauge(out, "ficus_stream_phase", "gauge",
          "0 starting, 1 copy, 2 catch-up, 3 live, 4 held, 5 stopped.", stream, (double)s->phase);
    gauge(out, "ficus_stream_lag_seconds", "gauge",
          "Commit on the source to commit on the target, newest; -1 unknown.", stream,
          s->lag_ms < 0 ? -1.0 : (double)s->lag_ms / 1000.0);
    gauge(out, "ficus_stream_copied_rows_total", "counter", "Rows of the initial copy.", stream,
          (double)s->copied_rows);
    gauge(out, "ficus_stream_copy_rows_estimated", "gauge",
          "Rows that the initial copy is expected to have; counted ones, once it is complete.",
          stream, (double)s->copy_total_rows);
    gauge(out, "ficus_stream_copy_left_seconds", "gauge",
          "What is left of the initial copy, as its mean rate says; -1 unknown.", stream,
          s->copy_left_ms < 0 ? -1.0 : (double)s->copy_left_ms / 1000.0);
    gauge(out, "ficus_stream_applied_rows_total", "counter", "Row changes applied.", stream,
          (double)s->applied_rows);
    gauge(out, "ficus_stream_applied_transactions_total", "counter", "Source transactions applied.",
          stream, (double)s->applied_txns);
    gauge(out, "ficus_stream_loops_discarded_total", "counter",
          "Transactions of the other stream's applier, dropped.", stream,
          (double)s->loops_discarded);
    gauge(out, "ficus_stream_write_leaks_total", "counter",
          "Changes accepted on a fenced or away side.", stream, (double)s->leaks);
    gauge(out, "ficus_stream_missing_fence_triggers", "gauge",
          "Triggers that should refuse writes on the source, which gave the tables away, and are "
          "not there.",
          stream, (double)s->missing_fences);
    if (s->log_state[0] == '\0')
        return;
    gauge(out, "ficus_stream_log_kept_bytes", "gauge",
          "Bytes of the source's log that the server keeps for this stream.", stream,
          (double)s->log_kept_bytes);
    gauge(out, "ficus_stream_log_left_bytes", "gauge",
          "Bytes that the source may still write before it removes log that this stream needs; -1 "
          "no limit.",
          stream, (double)s->log_left_bytes);
    gauge(out, "ficus_stream_log_left_seconds", "gauge",
          "Seconds until then, at the present rate; -1 no limit, or not known.", stream,
          (double)s->log_left_s);
    gauge(out, "ficus_stream_log_lost", "gauge",
          "1: the source has removed log that this stream needs, or will with its next checkpoint.",
          stream,
          strcmp(s->log_state, CDC_LOG_LOST) == 0 || strcmp(s->log_state, "unreserved") == 0);
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
    cdc_control_status(control, &status);
    if (fx_str_eq_c(request->path, "/status")) {
        cdc_status_write(&status, &reply->body);
    } else if (fx_str_eq_c(request->path, "/metrics")) {
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        write_metrics(&status, control->stream, &reply->body);
    } else if (fx_str_eq_c(request->path, "/tail")) {
        cdc_control_tail(control, &reply->body);
    } else {
        struct fx_err err = FX_ERR_INIT;
        (void)fx_fail(&err, FX_E_USAGE, "stream \"%s\" has no path \"%.*s\" for method %.*s",
                      control->stream, FX_STR_FMT(request->path), FX_STR_FMT(request->method));
        (void)fx_hint(&err, "The paths are: GET /status, /metrics and /tail; POST /hold, /advance, "
                            "/release and /stop.");
        reply_err(reply, &err);
        reply->status = 404;
    }
}

bool cdc_serve(struct cdc_control *control, const char *socket_path, struct fx_serve **ret_serve,
               struct fx_err *err)
{
    /* A command waits in its thread; status must be answered beside it. */
    struct fx_serve_options options = {.unix_path = socket_path, .n_threads = 4};
    return fx_serve_start(&options, answer, control, ret_serve, err);
}
