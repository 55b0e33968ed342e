/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe is an exchange over a pool of its own, so that it does not wait for customers' requests.
 */
#include "strangler/upstream/health.h"

#include "lib/log/log.h"

enum { UNHEALTHY_AFTER = 2, ANSWER_MS = 1000 };

static struct fcd_probe *probe_of(struct fcd_xchg *x)
{
    return FX_CONTAINER_OF(x, struct fcd_probe, x);
}

static void on_start(struct fcd_xchg *x)
{
    const struct fcd_probe *probe = probe_of(x);
    fx_buf_printf(&x->u->stream.out.buf,
                  "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: ficus-health\r\n\r\n",
                  probe->conf->health_path, x->u->endpoint->conf->host);
    fcd_xchg_complete(x);
}

static void on_head(struct fcd_xchg *x, const struct fx_head *head)
{
    probe_of(x)->status = head->status;
}

static void conclude(struct fcd_probe *probe, bool is_good)
{
    bool was_unhealthy = probe->n_bad >= UNHEALTHY_AFTER;
    probe->is_asking = false;
    probe->n_bad = is_good ? 0 : probe->n_bad + (probe->n_bad < UNHEALTHY_AFTER);
    bool is_unhealthy = probe->n_bad >= UNHEALTHY_AFTER;
    probe->on_verdict(probe, is_unhealthy);
    if (is_unhealthy != was_unhealthy)
        fx_log(is_unhealthy ? FX_LOG_WARN : FX_LOG_INFO, "strangler", probe->conf->name,
               is_unhealthy ? "endpoint is unhealthy" : "endpoint is healthy again", "endpoint=%s",
               probe->conf->endpoints[probe->endpoint].url);
    fx_loop_timer(probe->local->loop, &probe->timer, probe->conf->health_ms);
}

static void on_done(struct fcd_xchg *x)
{
    conclude(probe_of(x), probe_of(x)->status < 400);
}

static void on_fail(struct fcd_xchg *x, enum fcd_failure why)
{
    (void)why;
    conclude(probe_of(x), false);
}

static const struct fcd_xchg_ops probe_ops = {
    .start = on_start, .head = on_head, .done = on_done, .fail = on_fail};

static void on_timer(struct fx_timer *timer)
{
    struct fcd_probe *probe = FX_CONTAINER_OF(timer, struct fcd_probe, timer);
    enum fcd_failure why;
    if (probe->is_asking) {
        fcd_xchg_abort(&probe->x);
        conclude(probe, false);
        return;
    }
    probe->x = (struct fcd_xchg){.ops = &probe_ops,
                                 .pool = &probe->pool,
                                 .method = FX_STR("GET"),
                                 .repeat = FCD_REPEAT_SAFE,
                                 .response_ms = ANSWER_MS};
    probe->is_asking = true;
    fx_loop_timer(probe->local->loop, timer, ANSWER_MS);
    if (!fcd_xchg_begin(&probe->x, &why))
        conclude(probe, false);
}

void fcd_probe_start(struct fcd_probe *probe, struct fcd_local *local,
                     const struct fcd_conf_upstream *conf, size_t endpoint,
                     fcd_verdict_fn on_verdict, void *owner)
{
    *probe = (struct fcd_probe){.local = local,
                                .conf = conf,
                                .endpoint = endpoint,
                                .on_verdict = on_verdict,
                                .owner = owner,
                                .timer.fn = on_timer};
    fcd_pool_init(&probe->pool, local, conf, 1);
    probe->pool.endpoints[0].conf = &conf->endpoints[endpoint];
    probe->pool.n_endpoints = 1;
    fx_loop_timer(local->loop, &probe->timer, 0);
}

void fcd_probe_done(struct fcd_probe *probe)
{
    fx_loop_timer_remove(probe->local->loop, &probe->timer);
    fcd_pool_done(&probe->pool);
}
