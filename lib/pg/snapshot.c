/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot with its exact position: the one that the server exports when it creates a logical
 * slot. The slot is temporary; it lives on a replication connection of its own, which stays open
 * (and silent: the next command on it would end the exported snapshot for those who have not
 * imported it yet) until the snapshot is closed.
 */
#include "lib/pg/conn.h"

#include <inttypes.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/rand.h"

struct pg_snapshot {
    struct fx_snapshot base;
    PGconn *repl;
    char name[sizeof((struct fx_pg_slot){0}.snapshot)];
};

static bool read_slot(const PGresult *res, struct fx_pg_slot *ret_slot)
{
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1 || PQnfields(res) < 3 ||
        PQgetlength(res, 0, 1) > FX_POS_MAX || PQgetisnull(res, 0, 2))
        return false;
    fx_pos_set(&ret_slot->consistent, fx_str_from(PQgetvalue(res, 0, 1)));
    snprintf(ret_slot->snapshot, sizeof ret_slot->snapshot, "%s", PQgetvalue(res, 0, 2));
    return true;
}

/* What the server's refusal usually means. */
static void hint_create(const PGresult *res, struct fx_err *err)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (state != NULL && strcmp(state, "55000") == 0)
        fx_hint(err, "Logical replication needs wal_level = logical. Run: ALTER SYSTEM SET "
                     "wal_level = logical; restart the server, and run the same command again.");
    if (state != NULL && strcmp(state, "53400") == 0)
        fx_hint(err, "Raise max_replication_slots and restart the server, or drop a slot that "
                     "nobody needs (one that is not active may be of a stream that is stopped): "
                     "select slot_name, active from pg_replication_slots; select "
                     "pg_drop_replication_slot('NAME');");
}

bool fx_pg_slot_create(PGconn *repl, const char *slot, bool is_temporary, int64_t timeout_ms,
                       const char *db_name, struct fx_pg_slot *ret_slot, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    fx_buf_add(&sql, FX_STR("CREATE_REPLICATION_SLOT "));
    fx_db_ident(FX_PG, slot, &sql);
    fx_buf_add_c(&sql, is_temporary ? " TEMPORARY" : "");
    fx_buf_add_c(&sql, PQserverVersion(repl) >= 150000 ? " LOGICAL pgoutput (SNAPSHOT 'export')"
                                                       : " LOGICAL pgoutput EXPORT_SNAPSHOT");
    PGresult *res;
    if (!PQsendQuery(repl, fx_buf_cstr(&sql)))
        return fx_pg_fail(repl, NULL, db_name, err);
    if (!fx_pg_await(repl, timeout_ms, db_name, &res, err)) {
        fx_ctx(err, "creating replication slot \"%s\"", slot);
        if (err->code == FX_E_TIMEOUT)
            fx_hint(
                err,
                "Creating a slot waits for every running transaction; the oldest: "
                "select pid, xact_start, query from pg_stat_activity order by xact_start; End it, "
                "then run the same command again; in a run: ficus run resume");
        return false;
    }
    bool is_ok = read_slot(res, ret_slot);
    if (!is_ok) {
        fx_pg_fail(repl, res, db_name, err);
        fx_ctx(err, "creating replication slot \"%s\"", slot);
        hint_create(res, err);
    }
    PQclear(res);
    return is_ok;
}

/* What it answers does not matter; a server that says nothing is found out by what comes next. */
static void send_quietly(PGconn *repl, const char *sql)
{
    PGresult *res;
    if (!PQsendQuery(repl, sql))
        return;
    while (fx_pg_has_answer(repl, FX_DB_SILENCE_MS) && (res = PQgetResult(repl)) != NULL)
        PQclear(res);
}

/*
 * A walsender that waits for a transaction does not notice that its client has gone, and its slot
 * stays as long. The server looks after its client when the timer for that runs, which any
 * statement starts that comes after the setting; where the server's system cannot look, nothing is
 * lost.
 */
static void watch_client(PGconn *repl)
{
    send_quietly(repl, "set client_connection_check_interval = 500");
}

static void start_watch(PGconn *repl)
{
    send_quietly(repl, "select 1");
}

bool fx_pg_snapshot_prepare(const struct fx_db_conf *conf, struct fx_snapshot **ret_snapshot,
                            struct fx_err *err)
{
    struct pg_snapshot *snapshot = FX_NEW(struct pg_snapshot);
    snapshot->base.driver = &fx_pg_driver;
    if (!fx_pg_connect(conf, FX_PG_CONN_REPLICATION, &snapshot->repl, err) ||
        !fx_pg_open(conf, &snapshot->base.session, err)) {
        fx_pg_snapshot_close(&snapshot->base);
        return fx_ctx(err, "taking a snapshot of database \"%s\"", conf->name);
    }
    watch_client(snapshot->repl);
    *ret_snapshot = &snapshot->base;
    return true;
}

bool fx_pg_snapshot_take(struct fx_snapshot *base, int64_t timeout_ms, struct fx_err *err)
{
    struct pg_snapshot *snapshot = FX_CONTAINER_OF(base, struct pg_snapshot, base);
    struct fx_pg_slot slot = {.snapshot = ""};
    char name[64];
    snprintf(name, sizeof name, "ficus_cut_%d_%" PRIx64, (int)getpid(), fx_rand_system());
    start_watch(snapshot->repl);
    if (!fx_pg_slot_create(snapshot->repl, name, true, timeout_ms, base->session->conf->name, &slot,
                           err)) {
        fx_pos_done(&slot.consistent);
        return false;
    }
    fx_pos_done(&base->pos);
    base->pos = slot.consistent;
    memcpy(snapshot->name, slot.snapshot, sizeof snapshot->name);
    return true;
}

bool fx_pg_snapshot_enter(struct fx_snapshot *base, struct fx_err *err)
{
    struct pg_snapshot *snapshot = FX_CONTAINER_OF(base, struct pg_snapshot, base);
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(256);
    fx_buf_add(&sql, FX_STR("begin isolation level repeatable read read only;"
                            " set transaction snapshot "));
    fx_db_literal(FX_PG, fx_str_from(snapshot->name), &sql);
    return fx_pg_db_command(fx_pg_db_of(base->session), fx_buf_cstr(&sql), err) ||
           fx_ctx(err, "importing snapshot %s", snapshot->name);
}

void fx_pg_snapshot_close(struct fx_snapshot *base)
{
    if (base == NULL)
        return;
    struct pg_snapshot *snapshot = FX_CONTAINER_OF(base, struct pg_snapshot, base);
    fx_pg_close(base->session);
    fx_pos_done(&base->pos);
    PQfinish(snapshot->repl); /* drops the temporary slot; NULL is fine */
    free(snapshot);
}
