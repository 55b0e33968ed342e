/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of MariaDB and their exact positions in the binary log.
 *
 * START TRANSACTION WITH CONSISTENT SNAPSHOT takes the commit lock for a moment, so the snapshot
 * and the status variables Binlog_snapshot_* agree exactly: a file and an offset. No lock is held
 * afterwards, and writers never wait. What remains is to find the GTID position of that offset.
 */
#include "lib/my/my_priv.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

/* Empty is a position, too: nothing was ever committed to this log. */
static bool set_position(const struct fx_db *db, fx_cell text, struct fx_pos *ret_pos,
                         struct fx_err *err)
{
    if (text.len > FX_POS_MAX)
        return fx_fail(err, FX_E_LIMIT,
                       "the GTID position of database \"%s\" has more than %d bytes",
                       db->conf->name, FX_POS_MAX) ||
               fx_hint(
                   err,
                   "On that server, see its domains: SELECT @@global.gtid_binlog_pos; and remove "
                   "those that nobody uses: FLUSH BINARY LOGS DELETE_DOMAIN_ID=(NUMBERS); then "
                   "run the same command again; in a run: ficus run resume");
    return fx_db_take_pos(db, text, ret_pos, err);
}

bool fx_my_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(db, "select @@global.gtid_binlog_pos, @@global.log_bin", NULL, 0, 1, 2, &rows,
                      err))
        return false;
    fx_cell pos = fx_rows_at(&rows, 0, 0);
    if (fx_str_eq_c(fx_rows_at(&rows, 0, 1), "0")) {
        fx_fail(err, FX_E_DB, "the binary log of database \"%s\" is off", db->conf->name);
        return fx_hint(err, "Set log_bin and binlog_format=ROW in its configuration and restart "
                            "it. Then run the same command again.");
    }
    return set_position(db, pos, ret_pos, err);
}

bool fx_my_snapshot_begin(struct fx_db *db, struct fx_err *err)
{
    /* WITH CONSISTENT SNAPSHOT is ignored, with a warning only, at any lower isolation level. */
    static const char sql[] = "set session transaction isolation level repeatable read;"
                              "start transaction with consistent snapshot, read only";
    return fx_db_exec(db, sql, NULL, 0, NULL, err) || fx_ctx(err, "taking a snapshot");
}

/* What one attempt to take a snapshot has seen. */
struct seen {
    char gtid[FX_POS_MAX + 2]; /* one that is too long stays too long */
    char end[128];             /* "file:offset" where the log ended after `gtid` was read */
    char snapshot[128];        /* the same of the snapshot */
    size_t n_results;
};

static const char *cell_of(MYSQL_ROW row, unsigned int column, unsigned int n)
{
    return row != NULL && column < n && row[column] != NULL ? row[column] : "";
}

static bool note_result(void *arg, MYSQL_RES *res)
{
    struct seen *seen = arg;
    unsigned int n = mysql_num_fields(res);
    MYSQL_ROW row = mysql_fetch_row(res);
    const char *first = cell_of(row, 0, n), *second = cell_of(row, 1, n);
    if (seen->n_results == 0)
        snprintf(seen->gtid, sizeof seen->gtid, "%s", first);
    else if (seen->n_results == 1)
        snprintf(seen->end, sizeof seen->end, "%s:%s", first, second);
    else
        snprintf(seen->snapshot, sizeof seen->snapshot, "%s:%s", first, second);
    seen->n_results++;
    return false; /* the caller frees it */
}

#define SNAPSHOT_POSITION                                                           \
    "select max(if(variable_name = 'BINLOG_SNAPSHOT_FILE', variable_value, null))," \
    " max(if(variable_name = 'BINLOG_SNAPSHOT_POSITION', variable_value, null))"    \
    " from information_schema.session_status where variable_name like 'Binlog\\_snapshot\\_%'"

static bool fail_no_log(const struct fx_db *db, struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DB,
                  "the binary log of database \"%s\" is off, so its snapshot has no position",
                  db->conf->name);
    return fx_hint(err, "Set log_bin and binlog_format=ROW in its configuration and restart it. "
                        "Then run the same command again.");
}

/*
 * The server counts from the beginning of the file. It sees no further than a row that is larger
 * than its max_allowed_packet, and a large file takes it seconds.
 */
static bool count_position(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0}, gtid = {0};
    if (!fx_db_select(db, SNAPSHOT_POSITION, NULL, 0, 1, 2, &rows, err))
        return false;
    fx_cell where[2] = {fx_rows_at(&rows, 0, 0), fx_rows_at(&rows, 0, 1)};
    if (where[0].len == 0)
        return fail_no_log(db, err);
    if (!fx_db_select(db, "select binlog_gtid_pos(?, cast(? as unsigned))", where, 2, 1, 1, &gtid,
                      err))
        return false;
    fx_cell pos = fx_rows_at(&gtid, 0, 0);
    if (pos.ptr == NULL)
        return fx_fail(err, FX_E_DB,
                       "database \"%s\" could not name the GTID position of its snapshot (binary "
                       "log %.*s, offset %.*s)",
                       db->conf->name, FX_STR_FMT(where[0]), FX_STR_FMT(where[1])) ||
               fx_hint(
                   err,
                   "Run there: FLUSH BINARY LOGS; then run the same command again. So that this "
                   "is not needed: GRANT BINLOG MONITOR ON *.* TO the user of databases.%s.",
                   db->conf->name);
    return set_position(db, pos, ret_pos, err);
}

/*
 * A snapshot whose offset is the end of the log is at the server's GTID position. Statements go out
 * together, in this order: the snapshot; the GTID position; the end of the log. A transaction is in
 * the GTID position only after its writer had the log, and who asks for the end waits for the
 * writer: where the end is still the snapshot's offset, nothing has come between, and nothing that
 * the GTID position knows is on its way.
 */
static bool try_position(struct my_db *my, struct seen *seen, struct fx_err *err)
{
    static const char sql[] =
        "set session transaction isolation level repeatable read;"
        "start transaction with consistent snapshot, read only;"
        "select @@global.gtid_binlog_pos; show master status;" SNAPSHOT_POSITION;
    *seen = (struct seen){.n_results = 0};
    return fx_my_run_each(my, fx_str_from(sql), note_result, seen, err);
}

/* Customers may commit in between each time; a server that has just begun
 * a new file has an end without a commit, and that file is short. */
enum { ATTEMPTS_MAX = 400, STILL_MAX = 5 };

static bool take_position(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    struct seen seen, last = {.n_results = 0};
    struct fx_err why = FX_ERR_INIT;
    int n_still = 0;
    for (int i = 0; i < ATTEMPTS_MAX && n_still < STILL_MAX; i++) {
        if (!try_position(my_of(db), &seen, &why)) {
            if (!fx_db_is_denied(&why)) {
                *err = why;
                return false;
            }
            return fx_my_snapshot_begin(db, err) && count_position(db, ret_pos, err);
        }
        if (seen.snapshot[0] == ':')
            return fail_no_log(db, err);
        if (strcmp(seen.snapshot, seen.end) == 0)
            return set_position(db, fx_str_from(seen.gtid), ret_pos, err);
        bool is_still =
            strcmp(seen.snapshot, last.snapshot) == 0 && strcmp(seen.end, last.end) == 0;
        n_still = is_still ? n_still + 1 : 0;
        last = seen;
    }
    return count_position(db, ret_pos, err);
}

bool fx_my_snapshot_prepare(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                            struct fx_err *err)
{
    struct fx_snapshot *snapshot = FX_NEW(struct fx_snapshot);
    snapshot->driver = &fx_my_driver;
    if (!fx_my_open(conf, &snapshot->session, err)) {
        fx_my_snapshot_close(snapshot);
        return fx_ctx(err, "taking a snapshot of database \"%s\"", conf->name);
    }
    *ret_snapshot = snapshot;
    return true;
}

bool fx_my_snapshot_take(struct fx_snapshot *snapshot, int64_t timeout_ms, struct fx_err *err)
{
    return fx_db_set_timeout(snapshot->session, timeout_ms, err) &&
           take_position(snapshot->session, &snapshot->pos, err) &&
           fx_db_set_timeout(snapshot->session, 0, err);
}

bool fx_my_snapshot_enter(struct fx_snapshot *snapshot FX_UNUSED, struct fx_err *err FX_UNUSED)
{
    return true; /* taking it has begun the transaction */
}

void fx_my_snapshot_close(struct fx_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    fx_db_close(snapshot->session);
    fx_pos_done(&snapshot->pos);
    free(snapshot);
}
