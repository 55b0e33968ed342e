/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all workers of a facade see: the configuration, the metrics, limits and names that are fixed
 * at start. Filled by the worker room before anything else exists and not changed after that.
 * Thread: any, because nothing here changes; the metrics have rules of their own
 * (lib/obs/metrics.h).
 */
#ifndef FCD_SHARED_SHARED_H
#define FCD_SHARED_SHARED_H

#include "lib/base/clock.h"
#include "lib/http/h1_parse.h"
#include "strangler/conf/config.h"
#include "strangler/observe/metrics.h"

struct fcd_shared {
    const struct fcd_config *conf;
    struct fx_metrics *metrics;
    struct fx_mono started;
    char pseudonym[24]; /* in Via: tells our own requests when they come back */
    struct fx_h1_limits head_limits;
    /*
     * Half of the descriptors are for clients and half for upstreams, so that every accepted client
     * can be served; a few are reserved for the state file and the admin API.
     */
    size_t sockets_max; /* clients; and the same again for upstreams */
};

#endif
