/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of MariaDB and their exact positions in the binary log.
 *
 * START TRANSACTION WITH CONSISTENT SNAPSHOT takes the commit lock for a moment, so the snapshot
 * and the status variables Binlog_snapshot_* agree exactly; BINLOG_GTID_POS turns file and offset
 * into a GTID position. No lock is held afterwards, and writers never wait.
 */
#include "lib/my/my_priv.h"

#include "lib/base/alloc.h"

/* Empty is a position, too: nothing was ever committed to this log. */
static bool set_position(const struct fx_db *db, fx_cell text, struct fx_pos *ret_pos,
                         struct fx_err *err)
{
    if (text.len > FX_POS_MAX)
        return fx_fail(err, FX_E_LIMIT,
                       "the GTID position of database \"%s\" has more than %d bytes",
                       db->conf->name, FX_POS_MAX) ||
               fx_hint(err,
                       "Remove the domains that nobody uses on that server: select "
                       "@@global.gtid_binlog_pos; FLUSH BINARY LOGS DELETE_DOMAIN_ID=(NUMBERS);");
    fx_pos_set(ret_pos, text);
    return true;
}

bool fx_my_pos_now(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db, "select @@global.gtid_binlog_pos, @@global.log_bin", NULL, 0, &rows, err))
        return false;
    fx_cell pos = fx_rows_at(&rows, 0, 0);
    if (fx_str_eq_c(fx_rows_at(&rows, 0, 1), "0")) {
        fx_fail(err, FX_E_DB, "the binary log of database \"%s\" is off", db->conf->name);
        return fx_hint(err,
                       "Set log_bin and binlog_format=ROW in its configuration and restart it.");
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

static bool snapshot_position(struct fx_db *db, struct fx_pos *ret_pos, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    static const char status[] =
        "select max(if(variable_name = 'BINLOG_SNAPSHOT_FILE', variable_value, null)),"
        " max(if(variable_name = 'BINLOG_SNAPSHOT_POSITION', variable_value, null))"
        " from information_schema.session_status where variable_name like 'Binlog\\_snapshot\\_%'";
    if (!fx_db_query(db, status, NULL, 0, &rows, err))
        return false;
    fx_cell where[2] = {fx_rows_at(&rows, 0, 0), fx_rows_at(&rows, 0, 1)};
    if (where[0].len == 0) {
        fx_fail(err, FX_E_DB,
                "the binary log of database \"%s\" is off, so its snapshot has no position",
                db->conf->name);
        return fx_hint(err,
                       "Set log_bin and binlog_format=ROW in its configuration and restart it.");
    }
    FX_AUTO(fx_rows) struct fx_rows gtid = {0};
    if (!fx_db_query(db, "select binlog_gtid_pos(?, cast(? as unsigned))", where, 2, &gtid, err))
        return false;
    fx_cell pos = fx_rows_at(&gtid, 0, 0);
    if (pos.ptr == NULL)
        return fx_fail(err, FX_E_DB,
                       "database \"%s\" has no GTID position for file %.*s offset %.*s",
                       db->conf->name, FX_STR_FMT(where[0]), FX_STR_FMT(where[1])) ||
               fx_hint(err, "The binary log may have been purged meanwhile. Run the same command "
                            "again; if it fails again, please report it with the output of: SHOW "
                            "BINARY LOGS; SELECT version();");
    return set_position(db, pos, ret_pos, err);
}

bool fx_my_snapshot_open(const struct fx_db_conf *conf, int64_t timeout_ms,
                         struct fx_snapshot **ret_snapshot, struct fx_err *err)
{
    struct fx_snapshot *snapshot = FX_NEW(struct fx_snapshot);
    snapshot->driver = &fx_my_driver;
    if (!fx_db_open(conf, &snapshot->session, err) ||
        !fx_db_set_timeout(snapshot->session, timeout_ms, err) ||
        !fx_my_snapshot_begin(snapshot->session, err) ||
        !snapshot_position(snapshot->session, &snapshot->pos, err) ||
        !fx_db_set_timeout(snapshot->session, 0, err)) {
        fx_my_snapshot_close(snapshot);
        return fx_ctx(err, "taking a snapshot of database \"%s\"", conf->name);
    }
    *ret_snapshot = snapshot;
    return true;
}

void fx_my_snapshot_close(struct fx_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    fx_db_close(snapshot->session);
    fx_pos_done(&snapshot->pos);
    free(snapshot);
}
