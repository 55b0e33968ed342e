/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks each endpoint of an upstream with `health.path` every `health.interval` whether it is well: GET, 2xx or 3xx.
 * Two bad answers in a row make it sick, one good answer makes it well. A sick endpoint is passed over while
 * another one is well; if none is, requests go to it all the same: a wrong health check must not be an outage.
 *
 *     WELL --bad--> DOUBTFUL --bad--> SICK
 *      ^---good-------+---------good---+
 *
 * Thread: the loop's.
 */
#ifndef FCD_UPSTREAM_HEALTH_H
#define FCD_UPSTREAM_HEALTH_H

#include "strangler/upstream/exchange.h"

struct fcd_probe;
typedef void (*fcd_verdict_fn)(struct fcd_probe *probe, bool is_sick);

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
