/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for every protocol. */
#include "strangler/net/call.h"

#include "lib/fmt/json_write.h"

enum { REFUSAL_MAX = 512 };

void fcd_call_set_deadline(struct fcd_call *call, int64_t after_ms)
{
    call->has_deadline = true;
    fcd_conn_timer(call->conn, after_ms);
}

void fcd_call_clear_deadline(struct fcd_call *call)
{
    call->has_deadline = false;
    fx_timer_stop(&call->conn->timer);
}

const char *fcd_call_malformed(const char *why, char out[FCD_REASON_MAX])
{
    snprintf(out, FCD_REASON_MAX, "malformed request: %s", why);
    return out;
}

void fcd_call_refuse(struct fcd_call *call, int status, const char *message)
{
    char text[8];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(REFUSAL_MAX);
    struct fx_json_w w;
    snprintf(text, sizeof text, "%d", status);
    fx_series_add(fx_metric(call->conn->local->shared->metrics, FCD_MT_REFUSED, text), 1);
    fx_json_w_init(&w, &body);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "status", status);
    fx_json_w_kv_text(&w, "error", fx_http_reason(status));
    fx_json_w_kv_text(&w, "message", message);
    fx_json_w_kv_text(&w, "from", "ficus");
    fx_json_w_end(&w);
    fx_buf_add_char(&body, '\n');
    fcd_call_reply(call, status, "application/json", fx_buf_str(&body));
}
