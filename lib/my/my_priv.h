/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of lib/my share: the session behind fx_my_driver and its error mapping.
 *
 * Private to lib/my. Everyone else talks to MariaDB through lib/db/db.h and lib/my/binlog.h.
 */
#ifndef FX_MY_MY_PRIV_H
#define FX_MY_MY_PRIV_H

#include <mysql.h>

#include "lib/base/clock.h"
#include "lib/db/db.h"

/* Bytes that a server may send before a session is open, and in answer to one text whose results
 * are kept; a scan keeps none and has no bound. */
enum { FX_MY_HELLO_MAX = 1 << 20, FX_MY_ANSWER_MAX = 64 << 20 };

struct my_db {
    struct fx_db base;
    MYSQL *mysql;
    bool is_broken;
    int64_t silence_ms; /* an answer may take this long to begin or go on; 0: no limit */
    struct {
        size_t got, max;
        size_t results;       /* that may still come: no text has more statements than bytes */
        struct fx_mono until; /* has_until: the session must be open by then */
        bool has_until, is_over, is_late;
    } answer;          /* see bounds.c */
    bool is_scanning;  /* an unbuffered result is being read: nothing else may be sent */
    bool is_sent;      /* a text was sent whose results are not read yet: the same */
    struct fx_buf sql; /* statement under construction, reused */
};

static inline struct my_db *my_of(struct fx_db *db)
{
    return FX_CONTAINER_OF(db, struct my_db, base);
}

/* Raises what libmariadb reports for the session; marks it broken when the connection is gone. */
bool fx_my_fail(struct my_db *my, struct fx_err *err, const char *what);
/* bounds.c: once in a process; before connecting; when the session is open; before each text. */
void fx_my_bounds_init(void);
bool fx_my_bounds_connect(struct my_db *my, int64_t timeout_ms) FX_MUST_CHECK;
void fx_my_bounds_session(struct my_db *my);
void fx_my_bounds_ask(struct my_db *my, struct fx_str sql);
/* Before each further result; false: *err says that there are too many. */
bool fx_my_bounds_result(struct my_db *my, struct fx_err *err) FX_MUST_CHECK;
/* What to say of a connection that bounds.c has ended. Always false. */
bool fx_my_bounds_fail(struct my_db *my, struct fx_err *err);
/* libmariadb fails and names no error. Always false. */
bool fx_my_bounds_nonsense(struct my_db *my, struct fx_err *err);
/* Sets silence_ms; only while a session is open. */
void fx_my_silence(struct my_db *my, int64_t silence_ms);
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
