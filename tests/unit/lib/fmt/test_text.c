/* SPDX-License-Identifier: Apache-2.0 */
/* Text to values: range, junk, UTF-8, hex, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/fmt/text.h"

static void test_text__integers_have_a_range_and_no_junk(void **state)
{
    (void)state;
    int64_t i = 0;
    uint64_t u = 0;
    assert_true(fx_parse_i64(FX_STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &i));
    assert_true(i == INT64_MIN);
    assert_true(fx_parse_i64(FX_STR("9223372036854775807"), INT64_MIN, INT64_MAX, &i));
    assert_false(fx_parse_i64(FX_STR("9223372036854775808"), INT64_MIN, INT64_MAX, &i));
    assert_false(fx_parse_i64(FX_STR("-9223372036854775809"), INT64_MIN, INT64_MAX, &i));
    assert_true(fx_parse_u64(FX_STR("18446744073709551615"), UINT64_MAX, &u));
    assert_false(fx_parse_u64(FX_STR("18446744073709551616"), UINT64_MAX, &u));
    assert_false(fx_parse_u64(FX_STR("65536"), 65535, &u));
    assert_true(fx_parse_hex_u64(FX_STR("fFfFfFfFfFfFfFfF"), UINT64_MAX, &u) && u == UINT64_MAX);
    assert_false(fx_parse_hex_u64(FX_STR("0x1"), UINT64_MAX, &u));
    static const char *const junk[] = {"",   "-",   "+1",  " 1",  "1 ",
                                       "1x", "0x1", "1.0", "--1", "\xef\xbc\x91"};
    for (size_t k = 0; k < FX_ARRAY_LEN(junk); k++)
        assert_false(fx_parse_i64(fx_str_from(junk[k]), INT64_MIN, INT64_MAX, &i));
}

static void test_text__doubles_round_trip_and_refuse_junk(void **state)
{
    (void)state;
    static const double samples[] = {0.1, 1.0 / 3, 1e300, 5e-324, 123456789.125, -2.5};
    for (size_t k = 0; k < FX_ARRAY_LEN(samples); k++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64);
        double back = 0;
        fx_text_double(samples[k], &out);
        assert_true(fx_parse_double(fx_buf_str(&out), &back));
        assert_memory_equal(&back, &samples[k], sizeof back);
    }
    static const char *const junk[] = {"",    ".",     "1e",  "1e+", "nan",
                                       "inf", "0x1p3", "1,5", " 1",  "1e999"};
    double d;
    for (size_t k = 0; k < FX_ARRAY_LEN(junk); k++)
        assert_false(fx_parse_double(fx_str_from(junk[k]), &d));
    /* Just above the middle of two floats, and as a
     * double exactly on it: rounded once it goes up. */
    float f;
    assert_true(fx_parse_float(FX_STR("1.00000005960464477539062500000000001"), &f));
    assert_memory_equal(&f, &(float){1.00000011920928955078125F}, sizeof f);
    assert_false(fx_parse_float(FX_STR("3.5e38"), &f));
}

static void test_text__utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"", "abc", "ä", "€", "🌿", "\x7f", "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xE2\x82",
                                      "a\xFF"};
    for (size_t k = 0; k < FX_ARRAY_LEN(good); k++)
        assert_true(fx_utf8_valid(fx_str_from(good[k])));
    for (size_t k = 0; k < FX_ARRAY_LEN(bad); k++)
        assert_false(fx_utf8_valid(fx_str_from(bad[k])));
    assert_int_equal(fx_utf8_length(FX_STR("a€🌿")), 3);
    assert_int_equal(fx_utf8_clip(FX_STR("a€"), 3).len, 1);
    assert_int_equal(fx_utf8_clip(FX_STR("a€"), 4).len, 4);
}

static void test_text__hex(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf hex = FX_BUF(64), bytes = FX_BUF(64);
    fx_hex_encode(FX_STR("\x00\xff'"), &hex);
    assert_string_equal(fx_buf_cstr(&hex), "00ff27");
    assert_true(fx_hex_decode(FX_STR("00FF27"), &bytes) && bytes.len == 3);
    assert_false(fx_hex_decode(FX_STR("0"), &bytes));
    assert_false(fx_hex_decode(FX_STR("0g"), &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__integers_have_a_range_and_no_junk),
        cmocka_unit_test(test_text__doubles_round_trip_and_refuse_junk),
        cmocka_unit_test(test_text__utf8),
        cmocka_unit_test(test_text__hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
