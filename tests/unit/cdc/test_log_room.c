/* SPDX-License-Identifier: Apache-2.0 */
/* How long a source keeps its log: the shorter of two limits, and when to warn. */
#include "cdc/log_room.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_log_room__the_shorter_limit_counts(void **state)
{
    (void)state;
    struct cdc_log_look look = {
        .state = "extended", .kept_bytes = 10, .left_bytes = 1000, .expire_s = 50};
    assert_int_equal(cdc_log_forecast(&look, 100, 10), 10);
    assert_int_equal(cdc_log_forecast(&look, 10, 10), 40);
    assert_int_equal(cdc_log_forecast(&look, 10, 60), 0);
    assert_int_equal(cdc_log_forecast(&look, -1, 10), 40);
    assert_int_equal(cdc_log_forecast(&look, 10, -1), 100);
    assert_int_equal(cdc_log_forecast(&look, -1, -1), -1);
    assert_int_equal(cdc_log_forecast(&look, 0, -1), -1); /* nothing is written */
    look.left_bytes = look.expire_s = -1;
    assert_int_equal(cdc_log_forecast(&look, 100, 10), -1);
    look = (struct cdc_log_look){.state = CDC_LOG_LOST, .left_bytes = -1, .expire_s = -1};
    assert_int_equal(cdc_log_forecast(&look, -1, -1), 0);
}

static void test_log_room__half_of_either_is_a_warning(void **state)
{
    (void)state;
    struct cdc_log_look look = {
        .state = "reserved", .kept_bytes = 10, .left_bytes = -1, .expire_s = -1};
    assert_false(cdc_log_is_ending(&look, 1000000));
    look.left_bytes = 10;
    assert_false(cdc_log_is_ending(&look, -1));
    look.left_bytes = 9;
    assert_true(cdc_log_is_ending(&look, -1));
    look.left_bytes = -1;
    look.expire_s = 100;
    assert_false(cdc_log_is_ending(&look, 50));
    assert_true(cdc_log_is_ending(&look, 51));
    look = (struct cdc_log_look){.state = "unreserved", .left_bytes = -1, .expire_s = -1};
    assert_true(cdc_log_is_ending(&look, -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_room__the_shorter_limit_counts),
        cmocka_unit_test(test_log_room__half_of_either_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
