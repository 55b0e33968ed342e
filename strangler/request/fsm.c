/* SPDX-License-Identifier: Apache-2.0 */
/* The machine drawn in req.h: one short function for each line of req_steps.def, and the dispatcher. */
#include "strangler/request/req.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/fmt/json_write.h"
#include "lib/http/h1_write.h"
#include "lib/http/url.h"
#include "strangler/admin/api.h"
#include "strangler/net/conn.h"

enum next { NEXT_MORE, NEXT_WAIT, NEXT_DONE };
enum { ADMIN_BODY_MAX = 64 * 1024, REPLY_MAX = 64 << 20 };

static const char *const step_names[] = {
#define X(name, what) #name,
#include "strangler/request/steps.def"
#undef X
    "OVER"};

static bool is_next(enum fcd_step from, enum fcd_step to)
{
    switch (to) {
    case FCD_STEP_RECEIVE: return false;
    case FCD_STEP_ROUTE: return from == FCD_STEP_RECEIVE;
    case FCD_STEP_COLLECT:
    case FCD_STEP_ADMIT: return from == FCD_STEP_ROUTE;
    case FCD_STEP_HELD: return from == FCD_STEP_ADMIT;
    case FCD_STEP_EXCHANGE: return from == FCD_STEP_ADMIT || from == FCD_STEP_HELD;
    case FCD_STEP_REPLY: return from != FCD_STEP_REPLY && from != FCD_STEP_FINISH;
    case FCD_STEP_FINISH: return from == FCD_STEP_EXCHANGE || from == FCD_STEP_REPLY;
    case FCD_STEP_OVER: return from != FCD_STEP_OVER;
    }
    return false;
}

void fcd_req_set_step(struct fcd_req *req, enum fcd_step to)
{
    if (!is_next(req->step, to))
        FX_BUG("request cannot go from %s to %s", step_names[req->step], step_names[to]);
    req->step = to;
}

static void on_release(struct fx_task *task)
{
    struct fcd_req *req = FX_CONTAINER_OF(task, struct fcd_req, release);
    FX_LIST_PUSH(&req->worker->spare, req, link);
}

struct fcd_req *fcd_req_new(struct fcd_conn *conn)
{
    struct fcd_worker *worker = conn->worker;
    struct fcd_req *req = worker->spare.first;
    if (req != NULL) {
        FX_LIST_REMOVE(&worker->spare, req, link);
        size_t from = offsetof(struct fcd_req, link), to = offsetof(struct fcd_req, head);
        memset((char *)req + from, 0, to - from);
    } else {
        req = FX_NEW(struct fcd_req);
        req->worker = worker;
        req->release.fn = on_release;
        req->patience.fn = fcd_proxy_impatient;
        FX_LIST_PUSH(&worker->reqs, req, all);
    }
    req->conn = conn;
    req->step = FCD_STEP_RECEIVE;
    req->reply = FX_BUF(REPLY_MAX);
    req->body = FX_BUF(ADMIN_BODY_MAX);
    return req;
}

static void recycle(struct fcd_req *req)
{
    fcd_req_set_step(req, FCD_STEP_OVER);
    fx_timer_stop(&req->patience);
    if (req->conn == NULL) {
        req->worker->n_left_behind--;
        fcd_worker_check_drained(req->worker);
    }
    req->conn = NULL;
    fx_buf_done(&req->reply);
    fx_buf_done(&req->body);
    fx_loop_defer(req->worker->loop, &req->release);
}

/* The head of an answer of our own; body and Content-Length follow from `body`. */
static void write_reply(struct fcd_req *req, int status, const char *content_type,
                        struct fx_str body)
{
    struct fcd_conn *conn = req->conn;
    struct fx_buf *out = &req->reply;
    if (!req->is_keep_alive || !fx_body_is_complete(&req->incoming) || req->worker->is_draining)
        conn->is_last = true;
    req->status = status;
    fx_h1_write_status_line(out, status, (struct fx_str){0});
    fx_buf_add(out, fcd_worker_date(req->worker));
    fx_buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", content_type, body.len);
    if (status == 503)
        fx_buf_add_c(out, "Retry-After: 1\r\n");
    if (status == 401)
        fx_buf_add_c(out, "WWW-Authenticate: Bearer\r\n");
    if (conn->is_last)
        fx_buf_add_c(out, "Connection: close\r\n");
    else if (req->minor == 0)
        fx_buf_add_c(out, "Connection: keep-alive\r\n");
    fx_h1_write_end(out);
    if (req->method != FCD_M_HEAD)
        fx_buf_add(out, body);
}

void fcd_req_leave_flight(struct fcd_req *req)
{
    if (req->is_write && req->x.pool != NULL)
        req->route->group->in_flight--;
    req->is_write = false;
}

void fcd_req_refuse(struct fcd_req *req, int status, const char *message)
{
    char text[8], body_space[512];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(sizeof body_space);
    struct fx_json_w w;
    snprintf(text, sizeof text, "%d", status);
    fx_series_add(fx_metric(req->worker->metrics, FCD_MT_REFUSED, text), 1);
    fx_json_w_init(&w, &body);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "status", status);
    fx_json_w_kv_text(&w, "error", fx_http_reason(status));
    fx_json_w_kv_text(&w, "message", message);
    fx_json_w_kv_text(&w, "from", "ficus");
    fx_json_w_end(&w);
    fx_buf_add_char(&body, '\n');
    write_reply(req, status, "application/json", fx_buf_str(&body));
    fcd_req_leave_flight(req); /* whether the client takes its answer is nobody else's affair */
    fcd_req_set_step(req, FCD_STEP_REPLY);
}

static void take_head(struct fcd_req *req, size_t used)
{
    const struct fx_head *head = &req->head;
    req->head_len = used;
    req->method = fcd_method_bit(head->method);
    snprintf(req->method_text, sizeof req->method_text, "%.*s", FX_STR_FMT(head->method));
    req->minor = head->minor;
    req->is_keep_alive = head->is_keep_alive;
    fx_body_start(&req->incoming, head->framing, head->content_length);
    req->is_expecting = head->is_expecting_100 && head->minor >= 1;
    req->started = fx_loop_now(req->worker->loop);
    req->worker->n_requests += !req->conn->is_admin;
    fx_timer_stop(&req->conn->timer);
}

static enum next step_receive(struct fcd_req *req)
{
    struct fcd_conn *conn = req->conn;
    struct fx_h1_problem problem = {0};
    size_t used = 0;
    switch (fx_h1_parse_request(fx_iobuf_str(&conn->stream.in), &req->scan,
                                &req->worker->head_limits, &req->head, &used, &problem)) {
    case FX_H1_DONE:
        take_head(req, used);
        fcd_req_set_step(req, FCD_STEP_ROUTE);
        return NEXT_MORE;
    case FX_H1_BAD:
        conn->is_last = true;
        req->minor = 1;
        fcd_req_refuse(req, problem.status, problem.what);
        return NEXT_MORE;
    case FX_H1_MORE: break;
    }
    switch (fx_stream_read(&conn->stream)) {
    case FX_STREAM_SOME: return NEXT_MORE;
    case FX_STREAM_LATER: return NEXT_WAIT;
    case FX_STREAM_END:
    case FX_STREAM_BROKEN: break;
    }
    if (fx_iobuf_len(&conn->stream.out) > 0) { /* the answer before this one is still being read */
        conn->is_last = true;
        fcd_req_refuse(req, 400, "the request's head broke off");
        return NEXT_MORE;
    }
    fcd_conn_close(conn);
    return NEXT_DONE;
}

/* NULL: refused already. */
static struct fcd_route *find_route(struct fcd_req *req)
{
    struct fcd_worker *worker = req->worker;
    const char *why = NULL;
    if (fx_str_eq_c(req->head.path, "*"))
        return &worker->default_route;
    fx_buf_clear(&worker->scratch);
    if (!fx_url_path_normal(req->head.path, &worker->scratch, &why)) {
        fcd_req_refuse(req, 400, why);
        return NULL;
    }
    size_t i = fcd_rules_find(worker->conf->rules, worker->conf->n_routes,
                              fx_buf_str(&worker->scratch), req->method);
    return i != SIZE_MAX ? &worker->routes[i] : &worker->default_route;
}

static enum next step_route(struct fcd_req *req)
{
    if (req->conn->is_admin) {
        fcd_req_set_step(req, FCD_STEP_COLLECT);
        return NEXT_MORE;
    }
    if (req->method == FCD_M_CONNECT || req->method == FCD_M_TRACE) {
        fcd_req_refuse(req, 405, "CONNECT and TRACE are not forwarded");
        return NEXT_MORE;
    }
    if (fcd_method_is_miswritten(req->head.method)) {
        fcd_req_refuse(req, 501, "methods are written in capitals");
        return NEXT_MORE;
    }
    if (fcd_head_is_loop(req)) {
        fcd_req_refuse(req, 508, "this request has passed this facade before");
        return NEXT_MORE;
    }
    if (req->method == FCD_M_OPTIONS &&
        fx_str_eq_c(fx_head_value(&req->head, "Max-Forwards"), "0")) {
        fcd_req_refuse(req, 200, "this is the facade, the last one that may answer");
        return NEXT_MORE;
    }
    req->route = find_route(req);
    if (req->route == NULL)
        return NEXT_MORE;
    req->is_write = req->route->group != NULL && req->route->conf->is_write;
    fcd_req_set_step(req, FCD_STEP_ADMIT);
    return NEXT_MORE;
}

/* The key of the user, or a fresh one: to be issued as a cookie when the ladder says so, else for once. */
static uint64_t split_point(struct fcd_req *req)
{
    const struct fcd_group *group = req->route->group;
    struct fx_str key = {0};
    bool is_issued = false;
    for (size_t i = 0; i < group->conf->n_rungs && key.len == 0 && !is_issued; i++) {
        const struct fcd_key_rung *rung = &group->conf->rungs[i];
        switch (rung->kind) {
        case FCD_KEY_HEADER: key = fx_head_value(&req->head, rung->name); break;
        case FCD_KEY_COOKIE: key = fx_head_cookie(&req->head, rung->name); break;
        case FCD_KEY_ISSUE:
            key = fx_head_cookie(&req->head, rung->name);
            is_issued = key.len == 0;
            break;
        }
    }
    if (key.len > 0)
        return fcd_split_point(group->salt, key);
    char fresh[20];
    snprintf(fresh, sizeof fresh, "%016" PRIx64, fx_rand_u64(&req->worker->rnd));
    if (is_issued)
        memcpy(req->issued, fresh, sizeof fresh);
    return fcd_split_point(group->salt, fx_str_from(fresh));
}

static enum fcd_owner choose_side(struct fcd_req *req)
{
    struct fcd_route *route = req->route;
    const struct fcd_own *own = fcd_group_own(req->worker, route->group);
    if (req->is_write || own->owner == FCD_NEW)
        return own->owner;
    uint64_t point = split_point(req);
    double weight = fcd_route_dial(req->worker, route)->weight_percent;
    return fcd_split_is_new(point, weight) ? FCD_NEW : FCD_OLD;
}

/* The side is chosen now and not before: a write may have waited for its owner to change. */
static void send_on(struct fcd_req *req)
{
    struct fcd_worker *worker = req->worker;
    struct fcd_group *group = req->route->group;
    fcd_req_set_step(req, FCD_STEP_EXCHANGE);
    if (group == NULL) {
        req->x.pool = &worker->upstreams[worker->conf->default_upstream].customers;
    } else {
        req->side = choose_side(req);
        req->x.pool = &group->side[req->side]->customers;
        if (req->is_write)
            group->in_flight++;
        else
            req->shadow = fcd_mirror_begin(&worker->mirror, req);
    }
    bool is_begun = fcd_proxy_begin(req);
    (void)is_begun; /* if not, the request stands at REPLY */
}

static enum next step_admit(struct fcd_req *req)
{
    struct fcd_group *group = req->route->group;
    if (!req->is_write || !fcd_group_is_held(group)) {
        send_on(req);
        return NEXT_MORE;
    }
    if (req->conn->stream.has_hup) {
        fcd_conn_close(req->conn); /* nobody waits for the answer: not sent */
        return NEXT_DONE;
    }
    if (req->worker->is_draining) {
        fcd_req_refuse(req, 503, "the facade is shutting down; the write was not sent");
        return NEXT_MORE;
    }
    if (!fcd_group_hold(group, req)) {
        fcd_req_refuse(req, 503, "writes are held for a moment and the queue is full");
        return NEXT_MORE;
    }
    fcd_req_set_step(req, FCD_STEP_HELD);
    return NEXT_WAIT;
}

void fcd_req_release(struct fcd_req *req)
{
    struct fcd_conn *conn = req->conn;
    if (req->worker->is_draining)
        fcd_req_refuse(req, 503, "the facade is shutting down; the write was not sent");
    else
        send_on(req);
    fcd_conn_drive(conn);
}

static enum next step_held(struct fcd_req *req)
{
    (void)req;
    return NEXT_WAIT;
}

static enum next step_exchange(struct fcd_req *req)
{
    fcd_proxy_resume(req);
    return req->step == FCD_STEP_EXCHANGE ? NEXT_WAIT : NEXT_MORE;
}

/* Admin calls: the head is looked at first, because the body goes through the same block. */
static bool admin_begin(struct fcd_req *req)
{
    struct fcd_conn *conn = req->conn;
    if (!fcd_api_is_allowed(req->worker, fx_head_value(&req->head, "Authorization"))) {
        fcd_req_refuse(req, 401, "the admin address wants the bearer token of ficus.yaml");
        return false;
    }
    /* Any page that an operator has open may POST to 127.0.0.1; his browser then says so. Tools never do. */
    if (req->method == FCD_M_POST && fx_head_find(&req->head, "Origin") != NULL) {
        fcd_req_refuse(req, 403, "a web page may not change the facade");
        return false;
    }
    snprintf(req->path, sizeof req->path, "%.*s", FX_STR_FMT(req->head.path));
    fx_iobuf_consume(&conn->stream.in, req->head_len);
    req->head_len = 0;
    if (req->is_expecting) {
        req->is_expecting = false;
        fx_stream_take_out(&conn->stream);
        fx_buf_add_c(&conn->stream.out.buf, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    fcd_conn_timer(conn, req->worker->conf->timeouts.head_ms);
    return true;
}

static bool admin_body(struct fcd_req *req)
{
    struct fx_iobuf *from = &req->conn->stream.in;
    while (!fx_body_is_complete(&req->incoming) && fx_iobuf_len(from) > 0) {
        struct fx_str data;
        size_t used;
        if (fx_body_next(&req->incoming, fx_iobuf_str(from), &used, &data) == FX_BODY_BAD)
            return false;
        fx_buf_add(&req->body, data);
        fx_iobuf_consume(from, used);
    }
    return !req->body.has_failed;
}

static enum next step_collect(struct fcd_req *req)
{
    if (req->head_len > 0 && !admin_begin(req))
        return NEXT_MORE;
    if (!admin_body(req)) {
        fcd_req_refuse(req, 400, "the body is malformed or larger than 64 KiB");
        return NEXT_MORE;
    }
    if (!fx_body_is_complete(&req->incoming)) {
        enum fx_stream_read got = fx_stream_read(&req->conn->stream);
        if (got == FX_STREAM_END || got == FX_STREAM_BROKEN)
            fcd_conn_close(req->conn);
        return got == FX_STREAM_SOME ? NEXT_MORE : got == FX_STREAM_LATER ? NEXT_WAIT : NEXT_DONE;
    }
    fx_timer_stop(&req->conn->timer);
    struct fcd_api_call call = {.worker = req->worker,
                                .method = req->method,
                                .path = fx_str_from(req->path),
                                .body = fx_buf_str(&req->body),
                                .status = 200,
                                .content_type = "application/json",
                                .out = FX_BUF(REPLY_MAX / 2)};
    fcd_api_answer(&call);
    write_reply(req, call.status, call.content_type, fx_buf_str(&call.out));
    fx_buf_done(&call.out);
    fcd_req_set_step(req, FCD_STEP_REPLY);
    return NEXT_MORE;
}

static enum next step_reply(struct fcd_req *req)
{
    struct fcd_conn *conn = req->conn;
    fx_stream_take_out(&conn->stream);
    size_t n = FX_MIN(req->reply.len - req->reply_at, fx_iobuf_room(&conn->stream.out));
    fx_buf_add(&conn->stream.out.buf, fx_str_sub(fx_buf_str(&req->reply), req->reply_at, n));
    req->reply_at += n;
    if (!fcd_conn_flush(conn)) {
        fcd_conn_close(conn);
        return NEXT_DONE;
    }
    if (req->reply_at < req->reply.len)
        return fx_iobuf_len(&conn->stream.out) > 0 ? NEXT_WAIT : NEXT_MORE;
    fcd_req_set_step(req, FCD_STEP_FINISH);
    return NEXT_MORE;
}

/* What went to an upstream is counted for its side; what the client broke off is not. */
static void account(struct fcd_req *req, bool is_counted)
{
    struct fcd_route *route = req->route;
    if (req->x.pool == NULL)
        return;
    fcd_req_leave_flight(req);
    req->x.pool = NULL; /* once */
    if (req->shadow != NULL)
        fcd_mirror_end(req->shadow, is_counted && req->is_answer_begun && !req->is_cut);
    req->shadow = NULL;
    if (!is_counted)
        return;
    bool is_error = req->status >= 500 || req->status == 0 || req->is_cut;
    int64_t us = fx_mono_since_us(req->started, fx_loop_now(req->worker->loop));
    fcd_stats_add(&route->side[req->side], us, is_error);
    size_t class = is_error ? 5 : (size_t)req->status / 100;
    if (route->requests[req->side][class] == NULL) {
        static const char *const classes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
        route->requests[req->side][class] =
            fx_metric(req->worker->metrics, FCD_MT_REQUESTS, route->conf->id,
                      fcd_owner_name(req->side), classes[class]);
    }
    fx_series_add(route->requests[req->side][class], 1);
    fx_series_observe(route->seconds[req->side], (double)us / 1e6);
}

static enum next step_finish(struct fcd_req *req)
{
    struct fcd_conn *conn = req->conn;
    account(req, true);
    if (conn == NULL)
        return NEXT_DONE;
    if (req->is_cut) {
        fcd_conn_close(conn); /* the client must notice that the answer is not whole */
        return NEXT_DONE;
    }
    if (req->head_len > 0)
        fx_iobuf_consume(&conn->stream.in, req->head_len);
    if (!fx_body_is_complete(&req->incoming))
        conn->is_last = true;
    return NEXT_DONE;
}

static enum next run_step(struct fcd_req *req)
{
    switch (req->step) {
    case FCD_STEP_RECEIVE: return step_receive(req);
    case FCD_STEP_ROUTE: return step_route(req);
    case FCD_STEP_COLLECT: return step_collect(req);
    case FCD_STEP_ADMIT: return step_admit(req);
    case FCD_STEP_HELD: return step_held(req);
    case FCD_STEP_EXCHANGE: return step_exchange(req);
    case FCD_STEP_REPLY: return step_reply(req);
    case FCD_STEP_FINISH: return step_finish(req);
    case FCD_STEP_OVER: return NEXT_DONE;
    }
    return NEXT_DONE;
}

bool fcd_req_run(struct fcd_req *req)
{
    enum next next = NEXT_MORE;
    while (next == NEXT_MORE)
        next = run_step(req);
    if (next == NEXT_WAIT)
        return req->step == FCD_STEP_OVER;
    if (req->step != FCD_STEP_OVER)
        recycle(req);
    return true;
}

bool fcd_req_ends_with_close(const struct fcd_req *req)
{
    bool is_open = req->step == FCD_STEP_EXCHANGE || req->is_cut;
    return is_open && req->is_answer_begun && !req->is_answer_chunked &&
           req->x.incoming.framing != FX_FRAME_LENGTH;
}

void fcd_req_client_gone(struct fcd_req *req)
{
    if (req->step == FCD_STEP_OVER)
        return;
    if (req->step == FCD_STEP_HELD)
        fcd_group_forget(req->route->group, req, "dropped");
    bool is_running = req->step == FCD_STEP_EXCHANGE && req->x.u != NULL;
    bool is_sent = req->x.state != FCD_X_CONNECT && fx_body_is_complete(&req->incoming);
    bool may_change = req->is_write || !fcd_method_is_safe(req->method);
    if (is_running && is_sent && may_change) {
        req->worker->n_left_behind++;
        req->conn = NULL; /* stays until the upstream has answered: it is in flight */
        return;
    }
    if (is_running)
        fcd_xchg_abort(&req->x);
    account(req, req->step == FCD_STEP_FINISH);
    recycle(req);
}
