/* SPDX-License-Identifier: Apache-2.0 */
/* What others do while a snapshot is taken: their transactions, and their changes of tables. */
#include "lib/pg/conn.h"

#include "lib/base/clock.h"
#include "lib/err/redact.h"

extern const char lib_pg_sql_running[];
extern const char lib_pg_sql_table_mark[];

/* Locks are asked for again and again, each time for less than
 * deadlock_timeout: where two wait for each other, we give way. */
enum { POLL_MS = 20, LOCK_MS = 500, LOCK_PAUSE_MS = 200, IDS_MAX = 1 << 20 };

enum { RUN_ID, RUN_PID, RUN_SINCE, RUN_USER, RUN_GID, RUN_QUERY, RUN_DATABASE };

static bool fail_running(const struct fx_db *db, const struct fx_rows *rows, int64_t timeout_ms,
                         struct fx_err *err)
{
    fx_cell pid = fx_rows_at(rows, 0, RUN_PID), gid = fx_rows_at(rows, 0, RUN_GID);
    fx_cell since = fx_rows_at(rows, 0, RUN_SINCE), user = fx_rows_at(rows, 0, RUN_USER);
    fx_cell query = fx_rows_at(rows, 0, RUN_QUERY), database = fx_rows_at(rows, 0, RUN_DATABASE);
    if (pid.ptr == NULL) {
        (void)fx_fail(err, FX_E_TIMEOUT,
                      "prepared transaction '%.*s' on the server of database \"%s\" did not end "
                      "within %lld ms",
                      FX_STR_FMT(gid), db->conf->name, (long long)timeout_ms);
        (void)fx_hint(err,
                      "Finish it in its PostgreSQL database, \"%.*s\": COMMIT PREPARED '%.*s'; or "
                      "ROLLBACK PREPARED '%.*s'; Then run the same command again; in a run: "
                      "ficus run resume",
                      FX_STR_FMT(database), FX_STR_FMT(gid), FX_STR_FMT(gid));
    } else {
        (void)fx_fail(err, FX_E_TIMEOUT,
                      "a transaction of database \"%s\" (process %.*s, user \"%.*s\") did not end "
                      "within %lld ms",
                      db->conf->name, FX_STR_FMT(pid), FX_STR_FMT(user), (long long)timeout_ms);
        (void)fx_hint(err,
                      "End it in its client, or: SELECT pg_terminate_backend(%.*s); Then run the "
                      "same command again; in a run: ficus run resume",
                      FX_STR_FMT(pid));
    }
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(1024);
    fx_redact_sql(FX_REDACT_ROWS, query.len > 0 ? query : FX_STR("not visible"), &shown);
    return fx_detail(err, "Running since %.*s. Statement: %s",
                     FX_STR_FMT(since.len > 0 ? since : FX_STR("an unknown time")),
                     fx_buf_cstr(&shown));
}

/* "{1,2}" */
static void add_ids(const struct fx_rows *rows, struct fx_buf *out)
{
    fx_buf_add_char(out, '{');
    for (size_t i = 0; i < rows->n_rows; i++) {
        fx_buf_add_c(out, i > 0 ? "," : "");
        fx_buf_add(out, fx_rows_at(rows, i, RUN_ID));
    }
    fx_buf_add_char(out, '}');
}

bool fx_pg_wait_running(struct fx_db *db, int64_t timeout_ms, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf ids = FX_BUF(IDS_MAX);
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    fx_cell param = {0};
    for (;;) {
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        if (!fx_pg_query(db, lib_pg_sql_running, &param, 1, &rows, err))
            return fx_ctx(err, "looking for running transactions");
        if (rows.n_rows == 0)
            return true;
        if (fx_mono_reached(until, fx_mono_now()))
            return fail_running(db, &rows, timeout_ms, err);
        if (ids.len == 0)
            add_ids(&rows, &ids);
        param = fx_buf_str(&ids);
        fx_sleep_ms(POLL_MS);
    }
}

bool fx_pg_table_mark(struct fx_db *db, const char *schema, const char *name,
                      struct fx_arena *arena, const char **ret_mark, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(schema), fx_str_from(name)};
    if (!fx_pg_query(db, lib_pg_sql_table_mark, params, 2, &rows, err))
        return fx_ctx(err, "reading where table \"%s.%s\" is stored", schema, name);
    *ret_mark = fx_arena_str(arena, fx_rows_at(&rows, 0, 0)).ptr;
    return true;
}

static void add_lock(const char *schema, const char *name, struct fx_buf *sql)
{
    fx_buf_printf(sql, "savepoint ficus_lock; set local lock_timeout = %d; lock table ", LOCK_MS);
    fx_db_ident(FX_PG, schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(FX_PG, name, sql);
    fx_buf_add_c(sql, " in access share mode; set local lock_timeout = 0;"
                      " release savepoint ficus_lock");
}

/* A savepoint, because a lock that is not given must not end the snapshot. */
bool fx_pg_table_lock(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                      struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    struct fx_err again = FX_ERR_INIT;
    add_lock(schema, name, &sql);
    while (!fx_pg_db_command(fx_pg_db_of(db), fx_buf_cstr(&sql), err)) {
        bool is_busy = err->code == FX_E_DB_CONFLICT;
        if (!fx_pg_db_command(fx_pg_db_of(db),
                              "rollback to savepoint ficus_lock; release savepoint ficus_lock",
                              &again))
            return false;
        if (!is_busy)
            return fx_ctx(err, "locking table \"%s.%s\"", schema, name);
        fx_err_clear(err);
        if (fx_mono_reached(until, fx_mono_now()))
            return fx_fail(err, FX_E_TIMEOUT,
                           "table \"%s.%s\" of database \"%s\" is locked by a session that alters "
                           "or truncates it",
                           schema, name, db->conf->name) ||
                   fx_hint(err,
                           "See who: select pid, query from pg_stat_activity where pid in "
                           "(select pid from pg_locks where mode = 'AccessExclusiveLock'); "
                           "wait for it, then compare again: ficus reconcile run --context NAME");
        fx_sleep_ms(LOCK_PAUSE_MS);
    }
    return true;
}
