/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of the initial copy: what is counted, what is estimated, and how it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/cdc.h"
#include "cdc/snapshot/tally.h"

static const struct fx_mono at_start = {1000000};
static const int64_t estimates[] = {100, 400, 500};

static struct cdc_copy_at at_ms(const struct cdc_copy_tally *tally, int64_t ms)
{
    struct cdc_copy_at at;
    cdc_copy_tally_at(tally, fx_mono_add_ms(at_start, ms), &at);
    return at;
}

static void test_tally__counts_replace_estimates(void **state)
{
    (void)state;
    struct cdc_copy_tally tally;
    cdc_copy_tally_init(&tally, estimates, 3, at_start);
    cdc_copy_tally_table(&tally, 0);
    assert_int_equal(at_ms(&tally, 0).total_rows, 1000);
    tally.table_rows = 300; /* three times what was estimated */
    assert_int_equal(at_ms(&tally, 0).total_rows, 1200);
    assert_int_equal(at_ms(&tally, 0).table_total_rows, 300);
    cdc_copy_tally_table(&tally, 1);
    struct cdc_copy_at at = at_ms(&tally, 0);
    assert_int_equal(at.rows, 300);
    assert_int_equal(at.total_rows, 1200);
    assert_int_equal(at.table, 1);
    assert_int_equal(at.n_tables, 3);
    assert_int_equal(at.table_rows, 0);
    assert_int_equal(at.table_total_rows, 400);
    cdc_copy_tally_table(&tally, 2); /* the second had no row at all */
    assert_int_equal(at_ms(&tally, 0).total_rows, 800);
}

static void test_tally__time_left_only_when_something_says_it(void **state)
{
    (void)state;
    struct cdc_copy_tally tally;
    cdc_copy_tally_init(&tally, estimates, 3, at_start);
    cdc_copy_tally_table(&tally, 0);
    assert_int_equal(at_ms(&tally, 5000).left_ms, -1); /* no row yet */
    tally.table_rows = 50;
    assert_int_equal(at_ms(&tally, 499).left_ms, -1); /* too early */
    assert_int_equal(at_ms(&tally, 1000).left_ms, 19000);
    cdc_copy_tally_table(&tally, 2);
    tally.table_rows = 600; /* more than estimated: nobody knows how many follow */
    assert_int_equal(at_ms(&tally, 5000).left_ms, -1);
}

static void test_tally__no_table_is_nothing(void **state)
{
    (void)state;
    struct cdc_copy_tally tally;
    cdc_copy_tally_init(&tally, NULL, 0, at_start);
    assert_int_equal(at_ms(&tally, 5000).total_rows, 0);
    assert_int_equal(at_ms(&tally, 5000).left_ms, -1);
}

static void test_text__leaves_out_what_is_not_known(void **state)
{
    (void)state;
    struct cdc_status status = {.copied_rows = 10,
                                .copy_total_rows = 50,
                                .rows_per_s = 5,
                                .copy_left_ms = 8000,
                                .copy_table_number = 1,
                                .copy_tables = 2,
                                .copy_table_rows = 10,
                                .copy_table_total_rows = 30,
                                .copy_table = "public.orders"};
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
    cdc_status_copy_text(&status, &text);
    assert_string_equal(fx_buf_cstr(&text),
                        "10 of about 50 rows (20 %), 5 rows/s, about 8.0 s left; table 1 of 2, "
                        "public.orders: 10 of about 30 rows (33 %)");
    fx_buf_clear(&text);
    status = (struct cdc_status){.copied_rows = 70, .copy_total_rows = 70, .copy_left_ms = -1};
    cdc_status_copy_text(&status, &text);
    assert_string_equal(fx_buf_cstr(&text), "70 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tally__counts_replace_estimates),
        cmocka_unit_test(test_tally__time_left_only_when_something_says_it),
        cmocka_unit_test(test_tally__no_table_is_nothing),
        cmocka_unit_test(test_text__leaves_out_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
