/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two tables of decisions: what an abort has found,
 * what a resume has to do. And names of triggers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ownership/fence.h"

static struct fx_own own(enum fx_own_state state, int64_t epoch)
{
    return (struct fx_own){.state = state, .epoch = epoch};
}

static enum fx_own_abort_next abort_at(enum fx_own_state state, int64_t epoch, int64_t e)
{
    struct fx_own row = own(state, epoch);
    return fx_own_abort_decide(&row, e);
}

static void test_own__abort_that_finds_the_commit_goes_on(void **state)
{
    (void)state;
    assert_int_equal(abort_at(FX_OWN_AWAY, 9, 7), FX_OWN_ABORT_COMMITTED);
}

static void test_own__abort_at_any_other_away_touches_nothing(void **state)
{
    (void)state;
    assert_int_equal(abort_at(FX_OWN_AWAY, 8, 7), FX_OWN_ABORT_FOREIGN);
    assert_int_equal(abort_at(FX_OWN_AWAY, 7, 7), FX_OWN_ABORT_FOREIGN);
    assert_int_equal(abort_at(FX_OWN_AWAY, 11, 7), FX_OWN_ABORT_FOREIGN);
}

static void test_own__abort_burns_the_epoch_of_a_fence_in_flight(void **state)
{
    (void)state;
    assert_int_equal(abort_at(FX_OWN_HERE, 7, 7), FX_OWN_ABORT_INVALIDATE);
    assert_int_equal(abort_at(FX_OWN_HERE, 9, 7), FX_OWN_ABORT_DONE);
    assert_int_equal(abort_at(FX_OWN_HERE, 11, 7), FX_OWN_ABORT_FOREIGN);
    assert_int_equal(abort_at(FX_OWN_HERE, 5, 7), FX_OWN_ABORT_FOREIGN);
    assert_int_equal(abort_at(FX_OWN_FENCED, 8, 7), FX_OWN_ABORT_AGAIN);
    assert_int_equal(abort_at(FX_OWN_FENCED, 10, 7), FX_OWN_ABORT_FOREIGN);
}

static struct fx_own_resume resume_at(enum fx_own_state o, int64_t oe, enum fx_own_state n,
                                      int64_t ne)
{
    struct fx_own old_row = own(o, oe), new_row = own(n, ne);
    return fx_own_resume_decide(&old_row, &new_row);
}

static void test_own__resume_leaves_a_serving_pair_alone(void **state)
{
    (void)state;
    struct fx_own_resume plan = resume_at(FX_OWN_HERE, 1, FX_OWN_AWAY, 1);
    assert_int_equal(plan.action, FX_OWN_RESUME_SERVES);
    assert_false(plan.is_new);
    plan = resume_at(FX_OWN_AWAY, 3, FX_OWN_HERE, 3);
    assert_int_equal(plan.action, FX_OWN_RESUME_SERVES);
    assert_true(plan.is_new);
    assert_int_equal(plan.epoch, 3);
}

static void test_own__resume_aborts_a_fence_on_either_side(void **state)
{
    (void)state;
    struct fx_own_resume plan = resume_at(FX_OWN_FENCED, 6, FX_OWN_AWAY, 3);
    assert_int_equal(plan.action, FX_OWN_RESUME_ABORT);
    assert_false(plan.is_new);
    assert_int_equal(plan.epoch, 5);
    plan = resume_at(FX_OWN_AWAY, 3, FX_OWN_FENCED, 4);
    assert_int_equal(plan.action, FX_OWN_RESUME_ABORT);
    assert_true(plan.is_new);
}

static void test_own__resume_opens_the_side_that_did_not_give_away(void **state)
{
    (void)state;
    struct fx_own_resume plan = resume_at(FX_OWN_AWAY, 7, FX_OWN_AWAY, 3);
    assert_int_equal(plan.action, FX_OWN_RESUME_OPEN);
    assert_true(plan.is_new);
    assert_int_equal(plan.epoch, 7);
    plan = resume_at(FX_OWN_AWAY, 3, FX_OWN_AWAY, 5);
    assert_false(plan.is_new);
    assert_int_equal(plan.epoch, 5);
}

static void test_own__resume_stops_at_rows_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(resume_at(FX_OWN_HERE, 3, FX_OWN_HERE, 3).action, FX_OWN_RESUME_STUCK);
    assert_int_equal(resume_at(FX_OWN_FENCED, 4, FX_OWN_HERE, 3).action, FX_OWN_RESUME_STUCK);
    assert_int_equal(resume_at(FX_OWN_AWAY, 3, FX_OWN_AWAY, 3).action, FX_OWN_RESUME_STUCK);
    assert_int_equal(resume_at(FX_OWN_HERE, 3, FX_OWN_AWAY, 5).action, FX_OWN_RESUME_STUCK);
    assert_non_null(resume_at(FX_OWN_HERE, 3, FX_OWN_HERE, 3).why);
}

static void test_fence__names_fit_and_carry_the_epoch(void **state)
{
    (void)state;
    const char *group = "a-context-with-a-rather-long-name.canary";
    const char *table = "a_table_with_a_name_of_sixty_four_bytes_exactly_as_mariadb_allows";
    char name[65], pg[64];
    fx_fence_my_name(group, table, 123456789012, 'i', name);
    assert_true(strlen(name) <= 64);
    assert_int_equal(fx_fence_my_epoch(group, table, fx_str_from(name)), 123456789012);
    assert_int_equal(fx_fence_my_epoch(group, "another", fx_str_from(name)), -1);
    assert_int_equal(
        fx_fence_my_epoch("a-context-with-a-rather-long-name.canari", table, fx_str_from(name)),
        -1);
    fx_fence_pg_name(group, pg);
    assert_true(strlen(pg) <= 63);
    fx_fence_pg_name("orders", pg);
    assert_string_equal(pg, "ficus_fence_orders");
}

static void test_fence__groups_that_look_alike_have_different_names(void **state)
{
    (void)state;
    char a[64], b[64];
    fx_fence_pg_name("orders.canary", a);
    fx_fence_pg_name("orders_canary", b);
    assert_string_not_equal(a, b);
}

static void test_fence__epoch_is_not_read_from_a_damaged_name(void **state)
{
    (void)state;
    char name[65];
    fx_fence_my_name("orders", "t", 12, 'i', name);
    struct fx_str whole = fx_str_from(name);
    assert_int_equal(fx_fence_my_epoch("orders", "t", whole), 12);
    for (size_t cut = 0; cut < whole.len; cut++)
        assert_int_equal(fx_fence_my_epoch("orders", "t", fx_str_sub(whole, 0, cut)), -1);
}

static void test_fence__templates_are_filled_once(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
    const char *names[] = {"a", "b", NULL}, *values[] = {"{b}", "2", NULL};
    fx_fence_sql_fill("{a} {b} {c} {a", names, values, &out);
    assert_string_equal(fx_buf_cstr(&out), "{b} 2 {c} {a");
}

static void test_transitions(void **state)
{
    (void)state;
    static const bool may[4][4] = {
        /* to:                 UNKNOWN HERE   FENCED AWAY */
        [FX_OWN_UNKNOWN] = {false, false, false, false},
        [FX_OWN_HERE] = {false, true, true, false}, /* HERE again: its epoch was invalidated */
        [FX_OWN_FENCED] = {false, true, false, true},
        [FX_OWN_AWAY] = {false, true, false, false},
    };
    for (int from = 0; from < 4; from++)
        for (int to = 0; to < 4; to++)
            assert_int_equal(fx_own_may_become((enum fx_own_state)from, (enum fx_own_state)to),
                             may[from][to]);
}

static const char *finisher(struct fx_own old_row, struct fx_own new_row)
{
    return fx_own_finisher(&old_row, &new_row);
}

static void test_own__the_command_that_finishes_goes_the_way_that_was_begun(void **state)
{
    (void)state;
    /* committed forward: a fall-back would be refused */
    assert_string_equal(finisher(own(FX_OWN_AWAY, 9), own(FX_OWN_AWAY, 7)), "start");
    assert_string_equal(finisher(own(FX_OWN_AWAY, 7), own(FX_OWN_AWAY, 9)), "fallback");
    assert_string_equal(finisher(own(FX_OWN_FENCED, 8), own(FX_OWN_AWAY, 5)), "start");
    assert_string_equal(finisher(own(FX_OWN_AWAY, 5), own(FX_OWN_FENCED, 8)), "fallback");
    assert_string_equal(finisher((struct fx_own){0}, own(FX_OWN_AWAY, 7)), "fallback");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),
        cmocka_unit_test(test_own__abort_that_finds_the_commit_goes_on),
        cmocka_unit_test(test_own__abort_at_any_other_away_touches_nothing),
        cmocka_unit_test(test_own__abort_burns_the_epoch_of_a_fence_in_flight),
        cmocka_unit_test(test_own__resume_leaves_a_serving_pair_alone),
        cmocka_unit_test(test_own__resume_aborts_a_fence_on_either_side),
        cmocka_unit_test(test_own__resume_opens_the_side_that_did_not_give_away),
        cmocka_unit_test(test_own__resume_stops_at_rows_that_cannot_be),
        cmocka_unit_test(test_own__the_command_that_finishes_goes_the_way_that_was_begun),
        cmocka_unit_test(test_fence__names_fit_and_carry_the_epoch),
        cmocka_unit_test(test_fence__groups_that_look_alike_have_different_names),
        cmocka_unit_test(test_fence__epoch_is_not_read_from_a_damaged_name),
        cmocka_unit_test(test_fence__templates_are_filled_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
