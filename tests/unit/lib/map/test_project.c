/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ficus.yaml: what a good one yields, and that a bad one
 * shows all its problems at once, each at its place.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>

#include "lib/map/map.h"
#include "tests/unit/tmp.h"

static const char good[] =
    "apiVersion: ficus/v1\n"
    "kind: Project\n"
    "databases:\n"
    "  mono: {url: \"postgresql://ficus@127.0.0.1:5433/shop\", password: {env: FX_NO_SUCH}}\n"
    "  orders: {url: \"mysql://ficus@127.0.0.1:3307/orders\"}\n"
    "upstreams:\n"
    "  monolith: {endpoints: [\"http://127.0.0.1:8081\"]}\n"
    "  service: {endpoints: [\"http://127.0.0.1:8082\"]}\n"
    "contexts:\n"
    "  orders:\n"
    "    old: {upstream: monolith, database: mono}\n"
    "    new: {upstream: service, database: orders}\n"
    "    tables:\n"
    "      - public.order_lines\n"
    "      - from: public.orders\n"
    "        to: orders.customer_orders\n"
    "        columns:\n"
    "          cust: customer_id\n"
    "          total: {to: total_cents, as: \"total * 100\", back: \"total_cents / 100\"}\n";

static bool load(const char *text, struct fx_arena *arena, struct fx_project **ret_project,
                 struct fx_err *err)
{
    char path[256];
    snprintf(path, sizeof path, "%s/fx-project-XXXXXX", test_tmp());
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    bool is_ok = fx_project_load(path, arena, ret_project, err);
    unlink(path);
    return is_ok;
}

static void test_project__a_good_file_yields_databases_contexts_and_tables(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_project *project;
    if (!load(good, &arena, &project, &err))
        fail_msg("%s %s", err.message, err.detail);
    char state_dir[256];
    snprintf(state_dir, sizeof state_dir, "%s/.ficus", test_tmp());
    assert_string_equal(project->state_dir, state_dir);
    assert_int_equal(project->n_databases, 2);
    struct fx_context *ctx = fx_project_context(project, "orders");
    assert_non_null(ctx);
    assert_null(fx_project_context(project, "nope"));
    assert_string_equal(ctx->old_db->name, "mono");
    assert_int_equal(ctx->new_db->engine, FX_MY);
    assert_string_equal(ctx->old_upstream, "monolith");
    assert_int_equal(ctx->n_tables, 2);
    assert_string_equal(ctx->tables[0].new_schema, "orders"); /* same name, new database */
    assert_string_equal(ctx->tables[0].new_name, "order_lines");
    assert_string_equal(ctx->tables[1].new_name, "customer_orders");
    assert_int_equal(ctx->tables[1].n_renames, 2);
    assert_string_equal(ctx->tables[1].renames[0].new_name, "customer_id");
    assert_non_null(ctx->tables[1].renames[1].forward);
    /* The secret is read when the database is opened, and only then missed. */
    struct fx_db *db;
    assert_false(fx_db_open(ctx->old_db, &db, &err));
    assert_int_equal(err.code, FX_E_SECRET);
}

/* Replaces the first `from` of the good file by `to`. */
static void edited(const char *from, const char *to, struct fx_buf *out)
{
    const char *at = strstr(good, from);
    assert_non_null(at);
    fx_buf_add_bytes(out, good, (size_t)(at - good));
    fx_buf_add_c(out, to);
    fx_buf_add_c(out, at + strlen(from));
}

static const char *digest_of(const char *tables, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(8192);
    struct fx_err err = FX_ERR_INIT;
    struct fx_project *project = NULL;
    const char *at = strstr(good, "    tables:\n");
    fx_buf_add(&text, (struct fx_str){good, (size_t)(at - good)});
    fx_buf_printf(&text, "    tables:\n      - %s\n", tables);
    assert_true(load(fx_buf_cstr(&text), arena, &project, &err));
    return project->contexts[0].digest;
}

/* The key of an entry may change while a stream runs; a column of that name may not. */
static void test_project__a_column_may_be_called_as_a_key_that_is_left_out(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    assert_string_equal(digest_of("public.orders", &arena),
                        digest_of("{from: public.orders, dropped_partitions: keep_rows}", &arena));
    assert_string_not_equal(
        digest_of("{from: public.orders, columns: {dropped_partitions: a}}", &arena),
        digest_of("{from: public.orders, columns: {dropped_partitions: b}}", &arena));
}

static void test_project__each_mistake_is_named_where_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *place, *problem;
    } cases[] = {
        {"kind: Project", "kind: Plan", ":2:7:", "kind must be Project"},
        {"kind: Project", "kind: Project\nkafka: {}", ":3:1:", "unknown key \"kafka\""},
        {"ficus@127.0.0.1:5433/shop", "ficus:x@h/shop", ":4:15:", "must not hold a password"},
        {"password: {env: FX_NO_SUCH}", "password: hunter2", ":4:", "not the password"},
        {"database: mono}", "database: mano}", ":11:", "did you mean \"mono\""},
        {"upstream: monolith", "upstream: monolit", ":11:", "did you mean \"monolith\""},
        {"database: mono}", "database: orders}", ":11:", "from PostgreSQL to MariaDB only"},
        {"public.order_lines", "a.b.c", ":14:9:", "is not a table name"},
        {"public.order_lines", "public.orders", ":15:", "is listed twice"},
        {"total * 100", "total * total", ":19:", "has no inverse"},
        {"total_cents / 100", "total_cents / 10", ":19:", "is not the inverse of"},
        {", back: \"total_cents / 100\"", "", ":19:", "`back:` is missing"},
        {"  orders:\n    old", "  Orders-1:\n    old", ":10:3:", "is not a valid context name"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
        fx_arena_init(&arena, 0);
        struct fx_err err = FX_ERR_INIT;
        struct fx_project *project;
        edited(cases[i].from, cases[i].to, &text);
        assert_false(load(fx_buf_cstr(&text), &arena, &project, &err));
        assert_int_equal(err.code, FX_E_CONFIG);
        FX_AUTO(fx_buf) struct fx_buf all = FX_BUF(1 << 16);
        fx_err_render(&err, "test", &all);
        if (strstr(fx_buf_cstr(&all), cases[i].problem) == NULL ||
            strstr(fx_buf_cstr(&all), cases[i].place) == NULL)
            fail_msg("expected \"%s\" at %s in:\n%s", cases[i].problem, cases[i].place,
                     fx_buf_cstr(&all));
    }
}

static void test_project__all_problems_come_out_of_one_run(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_project *project;
    assert_false(load("apiVersion: ficus/v2\nkind: Project\ndatabases: {a: {}}\n"
                      "contexts: {c: {old: {database: x}, tables: []}}\n",
                      &arena, &project, &err));
    FX_AUTO(fx_buf) struct fx_buf all = FX_BUF(1 << 16);
    fx_err_render(&err, "test", &all);
    static const char *const problems[] = {"apiVersion must be ficus/v1", "url",
                                           "there is no database \"x\"", "new",
                                           "at least one table"};
    for (size_t i = 0; i < FX_ARRAY_LEN(problems); i++) {
        if (strstr(fx_buf_cstr(&all), problems[i]) == NULL)
            fail_msg("\"%s\" is missing in:\n%s", problems[i], fx_buf_cstr(&all));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_project__a_good_file_yields_databases_contexts_and_tables),
        cmocka_unit_test(test_project__each_mistake_is_named_where_it_stands),
        cmocka_unit_test(test_project__a_column_may_be_called_as_a_key_that_is_left_out),
        cmocka_unit_test(test_project__all_problems_come_out_of_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
