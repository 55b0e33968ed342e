/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop with everything that lives on it: listeners, client connections, pools, groups, routes. The daemon has
 * one worker; nothing here is shared with another thread.
 *
 * The worker holds what requests need to look at; who changes it stands at each part.
 */
#ifndef FCD_WORKER_H
#define FCD_WORKER_H

#include "lib/base/rand.h"
#include "lib/base/vec.h"
#include "lib/http/h1_parse.h"
#include "strangler/group/group.h"
#include "strangler/observe/metrics.h"
#include "strangler/shadow/mirror.h"
#include "strangler/group/state.h"
#include "strangler/observe/stats.h"
#include "strangler/upstream/health.h"
#include "strangler/upstream/pool.h"

struct fcd_conn;
struct fcd_req;

/* The two sides of one upstream's traffic: customers, and shadow which must not be in their way. */
struct fcd_upstream {
    const struct fcd_conf_upstream *conf;
    struct fcd_pool customers;
    struct fcd_pool shadow;
    struct fcd_probe *probes; /* one an endpoint; NULL: no health check */
};

struct fcd_route {
    const struct fcd_conf_route *conf;
    struct fcd_group *group;
    size_t dial;                   /* index in state.routes: weight, shadow */
    struct fcd_side_stats side[2]; /* by enum fcd_owner */
    struct fcd_shadow_stats shadow;
    struct fcd_exemplars exemplars;
    struct fx_series *requests[2][6]; /* by side and status class */
    struct fx_series *seconds[2];
};

struct fcd_listener {
    struct fx_watch watch;
    int fd;
    struct fx_timer again; /* set: it rests, because there was no descriptor for a connection */
    struct fcd_worker *worker;
    struct fx_addr addr; /* as bound */
    bool is_admin;
};

struct fcd_worker {
    struct fx_loop *loop;
    const struct fcd_config *conf;
    char *state_path;
    struct fcd_state state; /* changed by admin/api, and by a group's deadline */
    struct fx_metrics *metrics;
    struct fx_rand rnd;
    char pseudonym[24]; /* in Via: tells our own requests when they come back */

    struct fcd_listener *listeners;
    size_t n_listeners;
    struct fcd_upstream *upstreams;
    FX_VEC(struct fcd_group *) groups;
    struct fcd_route *routes;
    struct fcd_route default_route; /* of requests that no route takes; its group is NULL */
    struct fcd_hold_budget hold_budget;
    struct fcd_mirror mirror;

    /*
     * Of the descriptors half are for clients and half for upstreams, so that whoever got in can be served, and some
     * are kept for the state file and the operator.
     */
    size_t sockets_max; /* clients; and the same again for upstreams */
    size_t n_upstream_sockets;

    FX_LIST(fcd_conn) conns;
    FX_LIST(fcd_req) reqs;  /* all that were ever made */
    FX_LIST(fcd_req) spare; /* those of them that wait for work */
    size_t n_left_behind;   /* those whose client has left and whose upstream works on */
    struct fx_block_cache blocks;
    struct fx_h1_limits head_limits;
    struct fx_head response_head; /* scratch of upstream/exchange */
    struct fx_buf scratch;        /* of one call */

    bool is_draining;
    struct fx_timer drain_timer;
    struct fx_task drained; /* queued when the last connection and request went while draining */
    struct fx_mono started;
    int64_t n_requests;
    struct fx_timer tick; /* once a second */
    int64_t n_requests_before, requests_per_s;
    char date[64]; /* "Date: …\r\n" of this second */
    size_t date_len;
    int64_t date_s;
};

bool fcd_worker_new(const struct fcd_config *conf, struct fx_loop *loop,
                    struct fcd_worker **ret_worker, struct fx_err *err) FX_MUST_CHECK;
void fcd_worker_free(struct fcd_worker *worker);
/* Opens the listeners; before that nothing is served. */
bool fcd_worker_listen(struct fcd_worker *worker, struct fx_err *err) FX_MUST_CHECK;
/* No new connections; idle ones close, running requests end (at most timeouts.drain), then the loop stops. */
void fcd_worker_drain(struct fcd_worker *worker);
/* Accepting failed for want of descriptors or memory: asks again after a while, the kernel's queue keeps the clients. */
void fcd_listener_rest(struct fcd_listener *listener);
/* A connection or a request that was left behind went: was it the last one of a drain? */
void fcd_worker_check_drained(struct fcd_worker *worker);

struct fcd_group *fcd_worker_group(struct fcd_worker *worker, const char *name); /* NULL: unknown */
/* The group of that name, made when the facade is told of it for the first time; it must be in the state. */
struct fcd_group *fcd_worker_add_group(struct fcd_worker *worker, const char *name);
static inline struct fcd_own *fcd_group_own(struct fcd_worker *worker,
                                            const struct fcd_group *group)
{
    return &worker->state.groups[group->index].own;
}
static inline struct fcd_state_route *fcd_route_dial(struct fcd_worker *worker,
                                                     const struct fcd_route *route)
{
    return &worker->state.routes[route->dial];
}
/* "Date: …\r\n" */
struct fx_str fcd_worker_date(struct fcd_worker *worker);

#endif
