/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket side of a client. Everything funnels into fcd_conn_drive, which is not re-entrant: what happens
 * under it (an answer ends while it is being flushed) changes states, and its loop sees them.
 */
#include "strangler/net/conn.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/io/sock.h"
#include "lib/log/log.h"
#include "strangler/request/req.h"

enum { DRIVE_ROUNDS = 32, ACCEPT_ROUNDS = 64, LINGER_MS = 2000 };

static bool is_next(enum fcd_conn_state from, enum fcd_conn_state to)
{
    switch (to) {
    case FCD_C_READING: return from == FCD_C_BUSY;
    case FCD_C_BUSY: return from == FCD_C_READING;
    case FCD_C_LINGER: return from == FCD_C_BUSY;
    case FCD_C_CLOSED: return from != FCD_C_CLOSED;
    }
    return false;
}

static void set_state(struct fcd_conn *conn, enum fcd_conn_state to)
{
    if (!is_next(conn->state, to))
        FX_BUG("connection of %s cannot go from state %d to %d", conn->peer, (int)conn->state,
               (int)to);
    conn->state = to;
}

void fcd_conn_timer(struct fcd_conn *conn, int64_t after_ms)
{
    fx_loop_timer(conn->worker->loop, &conn->timer, after_ms);
}

static void on_release(struct fx_task *task)
{
    free(FX_CONTAINER_OF(task, struct fcd_conn, release));
}

/* A request has two blocks with its client and two with its upstream at most. */
static void fit_blocks(struct fcd_worker *worker)
{
    fx_block_cache_limit(&worker->blocks, 4 * worker->conns.len);
}

void fcd_conn_close(struct fcd_conn *conn)
{
    struct fcd_worker *worker = conn->worker;
    if (conn->state == FCD_C_CLOSED)
        return;
    set_state(conn, FCD_C_CLOSED);
    struct fcd_req *req = conn->req;
    if (req != NULL && fcd_req_ends_with_close(req))
        fx_stream_reset_on_close(&conn->stream);
    conn->req = NULL;
    if (req != NULL)
        fcd_req_client_gone(req);
    fx_stream_close(&conn->stream);
    fx_loop_timer_remove(worker->loop, &conn->timer);
    FX_LIST_REMOVE(&worker->conns, conn, link);
    fit_blocks(worker);
    fx_loop_defer(worker->loop, &conn->release);
    fcd_worker_check_drained(worker);
}

/* Head and body of a call of the admin address have a deadline that nothing moves. */
static bool has_deadline(const struct fcd_conn *conn)
{
    return conn->req != NULL &&
           (conn->req->step == FCD_STEP_RECEIVE || conn->req->step == FCD_STEP_COLLECT);
}

bool fcd_conn_flush(struct fcd_conn *conn)
{
    struct fx_iobuf *out = &conn->stream.out;
    size_t sent;
    if (fx_iobuf_len(out) == 0)
        return true;
    if (!fx_stream_flush(&conn->stream, &sent))
        return false;
    size_t left = fx_iobuf_len(out);
    if (has_deadline(conn))
        return true;
    /* Only what the client takes counts: what it sends meanwhile must not keep it alive. */
    if (left > 0 && (sent > 0 || !fx_timer_is_set(&conn->timer)))
        fcd_conn_timer(conn, conn->worker->conf->timeouts.stall_ms);
    else if (left == 0 && conn->req != NULL)
        fx_timer_stop(&conn->timer);
    return true;
}

/* What the client still sends goes nowhere; its end, or a while, closes. */
static void linger(struct fcd_conn *conn)
{
    if (!fcd_conn_flush(conn)) {
        fcd_conn_close(conn);
        return;
    }
    if (fx_iobuf_len(&conn->stream.out) > 0)
        return;
    if (!conn->is_shut) {
        conn->is_shut = true;
        fx_stream_shut(&conn->stream);
        fcd_conn_timer(conn, LINGER_MS);
    }
    fx_iobuf_consume(&conn->stream.in, fx_iobuf_len(&conn->stream.in));
    for (int rounds = 0; rounds < DRIVE_ROUNDS; rounds++) {
        switch (fx_stream_read(&conn->stream)) {
        case FX_STREAM_SOME:
            fx_iobuf_consume(&conn->stream.in, fx_iobuf_len(&conn->stream.in));
            break;
        case FX_STREAM_LATER: return;
        case FX_STREAM_END:
        case FX_STREAM_BROKEN: fcd_conn_close(conn); return;
        }
    }
    fx_loop_defer(conn->worker->loop, &conn->again);
}

/* An answer is complete and the connection is not to be kept. */
static void end(struct fcd_conn *conn)
{
    if (!fcd_conn_flush(conn)) {
        fcd_conn_close(conn);
        return;
    }
    bool has_rest = fx_iobuf_len(&conn->stream.in) > 0 || conn->stream.may_read;
    if (fx_iobuf_len(&conn->stream.out) == 0 && !has_rest && conn->stream.has_hup) {
        fcd_conn_close(conn);
        return;
    }
    set_state(conn, FCD_C_LINGER);
    fcd_conn_timer(conn, conn->worker->conf->timeouts.stall_ms);
    linger(conn);
}

/* Between requests. true: a request has begun. */
static bool begin(struct fcd_conn *conn)
{
    struct fcd_worker *worker = conn->worker;
    if (fx_iobuf_len(&conn->stream.in) == 0) {
        switch (fx_stream_read(&conn->stream)) {
        case FX_STREAM_SOME: break;
        case FX_STREAM_LATER:
            fx_stream_drop_empty(&conn->stream);
            if (fx_iobuf_len(&conn->stream.out) == 0)
                fcd_conn_timer(conn, worker->conf->timeouts.idle_ms);
            return false;
        case FX_STREAM_END:
        case FX_STREAM_BROKEN:
            conn->is_last = true; /* it may have shut only its side, and still read its answer */
            if (fx_iobuf_len(&conn->stream.out) == 0)
                fcd_conn_close(conn);
            return false;
        }
    }
    set_state(conn, FCD_C_BUSY);
    conn->req = fcd_req_new(conn);
    fcd_conn_timer(conn, worker->conf->timeouts.head_ms);
    return true;
}

void fcd_conn_drive(struct fcd_conn *conn)
{
    if (conn->is_driving)
        return;
    conn->is_driving = true;
    bool goes_on = true;
    for (int rounds = 0; goes_on; rounds++) {
        if (rounds == DRIVE_ROUNDS) {
            fx_loop_defer(conn->worker->loop, &conn->again);
            break;
        }
        switch (conn->state) {
        case FCD_C_CLOSED: goes_on = false; break;
        case FCD_C_LINGER:
            linger(conn);
            goes_on = false;
            break;
        case FCD_C_READING:
            if (!fcd_conn_flush(conn) || (conn->is_last && fx_iobuf_len(&conn->stream.out) == 0))
                fcd_conn_close(conn);
            else
                goes_on = !conn->is_last && begin(conn);
            break;
        case FCD_C_BUSY:
            goes_on = fcd_req_run(conn->req);
            if (!goes_on || conn->state == FCD_C_CLOSED)
                break;
            conn->req = NULL;
            if (conn->is_last)
                end(conn);
            else
                set_state(conn, FCD_C_READING);
            break;
        }
    }
    conn->is_driving = false;
    if (conn->state != FCD_C_CLOSED && !fcd_conn_flush(conn))
        fcd_conn_close(conn);
}

static void on_event(struct fx_watch *watch, unsigned events)
{
    struct fcd_conn *conn = FX_CONTAINER_OF(watch, struct fcd_conn, stream.watch);
    fx_stream_note(&conn->stream, events);
    if ((events & FX_LOOP_ERROR) != 0) {
        fcd_conn_close(conn);
        return;
    }
    bool is_held = conn->req != NULL && conn->req->step == FCD_STEP_HELD;
    if (is_held && conn->stream.has_hup)
        fcd_conn_close(conn); /* nobody waits for it: never sent */
    else
        fcd_conn_drive(conn);
}

static void on_timer(struct fx_timer *timer)
{
    struct fcd_conn *conn = FX_CONTAINER_OF(timer, struct fcd_conn, timer);
    bool is_head_late = conn->state == FCD_C_BUSY && conn->req->step == FCD_STEP_RECEIVE &&
                        fx_iobuf_len(&conn->stream.out) == 0;
    if (!is_head_late) {
        fcd_conn_close(conn);
        return;
    }
    fcd_req_refuse(conn->req, 408, "the request's head did not arrive in time");
    fcd_conn_drive(conn);
}

static void on_again(struct fx_task *task)
{
    struct fcd_conn *conn = FX_CONTAINER_OF(task, struct fcd_conn, again);
    if (conn->state != FCD_C_CLOSED)
        fcd_conn_drive(conn);
}

static void refuse(int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                               "Retry-After: 1\r\nConnection: close\r\n\r\n";
    size_t n;
    enum fx_io ignored = fx_sock_write(fd, busy, sizeof busy - 1, &n);
    (void)ignored;
    close(fd);
}

static void new_conn(struct fcd_listener *listener, int fd, const struct fx_addr *peer)
{
    struct fcd_worker *worker = listener->worker;
    struct fx_err err = FX_ERR_INIT;
    char text[FX_ADDR_TEXT];
    struct fcd_conn *conn = FX_NEW(struct fcd_conn);
    fx_stream_init(&conn->stream, worker->loop, &worker->blocks, on_event);
    conn->timer.fn = on_timer;
    conn->again.fn = on_again;
    conn->release.fn = on_release;
    conn->worker = worker;
    conn->is_admin = listener->is_admin;
    fx_addr_host(peer, text);
    snprintf(conn->peer, sizeof conn->peer, "%.47s", text);
    if (!fx_stream_open(&conn->stream, fd, false, &err)) {
        free(conn);
        refuse(fd);
        return;
    }
    FX_LIST_PUSH(&worker->conns, conn, link);
    fit_blocks(worker);
    fcd_conn_timer(conn, worker->conf->timeouts.idle_ms);
}

void fcd_conn_accept(struct fcd_listener *listener)
{
    struct fcd_worker *worker = listener->worker;
    struct fx_addr peer;
    for (int rounds = 0; rounds < ACCEPT_ROUNDS; rounds++) {
        int fd = fx_sock_accept(listener->watch.fd, &peer);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0 && errno != EAGAIN)
            fcd_listener_rest(listener); /* it is level-triggered: it would be called at once */
        if (fd < 0)
            return;
        /* Admin connections are not counted against customers: the operator must get in. */
        size_t most = FX_MIN((size_t)worker->conf->limits.connections, worker->sockets_max);
        if (!listener->is_admin && worker->conns.len >= most)
            refuse(fd);
        else
            new_conn(listener, fd, &peer);
    }
}

void fcd_conn_drain(struct fcd_conn *conn)
{
    conn->is_last = true;
    if (conn->state == FCD_C_READING && fx_iobuf_len(&conn->stream.out) == 0)
        fcd_conn_close(conn); /* else when the client has taken the rest of its answer */
}
