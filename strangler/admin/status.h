/* SPDX-License-Identifier: Apache-2.0 */
/* What the facade says about itself: the status document and the gauges. Thread: the loop's. */
#ifndef FCD_ADMIN_STATUS_H
#define FCD_ADMIN_STATUS_H

#include "strangler/group/groups.h"
#include "strangler/net/conn.h"

/* What an admin call can see; it changes the groups only. */
struct fcd_view {
    struct fcd_local *local;
    struct fcd_net *net;
    struct fcd_groups *groups;
    struct fcd_upstream *upstreams; /* as conf->upstreams */
};

void fcd_status_json(const struct fcd_view *view, struct fx_buf *out);
/* Sets the gauges before the metrics are written. */
/* {"ok":true,"problems":[]}; false: a problem stands there, and a load balancer should go on to
 * another facade for writes. */
bool fcd_status_health(const struct fcd_view *view, struct fx_buf *out);
void fcd_status_gauges(const struct fcd_view *view);

#endif
