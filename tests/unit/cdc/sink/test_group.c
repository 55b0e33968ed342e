/* SPDX-License-Identifier: Apache-2.0 */
/* Which transactions share a group, and what becomes of their texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/sink/batch.h"
#include "cdc/sink/group.h"
#include "tests/unit/cdc/fixture.h"

static const struct cdc_group_limits limits = {.rows = 100, .bytes = 1000};
static const struct fx_mono at_start = {1000000};

static struct fx_mono after_ms(int64_t ms)
{
    return fx_mono_add_ms(at_start, ms);
}

static void test_group__takes_up_to_its_rows_and_bytes(void **state)
{
    (void)state;
    struct cdc_group group = {0};
    assert_true(cdc_group_takes(&group, &limits, 100, 1000));
    assert_false(cdc_group_takes(&group, &limits, 101, 10));
    assert_false(cdc_group_takes(&group, &limits, 1, 1001));
    cdc_group_join(&group, 60, 400, at_start);
    assert_true(cdc_group_takes(&group, &limits, 40, 600));
    assert_false(cdc_group_takes(&group, &limits, 41, 10));
    assert_false(cdc_group_takes(&group, &limits, 1, 601));
    assert_int_equal(group.members, 1);
}

static void test_group__a_transaction_without_rows_is_a_member(void **state)
{
    (void)state;
    struct cdc_group group = {0};
    assert_true(cdc_group_takes(&group, &limits, 0, 0));
    cdc_group_join(&group, 0, 0, at_start);
    assert_int_equal(group.members, 1);
}

static void test_group__is_due_when_full_or_after_20_ms(void **state)
{
    (void)state;
    struct cdc_group group = {0};
    assert_false(cdc_group_is_due(&group, &limits, after_ms(60000))); /* empty */
    cdc_group_join(&group, 1, 10, at_start);
    cdc_group_join(&group, 1, 10, after_ms(15)); /* the first BEGIN counts */
    assert_false(cdc_group_is_due(&group, &limits, after_ms(19)));
    assert_true(cdc_group_is_due(&group, &limits, after_ms(20)));
    cdc_group_join(&group, 98, 10, at_start);
    assert_true(cdc_group_is_due(&group, &limits, at_start));
}

static void test_group__a_limit_of_members_holds(void **state)
{
    (void)state;
    struct cdc_group_limits two = limits;
    two.members = 2;
    struct cdc_group group = {0};
    cdc_group_join(&group, 1, 10, at_start);
    assert_true(cdc_group_takes(&group, &two, 1, 10));
    assert_false(cdc_group_is_due(&group, &two, at_start));
    cdc_group_join(&group, 1, 10, at_start);
    assert_false(cdc_group_takes(&group, &two, 1, 10));
    assert_true(cdc_group_is_due(&group, &two, at_start));
}

/* --- texts ------------------------------------------------------------------------------------ */

struct pair {
    struct fixture fixture;
    struct cdc_batch group, member;
};

static void pair_init(struct pair *pair, int64_t rows_max)
{
    fixture_init(&pair->fixture, FX_FORWARD);
    cdc_batch_init(&pair->group, &pair->fixture.binding, rows_max);
    cdc_batch_init(&pair->member, &pair->fixture.binding, rows_max);
}

static void pair_done(struct pair *pair)
{
    cdc_batch_done(&pair->group);
    cdc_batch_done(&pair->member);
}

static void add_insert(struct pair *pair, int64_t id)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_value new[] = {fixture_int(id), fixture_text("x"), fixture_int(1)};
    assert_true(
        cdc_batch_row(&pair->member, &(struct cdc_row){.op = CDC_INSERT, .new = new}, &err));
}

static void add_delete(struct pair *pair, int64_t id)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_value old[] = {fixture_int(id), fixture_unchanged, fixture_unchanged};
    struct cdc_row row = {.op = CDC_DELETE, .has_old = CDC_OLD_KEY, .old = old};
    assert_true(cdc_batch_row(&pair->member, &row, &err));
}

static size_t times(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void test_join__inserts_of_two_transactions_are_one_statement(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 100);
    for (int64_t id = 1; id <= 3; id++) {
        add_insert(&pair, id);
        cdc_batch_join(&pair.group, &pair.member);
        assert_int_equal(pair.member.sql.len, 0);
    }
    cdc_batch_finish(&pair.group);
    assert_int_equal(times(fx_buf_cstr(&pair.group.sql), "insert into"), 1);
    assert_int_equal(times(fx_buf_cstr(&pair.group.sql), "),("), 2);
    assert_int_equal(pair.group.matches.len, 1);
    assert_int_equal(pair.group.matches.n[0], 3);
    assert_int_equal(pair.group.n_changes, 3);
    pair_done(&pair);
}

static void test_join__deletes_by_key_are_one_list(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 100);
    for (int64_t id = 1; id <= 2; id++) {
        add_delete(&pair, id);
        cdc_batch_join(&pair.group, &pair.member);
    }
    cdc_batch_finish(&pair.group);
    assert_non_null(strstr(fx_buf_cstr(&pair.group.sql), "where `id` in (1,2);"));
    assert_int_equal(pair.group.matches.n[0], 2);
    pair_done(&pair);
}

static void test_join__order_is_kept_over_transactions(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 100);
    add_insert(&pair, 1);
    cdc_batch_join(&pair.group, &pair.member);
    add_delete(&pair, 1);
    add_insert(&pair, 1);
    cdc_batch_join(&pair.group, &pair.member);
    add_insert(&pair, 2);
    cdc_batch_join(&pair.group, &pair.member);
    cdc_batch_finish(&pair.group);
    const char *sql = fx_buf_cstr(&pair.group.sql);
    assert_int_equal(times(sql, "insert into"), 2);
    assert_true(strstr(sql, "delete from") > strstr(sql, "insert into"));
    assert_int_equal(pair.group.matches.len, 3);
    assert_int_equal(pair.group.matches.n[2], 2);
    assert_int_equal(pair.group.expected, 4);
    pair_done(&pair);
}

static void test_join__a_statement_grows_only_to_its_limit(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 2);
    for (int64_t id = 1; id <= 3; id++) {
        add_insert(&pair, id);
        cdc_batch_join(&pair.group, &pair.member);
    }
    cdc_batch_finish(&pair.group);
    assert_int_equal(times(fx_buf_cstr(&pair.group.sql), "insert into"), 2);
    assert_int_equal(pair.group.matches.n[0], 2);
    assert_int_equal(pair.group.matches.n[1], 1);
    pair_done(&pair);
}

/* --- updates ---------------------------------------------------------------------------------- */

static const bool no_unique[2] = {false, false};
static const bool all_unique[2] = {true, true};

static void updates_init(struct pair *pair, const bool *has_unique)
{
    fixture_init(&pair->fixture, FX_REVERSE); /* to PostgreSQL: from eight rows on */
    cdc_batch_init(&pair->group, &pair->fixture.binding, 100);
    cdc_batch_init(&pair->member, &pair->fixture.binding, 100);
    pair->group.has_unique = pair->member.has_unique = has_unique;
}

static void update(struct cdc_batch *batch, int64_t id, bool has_note)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_value new[] = {fixture_int(id), has_note ? fixture_text("x") : fixture_unchanged,
                             fixture_int(5)};
    assert_true(cdc_batch_row(batch, &(struct cdc_row){.op = CDC_UPDATE, .new = new}, &err));
}

static void test_updates__few_are_statements_of_their_own(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, no_unique);
    for (int64_t id = 1; id <= 7; id++)
        update(&pair.member, id, true);
    cdc_batch_finish(&pair.member);
    assert_int_equal(times(fx_buf_cstr(&pair.member.sql), "update "), 7);
    assert_int_equal(pair.member.matches.len, 7);
    pair_done(&pair);
}

static void test_updates__many_are_one_statement_that_counts_them(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, no_unique);
    for (int64_t id = 1; id <= 20; id++)
        update(&pair.member, id, true);
    cdc_batch_finish(&pair.member);
    const char *sql = fx_buf_cstr(&pair.member.sql);
    assert_int_equal(times(sql, "update "), 1);
    assert_non_null(strstr(sql, "('1','x','5'),('2','x','5')"));
    assert_non_null(strstr(sql, "('20','x','5')) ficus_v("));
    assert_int_equal(pair.member.matches.len, 1);
    assert_int_equal(pair.member.matches.n[0], 20);
    assert_int_equal(pair.member.expected, 20);
    pair_done(&pair);
}

static void test_updates__a_key_is_in_a_statement_once(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, no_unique);
    for (int64_t i = 0; i < 20; i++) {
        update(&pair.member, i % 10, true);
        cdc_batch_join(&pair.group, &pair.member);
    }
    cdc_batch_finish(&pair.group);
    assert_int_equal(times(fx_buf_cstr(&pair.group.sql), "update "), 2);
    assert_int_equal(pair.group.matches.n[0], 10);
    assert_int_equal(pair.group.matches.n[1], 10);
    pair_done(&pair);
}

static void test_updates__of_other_columns_are_another_statement(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, no_unique);
    for (int64_t id = 1; id <= 20; id++)
        update(&pair.member, id, id <= 10);
    cdc_batch_finish(&pair.member);
    assert_int_equal(times(fx_buf_cstr(&pair.member.sql), "update "), 2);
    assert_int_equal(pair.member.matches.len, 2);
    pair_done(&pair);
}

static void test_updates__a_second_unique_key_keeps_them_apart(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, all_unique);
    for (int64_t id = 1; id <= 20; id++)
        update(&pair.member, id, true);
    cdc_batch_finish(&pair.member);
    assert_int_equal(pair.member.matches.len, 20);
    pair_done(&pair);
}

static void test_updates__a_changed_key_goes_alone_and_in_order(void **state)
{
    (void)state;
    struct pair pair;
    struct fx_err err = FX_ERR_INIT;
    updates_init(&pair, no_unique);
    for (int64_t id = 1; id <= 10; id++)
        update(&pair.member, id, true);
    struct fx_value old[] = {fixture_int(3), fixture_unchanged, fixture_unchanged};
    struct fx_value new[] = {fixture_int(30), fixture_text("x"), fixture_int(5)};
    struct cdc_row row = {.op = CDC_UPDATE, .has_old = CDC_OLD_KEY, .old = old, .new = new};
    assert_true(cdc_batch_row(&pair.member, &row, &err));
    update(&pair.member, 3, true);
    cdc_batch_finish(&pair.member);
    assert_int_equal(pair.member.matches.len, 3);
    assert_int_equal(pair.member.matches.n[0], 10);
    assert_int_equal(pair.member.matches.n[1], 1);
    pair_done(&pair);
}

static void test_updates__single_transactions_become_one_statement(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, no_unique);
    for (int64_t id = 1; id <= 20; id++) {
        update(&pair.member, id, true);
        cdc_batch_join(&pair.group, &pair.member);
    }
    add_insert(&pair, 50);
    cdc_batch_join(&pair.group, &pair.member);
    cdc_batch_finish(&pair.group);
    const char *sql = fx_buf_cstr(&pair.group.sql);
    assert_int_equal(times(sql, "update "), 1);
    assert_non_null(strstr(sql, "('20','x','5')) ficus_v("));
    assert_int_equal(pair.group.matches.len, 2);
    assert_int_equal(pair.group.matches.n[0], 20);
    assert_int_equal(pair.group.expected, 21);
    pair_done(&pair);
}

static void test_updates__before_others_begin_after_what_is_there(void **state)
{
    (void)state;
    struct pair pair;
    updates_init(&pair, no_unique);
    add_insert(&pair, 50);
    cdc_batch_join(&pair.group, &pair.member);
    for (int64_t id = 1; id <= 20; id++) {
        update(&pair.member, id, true);
        cdc_batch_join(&pair.group, &pair.member);
    }
    cdc_batch_finish(&pair.group);
    const char *sql = fx_buf_cstr(&pair.group.sql);
    assert_ptr_equal(strstr(sql, "insert into"), sql);
    assert_int_equal(times(sql, "insert into"), 1);
    assert_int_equal(times(sql, "update "), 1);
    assert_int_equal(pair.group.matches.len, 2);
    assert_int_equal(pair.group.matches.n[1], 20);
    pair_done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group__takes_up_to_its_rows_and_bytes),
        cmocka_unit_test(test_group__a_transaction_without_rows_is_a_member),
        cmocka_unit_test(test_group__is_due_when_full_or_after_20_ms),
        cmocka_unit_test(test_group__a_limit_of_members_holds),
        cmocka_unit_test(test_join__inserts_of_two_transactions_are_one_statement),
        cmocka_unit_test(test_join__deletes_by_key_are_one_list),
        cmocka_unit_test(test_join__order_is_kept_over_transactions),
        cmocka_unit_test(test_join__a_statement_grows_only_to_its_limit),
        cmocka_unit_test(test_updates__few_are_statements_of_their_own),
        cmocka_unit_test(test_updates__many_are_one_statement_that_counts_them),
        cmocka_unit_test(test_updates__a_key_is_in_a_statement_once),
        cmocka_unit_test(test_updates__of_other_columns_are_another_statement),
        cmocka_unit_test(test_updates__a_second_unique_key_keeps_them_apart),
        cmocka_unit_test(test_updates__a_changed_key_goes_alone_and_in_order),
        cmocka_unit_test(test_updates__single_transactions_become_one_statement),
        cmocka_unit_test(test_updates__before_others_begin_after_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
