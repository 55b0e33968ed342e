/* SPDX-License-Identifier: Apache-2.0 */
/* Sends each call to the driver of its engine. Nothing here knows SQL. */
#include "lib/db/db.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/db/conf.h"
#include "lib/io/failpoint.h"

static const struct fx_db_driver *driver_of(enum fx_engine engine)
{
    switch (engine) {
    case FX_PG: return &fx_pg_driver;
    case FX_MY: return &fx_my_driver;
    }
    FX_BUG("engine %d", (int)engine);
}

/* The same door, tried with the engine's own client: is it the server, the network or the user? */
static bool hint_client(const struct fx_db_conf *conf, struct fx_err *err)
{
    char port[32] = "";
    const char *host = conf->socket_dir != NULL ? conf->socket_dir : conf->host;
    if (conf->port != 0)
        (void)snprintf(port, sizeof port, " %s %d", conf->engine == FX_PG ? "-p" : "-P",
                       conf->port);
    FX_AUTO(fx_buf) struct fx_buf by_hand = FX_BUF(1024);
    if (conf->engine == FX_PG)
        fx_buf_printf(&by_hand, "psql -h %s%s -U %s %s", host, port, conf->user, conf->dbname);
    else
        fx_buf_printf(&by_hand, "mariadb %s %s%s -u %s -p %s",
                      conf->socket_dir != NULL ? "-S" : "-h", host, port, conf->user, conf->dbname);
    return fx_hint(
        err,
        "Try it by hand: %s. If that fails too, start the server or correct databases.%s "
        "in ficus.yaml. A stream connects again by itself; any other command: run it "
        "again, in a run: ficus run resume",
        fx_buf_cstr(&by_hand), conf->name != NULL ? conf->name : "NAME");
}

bool fx_db_open(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_db_conf resolved;
    struct fx_db *db;
    FX_FAILPOINT("db.open");
    if (!fx_db_conf_resolve(conf, &arena, &resolved, err))
        return false;
    if (!driver_of(conf->engine)->open(&resolved, &db, err))
        return err->code == FX_E_DB_CONNECT && hint_client(conf, err);
    db->conf = conf; /* the resolved one, with its secret, ends here */
    *ret_db = db;
    return true;
}

void fx_db_close(struct fx_db *db)
{
    if (db != NULL)
        db->driver->close(db);
}

enum fx_engine fx_db_engine(const struct fx_db *db)
{
    return db->conf->engine;
}

bool fx_db_is_broken(const struct fx_db *db)
{
    return db->driver->is_broken(db);
}

const char *fx_db_version(const struct fx_db *db)
{
    return db->driver->version(db);
}

bool fx_db_exec(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                int64_t *ret_rows, struct fx_err *err)
{
    return db->driver->exec(db, sql, params, n_params, ret_rows, err);
}

void fx_counts_done(struct fx_counts *counts)
{
    free(counts->n);
    *counts = (struct fx_counts){0};
}

void fx_counts_clear(struct fx_counts *counts)
{
    counts->len = 0;
}

void fx_counts_add(struct fx_counts *counts, int64_t n)
{
    if (counts->len == counts->cap) {
        counts->cap = FX_MAX(counts->cap * 2, (size_t)64);
        counts->n = fx_realloc(counts->n, counts->cap * sizeof *counts->n);
    }
    counts->n[counts->len++] = n;
}

bool fx_db_exec_each(struct fx_db *db, const char *sql, struct fx_counts *ret, struct fx_err *err)
{
    fx_counts_clear(ret);
    db->counts = ret;
    bool is_ok = db->driver->exec(db, sql, NULL, 0, NULL, err);
    db->counts = NULL;
    return is_ok;
}

bool fx_db_receive_each(struct fx_db *db, struct fx_counts *ret, struct fx_err *err)
{
    fx_counts_clear(ret);
    db->counts = ret;
    bool is_ok = db->driver->receive(db, NULL, err);
    db->counts = NULL;
    return is_ok;
}

bool fx_db_can_send(const struct fx_db *db)
{
    return db->driver->send != NULL;
}

bool fx_db_send(struct fx_db *db, const char *sql, struct fx_err *err)
{
    return db->driver->send(db, sql, err);
}

bool fx_db_receive(struct fx_db *db, int64_t *ret_rows, struct fx_err *err)
{
    return db->driver->receive(db, ret_rows, err);
}

static bool has_columns(const struct fx_db *db, struct fx_rows *rows, struct fx_err *err)
{
    if (rows->n_columns > 0)
        return true;
    fx_rows_done(rows);
    return fx_db_fail_answer(db, "without rows to a statement that asks for some", err);
}

bool fx_db_query(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                 struct fx_rows *ret_rows, struct fx_err *err)
{
    return db->driver->query(db, sql, params, n_params, ret_rows, err) &&
           has_columns(db, ret_rows, err);
}

bool fx_db_query_again(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                       struct fx_rows *ret_rows, struct fx_err *err)
{
    if (db->driver->query_again == NULL)
        return fx_db_query(db, sql, params, n_params, ret_rows, err);
    return db->driver->query_again(db, sql, params, n_params, ret_rows, err) &&
           has_columns(db, ret_rows, err);
}

bool fx_db_fail_answer(const struct fx_db *db, const char *what, struct fx_err *err)
{
    return fx_fail(err, FX_E_PROTOCOL, "database \"%s\" answered %s", db->conf->name, what) ||
           fx_hint(err,
                   "The url of databases.%s in ficus.yaml must name the database server itself: a "
                   "proxy in between may change answers. Correct it, then run the same command "
                   "again; in a run: ficus run resume",
                   db->conf->name);
}

static bool has_shape(const struct fx_db *db, struct fx_rows *rows, size_t n_rows_min,
                      size_t n_columns, struct fx_err *err)
{
    char what[96];
    if (rows->n_columns == n_columns && rows->n_rows >= n_rows_min)
        return true;
    (void)snprintf(what, sizeof what, "with %zu rows of %zu columns, where %zu columns belong",
                   rows->n_rows, rows->n_columns, n_columns);
    fx_rows_done(rows);
    return fx_db_fail_answer(db, what, err);
}

bool fx_db_select(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                  size_t n_rows_min, size_t n_columns, struct fx_rows *ret_rows, struct fx_err *err)
{
    return fx_db_query(db, sql, params, n_params, ret_rows, err) &&
           has_shape(db, ret_rows, n_rows_min, n_columns, err);
}

bool fx_db_select_again(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                        size_t n_rows_min, size_t n_columns, struct fx_rows *ret_rows,
                        struct fx_err *err)
{
    return fx_db_query_again(db, sql, params, n_params, ret_rows, err) &&
           has_shape(db, ret_rows, n_rows_min, n_columns, err);
}

bool fx_db_take_pos(const struct fx_db *db, fx_cell cell, struct fx_pos *ret, struct fx_err *err)
{
    if (cell.len > FX_POS_MAX || (cell.len > 0 && memchr(cell.ptr, 0, cell.len) != NULL))
        return fx_db_fail_answer(db, "with a position that is none", err);
    fx_pos_set(ret, cell);
    return true;
}

void fx_rows_done(struct fx_rows *rows)
{
    if (rows == NULL)
        return;
    fx_arena_done(&rows->arena);
    *rows = (struct fx_rows){0};
}

fx_cell fx_rows_at(const struct fx_rows *rows, size_t row, size_t column)
{
    FX_ASSERT(row < rows->n_rows && column < rows->n_columns);
    return rows->cells[row * rows->n_columns + column];
}

bool fx_db_set_timeout(struct fx_db *db, int64_t timeout_ms, struct fx_err *err)
{
    return db->driver->set_timeout(db, timeout_ms, err);
}

bool fx_db_table(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                 struct fx_table **ret_table, struct fx_err *err)
{
    return db->driver->table(db, schema, name, arena, ret_table, err);
}

bool fx_scan_open(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                  struct fx_err *err)
{
    return db->driver->scan_open(db, spec, ret_scan, err);
}

bool fx_scan_next(struct fx_scan *scan, struct fx_value **ret_row, struct fx_err *err)
{
    return scan->driver->scan_next(scan, ret_row, err);
}

void fx_scan_close(struct fx_scan *scan)
{
    if (scan != NULL)
        scan->driver->scan_close(scan);
}

bool fx_scan_keep_unreadable(const struct fx_column *column, struct fx_str text,
                             struct fx_value *ret, struct fx_err *err)
{
    if (err->code != FX_E_SOURCE_DATA || column->key_index >= 0)
        return false;
    fx_err_clear(err);
    *ret = (struct fx_value){.kind = FX_V_UNREADABLE, .s = text};
    return true;
}

bool fx_db_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    return db->driver->pos_now(db, ret_pos, err);
}

bool fx_snapshot_prepare(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                         struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_db_conf resolved;
    struct fx_snapshot *snapshot;
    if (!fx_db_conf_resolve(conf, &arena, &resolved, err))
        return false;
    if (!driver_of(conf->engine)->snapshot_prepare(&resolved, &snapshot, err))
        return false;
    snapshot->session->conf = conf;
    *ret_snapshot = snapshot;
    return true;
}

bool fx_snapshot_take(struct fx_snapshot *snapshot, int64_t timeout_ms, struct fx_err *err)
{
    return snapshot->driver->snapshot_take(snapshot, timeout_ms, err) ||
           fx_ctx(err, "taking a snapshot of database \"%s\"", snapshot->session->conf->name);
}

bool fx_snapshot_enter(struct fx_snapshot *snapshot, struct fx_err *err)
{
    return snapshot->driver->snapshot_enter(snapshot, err) ||
           fx_ctx(err, "taking a snapshot of database \"%s\"", snapshot->session->conf->name);
}

bool fx_snapshot_open(const struct fx_db_conf *conf, int64_t timeout_ms,
                      struct fx_snapshot **ret_snapshot, struct fx_err *err)
{
    struct fx_snapshot *snapshot;
    if (!fx_snapshot_prepare(conf, &snapshot, err))
        return false;
    if (!fx_snapshot_take(snapshot, timeout_ms, err) || !fx_snapshot_enter(snapshot, err)) {
        fx_snapshot_close(snapshot);
        return false;
    }
    *ret_snapshot = snapshot;
    return true;
}

const struct fx_pos *fx_snapshot_pos(const struct fx_snapshot *snapshot)
{
    return &snapshot->pos;
}

struct fx_db *fx_snapshot_session(struct fx_snapshot *snapshot)
{
    return snapshot->session;
}

void fx_snapshot_close(struct fx_snapshot *snapshot)
{
    if (snapshot != NULL)
        snapshot->driver->snapshot_close(snapshot);
}

bool fx_db_snapshot_begin(struct fx_db *db, struct fx_err *err)
{
    return db->driver->snapshot_begin(db, err);
}

bool fx_db_wait_running(struct fx_db *db, int64_t timeout_ms, struct fx_err *err)
{
    return db->driver->wait_running(db, timeout_ms, err);
}

bool fx_db_table_mark(struct fx_db *db, const char *schema, const char *name,
                      struct fx_arena *arena, const char **ret_mark, struct fx_err *err)
{
    return db->driver->table_mark(db, schema, name, arena, ret_mark, err);
}

bool fx_db_table_lock(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                      struct fx_err *err)
{
    return db->driver->table_lock(db, schema, name, timeout_ms, err);
}
