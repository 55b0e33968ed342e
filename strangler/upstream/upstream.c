/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the upstreams of the configuration and takes them down again. */
#include "strangler/upstream/upstream.h"

#include "lib/base/alloc.h"

/* What a probe found out holds for both pools. */
static void on_verdict(struct fcd_probe *probe, bool is_unhealthy)
{
    struct fcd_upstream *up = probe->owner;
    up->customers.endpoints[probe->endpoint].is_unhealthy = is_unhealthy;
    up->shadow.endpoints[probe->endpoint].is_unhealthy = is_unhealthy;
}

static void init(struct fcd_upstream *up, struct fcd_local *local,
                 const struct fcd_conf_upstream *conf)
{
    up->conf = conf;
    fcd_pool_init(&up->customers, local, conf, (size_t)local->conf->limits.upstream_connections);
    fcd_pool_init(&up->shadow, local, conf, (size_t)local->conf->mirror.connections);
    if (conf->health_path == NULL)
        return;
    up->probes = fx_alloc_array(conf->n_endpoints, sizeof *up->probes);
    for (size_t e = 0; e < conf->n_endpoints; e++)
        fcd_probe_start(&up->probes[e], local, conf, e, on_verdict, up);
}

struct fcd_upstream *fcd_upstreams_new(struct fcd_local *local)
{
    const struct fcd_config *conf = local->conf;
    struct fcd_upstream *upstreams = fx_alloc_array(conf->n_upstreams, sizeof *upstreams);
    for (size_t i = 0; i < conf->n_upstreams; i++)
        init(&upstreams[i], local, &conf->upstreams[i]);
    return upstreams;
}

void fcd_upstreams_close(struct fcd_upstream *upstreams, size_t n)
{
    for (size_t i = 0; upstreams != NULL && i < n; i++) {
        struct fcd_upstream *up = &upstreams[i];
        fcd_pool_done(&up->customers);
        fcd_pool_done(&up->shadow);
        for (size_t e = 0; up->probes != NULL && e < up->conf->n_endpoints; e++)
            fcd_probe_done(&up->probes[e]);
    }
}

void fcd_upstreams_free(struct fcd_upstream *upstreams, size_t n)
{
    for (size_t i = 0; upstreams != NULL && i < n; i++)
        free(upstreams[i].probes);
    free(upstreams);
}
