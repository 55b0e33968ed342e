/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that would stop a stream, found before it starts, all in one error: what is wrong, where, and the
 * command that mends it. The thorough form reads every row of the source and lets the mapping judge it, so
 * that a value that the target cannot hold is a finding here and not a stop in the middle of the night.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/apply/batch.h"
#include "cdc/cdc.h"
#include "cdc/change.h"
#include "cdc/names.h"

extern const char cdc_sql_preflight_pg[];
extern const char cdc_sql_preflight_my[];
extern const char cdc_sql_preflight_my_table[];

enum { FINDINGS_MAX = 64 << 10, VALUES_PER_TABLE = 3 };

struct preflight {
    struct fx_context *ctx;
    struct fx_db *old_db, *new_db;
    struct fx_buf findings; /* one a line */
    size_t n;
    char first_fix[200];
};

static void finding(struct preflight *p, const char *where, struct fx_str what, struct fx_str fix)
{
    fx_buf_printf(&p->findings, "%s%s: %.*s", p->n++ > 0 ? "; " : "", where, FX_STR_FMT(what));
    if (fix.len > 0)
        fx_buf_printf(&p->findings, " [%.*s]", FX_STR_FMT(fix));
    if (fix.len > 0 && p->first_fix[0] == '\0')
        (void)snprintf(p->first_fix, sizeof p->first_fix, "%.*s", FX_STR_FMT(fix));
}

static bool ask(struct preflight *p, struct fx_db *db, const char *where, const char *sql,
                const fx_cell *params, size_t n_params, struct fx_err *err)
{
    struct fx_rows rows;
    if (!fx_db_query(db, sql, params, n_params, &rows, err))
        return fx_ctx(err, "looking at %s", where);
    for (size_t i = 0; i < rows.n_rows; i++)
        finding(p, where, fx_rows_at(&rows, i, 0), fx_rows_at(&rows, i, 1));
    fx_rows_done(&rows);
    return true;
}

static bool ask_servers(struct preflight *p, struct fx_arena *arena, struct fx_err *err)
{
    fx_cell slot = fx_str_from(cdc_name_slot(p->ctx->name, arena));
    if (!ask(p, p->old_db, p->ctx->old_db->name, cdc_sql_preflight_pg, &slot, 1, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!ask(p, p->new_db, p->ctx->new_db->name, cdc_sql_preflight_my, NULL, 0, err)) {
        fx_err_as_target(err);
        return false;
    }
    for (size_t i = 0; i < p->ctx->n_tables; i++) {
        const struct fx_map_table *map = &p->ctx->tables[i];
        fx_cell schema = fx_str_from(map->new_schema);
        fx_cell name = fx_str_from(map->new_name);
        fx_cell params[] = {schema, name, schema, name, schema, name};
        const char *where = fx_arena_printf(arena, "%s.%s", map->new_schema, map->new_name);
        if (!ask(p, p->new_db, where, cdc_sql_preflight_my_table, params, 6, err)) {
            fx_err_as_target(err);
            return false;
        }
    }
    return true;
}

static void check_identity(struct preflight *p, const struct fx_table *table,
                           struct fx_arena *arena)
{
    const char *where = fx_arena_printf(arena, "%s.%s", table->schema, table->name);
    if (table->n_key == 0)
        finding(p, where, FX_STR("the table has no primary key"), (struct fx_str){"", 0});
    /* 'i': the log would carry another key than the one that the stream goes by. */
    if (table->replica_identity == 'n' || table->replica_identity == 'i')
        finding(
            p, where, FX_STR("its replica identity is not the primary key"),
            fx_str_from(fx_arena_printf(arena, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;", where)));
}

/* *ret: the new side has its tables, or is about to give them away. Without ficus.own nobody ever gave it any. */
static bool new_side_owns(struct preflight *p, bool *ret, struct fx_err *err)
{
    struct fx_rows rows = {0};
    fx_cell group = fx_str_from(p->ctx->name);
    if (!fx_db_query(p->new_db,
                     "select 1 from information_schema.tables"
                     " where table_schema = 'ficus' and table_name = 'own'",
                     NULL, 0, &rows, err))
        return false;
    *ret = rows.n_rows > 0;
    fx_rows_done(&rows);
    rows = (struct fx_rows){0};
    if (*ret && !fx_db_query(p->new_db, "select 1 from ficus.own where grp = ? and state <> 'AWAY'",
                             &group, 1, &rows, err))
        return false;
    *ret = rows.n_rows > 0;
    fx_rows_done(&rows);
    return true;
}

/* A stream that has not begun may only fill empty tables, and nobody empties those that customers write to. */
static bool check_empty(struct preflight *p, const struct cdc_binding *binding,
                        struct fx_arena *arena, struct fx_err *err)
{
    struct fx_rows rows = {0};
    fx_cell stream = fx_str_from(binding->stream);
    bool is_ours = false;
    if (!fx_db_query(p->new_db,
                     "select 1 from information_schema.tables"
                     " where table_schema = 'ficus' and table_name = 'progress'",
                     NULL, 0, &rows, err))
        return false;
    bool is_installed = rows.n_rows > 0;
    fx_rows_done(&rows);
    rows = (struct fx_rows){0};
    if (is_installed &&
        !fx_db_query(p->new_db, "select 1 from ficus.progress where stream = ? and phase <> 'new'",
                     &stream, 1, &rows, err))
        return false;
    is_ours = rows.n_rows > 0;
    fx_rows_done(&rows);
    bool is_owner = false;
    if (!is_ours && !new_side_owns(p, &is_owner, err))
        return false;
    if (is_owner)
        finding(p, p->ctx->new_db->name,
                FX_STR("it owns the tables of this context: a copy from the old side would be "
                       "older than what customers write; do not empty them"),
                (struct fx_str){"", 0});
    for (size_t i = 0; !is_ours && !is_owner && i < binding->ctx.n_tables; i++) {
        const struct fx_table *table = cdc_target_table(binding, i);
        FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
        fx_buf_add_c(&sql, "select 1 from ");
        fx_db_ident(FX_MY, table->schema, &sql);
        fx_buf_add_char(&sql, '.');
        fx_db_ident(FX_MY, table->name, &sql);
        if (cdc_binding_is_canary(binding, i))
            fx_buf_printf(&sql, " where %s", binding->canary_where);
        fx_buf_add_c(&sql, " limit 1");
        if (!fx_db_query(p->new_db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
            return false;
        if (rows.n_rows > 0)
            finding(p, fx_arena_printf(arena, "%s.%s", table->schema, table->name),
                    FX_STR("the target table is not empty and was not filled by this stream"),
                    fx_str_from(
                        fx_arena_printf(arena, "DELETE FROM %s.%s;", table->schema, table->name)));
        fx_rows_done(&rows);
    }
    return true;
}

/* What the applier would write is made and thrown away: the mapping and the target's types are both asked. */
static bool scan_rows(struct preflight *p, const struct cdc_binding *binding, size_t t,
                      struct fx_scan *scan, struct fx_err *err)
{
    struct cdc_batch batch;
    struct fx_value *row = NULL;
    bool is_ok = true;
    int n_bad = 0;
    cdc_batch_init(&batch, binding, 1);
    while ((is_ok = fx_scan_next(scan, &row, err)) && row != NULL && n_bad < VALUES_PER_TABLE) {
        struct fx_err why = FX_ERR_INIT;
        struct cdc_row change = {.op = CDC_INSERT, .table = t, .new = row};
        if (!cdc_batch_row(&batch, &change, &why)) {
            FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(400);
            cdc_row_describe(binding, &change, &where);
            finding(p, fx_buf_cstr(&where), fx_str_from(why.message), (struct fx_str){"", 0});
            n_bad++;
        }
        cdc_batch_clear(&batch);
    }
    cdc_batch_done(&batch);
    return is_ok;
}

static bool scan_table(struct preflight *p, const struct cdc_binding *binding, size_t t,
                       struct fx_arena *arena, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(binding, t);
    struct fx_scan *scan = NULL;
    int *columns = fx_arena_array(arena, table->n_columns, sizeof *columns);
    for (size_t c = 0; c < table->n_columns; c++)
        columns[c] = (int)c;
    struct fx_scan_spec spec = {.table = table, .columns = columns, .n_columns = table->n_columns};
    if (!fx_scan_open(p->old_db, &spec, &scan, err))
        return false;
    bool is_ok = scan_rows(p, binding, t, scan, err);
    fx_scan_close(scan);
    return is_ok;
}

static bool check_tables(struct preflight *p, bool is_thorough, struct fx_arena *arena,
                         struct fx_err *err)
{
    struct cdc_binding *binding = NULL;
    if (!cdc_bind_tables(p->ctx, FX_FORWARD, p->old_db, p->new_db, arena, &binding, err)) {
        if (err->is_retriable || err->code == FX_E_DB)
            return false;
        finding(p, "mapping", fx_str_from(err->message), (struct fx_str){"", 0});
        if (err->detail[0] != '\0')
            finding(p, "mapping", fx_str_from(err->detail), (struct fx_str){"", 0});
        fx_err_clear(err);
        return true;
    }
    for (size_t i = 0; i < binding->ctx.n_tables; i++)
        check_identity(p, cdc_source_table(binding, i), arena);
    if (!check_empty(p, binding, arena, err)) {
        fx_err_as_target(err);
        return false;
    }
    for (size_t i = 0; is_thorough && i < p->ctx->n_tables; i++)
        if (!scan_table(p, binding, i, arena, err)) {
            fx_err_as_source(err);
            return fx_ctx(err, "scanning table \"%s\"", p->ctx->tables[i].old_name);
        }
    return true;
}

static bool fail_findings(struct preflight *p, struct fx_err *err)
{
    struct fx_str all = fx_buf_str(&p->findings);
    (void)fx_fail(err, FX_E_UNSUPPORTED, "context \"%s\" cannot be streamed yet: %zu finding%s",
                  p->ctx->name, p->n, p->n == 1 ? "" : "s");
    (void)fx_detail(err, "%.*s", FX_STR_FMT(all));
    if (p->first_fix[0] != '\0')
        return fx_hint(err, "Mend them and try again; the first: %s", p->first_fix);
    return fx_hint(err, "Mend what it names, then run: ficus cdc preflight --context %s",
                   p->ctx->name);
}

bool cdc_preflight(struct fx_context *ctx, const struct cdc_options *options FX_UNUSED,
                   bool is_thorough, struct fx_err *err)
{
    struct preflight p = {.ctx = ctx};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_buf_init(&p.findings, FINDINGS_MAX);
    bool is_ok = false;
    if (!fx_db_open(ctx->old_db, &p.old_db, err))
        fx_err_as_source(err);
    else if (!fx_db_open(ctx->new_db, &p.new_db, err))
        fx_err_as_target(err);
    else
        is_ok = ask_servers(&p, &arena, err) && check_tables(&p, is_thorough, &arena, err);
    fx_db_close(p.old_db);
    fx_db_close(p.new_db);
    if (is_ok && p.n > 0)
        is_ok = fail_findings(&p, err);
    fx_buf_done(&p.findings);
    return is_ok || fx_ctx(err, "preflight of context \"%s\"", ctx->name);
}
