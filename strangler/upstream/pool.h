/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to one upstream: connecting, busy or idle, each in the list of its state.
 *
 *              begin                connected              finish
 *     (none) --------> CONNECTING -----------> BUSY <------------------> IDLE
 *                          |                     |        begin            |
 *                          +------ failed -------+------ closed, old ------+----> CLOSED
 *
 * An idle connection is watched: anything that arrives on it (the end, or unexpected bytes) closes
 * it. A connection that was idle for more than FCD_FRESH_MS is never given to an unsafe request,
 * because the upstream may be closing it at the same time and the request could not be tried again.
 *
 * Endpoints take turns for each request and not for each connection: the pool decides on which
 * connection a request is sent, never to which endpoint. One that has far more requests under way
 * than the least busy one is passed over (it hangs; it would collect every connection of the pool),
 * as long as another one is left; and so is one that refused FCD_DOWN_AFTER connections in a row,
 * for FCD_DOWN_MS, and one that is unhealthy. An endpoint that answers wrongly but fast gets its
 * turn and no more; choosing the least busy one would send it most requests. Customers and shadow
 * have pools of their own.
 * Thread: the loop's.
 */
#ifndef FCD_UPSTREAM_POOL_H
#define FCD_UPSTREAM_POOL_H

#include "lib/io/stream.h"
#include "strangler/shared/local.h"

enum { FCD_FRESH_MS = 1000, FCD_POOLED_MS = 30000, FCD_DOWN_AFTER = 3, FCD_DOWN_MS = 2000 };

struct fcd_endpoint_state {
    const struct fcd_conf_endpoint *conf;
    bool is_unhealthy;     /* according to the health check */
    int n_refused;         /* connections in a row that failed */
    size_t n_busy, n_idle; /* connections of the pool, connecting ones count as busy */
    struct fx_mono down_until;
};

static inline bool fcd_endpoint_is_usable(const struct fcd_endpoint_state *end, struct fx_mono now)
{
    return !end->is_unhealthy && fx_mono_reached(end->down_until, now);
}

enum fcd_uconn_state { FCD_U_CONNECTING, FCD_U_BUSY, FCD_U_IDLE, FCD_U_CLOSED };

/* Whoever uses a connection (the exchange) embeds a user
 * and learns through it what happens to the connection. */
struct fcd_uconn_user;
struct fcd_uconn_ops {
    void (*connected)(struct fcd_uconn_user *user);
    void (*refused)(struct fcd_uconn_user *user); /* still CONNECTING: the user closes it */
    void (*ready)(struct fcd_uconn_user *user, unsigned events);
    void (*timeout)(struct fcd_uconn_user *user);
    void (*again)(struct fcd_uconn_user *user); /* fcd_uconn_again was asked for in the last turn */
};
struct fcd_uconn_user {
    const struct fcd_uconn_ops *ops;
};

struct fcd_uconn {
    struct fx_stream stream;
    struct fx_timer timer;
    struct fx_task again;
    struct fx_task release; /* frees at the end of the turn */
    FX_LINK(fcd_uconn) link;
    enum fcd_uconn_state state;
    struct fcd_pool *pool;
    struct fcd_endpoint_state *endpoint;
    struct fcd_uconn_user *user; /* BUSY, CONNECTING */
    struct fx_mono idle_since;
    uint64_t n_served;
};

struct fcd_pool {
    struct fcd_local *local;
    const struct fcd_conf_upstream *conf;
    struct fcd_endpoint_state *endpoints;
    size_t n_endpoints, turn;
    size_t max_connections;
    size_t n_connections;
    FX_LIST(fcd_uconn) idle; /* the last one is the youngest */
    FX_LIST(fcd_uconn) busy; /* connecting ones too */
};

void fcd_pool_init(struct fcd_pool *pool, struct fcd_local *local,
                   const struct fcd_conf_upstream *conf, size_t max_connections);
/* Is there an endpoint that is neither unhealthy nor refusing?
 * Customers' requests do not ask: they try one anyway. */
bool fcd_pool_is_usable(const struct fcd_pool *pool);
void fcd_pool_done(struct fcd_pool *pool);

/* Endpoints that refused a request, by index: it is
 * not sent there again while another one is left. */
struct fcd_tried {
    uint64_t bits; /* those beyond 64 are not remembered */
};
/*
 * A connection of the endpoint whose turn it is: an idle one if `may_reuse` and it may carry this
 * request, else a new one, connecting. NULL: full, or every endpoint refused at once.
 */
struct fcd_uconn *fcd_pool_take(struct fcd_pool *pool, bool may_reuse, bool is_safe,
                                struct fcd_tried *tried);
void fcd_pool_mark_tried(const struct fcd_uconn *u, struct fcd_tried *tried);
/* At its limit of connections, or the facade at that of descriptors. */
bool fcd_pool_is_full(const struct fcd_pool *pool);
/* BUSY -> IDLE, or closed when it is not fit for another request. */
void fcd_pool_give_back(struct fcd_uconn *u);
void fcd_uconn_close(struct fcd_uconn *u);
/* Calls ->again in the next turn, so that other connections get theirs before. */
void fcd_uconn_again(struct fcd_uconn *u);

#endif
