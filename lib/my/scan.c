/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams the rows of a MariaDB table as canonical values, unbuffered, in bytewise key order.
 *
 * Values come over the text protocol in forms that lose nothing: a FLOAT is widened to DOUBLE first
 * (it prints six digits otherwise), and a DOUBLE prints the shortest digits that read back as
 * itself.
 *
 * Keys that MariaDB does not keep in byte order are ordered by an expression: text by
 * utf8mb4_nopad_bin, UUID by its 36 characters (the type sorts version 1 by time). Others use the
 * primary key's index.
 */
#include "lib/my/my_priv.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/value/map_my.h"

struct my_scan {
    struct fx_scan base;
    struct my_db *my;
    MYSQL_RES *res;
    const struct fx_table *table;
    int *columns; /* into table->columns; owned */
    size_t n_columns;
    struct fx_value *row;  /* owned */
    struct fx_arena arena; /* of the present row */
    int64_t n_rows;
    bool keeps_unreadable;
};

static struct my_scan *scan_of(struct fx_scan *scan)
{
    return FX_CONTAINER_OF(scan, struct my_scan, base);
}

static void add_select_item(const struct fx_column *column, struct fx_buf *sql)
{
    bool is_float = column->type.kind == FX_V_DOUBLE && column->type.is_float;
    fx_buf_add_c(sql, is_float ? "cast(" : "");
    fx_db_ident(FX_MY, column->name, sql);
    fx_buf_add_c(sql, is_float ? " as double)" : "");
}

static void add_order_item(const struct fx_column *column, struct fx_buf *sql)
{
    const char *before = "";
    const char *after = "";
    if (column->type.kind == FX_V_TEXT || column->type.kind == FX_V_JSON) {
        before = "convert(";
        after = " using utf8mb4) collate utf8mb4_nopad_bin";
    } else if (column->type.kind == FX_V_UUID) {
        before = "cast(";
        after = " as char(36))";
    }
    fx_buf_add_c(sql, before);
    fx_db_ident(FX_MY, column->name, sql);
    fx_buf_add_c(sql, after);
}

static bool build(struct my_db *my, const struct fx_scan_spec *spec, struct fx_buf *sql,
                  struct fx_err *err)
{
    const struct fx_table *table = spec->table;
    fx_buf_add_c(sql, "select ");
    for (size_t i = 0; i < spec->n_columns; i++) {
        fx_buf_add_c(sql, i > 0 ? ", " : "");
        add_select_item(&table->columns[spec->columns[i]], sql);
    }
    fx_buf_add_c(sql, " from ");
    fx_db_ident(FX_MY, table->schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(FX_MY, table->name, sql);
    if (spec->where != NULL)
        fx_buf_printf(sql, " where (%s)", spec->where);
    if (spec->is_ordered && table->n_key == 0)
        return fx_fail(err, FX_E_NO_KEY, "table \"%s.%s\" of database \"%s\" has no primary key",
                       table->schema, table->name, my->base.conf->name) ||
               fx_hint(
                   err,
                   "Add one (ALTER TABLE ... ADD PRIMARY KEY ...), or take the table out of the "
                   "context in ficus.yaml. Then run the same command again.");
    for (size_t i = 0; spec->is_ordered && i < table->n_key; i++) {
        fx_buf_add_c(sql, i > 0 ? ", " : " order by ");
        add_order_item(&table->columns[table->key[i]], sql);
    }
    return fx_my_bind(my, fx_buf_cstr(sql), spec->params, spec->n_params, err);
}

bool fx_my_scan_open(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                     struct fx_err *err)
{
    struct my_db *my = my_of(db);
    if (my->is_broken)
        return fx_fail(err, FX_E_DB_CONNECT,
                       "the connection to database \"%s\" was lost by an earlier statement",
                       db->conf->name) ||
               fx_hint(err, FX_SERVER_GONE);
    if (my->is_scanning)
        FX_BUG("two scans on one MariaDB session");
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 20);
    if (!build(my, spec, &sql, err))
        return false;
    fx_my_bounds_ask(my, fx_buf_str(&my->sql));
    if (mysql_real_query(my->mysql, my->sql.ptr, my->sql.len) != 0)
        return fx_my_fail(my, err, "could not read from") ||
               fx_ctx(err, "reading table \"%s.%s\"", spec->table->schema, spec->table->name);
    MYSQL_RES *res = mysql_use_result(my->mysql);
    if (res == NULL)
        return mysql_errno(my->mysql) == 0
                   ? fx_db_fail_answer(db, "without rows to a statement that asks for some", err)
                   : fx_my_fail(my, err, "could not read from");
    if (mysql_num_fields(res) != spec->n_columns) {
        mysql_free_result(res);
        return fx_db_fail_answer(db, "with other columns than were asked for", err);
    }
    struct my_scan *scan = FX_NEW(struct my_scan);
    *scan = (struct my_scan){.base = {.driver = &fx_my_driver},
                             .my = my,
                             .res = res,
                             .table = spec->table,
                             .n_columns = spec->n_columns,
                             .keeps_unreadable = spec->keeps_unreadable};
    scan->row = fx_alloc_array(spec->n_columns, sizeof *scan->row);
    scan->columns = fx_alloc_array(spec->n_columns, sizeof *scan->columns);
    memcpy(scan->columns, spec->columns, spec->n_columns * sizeof *scan->columns);
    fx_arena_init(&scan->arena, 0);
    my->is_scanning = true;
    *ret_scan = &scan->base;
    return true;
}

bool fx_my_scan_next(struct fx_scan *base, struct fx_value **ret_row, struct fx_err *err)
{
    struct my_scan *scan = scan_of(base);
    fx_arena_clear(&scan->arena);
    MYSQL_ROW row = mysql_fetch_row(scan->res);
    if (row == NULL) {
        if (mysql_errno(scan->my->mysql) != 0)
            return fx_my_fail(scan->my, err, "could not read from") ||
                   fx_ctx(err, "reading row %lld of table \"%s.%s\"", (long long)scan->n_rows + 1,
                          scan->table->schema, scan->table->name);
        *ret_row = NULL;
        return true;
    }
    const unsigned long *lengths = mysql_fetch_lengths(scan->res);
    scan->n_rows++;
    for (size_t i = 0; i < scan->n_columns; i++) {
        const struct fx_column *column = &scan->table->columns[scan->columns[i]];
        struct fx_str cell = {row[i], row[i] != NULL ? lengths[i] : 0};
        if (fx_my_value(&column->type, cell, &scan->arena, &scan->row[i], err))
            continue;
        if (!scan->keeps_unreadable || !fx_scan_keep_unreadable(column, cell, &scan->row[i], err))
            return fx_ctx(err, "reading column \"%s\" in row %lld of table \"%s.%s\"", column->name,
                          (long long)scan->n_rows, scan->table->schema, scan->table->name);
    }
    *ret_row = scan->row;
    return true;
}

void fx_my_scan_close(struct fx_scan *base)
{
    if (base == NULL)
        return;
    struct my_scan *scan = scan_of(base);
    mysql_free_result(scan->res); /* reads and drops what is left */
    scan->my->is_scanning = false;
    fx_arena_done(&scan->arena);
    free(scan->columns);
    free(scan->row);
    free(scan);
}
