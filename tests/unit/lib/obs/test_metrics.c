/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: values, bounded labels, quantiles, the text form; updates from many threads add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "lib/obs/prom_text.h"

enum { M_REQUESTS, M_OPEN, M_SECONDS, M_COUNT };
static const double buckets[] = {0.1, 1, 10, 0};
static const struct fx_metric_def defs[M_COUNT] = {
    [M_REQUESTS] = {"x_requests_total", "Requests.", FX_COUNTER, {"route", "status"}, NULL},
    [M_OPEN] = {"x_open", "Open connections.", FX_GAUGE, {NULL}, NULL},
    [M_SECONDS] = {"x_seconds", "Time.", FX_HISTOGRAM, {"route"}, buckets}};

static void test_metrics__text_form(void **state)
{
    (void)state;
    struct fx_metrics *metrics = fx_metrics_new(defs, M_COUNT);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    fx_series_add(fx_metric(metrics, M_REQUESTS, "a\"b\n", "2xx"), 3);
    fx_series_set(fx_metric(metrics, M_OPEN), 7);
    fx_series_observe(fx_metric(metrics, M_SECONDS, "r"), 0.05);
    fx_series_observe(fx_metric(metrics, M_SECONDS, "r"), 0.5);
    fx_series_observe(fx_metric(metrics, M_SECONDS, "r"), 50);
    fx_prom_text(metrics, &out);
    assert_string_equal(fx_buf_cstr(&out),
                        "# HELP x_requests_total Requests.\n"
                        "# TYPE x_requests_total counter\n"
                        "x_requests_total{route=\"a\\\"b\\n\",status=\"2xx\"} 3\n"
                        "# HELP x_open Open connections.\n"
                        "# TYPE x_open gauge\n"
                        "x_open 7\n"
                        "# HELP x_seconds Time.\n"
                        "# TYPE x_seconds histogram\n"
                        "x_seconds_bucket{route=\"r\",le=\"0.1\"} 1\n"
                        "x_seconds_bucket{route=\"r\",le=\"1\"} 2\n"
                        "x_seconds_bucket{route=\"r\",le=\"10\"} 2\n"
                        "x_seconds_bucket{route=\"r\",le=\"+Inf\"} 3\n"
                        "x_seconds_sum{route=\"r\"} 50.55\n"
                        "x_seconds_count{route=\"r\"} 3\n");
    fx_metrics_free(metrics);
}

static void test_metrics__labels_are_bounded(void **state)
{
    (void)state;
    struct fx_metrics *metrics = fx_metrics_new(defs, M_COUNT);
    char label[16];
    for (int i = 0; i < FX_SERIES_MAX; i++) {
        snprintf(label, sizeof label, "r%d", i);
        fx_series_add(fx_metric(metrics, M_REQUESTS, label, "2xx"), 1);
    }
    struct fx_series *first = fx_metric(metrics, M_REQUESTS, "one too many", "2xx");
    assert_ptr_equal(first, fx_metric(metrics, M_REQUESTS, "two too many", "5xx"));
    assert_ptr_not_equal(first, fx_metric(metrics, M_REQUESTS, "r0", "2xx"));
    fx_metrics_free(metrics);
}

static void test_metrics__quantiles_interpolate(void **state)
{
    (void)state;
    struct fx_metrics *metrics = fx_metrics_new(defs, M_COUNT);
    struct fx_series *series = fx_metric(metrics, M_SECONDS, "r");
    assert_true(fx_series_quantile(series, 0.99) <= 0);
    for (int i = 0; i < 100; i++)
        fx_series_observe(series, i < 90 ? 0.05 : 5);
    assert_true(fx_series_quantile(series, 0.5) < 0.1);
    assert_true(fx_series_quantile(series, 0.99) > 1 && fx_series_quantile(series, 0.99) <= 10);
    assert_int_equal(fx_series_count(series), 100);
    fx_metrics_free(metrics);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 20000; i++)
        fx_series_add(arg, 1);
    return NULL;
}

static void test_metrics__updates_of_many_threads_add_up(void **state)
{
    (void)state;
    struct fx_metrics *metrics = fx_metrics_new(defs, M_COUNT);
    struct fx_series *series = fx_metric(metrics, M_OPEN);
    pthread_t threads[4];
    for (size_t i = 0; i < FX_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, series), 0);
    for (size_t i = 0; i < FX_ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(fx_series_value(series) > 79999.5 && fx_series_value(series) < 80000.5);
    fx_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__text_form),
        cmocka_unit_test(test_metrics__labels_are_bounded),
        cmocka_unit_test(test_metrics__quantiles_interpolate),
        cmocka_unit_test(test_metrics__updates_of_many_threads_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
