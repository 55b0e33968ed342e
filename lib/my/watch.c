/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others do to tables while a snapshot is taken. A transaction keeps the definition of each
 * table that it has read as it is until it ends. Of a table that was rebuilt or truncated after the
 * snapshot the server says so itself (1412); of one that was replaced by RENAME it does not.
 */
#include "lib/my/my_priv.h"

#include <mysqld_error.h>

#include "lib/base/clock.h"

enum { LOCK_S = 1, LOCK_PAUSE_MS = 200 };

/* A snapshot here waits for nobody. */
bool fx_my_wait_running(struct fx_db *db FX_UNUSED, int64_t timeout_ms FX_UNUSED,
                        struct fx_err *err FX_UNUSED)
{
    return true;
}

bool fx_my_table_mark(struct fx_db *db, const char *schema, const char *name,
                      struct fx_arena *arena, const char **ret_mark, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(schema), fx_str_from(name)};
    static const char sql[] =
        "select concat_ws(' ', t.create_time, group_concat(c.ordinal_position, ' ', c.column_name,"
        " ' ', c.column_type, ' ', c.is_nullable, ' ', coalesce(c.collation_name, ''),"
        " ' ', coalesce(c.generation_expression, '') order by c.ordinal_position))"
        " from information_schema.tables t join information_schema.columns c"
        " on c.table_schema = t.table_schema and c.table_name = t.table_name"
        " where t.table_schema = ? and t.table_name = ? group by t.create_time";
    if (!fx_db_query(db, sql, params, 2, &rows, err))
        return fx_ctx(err, "reading where table \"%s.%s\" is stored", schema, name);
    *ret_mark = rows.n_rows > 0 ? fx_arena_str(arena, fx_rows_at(&rows, 0, 0)).ptr : "";
    return true;
}

static bool fail_lock(const struct fx_db *db, const char *schema, const char *name,
                      struct fx_err *err)
{
    if (err->cause_number == ER_LOCK_WAIT_TIMEOUT) {
        fx_err_clear(err);
        (void)fx_fail(
            err, FX_E_TIMEOUT,
            "table \"%s.%s\" of database \"%s\" is locked by a session that alters or truncates it",
            schema, name, db->conf->name);
        return fx_hint(err, "See who: SHOW PROCESSLIST; wait for it, then compare again: ficus "
                            "reconcile run --context NAME");
    }
    if (err->cause_number != ER_TABLE_DEF_CHANGED)
        return fx_ctx(err, "locking table \"%s.%s\"", schema, name);
    fx_err_clear(err);
    return fx_fail(err, FX_E_DRIFT,
                   "table \"%s.%s\" of database \"%s\" was altered or truncated after the snapshot "
                   "was taken",
                   schema, name, db->conf->name) ||
           fx_hint(err, "Compare again: ficus reconcile run --context NAME");
}

bool fx_my_table_lock(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                      struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    fx_buf_printf(&sql, "set statement lock_wait_timeout = %d for select 1 from ", LOCK_S);
    fx_db_ident(FX_MY, schema, &sql);
    fx_buf_add_char(&sql, '.');
    fx_db_ident(FX_MY, name, &sql);
    fx_buf_add_c(&sql, " limit 1");
    while (!fx_my_run(my_of(db), fx_buf_str(&sql), NULL, err)) {
        bool is_busy = err->cause_number == ER_LOCK_WAIT_TIMEOUT;
        if (!is_busy || fx_mono_reached(until, fx_mono_now()))
            return fail_lock(db, schema, name, err);
        fx_err_clear(err);
        fx_sleep_ms(LOCK_PAUSE_MS);
    }
    return true;
}
