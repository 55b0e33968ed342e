/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One upstream at run time: its pools and its health checks. Customers and shadow have pools of
 * their own, so that the shadow cannot be in the customers' way. Thread: the loop's.
 */
#ifndef FCD_UPSTREAM_UPSTREAM_H
#define FCD_UPSTREAM_UPSTREAM_H

#include "strangler/upstream/health.h"

struct fcd_upstream {
    const struct fcd_conf_upstream *conf;
    struct fcd_pool customers;
    struct fcd_pool shadow;
    struct fcd_probe *probes; /* one an endpoint; NULL: no health check */
};

/* All upstreams of the configuration, in its order; the probes begin at once. */
struct fcd_upstream *fcd_upstreams_new(struct fcd_local *local);
/* Closes the connections; their memory stays until the loop's turn has ended. */
void fcd_upstreams_close(struct fcd_upstream *upstreams, size_t n);
void fcd_upstreams_free(struct fcd_upstream *upstreams, size_t n);

#endif
