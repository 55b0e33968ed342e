/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replication over libpq's copy-both mode. Reading is asynchronous (poll on the socket and the
 * caller's wake descriptor), because libpq may hold several messages of one packet: what it holds
 * is asked for first.
 */
#include "lib/pg/conn.h" /* libpq-fe.h comes before lib/base/banned.h */

#include "lib/pg/repl.h"

#include <errno.h>
#include <poll.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/db/conf.h"
#include "lib/db/pos.h"

#define PG_EPOCH_US INT64_C(946684800000000)

/* A slot waits for every running transaction; beyond this someone forgot one. */
enum { SLOT_WAIT_MS = 120000 };

struct fx_pg_repl {
    PGconn *conn;
    char *db_name;
    char *stash;   /* a message that has_buffered found */
    int stash_len; /* < 0: has_buffered found the end of the stream */
    char *current; /* what the last read returned a slice of */
    uint64_t end_lsn;
};

bool fx_pg_lsn_parse(const char *text, uint64_t *ret_lsn)
{
    struct fx_lsn lsn;
    if (!fx_lsn_parse(fx_str_from(text), &lsn))
        return false;
    *ret_lsn = lsn.at;
    return true;
}

static bool fail(struct fx_pg_repl *repl, const PGresult *res, const char *what, struct fx_err *err)
{
    fx_pg_fail(repl->conn, res, repl->db_name, err);
    return fx_ctx(err, "%s", what);
}

bool fx_pg_repl_open(const struct fx_db_conf *conf, struct fx_pg_repl **ret_repl,
                     struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_db_conf resolved;
    PGconn *conn;
    if (!fx_db_conf_resolve(conf, &arena, &resolved, err) ||
        !fx_pg_connect(&resolved, FX_PG_CONN_REPLICATION, &conn, err))
        return fx_ctx(err, "opening a replication connection");
    struct fx_pg_repl *repl = FX_NEW(struct fx_pg_repl);
    repl->conn = conn;
    repl->db_name = fx_strdup(conf->name);
    *ret_repl = repl;
    return true;
}

void fx_pg_repl_close(struct fx_pg_repl *repl)
{
    if (repl == NULL)
        return;
    PQfreemem(repl->stash);
    PQfreemem(repl->current);
    PQfinish(repl->conn);
    free(repl->db_name);
    free(repl);
}

/* Slot and publication names come from cdc/names.h or the
 * snapshot: identifiers that need quoting all the same. */
static char *quoted(struct fx_pg_repl *repl, const char *name)
{
    return PQescapeIdentifier(repl->conn, name, strlen(name));
}

bool fx_pg_repl_create_slot(struct fx_pg_repl *repl, const char *slot, bool is_temporary,
                            struct fx_pos *ret_point, char *snapshot, size_t snapshot_size,
                            struct fx_err *err)
{
    struct fx_pg_slot made = {.snapshot = ""};
    if (!fx_pg_slot_create(repl->conn, slot, is_temporary, SLOT_WAIT_MS, repl->db_name, &made, err))
        return false;
    fx_pos_copy(ret_point, &made.consistent);
    fx_pos_done(&made.consistent);
    snprintf(snapshot, snapshot_size, "%s", made.snapshot);
    return true;
}

bool fx_pg_repl_start(struct fx_pg_repl *repl, const char *slot, const char *publication,
                      uint64_t from, struct fx_err *err)
{
    char at[FX_LSN_TEXT];
    fx_lsn_text((struct fx_lsn){from}, at);
    char *name = quoted(repl, slot);
    char *pub = quoted(repl, publication);
    char *list = PQescapeLiteral(repl->conn, pub, strlen(pub));
    FX_AUTO_STR char *sql = fx_asprintf("START_REPLICATION SLOT %s LOGICAL %s (proto_version '1', "
                                        "publication_names %s, messages 'true')",
                                        name, at, list);
    PQfreemem(list);
    PQfreemem(pub);
    PQfreemem(name);
    PGresult *res = PQexec(repl->conn, sql);
    bool is_ok =
        PQresultStatus(res) == PGRES_COPY_BOTH || fail(repl, res, "starting replication", err);
    PQclear(res);
    return is_ok || fx_ctx(err, "starting slot \"%s\" at %s", slot, at);
}

/* --- the stream ------------------------------------------------------------------------------- */

static uint64_t be64(const char *at)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | (uint8_t)at[i];
    return v;
}

static void put_be64(char *at, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (char)(uint8_t)(v >> (56 - 8 * i));
}

/* A whole copy message from libpq's memory: > 0 its
 * length, 0 none yet, -1 the stream ended, -2 failed. */
static int take(struct fx_pg_repl *repl, char **ret_bytes)
{
    if (repl->stash != NULL) {
        *ret_bytes = FX_TAKE(repl->stash);
        return repl->stash_len;
    }
    if (repl->stash_len < 0)
        return repl->stash_len;
    return PQgetCopyData(repl->conn, ret_bytes, 1);
}

static bool fail_end(struct fx_pg_repl *repl, struct fx_err *err)
{
    PGresult *res = PQgetResult(repl->conn);
    if (res != NULL && PQresultStatus(res) == PGRES_FATAL_ERROR)
        (void)fail(repl, res, "the server ended replication", err);
    else
        (void)(fx_fail(err, FX_E_DB_CONNECT,
                       "database \"%s\" closed the replication connection, as a server does that "
                       "shuts down",
                       repl->db_name) ||
               fx_hint(err, FX_SERVER_GONE));
    PQclear(res);
    return false;
}

enum { DATA_HEAD = 25, KEEPALIVE_LEN = 18 };

bool fx_pg_repl_frame(struct fx_str bytes, struct fx_pg_repl_msg *ret)
{
    if (bytes.len >= DATA_HEAD && bytes.ptr[0] == 'w') {
        *ret = (struct fx_pg_repl_msg){.kind = FX_PG_REPL_DATA,
                                       .end_lsn = be64(bytes.ptr + 9),
                                       .payload = fx_str_sub(bytes, DATA_HEAD, bytes.len)};
        return true;
    }
    if (bytes.len != KEEPALIVE_LEN || bytes.ptr[0] != 'k')
        return false;
    *ret = (struct fx_pg_repl_msg){.kind = FX_PG_REPL_KEEPALIVE,
                                   .end_lsn = be64(bytes.ptr + 1),
                                   .wants_reply = bytes.ptr[17] != 0};
    return true;
}

static bool parse_frame(struct fx_pg_repl *repl, char *bytes, size_t len,
                        struct fx_pg_repl_msg *ret, struct fx_err *err)
{
    if (!fx_pg_repl_frame((struct fx_str){bytes, len}, ret))
        return fx_fail(err, FX_E_PROTOCOL,
                       "database \"%s\" sent an unknown replication message 0x%02x of %zu bytes",
                       repl->db_name, (unsigned)(uint8_t)bytes[0], len);
    repl->end_lsn = FX_MAX(repl->end_lsn, ret->end_lsn);
    if (ret->kind == FX_PG_REPL_DATA)
        ret->end_lsn = repl->end_lsn;
    return true;
}

/* true: try again; false with code NONE: the time-out or the wake descriptor came first. */
static bool wait_readable(struct fx_pg_repl *repl, struct fx_mono until, int wake_fd,
                          bool *ret_is_ready, struct fx_err *err)
{
    struct pollfd fds[2] = {{.fd = PQsocket(repl->conn), .events = POLLIN},
                            {.fd = wake_fd, .events = POLLIN}};
    int64_t left_ms = (until.us - fx_mono_now().us + 999) / 1000;
    int n = poll(fds, 2, (int)FX_MAX(left_ms, (int64_t)0));
    *ret_is_ready = n > 0 && fds[0].revents != 0;
    if (n < 0 && errno != EINTR)
        return fx_fail_errno(err, FX_E_DB_CONNECT, errno, "could not wait for database \"%s\"",
                             repl->db_name);
    if (*ret_is_ready && PQconsumeInput(repl->conn) == 0)
        return fail(repl, NULL, "reading the replication stream", err);
    return true;
}

bool fx_pg_repl_read(struct fx_pg_repl *repl, int64_t timeout_ms, int wake_fd,
                     struct fx_pg_repl_msg *ret_msg, struct fx_err *err)
{
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    PQfreemem(repl->current);
    repl->current = NULL;
    for (;;) {
        char *bytes = NULL;
        bool is_ready = false;
        int len = take(repl, &bytes);
        if (len > 0) {
            repl->current = bytes;
            return parse_frame(repl, bytes, (size_t)len, ret_msg, err);
        }
        if (len == -1)
            return fail_end(repl, err);
        if (len < -1)
            return fail(repl, NULL, "reading the replication stream", err);
        if (!wait_readable(repl, until, wake_fd, &is_ready, err))
            return false;
        if (!is_ready) {
            *ret_msg = (struct fx_pg_repl_msg){.kind = FX_PG_REPL_NONE, .end_lsn = repl->end_lsn};
            return true;
        }
    }
}

bool fx_pg_repl_has_buffered(struct fx_pg_repl *repl)
{
    if (repl->stash != NULL || repl->stash_len < 0)
        return true;
    repl->stash_len = PQgetCopyData(repl->conn, &repl->stash, 1);
    return repl->stash_len != 0;
}

bool fx_pg_repl_feedback(struct fx_pg_repl *repl, uint64_t lsn, bool wants_reply,
                         struct fx_err *err)
{
    char frame[34] = {'r'};
    put_be64(frame + 1, lsn);
    put_be64(frame + 9, lsn);
    put_be64(frame + 17, lsn);
    put_be64(frame + 25, (uint64_t)(fx_wall_now().us - PG_EPOCH_US));
    frame[33] = wants_reply ? 1 : 0;
    if (PQputCopyData(repl->conn, frame, sizeof frame) != 1 || PQflush(repl->conn) < 0)
        return fail(repl, NULL, "confirming a position", err);
    return true;
}
