/* SPDX-License-Identifier: Apache-2.0 */
/* The table of engines: which row a session gets, and in which place an engine is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ownership/engine.h"
#include "lib/ownership/sides.h"

extern const struct fx_own_engine fx_own_postgresql, fx_own_mariadb;

static const char *version;
static const char *fake_version(const struct fx_db *db)
{
    (void)db;
    return version;
}

static const struct fx_db_driver driver = {.version = fake_version};
static const struct fx_db_conf pg_conf = {.name = "mono", .engine = FX_PG};
static const struct fx_db_conf my_conf = {.name = "shop", .engine = FX_MY};

static const struct fx_own_engine *row_of(const struct fx_db_conf *conf, const char *text)
{
    struct fx_db db = {.driver = &driver, .conf = conf};
    version = text;
    return fx_own_engine_of(&db);
}

static void test_flavours(void **state)
{
    (void)state;
    assert_ptr_equal(row_of(&pg_conf, "15.14 (Debian 15.14-0+deb12u1)"), &fx_own_postgresql);
    assert_ptr_equal(row_of(&my_conf, "10.11.14-MariaDB-0+deb12u2-log"), &fx_own_mariadb);
    assert_null(row_of(&my_conf, "8.0.36")); /* MySQL has no row yet */
}

/* A server that no row knows has no ownership installed: readers go on as without it. */
static void test_no_row_no_table(void **state)
{
    (void)state;
    struct fx_db db = {.driver = &driver, .conf = &my_conf};
    struct fx_own_look look;
    struct fx_err err = FX_ERR_INIT;
    version = "8.0.36";
    assert_true(fx_own_look(&db, "orders", &look, &err));
    assert_int_equal(look.presence, FX_OWN_NO_TABLE);
}

static void test_places(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_context ctx = {.name = "orders", .old_db = &pg_conf, .new_db = &my_conf};
    assert_true(fx_sides_supported(&ctx, &err));
    ctx.new_db = &pg_conf;
    assert_false(fx_sides_supported(&ctx, &err));
    assert_int_equal(err.code, FX_E_UNSUPPORTED);
    assert_string_equal(err.message, "context \"orders\": this release has no tested cut-over with "
                                     "PostgreSQL as the new side");
    assert_string_equal(err.hint,
                        "As the new side this release takes: MariaDB. Move database \"mono\" to "
                        "one of these, or name another database in ficus.yaml.");
    ctx.old_db = &my_conf;
    assert_false(fx_sides_supported(&ctx, &err));
    assert_string_equal(err.message, "context \"orders\": this release has no tested cut-over with "
                                     "MariaDB as the old side");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flavours),
        cmocka_unit_test(test_no_row_no_table),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
