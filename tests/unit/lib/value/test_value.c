/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, JSON and PostgreSQL's text forms become canonical values and come back unchanged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/value/datetime.h"
#include "lib/value/json_canon.h"
#include "lib/value/map_pg.h"

static void test_datetime__the_calendar_counts_every_day_of_nine_thousand_years(void **state)
{
    (void)state;
    struct fx_civil c;
    int64_t expected = fx_days_from_civil(-400, 1, 1);
    for (int64_t year = -400; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; fx_civil_is_date(year, month, day); day++) {
                assert_true(fx_days_from_civil(year, month, day) == expected);
                fx_civil_from_days(expected, &c);
                assert_true(c.year == year && c.month == month && c.day == day);
                expected++;
            }
        }
    }
    assert_true(fx_days_from_civil(1970, 1, 1) == 0);
    assert_true(fx_days_from_civil(2000, 1, 1) == 10957);
}

static void check_timestamp(const char *text, int64_t expected)
{
    int64_t us;
    if (!fx_timestamp_parse(fx_str_from(text), &us))
        fail_msg("%s was refused", text);
    if (us != expected)
        fail_msg("%s became %lld", text, (long long)us);
}

static void test_datetime__reads_both_engines_timestamps(void **state)
{
    (void)state;
    check_timestamp("1970-01-01 00:00:00", 0);
    check_timestamp("1970-01-01 00:00:00.5", 500000);
    check_timestamp("1970-01-01 00:00:00.500000", 500000);
    check_timestamp("1969-12-31 23:59:59.999999", -1);
    check_timestamp("1970-01-01 01:30:00+01:30", 0);
    check_timestamp("1969-12-31 19:00:00-05", 0);
    check_timestamp("infinity", FX_TIME_INFINITY);
    check_timestamp("0001-12-31 00:00:00 BC", fx_days_from_civil(0, 12, 31) * FX_US_PER_DAY);
    check_timestamp("294246-12-31 23:59:59.999999",
                    fx_days_from_civil(294247, 1, 1) * FX_US_PER_DAY - 1);
    int64_t us;
    assert_false(fx_timestamp_parse(FX_STR("0000-00-00 00:00:00"), &us));
    assert_false(fx_timestamp_parse(FX_STR("2024-02-30 00:00:00"), &us));
    assert_false(fx_timestamp_parse(FX_STR("2024-01-01 24:00:00"), &us));
    assert_false(fx_timestamp_parse(FX_STR("2024-01-01 00:00"), &us));
    assert_false(fx_timestamp_parse(FX_STR("9999999-01-01 00:00:00"), &us));
    assert_false(fx_date_parse(FX_STR("2024-00-10"), &us));
    assert_false(fx_date_parse(FX_STR("2023-02-29"), &us));
}

static const char *json(const char *text, struct fx_arena *arena)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (!fx_json_canon(fx_str_from(text), &out, &err))
        return NULL;
    return fx_arena_strdup(arena, fx_buf_cstr(&out));
}

static void test_json__equal_documents_have_equal_bytes(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    assert_string_equal(json(" {\"b\" : [1, 2.50, -0], \"a\":null} ", &arena),
                        "{\"a\":null,\"b\":[1,25e-1,0]}");
    assert_string_equal(json("1e2", &arena), json("100", &arena));
    assert_string_equal(json("12345678901234567890.10", &arena), "123456789012345678901e-1");
    assert_string_equal(json("\"\\u00e9\\ud83d\\ude00\\/\\n\"", &arena), "\"é😀/\\u000a\"");
    assert_string_equal(json("\"\\ud83d x\"", &arena), "\"\\ud83d x\"");
    assert_string_equal(json("{\"k\":1,\"k\":2}", &arena), "{\"k\":1,\"k\":2}");
    assert_string_not_equal(json("0.1", &arena), json("0.10000000000000001", &arena));
    assert_string_not_equal(json("9007199254740993", &arena), json("9007199254740992", &arena));
}

static void test_json__refuses_what_is_no_json(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    static const char *const bad[] = {"",    "{",       "[1,]",   "{\"a\"}",  "01",
                                      "1.",  "\"\\x\"", "\"a",    "nul",      "[1 2]",
                                      "1 1", "{a:1}",   "\"\t\"", "\"\\u1",   "+1",
                                      "-",   "1e",      "[",      "{\"a\":1", "{\"a\":1,}"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        if (json(bad[i], &arena) != NULL)
            fail_msg("%s was accepted", bad[i]);
    }
    char deep[2001];
    memset(deep, '[', 2000);
    deep[2000] = '\0';
    assert_null(json(deep, &arena));
}

static struct fx_value pg(uint32_t oid, int32_t typmod, const char *text, struct fx_arena *arena)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_type type;
    struct fx_value v;
    fx_pg_type(oid, typmod, NULL, arena, &type);
    if (!fx_pg_value(&type, fx_str_from(text), arena, &v, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

static void check_round_trip(uint32_t oid, const char *text, const char *expected)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_type type;
    fx_pg_type(oid, -1, NULL, &arena, &type);
    struct fx_value v = pg(oid, -1, text, &arena);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    assert_true(fx_pg_literal(&v, &type, &out, &err));
    assert_string_equal(fx_buf_cstr(&out), expected);
}

static void test_map_pg__every_type_of_the_shop_comes_back(void **state)
{
    (void)state;
    check_round_trip(16, "t", "'t'");
    check_round_trip(17, "\\x00ff27", "'\\x00ff27'");
    check_round_trip(20, "-9223372036854775808", "'-9223372036854775808'");
    check_round_trip(25, "it's \\ 😀", "'it''s \\ 😀'");
    check_round_trip(701, "0.1", "'0.10000000000000001'");
    check_round_trip(701, "-0", "'0'");
    check_round_trip(701, "5e-324", "'4.9406564584124654e-324'");
    check_round_trip(701, "NaN", "'NaN'");
    check_round_trip(700, "0.1", "'0.100000001'");
    check_round_trip(1082, "0044-03-15 BC", "'0044-03-15 BC'");
    check_round_trip(1082, "-infinity", "'-infinity'");
    check_round_trip(1114, "2024-02-29 13:37:00.5", "'2024-02-29 13:37:00.500000'");
    check_round_trip(1184, "2024-02-29 13:37:00.5+02", "'2024-02-29 11:37:00.500000+00'");
    check_round_trip(1184, "0044-03-15 00:00:00+00 BC", "'0044-03-15 00:00:00+00 BC'");
    check_round_trip(1184, "infinity", "'infinity'");
    check_round_trip(1700, "0.50", "'0.5'");
    check_round_trip(1700, "NaN", "'NaN'");
    check_round_trip(2950, "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11",
                     "'a0eebc999c0b4ef8bb6d6bb9bd380a11'");
    check_round_trip(3802, "{\"a\": 1}", "'{\"a\": 1}'");
    check_round_trip(1042, "ab   ", "'ab'");
}

static void test_map_pg__declared_types_are_named_with_their_limits(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_type type;
    fx_pg_type(1700, ((12 << 16) | 2) + 4, NULL, &arena, &type);
    assert_string_equal(type.declared, "numeric(12,2)");
    assert_int_equal(type.precision, 12);
    assert_int_equal(type.scale, 2);
    fx_pg_type(1700, ((3 << 16) | (-2 & 0x7ff)) + 4, NULL, &arena, &type);
    assert_int_equal(type.scale, -2);
    fx_pg_type(1043, 68, NULL, &arena, &type);
    assert_string_equal(type.declared, "character varying(64)");
    fx_pg_type(600, -1, "point", &arena, &type);
    assert_int_equal(type.kind, FX_V_NULL);
    assert_string_equal(type.declared, "point");
}

static void test_map_pg__a_text_that_is_not_of_the_type_is_refused(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    static const struct {
        uint32_t oid;
        const char *text;
    } bad[] = {
        {16, "true"}, {17, "\\x0"},    {17, "abc"},  {20, "9223372036854775808"},
        {23, ""},     {701, "1e999"},  {701, "x"},   {2950, "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
        {1700, "1x"}, {1082, "today"}, {1114, "now"}};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fx_err err = FX_ERR_INIT;
        struct fx_type type;
        struct fx_value v;
        fx_pg_type(bad[i].oid, -1, NULL, &arena, &type);
        assert_false(fx_pg_value(&type, fx_str_from(bad[i].text), &arena, &v, &err));
        assert_int_equal(err.code, FX_E_SOURCE_DATA);
    }
}

static void test_value__equality_is_of_the_meaning_and_nothing_else(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_value null = {.kind = FX_V_NULL};
    struct fx_value unchanged = {.kind = FX_V_UNCHANGED};
    struct fx_value i5 = pg(20, -1, "5", &arena);
    struct fx_value d5 = pg(1700, -1, "5.00", &arena);
    struct fx_value t5 = pg(25, -1, "5", &arena);
    struct fx_value empty = pg(25, -1, "", &arena);
    struct fx_value nan1 = pg(701, -1, "NaN", &arena);
    struct fx_value j1 = pg(3802, -1, "{\"a\":1,\"b\":2}", &arena);
    struct fx_value j2 = pg(114, -1, "{\"b\":2.0 ,\"a\":1}", &arena);
    assert_true(fx_value_equal(&null, &null));
    assert_false(fx_value_equal(&null, &empty));
    assert_false(fx_value_equal(&unchanged, &unchanged));
    assert_true(fx_value_equal(&i5, &d5));
    assert_false(fx_value_equal(&i5, &t5));
    assert_true(fx_value_equal(&nan1, &nan1));
    assert_true(fx_value_equal(&j1, &j2));
    assert_int_equal(fx_value_key_cmp(&i5, &d5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datetime__the_calendar_counts_every_day_of_nine_thousand_years),
        cmocka_unit_test(test_datetime__reads_both_engines_timestamps),
        cmocka_unit_test(test_json__equal_documents_have_equal_bytes),
        cmocka_unit_test(test_json__refuses_what_is_no_json),
        cmocka_unit_test(test_map_pg__every_type_of_the_shop_comes_back),
        cmocka_unit_test(test_map_pg__declared_types_are_named_with_their_limits),
        cmocka_unit_test(test_map_pg__a_text_that_is_not_of_the_type_is_refused),
        cmocka_unit_test(test_value__equality_is_of_the_meaning_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
