/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of the histogram are right within a slot, over the whole range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strangler/observe/stats.h"

static void test_stats__quantiles_are_right_within_a_slot(void **state)
{
    (void)state;
    for (int64_t us = 10; us < 100000000; us = us * 3 / 2) {
        struct fcd_side_stats stats = {0};
        fcd_stats_add(&stats, us, false);
        double got = fcd_stats_quantile_ms(&stats, 0.99) * 1000;
        assert_true(got > (double)us * 0.9 && got < (double)us * 1.1);
    }
}

static void test_stats__order_is_kept_and_no_sample_is_minus_one(void **state)
{
    (void)state;
    struct fcd_side_stats stats = {0};
    assert_true(fcd_stats_quantile_ms(&stats, 0.5) < 0);
    for (int i = 1; i <= 1000; i++)
        fcd_stats_add(&stats, i * 1000, i % 10 == 0);
    double p50 = fcd_stats_quantile_ms(&stats, 0.5), p99 = fcd_stats_quantile_ms(&stats, 0.99);
    assert_true(p50 > 440 && p50 < 560);
    assert_true(p99 > 890 && p99 < 1100);
    assert_int_equal(stats.errors, 100);
    fcd_stats_add(&stats, INT64_MAX, false);
    fcd_stats_add(&stats, -5, false);
    assert_true(fcd_stats_quantile_ms(&stats, 1.0) > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats__quantiles_are_right_within_a_slot),
        cmocka_unit_test(test_stats__order_is_kept_and_no_sample_is_minus_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
