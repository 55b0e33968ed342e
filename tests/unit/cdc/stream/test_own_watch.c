/* SPDX-License-Identifier: Apache-2.0 */
/* The leak detector: every order of rows, transitions and the adopted state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/stream/own_watch.h"

static struct cdc_own own(enum fx_own_state state, int64_t epoch)
{
    return (struct cdc_own){.group = "orders", .state = state, .epoch = epoch};
}

static void test_own_watch__rows_are_judged_by_the_state_in_stream_order(void **state)
{
    (void)state;
    struct cdc_own_watch watch;
    cdc_own_watch_init(&watch, "orders");
    struct cdc_own here = own(FX_OWN_HERE, 1), fenced = own(FX_OWN_FENCED, 2),
                   away = own(FX_OWN_AWAY, 3), back = own(FX_OWN_HERE, 5);
    assert_int_equal(cdc_own_event(&watch, &here), 0);
    assert_int_equal(cdc_own_row(&watch), 0);
    assert_int_equal(cdc_own_event(&watch, &fenced), 0);
    assert_int_equal(cdc_own_row(&watch), 1);
    assert_int_equal(cdc_own_event(&watch, &away), 0);
    assert_int_equal(cdc_own_row(&watch), 1);
    assert_int_equal(cdc_own_event(&watch, &back), 0);
    assert_int_equal(cdc_own_row(&watch), 0);
}

static void test_own_watch__suspects_are_leaks_when_the_side_was_not_here(void **state)
{
    (void)state;
    struct cdc_own_watch watch;
    struct cdc_own away = own(FX_OWN_AWAY, 3);
    cdc_own_watch_init(&watch, "orders");
    assert_int_equal(cdc_own_row(&watch), 0);
    assert_int_equal(cdc_own_row(&watch), 0);
    assert_int_equal(cdc_own_adopt(&watch, &away), 2);
    assert_int_equal(cdc_own_adopt(&watch, &away), 0);
    assert_int_equal(cdc_own_row(&watch), 1);
}

static void test_own_watch__suspects_are_cleared_by_here_and_by_a_fence(void **state)
{
    (void)state;
    struct cdc_own_watch watch;
    struct cdc_own here = own(FX_OWN_HERE, 1), fenced = own(FX_OWN_FENCED, 2);
    cdc_own_watch_init(&watch, "orders");
    (void)cdc_own_row(&watch);
    assert_int_equal(cdc_own_adopt(&watch, &here), 0);
    cdc_own_watch_init(&watch, "orders");
    (void)cdc_own_row(&watch);
    assert_int_equal(cdc_own_event(&watch, &fenced), 0); /* only a side that is HERE is fenced */
    assert_int_equal(cdc_own_row(&watch), 1);
}

static void test_own_watch__a_transition_to_away_convicts_suspects(void **state)
{
    (void)state;
    struct cdc_own_watch watch;
    struct cdc_own away = own(FX_OWN_AWAY, 3);
    cdc_own_watch_init(&watch, "orders");
    (void)cdc_own_row(&watch);
    assert_int_equal(cdc_own_event(&watch, &away), 1); /* only a fenced side goes away */
}

/* The stream was down from before the leak until the side was HERE again. */
static void test_own_watch__the_state_before_a_transition_judges_suspects(void **state)
{
    (void)state;
    static const struct {
        enum fx_own_state was, is;
        int64_t leaks;
    } cases[] = {{FX_OWN_AWAY, FX_OWN_HERE, 1},   {FX_OWN_FENCED, FX_OWN_HERE, 1},
                 {FX_OWN_FENCED, FX_OWN_AWAY, 1}, {FX_OWN_HERE, FX_OWN_HERE, 0},
                 {FX_OWN_HERE, FX_OWN_FENCED, 0}, {FX_OWN_UNKNOWN, FX_OWN_HERE, 0}};
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct cdc_own_watch watch;
        struct cdc_own to = own(cases[i].is, 5);
        to.was = cases[i].was;
        cdc_own_watch_init(&watch, "orders");
        (void)cdc_own_row(&watch);
        assert_int_equal(cdc_own_event(&watch, &to), cases[i].leaks);
        assert_int_equal(cdc_own_event(&watch, &to), 0);
    }
}

static void test_own_watch__the_stream_knows_better_than_what_was_read(void **state)
{
    (void)state;
    struct cdc_own_watch watch;
    struct cdc_own here = own(FX_OWN_HERE, 5), away = own(FX_OWN_AWAY, 3);
    cdc_own_watch_init(&watch, "orders");
    (void)cdc_own_event(&watch, &here);
    assert_int_equal(cdc_own_adopt(&watch, &away), 0);
    assert_int_equal(cdc_own_row(&watch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_watch__rows_are_judged_by_the_state_in_stream_order),
        cmocka_unit_test(test_own_watch__suspects_are_leaks_when_the_side_was_not_here),
        cmocka_unit_test(test_own_watch__suspects_are_cleared_by_here_and_by_a_fence),
        cmocka_unit_test(test_own_watch__a_transition_to_away_convicts_suspects),
        cmocka_unit_test(test_own_watch__the_state_before_a_transition_judges_suspects),
        cmocka_unit_test(test_own_watch__the_stream_knows_better_than_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
