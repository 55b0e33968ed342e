/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms, declared in a table with their help text.
 *
 *     enum { M_REQUESTS, M_LATENCY, M_COUNT };
 *     static const struct fx_metric_def defs[M_COUNT] = {
 *         [M_REQUESTS] = {"ficus_facade_requests_total", "Requests answered.",
 *                         FX_COUNTER, {"route", "status"}},
 *         [M_LATENCY]  = {"ficus_facade_request_seconds", "Time to the last byte.",
 *                         FX_HISTOGRAM, {"route"}}};
 *     struct fx_metrics *metrics = fx_metrics_new(defs, M_COUNT);
 *     fx_series_add(fx_metric(metrics, M_REQUESTS, "orders-read", "2xx"), 1);
 *
 * A series lives as long as the metrics. Labels are bounded: beyond FX_SERIES_MAX series of one
 * metric all further label values share the series "other", so a client cannot fill memory.
 * Thread: any (look-up takes a mutex, updates are atomic: keep the pointer on hot paths).
 */
#ifndef FX_OBS_METRICS_H
#define FX_OBS_METRICS_H

#include "lib/base/fx.h"

enum fx_metric_kind { FX_COUNTER, FX_GAUGE, FX_HISTOGRAM };
enum { FX_METRIC_LABELS_MAX = 4, FX_SERIES_MAX = 200, FX_BUCKETS_MAX = 24 };

struct fx_metric_def {
    const char *name; /* with its unit: _total, _seconds, _bytes */
    const char *help;
    enum fx_metric_kind kind;
    const char *labels[FX_METRIC_LABELS_MAX]; /* names; NULL ends */
    const double *buckets; /* HISTOGRAM: ascending upper bounds, ended by 0; NULL: 0.5 ms … 60 s */
};

struct fx_metrics;
struct fx_series;

struct fx_metrics *fx_metrics_new(const struct fx_metric_def *defs, size_t n_defs);
void fx_metrics_free(struct fx_metrics *metrics);

/* One value for each declared label, in order: fx_metric(m,
 * M_REQUESTS, "orders-read", "2xx"). Never NULL. */
struct fx_series *fx_metric_series(struct fx_metrics *metrics, size_t id, ...)
    __attribute__((sentinel));
#define fx_metric(metrics, ...) fx_metric_series((metrics), __VA_ARGS__, (const char *)NULL)

void fx_series_add(struct fx_series *series, double by);        /* counter (by >= 0) or gauge */
void fx_series_set(struct fx_series *series, double value);     /* gauge */
void fx_series_observe(struct fx_series *series, double value); /* histogram */
double fx_series_value(const struct fx_series *series);   /* counter, gauge; histogram: the sum */
uint64_t fx_series_count(const struct fx_series *series); /* histogram: observations */
/* Estimate by linear interpolation in its bucket; 0 without observations. */
double fx_series_quantile(const struct fx_series *series, double q);

/* For writers (prom_text): every series in declaration
 * order, label values in order of appearance. */
struct fx_series_view {
    const struct fx_metric_def *def;
    const char *const *label_values;
    double value; /* histogram: the sum */
    uint64_t count;
    const double *bounds;    /* n_buckets of them */
    const uint64_t *buckets; /* not cumulative; n_buckets + 1, the last is beyond all bounds */
    size_t n_buckets;
};
void fx_metrics_each(struct fx_metrics *metrics,
                     void (*fn)(void *arg, const struct fx_series_view *view), void *arg);

#endif
