/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customer's end of an exchange: the body goes up as the upstream takes it, the answer comes
 * down as the client takes it.
 */
#include "strangler/request/req.h"

static struct fcd_req *req_of(struct fcd_xchg *x)
{
    return FX_CONTAINER_OF(x, struct fcd_req, x);
}

/* --- a client that is slow with its body ------------------------------------------------------ */

/* Credit is never more than timeouts.stall: a fast beginning does not pay for hours of waiting. */
static void earn(struct fcd_req *req, size_t bytes)
{
    const struct fcd_config *conf = req->requests->local->conf;
    int64_t us = (int64_t)bytes * 1000000 / conf->limits.body_rate;
    req->credit_us = FX_MIN(req->credit_us + us, conf->timeouts.stall_ms * 1000);
}

static bool has_body_deadline(const struct fcd_req *req)
{
    return req->is_write && req->route->group->has_body_deadline;
}

static bool is_body_late(const struct fcd_req *req)
{
    return req->is_write && fcd_group_is_body_late(req->route->group);
}

static void wait_for_client(struct fcd_req *req)
{
    struct fcd_local *local = req->requests->local;
    struct fx_mono now = fcd_local_now(local);
    int64_t left_us = req->credit_us;
    if (has_body_deadline(req))
        left_us = FX_MIN(left_us, fx_mono_since_us(now, req->route->group->body_deadline));
    req->is_waiting_for_client = true;
    req->waiting_since = now;
    fx_loop_timer(local->loop, &req->body_timer, FX_MAX((left_us + 999) / 1000, (int64_t)0));
}

static void end_wait(struct fcd_req *req)
{
    if (!req->is_waiting_for_client)
        return;
    req->is_waiting_for_client = false;
    req->credit_us -= fx_mono_since_us(req->waiting_since, fcd_local_now(req->requests->local));
    if (!has_body_deadline(req))
        fx_timer_stop(&req->body_timer);
}

/* Takes what has arrived of the body into what goes
 * to the upstream. False: the body is malformed. */
static bool take_body(struct fcd_req *req)
{
    size_t used;
    while ((used = fcd_call_take_body(&req->call, &req->x.u->stream.out)) > 0)
        earn(req, used);
    return req->call.body != FCD_BODY_BAD;
}

static void spoil(struct fcd_req *req, int status, const char *why)
{
    struct fcd_conn *conn = req->call.conn;
    fcd_xchg_abort(&req->x);
    if (req->call.answer != FCD_ANSWER_NONE) {
        req->call.answer = FCD_ANSWER_CUT;
        fcd_req_set_step(req, FCD_STEP_FINISH);
    } else {
        fcd_req_refuse(req, status, why);
    }
    fcd_conn_drive(conn);
}

void fcd_proxy_hold(struct fcd_write *write, int64_t within_ms)
{
    struct fcd_req *req = FX_CONTAINER_OF(write, struct fcd_req, write);
    if (req->step == FCD_STEP_EXCHANGE && req->x.u != NULL && !req->x.has_sent)
        fcd_req_take_back(req);
    else
        fx_loop_timer(req->requests->local->loop, &req->body_timer, within_ms);
}

static void cut_body(struct fcd_req *req, bool is_late)
{
    fcd_req_leave_unanswered(req);
    fx_series_add(fx_metric(req->requests->local->shared->metrics, FCD_MT_BODIES_CUT,
                            is_late ? "hold" : "rate"),
                  1);
    if (is_late)
        spoil(req, 503,
              "writes of this group are held and the request's body did not arrive in time "
              "(facade.hold.body)");
    else
        spoil(req, 408, "the request's body arrived too slowly (facade.limits.body_rate)");
}

/*
 * The client's time is over, or that of a hold. What the upstream is working on is left alone; a
 * write whose answer has begun is done as far as can be told from here, and how fast its client
 * reads is no reason for others to wait.
 */
void fcd_proxy_body_late(struct fx_timer *timer)
{
    struct fcd_req *req = FX_CONTAINER_OF(timer, struct fcd_req, body_timer);
    if (req->step != FCD_STEP_EXCHANGE)
        return;
    bool is_late = is_body_late(req);
    if (req->call.answer != FCD_ANSWER_NONE && is_late)
        fcd_req_leave_flight(req);
    if (req->call.conn == NULL || !req->is_waiting_for_client)
        return;
    end_wait(req);
    if (!is_late && req->credit_us > 0)
        wait_for_client(req); /* the hold that set the deadline is over */
    else
        cut_body(req, is_late);
}

/* --- callbacks of the exchange ---------------------------------------------------------------- */

/* Connecting may have taken long enough for a hold, a switch, or both. */
static bool may_send(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    if (!fcd_req_is_stale(req))
        return true;
    fcd_req_take_back(req);
    return false;
}

static void spoil_malformed(struct fcd_req *req)
{
    char text[FCD_REASON_MAX];
    fcd_req_leave_unanswered(req);
    spoil(req, 400, fcd_call_malformed(fcd_call_body_problem(&req->call), text));
}

static void on_start(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    struct fcd_call *call = &req->call;
    struct fcd_conn *conn = call->conn;
    const struct fcd_forward forward = fcd_req_forward(req);
    fcd_forward_write(&forward, x->u->endpoint->conf, false, &x->u->stream.out.buf);
    if (x->u->stream.out.buf.has_failed) {
        fcd_xchg_abort(x);
        fcd_req_refuse(req, 431, "the request's head is too large to be forwarded");
        fcd_conn_drive(conn);
        return;
    }
    if (call->head.framing == FX_FRAME_NONE) {
        fcd_xchg_complete(x);
        return;
    }
    /* The body streams through the block that holds
     * the head, so from here on the head is forgotten. */
    req->is_body_begun = true;
    if (!fcd_call_accept_body(call)) {
        fcd_conn_close(conn);
        return;
    }
    /* What came together goes on together: one write for a small request. */
    if (!take_body(req))
        spoil_malformed(req);
    else if (call->body == FCD_BODY_COMPLETE)
        fcd_xchg_complete(x);
}

static void on_fill(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    struct fcd_call *call = &req->call;
    end_wait(req);
    for (;;) {
        if (!take_body(req)) {
            spoil_malformed(req);
            return;
        }
        if (call->body == FCD_BODY_COMPLETE)
            fcd_xchg_complete(x);
        if (call->body == FCD_BODY_COMPLETE || fx_iobuf_len(&x->u->stream.out) > 0)
            return;
        switch (fcd_call_read(call)) {
        case FX_STREAM_SOME: break;
        case FX_STREAM_LATER: wait_for_client(req); return;
        case FX_STREAM_END:
        case FX_STREAM_BROKEN:
            fcd_conn_close(call->conn); /* the body will never be complete */
            return;
        }
    }
}

/* A shared cache would give one user's cookie to all: whoever gets this answer gets a cookie with
 * another one. */
static bool may_be_cached(const struct fx_head *head)
{
    static const char *const keep_out[] = {"private", "no-store", "no-cache"};
    for (size_t i = 0; i < FX_ARRAY_LEN(keep_out); i++)
        if (fx_head_has_token(head, "Cache-Control", keep_out[i]))
            return false;
    return fx_head_find(head, "Cache-Control") != NULL || fx_head_find(head, "Expires") != NULL ||
           fx_head_find(head, "Last-Modified") != NULL || fx_head_find(head, "ETag") != NULL;
}

static bool begin_answer(struct fcd_req *req, const struct fx_head *head)
{
    char cookie[96] = "";
    if (req->issued[0] != '\0' && !may_be_cached(head))
        snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Lax", FCD_ISSUED_COOKIE,
                 req->issued);
    return fcd_call_answer(&req->call, head, fx_str_from(cookie));
}

/* Server-sent events: nothing for an hour is as it should be. */
static bool is_event_stream(const struct fx_head *head)
{
    struct fx_str rest, type = fx_str_cut(fx_head_value(head, "Content-Type"), ';', &rest);
    return fx_str_eq_ci(fx_str_trim(type), FX_STR("text/event-stream"));
}

static void on_head(struct fcd_xchg *x, const struct fx_head *head)
{
    struct fcd_req *req = req_of(x);
    if (head->status >= 200)
        req->status = head->status;
    if (req->call.conn == NULL)
        return;
    if (head->status < 200) {
        fcd_call_interim(&req->call, head);
        return;
    }
    if (!begin_answer(req, head)) {
        spoil(req, 502, "the response's head is too large to be forwarded");
        return;
    }
    if (is_event_stream(head))
        x->quiet_ms = req->requests->local->conf->timeouts.stream_ms;
    if (is_body_late(req))
        fcd_req_leave_flight(req);
    if (req->shadow != NULL)
        fcd_mirror_head(req->shadow, head);
}

static void on_late(struct fcd_xchg *x)
{
    fcd_req_leave_unanswered(req_of(x));
}

static size_t on_room(struct fcd_xchg *x)
{
    const struct fcd_call *call = &req_of(x)->call;
    return call->conn != NULL ? fcd_call_room(call) : FX_BLOCK_BYTES;
}

static void on_data(struct fcd_xchg *x, struct fx_str bytes)
{
    struct fcd_req *req = req_of(x);
    if (req->call.conn == NULL)
        return;
    fcd_call_data(&req->call, bytes);
    if (req->shadow != NULL)
        fcd_mirror_data(req->shadow, bytes);
}

static void on_pause(struct fcd_xchg *x)
{
    struct fcd_call *call = &req_of(x)->call;
    if (call->conn != NULL && !fcd_call_flush(call))
        fcd_conn_close(call->conn);
}

static void go_on(struct fcd_req *req)
{
    if (req->call.conn != NULL) {
        fcd_conn_drive(req->call.conn);
        return;
    }
    bool is_over = fcd_req_run(req);
    (void)is_over; /* there is no connection to tell */
}

static void on_done(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    if (req->call.conn != NULL)
        fcd_call_end(&req->call);
    fcd_req_set_step(req, FCD_STEP_FINISH);
    go_on(req);
}

static int status_of(enum fcd_failure why)
{
    switch (why) {
    case FCD_FAIL_LIMIT: return 503;
    case FCD_FAIL_CONNECT:
    case FCD_FAIL_CLOSED:
    case FCD_FAIL_PROTOCOL: return 502;
    case FCD_FAIL_TIMEOUT: return 504;
    case FCD_FAIL_OWNER: return 408;
    }
    return 502;
}

static void count_failure(struct fcd_req *req, enum fcd_failure why)
{
    static const char *const reasons[] = {"limit", "connect", "timeout", "closed", "protocol"};
    fx_series_add(fx_metric(req->requests->local->shared->metrics, FCD_MT_UPSTREAM_FAILURES,
                            req->x.pool->conf->name, reasons[why]),
                  1);
}

static void on_fail(struct fcd_xchg *x, enum fcd_failure why)
{
    struct fcd_req *req = req_of(x);
    if (why != FCD_FAIL_OWNER)
        count_failure(req, why);
    if (req->call.answer != FCD_ANSWER_NONE || req->call.conn == NULL) {
        req->call.answer = FCD_ANSWER_CUT;
        fcd_req_set_step(req, FCD_STEP_FINISH);
    } else {
        fcd_req_refuse(req, status_of(why), fcd_failure_text(why));
    }
    go_on(req);
}

static const struct fcd_xchg_ops proxy_ops = {.may_send = may_send,
                                              .start = on_start,
                                              .fill = on_fill,
                                              .head = on_head,
                                              .room = on_room,
                                              .data = on_data,
                                              .pause = on_pause,
                                              .late = on_late,
                                              .done = on_done,
                                              .fail = on_fail};

bool fcd_proxy_begin(struct fcd_req *req)
{
    enum fcd_failure why;
    struct fcd_xchg *x = &req->x;
    const struct fcd_conf_timeouts *timeouts = &req->requests->local->conf->timeouts;
    /* A route of kind write may change something with
     * a GET as well: it is the route that says so. */
    bool is_safe = fcd_method_is_safe(req->method) && !req->is_write;
    bool has_body = req->call.head.framing != FX_FRAME_NONE;
    x->ops = &proxy_ops;
    x->method = fx_str_from(req->call.method_text);
    x->repeat = has_body ? FCD_REPEAT_NEVER : is_safe ? FCD_REPEAT_SAFE : FCD_REPEAT_UNSENT;
    x->response_ms = timeouts->response_ms;
    req->credit_us = timeouts->stall_ms * 1000;
    if (fcd_xchg_begin(x, &why))
        return true;
    count_failure(req, why);
    fcd_req_refuse(req, status_of(why), fcd_failure_text(why));
    return false;
}

void fcd_proxy_resume(struct fcd_req *req)
{
    struct fcd_xchg *x = &req->x;
    struct fcd_conn *conn = req->call.conn;
    if (!fcd_call_flush(&req->call)) {
        fcd_conn_close(conn);
        return;
    }
    if (x->u != NULL && x->sending == FCD_SENDING_OPEN &&
        (x->state == FCD_X_HEAD || x->state == FCD_X_BODY))
        fcd_xchg_send(x);
    if (x->u != NULL)
        fcd_xchg_pump(x); /* a head too: it may have waited for the end of the answer before it */
}
