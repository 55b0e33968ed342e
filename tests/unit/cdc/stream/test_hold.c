/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: hold, advance to exactly a goal, release, expiry; both engines' positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/stream/hold.h"

static const struct fx_pos p10 = {"0/10"}, p20 = {"0/20"}, p30 = {"0/30"};

static void test_gate__runs_until_it_is_held(void **state)
{
    (void)state;
    struct cdc_gate gate = {.engine = FX_PG};
    assert_true(cdc_gate_allows(&gate, &p30));
    assert_false(cdc_gate_advance(&gate, &p20)); /* it may have passed the goal already */
    cdc_gate_hold(&gate, (struct fx_mono){1000});
    assert_false(cdc_gate_allows(&gate, &p10));
    cdc_gate_release(&gate);
    assert_true(cdc_gate_allows(&gate, &p10));
}

static void test_gate__advance_lets_exactly_the_covered_pass(void **state)
{
    (void)state;
    struct cdc_gate gate = {.engine = FX_PG};
    cdc_gate_hold(&gate, (struct fx_mono){1000});
    assert_true(cdc_gate_advance(&gate, &p20));
    assert_true(cdc_gate_allows(&gate, &p10));
    assert_true(cdc_gate_allows(&gate, &p20));
    assert_false(cdc_gate_allows(&gate, &p30));
}

static void test_gate__is_reached_by_position_or_by_the_next_transaction(void **state)
{
    (void)state;
    struct cdc_gate gate = {.engine = FX_PG};
    cdc_gate_hold(&gate, (struct fx_mono){1000});
    assert_false(cdc_gate_reached(&gate, &p30, NULL)); /* nobody asked */
    (void)!cdc_gate_advance(&gate, &p20);
    assert_false(cdc_gate_reached(&gate, &p10, NULL));
    assert_false(cdc_gate_reached(&gate, &p10, &p20)); /* covered: still to be applied */
    assert_true(cdc_gate_reached(&gate, &p10, &p30));
    assert_true(cdc_gate_reached(&gate, &p20, NULL));
    assert_true(cdc_gate_reached(&gate, &p30, NULL));
}

static void test_gate__gtid_positions_compare_by_domain(void **state)
{
    (void)state;
    struct fx_pos at = {"0-1-99"}, goal = {"0-1-100"}, next = {"0-1-101"};
    struct cdc_gate gate = {.engine = FX_MY};
    cdc_gate_hold(&gate, (struct fx_mono){1000});
    (void)!cdc_gate_advance(&gate, &goal);
    assert_true(cdc_gate_allows(&gate, &goal));
    assert_false(cdc_gate_allows(&gate, &next));
    assert_false(cdc_gate_reached(&gate, &at, NULL));
    assert_true(cdc_gate_reached(&gate, &at, &next));
}

static void test_gate__a_hold_ends_by_itself_once(void **state)
{
    (void)state;
    struct cdc_gate gate = {.engine = FX_PG};
    cdc_gate_hold(&gate, (struct fx_mono){1000});
    assert_false(cdc_gate_expire(&gate, (struct fx_mono){999}));
    assert_true(cdc_gate_expire(&gate, (struct fx_mono){1000}));
    assert_false(cdc_gate_expire(&gate, (struct fx_mono){1001}));
    assert_true(cdc_gate_allows(&gate, &p30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate__runs_until_it_is_held),
        cmocka_unit_test(test_gate__advance_lets_exactly_the_covered_pass),
        cmocka_unit_test(test_gate__is_reached_by_position_or_by_the_next_transaction),
        cmocka_unit_test(test_gate__gtid_positions_compare_by_domain),
        cmocka_unit_test(test_gate__a_hold_ends_by_itself_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
