/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See table_schema.h. The comparison is one query for all
 * tables; ficus.shape is on the side that it describes.
 */
#include "cdc/pg/table_schema.h"

#include <stdio.h>
#include <string.h>

#include "cdc/pg/pg_priv.h"
#include "cdc/pg/rewrite.h"
#include "lib/fmt/text.h"
#include "lib/ownership/schema.h"

extern const char cdc_pg_sql_table_schema[];

enum {
    COL_NUMBER,
    COL_WRONG,
    COL_DETAIL,
    COL_IS_NEWS,
    COL_REL,
    COL_COLUMNS,
    COL_LEAVES,
    COL_FILES,
    COL_MOVED,
    COL_ATTACHED,
    COL_SAME_COLUMNS,
    COL_NOW_XID,
    COL_OLD_XID,
    COL_STATE,
    COL_IS_FINAL,
};

bool cdc_table_session(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err)
{
    if (!fx_db_open(conf, ret_db, err))
        return false;
    if (fx_db_exec(*ret_db, "set lock_timeout = '500ms'; set statement_timeout = '30s'", NULL, 0,
                   NULL, err) &&
        fx_schema_guard(*ret_db, err))
        return true;
    fx_db_close(*ret_db);
    *ret_db = NULL;
    return false;
}

bool cdc_table_schema_forget(struct fx_db *db, const struct cdc_binding *binding,
                             struct fx_err *err)
{
    fx_cell stream = fx_str_from(binding->stream);
    return fx_db_exec(db, "delete from ficus.shape where stream = ?", &stream, 1, NULL, err) ||
           fx_ctx(err, "deleting the recorded table schemas of stream \"%s\"", binding->stream);
}

static bool read_tables(struct fx_db *db, const struct cdc_binding *binding, struct fx_rows *ret,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct cdc_side side = {.ctx = &binding->ctx, .out = binding->direction};
    fx_arena_init(&arena, 0);
    fx_cell params[4];
    cdc_pg_table_arrays(&side, &arena, params);
    params[2] = fx_str_from(binding->slot);
    params[3] = fx_str_from(binding->stream);
    return fx_db_query(db, cdc_pg_sql_table_schema, params, FX_ARRAY_LEN(params), ret, err);
}

/* The row of table `t`; false: there is no such table now. */
static bool row_of(const struct fx_rows *rows, size_t t, size_t *ret_row)
{
    for (size_t row = 0; row < rows->n_rows; row++) {
        int64_t number = 0;
        if (fx_parse_i64(fx_rows_at(rows, row, COL_NUMBER), 1, INT64_MAX, &number) &&
            (size_t)number == t + 1) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

/* --- what is wrong with one table ------------------------------------------------------------- */

struct look {
    struct fx_db *db;
    const struct cdc_binding *binding;
    const struct fx_table *table;
    const struct fx_rows *rows;
    size_t row;
    int64_t old_xid;
};

static fx_cell cell(const struct look *k, int column)
{
    return fx_rows_at(k->rows, k->row, (size_t)column);
}

enum { STATE_NAME_MAX = 192 };

static void add_state_name(const struct look *k, char name[STATE_NAME_MAX])
{
    (void)snprintf(name, STATE_NAME_MAX, "%s.%s@%.*s", k->table->schema, k->table->name,
                   FX_STR_FMT(cell(k, COL_STATE)));
}

/* The table that the stream should read is not published, is another one or has another column. */
static bool is_final(const struct look *k)
{
    return fx_str_eq_c(cell(k, COL_IS_FINAL), "true");
}

static bool fail_gone(const struct fx_table *table, struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DRIFT,
                  "table \"%s.%s\" was changed while it was streamed: the table no longer exists",
                  table->schema, table->name);
    return fx_hint(
        err,
        "Its rows were removed without a change in the log. To start again, " FX_CMD_NEW_COPY ".");
}

static bool fail_shape(const struct look *k, const char *what, fx_cell detail, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    char name[STATE_NAME_MAX];
    (void)fx_fail(err, FX_E_DRIFT, "table \"%s.%s\" was changed while it was streamed: %s",
                  k->table->schema, k->table->name, what);
    if (detail.ptr != NULL)
        fx_buf_printf(&text, "%.*s\n", FX_STR_FMT(detail));
    add_state_name(k, name);
    if (!is_final(k))
        fx_buf_printf(&text, CDC_OFFER_ACCEPT, k->binding->ctx.name, name);
    if (text.len > 0)
        (void)fx_detail(err, "%s", fx_buf_cstr(&text));
    return fx_hint(err, "Rows may have been added, removed or changed without a change in the log. "
                        "To start again, " FX_CMD_NEW_COPY ".");
}

static bool record(const struct look *k, struct fx_err *err)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s.%s", k->table->schema, k->table->name);
    fx_cell params[] = {fx_str_from(k->binding->stream),
                        fx_str_from(name),
                        cell(k, COL_REL),
                        cell(k, COL_COLUMNS),
                        cell(k, COL_LEAVES),
                        cell(k, COL_FILES)};
    return fx_db_exec(k->db,
                      "insert into ficus.shape (stream, tbl, rel, columns, leaves, files) "
                      "values (?, ?, ?, ?::jsonb, ?::text[], ?::text[]) "
                      "on conflict (stream, tbl) do update set columns = excluded.columns, "
                      "leaves = excluded.leaves, files = excluded.files",
                      params, FX_ARRAY_LEN(params), NULL, err);
}

/* Takes the next of "16384,16390" off *list; false: there is none. */
static bool next_oid(struct fx_str *list, struct fx_str *ret)
{
    if (list->len == 0)
        return false;
    *ret = fx_str_cut(*list, ',', list);
    return true;
}

static bool fail_moved(const struct look *k, struct fx_str oid, struct fx_err *err)
{
    bool is_leaf = !fx_str_eq(oid, cell(k, COL_REL));
    return fail_shape(
        k,
        is_leaf ? "a partition was truncated or rewritten"
                : "it was rewritten by ALTER TABLE, which may have changed its rows",
        FX_STR("VACUUM FULL, CLUSTER and SET TABLESPACE keep rows as they are; none was "
               "found that is older than the new file."),
        err);
}

/* A new file with the old rows in it? Of the table itself the log shows a
 * TRUNCATE, and an ALTER COLUMN that rewrites rows writes the column's row. */
static bool check_moved(const struct look *k, struct fx_err *err)
{
    struct fx_str list = cell(k, COL_MOVED), oid;
    bool is_same_columns = fx_str_eq_c(cell(k, COL_SAME_COLUMNS), "true");
    while (next_oid(&list, &oid)) {
        bool is_kept = is_same_columns && fx_str_eq(oid, cell(k, COL_REL));
        if (!is_kept && !cdc_rewrite_kept_rows(k->db, oid, k->old_xid, &is_kept, err))
            return false;
        if (!is_kept)
            return fail_moved(k, oid, err);
    }
    return true;
}

static bool check_attached(const struct look *k, struct fx_err *err)
{
    struct fx_str list = cell(k, COL_ATTACHED), oid;
    while (next_oid(&list, &oid)) {
        bool had_rows = false;
        if (!cdc_attached_with_rows(k->db, oid, cell(k, COL_REL), &had_rows, err))
            return false;
        if (had_rows)
            return fail_shape(k,
                              "a partition was attached with rows in it, which the log does not "
                              "have",
                              (fx_cell){NULL, 0}, err);
    }
    return true;
}

static bool check_changes(const struct look *k, struct fx_err *err)
{
    if (cell(k, COL_WRONG).ptr != NULL)
        return fail_shape(k, cell(k, COL_WRONG).ptr, cell(k, COL_DETAIL), err);
    return check_moved(k, err) && check_attached(k, err);
}

/* Is what was found what a person has vouched for? At the first look nothing is recorded yet. */
static bool accept(const struct look *k, struct cdc_table_watch *watch, bool *ret_record)
{
    char name[STATE_NAME_MAX];
    add_state_name(k, name);
    if (watch->accepted == NULL || is_final(k) || strcmp(watch->accepted, name) != 0)
        return false;
    watch->has_accepted = true;
    *ret_record = !watch->is_first;
    return true;
}

static void note_oid(const struct look *k, uint32_t *ret)
{
    int64_t oid = 0;
    if (fx_parse_i64(cell(k, COL_REL), 1, UINT32_MAX, &oid))
        *ret = (uint32_t)oid;
}

static bool check_table(struct look *k, struct cdc_table_watch *watch, struct fx_err *err)
{
    struct fx_err why = FX_ERR_INIT;
    bool is_recorded = fx_str_eq_c(cell(k, COL_IS_NEWS), "true");
    k->old_xid = watch->old_xid;
    if (k->old_xid == 0 && !fx_parse_i64(cell(k, COL_OLD_XID), 0, INT64_MAX, &k->old_xid))
        k->old_xid = 0;
    if (!check_changes(k, &why) && (why.code != FX_E_DRIFT || !accept(k, watch, &is_recorded))) {
        *err = why;
        return false;
    }
    return !is_recorded || record(k, err);
}

bool cdc_table_schema_check(struct fx_db *session, const struct cdc_binding *binding,
                            struct cdc_table_watch *watch, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    bool is_ok = read_tables(session, binding, &rows, err);
    int64_t now_xid = 0;
    for (size_t t = 0; t < binding->ctx.n_tables && is_ok; t++) {
        struct look k = {.db = session,
                         .binding = binding,
                         .table = cdc_source_table(binding, t),
                         .rows = &rows};
        is_ok = row_of(&rows, t, &k.row) ? check_table(&k, watch, err) : fail_gone(k.table, err);
        if (is_ok && watch->oids != NULL)
            note_oid(&k, &watch->oids[t]);
        if (is_ok && !fx_parse_i64(cell(&k, COL_NOW_XID), 0, INT64_MAX, &now_xid))
            now_xid = 0;
    }
    if (!is_ok)
        return fx_ctx(err, "checking the tables of stream \"%s\" for DDL", binding->stream);
    watch->old_xid = watch->has_accepted && watch->is_first ? 0 : now_xid;
    watch->is_first = false;
    return true;
}

/* --- behind locks ----------------------------------------------------------------------------- */

static bool is_as_bound(struct fx_db *db, const struct fx_table *table, bool *ret,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_table *now = NULL;
    fx_arena_init(&arena, 0);
    if (!fx_db_table(db, table->schema, table->name, &arena, &now, err))
        return false;
    *ret = strcmp(now->fingerprint, table->fingerprint) == 0;
    return true;
}

bool cdc_table_schema_is_same(struct fx_db *session, const struct cdc_binding *binding,
                              const struct fx_table **ret_changed, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    *ret_changed = NULL;
    if (!read_tables(session, binding, &rows, err))
        return false;
    for (size_t t = 0; t < binding->ctx.n_tables; t++) {
        size_t row = 0;
        const struct fx_table *table = cdc_source_table(binding, t);
        bool is_same = row_of(&rows, t, &row) && fx_rows_at(&rows, row, COL_WRONG).ptr == NULL &&
                       fx_str_eq_c(fx_rows_at(&rows, row, COL_IS_NEWS), "false");
        if (is_same && !is_as_bound(session, table, &is_same, err))
            return false;
        if (!is_same) {
            *ret_changed = table;
            return true;
        }
    }
    return true;
}

/* --- the slot --------------------------------------------------------------------------------- */

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
    if (!fx_db_take_pos(db, fx_rows_at(&rows, 0, 0), &told, err))
        return false;
    if (fx_pos_covers(FX_PG, from, &told))
        return true;
    (void)fx_fail(err, FX_E_DRIFT,
                  "database \"%s\" is at position %s of stream \"%s\", but had confirmed %s: "
                  "changes that were applied are lost",
                  binding->target->name, fx_pos_text(from), binding->stream, fx_pos_text(&told));
    return fx_hint(
        err,
        "It was restored from a backup, or lost commits in a crash (on MariaDB only "
        "innodb_flush_log_at_trx_commit=1 keeps them all). To copy it anew, " FX_CMD_NEW_COPY ".");
}
