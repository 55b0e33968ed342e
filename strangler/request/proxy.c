/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customer's end of an exchange: the body goes up as the upstream takes it, the answer comes down as the
 * client takes it. Both directions hold one block each; when it is full nobody reads, and TCP tells the sender.
 */
#include "strangler/request/req.h"

#include <inttypes.h>

#include "lib/http/h1_write.h"
#include "strangler/net/conn.h"

enum {
    CHUNK_ROOM = 32, /* size line, line ends and the last chunk */
    ROOM_MIN = 1024, /* smaller pieces are not worth a chunk: first drain */
};

static struct fcd_req *req_of(struct fcd_xchg *x)
{
    return FX_CONTAINER_OF(x, struct fcd_req, x);
}

/* --- a client that is slow with its body ---------------------------------------------------------- */

/* Credit is never more than timeouts.stall: who was fast at first may not rest on it for hours. */
static void earn(struct fcd_req *req, size_t bytes)
{
    const struct fcd_config *conf = req->worker->conf;
    int64_t us = (int64_t)bytes * 1000000 / conf->limits.body_rate;
    req->credit_us = FX_MIN(req->credit_us + us, conf->timeouts.stall_ms * 1000);
}

static bool is_hurried(const struct fcd_req *req)
{
    return req->is_write && req->route->group->is_hurrying;
}

static void wait_for_client(struct fcd_req *req)
{
    struct fx_loop *loop = req->worker->loop;
    struct fx_mono now = fx_loop_now(loop);
    int64_t left_us = req->credit_us;
    if (is_hurried(req))
        left_us = FX_MIN(left_us, fx_mono_since_us(now, req->route->group->hurry_until));
    req->is_starved = true;
    req->starved_at = now;
    fx_loop_timer(loop, &req->patience, FX_MAX((left_us + 999) / 1000, (int64_t)0));
}

static void end_wait(struct fcd_req *req)
{
    if (!req->is_starved)
        return;
    req->is_starved = false;
    req->credit_us -= fx_mono_since_us(req->starved_at, fx_loop_now(req->worker->loop));
    if (!is_hurried(req))
        fx_timer_stop(&req->patience);
}

/* Framing is written for chunked bodies only. A whole block goes on by being exchanged for the empty one. */
static void pass_on(struct fcd_req *req, struct fx_str data, size_t used, struct fx_iobuf *to)
{
    struct fx_iobuf *from = &req->conn->stream.in;
    bool is_whole = data.len == fx_iobuf_len(from) && fx_iobuf_len(to) == 0;
    if (req->incoming.framing != FX_FRAME_CHUNKED && is_whole) {
        fx_iobuf_swap(from, to);
        return;
    }
    if (req->incoming.framing != FX_FRAME_CHUNKED)
        fx_buf_add(&to->buf, data);
    else
        fx_h1_write_chunk(&to->buf, data);
    if (req->incoming.framing == FX_FRAME_CHUNKED && fx_body_is_complete(&req->incoming))
        fx_h1_write_last_chunk(&to->buf);
    fx_iobuf_consume(from, used);
}

/* Takes what has arrived of the body into `to`; false: the body is malformed. */
static bool take_body(struct fcd_req *req, struct fx_iobuf *to)
{
    struct fx_iobuf *from = &req->conn->stream.in;
    struct fx_body *body = &req->incoming;
    size_t kept = body->framing == FX_FRAME_CHUNKED ? CHUNK_ROOM : 0;
    while (!fx_body_is_complete(body) && fx_iobuf_len(from) > 0) {
        struct fx_str data;
        size_t room = fx_iobuf_room(to), used;
        if (room <= kept)
            return true;
        struct fx_str in = fx_str_sub(fx_iobuf_str(from), 0, room - kept);
        if (fx_body_next(body, in, &used, &data) == FX_BODY_BAD)
            return false;
        pass_on(req, data, used, to);
        earn(req, used);
    }
    return true;
}

static void spoil(struct fcd_req *req, int status, const char *why)
{
    fcd_xchg_abort(&req->x);
    if (req->is_answer_begun) {
        req->is_cut = true;
        fcd_req_set_step(req, FCD_STEP_FINISH);
    } else {
        fcd_req_refuse(req, status, why);
    }
    fcd_conn_drive(req->conn);
}

/*
 * The client's time is over, or that of a hold. What the upstream is working on is left alone; a write whose answer has begun
 * is done as far as can be told from here, and how fast its client reads is no reason for others to wait.
 */
void fcd_proxy_impatient(struct fx_timer *timer)
{
    struct fcd_req *req = FX_CONTAINER_OF(timer, struct fcd_req, patience);
    if (req->step != FCD_STEP_EXCHANGE)
        return;
    bool is_late = is_hurried(req) &&
                   fx_mono_reached(req->route->group->hurry_until, fx_loop_now(req->worker->loop));
    if (req->is_answer_begun && is_late)
        fcd_req_leave_flight(req);
    if (req->conn == NULL || !req->is_starved)
        return;
    end_wait(req);
    if (!is_late && req->credit_us > 0) {
        wait_for_client(req); /* the hold that hurried it is over */
        return;
    }
    fx_series_add(fx_metric(req->worker->metrics, FCD_MT_BODIES_CUT, is_late ? "hold" : "rate"), 1);
    if (is_late)
        spoil(req, 503, "writes are held for a moment and the request's body was not there");
    else
        spoil(req, 408, "the request's body arrived too slowly");
}

static void on_start(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    struct fcd_conn *conn = req->conn;
    fcd_head_forward(req, x->u->endpoint->conf, false, &x->u->stream.out.buf);
    if (x->u->stream.out.buf.has_failed) {
        fcd_xchg_abort(x);
        fcd_req_refuse(req, 431, "the head is too large to be forwarded");
        fcd_conn_drive(conn);
        return;
    }
    if (req->incoming.framing == FX_FRAME_NONE) {
        fcd_xchg_complete(x);
        return;
    }
    /* The body streams through the block that holds the head, so from here on the head is forgotten. */
    fx_iobuf_consume(&conn->stream.in, req->head_len);
    req->head_len = 0;
    if (req->is_expecting) {
        req->is_expecting = false;
        fx_stream_take_out(&conn->stream);
        fx_buf_add_c(&conn->stream.out.buf, "HTTP/1.1 100 Continue\r\n\r\n");
        if (!fcd_conn_flush(conn)) {
            fcd_conn_close(conn);
            return;
        }
    }
    /* What came together goes on together: one write for a small request. */
    if (!take_body(req, &x->u->stream.out))
        spoil(req, 400, fx_body_problem(&req->incoming));
    else if (fx_body_is_complete(&req->incoming))
        fcd_xchg_complete(x);
}

static void on_fill(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    end_wait(req);
    for (;;) {
        if (!take_body(req, &x->u->stream.out)) {
            spoil(req, 400, fx_body_problem(&req->incoming));
            return;
        }
        if (fx_body_is_complete(&req->incoming))
            fcd_xchg_complete(x);
        if (fx_body_is_complete(&req->incoming) || fx_iobuf_len(&x->u->stream.out) > 0)
            return;
        switch (fx_stream_read(&req->conn->stream)) {
        case FX_STREAM_SOME: break;
        case FX_STREAM_LATER: wait_for_client(req); return;
        case FX_STREAM_END:
        case FX_STREAM_BROKEN:
            fcd_conn_close(req->conn);
            return; /* the body will never be complete */
        }
    }
}

static void on_head(struct fcd_xchg *x, const struct fx_head *head)
{
    struct fcd_req *req = req_of(x);
    if (head->status >= 200)
        req->status = head->status;
    if (req->conn == NULL || (head->status < 200 && req->minor == 0))
        return;
    struct fx_buf *out = &req->conn->stream.out.buf;
    fx_stream_take_out(&req->conn->stream);
    if (head->status < 200) {
        fcd_head_interim(head, out);
        return;
    }
    fcd_head_answer(req, head, out);
    if (out->has_failed) {
        fx_buf_clear(out);
        spoil(req, 502, "the head of the answer is too large to be forwarded");
        return;
    }
    req->is_answer_begun = true;
    if (is_hurried(req) &&
        fx_mono_reached(req->route->group->hurry_until, fx_loop_now(req->worker->loop)))
        fcd_req_leave_flight(req);
    if (req->shadow != NULL)
        fcd_mirror_head(req->shadow, head);
}

static size_t on_room(struct fcd_xchg *x)
{
    struct fcd_conn *conn = req_of(x)->conn;
    if (conn == NULL)
        return FX_BLOCK_BYTES;
    size_t used = conn->stream.out.buf.len;
    if (x->state == FCD_X_HEAD)
        return used == 0 ? FX_BLOCK_BYTES : 0;
    size_t room = FX_BLOCK_BYTES - used;
    return room >= ROOM_MIN + CHUNK_ROOM ? room - CHUNK_ROOM : 0;
}

static void on_data(struct fcd_xchg *x, struct fx_str bytes)
{
    struct fcd_req *req = req_of(x);
    if (req->conn == NULL)
        return;
    if (req->is_answer_chunked)
        fx_h1_write_chunk(&req->conn->stream.out.buf, bytes);
    else
        fx_buf_add(&req->conn->stream.out.buf, bytes);
    if (req->shadow != NULL)
        fcd_mirror_data(req->shadow, bytes);
}

static void on_pause(struct fcd_xchg *x)
{
    struct fcd_conn *conn = req_of(x)->conn;
    if (conn != NULL && !fcd_conn_flush(conn))
        fcd_conn_close(conn);
}

static void go_on(struct fcd_req *req)
{
    if (req->conn != NULL) {
        fcd_conn_drive(req->conn);
        return;
    }
    bool is_over = fcd_req_run(req);
    (void)is_over; /* nobody waits for it */
}

static void on_done(struct fcd_xchg *x)
{
    struct fcd_req *req = req_of(x);
    if (req->conn != NULL && req->is_answer_chunked)
        fx_h1_write_last_chunk(&req->conn->stream.out.buf);
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
    fx_series_add(fx_metric(req->worker->metrics, FCD_MT_UPSTREAM_FAILURES, req->x.pool->conf->name,
                            reasons[why]),
                  1);
}

static void on_fail(struct fcd_xchg *x, enum fcd_failure why)
{
    struct fcd_req *req = req_of(x);
    if (why != FCD_FAIL_OWNER)
        count_failure(req, why);
    if (req->is_answer_begun || req->conn == NULL) {
        req->is_cut = true;
        fcd_req_set_step(req, FCD_STEP_FINISH);
    } else {
        fcd_req_refuse(req, status_of(why), fcd_failure_text(why));
    }
    go_on(req);
}

static const struct fcd_xchg_ops proxy_ops = {on_start, on_fill,  on_head, on_room,
                                              on_data,  on_pause, on_done, on_fail};

bool fcd_proxy_begin(struct fcd_req *req)
{
    enum fcd_failure why;
    struct fcd_xchg *x = &req->x;
    x->ops = &proxy_ops;
    x->method = fx_str_from(req->method_text);
    /* A route of kind write may change something with a GET as well: it is the route that says so. */
    bool is_safe = fcd_method_is_safe(req->method) && !req->is_write;
    bool has_body = req->incoming.framing != FX_FRAME_NONE;
    x->repeat = has_body ? FCD_REPEAT_NEVER : is_safe ? FCD_REPEAT_SAFE : FCD_REPEAT_UNSENT;
    x->response_ms = req->worker->conf->timeouts.response_ms;
    req->credit_us = req->worker->conf->timeouts.stall_ms * 1000;
    if (fcd_xchg_begin(x, &why))
        return true;
    count_failure(req, why);
    fcd_req_refuse(req, status_of(why), fcd_failure_text(why));
    return false;
}

void fcd_proxy_resume(struct fcd_req *req)
{
    struct fcd_xchg *x = &req->x;
    if (!fcd_conn_flush(req->conn)) {
        fcd_conn_close(req->conn);
        return;
    }
    if (x->u != NULL && x->sending == FCD_SENDING_OPEN &&
        (x->state == FCD_X_HEAD || x->state == FCD_X_BODY))
        fcd_xchg_send(x);
    if (x->u != NULL && x->state == FCD_X_BODY)
        fcd_xchg_pump(x);
}
