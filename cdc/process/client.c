/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to a stream's process from elsewhere: each function of cdc.h that takes a struct cdc_ref.
 */
#include "cdc/process/client.h"

#include <inttypes.h>
#include <stdio.h>

#include "cdc/process/error_file.h"
#include "cdc/process/paths.h"
#include "cdc/status.h"
#include "cdc/stream/tail.h"
#include "lib/base/clock.h"
#include "lib/fmt/json_write.h"
#include "lib/http/client.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"

enum { CALL_MS = 5000, POLL_MS = 20 };

static bool fail_gone(const struct cdc_ref *ref, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    (void)fx_fail(err, FX_E_STREAM, "stream \"%s\" is not running", name);
    return fx_hint(err, "Run: ficus cdc start --context %s --execute; in a run: ficus run resume",
                   ref->context);
}

/* Whoever answers there is not a stream of this build; a version that is refused says so itself. */
static bool fail_unreadable(const struct cdc_ref *ref, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    if (err->code == FX_E_VERSION)
        return fx_ctx(err, "reading the answer of stream \"%s\"", name);
    (void)fx_err_wrap(err, FX_E_STREAM, "stream \"%s\" gave an answer that cannot be read", name);
    return fx_hint(err,
                   "Restart the streams with this build: ficus cdc stop --context %s --execute, "
                   "then ficus cdc start --context %s --execute.",
                   ref->context, ref->context);
}

/* Innermost first, as they were added. */
static void add_context(const struct fx_json *root, struct fx_err *err)
{
    const struct fx_json *frames = fx_json_get(root, "context");
    for (size_t i = 0; frames != NULL && i < fx_json_len(frames); i++) {
        struct fx_str frame;
        if (fx_json_str(fx_json_at(frames, i), &frame))
            (void)fx_ctx(err, "%.*s", FX_STR_FMT(frame));
    }
}

/* The error object that the process answered, as an error here. */
bool cdc_fail_answer(struct fx_str body, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    enum fx_code code = FX_E_STREAM;
    if (!fx_json_parse(body, &doc, err)) {
        (void)fx_err_wrap(err, FX_E_STREAM, "a stream gave an answer that cannot be read");
        return fx_hint(err, "Restart the streams with this build: " FX_CMD_STOP
                            ", then " FX_CMD_START ".");
    }
    const struct fx_json *root = fx_json_root(doc);
    if (!fx_code_from_name(fx_json_get_str(root, "code", "STREAM"), &code))
        code = FX_E_STREAM;
    (void)fx_fail(
        err, code, "%s",
        fx_json_get_str(root, "message", "the stream refused the command and gave no reason"));
    const char *hint = fx_json_get_str(root, "hint", "");
    if (hint[0] != '\0')
        (void)fx_hint(err, "%s", hint);
    const char *detail = fx_json_get_str(root, "detail", "");
    if (detail[0] != '\0')
        (void)fx_detail(err, "%s", detail);
    add_context(root, err);
    return false;
}

static bool call(const struct cdc_ref *ref, const char *method, const char *path,
                 struct fx_str body, int64_t timeout_ms, struct fx_http_reply *ret,
                 struct fx_err *err)
{
    struct cdc_paths paths;
    char url[64];
    if (!cdc_paths_make(ref, &paths, err))
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
        if (err->hint[0] == '\0') /* else somebody else listens there */
            (void)fx_hint(
                err,
                "The stream's process runs but does not answer; nothing was lost. Its log: %s. "
                "Run the same command again; in a run: ficus run resume",
                paths.log);
        return fx_ctx(err, "asking a stream of context \"%s\"", ref->context);
    }
    if (ret->status < 400)
        return true;
    if (!cdc_fail_answer(fx_buf_str(&ret->body), err))
        (void)fx_err_name_context(err, ref->context);
    fx_buf_done(&ret->body);
    return false;
}

bool cdc_status(const struct cdc_ref *ref, struct cdc_status *ret, struct fx_err *err)
{
    struct cdc_paths paths;
    struct fx_http_reply reply = {0};
    if (!cdc_paths_make(ref, &paths, err))
        return false;
    if (!call(ref, "GET", "/status", (struct fx_str){"", 0}, CALL_MS, &reply, err)) {
        if (fx_flock_is_held(paths.lock, NULL) || !fx_file_exists(paths.error))
            return false;
        fx_err_clear(err);
        cdc_status_done(ret);
        ret->phase = CDC_PHASE_STOPPED;
        ret->lag_ms = -1;
        cdc_error_read(paths.error, ret);
        return true;
    }
    bool is_ok = cdc_status_read(fx_buf_str(&reply.body), ret, err);
    fx_buf_done(&reply.body);
    return is_ok || fail_unreadable(ref, err);
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
            (void)fail_unreadable(ref, err);
    }
    fx_buf_done(&reply.body);
    return !fx_err_is(err);
}

bool cdc_hold(const struct cdc_ref *ref, int64_t limit_ms, struct fx_pos *ret_at,
              struct fx_err *err)
{
    char body[96];
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), limit_ms);
    (void)snprintf(body, sizeof body, "{\"limit_ms\":%" PRId64 ",\"while_caller_lives\":true}",
                   limit_ms);
    while (!command(ref, "/hold", body, 20000, ret_at, err)) {
        if (err->code != FX_E_LOCKED || fx_mono_reached(until, fx_mono_now()))
            return false;
        fx_err_clear(err); /* another process's, which ends it soon */
        fx_sleep_ms(POLL_MS);
    }
    return true;
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

bool cdc_release_any(const struct cdc_ref *ref, struct fx_err *err)
{
    return command(ref, "/release", "{\"force\":true}", 20000, NULL, err);
}

bool cdc_tail(const struct cdc_ref *ref, struct fx_context *ctx, struct fx_arena *arena,
              struct cdc_key **ret_keys, size_t *ret_n, struct fx_err *err)
{
    struct fx_http_reply reply = {0};
    if (!call(ref, "GET", "/tail", (struct fx_str){"", 0}, CALL_MS, &reply, err))
        return false;
    bool is_ok = cdc_tail_read(fx_buf_str(&reply.body), ctx->n_tables, arena, ret_keys, ret_n, err);
    fx_buf_done(&reply.body);
    return is_ok || fail_unreadable(ref, err);
}

bool cdc_stop(const struct cdc_ref *ref, int64_t timeout_ms, struct fx_err *err)
{
    struct cdc_paths paths;
    char body[64], name[128];
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    if (!cdc_paths_make(ref, &paths, err))
        return false;
    if (!fx_flock_is_held(paths.lock, NULL))
        return true;
    cdc_stream_name(ref, name, sizeof name);
    (void)snprintf(body, sizeof body, "{\"timeout_ms\":%" PRId64 "}", timeout_ms);
    bool was_told = command(ref, "/stop", body, timeout_ms + 2000, NULL, err);
    while (fx_flock_is_held(paths.lock, NULL)) {
        if (fx_mono_reached(until, fx_mono_now()))
            return was_told &&
                   (fx_fail(err, FX_E_TIMEOUT, "stream \"%s\" did not stop within %" PRId64 " ms",
                            name, timeout_ms) ||
                    fx_hint(err,
                            "It stops by itself after the transaction that it is applying. Watch "
                            "it: ficus cdc status --context %s. When it has stopped, run the same "
                            "command again; in a run: ficus run resume",
                            ref->context));
        fx_sleep_ms(POLL_MS);
    }
    fx_err_clear(err); /* it may have gone in the middle of its answer */
    return true;
}
