/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL driver of lib/db/db.h: sessions, statements, positions. */
#include "lib/pg/conn.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/db/params.h"
#include "lib/db/pos.h"

struct fx_pg_db *fx_pg_db_of(struct fx_db *db)
{
    FX_ASSERT(db->driver == &fx_pg_driver);
    return FX_CONTAINER_OF(db, struct fx_pg_db, base);
}

bool fx_pg_open(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err)
{
    PGconn *conn;
    if (!fx_pg_connect(conf, FX_PG_CONN_SQL, &conn, err))
        return false;
    struct fx_pg_db *pg = FX_NEW(struct fx_pg_db);
    pg->base = (struct fx_db){.driver = &fx_pg_driver, .conf = conf};
    pg->conn = conn;
    *ret_db = &pg->base;
    return true;
}

void fx_pg_close(struct fx_db *db)
{
    if (db == NULL)
        return;
    struct fx_pg_db *pg = fx_pg_db_of(db);
    PQfinish(pg->conn);
    free(pg);
}

static bool is_broken(const struct fx_db *db)
{
    FX_ASSERT(db->driver == &fx_pg_driver);
    const struct fx_pg_db *pg = (const struct fx_pg_db *)(const void *)db; /* base is first */
    return pg->is_broken || PQstatus(pg->conn) == CONNECTION_BAD;
}

static const char *version(const struct fx_db *db)
{
    FX_ASSERT(db->driver == &fx_pg_driver);
    const struct fx_pg_db *pg = (const struct fx_pg_db *)(const void *)db; /* base is first */
    const char *text = PQparameterStatus(pg->conn, "server_version");
    return text != NULL ? text : "";
}

bool fx_pg_db_fail(struct fx_pg_db *pg, const PGresult *res, struct fx_err *err)
{
    fx_pg_fail(pg->conn, res, pg->base.conf->name, err);
    if (err->code == FX_E_DB_CONNECT)
        pg->is_broken = true;
    return false;
}

const char *const *fx_pg_params(const fx_cell *params, size_t n_params, struct fx_arena *arena)
{
    const char **values = fx_arena_array(arena, n_params + 1, sizeof *values);
    for (size_t i = 0; i < n_params; i++)
        values[i] = params[i].ptr != NULL ? fx_arena_str(arena, params[i]).ptr : NULL;
    return (const char *const *)values;
}

static bool may_send(struct fx_pg_db *pg, struct fx_err *err)
{
    if (pg->is_scanning)
        FX_BUG("a statement on database \"%s\" while a scan of the same session is open",
               pg->base.conf->name);
    if (is_broken(&pg->base)) {
        pg->is_broken = true;
        return fx_fail(err, FX_E_DB_CONNECT,
                       "the connection to database \"%s\" was lost by an earlier statement",
                       pg->base.conf->name) ||
               fx_hint(err, FX_SERVER_GONE);
    }
    return true;
}

/* Checks and numbers the parameters of a statement. */
static bool prepare(struct fx_pg_db *pg, const char *sql, size_t n_params, struct fx_buf *numbered,
                    struct fx_err *err)
{
    if (!may_send(pg, err))
        return false;
    size_t wanted = fx_params_count(FX_PG, sql);
    if (wanted != n_params)
        return fx_fail(err, FX_E_BUG, "a statement with %zu parameters was given %zu", wanted,
                       n_params) ||
               fx_hint(err, "This is a defect in Ficus. Please report it with this message.") ||
               fx_detail(err, "%.200s", sql);
    fx_params_number(sql, numbered);
    return true;
}

static bool is_success(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static bool send(struct fx_pg_db *pg, const char *sql, const fx_cell *params, size_t n_params)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (n_params == 0)
        return PQsendQuery(pg->conn, sql) == 1; /* the simple protocol: several statements */
    return PQsendQueryParams(pg->conn, sql, (int)n_params, NULL,
                             fx_pg_params(params, n_params, &arena), NULL, NULL, 0) == 1;
}

static int64_t affected(PGresult *res)
{
    int64_t n = 0;
    if (strncmp(PQcmdStatus(res), "SELECT", 6) == 0)
        return 0; /* rows that were read are no changes */
    for (const char *text = PQcmdTuples(res); *text >= '0' && *text <= '9' && n < INT64_MAX / 16;
         text++)
        n = n * 10 + (*text - '0');
    return n;
}

/* The statement may still be at work, and a cancel would end
 * the wait of a commit for its standby as if it had been heard. */
static bool fail_silent(struct fx_pg_db *pg, struct fx_err *err)
{
    pg->is_broken = true;
    return fx_fail(err, FX_E_DB_CONNECT, "database \"%s\" did not answer for %" PRId64 " ms",
                   pg->base.conf->name, pg->silence_ms) ||
           fx_hint(err, FX_SERVER_GONE);
}

/*
 * What the server answers to that which was sent. *ret_rows (may be NULL) is the sum of all
 * statements; *ret_last (may be NULL) the last result, the caller's. The first failure is reported;
 * what the server sends after it is read all the same, or the session would be stuck.
 */
static bool collect(struct fx_pg_db *pg, int64_t *ret_rows, PGresult **ret_last, struct fx_err *err)
{
    PGresult *last = NULL;
    int64_t rows = 0;
    bool is_ok = true;
    for (;;) {
        if (pg->silence_ms > 0 && !fx_pg_has_answer(pg->conn, pg->silence_ms)) {
            is_ok = fail_silent(pg, err);
            break;
        }
        PGresult *res = PQgetResult(pg->conn);
        if (res == NULL)
            break;
        if (is_ok && !is_success(res))
            is_ok = fx_pg_db_fail(pg, res, err);
        rows = FX_MIN(rows, INT64_MAX / 2) + FX_MIN(affected(res), INT64_MAX / 2);
        if (pg->base.counts != NULL)
            fx_counts_add(pg->base.counts, affected(res));
        ExecStatusType status = PQresultStatus(res);
        PQclear(last);
        last = res;
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            pg->is_broken = true; /* COPY waits for data that nobody will send */
            break;
        }
    }
    if (is_ok && last == NULL)
        is_ok = fx_pg_db_fail(pg, NULL, err);
    if (!is_ok || ret_last == NULL) {
        PQclear(last);
        last = NULL;
    }
    if (is_ok && ret_last != NULL)
        *ret_last = last;
    if (is_ok && ret_rows != NULL)
        *ret_rows = rows;
    return is_ok;
}

/* Runs the statements of a text. */
static bool run(struct fx_pg_db *pg, const char *sql, const fx_cell *params, size_t n_params,
                int64_t *ret_rows, PGresult **ret_last, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf numbered = FX_BUF(SIZE_MAX / 4);
    if (!prepare(pg, sql, n_params, &numbered, err))
        return false;
    if (!send(pg, fx_buf_cstr(&numbered), params, n_params))
        return fx_pg_db_fail(pg, NULL, err);
    return collect(pg, ret_rows, ret_last, err);
}

static bool exec(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                 int64_t *ret_rows, struct fx_err *err)
{
    return run(fx_pg_db_of(db), sql, params, n_params, ret_rows, NULL, err);
}

bool fx_pg_db_command(struct fx_pg_db *pg, const char *sql, struct fx_err *err)
{
    return exec(&pg->base, sql, NULL, 0, NULL, err);
}

static void clear_result(void *res)
{
    PQclear(res);
}

/* Cells point into `res`, which ends with the rows. */
static void take_rows(PGresult *res, struct fx_rows *ret_rows)
{
    struct fx_rows rows = {.n_rows = (size_t)PQntuples(res), .n_columns = (size_t)PQnfields(res)};
    fx_arena_init(&rows.arena, 0);
    fx_arena_on_clear(&rows.arena, clear_result, res);
    rows.cells = fx_arena_array(&rows.arena, rows.n_rows * rows.n_columns + 1, sizeof *rows.cells);
    for (int row = 0; row < PQntuples(res); row++) {
        for (int column = 0; column < PQnfields(res); column++) {
            size_t at = (size_t)row * rows.n_columns + (size_t)column;
            if (!PQgetisnull(res, row, column))
                rows.cells[at] =
                    (fx_cell){PQgetvalue(res, row, column), (size_t)PQgetlength(res, row, column)};
        }
    }
    *ret_rows = rows;
}

bool fx_pg_query(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                 struct fx_rows *ret_rows, struct fx_err *err)
{
    PGresult *res;
    if (!run(fx_pg_db_of(db), sql, params, n_params, NULL, &res, err))
        return false;
    take_rows(res, ret_rows);
    return true;
}

/* --- statements whose plan is kept ------------------------------------------------------------ */

enum { KEPT_NAME = 32 };

static void kept_name(size_t number, char name[KEPT_NAME])
{
    (void)snprintf(name, KEPT_NAME, "ficus_%zu", number);
}

/* The number of the statement; SIZE_MAX: there is no room for one more. */
static bool keep(struct fx_pg_db *pg, const char *sql, size_t n_params, size_t *ret_number,
                 struct fx_err *err)
{
    char name[KEPT_NAME];
    FX_AUTO(fx_buf) struct fx_buf numbered = FX_BUF(SIZE_MAX / 4);
    for (size_t i = 0; i < pg->n_kept; i++) {
        *ret_number = i;
        if (pg->kept[i] == sql)
            return true;
    }
    *ret_number = SIZE_MAX;
    if (pg->n_kept == FX_PG_KEPT_MAX)
        return true;
    kept_name(pg->n_kept, name);
    if (!prepare(pg, sql, n_params, &numbered, err))
        return false;
    if (!PQsendPrepare(pg->conn, name, fx_buf_cstr(&numbered), (int)n_params, NULL))
        return fx_pg_db_fail(pg, NULL, err);
    if (!collect(pg, NULL, NULL, err))
        return false;
    *ret_number = pg->n_kept;
    pg->kept[pg->n_kept++] = sql;
    return true;
}

static bool query_again(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                        struct fx_rows *ret_rows, struct fx_err *err)
{
    struct fx_pg_db *pg = fx_pg_db_of(db);
    FX_AUTO(fx_arena) struct fx_arena arena;
    char name[KEPT_NAME];
    size_t number = SIZE_MAX;
    PGresult *res;
    fx_arena_init(&arena, 0);
    if (!may_send(pg, err) || !keep(pg, sql, n_params, &number, err))
        return false;
    if (number == SIZE_MAX)
        return fx_pg_query(db, sql, params, n_params, ret_rows, err);
    kept_name(number, name);
    if (!PQsendQueryPrepared(pg->conn, name, (int)n_params, fx_pg_params(params, n_params, &arena),
                             NULL, NULL, 0))
        return fx_pg_db_fail(pg, NULL, err);
    if (!collect(pg, NULL, &res, err))
        return false;
    take_rows(res, ret_rows);
    return true;
}

static bool set_timeout(struct fx_db *db, int64_t timeout_ms, struct fx_err *err)
{
    char sql[64];
    struct fx_pg_db *pg = fx_pg_db_of(db);
    snprintf(sql, sizeof sql, "set statement_timeout = %" PRId64, timeout_ms);
    pg->silence_ms = FX_DB_SILENCE_MS + timeout_ms;
    bool ok = fx_pg_db_command(pg, sql, err);
    if (timeout_ms == 0)
        pg->silence_ms = 0;
    return ok;
}

/*
 * The end of the log as a stream will see it: the walsender sends only what is flushed, and a
 * commit with synchronous_commit=off was acknowledged before that. A transaction of our own that
 * commits synchronously flushes everything before it. Inside a transaction nothing can be
 * committed, so the flushed end has to do.
 */
bool fx_pg_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    struct fx_pg_db *pg = fx_pg_db_of(db);
    if (!may_send(pg, err))
        return false;
    if (PQtransactionStatus(pg->conn) == PQTRANS_IDLE &&
        !fx_pg_db_command(pg,
                          "begin; set local synchronous_commit = local;"
                          " select pg_catalog.pg_logical_emit_message(true, 'ficus.flush', '');"
                          " commit",
                          err))
        return fx_ctx(err, "flushing the log");
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    struct fx_lsn lsn;
    if (!fx_db_select(db, "select pg_catalog.pg_current_wal_flush_lsn()", NULL, 0, 1, 1, &rows,
                      err))
        return false;
    if (!fx_lsn_parse(fx_rows_at(&rows, 0, 0), &lsn))
        return fx_fail(err, FX_E_PROTOCOL, "database \"%s\" returned no log position",
                       db->conf->name) ||
               fx_hint(err,
                       "databases.%s.url in ficus.yaml must name the server itself: what stands "
                       "between may change its answers. Correct it, then run the same command "
                       "again; a stream: " FX_CMD_START "; in a run: ficus run resume",
                       db->conf->name);
    fx_lsn_pos(lsn, ret_pos);
    return true;
}

bool fx_pg_snapshot_begin(struct fx_db *db, struct fx_err *err)
{
    /* The snapshot is taken by the first statement after BEGIN. */
    return fx_pg_db_command(fx_pg_db_of(db),
                            "begin isolation level repeatable read read only;"
                            " select pg_catalog.pg_current_snapshot()",
                            err);
}

const struct fx_db_driver fx_pg_driver = {
    .open = fx_pg_open,
    .close = fx_pg_close,
    .is_broken = is_broken,
    .version = version,
    .exec = exec,
    .query = fx_pg_query,
    .query_again = query_again,
    .set_timeout = set_timeout,
    .table = fx_pg_table,
    .scan_open = fx_pg_scan_open,
    .scan_next = fx_pg_scan_next,
    .scan_close = fx_pg_scan_close,
    .pos_now = fx_pg_pos_now,
    .snapshot_prepare = fx_pg_snapshot_prepare,
    .snapshot_take = fx_pg_snapshot_take,
    .snapshot_enter = fx_pg_snapshot_enter,
    .snapshot_close = fx_pg_snapshot_close,
    .snapshot_begin = fx_pg_snapshot_begin,
    .wait_running = fx_pg_wait_running,
    .table_mark = fx_pg_table_mark,
    .table_lock = fx_pg_table_lock,
};
