/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss rules at their edges: what fits is unchanged
 * in meaning, what does not is refused with a reason.
 */
#include "lib/map/map.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DEC(text) ((struct fx_value){.kind = FX_V_DECIMAL, .s = FX_STR(text)})
#define TXT(text) ((struct fx_value){.kind = FX_V_TEXT, .s = FX_STR(text)})
#define INT(n)    ((struct fx_value){.kind = FX_V_INT, .i = (n)})

static bool fits(struct fx_value v, struct fx_type to)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_value out;
    struct fx_err err = FX_ERR_INIT;
    bool does_fit = fx_value_check(&v, &to, &arena, &out, &err);
    if (!does_fit)
        assert_int_equal(err.code, FX_E_SOURCE_DATA);
    return does_fit;
}

static void test_value_check__decimals_keep_every_digit_or_are_refused(void **state)
{
    (void)state;
    struct fx_type to = {.kind = FX_V_DECIMAL, .precision = 12, .scale = 2};
    assert_true(fits(DEC("9999999999.99"), to));
    assert_false(fits(DEC("10000000000"), to));
    assert_false(fits(DEC("0.001"), to));
    assert_false(fits(DEC("NaN"), to));
    assert_false(fits(DEC("Infinity"), to));
    assert_true(fits(INT(-5), to));
}

static void test_value_check__integers_respect_range_and_sign(void **state)
{
    (void)state;
    struct fx_type int32 = {.kind = FX_V_INT, .bits = 32};
    assert_true(fits(INT(INT32_MAX), int32));
    assert_true(fits(INT(INT32_MIN), int32));
    assert_false(fits(INT((int64_t)INT32_MAX + 1), int32));
    assert_true(fits(DEC("7"), int32));
    assert_false(fits(DEC("7.5"), int32));
    struct fx_type u64 = {.kind = FX_V_INT, .bits = 64, .is_unsigned = true};
    assert_true(fits(DEC("18446744073709551615"), u64));
    assert_false(fits(DEC("18446744073709551616"), u64));
    assert_false(fits(INT(-1), u64));
}

static void test_value_check__labels_are_taken_byte_for_byte(void **state)
{
    (void)state;
    struct fx_type color = {.kind = FX_V_TEXT, .declared = "enum('a','b c','it''s','x,','\\\\y')"};
    assert_true(fits(TXT("a"), color));
    assert_true(fits(TXT("it's"), color));
    assert_true(fits(TXT("x,"), color));
    assert_true(fits(TXT("\\y"), color));
    assert_false(fits(TXT("A"), color));
    assert_false(fits(TXT("a "), color));
    assert_false(fits(TXT(","), color));
    assert_false(fits(TXT(""), color));
    struct fx_type flags = {.kind = FX_V_TEXT, .declared = "set('p','q','pq')"};
    assert_true(fits(TXT(""), flags));
    assert_true(fits(TXT("p,q"), flags));
    assert_true(fits(TXT("p,pq"), flags));
    assert_true(fits(TXT("pq"), flags));
    assert_false(fits(TXT("q,p"), flags));
    assert_false(fits(TXT("p,p"), flags));
    assert_false(fits(TXT("p,"), flags));
    assert_false(fits(TXT("P"), flags));
    assert_false(fits(TXT("r"), flags));
}

static void test_value_check__text_counts_characters_not_bytes(void **state)
{
    (void)state;
    struct fx_type mb3 = {.kind = FX_V_TEXT, .char_bytes_max = 3};
    struct fx_type ascii = {.kind = FX_V_TEXT, .char_bytes_max = 1};
    assert_true(fits(TXT("\xE2\x82\xAC \xC3\xA4"), mb3));
    assert_false(fits(TXT("a\xF0\x9F\x8C\xB3"), mb3));
    assert_true(fits(TXT("a~"), ascii));
    assert_false(fits(TXT("\xC3\xA4"), ascii));
    struct fx_type to = {.kind = FX_V_TEXT, .length_max = 2};
    assert_true(fits(TXT("\xF0\x9F\x8C\xB3\xF0\x9F\x8C\xB3"), to));
    assert_false(fits(TXT("abc"), to));
    assert_false(fits(TXT("a\0"), to));
    assert_false(fits(TXT("\xFF"), to));
    to.is_fixed_char = true;
    assert_false(fits(TXT("a "), to));
}

static void test_value_check__times_outside_of_mariadb_are_refused(void **state)
{
    (void)state;
    struct fx_type ts = {.kind = FX_V_TIMESTAMP, .precision = 6};
    assert_true(fits((struct fx_value){.kind = FX_V_TIMESTAMP, .i = 0}, ts));
    assert_false(fits((struct fx_value){.kind = FX_V_TIMESTAMP, .i = FX_TIME_INFINITY}, ts));
    assert_false(
        fits((struct fx_value){.kind = FX_V_TIMESTAMP, .i = INT64_C(-70000000000000000)}, ts));
    ts.precision = 3;
    assert_false(fits((struct fx_value){.kind = FX_V_TIMESTAMP, .i = 1}, ts));
    struct fx_type my = {.kind = FX_V_TIMESTAMPTZ, .precision = 6, .declared = "timestamp(6)"};
    assert_false(
        fits((struct fx_value){.kind = FX_V_TIMESTAMPTZ, .i = INT64_C(4102444800000000)}, my));
    struct fx_type pg = {
        .kind = FX_V_TIMESTAMPTZ, .precision = 6, .declared = "timestamp with time zone"};
    assert_true(
        fits((struct fx_value){.kind = FX_V_TIMESTAMPTZ, .i = INT64_C(4102444800000000)}, pg));
}

static void test_value_check__doubles_are_finite_and_floats_exact(void **state)
{
    (void)state;
    struct fx_type to = {.kind = FX_V_DOUBLE};
    assert_true(fits((struct fx_value){.kind = FX_V_DOUBLE, .d = 0.1}, to));
    assert_false(fits((struct fx_value){.kind = FX_V_DOUBLE, .d = (double)NAN}, to));
    assert_false(fits((struct fx_value){.kind = FX_V_DOUBLE, .d = (double)INFINITY}, to));
    to.is_float = true;
    assert_false(fits((struct fx_value){.kind = FX_V_DOUBLE, .d = 0.1}, to));
}

static void test_value_check__uuid_travels_as_text_only_in_its_own_form(void **state)
{
    (void)state;
    struct fx_type to = {.kind = FX_V_UUID};
    assert_true(fits(TXT("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), to));
    assert_false(fits(TXT("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), to));
    assert_false(fits(TXT("6ba7b8109-dad-11d1-80b4-00c04fd430c8"), to));
    assert_false(fits(TXT("{6ba7b810-9dad-11d1-80b4-00c04fd430}"), to));
}

static bool fits_json(const char *text)
{
    return fits((struct fx_value){.kind = FX_V_JSON, .s = fx_str_from(text)},
                (struct fx_type){.kind = FX_V_JSON});
}

/* The last is meant in PostgreSQL, the first in MariaDB, and jsonb keeps one. */
static void test_value_check__json_has_one_member_of_a_name(void **state)
{
    (void)state;
    static const char *const twice[] = {
        "{\"a\":1,\"a\":2}",
        "{\"a\" : 1, \"b\": {\"a\": 1}, \"a\"\n:2}",
        "[{\"x\":{\"k\":[1],\"kk\":2,\"k\":3}}]",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\":1,\"\":2}",
    };
    static const char *const once[] = {
        "{\"a\":1,\"b\":2}",
        "[{\"a\":1},{\"a\":2}]",
        "{\"a\":{\"a\":\"a\"},\"b\":[\"a\",\"a\"]}",
        "{\"a\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}",
        "{\"\\u0061\":1,\"\\u0062\":2}",
        "{\"a\":1,\"A\":2}",
        "\"a\"",
        "{}",
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(twice); i++)
        assert_false(fits_json(twice[i]));
    for (size_t i = 0; i < FX_ARRAY_LEN(once); i++)
        assert_true(fits_json(once[i]));
}

/* Beyond what the quick look holds: 300 names, 100 levels. */
static void test_value_check__large_json_is_looked_through(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    for (int i = 0; i < 300; i++)
        fx_buf_printf(&text, "%s\"n%d\":%d", i == 0 ? "{" : ",", i, i);
    size_t len = text.len;
    fx_buf_add_c(&text, "}");
    assert_true(fits_json(fx_buf_cstr(&text)));
    text.len = len;
    fx_buf_add_c(&text, ",\"n7\":1}");
    assert_false(fits_json(fx_buf_cstr(&text)));
    fx_buf_clear(&text);
    for (int i = 0; i < 100; i++)
        fx_buf_add_c(&text, "[");
    fx_buf_add_c(&text, "{\"a\":1,\"a\":2}");
    for (int i = 0; i < 100; i++)
        fx_buf_add_c(&text, "]");
    assert_false(fits_json(fx_buf_cstr(&text)));
}

/* MariaDB 10.11 takes 31 levels (tests/integration/2444 asks it). */
static void test_value_check__json_that_one_server_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"\\ud83d\"",      "\"\\ude00\"",        "\"\\ud83dx\"",
                                      "\"\\ud83d\\n\"",   "\"\\ud83d\\ud83d\"", "{\"\\ud83d\":1}",
                                      "[\"\\\\\\ud83d\"]"};
    static const char *const good[] = {"\"\\ud83d\\ude00\"", "\"\\\\ud83d\"", "\"\\uD83D\\uDE00x\"",
                                       "\"\\u0000\"", "{\"[[[\":\"{{{\"}"};
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 10);
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++)
        assert_false(fits_json(bad[i]));
    for (size_t i = 0; i < FX_ARRAY_LEN(good); i++)
        assert_true(fits_json(good[i]));
    for (int n = 31; n <= 32; n++) {
        fx_buf_clear(&text);
        for (int i = 0; i < n; i++)
            fx_buf_add_c(&text, i % 2 == 0 ? "[" : "{\"a\":");
        for (int i = n - 1; i >= 0; i--)
            fx_buf_add_c(&text, i % 2 == 0 ? "]" : "}");
        assert_int_equal(fits_json(fx_buf_cstr(&text)), n == 31);
    }
    assert_false(fits((struct fx_value){.kind = FX_V_JSON, .s = fx_str_from("[\"\\u0000\"]")},
                      (struct fx_type){.kind = FX_V_JSON, .declared = "jsonb"}));
}

static void test_value_check__null_fits_everywhere(void **state)
{
    (void)state;
    assert_true(fits((struct fx_value){.kind = FX_V_NULL}, (struct fx_type){.kind = FX_V_JSON}));
    assert_true(
        fits((struct fx_value){.kind = FX_V_UNCHANGED}, (struct fx_type){.kind = FX_V_TEXT}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_check__decimals_keep_every_digit_or_are_refused),
        cmocka_unit_test(test_value_check__integers_respect_range_and_sign),
        cmocka_unit_test(test_value_check__labels_are_taken_byte_for_byte),
        cmocka_unit_test(test_value_check__text_counts_characters_not_bytes),
        cmocka_unit_test(test_value_check__times_outside_of_mariadb_are_refused),
        cmocka_unit_test(test_value_check__doubles_are_finite_and_floats_exact),
        cmocka_unit_test(test_value_check__uuid_travels_as_text_only_in_its_own_form),
        cmocka_unit_test(test_value_check__json_has_one_member_of_a_name),
        cmocka_unit_test(test_value_check__large_json_is_looked_through),
        cmocka_unit_test(test_value_check__json_that_one_server_refuses),
        cmocka_unit_test(test_value_check__null_fits_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
