/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mover of upstream connections: set_state is the only place that changes a state and the list
 * with it. What a busy connection does belongs to upstream/exchange.
 */
#include "strangler/upstream/pool.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/io/sock.h"

enum { SHARE_SLACK = 8 };

void fcd_pool_init(struct fcd_pool *pool, struct fcd_local *local,
                   const struct fcd_conf_upstream *conf, size_t max_connections)
{
    *pool = (struct fcd_pool){.local = local,
                              .conf = conf,
                              .n_endpoints = conf->n_endpoints,
                              .max_connections = max_connections};
    pool->endpoints = fx_alloc_array(conf->n_endpoints, sizeof *pool->endpoints);
    for (size_t i = 0; i < conf->n_endpoints; i++)
        pool->endpoints[i].conf = &conf->endpoints[i];
}

static const char *const state_names[] = {[FCD_U_CONNECTING] = "CONNECTING",
                                          [FCD_U_BUSY] = "BUSY",
                                          [FCD_U_IDLE] = "IDLE",
                                          [FCD_U_CLOSED] = "CLOSED"};

static bool may_follow(enum fcd_uconn_state from, enum fcd_uconn_state to)
{
    switch (to) {
    case FCD_U_CONNECTING: return false; /* only at the start */
    case FCD_U_BUSY: return from == FCD_U_CONNECTING || from == FCD_U_IDLE;
    case FCD_U_IDLE: return from == FCD_U_BUSY;
    case FCD_U_CLOSED: return from != FCD_U_CLOSED;
    }
    return false;
}

static void enter_list(struct fcd_uconn *u)
{
    if (u->state == FCD_U_CLOSED)
        return;
    if (u->state == FCD_U_IDLE) {
        FX_LIST_PUSH(&u->pool->idle, u, link);
        u->endpoint->n_idle++;
    } else {
        FX_LIST_PUSH(&u->pool->busy, u, link);
        u->endpoint->n_busy++;
    }
}

/* Every connection is counted once, in the list of its state and at its endpoint. */
static void check_counts(const struct fcd_uconn *u)
{
    const struct fcd_pool *pool = u->pool;
    const struct fcd_endpoint_state *end = u->endpoint;
    size_t n = u->state == FCD_U_IDLE ? end->n_idle : end->n_busy;
    if (n == 0 || pool->idle.len + pool->busy.len > pool->n_connections)
        FX_BUG("pool of upstream \"%s\": idle=%zu busy=%zu of %zu connections, endpoint %s: "
               "idle=%zu busy=%zu",
               pool->conf->name, pool->idle.len, pool->busy.len, pool->n_connections,
               end->conf->url, end->n_idle, end->n_busy);
}

static void leave_list(struct fcd_uconn *u)
{
    check_counts(u);
    if (u->state == FCD_U_IDLE) {
        FX_LIST_REMOVE(&u->pool->idle, u, link);
        u->endpoint->n_idle--;
    } else {
        FX_LIST_REMOVE(&u->pool->busy, u, link);
        u->endpoint->n_busy--;
    }
}

static void set_state(struct fcd_uconn *u, enum fcd_uconn_state to)
{
    struct fcd_pool *pool = u->pool;
    if (!may_follow(u->state, to))
        FX_BUG("connection to %s of upstream \"%s\" cannot go from %s to %s, served=%llu",
               u->endpoint->conf->url, pool->conf->name, state_names[u->state], state_names[to],
               (unsigned long long)u->n_served);
    leave_list(u);
    u->state = to;
    enter_list(u);
}

static void on_release(struct fx_task *task)
{
    free(FX_CONTAINER_OF(task, struct fcd_uconn, release));
}

void fcd_uconn_close(struct fcd_uconn *u)
{
    struct fcd_local *local = u->pool->local;
    set_state(u, FCD_U_CLOSED);
    u->pool->n_connections--;
    local->n_upstream_sockets--;
    fx_stream_close(&u->stream);
    fx_loop_timer_remove(local->loop, &u->timer);
    u->user = NULL;
    fx_loop_defer(local->loop, &u->release);
}

void fcd_pool_done(struct fcd_pool *pool)
{
    FX_LIST_EACH_SAFE (&pool->idle, u, link)
        fcd_uconn_close(u);
    FX_LIST_EACH_SAFE (&pool->busy, u, link)
        fcd_uconn_close(u);
    free(pool->endpoints);
    pool->endpoints = NULL;
}

/*
 * The look at the socket is for reads too: bytes that came while the loop was busy (a 408 before
 * the close, the rest of an answer that was longer than it said) would be taken for the next
 * customer's answer.
 */
static struct fcd_uconn *take_idle(struct fcd_endpoint_state *end, struct fcd_pool *pool,
                                   bool is_safe)
{
    struct fx_mono now = fx_loop_now(pool->local->loop);
    for (struct fcd_uconn *u = pool->idle.last, *before; u != NULL && end->n_idle > 0; u = before) {
        before = u->link.prev;
        if (u->endpoint != end)
            continue;
        bool is_fresh = fx_mono_since_us(u->idle_since, now) < FCD_FRESH_MS * 1000;
        if (!is_safe && !is_fresh)
            return NULL; /* the others are older; reads may still use them */
        if (fx_stream_is_quiet(&u->stream)) {
            set_state(u, FCD_U_BUSY);
            fx_timer_stop(&u->timer);
            return u;
        }
        fcd_uconn_close(u);
    }
    return NULL;
}

static bool was_tried(const struct fcd_pool *pool, const struct fcd_endpoint_state *end,
                      const struct fcd_tried *tried)
{
    size_t i = (size_t)(end - pool->endpoints);
    return i < 64 && (tried->bits >> i & 1) != 0;
}

static void mark_tried(const struct fcd_pool *pool, const struct fcd_endpoint_state *end,
                       struct fcd_tried *tried)
{
    size_t i = (size_t)(end - pool->endpoints);
    if (i < 64)
        tried->bits |= (uint64_t)1 << i;
}

void fcd_pool_mark_tried(const struct fcd_uconn *u, struct fcd_tried *tried)
{
    mark_tried(u->pool, u->endpoint, tried);
}

bool fcd_pool_is_usable(const struct fcd_pool *pool)
{
    struct fx_mono now = fx_loop_now(pool->local->loop);
    for (size_t i = 0; i < pool->n_endpoints; i++)
        if (fcd_endpoint_is_usable(&pool->endpoints[i], now))
            return true;
    return false;
}

/* How many requests an endpoint may have under way, relative to the least busy usable one. */
static size_t fair_share(const struct fcd_pool *pool, const struct fcd_tried *tried,
                         struct fx_mono now)
{
    size_t least = SIZE_MAX / 4;
    for (size_t i = 0; i < pool->n_endpoints; i++) {
        const struct fcd_endpoint_state *end = &pool->endpoints[i];
        if (fcd_endpoint_is_usable(end, now) && !was_tried(pool, end, tried))
            least = FX_MIN(least, end->n_busy);
    }
    return 2 * least + SHARE_SLACK;
}

/* The next usable one that is not too busy; else the
 * next one that was not tried; else the next one. */
static struct fcd_endpoint_state *choose_endpoint(struct fcd_pool *pool,
                                                  const struct fcd_tried *tried)
{
    struct fx_mono now = fx_loop_now(pool->local->loop);
    size_t share = fair_share(pool, tried, now), turn = pool->turn++;
    struct fcd_endpoint_state *untried = NULL;
    for (size_t i = 0; i < pool->n_endpoints; i++) {
        struct fcd_endpoint_state *end = &pool->endpoints[(turn + i) % pool->n_endpoints];
        if (was_tried(pool, end, tried))
            continue;
        untried = untried != NULL ? untried : end;
        if (fcd_endpoint_is_usable(end, now) && end->n_busy <= share) {
            pool->turn = turn + i + 1;
            return end;
        }
    }
    return untried != NULL ? untried : &pool->endpoints[turn % pool->n_endpoints];
}

static void mark_refused(struct fcd_endpoint_state *end, struct fx_mono now)
{
    if (++end->n_refused >= FCD_DOWN_AFTER)
        end->down_until = fx_mono_add_ms(now, FCD_DOWN_MS);
}

static void on_event(struct fx_watch *watch, unsigned events);

static void on_timer(struct fx_timer *timer)
{
    struct fcd_uconn *u = FX_CONTAINER_OF(timer, struct fcd_uconn, timer);
    if (u->state == FCD_U_IDLE) {
        fcd_uconn_close(u);
        return;
    }
    if (u->state == FCD_U_CONNECTING)
        mark_refused(u->endpoint, fx_loop_now(u->pool->local->loop));
    u->user->ops->timeout(u->user);
}

static void on_again(struct fx_task *task)
{
    struct fcd_uconn *u = FX_CONTAINER_OF(task, struct fcd_uconn, again);
    if (u->state == FCD_U_BUSY)
        u->user->ops->again(u->user);
}

void fcd_uconn_again(struct fcd_uconn *u)
{
    fx_loop_defer(u->pool->local->loop, &u->again);
}

static struct fcd_uconn *new_uconn(struct fcd_pool *pool, struct fcd_endpoint_state *end, int fd,
                                   bool is_connected)
{
    struct fx_loop *loop = pool->local->loop;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_uconn *u = FX_NEW(struct fcd_uconn);
    fx_stream_init(&u->stream, loop, &pool->local->blocks, on_event);
    u->timer.fn = on_timer;
    u->again.fn = on_again;
    u->release.fn = on_release;
    u->pool = pool;
    u->endpoint = end;
    u->state = is_connected ? FCD_U_BUSY : FCD_U_CONNECTING;
    if (!fx_stream_open(&u->stream, fd, is_connected, &err)) {
        free(u);
        return NULL;
    }
    pool->n_connections++;
    pool->local->n_upstream_sockets++;
    enter_list(u);
    fx_loop_timer(loop, &u->timer, pool->local->conf->timeouts.connect_ms);
    return u;
}

bool fcd_pool_is_full(const struct fcd_pool *pool)
{
    const struct fcd_local *local = pool->local;
    return pool->n_connections >= pool->max_connections ||
           local->n_upstream_sockets >= local->shared->sockets_max;
}

/* NULL: it refused at once, or there is no descriptor. */
static struct fcd_uconn *connect_to(struct fcd_endpoint_state *end, struct fcd_pool *pool)
{
    bool is_connected = false;
    FX_AUTO_FD int fd = fx_sock_connect(&end->conf->addr, &is_connected);
    if (fd < 0) {
        mark_refused(end, fx_loop_now(pool->local->loop));
        return NULL;
    }
    struct fcd_uconn *u = new_uconn(pool, end, fd, is_connected);
    if (u != NULL)
        fx_fd_take(&fd);
    return u;
}

struct fcd_uconn *fcd_pool_take(struct fcd_pool *pool, bool may_reuse, bool is_safe,
                                struct fcd_tried *tried)
{
    for (size_t i = 0; i < pool->n_endpoints; i++) {
        struct fcd_endpoint_state *end = choose_endpoint(pool, tried);
        struct fcd_uconn *u = may_reuse ? take_idle(end, pool, is_safe) : NULL;
        if (u != NULL)
            return u;
        if (fcd_pool_is_full(pool) && pool->idle.first != NULL)
            fcd_uconn_close(pool->idle.first);
        if (fcd_pool_is_full(pool))
            return NULL;
        u = connect_to(end, pool);
        if (u != NULL)
            return u;
        mark_tried(pool, end, tried);
    }
    return NULL;
}

void fcd_pool_give_back(struct fcd_uconn *u)
{
    struct fcd_local *local = u->pool->local;
    struct fx_stream *stream = &u->stream;
    bool is_dirty =
        fx_iobuf_len(&stream->in) > 0 || fx_iobuf_len(&stream->out) > 0 || stream->has_hup;
    if (is_dirty || (stream->may_read && !fx_stream_is_quiet(stream)) || local->is_draining) {
        fcd_uconn_close(u);
        return;
    }
    stream->may_read = false;
    u->user = NULL;
    u->n_served++;
    u->endpoint->n_refused = 0;
    u->idle_since = fx_loop_now(local->loop);
    fx_stream_drop_empty(stream);
    set_state(u, FCD_U_IDLE);
    fx_loop_timer(local->loop, &u->timer, FCD_POOLED_MS);
}

static void on_connected(struct fcd_uconn *u, unsigned events)
{
    int error = fx_stream_connect_error(&u->stream);
    if (error == 0 && (events & FX_LOOP_OUT) == 0)
        return;
    if (error != 0) {
        mark_refused(u->endpoint, fx_loop_now(u->pool->local->loop));
        u->user->ops->refused(u->user);
        return;
    }
    u->endpoint->n_refused = 0;
    set_state(u, FCD_U_BUSY);
    u->user->ops->connected(u->user);
}

static void on_event(struct fx_watch *watch, unsigned events)
{
    struct fcd_uconn *u = FX_CONTAINER_OF(watch, struct fcd_uconn, stream.watch);
    fx_stream_note(&u->stream, events);
    switch (u->state) {
    case FCD_U_CONNECTING: on_connected(u, events); break;
    case FCD_U_BUSY: u->user->ops->ready(u->user, events); break;
    case FCD_U_IDLE:
        if (u->stream.may_read)
            fcd_uconn_close(u);
        break;
    case FCD_U_CLOSED: break;
    }
}
