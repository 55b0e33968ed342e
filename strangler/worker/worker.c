/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a worker together, opens its listeners, drains it, takes it down. */
#include "strangler/worker/worker.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "lib/base/alloc.h"
#include "lib/log/log.h"
#include "strangler/http1/http1.h"

enum { DESCRIPTORS_RESERVED = 32, TICK_MS = 1000, LINE_MAX_BYTES = 8192 };

static void on_tick(struct fx_timer *timer)
{
    struct fcd_worker *worker = FX_CONTAINER_OF(timer, struct fcd_worker, tick);
    struct fcd_local *local = &worker->local;
    local->requests_per_s = local->n_requests - worker->n_requests_before;
    worker->n_requests_before = local->n_requests;
    fx_block_cache_trim(&local->blocks);
    fx_loop_timer(local->loop, timer, TICK_MS);
}

static void on_drained(struct fx_task *task)
{
    struct fcd_worker *worker = FX_CONTAINER_OF(task, struct fcd_worker, drained);
    fx_loop_stop(worker->local.loop);
}

static void on_drain_over(struct fx_timer *timer)
{
    struct fcd_worker *worker = FX_CONTAINER_OF(timer, struct fcd_worker, drain_timer);
    fx_log(FX_LOG_WARN, "strangler", NULL,
           "drain timed out (facade.timeouts.drain); the remaining connections are closed",
           "connections=%zu", worker->net.conns.len);
    fx_loop_stop(worker->local.loop);
}

/* A connection or a request that was left behind has gone: was it the last one of a drain? */
static void check_drained(struct fcd_worker *worker)
{
    if (worker->local.is_draining && worker->net.conns.len == 0 &&
        worker->requests.n_left_behind == 0)
        fx_loop_defer(worker->local.loop, &worker->drained);
}

static void on_conn_closed(struct fcd_net *net)
{
    check_drained(FX_CONTAINER_OF(net, struct fcd_worker, net));
}

static void on_left_behind_over(struct fcd_requests *requests)
{
    check_drained(FX_CONTAINER_OF(requests, struct fcd_worker, requests));
}

/* ficus.yaml may allow more connections than the process has descriptors for. */
static size_t find_sockets_max(const struct fcd_config *conf)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    rlim_t reserved = FX_MIN(limit.rlim_cur / 2, (rlim_t)DESCRIPTORS_RESERVED);
    size_t max = (size_t)(limit.rlim_cur - reserved) / 2;
    if (max < (size_t)conf->limits.connections)
        fx_log(FX_LOG_WARN, "strangler", NULL,
               "the descriptor limit allows fewer connections than facade.limits.connections: "
               "raise it (ulimit -n, LimitNOFILE=)",
               "descriptors=%llu connections=%zu", (unsigned long long)limit.rlim_cur, max);
    return max;
}

static void init_shared(struct fcd_worker *worker, const struct fcd_config *conf,
                        struct fx_loop *loop)
{
    struct fcd_shared *shared = &worker->shared;
    shared->conf = conf;
    shared->metrics = fx_metrics_new(fcd_metric_defs, FCD_MT_COUNT);
    shared->started = fx_loop_now(loop);
    shared->head_limits = FX_H1_LIMITS;
    shared->head_limits.head_max_bytes = (size_t)conf->limits.head_bytes;
    shared->head_limits.line_max_bytes =
        FX_MIN((size_t)conf->limits.head_bytes, (size_t)LINE_MAX_BYTES);
    shared->sockets_max = find_sockets_max(conf);
    fcd_local_init(&worker->local, shared, loop);
    snprintf(shared->pseudonym, sizeof shared->pseudonym, "ficus-%08" PRIx32,
             (uint32_t)fx_rand_u64(&worker->local.rnd));
}

bool fcd_worker_new(const struct fcd_config *conf, struct fx_loop *loop,
                    struct fcd_worker **ret_worker, struct fx_err *err)
{
    struct fcd_worker *worker = FX_NEW(struct fcd_worker);
    struct fcd_local *local = &worker->local;
    worker->tick.fn = on_tick;
    worker->drain_timer.fn = on_drain_over;
    worker->drained.fn = on_drained;
    init_shared(worker, conf, loop);
    fcd_net_init(&worker->net, local, conf->n_listen + 1, on_conn_closed);
    fcd_mirror_init(&worker->mirror, local);
    worker->upstreams = fcd_upstreams_new(local);
    if (!fcd_groups_init(&worker->groups, local, worker->upstreams, err)) {
        fcd_worker_free(worker);
        return false;
    }
    fcd_requests_init(&worker->requests, local, &worker->groups, &worker->mirror,
                      &worker->upstreams[conf->default_upstream], on_left_behind_over);
    const struct fcd_view view = {local, &worker->net, &worker->groups, worker->upstreams};
    fcd_admin_init(&worker->admin, &view);
    fx_loop_timer(loop, &worker->tick, TICK_MS);
    *ret_worker = worker;
    return true;
}

static void log_listener(const struct fcd_net *net, const char *event)
{
    char text[FX_ADDR_TEXT];
    fx_addr_text(&net->listeners[net->n_listeners - 1].addr, text);
    fx_log(FX_LOG_INFO, "strangler", NULL, event, "address=%s", text);
}

bool fcd_worker_listen(struct fcd_worker *worker, struct fx_err *err)
{
    const struct fcd_config *conf = worker->shared.conf;
    struct fcd_net *net = &worker->net;
    if (!fcd_net_listen(net, &conf->admin.addr, false, &fcd_http1, &worker->admin.service, err))
        return false;
    log_listener(net, "admin API listening");
    for (size_t i = 0; i < conf->n_listen; i++) {
        if (!fcd_net_listen(net, &conf->listen[i], true, &fcd_http1, &worker->requests.service,
                            err))
            return false;
        log_listener(net, "listening");
    }
    return true;
}

void fcd_worker_drain(struct fcd_worker *worker)
{
    if (worker->local.is_draining)
        return;
    worker->local.is_draining = true;
    fcd_net_close_listeners(&worker->net);
    /* Held writes have not been sent: they are refused now, the client tries the next facade. */
    for (size_t i = 0; i < worker->groups.list.len; i++)
        fcd_group_refuse_held(worker->groups.list.items[i]);
    fcd_net_drain(&worker->net);
    fx_loop_timer(worker->local.loop, &worker->drain_timer, worker->shared.conf->timeouts.drain_ms);
    check_drained(worker);
}

void fcd_worker_free(struct fcd_worker *worker)
{
    if (worker == NULL)
        return;
    struct fx_loop *loop = worker->local.loop;
    size_t n_upstreams = worker->shared.conf->n_upstreams;
    worker->local.is_draining = true;
    fcd_net_close(&worker->net);
    fcd_mirror_done(&worker->mirror);
    fcd_upstreams_close(worker->upstreams, n_upstreams);
    fx_loop_turn(loop, 0); /* frees what was closed above */
    fx_loop_timer_remove(loop, &worker->tick);
    fx_loop_timer_remove(loop, &worker->drain_timer);
    fcd_requests_done(&worker->requests);
    fcd_groups_done(&worker->groups);
    fcd_upstreams_free(worker->upstreams, n_upstreams);
    fcd_net_free(&worker->net);
    fcd_local_done(&worker->local);
    fx_metrics_free(worker->shared.metrics);
    free(worker);
}
