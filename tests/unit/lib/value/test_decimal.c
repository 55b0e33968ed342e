/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical decimals have one text for each number, and rationals never round. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/value/decimal.h"

static void check_canon(const char *text, const char *expected)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_str canon = {0};
    bool is_ok = fx_decimal_canon(fx_str_from(text), &arena, &canon);
    if (expected == NULL) {
        assert_false(is_ok);
        return;
    }
    assert_true(is_ok);
    if (!fx_str_eq_c(canon, expected))
        fail_msg("%s became %.*s, not %s", text, FX_STR_FMT(canon), expected);
}

static void test_decimal__one_text_for_each_number(void **state)
{
    (void)state;
    check_canon("0", "0");
    check_canon("-0.00", "0");
    check_canon("0e99999", "0");
    check_canon("+007.500", "7.5");
    check_canon("100", "100");
    check_canon("-12345678901234567890.1200", "-12345678901234567890.12");
    check_canon("1e3", "1000");
    check_canon("12.34e1", "123.4");
    check_canon("12.34e2", "1234");
    check_canon("5e-3", "0.005");
    check_canon("-120e-1", "-12");
    check_canon(".5", "0.5");
    check_canon("5.", "5");
    check_canon("NaN", "NaN");
    check_canon("-Infinity", "-Infinity");
}

static void test_decimal__refuses_what_is_no_number(void **state)
{
    (void)state;
    check_canon("", NULL);
    check_canon("-", NULL);
    check_canon(".", NULL);
    check_canon("1.2.3", NULL);
    check_canon("1e", NULL);
    check_canon("0x10", NULL);
    check_canon("1 ", NULL);
    check_canon("1e999999999", NULL); /* more digits than any column holds */
    check_canon("nan", NULL);
}

static void test_decimal__orders_as_numbers_and_specials_last(void **state)
{
    (void)state;
    static const char *const ascending[] = {"-Infinity", "-100", "-99.5",    "-0.5", "-0.05",
                                            "0",         "0.05", "0.051",    "0.5",  "9",
                                            "10",        "10.5", "Infinity", "NaN"};
    for (size_t i = 0; i < FX_ARRAY_LEN(ascending); i++) {
        for (size_t j = 0; j < FX_ARRAY_LEN(ascending); j++) {
            int c = fx_decimal_cmp(fx_str_from(ascending[i]), fx_str_from(ascending[j]));
            int expected = (i > j) - (i < j);
            assert_int_equal((c > 0) - (c < 0), expected);
        }
    }
}

static void test_decimal__integers_convert_to_their_limits(void **state)
{
    (void)state;
    int64_t n;
    assert_true(fx_decimal_to_int(FX_STR("9223372036854775807"), &n));
    assert_true(n == INT64_MAX);
    assert_true(fx_decimal_to_int(FX_STR("-9223372036854775808"), &n));
    assert_true(n == INT64_MIN);
    assert_false(fx_decimal_to_int(FX_STR("9223372036854775808"), &n));
    assert_false(fx_decimal_to_int(FX_STR("1.5"), &n));
    assert_false(fx_decimal_to_int(FX_STR("99999999999999999999"), &n));
}

static void test_decimal__a_third_has_no_decimal_and_a_cent_has(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_rat *one = fx_rat_from(FX_STR("1"), &arena);
    struct fx_rat *three = fx_rat_from(FX_STR("3"), &arena);
    struct fx_rat *third = fx_rat_div(one, three, &arena);
    struct fx_str canon;
    assert_false(fx_rat_to_decimal(third, &arena, &canon));
    assert_string_equal(fx_rat_show(third, &arena), "1/3");
    struct fx_rat *euros = fx_rat_from(FX_STR("-12.34"), &arena);
    struct fx_rat *cents = fx_rat_mul(euros, fx_rat_from(FX_STR("100"), &arena), &arena);
    assert_true(fx_rat_to_decimal(cents, &arena, &canon));
    assert_true(fx_str_eq_c(canon, "-1234"));
    struct fx_rat *back = fx_rat_div(cents, fx_rat_from(FX_STR("100"), &arena), &arena);
    assert_int_equal(fx_rat_cmp(back, euros), 0);
    assert_null(fx_rat_div(one, fx_rat_sub(one, one, &arena), &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal__one_text_for_each_number),
        cmocka_unit_test(test_decimal__refuses_what_is_no_number),
        cmocka_unit_test(test_decimal__orders_as_numbers_and_specials_last),
        cmocka_unit_test(test_decimal__integers_convert_to_their_limits),
        cmocka_unit_test(test_decimal__a_third_has_no_decimal_and_a_cent_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
