/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine drawn in http1.h. `drive` is not re-entrant: what happens under it (an answer ends
 * while it is being flushed) changes states, and its loop sees them.
 */
#include "lib/base/panic.h"
#include "strangler/http1/message.h"

enum { DRIVE_ROUNDS = 32, LINGER_MS = 2000, REPLY_MAX = 64 << 20 };

static const char *const state_names[] = {
    [FCD_H1_IDLE] = "IDLE",     [FCD_H1_HEAD] = "HEAD",     [FCD_H1_CALL] = "CALL",
    [FCD_H1_ENDING] = "ENDING", [FCD_H1_LINGER] = "LINGER", [FCD_H1_CLOSED] = "CLOSED"};

static bool may_follow(enum fcd_h1_state from, enum fcd_h1_state to)
{
    switch (to) {
    case FCD_H1_IDLE: return from == FCD_H1_CALL;
    case FCD_H1_HEAD: return from == FCD_H1_IDLE;
    case FCD_H1_CALL: return from == FCD_H1_HEAD;
    case FCD_H1_ENDING: return from == FCD_H1_CALL;
    case FCD_H1_LINGER: return from == FCD_H1_ENDING;
    case FCD_H1_CLOSED: return from != FCD_H1_CLOSED;
    }
    return false;
}

static void set_state(struct fcd_h1 *h1, enum fcd_h1_state to)
{
    if (!may_follow(h1->state, to))
        FX_BUG("connection of %s cannot go from %s to %s, in=%zu out=%zu last=%d", h1->conn.peer,
               state_names[h1->state], state_names[to], fx_iobuf_len(&h1->conn.stream.in),
               fx_iobuf_len(&h1->conn.stream.out), h1->is_last);
    h1->state = to;
    bool has_call = to == FCD_H1_HEAD || to == FCD_H1_CALL;
    FX_ASSERT(to == FCD_H1_CLOSED || has_call == (h1->call != NULL));
}

static size_t unsent(const struct fcd_h1 *h1)
{
    return fx_iobuf_len(&h1->conn.stream.out);
}

/* The deadline of a head is not moved by anything; a call may ask for the same. */
static bool has_deadline(const struct fcd_h1 *h1)
{
    return h1->state == FCD_H1_HEAD || (h1->call != NULL && h1->call->has_deadline);
}

bool fcd_h1_flush(struct fcd_h1 *h1)
{
    struct fcd_conn *conn = &h1->conn;
    size_t sent;
    if (unsent(h1) == 0)
        return true;
    if (!fx_stream_flush(&conn->stream, &sent))
        return false;
    if (has_deadline(h1))
        return true;
    /* Only what the client takes counts: what it sends meanwhile must not keep it alive. */
    if (unsent(h1) > 0 && (sent > 0 || !fx_timer_is_set(&conn->timer)))
        fcd_conn_timer(conn, conn->local->conf->timeouts.stall_ms);
    else if (unsent(h1) == 0 && h1->call != NULL)
        fx_timer_stop(&conn->timer);
    return true;
}

/* Between requests. True: a request has begun. */
static bool begin(struct fcd_h1 *h1)
{
    struct fcd_conn *conn = &h1->conn;
    const struct fcd_conf_timeouts *timeouts = &conn->local->conf->timeouts;
    if (fx_iobuf_len(&conn->stream.in) == 0) {
        switch (fx_stream_read(&conn->stream)) {
        case FX_STREAM_SOME: break;
        case FX_STREAM_LATER:
            fx_stream_drop_empty(&conn->stream);
            if (unsent(h1) == 0)
                fcd_conn_timer(conn, timeouts->idle_ms);
            return false;
        case FX_STREAM_END:
        case FX_STREAM_BROKEN:
            h1->is_last = true; /* it may have shut only its side, and still read its answer */
            if (unsent(h1) == 0)
                fcd_conn_close(conn);
            return false;
        }
    }
    h1->scan = (struct fx_h1_scan){0};
    h1->head_len = 0;
    h1->reply = FX_BUF(REPLY_MAX);
    h1->reply_at = 0;
    h1->call = conn->service->begin(conn->service, conn);
    set_state(h1, FCD_H1_HEAD);
    fcd_conn_timer(conn, timeouts->head_ms);
    return true;
}

/* The head cannot be served: the service answers by
 * itself, and that is the connection's last answer. */
static void refuse_head(struct fcd_h1 *h1, int status, const char *why)
{
    h1->is_last = true;
    h1->minor = 1;
    h1->is_expecting = false;
    fx_body_start(&h1->body, FX_FRAME_NONE, 0);
    set_state(h1, FCD_H1_CALL);
    h1->conn.service->refuse(h1->call, status, why);
}

static void refuse_bad_head(struct fcd_h1 *h1, const struct fx_h1_problem *problem)
{
    char why[FCD_REASON_MAX];
    bool is_malformed = problem->status == 400;
    refuse_head(h1, problem->status,
                is_malformed ? fcd_call_malformed(problem->what, why) : problem->what);
}

static bool read_head(struct fcd_h1 *h1)
{
    struct fcd_conn *conn = &h1->conn;
    struct fx_h1_problem problem = {0};
    size_t used = 0;
    switch (fx_h1_parse_request(fx_iobuf_str(&conn->stream.in), &h1->scan,
                                &conn->local->shared->head_limits, &h1->call->head, &used,
                                &problem)) {
    case FX_H1_DONE:
        fcd_h1_take_head(h1, used);
        set_state(h1, FCD_H1_CALL);
        fx_timer_stop(&conn->timer);
        return true;
    case FX_H1_BAD: refuse_bad_head(h1, &problem); return true;
    case FX_H1_MORE: break;
    }
    switch (fx_stream_read(&conn->stream)) {
    case FX_STREAM_SOME: return true;
    case FX_STREAM_LATER: return false;
    case FX_STREAM_END:
    case FX_STREAM_BROKEN: break;
    }
    if (unsent(h1) > 0) { /* the answer before this one is still being read */
        refuse_head(h1, 400, "the connection ended in the middle of the request's head");
        return true;
    }
    fcd_conn_close(conn);
    return false;
}

static void forget_call(struct fcd_h1 *h1)
{
    h1->call = NULL;
    fx_buf_done(&h1->reply);
}

/* The last answer is complete, as far as we are concerned. */
static void end(struct fcd_h1 *h1)
{
    struct fcd_conn *conn = &h1->conn;
    if (!fcd_h1_flush(h1)) {
        fcd_conn_close(conn);
        return;
    }
    bool has_input = fx_iobuf_len(&conn->stream.in) > 0 || conn->stream.may_read;
    if (unsent(h1) == 0 && !has_input && conn->stream.has_hup) {
        fcd_conn_close(conn);
        return;
    }
    set_state(h1, FCD_H1_ENDING);
    fcd_conn_timer(conn, conn->local->conf->timeouts.stall_ms);
}

static bool run_call(struct fcd_h1 *h1)
{
    if (!h1->conn.service->run(h1->call))
        return false;
    if (h1->conn.is_closed)
        return false;
    forget_call(h1);
    if (h1->is_last)
        end(h1);
    else
        set_state(h1, FCD_H1_IDLE);
    return true;
}

/* True: everything is sent and our side is shut. */
static bool send_rest(struct fcd_h1 *h1)
{
    if (!fcd_h1_flush(h1)) {
        fcd_conn_close(&h1->conn);
        return false;
    }
    if (unsent(h1) > 0)
        return false;
    set_state(h1, FCD_H1_LINGER);
    fx_stream_shut(&h1->conn.stream);
    fcd_conn_timer(&h1->conn, LINGER_MS);
    return true;
}

/* What the client still sends goes nowhere; its end, or a while, closes. */
static void linger(struct fcd_h1 *h1)
{
    struct fcd_conn *conn = &h1->conn;
    struct fx_iobuf *in = &conn->stream.in;
    for (int rounds = 0; rounds < DRIVE_ROUNDS; rounds++) {
        fx_iobuf_consume(in, fx_iobuf_len(in));
        switch (fx_stream_read(&conn->stream)) {
        case FX_STREAM_SOME: break;
        case FX_STREAM_LATER: return;
        case FX_STREAM_END:
        case FX_STREAM_BROKEN: fcd_conn_close(conn); return;
        }
    }
    fcd_conn_again(conn);
}

static bool go_idle(struct fcd_h1 *h1)
{
    if (!fcd_h1_flush(h1) || (h1->is_last && unsent(h1) == 0)) {
        fcd_conn_close(&h1->conn);
        return false;
    }
    return !h1->is_last && begin(h1);
}

/* True: look at the state again. */
static bool run_state(struct fcd_h1 *h1)
{
    switch (h1->state) {
    case FCD_H1_IDLE: return go_idle(h1);
    case FCD_H1_HEAD: return read_head(h1);
    case FCD_H1_CALL: return run_call(h1);
    case FCD_H1_ENDING: return send_rest(h1);
    case FCD_H1_LINGER: linger(h1); return false;
    case FCD_H1_CLOSED: return false;
    }
    return false;
}

void fcd_h1_drive(struct fcd_conn *conn)
{
    struct fcd_h1 *h1 = fcd_h1_of(conn);
    if (h1->is_driving)
        return;
    h1->is_driving = true;
    int rounds = 0;
    while (rounds < DRIVE_ROUNDS && run_state(h1))
        rounds++;
    if (rounds == DRIVE_ROUNDS && !conn->is_closed)
        fcd_conn_again(conn);
    h1->is_driving = false;
    if (!conn->is_closed && !fcd_h1_flush(h1))
        fcd_conn_close(conn);
}

void fcd_h1_start(struct fcd_conn *conn)
{
    fcd_conn_timer(conn, conn->local->conf->timeouts.idle_ms);
}

void fcd_h1_late(struct fcd_conn *conn)
{
    struct fcd_h1 *h1 = fcd_h1_of(conn);
    if (h1->state != FCD_H1_HEAD || unsent(h1) > 0) {
        fcd_conn_close(conn);
        return;
    }
    refuse_head(h1, 408, "the request's head did not arrive in time (facade.timeouts.head)");
    fcd_h1_drive(conn);
}

void fcd_h1_drain(struct fcd_conn *conn)
{
    struct fcd_h1 *h1 = fcd_h1_of(conn);
    h1->is_last = true;
    if (h1->state == FCD_H1_IDLE && unsent(h1) == 0)
        fcd_conn_close(conn); /* else when the client has taken the rest of its answer */
}

/* An answer that ends with the connection and has not gone out
 * whole: after a plain close the client would take it for complete. */
static bool must_reset(const struct fcd_h1 *h1)
{
    bool is_open = h1->call != NULL &&
                   (h1->call->answer == FCD_ANSWER_BEGUN || h1->call->answer == FCD_ANSWER_CUT);
    return h1->answer_end == FCD_H1_END_CLOSE && (is_open || unsent(h1) > 0);
}

void fcd_h1_closing(struct fcd_conn *conn)
{
    struct fcd_h1 *h1 = fcd_h1_of(conn);
    struct fcd_call *call = h1->call;
    set_state(h1, FCD_H1_CLOSED);
    if (must_reset(h1))
        fx_stream_reset_on_close(&conn->stream);
    if (call == NULL)
        return;
    forget_call(h1);
    conn->service->gone(call);
}
