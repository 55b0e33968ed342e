/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series hang off their definition in a list that only grows; doubles are updated by
 * compare-and-swap on their bits, so the hot path takes no lock and a reader never sees half a
 * value.
 */
#include "lib/obs/metrics.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

struct fx_series {
    struct fx_series *next;
    const struct fx_metric_def *def;
    char *labels[FX_METRIC_LABELS_MAX];
    size_t n_labels;
    const double *bounds;
    size_t n_buckets;
    _Atomic uint64_t bits; /* of a double: the value, or the sum */
    _Atomic uint64_t count;
    _Atomic uint64_t buckets[FX_BUCKETS_MAX + 1];
};

struct metric {
    struct fx_series *first, *last;
    size_t n_series;
};

struct fx_metrics {
    const struct fx_metric_def *defs;
    size_t n_defs;
    pthread_mutex_t mutex; /* guards the lists below */
    struct metric *metrics;
};

static const double default_buckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.035,
                                         0.05,   0.075, 0.1,    0.15,  0.25, 0.5,  1,
                                         2.5,    5,     10,     30,    60,   0};

struct fx_metrics *fx_metrics_new(const struct fx_metric_def *defs, size_t n_defs)
{
    struct fx_metrics *metrics = FX_NEW(struct fx_metrics);
    metrics->defs = defs;
    metrics->n_defs = n_defs;
    metrics->metrics = fx_alloc_array(n_defs, sizeof *metrics->metrics);
    pthread_mutex_init(&metrics->mutex, NULL);
    return metrics;
}

void fx_metrics_free(struct fx_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < metrics->n_defs; i++) {
        for (struct fx_series *series = metrics->metrics[i].first; series != NULL;) {
            struct fx_series *next = series->next;
            for (size_t k = 0; k < series->n_labels; k++)
                free(series->labels[k]);
            free(series);
            series = next;
        }
    }
    pthread_mutex_destroy(&metrics->mutex);
    free(metrics->metrics);
    free(metrics);
}

static struct fx_series *find_series(const struct metric *metric, const char *const *labels)
{
    for (struct fx_series *series = metric->first; series != NULL; series = series->next) {
        size_t k = 0;
        while (k < series->n_labels && strcmp(series->labels[k], labels[k]) == 0)
            k++;
        if (k == series->n_labels)
            return series;
    }
    return NULL;
}

static struct fx_series *add_series(struct metric *metric, const struct fx_metric_def *def,
                                    const char *const *labels, size_t n_labels)
{
    struct fx_series *series = FX_NEW(struct fx_series);
    series->def = def;
    series->n_labels = n_labels;
    for (size_t k = 0; k < n_labels; k++)
        series->labels[k] = fx_strdup(labels[k]);
    if (def->kind == FX_HISTOGRAM) {
        series->bounds = def->buckets != NULL ? def->buckets : default_buckets;
        while (series->bounds[series->n_buckets] > 0 && series->n_buckets < FX_BUCKETS_MAX)
            series->n_buckets++;
    }
    if (metric->last != NULL)
        metric->last->next = series;
    else
        metric->first = series;
    metric->last = series;
    metric->n_series++;
    return series;
}

struct fx_series *fx_metric_series(struct fx_metrics *metrics, size_t id, ...)
{
    const char *labels[FX_METRIC_LABELS_MAX + 1] = {0};
    size_t n_labels = 0, n_declared = 0;
    va_list ap;
    FX_ASSERT(id < metrics->n_defs);
    const struct fx_metric_def *def = &metrics->defs[id];
    va_start(ap, id);
    while (n_labels <= FX_METRIC_LABELS_MAX &&
           (labels[n_labels] = va_arg(ap, const char *)) != NULL)
        n_labels++;
    va_end(ap);
    while (n_declared < FX_METRIC_LABELS_MAX && def->labels[n_declared] != NULL)
        n_declared++;
    if (n_labels != n_declared)
        FX_BUG("metric %s has %zu labels, %zu were given", def->name, n_declared, n_labels);
    struct metric *metric = &metrics->metrics[id];
    pthread_mutex_lock(&metrics->mutex);
    struct fx_series *series = find_series(metric, labels);
    if (series == NULL && metric->n_series >= FX_SERIES_MAX) {
        for (size_t k = 0; k < n_labels; k++)
            labels[k] = "other";
        series = find_series(metric, labels);
    }
    if (series == NULL)
        series = add_series(metric, def, labels, n_labels);
    pthread_mutex_unlock(&metrics->mutex);
    return series;
}

static double bits_to_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t double_to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void fx_series_add(struct fx_series *series, double by)
{
    uint64_t old = atomic_load_explicit(&series->bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&series->bits, &old,
                                         double_to_bits(bits_to_double(old) + by)))
        ;
}

void fx_series_set(struct fx_series *series, double value)
{
    atomic_store(&series->bits, double_to_bits(value));
}

void fx_series_observe(struct fx_series *series, double value)
{
    size_t i = 0;
    while (i < series->n_buckets && value > series->bounds[i])
        i++;
    atomic_fetch_add(&series->buckets[i], 1);
    atomic_fetch_add(&series->count, 1);
    fx_series_add(series, value);
}

double fx_series_value(const struct fx_series *series)
{
    return bits_to_double(atomic_load(&series->bits));
}

uint64_t fx_series_count(const struct fx_series *series)
{
    return atomic_load(&series->count);
}

double fx_series_quantile(const struct fx_series *series, double q)
{
    uint64_t total = 0, below = 0;
    for (size_t i = 0; i <= series->n_buckets; i++)
        total += atomic_load(&series->buckets[i]);
    if (total == 0)
        return 0;
    double rank = q * (double)total;
    for (size_t i = 0; i < series->n_buckets; i++) {
        uint64_t n = atomic_load(&series->buckets[i]);
        if (n > 0 && (double)(below + n) >= rank) {
            double low = i > 0 ? series->bounds[i - 1] : 0;
            double part = (rank - (double)below) / (double)n;
            return low + (series->bounds[i] - low) * (part > 0 ? part : 0);
        }
        below += n;
    }
    return series->n_buckets > 0 ? series->bounds[series->n_buckets - 1] : 0;
}

void fx_metrics_each(struct fx_metrics *metrics,
                     void (*fn)(void *arg, const struct fx_series_view *view), void *arg)
{
    pthread_mutex_lock(&metrics->mutex);
    for (size_t i = 0; i < metrics->n_defs; i++) {
        for (const struct fx_series *series = metrics->metrics[i].first; series != NULL;
             series = series->next) {
            uint64_t buckets[FX_BUCKETS_MAX + 1], count = 0;
            const char *labels[FX_METRIC_LABELS_MAX];
            for (size_t k = 0; k < series->n_labels; k++)
                labels[k] = series->labels[k];
            for (size_t k = 0; k <= series->n_buckets; k++)
                count += buckets[k] = atomic_load(&series->buckets[k]);
            struct fx_series_view view = {series->def,    labels,  fx_series_value(series), count,
                                          series->bounds, buckets, series->n_buckets};
            fn(arg, &view);
        }
    }
    pthread_mutex_unlock(&metrics->mutex);
}
