/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to lib/pg: one libpq connection with its settings pinned, and the translation of its
 * failures. Sessions (session.c), scans, snapshots and replication connections use it.
 */
#ifndef FX_PG_CONN_H
#define FX_PG_CONN_H

#include <libpq-fe.h>

#include "lib/db/db.h"

enum fx_pg_conn_kind { FX_PG_CONN_SQL, FX_PG_CONN_REPLICATION };

/* Connects within conf->connect_timeout_ms. Errors:
 * DB_CONNECT, UNSUPPORTED (server older than 14). */
bool fx_pg_connect(const struct fx_db_conf *conf, enum fx_pg_conn_kind kind, PGconn **ret_conn,
                   struct fx_err *err) FX_MUST_CHECK;

/* What every connection sets (pinned.c): as the `options` of the start-up packet. */
void fx_pg_pinned_options(struct fx_buf *out);
/*
 * Sets the rest, and reads all of it back. Errors: DB when the server keeps one at another value;
 * DB_CONNECT, also when it says nothing for `silence_ms`.
 */
bool fx_pg_pinned_check(const struct fx_db_conf *conf, PGconn *conn, int64_t silence_ms,
                        struct fx_err *err) FX_MUST_CHECK;

/*
 * Turns a failed result (or, with res NULL or no SQLSTATE, the state of the connection) into *err.
 * `name` is the database's name. Always false. DB_CONNECT exactly when the connection cannot be
 * used any more.
 */
bool fx_pg_fail(PGconn *conn, const PGresult *res, const char *name, struct fx_err *err);

/*
 * Waits for the answer to a command sent with PQsendQuery, at most `timeout_ms`; then cancels it
 * and fails with TIMEOUT. The caller owns *ret_res.
 */
bool fx_pg_await(PGconn *conn, int64_t timeout_ms, const char *name, PGresult **ret_res,
                 struct fx_err *err) FX_MUST_CHECK;

/* Waits until PQgetResult would not block; false: nothing came for `silence_ms`. */
bool fx_pg_has_answer(PGconn *conn, int64_t silence_ms);

/* Asks the server to give up what it runs for `conn` (a new short connection); best effort. */
void fx_pg_cancel(PGconn *conn);

enum { FX_PG_KEPT_MAX = 8 };

/* A session of db.h around a connection. */
struct fx_pg_db {
    struct fx_db base;
    PGconn *conn;
    bool is_broken;
    int64_t silence_ms; /* a statement's answer may take this long to begin or go on; 0: no limit */
    bool is_scanning;   /* single-row results are still arriving: nothing else may be sent */
    /* Texts of statements that the server has a plan of; the name of one is its number. */
    const char *kept[FX_PG_KEPT_MAX];
    size_t n_kept;
};
struct fx_pg_db *fx_pg_db_of(struct fx_db *db);
/* As fx_pg_fail, and notes that the session is broken when it is. */
bool fx_pg_db_fail(struct fx_pg_db *pg, const PGresult *res, struct fx_err *err);
/* Runs one command whose result does not matter ("begin"). */
bool fx_pg_db_command(struct fx_pg_db *pg, const char *sql, struct fx_err *err) FX_MUST_CHECK;

/* The parts of fx_pg_driver that live in files of their own. */
bool fx_pg_open(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err);
void fx_pg_close(struct fx_db *db);
bool fx_pg_query(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                 struct fx_rows *ret_rows, struct fx_err *err);
bool fx_pg_table(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                 struct fx_table **ret_table, struct fx_err *err);
bool fx_pg_scan_open(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                     struct fx_err *err);
bool fx_pg_scan_next(struct fx_scan *scan, struct fx_value **ret_row, struct fx_err *err);
void fx_pg_scan_close(struct fx_scan *scan);
bool fx_pg_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err);
bool fx_pg_snapshot_prepare(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                            struct fx_err *err);
bool fx_pg_snapshot_take(struct fx_snapshot *snapshot, int64_t timeout_ms, struct fx_err *err);
bool fx_pg_snapshot_enter(struct fx_snapshot *snapshot, struct fx_err *err);
void fx_pg_snapshot_close(struct fx_snapshot *snapshot);
bool fx_pg_snapshot_begin(struct fx_db *db, struct fx_err *err);
bool fx_pg_wait_running(struct fx_db *db, int64_t timeout_ms, struct fx_err *err);
bool fx_pg_table_mark(struct fx_db *db, const char *schema, const char *name,
                      struct fx_arena *arena, const char **ret_mark, struct fx_err *err);
bool fx_pg_table_lock(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                      struct fx_err *err);

/* Cells as libpq wants them: NUL-terminated or NULL. Arrays are the arena's. */
const char *const *fx_pg_params(const fx_cell *params, size_t n_params, struct fx_arena *arena);

/*
 * Shared by the snapshot and the stream's initial copy (repl.c): makes a slot whose snapshot is
 * exported, and a session inside such a snapshot.
 */
struct fx_pg_slot {
    struct fx_pos consistent; /* the caller's: fx_pos_done */
    char snapshot[64];
};
bool fx_pg_slot_create(PGconn *repl, const char *slot, bool is_temporary, int64_t timeout_ms,
                       const char *db_name, struct fx_pg_slot *ret_slot,
                       struct fx_err *err) FX_MUST_CHECK;

#endif
