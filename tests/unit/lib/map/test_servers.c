/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A project bound to both servers: tests/integration/2201-mapping.sh loads the demo's schemas and
 * names the project file in FX_TEST_PROJECT; without it these tests are skipped.
 *
 * The main one carries every row of every table over as the applier does, and demands that what the
 * new side then holds is what was mapped, and that mapping it back gives the row that was read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/map/map.h"
#include "tests/harness/session.h"

#define OK(expr)                                                                     \
    do {                                                                             \
        if (!(expr))                                                                 \
            fail_msg("%s: %s\n%s\n%s", #expr, err.message, err.detail, err.context); \
    } while (0)

struct world {
    struct fx_arena arena;
    struct fx_project *project;
    struct fx_context *ctx;
    struct fx_db *old_db, *new_db;
};

static struct world *open_world(void)
{
    const char *path = getenv("FX_TEST_PROJECT");
    struct fx_err err = FX_ERR_INIT;
    if (path == NULL)
        skip();
    struct world *w = FX_NEW(struct world);
    fx_arena_init(&w->arena, 0);
    OK(fx_project_load(path, &w->arena, &w->project, &err));
    w->ctx = fx_project_context(w->project, "orders");
    assert_non_null(w->ctx);
    OK(session_open(w->ctx->old_db, &w->old_db, &err));
    OK(fx_db_open(w->ctx->new_db, &w->new_db, &err));
    return w;
}

static void close_world(struct world *w)
{
    fx_db_close(w->old_db);
    fx_db_close(w->new_db);
    fx_arena_done(&w->arena);
    free(w);
}

static void run(struct fx_db *db, const char *sql)
{
    struct fx_err err = FX_ERR_INIT;
    if (!fx_db_exec(db, sql, NULL, 0, NULL, &err))
        fail_msg("%.300s: %s", sql, err.message);
}

static struct fx_scan *scan_all(struct fx_db *db, const struct fx_table *t, struct fx_arena *arena)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_scan *scan;
    int *columns = fx_arena_array(arena, t->n_columns, sizeof *columns);
    for (size_t c = 0; c < t->n_columns; c++)
        columns[c] = (int)c;
    struct fx_scan_spec spec = {
        .table = t, .columns = columns, .n_columns = t->n_columns, .is_ordered = true};
    OK(fx_scan_open(db, &spec, &scan, &err));
    return scan;
}

static void add_names(const struct fx_map_table *map, struct fx_buf *sql)
{
    fx_buf_add_c(sql, "insert into ");
    fx_db_ident(FX_MY, map->new_schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(FX_MY, map->new_name, sql);
    for (size_t i = 0; i < map->n_columns; i++) {
        fx_buf_add_c(sql, i == 0 ? " (" : ", ");
        fx_db_ident(FX_MY, map->columns[i].new_name, sql);
    }
    fx_buf_add_c(sql, ") values ");
}

static size_t copy_table(struct world *w, const struct fx_map_table *map)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 24);
    struct fx_err err = FX_ERR_INIT;
    struct fx_value *row;
    size_t n = 0;
    fx_arena_init(&arena, 0);
    struct fx_scan *scan = scan_all(w->old_db, map->old_table, &w->arena);
    struct fx_value *out = fx_arena_array(&w->arena, map->n_columns, sizeof *out);
    for (;; n++) {
        OK(fx_scan_next(scan, &row, &err));
        if ((row == NULL || n % 100 == 0) && sql.len > 0) {
            run(w->new_db, fx_buf_cstr(&sql));
            fx_buf_clear(&sql);
        }
        if (row == NULL)
            break;
        OK(fx_map_row(map, FX_FORWARD, row, out, &arena, &err));
        if (sql.len == 0)
            add_names(map, &sql);
        else
            fx_buf_add_char(&sql, ',');
        for (size_t i = 0; i < map->n_columns; i++) {
            fx_buf_add_c(&sql, i == 0 ? "(" : ",");
            OK(fx_db_value_literal(FX_MY, &out[i], &map->new_table->columns[map->new_index[i]].type,
                                   &sql, &err));
        }
        fx_buf_add_char(&sql, ')');
        fx_arena_clear(&arena);
    }
    fx_scan_close(scan);
    return n;
}

static void expect(const struct fx_map_table *map, size_t row, size_t i, const struct fx_value *is,
                   const struct fx_value *want)
{
    if (fx_value_equal(is, want))
        return;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    fx_value_show_whole(is, &out);
    fx_buf_add_c(&out, " is not ");
    fx_value_show_whole(want, &out);
    fail_msg("row %zu of %s, column %s: %s", row, map->old_name, map->columns[i].old_name,
             fx_buf_cstr(&out));
}

static void compare_table(struct world *w, const struct fx_map_table *map, size_t n)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_err err = FX_ERR_INIT;
    struct fx_value *old_row, *new_row;
    fx_arena_init(&arena, 0);
    struct fx_scan *old_scan = scan_all(w->old_db, map->old_table, &w->arena);
    struct fx_scan *new_scan = scan_all(w->new_db, map->new_table, &w->arena);
    struct fx_value *there = fx_arena_array(&w->arena, map->n_columns, sizeof *there);
    struct fx_value *back = fx_arena_array(&w->arena, map->n_columns, sizeof *back);
    for (size_t r = 0; r <= n; r++) {
        OK(fx_scan_next(old_scan, &old_row, &err));
        OK(fx_scan_next(new_scan, &new_row, &err));
        assert_true((old_row == NULL) == (r == n) && (new_row == NULL) == (r == n));
        if (old_row == NULL)
            break;
        OK(fx_map_row(map, FX_FORWARD, old_row, there, &arena, &err));
        OK(fx_map_row(map, FX_REVERSE, new_row, back, &arena, &err));
        for (size_t i = 0; i < map->n_columns; i++) {
            expect(map, r, i, &new_row[map->new_index[i]], &there[i]);
            expect(map, r, i, &back[i], &old_row[map->old_index[i]]);
        }
        fx_arena_clear(&arena);
    }
    fx_scan_close(old_scan);
    fx_scan_close(new_scan);
}

static void test_map__every_row_of_the_shop_goes_there_and_comes_back(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct world *w = open_world();
    OK(fx_map_bind(w->ctx, w->old_db, w->new_db, &w->arena, &err));
    run(w->new_db, "set foreign_key_checks = 0");
    for (size_t t = 0; t < w->ctx->n_tables; t++) {
        const struct fx_map_table *map = &w->ctx->tables[t];
        size_t n = copy_table(w, map);
        assert_true(n >= 100);
        compare_table(w, map, n);
    }
    close_world(w);
}

/* Changes one column, binds, expects a MAPPING error
 * that names what is wrong, and puts the column back. */
static void expect_finding(const char *old_sql, const char *new_sql, const char *old_undo,
                           const char *new_undo, const char *finding)
{
    struct fx_err err = FX_ERR_INIT;
    struct world *w = open_world();
    run(w->old_db, old_sql);
    run(w->new_db, new_sql);
    bool is_bound = fx_map_bind(w->ctx, w->old_db, w->new_db, &w->arena, &err);
    run(w->old_db, old_undo);
    run(w->new_db, new_undo);
    if (is_bound)
        fail_msg("bound, although %s", finding);
    assert_int_equal(err.code, FX_E_MAPPING);
    if (strstr(err.detail, finding) == NULL && strstr(err.message, finding) == NULL)
        fail_msg("\"%s\" is not in: %s; %s", finding, err.message, err.detail);
    close_world(w);
}

static void test_map__binding_refuses_what_would_lose_something(void **state)
{
    (void)state;
    expect_finding("alter table order_facts add x integer", "select 1",
                   "alter table order_facts drop x", "select 1", "has no column \"x\"");
    expect_finding("select 1", "alter table orders.order_facts add y int", "select 1",
                   "alter table orders.order_facts drop y",
                   "column \"y\" of new table \"orders.order_facts\" has no old");
    expect_finding("alter table order_facts add z point",
                   "alter table orders.order_facts add z int", "alter table order_facts drop z",
                   "alter table orders.order_facts drop z", "type point is not supported");
    expect_finding("alter table order_facts add z numeric(12,3)",
                   "alter table orders.order_facts add z decimal(12,2)",
                   "alter table order_facts drop z", "alter table orders.order_facts drop z",
                   "too many digits after the point");
    expect_finding("alter table order_facts add z integer",
                   "alter table orders.order_facts add z int not null default 0",
                   "alter table order_facts drop z", "alter table orders.order_facts drop z",
                   "a NULL could not be copied to the new side");
    expect_finding("alter table order_facts add z text",
                   "alter table orders.order_facts add z longblob",
                   "alter table order_facts drop z", "alter table orders.order_facts drop z",
                   "cannot hold each other's values");
    expect_finding("select 1",
                   "alter table orders.order_facts drop primary key, add primary key (barcode)",
                   "select 1",
                   "alter table orders.order_facts drop primary key, add primary key (order_id), "
                   "modify barcode bigint null",
                   "primary key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__binding_refuses_what_would_lose_something),
        cmocka_unit_test(test_map__every_row_of_the_shop_goes_there_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
