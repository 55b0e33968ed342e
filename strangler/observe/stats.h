/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of one side of a route since its weight or shadow last changed, which the gates of a
 * plan read. Latencies go into a log-linear histogram (8 steps for each doubling, so a quantile is
 * right within 9 %). The Prometheus counters, which never decrease, are in metrics.h. Thread: the
 * loop's.
 */
#ifndef FCD_STATS_H
#define FCD_STATS_H

#include "lib/base/clock.h"

enum { FCD_HIST_SLOTS = 224 }; /* 1 µs … 268 s */

struct fcd_side_stats {
    int64_t requests;
    int64_t errors; /* 5xx, or no answer */
    uint32_t latency[FCD_HIST_SLOTS];
};
struct fcd_shadow_stats {
    int64_t compared, mismatch, stale, dropped, failed;
};

/* The latest differences between the two sides of a route. */
struct fcd_exemplar {
    struct fx_wall at;
    char request[160]; /* "GET /orders/7" */
    char difference[240];
};
struct fcd_exemplars {
    struct fcd_exemplar *items; /* a ring of conf.mirror.exemplars */
    size_t max, len, next;
};

void fcd_stats_add(struct fcd_side_stats *stats, int64_t latency_us, bool is_error);
/* Milliseconds; -1 without a sample. */
double fcd_stats_quantile_ms(const struct fcd_side_stats *stats, double q);

#endif
