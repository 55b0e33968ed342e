/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See table_schema.h. The comparison is one query for each
 * table; ficus.shape is on the side that it describes.
 */
#include "cdc/pg/table_schema.h"

#include <stdio.h>

extern const char cdc_pg_sql_table_schema[];

enum {
    COL_WRONG,
    COL_DETAIL,
    COL_IS_NEWS,
    COL_REL,
    COL_COLUMNS,
    COL_LEAVES,
    COL_FILES,
};

bool cdc_table_schema_forget(struct fx_db *db, const struct cdc_binding *binding,
                             struct fx_err *err)
{
    fx_cell stream = fx_str_from(binding->stream);
    return fx_db_exec(db, "delete from ficus.shape where stream = ?", &stream, 1, NULL, err) ||
           fx_ctx(err, "deleting the recorded table schemas of stream \"%s\"", binding->stream);
}

static bool fail_shape(const struct fx_table *table, const char *what, fx_cell detail,
                       struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DRIFT, "table \"%s.%s\" was changed while it was streamed: %s",
                  table->schema, table->name, what);
    if (detail.ptr != NULL)
        (void)fx_detail(err, "%.*s", FX_STR_FMT(detail));
    return fx_hint(err, "Rows may have been added or removed without a change in the log. Undo the "
                        "DDL and run: " FX_CMD_START ". Or " FX_CMD_NEW_COPY ".");
}

static bool record(struct fx_db *db, const struct cdc_binding *binding,
                   const struct fx_table *table, const struct fx_rows *rows, struct fx_err *err)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s.%s", table->schema, table->name);
    fx_cell params[] = {fx_str_from(binding->stream),    fx_str_from(name),
                        fx_rows_at(rows, 0, COL_REL),    fx_rows_at(rows, 0, COL_COLUMNS),
                        fx_rows_at(rows, 0, COL_LEAVES), fx_rows_at(rows, 0, COL_FILES)};
    return fx_db_exec(db,
                      "insert into ficus.shape (stream, tbl, rel, columns, leaves, files) "
                      "values (?, ?, ?, ?::jsonb, ?::text[], ?::text[]) "
                      "on conflict (stream, tbl) do update set columns = excluded.columns, "
                      "leaves = excluded.leaves, files = excluded.files",
                      params, FX_ARRAY_LEN(params), NULL, err);
}

static bool check_table(struct fx_db *db, const struct cdc_binding *binding,
                        const struct fx_table *table, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(binding->slot), fx_str_from(binding->stream),
                        fx_str_from(table->schema), fx_str_from(table->name)};
    if (!fx_db_query(db, cdc_pg_sql_table_schema, params, FX_ARRAY_LEN(params), &rows, err))
        return false;
    if (rows.n_rows == 0)
        return fail_shape(table, "the table no longer exists", (fx_cell){NULL, 0}, err);
    if (fx_rows_at(&rows, 0, COL_WRONG).ptr != NULL)
        return fail_shape(table, fx_rows_at(&rows, 0, COL_WRONG).ptr,
                          fx_rows_at(&rows, 0, COL_DETAIL), err);
    return fx_str_eq_c(fx_rows_at(&rows, 0, COL_IS_NEWS), "false") ||
           record(db, binding, table, &rows, err);
}

bool cdc_table_schema_check(struct fx_db *db, const struct cdc_binding *binding, struct fx_err *err)
{
    for (size_t i = 0; i < binding->ctx.n_tables; i++)
        if (!check_table(db, binding, cdc_source_table(binding, i), err))
            return fx_ctx(err, "checking the tables of stream \"%s\" for DDL", binding->stream);
    return true;
}

bool cdc_slot_check(struct fx_db *db, const struct cdc_binding *binding, const struct fx_pos *from,
                    struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell slot = fx_str_from(binding->slot);
    FX_AUTO(fx_pos) struct fx_pos told = {0};
    if (!fx_db_query(db, "select confirmed_flush_lsn from pg_replication_slots where slot_name = ?",
                     &slot, 1, &rows, err))
        return fx_ctx(err, "reading slot \"%s\"", binding->slot);
    if (rows.n_rows == 0 || fx_rows_at(&rows, 0, 0).ptr == NULL)
        return true; /* START_REPLICATION says it better */
    fx_pos_set(&told, fx_rows_at(&rows, 0, 0));
    if (fx_pos_covers(FX_PG, from, &told))
        return true;
    (void)fx_fail(err, FX_E_DRIFT,
                  "database \"%s\" is at position %s, but had confirmed %s: changes that were "
                  "applied are lost",
                  binding->target->name, fx_pos_text(from), fx_pos_text(&told));
    return fx_hint(err,
                   "It was restored from a backup, or crashed without durable commits "
                   "(innodb_flush_log_at_trx_commit=1). To copy it anew, " FX_CMD_NEW_COPY ".");
}
