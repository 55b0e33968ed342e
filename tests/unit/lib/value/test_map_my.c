/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB's text forms become canonical values, and literals hold exactly what they were made from.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/value/map_my.h"

static struct fx_type type_of(const char *data_type, const char *column_type, int64_t len, int p,
                              int s)
{
    struct fx_my_column column = {.data_type = data_type,
                                  .column_type = column_type,
                                  .char_length_max = len,
                                  .precision = p,
                                  .scale = s,
                                  .fraction_digits = p,
                                  .charset = ""};
    struct fx_type type;
    fx_my_type(&column, &type);
    return type;
}

static void check_trip(struct fx_type type, const char *cell, const char *literal)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    struct fx_err err = FX_ERR_INIT;
    struct fx_value v;
    bool is_ok = fx_my_value(&type, fx_str_from(cell), &arena, &v, &err) &&
                 fx_my_value_literal(&v, &type, &out, &err);
    if (literal == NULL) {
        if (is_ok)
            fail_msg("%s of %s became %s", cell, type.declared, fx_buf_cstr(&out));
        assert_int_equal(err.code, FX_E_SOURCE_DATA);
        return;
    }
    if (!is_ok)
        fail_msg("%s of %s: %s", cell, type.declared, err.message);
    assert_string_equal(fx_buf_cstr(&out), literal);
}

static void test_map_my__cells_become_literals_of_the_same_value(void **state)
{
    (void)state;
    check_trip(type_of("bigint", "bigint(20)", -1, 0, 0), "-9223372036854775808",
               "-9223372036854775808");
    check_trip(type_of("bigint", "bigint(20) unsigned", -1, 0, 0), "18446744073709551615",
               "18446744073709551615");
    check_trip(type_of("int", "int(6) unsigned zerofill", -1, 0, 0), "000042", "42");
    check_trip(type_of("tinyint", "tinyint(1)", -1, 0, 0), "1", "1");
    check_trip(type_of("tinyint", "tinyint(1)", -1, 0, 0), "2", NULL);
    check_trip(type_of("decimal", "decimal(12,2)", -1, 12, 2), "-0.50", "-0.5");
    check_trip(type_of("year", "year(4)", -1, 0, 0), "1970", "1970");
    check_trip(type_of("year", "year(4)", -1, 0, 0), "0000", "0");
    check_trip(type_of("double", "double", -1, 0, 0), "0.1", "1.0000000000000001e-01");
    check_trip(type_of("double", "double", -1, 0, 0), "5e-324", "4.9406564584124654e-324");
    check_trip(type_of("varchar", "varchar(9)", 9, 0, 0), "it's \\ 😀", "'it''s \\ 😀'");
    check_trip(type_of("varbinary", "varbinary(9)", 9, 0, 0), "a'\xff", "x'6127ff'");
    check_trip(type_of("date", "date", -1, 0, 0), "2024-02-29", "'2024-02-29'");
    check_trip(type_of("date", "date", -1, 0, 0), "0000-00-00", NULL);
    check_trip(type_of("datetime", "datetime(6)", -1, 6, 0), "9999-12-31 23:59:59.999999",
               "'9999-12-31 23:59:59.999999'");
    check_trip(type_of("uuid", "uuid", -1, 0, 0), "f81d4fae-7dec-11d0-a765-00a0c91e6b00",
               "'f81d4fae-7dec-11d0-a765-00a0c91e6b00'");
}

static void refuse(struct fx_value v, struct fx_type type)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    struct fx_err err = FX_ERR_INIT;
    if (fx_my_value_literal(&v, &type, &out, &err))
        fail_msg("%s took %s", type.declared, fx_buf_cstr(&out));
    assert_int_equal(err.code, FX_E_SOURCE_DATA);
}

static void test_map_my__what_the_server_would_change_silently_is_refused(void **state)
{
    (void)state;
    struct fx_value text = {.kind = FX_V_TEXT, .s = FX_STR("ab  ")};
    refuse(text, type_of("varchar", "varchar(3)", 3, 0, 0));
    refuse(text, type_of("char", "char(8)", 8, 0, 0));
    struct fx_value bytes = {.kind = FX_V_BYTES, .s = FX_STR("ab")};
    refuse(bytes, type_of("binary", "binary(3)", 3, 0, 0));
    struct fx_value number = {.kind = FX_V_DECIMAL, .s = FX_STR("1.005")};
    refuse(number, type_of("decimal", "decimal(12,2)", -1, 12, 2));
    struct fx_value time = {.kind = FX_V_TIMESTAMP, .i = 1};
    refuse(time, type_of("datetime", "datetime(3)", -1, 3, 0));
    refuse((struct fx_value){.kind = FX_V_TIMESTAMP, .i = FX_TIME_INFINITY},
           type_of("datetime", "datetime(6)", -1, 6, 0));
    refuse((struct fx_value){.kind = FX_V_TIMESTAMPTZ, .i = INT64_C(2147483648) * 1000000},
           type_of("timestamp", "timestamp", -1, 0, 0));
    refuse((struct fx_value){.kind = FX_V_DOUBLE, .d = 0.1}, type_of("float", "float", -1, 0, 0));
    refuse((struct fx_value){.kind = FX_V_DOUBLE, .d = __builtin_inf()},
           type_of("double", "double", -1, 0, 0));
    refuse((struct fx_value){.kind = FX_V_UUID, .uuid = {[6] = 0xd7, [8] = 0x7c}},
           type_of("uuid", "uuid", -1, 0, 0));
    refuse((struct fx_value){.kind = FX_V_INT, .i = 32768},
           type_of("smallint", "smallint(6)", -1, 0, 0));
    refuse((struct fx_value){.kind = FX_V_INT, .i = 70}, type_of("year", "year(4)", -1, 0, 0));
    refuse((struct fx_value){.kind = FX_V_INT, .i = -1},
           type_of("bigint", "bigint(20) unsigned", -1, 0, 0));
}

static void test_map_my__unknown_types_are_left_to_the_mapping(void **state)
{
    (void)state;
    assert_int_equal(type_of("geometry", "geometry", -1, 0, 0).kind, FX_V_NULL);
    assert_int_equal(type_of("time", "time(3)", -1, 3, 0).kind, FX_V_NULL);
    assert_int_equal(type_of("double", "double(10,2)", -1, 10, 2).kind, FX_V_NULL);
    assert_int_equal(type_of("float", "float(7,3) unsigned", -1, 7, 3).kind, FX_V_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_my__cells_become_literals_of_the_same_value),
        cmocka_unit_test(test_map_my__what_the_server_would_change_silently_is_refused),
        cmocka_unit_test(test_map_my__unknown_types_are_left_to_the_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
