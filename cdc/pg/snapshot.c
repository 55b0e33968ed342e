/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot of a copy from PostgreSQL: the permanent slot's creation exports a snapshot that
 * shows exactly what committed before the slot's consistent point. A slot of an interrupted copy is
 * worth nothing and is dropped first.
 */
#include "cdc/pg/pg_priv.h"
#include "cdc/pg/table_schema.h"
#include "lib/base/alloc.h"
#include "lib/fmt/text.h"
#include "lib/io/failpoint.h"
#include "lib/pg/repl.h"

struct pg_snapshot {
    struct cdc_snapshot base;
    struct fx_pg_repl *repl; /* exports the snapshot; silent while it is imported */
};

static void end(struct cdc_snapshot *snapshot)
{
    struct pg_snapshot *s = FX_CONTAINER_OF(snapshot, struct pg_snapshot, base);
    fx_pg_repl_close(s->repl);
    fx_pos_done(&s->base.at);
    free(s);
}

static bool import(struct fx_db *reader, const char *name, const char *slot, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(256);
    fx_buf_add_c(&sql,
                 "begin isolation level repeatable read read only; set transaction snapshot ");
    fx_db_literal(FX_PG, fx_str_from(name), &sql);
    return fx_db_exec(reader, fx_buf_cstr(&sql), NULL, 0, NULL, err) ||
           fx_ctx(err, "importing the snapshot of slot \"%s\"", slot);
}

static bool make_slot(const struct cdc_binding *binding, struct fx_db *reader,
                      struct pg_snapshot *s, struct fx_err *err)
{
    char name[64];
    if (!fx_pg_repl_open(binding->source, &s->repl, err))
        return false;
    FX_FAILPOINT("copy.slot.before");
    if (!fx_pg_repl_create_slot(s->repl, binding->slot, false, &s->base.at, name, sizeof name, err))
        return false;
    FX_FAILPOINT("copy.slot.after");
    return import(reader, name, binding->slot, err);
}

bool cdc_pg_snapshot_begin(const struct cdc_binding *binding, struct fx_db *reader,
                           struct cdc_snapshot **ret_snapshot, struct fx_err *err)
{
    if (!cdc_pg_remove(reader,
                       "select pg_drop_replication_slot(slot_name) from pg_replication_slots "
                       "where slot_name = ?",
                       binding->slot, err) ||
        !cdc_table_schema_forget(reader, binding, err) ||
        !cdc_table_schema_check(reader, binding, err))
        return false;
    struct pg_snapshot *s = FX_NEW(struct pg_snapshot);
    s->base.end = end;
    if (!make_slot(binding, reader, s, err)) {
        end(&s->base);
        return false;
    }
    *ret_snapshot = &s->base;
    return true;
}

bool cdc_pg_estimate_rows(struct fx_db *db, const struct fx_table *table, int64_t *ret_rows,
                          struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    *ret_rows = 0;
    if (!fx_db_query(db,
                     "select greatest(c.reltuples, 0)::bigint from pg_class c join pg_namespace n "
                     "on n.oid = c.relnamespace where n.nspname = ? and c.relname = ?",
                     params, 2, &rows, err))
        return false;
    if (rows.n_rows == 1 && !fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, ret_rows))
        *ret_rows = 0;
    return true;
}
