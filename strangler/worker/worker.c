/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the worker from the configuration and the durable state, opens its listeners, drains it. */
#include "strangler/worker/worker.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/http/h1_write.h"
#include "lib/io/file.h"
#include "lib/log/log.h"
#include "strangler/net/conn.h"
#include "strangler/request/req.h"

enum {
    BACKLOG = 1024,
    REST_MS = 100,
    DESCRIPTORS_KEPT = 32,
    TICK_MS = 1000,
    SCRATCH_MAX = 64 * 1024,
    LINE_MAX_BYTES = 8192
};

struct fx_str fcd_worker_date(struct fcd_worker *worker)
{
    int64_t now_s = fx_loop_wall(worker->loop).us / 1000000;
    if (now_s != worker->date_s) {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(sizeof worker->date);
        fx_h1_write_date(&text, now_s);
        worker->date_len = FX_MIN(text.len, sizeof worker->date);
        memcpy(worker->date, fx_buf_cstr(&text), worker->date_len);
        worker->date_s = now_s;
    }
    return (struct fx_str){worker->date, worker->date_len};
}

struct fcd_group *fcd_worker_group(struct fcd_worker *worker, const char *name)
{
    for (size_t i = 0; i < worker->groups.len; i++)
        if (strcmp(worker->groups.items[i]->name, name) == 0)
            return worker->groups.items[i];
    return NULL;
}

struct fcd_group *fcd_worker_add_group(struct fcd_worker *worker, const char *name)
{
    struct fcd_group *group = fcd_worker_group(worker, name);
    if (group != NULL)
        return group;
    group = FX_NEW(struct fcd_group);
    fcd_group_init(group, worker, name, fcd_state_group(&worker->state, name));
    FX_VEC_PUSH(&worker->groups, group);
    return group;
}

static void add_upstreams(struct fcd_worker *worker)
{
    const struct fcd_config *conf = worker->conf;
    worker->upstreams = fx_alloc_array(conf->n_upstreams, sizeof *worker->upstreams);
    for (size_t i = 0; i < conf->n_upstreams; i++) {
        struct fcd_upstream *up = &worker->upstreams[i];
        up->conf = &conf->upstreams[i];
        fcd_pool_init(&up->customers, worker, up->conf, (size_t)conf->limits.upstream_connections);
        fcd_pool_init(&up->shadow, worker, up->conf, (size_t)conf->mirror.connections);
        if (up->conf->health_path == NULL)
            continue;
        up->probes = fx_alloc_array(up->conf->n_endpoints, sizeof *up->probes);
        for (size_t e = 0; e < up->conf->n_endpoints; e++)
            fcd_probe_start(&up->probes[e], worker, up, e);
    }
}

static void add_series(struct fcd_worker *worker, struct fcd_route *route)
{
    for (int side = 0; side < 2; side++)
        route->seconds[side] = fx_metric(worker->metrics, FCD_MT_SECONDS, route->conf->id,
                                         fcd_owner_name((enum fcd_owner)side));
}

static void add_routes(struct fcd_worker *worker)
{
    static const struct fcd_conf_route unrouted = {.id = "default", .path = "/**"};
    const struct fcd_config *conf = worker->conf;
    for (size_t i = 0; i < conf->n_contexts; i++) {
        const struct fcd_conf_context *ctx = &conf->contexts[i];
        struct fcd_group *group = fcd_worker_add_group(worker, ctx->name);
        group->conf = ctx;
        if (ctx->old_upstream != SIZE_MAX)
            group->side[FCD_OLD] = &worker->upstreams[ctx->old_upstream];
        if (ctx->new_upstream != SIZE_MAX)
            group->side[FCD_NEW] = &worker->upstreams[ctx->new_upstream];
    }
    worker->routes = fx_alloc_array(conf->n_routes, sizeof *worker->routes);
    for (size_t i = 0; i < conf->n_routes; i++) {
        struct fcd_route *route = &worker->routes[i];
        route->conf = &conf->routes[i];
        route->group = fcd_worker_group(worker, conf->contexts[route->conf->context].name);
        route->dial = fcd_state_route(&worker->state, route->conf->id);
        add_series(worker, route);
    }
    worker->default_route.conf = &unrouted;
    add_series(worker, &worker->default_route);
}

static void add_groups_of_state(struct fcd_worker *worker)
{
    for (size_t i = 0; i < worker->state.n_groups; i++)
        fcd_group_apply(fcd_worker_add_group(worker, worker->state.groups[i].name));
}

static void on_tick(struct fx_timer *timer)
{
    struct fcd_worker *worker = FX_CONTAINER_OF(timer, struct fcd_worker, tick);
    worker->requests_per_s = worker->n_requests - worker->n_requests_before;
    worker->n_requests_before = worker->n_requests;
    fx_loop_timer(worker->loop, timer, TICK_MS);
}

static void on_drained(struct fx_task *task)
{
    struct fcd_worker *worker = FX_CONTAINER_OF(task, struct fcd_worker, drained);
    fx_loop_stop(worker->loop);
}

static void on_drain_over(struct fx_timer *timer)
{
    struct fcd_worker *worker = FX_CONTAINER_OF(timer, struct fcd_worker, drain_timer);
    fx_log(FX_LOG_WARN, "strangler", NULL, "drain took too long; connections are cut",
           "connections=%zu", worker->conns.len);
    fx_loop_stop(worker->loop);
}

/* The limit of connections of ficus.yaml is a wish as long as the system grants fewer descriptors. */
static size_t find_sockets_max(const struct fcd_config *conf)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    rlim_t kept = FX_MIN(limit.rlim_cur / 2, (rlim_t)DESCRIPTORS_KEPT);
    size_t max = (size_t)(limit.rlim_cur - kept) / 2;
    if (max < (size_t)conf->limits.connections)
        fx_log(FX_LOG_WARN, "strangler", NULL, "fewer connections than facade.limits allows",
               "descriptors=%llu connections=%zu", (unsigned long long)limit.rlim_cur, max);
    return max;
}

static bool open_state(struct fcd_worker *worker, struct fx_err *err)
{
    worker->state_path = fx_asprintf("%s/facade.json", worker->conf->state_dir);
    return fx_dir_make(worker->conf->state_dir, err) &&
           fcd_state_load(worker->state_path, &worker->state, err);
}

/* The state remembers every group and route it was ever told of: what the file names now must still fit in. */
static bool check_room(struct fcd_worker *worker, struct fx_err *err)
{
    const struct fcd_config *conf = worker->conf;
    const char *missing = NULL;
    for (size_t i = 0; i < conf->n_contexts && missing == NULL; i++)
        if (fcd_state_group(&worker->state, conf->contexts[i].name) == SIZE_MAX)
            missing = conf->contexts[i].name;
    for (size_t i = 0; i < conf->n_routes && missing == NULL; i++)
        if (fcd_state_route(&worker->state, conf->routes[i].id) == SIZE_MAX)
            missing = conf->routes[i].id;
    if (missing == NULL)
        return true;
    fx_fail(err, FX_E_LIMIT, "\"%s\" has no room for \"%s\": it holds %zu groups and %zu routes",
            worker->state_path, missing, worker->state.n_groups, worker->state.n_routes);
    return fx_hint(
        err, "Stop the facade and take out of the file those that ficus.yaml no longer names.");
}

bool fcd_worker_new(const struct fcd_config *conf, struct fx_loop *loop,
                    struct fcd_worker **ret_worker, struct fx_err *err)
{
    struct fcd_worker *worker = FX_NEW(struct fcd_worker);
    worker->loop = loop;
    worker->conf = conf;
    worker->metrics = fx_metrics_new(fcd_metric_defs, FCD_MT_COUNT);
    worker->head_limits = FX_H1_LIMITS;
    worker->head_limits.head_max_bytes = (size_t)conf->limits.head_bytes;
    worker->head_limits.line_max_bytes =
        FX_MIN((size_t)conf->limits.head_bytes, (size_t)LINE_MAX_BYTES);
    worker->scratch = FX_BUF(SCRATCH_MAX);
    worker->sockets_max = find_sockets_max(conf);
    worker->started = fx_loop_now(loop);
    worker->tick.fn = on_tick;
    worker->drain_timer.fn = on_drain_over;
    worker->drained.fn = on_drained;
    fx_rand_init(&worker->rnd, fx_rand_system());
    snprintf(worker->pseudonym, sizeof worker->pseudonym, "ficus-%08" PRIx32,
             (uint32_t)fx_rand_u64(&worker->rnd));
    fcd_mirror_init(&worker->mirror, worker);
    if (!open_state(worker, err) || !check_room(worker, err)) {
        fcd_worker_free(worker);
        return false;
    }
    add_upstreams(worker);
    add_routes(worker);
    add_groups_of_state(worker);
    fx_loop_timer(loop, &worker->tick, TICK_MS);
    *ret_worker = worker;
    return true;
}

static void on_listener(struct fx_watch *watch, unsigned events)
{
    (void)events;
    fcd_conn_accept(FX_CONTAINER_OF(watch, struct fcd_listener, watch));
}

static void on_rested(struct fx_timer *timer)
{
    struct fx_err err = FX_ERR_INIT;
    struct fcd_listener *listener = FX_CONTAINER_OF(timer, struct fcd_listener, again);
    struct fx_loop *loop = listener->worker->loop;
    if (!fx_loop_add(loop, &listener->watch, listener->fd, FX_LOOP_IN, &err))
        fx_loop_timer(loop, timer, REST_MS);
}

void fcd_listener_rest(struct fcd_listener *listener)
{
    struct fx_loop *loop = listener->worker->loop;
    fx_loop_remove(loop, &listener->watch);
    fx_loop_timer(loop, &listener->again, REST_MS);
}

static bool add_listener(struct fcd_worker *worker, const struct fx_addr *addr, bool is_admin,
                         struct fx_err *err)
{
    struct fcd_listener *listener = &worker->listeners[worker->n_listeners];
    FX_AUTO_FD int fd = -1;
    *listener = (struct fcd_listener){
        .watch = {on_listener, -1}, .again.fn = on_rested, .worker = worker, .is_admin = is_admin};
    if (!fx_sock_listen(addr, BACKLOG, &fd, &listener->addr, err) ||
        !fx_loop_add(worker->loop, &listener->watch, fd, FX_LOOP_IN, err))
        return false;
    listener->fd = fx_fd_take(&fd);
    worker->n_listeners++;
    char text[FX_ADDR_TEXT];
    fx_addr_text(&listener->addr, text);
    fx_log(FX_LOG_INFO, "strangler", NULL, is_admin ? "admin address open" : "listening",
           "address=%s", text);
    return true;
}

bool fcd_worker_listen(struct fcd_worker *worker, struct fx_err *err)
{
    const struct fcd_config *conf = worker->conf;
    worker->listeners = fx_alloc_array(conf->n_listen + 1, sizeof *worker->listeners);
    if (conf->has_admin && !add_listener(worker, &conf->admin, true, err))
        return false;
    for (size_t i = 0; i < conf->n_listen; i++)
        if (!add_listener(worker, &conf->listen[i], false, err))
            return false;
    return true;
}

static void close_listeners(struct fcd_worker *worker)
{
    for (size_t i = 0; i < worker->n_listeners; i++) {
        struct fcd_listener *listener = &worker->listeners[i];
        fx_loop_remove(worker->loop, &listener->watch);
        fx_loop_timer_remove(worker->loop, &listener->again);
        close(listener->fd);
    }
    worker->n_listeners = 0;
}

void fcd_worker_check_drained(struct fcd_worker *worker)
{
    if (worker->is_draining && worker->conns.len == 0 && worker->n_left_behind == 0)
        fx_loop_defer(worker->loop, &worker->drained);
}

void fcd_worker_drain(struct fcd_worker *worker)
{
    if (worker->is_draining)
        return;
    worker->is_draining = true;
    close_listeners(worker);
    /* Held writes have not been sent: they are refused now, the client tries the next facade. */
    for (size_t i = 0; i < worker->groups.len; i++) {
        struct fcd_group *group = worker->groups.items[i];
        while (group->held.first != NULL) {
            struct fcd_req *req = group->held.first;
            fcd_group_forget(group, req, "refused");
            fcd_req_release(req);
        }
    }
    FX_LIST_EACH_SAFE (&worker->conns, conn, link)
        fcd_conn_drain(conn);
    fx_loop_timer(worker->loop, &worker->drain_timer, worker->conf->timeouts.drain_ms);
    fcd_worker_check_drained(worker);
}

static void free_routes(struct fcd_worker *worker)
{
    for (size_t i = 0; worker->routes != NULL && i < worker->conf->n_routes; i++)
        free(worker->routes[i].exemplars.items);
    free(worker->routes);
}

void fcd_worker_free(struct fcd_worker *worker)
{
    if (worker == NULL)
        return;
    worker->is_draining = true;
    close_listeners(worker);
    FX_LIST_EACH_SAFE (&worker->conns, conn, link)
        fcd_conn_close(conn);
    fcd_mirror_done(&worker->mirror);
    for (size_t i = 0; worker->upstreams != NULL && i < worker->conf->n_upstreams; i++) {
        struct fcd_upstream *up = &worker->upstreams[i];
        fcd_pool_done(&up->customers);
        fcd_pool_done(&up->shadow);
        for (size_t e = 0; up->probes != NULL && e < up->conf->n_endpoints; e++)
            fcd_probe_done(&up->probes[e]);
    }
    fx_loop_turn(worker->loop, 0); /* frees what was given up above */
    fx_loop_timer_remove(worker->loop, &worker->tick);
    fx_loop_timer_remove(worker->loop, &worker->drain_timer);
    FX_LIST_EACH_SAFE (&worker->reqs, req, all) {
        fx_loop_timer_remove(worker->loop, &req->patience);
        fx_buf_done(&req->reply);
        fx_buf_done(&req->body);
        free(req);
    }
    for (size_t i = 0; i < worker->groups.len; i++) {
        fcd_group_done(worker->groups.items[i]);
        free(worker->groups.items[i]);
    }
    FX_VEC_DONE(&worker->groups);
    free_routes(worker);
    for (size_t i = 0; worker->upstreams != NULL && i < worker->conf->n_upstreams; i++)
        free(worker->upstreams[i].probes);
    free(worker->upstreams);
    free(worker->listeners);
    fx_block_cache_done(&worker->blocks);
    fcd_state_done(&worker->state);
    fx_buf_done(&worker->scratch);
    fx_metrics_free(worker->metrics);
    free(worker->state_path);
    free(worker);
}
