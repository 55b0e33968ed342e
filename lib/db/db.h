/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session with a database server, whichever engine. This is what cdc, reconcile and plans talk
 * to; lib/pg and lib/my are its drivers, found at link time so that this header includes neither.
 *
 *     struct fx_db *db;
 *     if (!fx_db_open(&conf, &db, err)) return fx_ctx(err, "opening \"%s\"", conf.name);
 *     fx_db_exec(db, "update ficus.own set state = ? where grp = ?", params, 2, &n, err)
 *
 * Parameters are `?` in the SQL of both engines (the PostgreSQL driver numbers them); a `?` inside
 * quotes or comments is left alone; the PostgreSQL operator ? is written ??. At open each session
 * sets every variable that can change a result, an order, a text or the meaning of a statement, and
 * reads it back (lib/pg/pinned.c, lib/my/pinned.c: one table each). Autocommit is on. A statement
 * that loses its connection fails with DB_CONNECT and the session stays broken (fx_db_is_broken):
 * it never reconnects, because a silent reconnect would lose a transaction.
 *
 * Errors: DB_CONNECT (retriable), DB_CONFLICT (deadlock, lock time-out, serialization; retriable),
 *         TIMEOUT (fx_db_set_timeout's limit; the session lives), DB.
 *         The cause holds SQLSTATE or MySQL number. Callers recode with fx_err_as_source/target.
 * Thread: one thread a session.
 */
#ifndef FX_DB_DB_H
#define FX_DB_DB_H

#include "lib/db/position.h"
#include "lib/db/table.h"

struct fx_node; /* lib/conf/doc.h */

enum fx_engine { FX_PG, FX_MY }; /* FX_MY: MariaDB (later MySQL) */

/* From ficus.yaml `databases:`; arena-owned. */
struct fx_db_conf {
    const char *name; /* key in ficus.yaml */
    enum fx_engine engine;
    const char *host;       /* NULL with a socket */
    int port;               /* 0: the engine's default */
    const char *socket_dir; /* PostgreSQL: directory; MariaDB: path of the socket; NULL: TCP */
    const char *user;
    const char *dbname;
    const char *password; /* NULL: none, or see `secret`. Never logged */
    /* {env: NAME} or {file: PATH}, read when a session opens; or NULL */
    const struct fx_node *secret;
    int64_t connect_timeout_ms;
    /* The same database as the user that applies rows, who may do nothing else; NULL: `user` does.
     * Code that somebody attaches to a table runs with this user's rights and no others. */
    const struct fx_db_conf *applier;
    bool is_applier; /* this one is another's `applier` */
};
/* As whom rows are applied: `applier`, or the entry itself. */
static inline const struct fx_db_conf *fx_db_applier(const struct fx_db_conf *conf)
{
    return conf->applier != NULL ? conf->applier : conf;
}

/*
 * "postgresql://user@host:port/db", "mysql://user@host:port/db"; ?socket=/path for a Unix socket.
 * Errors: CONFIG. A password in the URL is refused (hint: password: {env|file}).
 */
bool fx_db_conf_parse(const char *url, struct fx_arena *arena, struct fx_db_conf *ret_conf,
                      struct fx_err *err) FX_MUST_CHECK;

/*
 * What a failed statement's cause says, whichever engine. Where a user may not look, a server says
 * DENIED for a table that may not exist either.
 */
bool fx_db_is_no_table(const struct fx_err *err); /* no such table, schema or database */
bool fx_db_is_denied(const struct fx_err *err);
bool fx_db_is_full(const struct fx_err *err); /* no room on the server's disk */

struct fx_db; /* opaque; made by the drivers */

bool fx_db_open(const struct fx_db_conf *conf, struct fx_db **ret_db,
                struct fx_err *err) FX_MUST_CHECK;
void fx_db_close(struct fx_db *db); /* NULL is fine */
enum fx_engine fx_db_engine(const struct fx_db *db);
bool fx_db_is_broken(const struct fx_db *db);
/* As the server reported it when the session opened: "15.14
 * (Debian …)", "10.11.14-MariaDB-…". Lives as long as the session. */
const char *fx_db_version(const struct fx_db *db);

/* A parameter or result cell as text; ptr NULL means SQL NULL. */
typedef struct fx_str fx_cell;

/*
 * Runs one statement. *ret_rows (may be NULL): rows matched (MariaDB: CLIENT_FOUND_ROWS, so that an
 * update to the same values counts), summed over all statements of the text. Several statements in
 * one text (separated by ';') only with n_params 0; it stops at the first that fails. Results of a
 * SELECT in the text are discarded.
 */
bool fx_db_exec(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                int64_t *ret_rows, struct fx_err *err) FX_MUST_CHECK;

/* Rows that each statement of a text matched, in their order. */
struct fx_counts {
    int64_t *n; /* owned */
    size_t len, cap;
};
void fx_counts_done(struct fx_counts *counts);
void fx_counts_clear(struct fx_counts *counts); /* empty, memory kept */
void fx_counts_add(struct fx_counts *counts, int64_t n);
/* As fx_db_exec without parameters; *ret is cleared first. */
bool fx_db_exec_each(struct fx_db *db, const char *sql, struct fx_counts *ret,
                     struct fx_err *err) FX_MUST_CHECK;

/*
 * The two halves of fx_db_exec: the caller works on the next text while the server works on this
 * one. No parameters; one text at a time; nothing else may use the session before fx_db_receive.
 * Not every driver can.
 */
bool fx_db_can_send(const struct fx_db *db);
bool fx_db_send(struct fx_db *db, const char *sql, struct fx_err *err) FX_MUST_CHECK;
bool fx_db_receive(struct fx_db *db, int64_t *ret_rows, struct fx_err *err) FX_MUST_CHECK;
bool fx_db_receive_each(struct fx_db *db, struct fx_counts *ret, struct fx_err *err) FX_MUST_CHECK;

/* A small result held in memory; cells are borrowed until fx_rows_done. */
struct fx_rows {
    fx_cell *cells; /* row-major */
    size_t n_rows, n_columns;
    struct fx_arena arena;
};
void fx_rows_done(struct fx_rows *rows);
fx_cell fx_rows_at(const struct fx_rows *rows, size_t row, size_t column);
/* Errors also: PROTOCOL when the server answers without rows to a statement that asks for some. */
bool fx_db_query(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                 struct fx_rows *ret_rows, struct fx_err *err) FX_MUST_CHECK;
/*
 * The same for what a session asks again and again: the server plans it once, where it can. `sql`
 * is a text that lives as long as the session, and is known by its address.
 */
bool fx_db_query_again(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                       struct fx_rows *ret_rows, struct fx_err *err) FX_MUST_CHECK;
/*
 * The same for whoever looks into the cells: PROTOCOL unless the answer has exactly `n_columns` and
 * at least `n_rows_min` rows. A server, or who stands between, may answer anything.
 */
bool fx_db_select(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                  size_t n_rows_min, size_t n_columns, struct fx_rows *ret_rows,
                  struct fx_err *err) FX_MUST_CHECK;
bool fx_db_select_again(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                        size_t n_rows_min, size_t n_columns, struct fx_rows *ret_rows,
                        struct fx_err *err) FX_MUST_CHECK;
/* PROTOCOL, for an answer that does not fit the statement. Always false. */
bool fx_db_fail_answer(const struct fx_db *db, const char *what, struct fx_err *err);
/* A position as the server wrote it. Errors: PROTOCOL when it is none, or too long. */
bool fx_db_take_pos(const struct fx_db *db, fx_cell cell, struct fx_pos *ret,
                    struct fx_err *err) FX_MUST_CHECK;

/*
 * Limit for every later statement of the session, 0: none (statement_timeout / max_statement_time).
 * The server keeps it (TIMEOUT, the session lives), but not over a commit that waits for a standby,
 * and not at all when it hangs: one that says nothing for FX_DB_SILENCE_MS more has lost the
 * session (DB_CONNECT), and what became of the statement is unknown.
 */
enum { FX_DB_SILENCE_MS = 2000 };
bool fx_db_set_timeout(struct fx_db *db, int64_t timeout_ms, struct fx_err *err) FX_MUST_CHECK;

/* Reads the catalog. Errors: NO_KEY is not raised
 * here (n_key = 0); DB when there is no such table. */
bool fx_db_table(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                 struct fx_table **ret_table, struct fx_err *err) FX_MUST_CHECK;

/* Quoting; appended to `out`. */
void fx_db_ident(enum fx_engine engine, const char *name, struct fx_buf *out);
/* The table's schema and name, both quoted. */
void fx_db_table_ident(enum fx_engine engine, const struct fx_table *table, struct fx_buf *out);
void fx_db_literal(enum fx_engine engine, struct fx_str text, struct fx_buf *out);

/*
 * Streams rows as canonical values, in primary-key order when `is_ordered`. Key order is bytewise
 * for text on both engines (collate "C" / binary), so two servers can be merged.
 * `columns` are indexes into table->columns; `where` may be NULL and may use ? with params.
 */
struct fx_scan;
struct fx_scan_spec {
    const struct fx_table *table;
    const int *columns;
    size_t n_columns;
    bool is_ordered;
    const char *where;
    const fx_cell *params;
    size_t n_params;
    /* A value outside the key that does not read as its column's
     * type comes as UNREADABLE; else it fails the scan. */
    bool keeps_unreadable;
};
bool fx_scan_open(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                  struct fx_err *err) FX_MUST_CHECK;
/* *ret_row: n_columns values, valid until the next call; NULL at the end. */
bool fx_scan_next(struct fx_scan *scan, struct fx_value **ret_row,
                  struct fx_err *err) FX_MUST_CHECK;
void fx_scan_close(struct fx_scan *scan);
/* For drivers, after a value failed to read: what
 * `keeps_unreadable` makes of it. False: the error remains. */
bool fx_scan_keep_unreadable(const struct fx_column *column, struct fx_str text,
                             struct fx_value *ret, struct fx_err *err);

/* Appends `v` as a literal of the engine for a column
 * of `type`; SOURCE_DATA when the type cannot hold it. */
bool fx_db_value_literal(enum fx_engine engine, const struct fx_value *v,
                         const struct fx_type *type, struct fx_buf *out,
                         struct fx_err *err) FX_MUST_CHECK;

/* Snapshots and positions; see lib/db/position.h. */
/* Has a stream that has handled everything up to `at` handled everything up to `goal`? */
bool fx_pos_covers(enum fx_engine engine, const struct fx_pos *at, const struct fx_pos *goal);
/* Where the server's log ends now (PostgreSQL:
 * flushed insert position; MariaDB: gtid_binlog_pos). */
bool fx_db_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err) FX_MUST_CHECK;

/*
 * A consistent snapshot of a source: read-only, and joined to an exact position: every
 * transaction committed before the position is visible in it, none after.
 * PostgreSQL: the exported snapshot of a temporary slot (its creation waits for running
 * transactions: `timeout_ms` bounds that). MariaDB: START TRANSACTION WITH CONSISTENT SNAPSHOT and
 * its binlog position.
 */
struct fx_snapshot;
bool fx_snapshot_open(const struct fx_db_conf *conf, int64_t timeout_ms,
                      struct fx_snapshot **ret_snapshot, struct fx_err *err) FX_MUST_CHECK;
const struct fx_pos *fx_snapshot_pos(const struct fx_snapshot *snapshot);
struct fx_db *fx_snapshot_session(struct fx_snapshot *snapshot); /* inside the snapshot; borrowed */
/*
 * The same in steps, for a caller that makes others wait: prepare connects; take fixes snapshot and
 * position, and is all that has to be done meanwhile (after TIMEOUT it may be called again); enter
 * brings the session inside.
 */
bool fx_snapshot_prepare(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                         struct fx_err *err) FX_MUST_CHECK;
bool fx_snapshot_take(struct fx_snapshot *snapshot, int64_t timeout_ms,
                      struct fx_err *err) FX_MUST_CHECK;
bool fx_snapshot_enter(struct fx_snapshot *snapshot, struct fx_err *err) FX_MUST_CHECK;
void fx_snapshot_close(struct fx_snapshot *snapshot);
/* A read-only snapshot of the present moment on an
 * open session (repeatable read, taken before return). */
bool fx_db_snapshot_begin(struct fx_db *db, struct fx_err *err) FX_MUST_CHECK;
/*
 * Waits until each transaction that runs now, and that taking a snapshot would wait for, has ended.
 * Errors: TIMEOUT, which names the oldest and how to end it.
 */
bool fx_db_wait_running(struct fx_db *db, int64_t timeout_ms, struct fx_err *err) FX_MUST_CHECK;

/*
 * A snapshot shows no row of a table that was rewritten or truncated after it. So a table's mark is
 * read before the snapshot is taken, the table is locked inside it, and then its mark must still be
 * the same. The mark covers where the rows of the table and of all its partitions and children are
 * stored, and its columns; "": there is no such table. Not for a session inside a snapshot, which
 * sees the catalog of its past.
 */
bool fx_db_table_mark(struct fx_db *db, const char *schema, const char *name,
                      struct fx_arena *arena, const char **ret_mark,
                      struct fx_err *err) FX_MUST_CHECK;
/*
 * Until the transaction ends nobody alters or truncates the table; everybody may read and write it.
 * Errors: TIMEOUT when somebody alters it now; DRIFT when the server says that it was changed.
 */
bool fx_db_table_lock(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                      struct fx_err *err) FX_MUST_CHECK;

/* --- for drivers only ------------------------------------------------------------------------ */
struct fx_db_driver {
    bool (*open)(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err);
    void (*close)(struct fx_db *db);
    bool (*is_broken)(const struct fx_db *db);
    const char *(*version)(const struct fx_db *db);
    bool (*exec)(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                 int64_t *ret_rows, struct fx_err *err);
    bool (*send)(struct fx_db *db, const char *sql, struct fx_err *err); /* NULL: it cannot */
    bool (*receive)(struct fx_db *db, int64_t *ret_rows, struct fx_err *err);
    bool (*query)(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                  struct fx_rows *ret_rows, struct fx_err *err);
    /* NULL: as query */
    bool (*query_again)(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                        struct fx_rows *ret_rows, struct fx_err *err);
    bool (*set_timeout)(struct fx_db *db, int64_t timeout_ms, struct fx_err *err);
    bool (*table)(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                  struct fx_table **ret_table, struct fx_err *err);
    bool (*scan_open)(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                      struct fx_err *err);
    bool (*scan_next)(struct fx_scan *scan, struct fx_value **ret_row, struct fx_err *err);
    void (*scan_close)(struct fx_scan *scan);
    bool (*pos_now)(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err);
    bool (*snapshot_prepare)(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                             struct fx_err *err);
    bool (*snapshot_take)(struct fx_snapshot *snapshot, int64_t timeout_ms, struct fx_err *err);
    bool (*snapshot_enter)(struct fx_snapshot *snapshot, struct fx_err *err);
    void (*snapshot_close)(struct fx_snapshot *snapshot);
    bool (*snapshot_begin)(struct fx_db *db, struct fx_err *err);
    bool (*wait_running)(struct fx_db *db, int64_t timeout_ms, struct fx_err *err);
    bool (*table_mark)(struct fx_db *db, const char *schema, const char *name,
                       struct fx_arena *arena, const char **ret_mark, struct fx_err *err);
    bool (*table_lock)(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                       struct fx_err *err);
};
/* First members of every driver's session, scan and snapshot. */
struct fx_db {
    const struct fx_db_driver *driver;
    const struct fx_db_conf *conf;
    struct fx_counts *counts; /* where exec and receive add what each statement matched, or NULL */
};
struct fx_scan {
    const struct fx_db_driver *driver;
};
struct fx_snapshot {
    const struct fx_db_driver *driver;
    struct fx_pos pos;
    struct fx_db *session;
};
extern const struct fx_db_driver fx_pg_driver; /* lib/pg */
extern const struct fx_db_driver fx_my_driver; /* lib/my */

#endif
