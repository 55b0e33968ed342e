/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine drawn in exchange.h. Two halves that share a socket: sending is driven by the owner
 * (fill, send), receiving by fcd_xchg_pump, which reads, parses and delivers until the socket or
 * the owner has had enough.
 */
#include "strangler/upstream/exchange.h"

#include <sys/socket.h>

#include "lib/base/panic.h"

enum { PUMP_ROUNDS = 16, SEND_ROUNDS = 16 }; /* then other connections get their turn */

const char *fcd_failure_text(enum fcd_failure why)
{
    switch (why) {
    case FCD_FAIL_LIMIT:
        return "too many connections to the upstream (facade.limits.upstream_connections)";
    case FCD_FAIL_CONNECT: return "the upstream could not be reached";
    case FCD_FAIL_TIMEOUT: return "the upstream did not answer in time (facade.timeouts)";
    case FCD_FAIL_CLOSED:
        return "the upstream closed the connection before its response was complete";
    case FCD_FAIL_PROTOCOL: return "the upstream's response is not valid HTTP";
    case FCD_FAIL_OWNER: return "the request's body did not arrive in time (facade.timeouts.stall)";
    }
    return "";
}

/* --- what an owner may leave out -------------------------------------------------------------- */

static size_t room_of(struct fcd_xchg *x)
{
    return x->ops->room != NULL ? x->ops->room(x) : FX_BLOCK_BYTES;
}

static void head_came(struct fcd_xchg *x, const struct fx_head *head)
{
    if (x->ops->head != NULL)
        x->ops->head(x, head);
}

static void data_came(struct fcd_xchg *x, struct fx_str bytes)
{
    if (x->ops->data != NULL)
        x->ops->data(x, bytes);
}

static void pause_came(struct fcd_xchg *x)
{
    if (x->ops->pause != NULL)
        x->ops->pause(x);
}

static const char *const state_names[] = {
    [FCD_X_IDLE] = "IDLE", [FCD_X_CONNECT] = "CONNECT", [FCD_X_HEAD] = "HEAD",
    [FCD_X_BODY] = "BODY", [FCD_X_DONE] = "DONE",       [FCD_X_FAILED] = "FAILED"};

static bool may_follow(enum fcd_xchg_state from, enum fcd_xchg_state to)
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
    if (!may_follow(x->state, to))
        FX_BUG("exchange with upstream \"%s\" cannot go from %s to %s, try=%d sending=%d",
               x->pool->conf->name, state_names[x->state], state_names[to], x->n_tries,
               (int)x->sending);
    x->state = to;
}

static struct fcd_xchg *xchg_of(struct fcd_uconn_user *user)
{
    return FX_CONTAINER_OF(user, struct fcd_xchg, user);
}

static void arm(struct fcd_xchg *x, int64_t ms)
{
    fx_loop_timer(x->pool->local->loop, &x->u->timer, ms);
}

/* The answer's body: how long it may be quiet. */
static void arm_quiet(struct fcd_xchg *x)
{
    arm(x, x->quiet_ms > 0 ? x->quiet_ms : x->pool->local->conf->timeouts.stall_ms);
}

static void fail(struct fcd_xchg *x, enum fcd_failure why)
{
    bool is_late = why == FCD_FAIL_TIMEOUT || why == FCD_FAIL_OWNER;
    if (is_late && x->u != NULL && x->ops->late != NULL)
        x->ops->late(x);
    if (x->u != NULL)
        fcd_uconn_close(x->u);
    x->u = NULL;
    set_state(x, FCD_X_FAILED);
    x->ops->fail(x, why);
}

static void on_connected(struct fcd_uconn_user *user);

/* From begin and from later tries: takes a connection and starts sending if it is connected. */
static bool attach(struct fcd_xchg *x, bool may_reuse, enum fcd_failure *ret_why)
{
    set_state(x, FCD_X_CONNECT);
    x->n_tries++;
    x->u = fcd_pool_take(x->pool, may_reuse, x->repeat == FCD_REPEAT_SAFE, &x->tried);
    if (x->u == NULL) {
        *ret_why = fcd_pool_is_full(x->pool) ? FCD_FAIL_LIMIT : FCD_FAIL_CONNECT;
        return false;
    }
    x->u->user = &x->user;
    x->has_sent = false;
    x->sending = FCD_SENDING_OPEN;
    x->scan = (struct fx_h1_scan){0};
    if (x->u->state == FCD_U_BUSY)
        on_connected(&x->user);
    return true;
}

/* The first byte is the point of no return. */
static bool may_begin(struct fcd_xchg *x)
{
    return x->has_sent || x->ops->may_send == NULL || x->ops->may_send(x);
}

static void on_connected(struct fcd_uconn_user *user)
{
    struct fcd_xchg *x = xchg_of(user);
    set_state(x, FCD_X_HEAD);
    fx_stream_take_out(&x->u->stream);
    arm(x, x->pool->local->conf->timeouts.stall_ms);
    if (!may_begin(x))
        return;
    x->ops->start(x);
    if (x->state == FCD_X_HEAD && x->u != NULL)
        fcd_xchg_send(x);
}

/* A refused connection: no byte was sent, so every method may try the next endpoint. */
static void on_refused(struct fcd_uconn_user *user)
{
    struct fcd_xchg *x = xchg_of(user);
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
    bool may_repeat =
        x->repeat == FCD_REPEAT_SAFE || (x->repeat == FCD_REPEAT_UNSENT && !x->has_sent);
    bool is_untouched = x->state == FCD_X_HEAD && fx_iobuf_len(&x->u->stream.in) == 0;
    bool is_reused = x->u->n_served > 0;
    enum fcd_failure why = FCD_FAIL_CLOSED;
    if (!(is_reused && may_repeat && is_untouched && x->n_tries == 1)) {
        fail(x, why);
        return;
    }
    fcd_uconn_close(x->u);
    x->u = NULL;
    if (!attach(x, false, &why))
        fail(x, why);
}

/* The upstream may have answered before it closed: the receiving half finds out. */
static void give_up_sending(struct fcd_xchg *x)
{
    struct fx_stream *stream = &x->u->stream;
    x->sending = FCD_SENDING_BROKEN;
    stream->may_read = true;
    fx_iobuf_consume(&stream->out, fx_iobuf_len(&stream->out));
    fcd_uconn_again(x->u);
}

void fcd_xchg_send(struct fcd_xchg *x)
{
    for (int rounds = 0; x->sending != FCD_SENDING_BROKEN; rounds++) {
        if (rounds == SEND_ROUNDS) {
            fcd_uconn_again(x->u);
            return;
        }
        if (!may_begin(x))
            return;
        struct fx_stream *stream = &x->u->stream;
        size_t sent;
        bool is_broken = !fx_stream_flush(stream, &sent);
        x->has_sent = x->has_sent || sent > 0;
        if (is_broken) {
            give_up_sending(x);
            return;
        }
        if (sent > 0 && x->sending == FCD_SENDING_OPEN)
            arm(x, x->pool->local->conf->timeouts.stall_ms);
        if (fx_iobuf_len(&stream->out) > 0)
            return;
        if (x->sending == FCD_SENDING_COMPLETE || x->ops->fill == NULL) {
            fx_stream_drop_empty(stream); /* while the upstream works, others can use the block */
            return;
        }
        x->ops->fill(x);
        if (x->u == NULL || fx_iobuf_len(&x->u->stream.out) == 0)
            return;
    }
}

void fcd_xchg_complete(struct fcd_xchg *x)
{
    if (x->sending != FCD_SENDING_OPEN)
        return;
    x->sending = FCD_SENDING_COMPLETE;
    if (x->state == FCD_X_HEAD)
        arm(x, x->response_ms);
}

static void finish(struct fcd_xchg *x)
{
    set_state(x, FCD_X_DONE);
    bool may_pool = x->is_keep_alive && x->sending == FCD_SENDING_COMPLETE;
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
    struct fcd_local *local = x->pool->local;
    struct fx_h1_problem problem;
    struct fx_head *head = &local->response_head;
    size_t used = 0;
    switch (fx_h1_parse_response(fx_iobuf_str(&x->u->stream.in), x->method, &x->scan,
                                 &local->shared->head_limits, head, &used, &problem)) {
    case FX_H1_MORE:
        if (fx_iobuf_len(&x->u->stream.in) >= FX_BLOCK_BYTES)
            fail(x, FCD_FAIL_PROTOCOL);
        return false;
    case FX_H1_BAD: fail(x, FCD_FAIL_PROTOCOL); return false;
    case FX_H1_DONE: break;
    }
    if (head->status == 101) { /* Upgrade is never forwarded, so this is unsolicited */
        fail(x, FCD_FAIL_PROTOCOL);
        return false;
    }
    if (head->status >= 200) {
        set_state(x, FCD_X_BODY);
        fx_body_start(&x->incoming, head->framing, head->content_length);
        x->incoming.chunked.is_lenient = true;
        x->is_keep_alive = head->is_keep_alive && head->framing != FX_FRAME_CLOSE;
    }
    if (head->status != 100)
        head_came(x, head);
    if (x->u == NULL)
        return false;
    if (x->state == FCD_X_BODY)
        arm_quiet(x);
    fx_iobuf_consume(&x->u->stream.in, used);
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
    size_t room = room_of(x), used;
    if (room == 0)
        return false;
    struct fx_str in = fx_str_sub(fx_iobuf_str(&x->u->stream.in), 0, room);
    if (fx_body_next(&x->incoming, in, &used, &data) == FX_BODY_BAD) {
        fail(x, FCD_FAIL_PROTOCOL);
        return false;
    }
    if (data.len > 0)
        data_came(x, data);
    if (x->u != NULL)
        fx_iobuf_consume(&x->u->stream.in, used);
    return x->u != NULL;
}

/* Uses up what was read. true: everything was used and more is wanted. */
static bool digest(struct fcd_xchg *x)
{
    while (x->u != NULL && !is_over(x) && fx_iobuf_len(&x->u->stream.in) > 0) {
        if (x->state == FCD_X_HEAD) {
            if (room_of(x) == 0)
                pause_came(x);
            if (x->u == NULL || room_of(x) == 0)
                return false;
            if (!parse_head(x))
                return x->u != NULL;
        } else if (!deliver(x)) {
            if (x->u == NULL || x->state != FCD_X_BODY)
                return false;
            pause_came(x);
            if (x->u == NULL || room_of(x) == 0)
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
    switch (fx_stream_read(&x->u->stream)) {
    case FX_STREAM_SOME:
        if (x->state == FCD_X_BODY)
            arm_quiet(x);
        return true;
    case FX_STREAM_LATER: return false;
    case FX_STREAM_END: on_eof(x); return false;
    case FX_STREAM_BROKEN: lost(x); return false;
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
        fcd_uconn_again(x->u);
    pause_came(x);
}

void fcd_xchg_hand_over(struct fcd_xchg *x, struct fcd_xchg *to, const struct fcd_xchg_ops *ops,
                        int64_t limit_ms)
{
    struct fx_stream *stream = &x->u->stream;
    bool is_whole = x->sending == FCD_SENDING_COMPLETE && fx_iobuf_len(&stream->out) == 0;
    *to = *x;
    x->u = NULL;
    to->ops = ops;
    to->repeat = FCD_REPEAT_NEVER;
    to->is_pumping = false;
    to->u->user = &to->user;
    if (!is_whole) { /* the upstream sees that the request will never be complete */
        to->sending = FCD_SENDING_BROKEN;
        fx_iobuf_consume(&stream->out, fx_iobuf_len(&stream->out));
        shutdown(stream->watch.fd, SHUT_WR);
    }
    arm(to, limit_ms);
    fcd_uconn_again(to->u); /* something may be there already */
}

void fcd_xchg_abort(struct fcd_xchg *x)
{
    if (x->u != NULL)
        fcd_uconn_close(x->u);
    x->u = NULL;
    if (x->state != FCD_X_DONE && x->state != FCD_X_FAILED)
        set_state(x, FCD_X_FAILED);
}

static bool wants_to_send(const struct fcd_xchg *x)
{
    return x->sending == FCD_SENDING_OPEN || fx_iobuf_len(&x->u->stream.out) > 0;
}

static void on_ready(struct fcd_uconn_user *user, unsigned events)
{
    struct fcd_xchg *x = xchg_of(user);
    if ((events & FX_LOOP_OUT) != 0 && wants_to_send(x))
        fcd_xchg_send(x);
    if (x->u != NULL && x->u->stream.may_read)
        fcd_xchg_pump(x);
}

static void on_again(struct fcd_uconn_user *user)
{
    struct fcd_xchg *x = xchg_of(user);
    if (wants_to_send(x))
        fcd_xchg_send(x);
    if (x->u != NULL)
        fcd_xchg_pump(x);
}

static void on_timeout(struct fcd_uconn_user *user)
{
    struct fcd_xchg *x = xchg_of(user);
    bool is_sent = fx_iobuf_len(&x->u->stream.out) == 0;
    if (x->state == FCD_X_CONNECT)
        on_refused(user);
    else if (x->state == FCD_X_BODY && room_of(x) == 0)
        arm_quiet(x); /* not the upstream's fault: the client does not read */
    else
        fail(x, is_sent && x->sending == FCD_SENDING_OPEN ? FCD_FAIL_OWNER : FCD_FAIL_TIMEOUT);
}

static const struct fcd_uconn_ops user_ops = {on_connected, on_refused, on_ready, on_timeout,
                                              on_again};

bool fcd_xchg_begin(struct fcd_xchg *x, enum fcd_failure *ret_why)
{
    x->user.ops = &user_ops;
    x->state = FCD_X_IDLE;
    x->n_tries = 0;
    x->tried = (struct fcd_tried){0};
    x->quiet_ms = 0;
    if (attach(x, true, ret_why))
        return true;
    set_state(x, FCD_X_FAILED);
    return false;
}
