/* SPDX-License-Identifier: Apache-2.0 */
/* The hold point: pause, advance to exactly a goal, release, expiry; both engines' positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/stream/hold.h"

static const struct fx_pos p10 = FX_POS("0/10"), p20 = FX_POS("0/20"), p30 = FX_POS("0/30");

static void test_hold__runs_until_it_is_held(void **state)
{
    (void)state;
    FX_AUTO(cdc_hold) struct cdc_hold_point hold = {.engine = FX_PG};
    assert_true(cdc_hold_allows(&hold, &p30));
    assert_false(cdc_hold_advance(&hold, &p20)); /* it may have passed the goal already */
    cdc_hold_pause(&hold, (struct fx_mono){1000});
    assert_false(cdc_hold_allows(&hold, &p10));
    cdc_hold_release(&hold);
    assert_true(cdc_hold_allows(&hold, &p10));
}

static void test_hold__advance_lets_exactly_the_covered_pass(void **state)
{
    (void)state;
    FX_AUTO(cdc_hold) struct cdc_hold_point hold = {.engine = FX_PG};
    cdc_hold_pause(&hold, (struct fx_mono){1000});
    assert_true(cdc_hold_advance(&hold, &p20));
    assert_true(cdc_hold_allows(&hold, &p10));
    assert_true(cdc_hold_allows(&hold, &p20));
    assert_false(cdc_hold_allows(&hold, &p30));
    cdc_hold_done(&hold);
}

static void test_hold__is_reached_by_position_or_by_the_next_transaction(void **state)
{
    (void)state;
    FX_AUTO(cdc_hold) struct cdc_hold_point hold = {.engine = FX_PG};
    cdc_hold_pause(&hold, (struct fx_mono){1000});
    assert_false(cdc_hold_reached(&hold, &p30, NULL)); /* nobody asked */
    (void)!cdc_hold_advance(&hold, &p20);
    assert_false(cdc_hold_reached(&hold, &p10, NULL));
    assert_false(cdc_hold_reached(&hold, &p10, &p20)); /* covered: still to be applied */
    assert_true(cdc_hold_reached(&hold, &p10, &p30));
    assert_true(cdc_hold_reached(&hold, &p20, NULL));
    assert_true(cdc_hold_reached(&hold, &p30, NULL));
    cdc_hold_done(&hold);
}

static void test_hold__gtid_positions_compare_by_domain(void **state)
{
    (void)state;
    struct fx_pos at = FX_POS("0-1-99"), goal = FX_POS("0-1-100"), next = FX_POS("0-1-101");
    FX_AUTO(cdc_hold) struct cdc_hold_point hold = {.engine = FX_MY};
    cdc_hold_pause(&hold, (struct fx_mono){1000});
    (void)!cdc_hold_advance(&hold, &goal);
    assert_true(cdc_hold_allows(&hold, &goal));
    assert_false(cdc_hold_allows(&hold, &next));
    assert_false(cdc_hold_reached(&hold, &at, NULL));
    assert_true(cdc_hold_reached(&hold, &at, &next));
    cdc_hold_done(&hold);
}

static void test_hold__a_hold_ends_by_itself_once(void **state)
{
    (void)state;
    FX_AUTO(cdc_hold) struct cdc_hold_point hold = {.engine = FX_PG};
    cdc_hold_pause(&hold, (struct fx_mono){1000});
    assert_false(cdc_hold_expire(&hold, (struct fx_mono){999}));
    assert_true(cdc_hold_expire(&hold, (struct fx_mono){1000}));
    assert_false(cdc_hold_expire(&hold, (struct fx_mono){1001}));
    assert_true(cdc_hold_allows(&hold, &p30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold__runs_until_it_is_held),
        cmocka_unit_test(test_hold__advance_lets_exactly_the_covered_pass),
        cmocka_unit_test(test_hold__is_reached_by_position_or_by_the_next_transaction),
        cmocka_unit_test(test_hold__gtid_positions_compare_by_domain),
        cmocka_unit_test(test_hold__a_hold_ends_by_itself_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
