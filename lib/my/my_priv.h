/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of lib/my share: the session behind fx_my_driver and its error mapping.
 *
 * Private to lib/my. Everyone else talks to MariaDB through lib/db/db.h and lib/my/binlog.h.
 */
#ifndef FX_MY_MY_PRIV_H
#define FX_MY_MY_PRIV_H

#include <mysql.h>

#include "lib/db/db.h"

struct my_db {
    struct fx_db base;
    MYSQL *mysql;
    bool is_broken;
    int64_t silence_ms; /* the answer to a text may take this long to begin; 0: no limit */
    bool is_scanning;   /* an unbuffered result is being read: nothing else may be sent */
    bool is_sent;       /* a text was sent whose results are not read yet: the same */
    struct fx_buf sql;  /* statement under construction, reused */
};

static inline struct my_db *my_of(struct fx_db *db)
{
    return FX_CONTAINER_OF(db, struct my_db, base);
}

/* Raises what libmariadb reports for the session; marks it broken when the connection is gone. */
bool fx_my_fail(struct my_db *my, struct fx_err *err, const char *what);
/* The code that a MariaDB error number stands for. */
enum fx_code fx_my_code(unsigned int number);
/* Replaces `?` in `sql` by literals into my->sql. */
bool fx_my_bind(struct my_db *my, const char *sql, const fx_cell *params, size_t n_params,
                struct fx_err *err) FX_MUST_CHECK;
/* Sends `sql` and reads results to the end; *ret_rows is that of the last statement. */
bool fx_my_run(struct my_db *my, struct fx_str sql, int64_t *ret_rows,
               struct fx_err *err) FX_MUST_CHECK;

/* The same; `on_result` sees each result that has columns, in
 * order. True: it keeps the result, which it has to free. */
bool fx_my_run_each(struct my_db *my, struct fx_str sql, bool (*on_result)(void *, MYSQL_RES *),
                    void *arg, struct fx_err *err) FX_MUST_CHECK;

/* Sets what every session sets (pinned.c) and reads it back.
 * Errors: DB when the server keeps one at another value. */
bool fx_my_pin(struct my_db *my, struct fx_err *err) FX_MUST_CHECK;

/* The members of the driver that live in files of their own. */
bool fx_my_open(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err);
void fx_my_close(struct fx_db *db);
bool fx_my_table(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                 struct fx_table **ret_table, struct fx_err *err);
bool fx_my_scan_open(struct fx_db *db, const struct fx_scan_spec *spec, struct fx_scan **ret_scan,
                     struct fx_err *err);
bool fx_my_scan_next(struct fx_scan *scan, struct fx_value **ret_row, struct fx_err *err);
void fx_my_scan_close(struct fx_scan *scan);
bool fx_my_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err);
bool fx_my_snapshot_prepare(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                            struct fx_err *err);
bool fx_my_snapshot_take(struct fx_snapshot *snapshot, int64_t timeout_ms, struct fx_err *err);
bool fx_my_snapshot_enter(struct fx_snapshot *snapshot, struct fx_err *err);
void fx_my_snapshot_close(struct fx_snapshot *snapshot);
bool fx_my_snapshot_begin(struct fx_db *db, struct fx_err *err);
bool fx_my_wait_running(struct fx_db *db, int64_t timeout_ms, struct fx_err *err);
bool fx_my_table_mark(struct fx_db *db, const char *schema, const char *name,
                      struct fx_arena *arena, const char **ret_mark, struct fx_err *err);
bool fx_my_table_lock(struct fx_db *db, const char *schema, const char *name, int64_t timeout_ms,
                      struct fx_err *err);

#endif
