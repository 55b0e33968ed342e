/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks: GET `health.path` of each endpoint of an upstream every `health.interval`; 2xx and
 * 3xx are good. After two bad answers in a row an endpoint is unhealthy, after one good answer it
 * is healthy again. An unhealthy endpoint is passed over while another one is usable. If none is,
 * requests go to it anyway, so that a wrong health check does not become an outage.
 *
 *     HEALTHY --bad--> DOUBTFUL --bad--> UNHEALTHY
 *        ^----good-------+--------good-------+
 *
 * Thread: the loop's.
 */
#ifndef FCD_UPSTREAM_HEALTH_H
#define FCD_UPSTREAM_HEALTH_H

#include "strangler/upstream/exchange.h"

struct fcd_probe;
typedef void (*fcd_verdict_fn)(struct fcd_probe *probe, bool is_unhealthy);

struct fcd_probe {
    struct fcd_local *local;
    const struct fcd_conf_upstream *conf;
    size_t endpoint;
    fcd_verdict_fn on_verdict; /* after each answer */
    void *owner;               /* of the callback */
    struct fcd_pool pool;      /* of this endpoint alone */
    struct fcd_xchg x;
    struct fx_timer timer; /* the next question, or the time-out of this one */
    bool is_asking;
    int status; /* of the answer that is arriving */
    int n_bad;  /* in a row */
};

void fcd_probe_start(struct fcd_probe *probe, struct fcd_local *local,
                     const struct fcd_conf_upstream *conf, size_t endpoint,
                     fcd_verdict_fn on_verdict, void *owner);
void fcd_probe_done(struct fcd_probe *probe);

#endif
