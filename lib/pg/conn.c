/* SPDX-License-Identifier: Apache-2.0 */
/* Opening libpq connections, and what their failures mean to a caller. */
#include "lib/pg/conn.h"

#include <errno.h>
#include <poll.h>

#include "lib/base/clock.h"
#include "lib/db/conf.h"
#include "lib/pg/redact.h"

enum { SERVER_VERSION_MIN = 140000, TEXT_MAX = 1 << 20 };

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* libpq's messages end in a newline and may have several lines: the first says what happened. */
static struct fx_str first_line(const char *message)
{
    struct fx_str rest;
    return fx_str_trim(fx_str_cut(fx_str_from(message), '\n', &rest));
}

static bool connect_failed(const struct fx_db_conf *conf, PGconn *conn, const char *reason,
                           struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_str line = first_line(reason != NULL ? reason : PQerrorMessage(conn));
    return fx_fail(err, FX_E_DB_CONNECT, "could not connect to database \"%s\" at %s: %.*s",
                   conf->name != NULL ? conf->name : conf->dbname, fx_db_conf_where(conf, &arena),
                   FX_STR_FMT(line)) ||
           fx_hint(err,
                   "Check that the server runs there, and the url and password of databases.%s "
                   "in ficus.yaml. A stream connects again by itself; any other command: run it "
                   "again, in a run: ficus run resume",
                   conf->name != NULL ? conf->name : "NAME");
}

static PGconn *start(const struct fx_db_conf *conf, enum fx_pg_conn_kind kind)
{
    char port[16] = "";
    if (conf->port != 0)
        snprintf(port, sizeof port, "%d", conf->port);
    const char *host = conf->socket_dir != NULL ? conf->socket_dir : conf->host;
    FX_AUTO(fx_buf) struct fx_buf options = FX_BUF(16 << 10);
    fx_pg_pinned_options(&options);
    const struct {
        const char *key, *value;
    } settings[] = {
        {"host", host},
        {"port", port[0] != '\0' ? port : NULL},
        {"user", conf->user},
        {"dbname", conf->dbname},
        {"password", conf->password},
        {"client_encoding", "UTF8"},
        {"application_name", "ficus"},
        {"options", fx_buf_cstr(&options)},
        {"keepalives_idle", "30"},
        {"tcp_user_timeout", "30000"},
        {"replication", kind == FX_PG_CONN_REPLICATION ? "database" : NULL},
    };
    const char *keys[FX_ARRAY_LEN(settings) + 1] = {0};
    const char *values[FX_ARRAY_LEN(settings) + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < FX_ARRAY_LEN(settings); i++) {
        if (settings[i].value == NULL)
            continue;
        keys[n] = settings[i].key;
        values[n++] = settings[i].value;
    }
    return PQconnectStartParams(keys, values, 0);
}

/* Waits until the socket is ready; false when the deadline came first or poll failed. */
static bool wait_socket(PGconn *conn, short events, struct fx_mono deadline)
{
    for (;;) {
        int64_t left_us = fx_mono_since_us(fx_mono_now(), deadline);
        if (left_us <= 0)
            return false;
        struct pollfd fd = {.fd = PQsocket(conn), .events = events};
        int n = poll(&fd, 1, (int)(left_us / 1000 + 1));
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static bool finish_connect(const struct fx_db_conf *conf, PGconn *conn, struct fx_err *err)
{
    int64_t limit_ms = conf->connect_timeout_ms > 0 ? conf->connect_timeout_ms : 10000;
    struct fx_mono deadline = fx_mono_add_ms(fx_mono_now(), limit_ms);
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step != PGRES_POLLING_OK) {
        if (step == PGRES_POLLING_FAILED || PQstatus(conn) == CONNECTION_BAD)
            return connect_failed(conf, conn, NULL, err);
        if (!wait_socket(conn, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return connect_failed(conf, conn, "timeout (connect_timeout)", err);
        step = PQconnectPoll(conn);
    }
    if (PQserverVersion(conn) < SERVER_VERSION_MIN)
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "database \"%s\" runs PostgreSQL %d; version 14 or later is required",
                       conf->name, PQserverVersion(conn) / 10000) ||
               fx_hint(err,
                       "Upgrade this server, or correct its url under databases.%s in ficus.yaml.",
                       conf->name);
    return fx_pg_pinned_check(conf, conn, limit_ms, err);
}

bool fx_pg_has_answer(PGconn *conn, int64_t silence_ms)
{
    while (PQisBusy(conn) == 1) {
        if (!wait_socket(conn, POLLIN, fx_mono_add_ms(fx_mono_now(), silence_ms)))
            return false;
        if (PQconsumeInput(conn) != 1)
            return true; /* broken: PQgetResult says how */
    }
    return true;
}

bool fx_pg_connect(const struct fx_db_conf *conf, enum fx_pg_conn_kind kind, PGconn **ret_conn,
                   struct fx_err *err)
{
    PGconn *conn = start(conf, kind);
    if (conn == NULL)
        return fx_fail(err, FX_E_DB_CONNECT, "could not connect to database \"%s\": out of memory",
                       conf->name) ||
               fx_hint(err, "See: free -m; ulimit -v. Free some, then run the same command again.");
    PQsetNoticeProcessor(conn, ignore_notice, NULL);
    if (!finish_connect(conf, conn, err)) {
        PQfinish(conn);
        return false;
    }
    *ret_conn = conn;
    return true;
}

static bool state_in(const char *sqlstate, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strncmp(sqlstate, *list, strlen(*list)) == 0)
            return true;
    }
    return false;
}

static enum fx_code code_of(PGconn *conn, const char *sqlstate)
{
    /* Shutdown, crash, connection exceptions, idle limits: all end the session. */
    static const char *const connect[] = {"08", "57P01", "57P02", "57P03", "57P05", "25P03", NULL};
    static const char *const conflict[] = {"40001", "40P01", "55P03", NULL};
    if (PQstatus(conn) == CONNECTION_BAD || state_in(sqlstate, connect))
        return FX_E_DB_CONNECT;
    if (state_in(sqlstate, conflict))
        return FX_E_DB_CONFLICT;
    return strcmp(sqlstate, "57014") == 0 ? FX_E_TIMEOUT : FX_E_DB;
}

/* Without a result it is libpq's own text, or one in which it passes on what the server said. */
static const char *text_of(PGconn *conn, const char **ret_sqlstate)
{
    const char *text = PQerrorMessage(conn);
    *ret_sqlstate = strstr(text, "ERROR:") != NULL ? NULL : "08000";
    return text;
}

static void get_texts(PGconn *conn, const PGresult *res, struct fx_pg_texts *ret)
{
    *ret = (struct fx_pg_texts){0};
    if (res != NULL) {
        ret->sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
        ret->primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
        ret->detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
        ret->hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
        ret->function = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
    }
    if (ret->primary == NULL)
        ret->primary = text_of(conn, &ret->sqlstate);
}

bool fx_pg_fail(PGconn *conn, const PGresult *res, const char *name, struct fx_err *err)
{
    const char *sqlstate = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    FX_AUTO(fx_buf) struct fx_buf message = FX_BUF(TEXT_MAX), detail = FX_BUF(TEXT_MAX);
    FX_AUTO(fx_buf) struct fx_buf hint = FX_BUF(TEXT_MAX);
    struct fx_pg_texts texts;
    get_texts(conn, res, &texts);
    fx_pg_redact(&texts, &message, &detail, &hint);
    enum fx_code code = code_of(conn, sqlstate != NULL ? sqlstate : "");
    struct fx_str line = first_line(fx_buf_cstr(&message));
    if (line.len == 0)
        line = FX_STR("the server gave no reason");
    if (code == FX_E_DB_CONNECT)
        fx_fail(err, code, "lost the connection to database \"%s\": %.*s", name, FX_STR_FMT(line));
    else
        fx_fail(err, code, "database \"%s\": %.*s", name, FX_STR_FMT(line));
    if (detail.len > 0)
        fx_detail(err, "%s", fx_buf_cstr(&detail));
    if (hint.len > 0)
        fx_hint(err, "%s", fx_buf_cstr(&hint));
    else if (code == FX_E_DB_CONNECT)
        fx_hint(err, FX_SERVER_GONE);
    if (sqlstate != NULL)
        fx_err_set_sqlstate(err, sqlstate);
    return false;
}

void fx_pg_cancel(PGconn *conn)
{
    char ignored[256];
    PGcancel *cancel = PQgetCancel(conn);
    if (cancel == NULL)
        return;
    (void)PQcancel(cancel, ignored, sizeof ignored);
    PQfreeCancel(cancel);
}

/* Throws away what is still to come of the running command. */
static void drain(PGconn *conn)
{
    PGresult *res;
    while ((res = PQgetResult(conn)) != NULL)
        PQclear(res);
}

bool fx_pg_await(PGconn *conn, int64_t timeout_ms, const char *name, PGresult **ret_res,
                 struct fx_err *err)
{
    struct fx_mono deadline = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    while (PQisBusy(conn)) {
        if (!wait_socket(conn, POLLIN, deadline)) {
            fx_pg_cancel(conn);
            drain(conn);
            return fx_fail(err, FX_E_TIMEOUT, "database \"%s\" did not answer within %lld ms", name,
                           (long long)timeout_ms) ||
                   fx_hint(err, "Check that the server runs, then run the same command again; in a "
                                "run: ficus run resume");
        }
        if (!PQconsumeInput(conn))
            return fx_pg_fail(conn, NULL, name, err);
    }
    PGresult *res = PQgetResult(conn);
    drain(conn);
    if (res == NULL)
        return fx_pg_fail(conn, NULL, name, err);
    *ret_res = res;
    return true;
}
