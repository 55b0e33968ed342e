/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a text when the values of rows are hidden, and what with --show-values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/err/redact.h"
#include "lib/value/value.h"

#define SAME(want, got) assert_string_equal((want), fx_buf_cstr(got))

static void test_redact__a_servers_text_keeps_its_words(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"value too long", "value too long"},
        {"invalid input syntax for type integer: \"CANARY\"",
         "invalid input syntax for type integer: [hidden]"},
        {"value \"CANARY\" is out of range for type integer",
         "value [hidden] is out of range for type integer"},
        {"a \"CANARY\" b \"CANARY\" c", "a [hidden] c"},
        {"a 'CAN'ARY' b", "a [hidden] b"},
        {"it is 4711 of int4", "it is [hidden]"},
        {"bytes 0xCA 0xFE", "bytes [hidden]"},
        {"encoding \"UTF8\": 0xCA 0xFE", "encoding [hidden]:[hidden]"},
        {"broken: CANARY", "broken: [hidden]"},
        {"ung\xc3\xbcltig \xc2\xbb"
         "CANARY\xc2\xab da",
         "ung[hidden] da"},
        {"", ""},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(texts); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(256);
        fx_redact_text(fx_str_from(texts[i][0]), &out);
        SAME(texts[i][1], &out);
        fx_buf_clear(&out);
        fx_values_show_set(true);
        fx_redact_text(fx_str_from(texts[i][0]), &out);
        fx_values_show_set(false);
        SAME(texts[i][0], &out);
    }
}

static void test_redact__a_statement_ends_at_its_first_literal(void **state)
{
    (void)state;
    static const char *const texts[][3] = {
        {"update t1 set x='CANARY'", "update t1 set x=[hidden]", "update t1 set x=[hidden]"},
        {"insert into `o 2` values (42)", "insert into `o [hidden]",
         "insert into `o 2` values (42)"},
        {"alter table t add c varchar(10)", "alter table t add c varchar([hidden]",
         "alter table t add c varchar(10)"},
        {"select /* CANARY */ 1", "select [hidden]", "select [hidden]"},
        {"select $$CANARY$$", "select [hidden]", "select [hidden]"},
        {"select x -- CANARY", "select x [hidden]", "select x [hidden]"},
        {"select a-b from t", "select a-b from t", "select a-b from t"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(texts); i++) {
        FX_AUTO(fx_buf) struct fx_buf rows = FX_BUF(256), ddl = FX_BUF(256);
        fx_redact_sql(FX_REDACT_ROWS, fx_str_from(texts[i][0]), &rows);
        fx_redact_sql(FX_REDACT_DDL, fx_str_from(texts[i][0]), &ddl);
        SAME(texts[i][1], &rows);
        SAME(texts[i][2], &ddl);
    }
}

static void test_redact__a_key_keeps_its_columns(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(256);
    fx_redact_key(FX_STR("Key (a, lower(b))=(CANARY, C)=(ANARY) already exists."), &out);
    SAME("Key (a, lower(b))=([hidden])", &out);
    fx_buf_clear(&out);
    fx_redact_key(FX_STR("CANARY"), &out);
    SAME("[hidden]", &out);
}

static void test_redact__a_value_says_its_kind_and_length(void **state)
{
    (void)state;
    const struct fx_value values[] = {
        {.kind = FX_V_NULL},
        {.kind = FX_V_BOOL, .i = 1},
        {.kind = FX_V_INT, .i = 4711},
        {.kind = FX_V_TEXT, .s = FX_STR("C\xc3\x84NARY")},
        {.kind = FX_V_BYTES, .s = FX_STR("CANARY")},
        {.kind = FX_V_JSON, .s = FX_STR("\"CANARY\"")},
        {.kind = FX_V_DATE, .i = 1},
        {.kind = FX_V_UNREADABLE, .s = FX_STR("CANARY")},
    };
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
    for (size_t i = 0; i < FX_ARRAY_LEN(values); i++) {
        fx_value_show(&values[i], &out);
        fx_buf_add_char(&out, '|');
    }
    SAME("NULL|[hidden boolean]|[hidden integer]|[hidden text, 6 characters]|[hidden bytes, 6 "
         "bytes]|[hidden json, 8 bytes]|[hidden date]|[hidden] (unreadable)|",
         &out);
    fx_buf_clear(&out);
    fx_redact_cell(FX_STR("CANARY"), &out);
    SAME("[hidden, 6 bytes]", &out);
}

static void test_redact__the_hint_says_how_to_see_what_is_hidden(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    fx_fail(&err, FX_E_SOURCE_DATA, "nothing was left out");
    fx_err_tell_hidden(&err, "do it");
    assert_string_equal(err.hint, "");
    fx_fail(&err, FX_E_SOURCE_DATA, "value [hidden integer] is bad");
    fx_err_tell_hidden(&err, "ficus x --show-values");
    assert_string_equal(err.hint, "Values of rows are hidden; to see them: ficus x --show-values");
    fx_err_tell_hidden(&err, "another --show-values");
    assert_string_equal(err.hint, "Values of rows are hidden; to see them: ficus x --show-values");
    fx_hint(&err, "Correct it");
    fx_err_tell_hidden(&err, "ficus x --show-values");
    assert_string_equal(err.hint, "Correct it. Values of rows are hidden; to see them: ficus x "
                                  "--show-values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redact__a_servers_text_keeps_its_words),
        cmocka_unit_test(test_redact__a_statement_ends_at_its_first_literal),
        cmocka_unit_test(test_redact__a_key_keeps_its_columns),
        cmocka_unit_test(test_redact__a_value_says_its_kind_and_length),
        cmocka_unit_test(test_redact__the_hint_says_how_to_see_what_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
