/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of engines: every engine can do everything that is
 * asked without looking, and its dialect is as it should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/engine.h"
#include "lib/db/engine.h"

static const struct cdc_engine *engine(enum fx_engine id)
{
    const struct fx_db_conf conf = {.name = "x", .engine = id};
    return cdc_engine_of(&conf);
}

static void test_engine__every_engine_fills_in_both_roles(void **state)
{
    (void)state;
    static const enum fx_engine ids[] = {FX_PG, FX_MY};
    for (size_t i = 0; i < FX_ARRAY_LEN(ids); i++) {
        const struct cdc_engine *e = engine(ids[i]);
        assert_int_equal(e->id, ids[i]);
        assert_true(e->check_server && e->check_rights && e->check_silent_loss && e->read_keys);
        assert_true(e->install && e->uninstall);
        assert_true(e->source.open && e->source.estimate_rows && e->source.is_progress_due);
        assert_true(e->target.prepare && e->target.delete_some);
        assert_true(e->target.drop_key && e->target.add_key);
        assert_true(e->target.insert_with_ids && e->target.insert_if_missing);
        assert_true(e->target.insert_if_missing_end && e->target.keep_barrier);
    }
}

static void delete_is(enum fx_engine id, const char *where, const char *expected)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    engine(id)->target.delete_some("s.t", where, 10, &sql);
    assert_string_equal(fx_buf_cstr(&sql), expected);
}

static void test_engine__deletes_a_few_rows(void **state)
{
    (void)state;
    delete_is(FX_MY, NULL, "delete from s.t limit 10");
    delete_is(FX_MY, "grp = 'a'", "delete from s.t where grp = 'a' limit 10");
    delete_is(
        FX_PG, NULL,
        "delete from s.t where (tableoid, ctid) in (select tableoid, ctid from s.t limit 10)");
    delete_is(FX_PG, "grp = 'a'",
              "delete from s.t where (tableoid, ctid) in (select tableoid, ctid from s.t where grp "
              "= 'a' limit 10)");
}

/* A slot keeps its log, so its progress row follows seldom;
 * a binary log may be purged, so it follows always. */
static void test_engine__progress_follows_the_log(void **state)
{
    (void)state;
    const struct fx_pos at = FX_POS("0/2000000"), near = FX_POS("0/1FFFFFF"),
                        far = FX_POS("0/1000000");
    assert_false(engine(FX_PG)->source.is_progress_due(&at, &near, false, true));
    assert_true(engine(FX_PG)->source.is_progress_due(&at, &near, true, false));
    assert_true(engine(FX_PG)->source.is_progress_due(&at, &far, false, false));
    assert_true(engine(FX_MY)->source.is_progress_due(&at, &near, false, true));
    assert_false(engine(FX_MY)->source.is_progress_due(&at, &far, true, false));
}

static void test_engine__a_pair_that_is_not_supported_is_named(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    const struct fx_db_conf pg = {.name = "a", .engine = FX_PG},
                            my = {.name = "b", .engine = FX_MY};
    assert_true(fx_engine_pair_check(&pg, &my, &err));
    assert_false(fx_engine_pair_check(&my, &pg, &err));
    assert_int_equal(err.code, FX_E_UNSUPPORTED);
    assert_string_equal(err.message,
                        "this release cannot move a context from database \"b\" (MySQL or MariaDB) "
                        "to database \"a\" (PostgreSQL)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine__every_engine_fills_in_both_roles),
        cmocka_unit_test(test_engine__deletes_a_few_rows),
        cmocka_unit_test(test_engine__progress_follows_the_log),
        cmocka_unit_test(test_engine__a_pair_that_is_not_supported_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
