/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarations that prove a loss are refused before
 * a row is read; those that prove nothing are not.
 */
#include "lib/map/type_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct fx_type euros = {.kind = FX_V_DECIMAL, .precision = 12, .scale = 2};
static const struct fx_type mills = {.kind = FX_V_DECIMAL, .precision = 12, .scale = 3};
static const struct fx_type any_number = {.kind = FX_V_DECIMAL};
static const struct fx_type int8 = {.kind = FX_V_INT, .bits = 64};
static const struct fx_type int4 = {.kind = FX_V_INT, .bits = 32};
static const struct fx_type uint8 = {.kind = FX_V_INT, .bits = 64, .is_unsigned = true};

static bool holds(const struct fx_type *from, const char *text, const struct fx_type *to,
                  enum fx_direction dir)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_arena_init(&arena, 0);
    fx_problems_init(&problems);
    struct fx_expr *expr = NULL;
    struct fx_node node = {
        .kind = FX_NODE_SCALAR, .file = "t", .text = fx_str_from(text != NULL ? text : "")};
    if (text != NULL)
        assert_non_null(expr = fx_expr_compile(&node, &arena, &problems));
    const char *why = NULL;
    bool is_ok = fx_type_check(from, expr, to, dir, &arena, &why);
    assert_true(is_ok || (why != NULL && why[0] != '\0'));
    return is_ok;
}

static void test_type_check__cents_of_two_digits_are_whole_and_of_three_are_not(void **state)
{
    (void)state;
    assert_true(holds(&euros, "total * 100", &int8, FX_FORWARD));
    assert_true(holds(&int8, "cents / 100", &euros, FX_REVERSE));
    assert_false(holds(&mills, "total * 100", &int8, FX_FORWARD));
    assert_false(holds(&int8, "x / 3", &any_number, FX_REVERSE));
    assert_false(holds(&euros, "x * 100 + 0.5", &int8, FX_FORWARD));
}

static void test_type_check__digits_count_both_ways_and_sizes_only_forward(void **state)
{
    (void)state;
    assert_true(holds(&euros, NULL, &mills, FX_FORWARD) == false); /* one integer digit fewer */
    assert_false(holds(&mills, NULL, &euros, FX_REVERSE));
    assert_false(holds(&int8, NULL, &int4, FX_FORWARD));
    assert_true(holds(&int8, NULL, &int4, FX_REVERSE));
    assert_true(holds(&int4, NULL, &int8, FX_FORWARD));
    assert_false(holds(&int4, NULL, &uint8, FX_FORWARD));
    assert_false(holds(&euros, "total * 100", &int4, FX_FORWARD));
}

static void test_type_check__what_declares_no_limit_proves_nothing(void **state)
{
    (void)state;
    assert_true(holds(&any_number, NULL, &euros, FX_FORWARD));
    assert_true(holds(&euros, NULL, &any_number, FX_FORWARD));
    struct fx_type text = {.kind = FX_V_TEXT, .declared = "text"};
    struct fx_type v20 = {.kind = FX_V_TEXT, .length_max = 20, .declared = "varchar(20)"};
    struct fx_type v64 = {.kind = FX_V_TEXT, .length_max = 64, .declared = "varchar(64)"};
    assert_true(holds(&text, NULL, &v20, FX_FORWARD));
    assert_false(holds(&v64, NULL, &v20, FX_FORWARD));
    assert_true(holds(&v64, NULL, &v20, FX_REVERSE));
}

static void test_type_check__fractions_of_seconds_are_digits_too(void **state)
{
    (void)state;
    struct fx_type us = {.kind = FX_V_TIMESTAMP, .precision = 6};
    struct fx_type s = {.kind = FX_V_TIMESTAMP, .precision = 0};
    assert_false(holds(&us, NULL, &s, FX_FORWARD));
    assert_true(holds(&s, NULL, &us, FX_FORWARD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_check__cents_of_two_digits_are_whole_and_of_three_are_not),
        cmocka_unit_test(test_type_check__digits_count_both_ways_and_sizes_only_forward),
        cmocka_unit_test(test_type_check__what_declares_no_limit_proves_nothing),
        cmocka_unit_test(test_type_check__fractions_of_seconds_are_digits_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
