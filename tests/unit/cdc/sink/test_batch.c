/* SPDX-License-Identifier: Apache-2.0 */
/* SQL from changes: what is merged, what never is, and how many rows must match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/sink/batch.h"
#include "tests/unit/cdc/fixture.h"

static void add(struct cdc_batch *batch, const struct cdc_row *row)
{
    struct fx_err err = FX_ERR_INIT;
    if (!cdc_batch_row(batch, row, &err))
        fail_msg("%s", err.message);
}

static void insert(struct cdc_batch *batch, int64_t id, const char *note)
{
    struct fx_value new[] = {fixture_int(id), fixture_text(note), fixture_int(id * 10)};
    add(batch, &(struct cdc_row){.op = CDC_INSERT, .new = new});
}

static const char *finish(struct cdc_batch *batch)
{
    cdc_batch_finish(batch);
    return fx_buf_cstr(&batch->sql);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void test_batch__neighbouring_inserts_become_one_statement(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_FORWARD);
    cdc_batch_init(&batch, &f.binding, 2);
    for (int64_t id = 1; id <= 3; id++)
        insert(&batch, id, "x");
    assert_int_equal(count(finish(&batch), "insert into"), 2); /* at most two rows each */
    assert_int_equal(batch.expected, 3);
    cdc_batch_done(&batch);
}

static void test_batch__order_is_never_changed(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_FORWARD);
    cdc_batch_init(&batch, &f.binding, 100);
    struct fx_value old[] = {fixture_int(1), fixture_unchanged, fixture_unchanged};
    insert(&batch, 1, "x");
    add(&batch, &(struct cdc_row){.op = CDC_DELETE, .has_old = CDC_OLD_KEY, .old = old});
    insert(&batch, 1, "y");
    const char *sql = finish(&batch);
    assert_int_equal(count(sql, "insert into"), 2);
    assert_true(strstr(sql, "delete from") > strstr(sql, "insert into"));
    assert_int_equal(batch.expected, 3);
    cdc_batch_done(&batch);
}

static void test_batch__unchanged_columns_are_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_FORWARD);
    cdc_batch_init(&batch, &f.binding, 100);
    struct fx_value new[] = {fixture_int(1), fixture_unchanged, fixture_int(5)};
    add(&batch, &(struct cdc_row){.op = CDC_UPDATE, .new = new});
    const char *sql = finish(&batch);
    assert_non_null(strstr(sql, "`total`=5"));
    assert_null(strstr(sql, "note"));
    assert_int_equal(count(sql, "`id`"), 1); /* the key is looked for, not set */
    cdc_batch_done(&batch);
}

static void test_batch__an_update_of_nothing_still_looks_for_its_row(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_FORWARD);
    cdc_batch_init(&batch, &f.binding, 100);
    struct fx_value new[] = {fixture_int(1), fixture_unchanged, fixture_unchanged};
    add(&batch, &(struct cdc_row){.op = CDC_UPDATE, .new = new});
    assert_non_null(strstr(finish(&batch), "set `id`=`id` where `id`="));
    assert_int_equal(batch.expected, 1);
    cdc_batch_done(&batch);
}

static void test_batch__a_changed_key_is_an_update_of_the_old_one(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_FORWARD);
    cdc_batch_init(&batch, &f.binding, 100);
    struct fx_value old[] = {fixture_int(1), fixture_unchanged, fixture_unchanged};
    struct fx_value new[] = {fixture_int(2), fixture_unchanged, fixture_int(5)};
    add(&batch,
        &(struct cdc_row){.op = CDC_UPDATE, .has_old = CDC_OLD_KEY, .old = old, .new = new});
    const char *sql = finish(&batch);
    assert_non_null(strstr(sql, "set `id`=2"));
    assert_non_null(strstr(sql, "where `id`=1"));
    cdc_batch_done(&batch);
}

static void test_batch__deletes_by_a_two_column_key_use_conditions(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_REVERSE);
    cdc_batch_init(&batch, &f.binding, 100);
    for (int64_t i = 1; i <= 2; i++) {
        struct fx_value old[] = {fixture_int(i), fixture_int(7), fixture_int(9)};
        add(&batch,
            &(struct cdc_row){.op = CDC_DELETE, .table = 1, .has_old = CDC_OLD_FULL, .old = old});
    }
    const char *sql = finish(&batch);
    assert_int_equal(count(sql, "delete from"), 1);
    assert_non_null(strstr(sql, "where (\"a\"='1' and \"b\"='7') or (\"a\"='2' and \"b\"='7');"));
    assert_int_equal(batch.expected, 2);
    cdc_batch_done(&batch);
}

static void test_batch__text_is_quoted_whatever_it_holds(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    fixture_init(&f, FX_REVERSE);
    cdc_batch_init(&batch, &f.binding, 100);
    insert(&batch, 1, "'); drop table x; --");
    assert_non_null(strstr(finish(&batch), "'''); drop table x; --'"));
    cdc_batch_done(&batch);
}

static void test_batch__an_insert_without_a_value_is_refused_by_name(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_batch batch;
    struct fx_err err = FX_ERR_INIT;
    fixture_init(&f, FX_FORWARD);
    cdc_batch_init(&batch, &f.binding, 100);
    struct fx_value new[] = {fixture_int(1), fixture_unchanged, fixture_int(5)};
    assert_false(cdc_batch_row(&batch, &(struct cdc_row){.op = CDC_INSERT, .new = new}, &err));
    assert_int_equal(err.code, FX_E_SOURCE_DATA);
    assert_non_null(strstr(err.message, "note"));
    assert_non_null(strstr(err.context, "public.orders"));
    cdc_batch_done(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch__neighbouring_inserts_become_one_statement),
        cmocka_unit_test(test_batch__order_is_never_changed),
        cmocka_unit_test(test_batch__unchanged_columns_are_left_alone),
        cmocka_unit_test(test_batch__an_update_of_nothing_still_looks_for_its_row),
        cmocka_unit_test(test_batch__a_changed_key_is_an_update_of_the_old_one),
        cmocka_unit_test(test_batch__deletes_by_a_two_column_key_use_conditions),
        cmocka_unit_test(test_batch__text_is_quoted_whatever_it_holds),
        cmocka_unit_test(test_batch__an_insert_without_a_value_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
