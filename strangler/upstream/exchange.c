/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine drawn in exchange.h. Two halves that share a socket: sending is driven by the owner (fill, send),
 * receiving by fcd_xchg_pump, which reads, parses and delivers until the socket or the owner has had enough.
 */
#include "strangler/upstream/exchange.h"

#include "lib/base/panic.h"
#include "strangler/worker/worker.h"

enum { PUMP_ROUNDS = 16, SEND_ROUNDS = 16 }; /* then other connections get their turn */

const char *fcd_failure_text(enum fcd_failure why)
{
    switch (why) {
    case FCD_FAIL_LIMIT: return "too many connections to the upstream";
    case FCD_FAIL_CONNECT: return "the upstream could not be reached";
    case FCD_FAIL_TIMEOUT: return "the upstream did not answer in time";
    case FCD_FAIL_CLOSED:
        return "the upstream closed the connection before its answer was complete";
    case FCD_FAIL_PROTOCOL: return "the upstream's answer is not valid HTTP";
    case FCD_FAIL_OWNER: return "the request's body did not arrive in time";
    }
    return "";
}

static bool is_next(enum fcd_xchg_state from, enum fcd_xchg_state to)
{
    switch (to) {
    case FCD_X_IDLE: return false;
    case FCD_X_CONNECT: return from == FCD_X_IDLE || from == FCD_X_CONNECT || from == FCD_X_HEAD;
    case FCD_X_HEAD: return from == FCD_X_CONNECT;
    case FCD_X_BODY: return from == FCD_X_HEAD;
    case FCD_X_DONE: return from == FCD_X_HEAD || from == FCD_X_BODY;
    case FCD_X_FAILED: return from != FCD_X_DONE && from != FCD_X_FAILED;
    }
    return false;
}

static void set_state(struct fcd_xchg *x, enum fcd_xchg_state to)
{
    if (!is_next(x->state, to))
        FX_BUG("exchange with %s cannot go from state %d to %d", x->pool->conf->name, (int)x->state,
               (int)to);
    x->state = to;
}

static struct fx_loop *loop_of(const struct fcd_xchg *x)
{
    return x->pool->worker->loop;
}

static void arm(struct fcd_xchg *x, int64_t ms)
{
    fx_loop_timer(loop_of(x), &x->u->timer, ms);
}

static void fail(struct fcd_xchg *x, enum fcd_failure why)
{
    if (x->u != NULL)
        fcd_uconn_close(x->u);
    x->u = NULL;
    set_state(x, FCD_X_FAILED);
    x->ops->fail(x, why);
}

/* Only from begin and from tries that follow: takes a connection and, if it stands, starts sending. */
static bool attach(struct fcd_xchg *x, bool may_reuse, enum fcd_failure *ret_why)
{
    set_state(x, FCD_X_CONNECT);
    x->n_tries++;
    x->u = fcd_pool_take(x->pool, may_reuse, x->is_safe && x->is_replayable, &x->tried);
    if (x->u == NULL) {
        *ret_why = fcd_pool_is_full(x->pool) ? FCD_FAIL_LIMIT : FCD_FAIL_CONNECT;
        return false;
    }
    x->u->x = x;
    x->is_reused = x->u->n_served > 0;
    x->has_sent = x->is_complete = x->is_broken = false;
    x->scan = (struct fx_h1_scan){0};
    if (x->u->state == FCD_U_BUSY)
        fcd_xchg_on_connected(x);
    return true;
}

bool fcd_xchg_begin(struct fcd_xchg *x, enum fcd_failure *ret_why)
{
    x->state = FCD_X_IDLE;
    x->n_tries = 0;
    x->tried = (struct fcd_tried){0};
    if (attach(x, true, ret_why))
        return true;
    set_state(x, FCD_X_FAILED);
    return false;
}

void fcd_xchg_on_connected(struct fcd_xchg *x)
{
    set_state(x, FCD_X_HEAD);
    fcd_iobuf_take(&x->u->out, &x->pool->worker->stock);
    arm(x, x->pool->worker->conf->timeouts.stall_ms);
    x->ops->start(x);
    if (x->state == FCD_X_HEAD && x->u != NULL)
        fcd_xchg_send(x);
}

/* A refused connection: no byte was sent, so every method may try the next endpoint. */
void fcd_xchg_on_refused(struct fcd_xchg *x)
{
    enum fcd_failure why = FCD_FAIL_CONNECT;
    fcd_pool_mark_tried(x->u, &x->tried);
    fcd_uconn_close(x->u);
    x->u = NULL;
    if ((size_t)x->n_tries <= x->pool->n_endpoints && x->pool->n_endpoints > 1 &&
        attach(x, false, &why))
        return;
    fail(x, why);
}

/* The connection ended without a byte of an answer. */
static void lost(struct fcd_xchg *x)
{
    bool may_repeat = !x->has_sent || (x->is_safe && x->is_replayable);
    bool is_untouched = x->state == FCD_X_HEAD && fcd_iobuf_len(&x->u->in) == 0;
    enum fcd_failure why = FCD_FAIL_CLOSED;
    if (!(x->is_reused && may_repeat && is_untouched && x->n_tries == 1 && x->is_replayable)) {
        fail(x, why);
        return;
    }
    fcd_uconn_close(x->u);
    x->u = NULL;
    if (!attach(x, false, &why))
        fail(x, why);
}

void fcd_xchg_send(struct fcd_xchg *x)
{
    for (int rounds = 0; !x->is_broken; rounds++) {
        if (rounds == SEND_ROUNDS) {
            fx_loop_defer(loop_of(x), &x->u->again);
            return;
        }
        size_t before = fcd_iobuf_len(&x->u->out);
        if (!fcd_uconn_flush(x->u)) {
            /* The upstream may have answered before it closed: let the receiving half find out. */
            x->is_broken = true;
            x->u->may_read = true;
            fcd_iobuf_consume(&x->u->out, fcd_iobuf_len(&x->u->out));
            fx_loop_defer(loop_of(x), &x->u->again);
            return;
        }
        if (fcd_iobuf_len(&x->u->out) < before && !x->is_complete)
            arm(x, x->pool->worker->conf->timeouts.stall_ms);
        if (fcd_iobuf_len(&x->u->out) > 0 || x->is_complete || x->ops->fill == NULL)
            return;
        x->ops->fill(x);
        if (x->u == NULL || fcd_iobuf_len(&x->u->out) == 0)
            return;
    }
}

void fcd_xchg_complete(struct fcd_xchg *x)
{
    if (x->is_complete)
        return;
    x->is_complete = true;
    if (x->state == FCD_X_HEAD)
        arm(x, x->response_ms);
}

static void finish(struct fcd_xchg *x)
{
    set_state(x, FCD_X_DONE);
    bool may_pool = x->is_keep_alive && x->is_complete && !x->is_broken;
    if (may_pool)
        fcd_pool_give_back(x->u);
    else
        fcd_uconn_close(x->u);
    x->u = NULL;
    x->ops->done(x);
}

/* false: the exchange is over or waits for more bytes. */
static bool parse_head(struct fcd_xchg *x)
{
    struct fcd_worker *worker = x->pool->worker;
    struct fx_h1_problem problem;
    struct fx_head *head = &worker->response_head;
    size_t used = 0;
    switch (fx_h1_parse_response(fcd_iobuf_str(&x->u->in), x->method, &x->scan,
                                 &worker->head_limits, head, &used, &problem)) {
    case FX_H1_MORE:
        if (fcd_iobuf_len(&x->u->in) >= FCD_BLOCK)
            fail(x, FCD_FAIL_PROTOCOL);
        return false;
    case FX_H1_BAD: fail(x, FCD_FAIL_PROTOCOL); return false;
    case FX_H1_DONE: break;
    }
    if (head->status == 101) { /* we forward no Upgrade, so nobody asked for it */
        fail(x, FCD_FAIL_PROTOCOL);
        return false;
    }
    if (head->status >= 200) {
        set_state(x, FCD_X_BODY);
        fx_body_start(&x->incoming, head->framing, head->content_length);
        x->is_keep_alive = head->is_keep_alive && head->framing != FX_FRAME_CLOSE;
        arm(x, worker->conf->timeouts.stall_ms);
    }
    if (head->status != 100)
        x->ops->head(x, head);
    if (x->u == NULL)
        return false;
    fcd_iobuf_consume(&x->u->in, used);
    x->scan = (struct fx_h1_scan){0};
    return true;
}

static bool is_over(const struct fcd_xchg *x)
{
    return x->state == FCD_X_BODY && fx_body_is_complete(&x->incoming);
}

/* Gives one piece of the body; false: no room, or failed. */
static bool deliver(struct fcd_xchg *x)
{
    struct fx_str data;
    size_t room = x->ops->room(x), used;
    if (room == 0)
        return false;
    struct fx_str in = fx_str_sub(fcd_iobuf_str(&x->u->in), 0, room);
    if (fx_body_next(&x->incoming, in, &used, &data) == FX_BODY_BAD) {
        fail(x, FCD_FAIL_PROTOCOL);
        return false;
    }
    if (data.len > 0)
        x->ops->data(x, data);
    if (x->u != NULL)
        fcd_iobuf_consume(&x->u->in, used);
    return x->u != NULL;
}

/* Uses up what was read. true: everything was used and more is wanted. */
static bool digest(struct fcd_xchg *x)
{
    while (x->u != NULL && !is_over(x) && fcd_iobuf_len(&x->u->in) > 0) {
        if (x->state == FCD_X_HEAD) {
            if (x->ops->room(x) == 0)
                x->ops->pause(x);
            if (x->u == NULL || x->ops->room(x) == 0)
                return false;
            if (!parse_head(x))
                return x->u != NULL;
        } else if (!deliver(x)) {
            if (x->u == NULL || x->state != FCD_X_BODY)
                return false;
            x->ops->pause(x);
            if (x->u == NULL || x->ops->room(x) == 0)
                return false;
        }
    }
    if (x->u != NULL && is_over(x)) {
        finish(x);
        return false;
    }
    return x->u != NULL;
}

static void on_eof(struct fcd_xchg *x)
{
    if (x->state == FCD_X_BODY && fx_body_end(&x->incoming))
        finish(x);
    else
        lost(x);
}

/* false: nothing more for now, or the exchange is over. */
static bool receive(struct fcd_xchg *x)
{
    struct fcd_uconn *u = x->u;
    if (!u->may_read)
        return false;
    fcd_iobuf_take(&u->in, &x->pool->worker->stock);
    fcd_iobuf_compact(&u->in);
    size_t room = fcd_iobuf_room(&u->in), n = 0;
    if (room == 0)
        return false;
    switch (fx_sock_read(u->watch.fd, u->in.buf.ptr + u->in.buf.len, room, &n)) {
    case FX_IO_OK:
        u->in.buf.len += n;
        if (n < room && !u->has_hup)
            u->may_read = false;
        if (x->state == FCD_X_BODY)
            arm(x, x->pool->worker->conf->timeouts.stall_ms);
        return true;
    case FX_IO_AGAIN: u->may_read = false; return false;
    case FX_IO_EOF: on_eof(x); return false;
    case FX_IO_ERROR: lost(x); return false;
    }
    return false;
}

void fcd_xchg_pump(struct fcd_xchg *x)
{
    if (x->is_pumping || x->u == NULL || x->state == FCD_X_CONNECT)
        return;
    x->is_pumping = true;
    int rounds = 0;
    bool goes_on = digest(x);
    while (goes_on && x->u != NULL && ++rounds <= PUMP_ROUNDS)
        goes_on = receive(x) && digest(x);
    x->is_pumping = false;
    if (x->u == NULL)
        return;
    if (rounds > PUMP_ROUNDS)
        fx_loop_defer(loop_of(x), &x->u->again);
    x->ops->pause(x);
}

void fcd_xchg_abort(struct fcd_xchg *x)
{
    if (x->u != NULL)
        fcd_uconn_close(x->u);
    x->u = NULL;
    if (x->state != FCD_X_DONE && x->state != FCD_X_FAILED)
        set_state(x, FCD_X_FAILED);
}

void fcd_xchg_on_ready(struct fcd_xchg *x, unsigned events)
{
    if ((events & FX_LOOP_OUT) != 0 && (fcd_iobuf_len(&x->u->out) > 0 || !x->is_complete))
        fcd_xchg_send(x);
    if (x->u != NULL && x->u->may_read)
        fcd_xchg_pump(x);
}

void fcd_xchg_on_timeout(struct fcd_xchg *x)
{
    bool is_sent = fcd_iobuf_len(&x->u->out) == 0;
    if (x->state == FCD_X_CONNECT)
        fcd_xchg_on_refused(x);
    else if (x->state == FCD_X_BODY && x->ops->room(x) == 0)
        arm(x, x->pool->worker->conf->timeouts.stall_ms); /* not its fault: nobody takes it */
    else
        fail(x, is_sent && !x->is_complete ? FCD_FAIL_OWNER : FCD_FAIL_TIMEOUT);
}
