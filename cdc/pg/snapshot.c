/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot of a copy from PostgreSQL: the permanent slot's creation exports a snapshot that
 * shows exactly what committed before the slot's consistent point. A slot of an interrupted copy is
 * worth nothing and is dropped first.
 *
 *     record schemas -> create slot -> lock all tables, import -> schemas as recorded? -> copy
 *         ^                                                            | no
 *         +------------------------------------------------------------+
 *
 * A rewriting ALTER TABLE or a TRUNCATE leaves a file in which an older snapshot sees no row at
 * all. So every table is locked (ACCESS SHARE, until the copy has ended) before it is read, and
 * what is behind the lock must be what was recorded before the slot was made. The locks cannot come
 * before the slot: its creation waits for running transactions, of which one may wait for the lock.
 */
#include "cdc/pg/pg_priv.h"
#include "cdc/pg/table_schema.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/fmt/text.h"
#include "lib/io/failpoint.h"
#include "lib/log/log.h"
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

/* Shorter than deadlock_timeout: whoever must give way, it is us. */
enum { LOCK_MS = 800, LOCK_PAUSE_MS = 300, LOCK_ALL_MS = 60000, CHANGE_ATTEMPTS = 5 };

/* LOCK comes before the snapshot: it is no query, and what it waits for is seen to be done. */
static void add_import(const struct cdc_binding *binding, const char *name, struct fx_buf *sql)
{
    fx_buf_printf(sql,
                  "begin isolation level repeatable read read only; set local lock_timeout = %d; "
                  "lock table ",
                  LOCK_MS);
    for (size_t t = 0; t < binding->ctx.n_tables; t++) {
        const struct fx_table *table = cdc_source_table(binding, t);
        fx_buf_add_c(sql, t > 0 ? ", " : "");
        fx_db_ident(FX_PG, table->schema, sql);
        fx_buf_add_char(sql, '.');
        fx_db_ident(FX_PG, table->name, sql);
    }
    fx_buf_add_c(sql, " in access share mode; set transaction snapshot ");
    fx_db_literal(FX_PG, fx_str_from(name), sql);
}

static bool give_up(struct fx_db *reader, struct fx_err *err)
{
    return fx_db_exec(reader, "rollback", NULL, 0, NULL, err);
}

static bool hint_locked(struct fx_err *err)
{
    if (err->code != FX_E_DB_CONFLICT)
        return false;
    return fx_hint(err, "Another session has locked a table of the context. See which: select pid, "
                        "query from pg_stat_activity where pid in (select pid from pg_locks where "
                        "mode = 'AccessExclusiveLock'); The stream tries again by itself.");
}

static bool lock_and_import(const struct cdc_binding *binding, struct fx_db *reader,
                            const char *name, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 20);
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), LOCK_ALL_MS);
    add_import(binding, name, &sql);
    while (!fx_db_exec(reader, fx_buf_cstr(&sql), NULL, 0, NULL, err)) {
        if (err->code != FX_E_DB_CONFLICT || fx_mono_reached(until, fx_mono_now()))
            return hint_locked(err) ||
                   fx_ctx(err, "locking the tables and importing the snapshot of slot \"%s\"",
                          binding->slot);
        fx_err_clear(err);
        if (!give_up(reader, err))
            return false;
        fx_sleep_ms(LOCK_PAUSE_MS);
    }
    FX_FAILPOINT("copy.lock.after");
    return true;
}

/* Another session: the one inside the snapshot sees the catalog of its past. */
static bool find_changed(const struct cdc_binding *binding, const struct fx_table **ret_changed,
                         struct fx_err *err)
{
    struct fx_db *side = NULL;
    bool is_ok = cdc_table_session(binding->source, &side, err) &&
                 cdc_table_schema_is_same(side, binding, ret_changed, err);
    fx_db_close(side);
    return is_ok;
}

static bool record_schemas(const struct cdc_binding *binding, struct fx_db *reader,
                           struct fx_err *err)
{
    struct cdc_table_watch watch = {0};
    return cdc_pg_remove(reader,
                         "select pg_drop_replication_slot(slot_name) from pg_replication_slots "
                         "where slot_name = ?",
                         binding->slot, err) &&
           cdc_table_schema_forget(reader, binding, err) &&
           cdc_table_schema_check(reader, binding, &watch, err);
}

/* *ret_changed: the table that was changed meanwhile; then there is no snapshot. */
static bool attempt(const struct cdc_binding *binding, struct fx_db *reader, struct pg_snapshot *s,
                    const struct fx_table **ret_changed, struct fx_err *err)
{
    char name[64];
    *ret_changed = NULL;
    if (!record_schemas(binding, reader, err) || !fx_pg_repl_open(binding->source, &s->repl, err))
        return false;
    FX_FAILPOINT("copy.slot.before");
    if (!fx_pg_repl_create_slot(s->repl, binding->slot, false, &s->base.at, name, sizeof name, err))
        return false;
    FX_FAILPOINT("copy.slot.after");
    if (!lock_and_import(binding, reader, name, err) || !find_changed(binding, ret_changed, err))
        return false;
    return *ret_changed == NULL || give_up(reader, err);
}

static bool fail_changing(const struct fx_table *table, struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DRIFT,
                  "table \"%s.%s\" was changed by DDL or truncated while the copy was starting",
                  table->schema, table->name);
    return fx_hint(err,
                   "Nothing was copied. Wait until the change is done, then run: " FX_CMD_START);
}

bool cdc_pg_snapshot_begin(const struct cdc_binding *binding, struct fx_db *reader,
                           struct cdc_snapshot **ret_snapshot, struct fx_err *err)
{
    const struct fx_table *changed = NULL;
    for (int i = 0; i < CHANGE_ATTEMPTS; i++) {
        struct pg_snapshot *s = FX_NEW(struct pg_snapshot);
        s->base.end = end;
        bool is_ok = attempt(binding, reader, s, &changed, err);
        if (is_ok && changed == NULL) {
            *ret_snapshot = &s->base;
            return true;
        }
        end(&s->base);
        if (!is_ok)
            return false;
        fx_log(FX_LOG_WARN, "cdc", binding->stream, "DDL while the copy was starting; once more",
               "table=%s.%s", changed->schema, changed->name);
    }
    return fail_changing(changed, err);
}

/*
 * As the planner does it: rows a page when the statistics were made, times the pages of today.
 * Without statistics (a small table may never get any), as if a row had about 100 bytes. A
 * partitioned table has no pages of its own.
 */
static const char estimate_sql[] =
    "select greatest(case when c.relkind = 'p' then c.reltuples when c.relpages > 0 and "
    "c.reltuples >= 0 then c.reltuples / c.relpages * (pg_catalog.pg_relation_size(c.oid) / "
    "current_setting('block_size')::int) else pg_catalog.pg_relation_size(c.oid) / 100 end, "
    "0)::bigint "
    "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = ? and c.relname = ?";

bool cdc_pg_estimate_rows(struct fx_db *db, const struct fx_table *table, int64_t *ret_rows,
                          struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    *ret_rows = 0;
    if (!fx_db_query(db, estimate_sql, params, 2, &rows, err))
        return false;
    if (rows.n_rows == 1 && !fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, ret_rows))
        *ret_rows = 0;
    return true;
}
