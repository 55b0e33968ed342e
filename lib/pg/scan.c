/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams a table as canonical values in libpq's single-row mode: memory is one row, whatever the
 * table.
 *
 * A scan that is closed before its end is cancelled on the server; inside a transaction that would
 * abort the snapshot which other scans still need, so there each scan has a savepoint of its own.
 */
#include "lib/pg/conn.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/db/params.h"
#include "lib/value/map_pg.h"

struct pg_scan {
    struct fx_scan base;
    struct fx_pg_db *pg;
    const struct fx_table *table;
    const int *columns; /* into table->columns */
    size_t n_columns;
    struct fx_value *row;
    struct fx_arena own;       /* lives as long as the scan */
    struct fx_arena row_arena; /* cleared for each row */
    PGresult *res;             /* the present row's; its text is borrowed by values */
    bool keeps_unreadable;
    bool has_savepoint;
    bool is_done;
};

static void add_order(const struct fx_table *table, struct fx_buf *sql)
{
    for (size_t i = 0; i < table->n_key; i++) {
        const struct fx_column *column = &table->columns[table->key[i]];
        fx_buf_add_c(sql, i == 0 ? " order by " : ", ");
        fx_db_ident(FX_PG, column->name, sql);
        if (column->type.kind == FX_V_TEXT)
            fx_buf_add(sql, FX_STR(" collate \"C\"")); /* bytes of UTF-8, as on the other engine */
    }
}

static void add_select(const struct fx_scan_spec *spec, struct fx_buf *sql)
{
    const struct fx_table *table = spec->table;
    fx_buf_add(sql, FX_STR("select "));
    for (size_t i = 0; i < spec->n_columns; i++) {
        if (i > 0)
            fx_buf_add(sql, FX_STR(", "));
        fx_db_ident(FX_PG, table->columns[spec->columns[i]].name, sql);
    }
    /* ONLY: what inherits from a plain table is another table to the publication, too. */
    fx_buf_add_c(sql, table->leaves == NULL || table->leaves[0] == NULL ? " from only " : " from ");
    fx_db_ident(FX_PG, table->schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(FX_PG, table->name, sql);
    if (spec->where != NULL) {
        fx_buf_add(sql, FX_STR(" where ("));
        fx_params_number(spec->where, sql);
        fx_buf_add_char(sql, ')');
    }
    if (spec->is_ordered)
        add_order(table, sql);
}

static struct pg_scan *scan_new(struct fx_pg_db *pg, const struct fx_scan_spec *spec)
{
    struct pg_scan *scan = FX_NEW(struct pg_scan);
    scan->base.driver = &fx_pg_driver;
    scan->keeps_unreadable = spec->keeps_unreadable;
    scan->pg = pg;
    scan->table = spec->table;
    scan->n_columns = spec->n_columns;
    fx_arena_init(&scan->own, 0);
    fx_arena_init(&scan->row_arena, 0);
    scan->row = fx_arena_array(&scan->own, spec->n_columns + 1, sizeof *scan->row);
    int *columns = fx_arena_array(&scan->own, spec->n_columns + 1, sizeof *columns);
    for (size_t i = 0; i < spec->n_columns; i++)
        columns[i] = spec->columns[i];
    scan->columns = columns;
    return scan;
}

static void scan_free(struct pg_scan *scan)
{
    PQclear(scan->res);
    fx_arena_done(&scan->row_arena);
    fx_arena_done(&scan->own);
    free(scan);
}

static bool send(struct pg_scan *scan, const struct fx_scan_spec *spec, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 24);
    struct fx_pg_db *pg = scan->pg;
    add_select(spec, &sql);
    const char *const *params = fx_pg_params(spec->params, spec->n_params, &scan->own);
    if (!PQsendQueryParams(pg->conn, fx_buf_cstr(&sql), (int)spec->n_params, NULL, params, NULL,
                           NULL, 0) ||
        !PQsetSingleRowMode(pg->conn))
        return fx_pg_db_fail(pg, NULL, err);
    pg->is_scanning = true;
    return true;
}

bool fx_pg_scan_open(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                     struct fx_err *err)
{
    struct fx_pg_db *pg = fx_pg_db_of(db);
    FX_ASSERT(!pg->is_scanning);
    struct pg_scan *scan = scan_new(pg, spec);
    if (PQtransactionStatus(pg->conn) == PQTRANS_INTRANS) {
        if (!fx_pg_db_command(pg, "savepoint ficus_scan", err)) {
            scan_free(scan);
            return false;
        }
        scan->has_savepoint = true;
    }
    if (!send(scan, spec, err)) {
        fx_ctx(err, "reading table \"%s.%s\"", spec->table->schema, spec->table->name);
        scan_free(scan);
        return false;
    }
    *ret_scan = &scan->base;
    return true;
}

static bool read_row(struct pg_scan *scan, struct fx_err *err)
{
    fx_arena_clear(&scan->row_arena);
    if (PQntuples(scan->res) != 1 || (size_t)PQnfields(scan->res) != scan->n_columns)
        return fx_db_fail_answer(&scan->pg->base, "with other columns than were asked for", err);
    for (size_t i = 0; i < scan->n_columns; i++) {
        const struct fx_column *column = &scan->table->columns[scan->columns[i]];
        struct fx_str text = {0};
        if (!PQgetisnull(scan->res, 0, (int)i)) {
            text.ptr = PQgetvalue(scan->res, 0, (int)i);
            text.len = (size_t)PQgetlength(scan->res, 0, (int)i);
        }
        if (fx_pg_value(&column->type, text, &scan->row_arena, &scan->row[i], err))
            continue;
        if (!scan->keeps_unreadable || !fx_scan_keep_unreadable(column, text, &scan->row[i], err))
            return fx_ctx(err, "reading column \"%s\" of table \"%s.%s\"", column->name,
                          scan->table->schema, scan->table->name);
    }
    return true;
}

/* All rows are here: the end of the command follows, and then the session is free again. */
static bool finish(struct pg_scan *scan, struct fx_err *err)
{
    PGresult *res;
    while ((res = PQgetResult(scan->pg->conn)) != NULL)
        PQclear(res);
    scan->is_done = true;
    scan->pg->is_scanning = false;
    return !scan->has_savepoint || fx_pg_db_command(scan->pg, "release savepoint ficus_scan", err);
}

bool fx_pg_scan_next(struct fx_scan *base, struct fx_value **ret_row, struct fx_err *err)
{
    struct pg_scan *scan = FX_CONTAINER_OF(base, struct pg_scan, base);
    if (scan->is_done) {
        *ret_row = NULL;
        return true;
    }
    PQclear(scan->res);
    scan->res = PQgetResult(scan->pg->conn);
    ExecStatusType status = PQresultStatus(scan->res);
    if (status == PGRES_SINGLE_TUPLE) {
        if (!read_row(scan, err))
            return false;
        *ret_row = scan->row;
        return true;
    }
    if (status != PGRES_TUPLES_OK) {
        fx_pg_db_fail(scan->pg, scan->res, err);
        return fx_ctx(err, "reading table \"%s.%s\"", scan->table->schema, scan->table->name);
    }
    *ret_row = NULL;
    return finish(scan, err);
}

void fx_pg_scan_close(struct fx_scan *base)
{
    if (base == NULL)
        return;
    struct pg_scan *scan = FX_CONTAINER_OF(base, struct pg_scan, base);
    if (!scan->is_done) {
        struct fx_err ignored = FX_ERR_INIT;
        PGresult *res;
        fx_pg_cancel(scan->pg->conn);
        while ((res = PQgetResult(scan->pg->conn)) != NULL)
            PQclear(res);
        scan->pg->is_scanning = false;
        if (scan->has_savepoint &&
            !fx_pg_db_command(scan->pg,
                              "rollback to savepoint ficus_scan; release savepoint ficus_scan",
                              &ignored))
            scan->pg->is_broken = true; /* the next statement will say so */
    }
    scan_free(scan);
}
