/* SPDX-License-Identifier: Apache-2.0 */
/* What writes will wait, from what was measured: the first of them, the middle one, and a queue
 * that grows faster than it leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/cutover/forecast.h"

static const struct pln_measured idle = {.losing_us = 300,
                                         .winning_us = 300,
                                         .facade_us = 1000,
                                         .stream_us = 500,
                                         .n_tables = 3,
                                         .writes_per_s = 300,
                                         .release_per_s = 2000};

static void test_forecast__everything_that_was_slow_makes_the_hold_longer(void **state)
{
    (void)state;
    int64_t base_ms = pln_forecast_hold_ms(&idle);
    assert_true(base_ms >= 30 && base_ms < 50);
    struct pln_measured slow = idle;
    slow.verify_us = 80000;
    slow.lag_us = 120000;
    slow.write_us = 40000;
    assert_int_equal(pln_forecast_hold_ms(&slow), base_ms + 240);
    struct pln_measured wide = idle;
    wide.n_tables = 100;
    assert_true(pln_forecast_hold_ms(&wide) > base_ms + 100);
}

static void test_forecast__the_first_waits_for_all_of_it_and_the_middle_for_half(void **state)
{
    (void)state;
    struct pln_forecast waits = pln_forecast_waits(&idle, 200);
    assert_int_equal(waits.held, 60);
    assert_int_equal(waits.longest_ms, 205);
    assert_int_equal(waits.p50_ms, (200 + 30) / 2 + 5); /* 60 writes at 2000/s: 30 ms */
    assert_false(waits.is_too_slow);
}

static void test_forecast__a_pace_below_the_rate_is_told(void **state)
{
    (void)state;
    struct pln_measured busy = idle;
    busy.writes_per_s = 4000;
    struct pln_forecast waits = pln_forecast_waits(&busy, 100);
    assert_true(waits.is_too_slow);
    assert_int_equal(waits.longest_ms, 205); /* 400 writes at 2000/s */
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(512);
    pln_forecast_text(&waits, &text);
    assert_non_null(strstr(fx_buf_cstr(&text), "facade.hold.release_per_second"));
    struct pln_forecast none = PLN_FORECAST_NONE;
    fx_buf_clear(&text);
    pln_forecast_text(&none, &text);
    assert_non_null(strstr(fx_buf_cstr(&text), "could not be measured"));
}

static void test_forecast__an_open_transaction_counts_up_to_the_limit_of_the_fence(void **state)
{
    (void)state;
    struct pln_measured m = idle;
    m.lock_wait_us = 800000;
    m.fence_attempts = 5;
    m.write_us = 10000;
    int64_t base_ms = pln_forecast_hold_ms(&idle);
    m.open_us = 4000; /* it ends while the facade's writes are waited for */
    assert_int_equal(pln_forecast_hold_ms(&m), base_ms + 10);
    m.open_us = 300000;
    assert_int_equal(pln_forecast_hold_ms(&m), base_ms + 300);
    m.open_us = 2500000;
    assert_int_equal(pln_forecast_hold_ms(&m), base_ms + 800);
}

static void test_forecast__the_worst_case_is_told_in_words(void **state)
{
    (void)state;
    struct pln_measured m = idle;
    m.lock_wait_us = 800000;
    m.fence_attempts = 5;
    struct pln_forecast waits = pln_forecast_waits(&m, 60);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
    pln_forecast_text(&waits, &text);
    assert_non_null(strstr(fx_buf_cstr(&text), "writes are held 5 times, 800 ms longer each time"));
    assert_null(strstr(fx_buf_cstr(&text), "more than one attempt"));
    m.open_us = 1500000;
    waits = pln_forecast_waits(&m, 860);
    fx_buf_clear(&text);
    pln_forecast_text(&waits, &text);
    assert_non_null(strstr(fx_buf_cstr(&text), "open on the tables for 1500 ms"));
    assert_non_null(strstr(fx_buf_cstr(&text), "more than one attempt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forecast__everything_that_was_slow_makes_the_hold_longer),
        cmocka_unit_test(test_forecast__the_first_waits_for_all_of_it_and_the_middle_for_half),
        cmocka_unit_test(test_forecast__a_pace_below_the_rate_is_told),
        cmocka_unit_test(test_forecast__an_open_transaction_counts_up_to_the_limit_of_the_fence),
        cmocka_unit_test(test_forecast__the_worst_case_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
