/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns the text of a position: copies, views, growth, long ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/db/pos.h"

static void test_position__the_empty_one_is_ready_for_use(void **state)
{
    (void)state;
    FX_AUTO(fx_pos) struct fx_pos pos = {0};
    assert_string_equal(fx_pos_text(&pos), "");
    assert_true(fx_pos_is_empty(&pos));
    fx_pos_set(&pos, (struct fx_str){NULL, 0});
    assert_true(fx_pos_is_empty(&pos));
    fx_pos_done(&pos);
    fx_pos_done(&pos);
}

static void test_position__a_copy_does_not_change_with_its_origin(void **state)
{
    (void)state;
    FX_AUTO(fx_pos) struct fx_pos a = {0}, b = {0};
    fx_pos_set(&a, FX_STR("0/10"));
    fx_pos_copy(&b, &a);
    assert_true(fx_pos_equal(&a, &b));
    fx_pos_set(&a, FX_STR("0/20"));
    assert_string_equal(fx_pos_text(&b), "0/10");
    fx_pos_copy(&b, &b);
    assert_string_equal(fx_pos_text(&b), "0/10");
}

static void test_position__a_view_frees_nothing(void **state)
{
    (void)state;
    FX_AUTO(fx_pos) struct fx_pos owner = {0};
    fx_pos_set(&owner, FX_STR("0/10"));
    struct fx_pos view = fx_pos_view(&owner);
    assert_ptr_equal(view.text, owner.text);
    fx_pos_set(&view, FX_STR("0/20")); /* becomes an owner of its own */
    assert_string_equal(fx_pos_text(&owner), "0/10");
    fx_pos_done(&view);
    view = fx_pos_view(&owner);
    fx_pos_done(&view);
    assert_string_equal(fx_pos_text(&owner), "0/10");
}

static void test_position__may_be_set_from_a_part_of_itself(void **state)
{
    (void)state;
    FX_AUTO(fx_pos) struct fx_pos pos = {0};
    fx_pos_set(&pos, FX_STR("0-1-1000,1-1-5"));
    fx_pos_set(&pos, fx_str_sub(fx_pos_str(&pos), 9, 5));
    assert_string_equal(fx_pos_text(&pos), "1-1-5");
}

/* What a MySQL GTID set of a long-lived server looks like in length. */
static void test_position__ten_kilobytes_are_compared_like_ten_bytes(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    FX_AUTO(fx_pos) struct fx_pos at = {0}, goal = {0};
    for (int i = 0; text.len < 10 << 10; i++)
        fx_buf_printf(&text, "%s%d-1-100000", i > 0 ? "," : "", i);
    fx_pos_set(&at, fx_buf_str(&text));
    fx_pos_copy(&goal, &at);
    assert_true(fx_pos_covers(FX_MY, &at, &goal));
    fx_buf_add_c(&text, ",9999-1-1");
    fx_pos_set(&goal, fx_buf_str(&text));
    assert_false(fx_pos_covers(FX_MY, &at, &goal));
    assert_true(fx_pos_covers(FX_MY, &goal, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_position__the_empty_one_is_ready_for_use),
        cmocka_unit_test(test_position__a_copy_does_not_change_with_its_origin),
        cmocka_unit_test(test_position__a_view_frees_nothing),
        cmocka_unit_test(test_position__may_be_set_from_a_part_of_itself),
        cmocka_unit_test(test_position__ten_kilobytes_are_compared_like_ten_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
