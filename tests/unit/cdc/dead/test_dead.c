/* SPDX-License-Identifier: Apache-2.0 */
/* What is set aside: which keys an entry covers, and the statements that keep it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/dead/dead.h"
#include "tests/unit/cdc/fixture.h"

static struct fixture f;
static struct fx_buf sql;
static const struct fx_pos at = FX_POS("0/10");

static struct cdc_dead *begin(void)
{
    fixture_init(&f, FX_FORWARD);
    sql = FX_BUF(1 << 20);
    return cdc_dead_new(&f.binding);
}

static void end(struct cdc_dead *dead)
{
    cdc_dead_free(dead);
    fx_buf_done(&sql);
}

static bool covers(const struct cdc_dead *dead, int64_t a, int64_t b)
{
    struct fx_value line[] = {fixture_int(a), fixture_int(b), fixture_unchanged};
    return cdc_dead_covers(dead, 1, line) != NULL;
}

static const char *said(void)
{
    static char text[4096];
    (void)snprintf(text, sizeof text, "%s", fx_buf_cstr(&sql));
    fx_buf_clear(&sql);
    return text;
}

static void test_dead__a_key_is_that_key_in_that_table(void **state)
{
    (void)state;
    struct cdc_dead *dead = begin();
    struct fx_value line[] = {fixture_int(7), fixture_int(3), fixture_unchanged};
    struct cdc_row row = {.op = CDC_INSERT, .table = 1, .new = line};
    struct cdc_dead_cause why = {.text = "22003: out of range", .row = &row, .pos = &at};
    assert_false(covers(dead, 7, 3));
    cdc_dead_add_key(dead, 1, line, &why, &sql);
    const char *text = said();
    assert_non_null(strstr(text, "insert into ficus.dead"));
    assert_non_null(strstr(text, "[\"7\",\"3\"]"));
    assert_non_null(strstr(text, ",1)")); /* one change was counted */
    assert_true(covers(dead, 7, 3));
    assert_false(covers(dead, 73, 0));
    assert_false(covers(dead, 3, 7));
    struct fx_value order[] = {fixture_int(7), fixture_unchanged, fixture_unchanged};
    assert_null(cdc_dead_covers(dead, 0, order));
    assert_int_equal(cdc_dead_count(dead), 1);
    cdc_dead_add_key(dead, 1, line, &why, &sql); /* once more: the row exists */
    assert_non_null(strstr(said(), "update ficus.dead set n=n+1"));
    assert_int_equal(cdc_dead_count(dead), 1);
    cdc_dead_remove(dead, cdc_dead_covers(dead, 1, line), &sql);
    assert_non_null(strstr(said(), "delete from ficus.dead"));
    assert_false(covers(dead, 7, 3));
    assert_int_equal(cdc_dead_count(dead), 0);
    end(dead);
}

static void test_dead__a_range_is_half_open_and_shrinks_from_below(void **state)
{
    (void)state;
    struct cdc_dead *dead = begin();
    struct fx_value low[] = {fixture_int(5), fixture_int(0)};
    struct fx_value high[] = {fixture_int(9), fixture_int(2)};
    struct fx_value raised[] = {fixture_int(8), fixture_int(4)};
    struct cdc_dead_cause why = {.text = "test", .pos = &at};
    cdc_dead_add_range(dead, 1, low, high, &why, &sql);
    assert_false(covers(dead, 4, 99));
    assert_true(covers(dead, 5, 0));
    assert_true(covers(dead, 9, 1));
    assert_false(covers(dead, 9, 2));
    (void)said();
    struct fx_value line[] = {fixture_int(9), fixture_int(1), fixture_unchanged};
    cdc_dead_raise_low(dead, cdc_dead_covers(dead, 1, line), raised, &sql);
    assert_non_null(strstr(said(), "update ficus.dead set low="));
    assert_false(covers(dead, 8, 3));
    assert_true(covers(dead, 8, 4));
    cdc_dead_add_range(dead, 1, low, high, &why, &sql); /* the same once more: another row */
    assert_non_null(strstr(said(), "insert into"));
    assert_true(covers(dead, 5, 0));
    end(dead);
}

static void test_dead__a_whole_table(void **state)
{
    (void)state;
    struct cdc_dead *dead = begin();
    struct cdc_dead_cause why = {.text = "limit", .pos = &at};
    for (int64_t i = 0; i < 3; i++) {
        struct fx_value line[] = {fixture_int(i), fixture_int(i), fixture_unchanged};
        cdc_dead_add_key(dead, 1, line, &why, &sql);
    }
    assert_int_equal(cdc_dead_keys_of(dead, 1), 3);
    assert_int_equal(cdc_dead_remove_keys(dead, 1, &sql), 3);
    cdc_dead_add_range(dead, 1, NULL, NULL, &why, &sql);
    assert_int_equal(cdc_dead_count(dead), 1);
    assert_true(covers(dead, INT64_MIN, 0));
    assert_true(covers(dead, INT64_MAX, 9));
    end(dead);
}

static void test_dead__an_image_is_bounded_and_is_json(void **state)
{
    (void)state;
    struct cdc_dead *dead = begin();
    static char large[100000];
    memset(large, '"', sizeof large - 1);
    struct fx_value order[] = {fixture_int(1), fixture_text(large), {.kind = FX_V_NULL}};
    cdc_dead_image(&f.binding, 0, order, &sql);
    assert_true(sql.len <= CDC_DEAD_IMAGE_MAX);
    assert_int_equal(sql.ptr[sql.len - 1], '}');
    assert_non_null(strstr(fx_buf_cstr(&sql), "\"total\":null"));
    end(dead);
}

static void check_value(enum fx_vkind kind, struct fx_value value)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_value *back = NULL;
    struct fx_err err = FX_ERR_INIT;
    struct fx_value order[] = {value, fixture_unchanged, fixture_unchanged};
    fx_arena_init(&arena, 0);
    f.order_columns[0].type.kind = kind;
    cdc_dead_key_text(&f.binding, 0, order, &text);
    if (!cdc_dead_key_read(&f.binding, 0, fx_buf_str(&text), &arena, &back, &err))
        fail_msg("%s: %s", fx_buf_cstr(&text), err.message);
    assert_true(fx_value_equal(&value, back));
}

static void test_dead__keys_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct cdc_dead *dead = begin();
    static const char text[] = "a\0\"\\\n\xc3\xa9";
    struct fx_str s = {text, sizeof text - 1};
    check_value(FX_V_INT, fixture_int(INT64_MIN));
    check_value(FX_V_BOOL, (struct fx_value){.kind = FX_V_BOOL, .i = 1});
    check_value(FX_V_TEXT, (struct fx_value){.kind = FX_V_TEXT, .s = s});
    check_value(FX_V_TEXT, fixture_text(""));
    check_value(FX_V_BYTES, (struct fx_value){.kind = FX_V_BYTES, .s = s});
    check_value(FX_V_DECIMAL, (struct fx_value){.kind = FX_V_DECIMAL, .s = FX_STR("-0.10")});
    check_value(FX_V_UUID, (struct fx_value){.kind = FX_V_UUID, .uuid = {1, 2, 0xfe, 255}});
    check_value(FX_V_DOUBLE, (struct fx_value){.kind = FX_V_DOUBLE, .d = 0.1});
    static const int64_t times[] = {0, -1, 12345678901234, -62135596800000001, FX_TIME_INFINITY};
    for (size_t i = 0; i < FX_ARRAY_LEN(times); i++) {
        check_value(FX_V_TIMESTAMP, (struct fx_value){.kind = FX_V_TIMESTAMP, .i = times[i]});
        check_value(FX_V_TIMESTAMPTZ, (struct fx_value){.kind = FX_V_TIMESTAMPTZ, .i = times[i]});
    }
    check_value(FX_V_DATE, (struct fx_value){.kind = FX_V_DATE, .i = -800000});
    end(dead);
}

static void test_dead__a_key_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",        "[]", "[\"1\",\"2\"]", "[1]",
                                        "[\"x\"]", "{}", "[null]"};
    struct cdc_dead *dead = begin();
    for (size_t i = 0; i < FX_ARRAY_LEN(wrong); i++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        struct fx_value *key = NULL;
        struct fx_err err = FX_ERR_INIT;
        fx_arena_init(&arena, 0);
        assert_false(cdc_dead_key_read(&f.binding, 0, fx_str_from(wrong[i]), &arena, &key, &err));
        assert_int_equal(err.code, FX_E_DRIFT);
    }
    end(dead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead__a_key_is_that_key_in_that_table),
        cmocka_unit_test(test_dead__a_range_is_half_open_and_shrinks_from_below),
        cmocka_unit_test(test_dead__a_whole_table),
        cmocka_unit_test(test_dead__an_image_is_bounded_and_is_json),
        cmocka_unit_test(test_dead__keys_are_read_as_they_were_written),
        cmocka_unit_test(test_dead__a_key_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
