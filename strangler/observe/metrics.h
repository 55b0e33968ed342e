/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facade's Prometheus metrics: one table, which
 * is also their documentation. Thread: the loop's.
 */
#ifndef FCD_METRICS_H
#define FCD_METRICS_H

#include "lib/base/buf.h"
#include "lib/obs/metrics.h"

enum fcd_metric {
    FCD_MT_REQUESTS,
    FCD_MT_SECONDS,
    FCD_MT_REFUSED,
    FCD_MT_CLIENTS,
    FCD_MT_UPSTREAM_CONNECTIONS,
    FCD_MT_UPSTREAM_FAILURES,
    FCD_MT_HELD,
    FCD_MT_HELD_TOTAL,
    FCD_MT_TAKEN_BACK,
    FCD_MT_IN_FLIGHT,
    FCD_MT_LOST,
    FCD_MT_BODIES_CUT,
    FCD_MT_OWNER_IS_NEW,
    FCD_MT_OWNER_UNKNOWN,
    FCD_MT_EPOCH,
    FCD_MT_WEIGHT,
    FCD_MT_SHADOW,
    FCD_MT_ADMIN_REFUSED,
    FCD_MT_COUNT
};
extern const struct fx_metric_def fcd_metric_defs[FCD_MT_COUNT];

/* The table as Markdown. */
void fcd_metrics_table(struct fx_buf *out);

#endif
