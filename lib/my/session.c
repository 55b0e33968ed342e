/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A MariaDB session behind lib/db/db.h: opened with everything pinned that could change what a
 * statement means or how a value prints, and never reconnected without the caller's knowledge.
 *
 * Parameters are put into the statement as literals on this side. Under NO_BACKSLASH_ESCAPES the
 * only character that a quoted string has to escape is the quote itself, so the literal is exact,
 * and the text protocol lets callers send several statements at once.
 *
 * CLIENT_FOUND_ROWS makes UPDATE report rows matched, as PostgreSQL does: an update that finds its
 * row already as wanted is a hit, not a miss.
 */
#include "lib/my/my_priv.h"

#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/panic.h"
#include "lib/db/params.h"
#include "lib/my/redact.h"
#include "lib/value/map_my.h"

enum { SQL_MAX = 1 << 30, PACKET_MAX = 1 << 30, TEXT_MAX = 1 << 20, CONNECT_MS = 10000 };

/* Numbers that mysqld_error.h of the Connector does not have, or has only in newer releases. */
enum {
    MY_ER_CONNECTION_KILLED = 1927,
    MY_ER_STATEMENT_TIMEOUT = 1969,
    MY_ER_CLIENT_INTERACTION_TIMEOUT = 4031,
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_init(void)
{
    if (mysql_library_init(0, NULL, NULL) != 0)
        FX_BUG("libmariadb could not be initialised");
    fx_my_bounds_init();
}

enum fx_code fx_my_code(unsigned int number)
{
    switch (number) {
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_CHECKREAD: return FX_E_DB_CONFLICT;
    case MY_ER_STATEMENT_TIMEOUT: return FX_E_TIMEOUT;
    case ER_CON_COUNT_ERROR:
    case ER_SERVER_SHUTDOWN:
    case ER_NORMAL_SHUTDOWN:
    case ER_FORCING_CLOSE:
    case ER_HANDSHAKE_ERROR:
    case ER_NET_READ_ERROR:
    case ER_NET_READ_INTERRUPTED:
    case ER_NET_ERROR_ON_WRITE:
    case ER_NET_WRITE_INTERRUPTED:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case MY_ER_CONNECTION_KILLED:
    case MY_ER_CLIENT_INTERACTION_TIMEOUT: return FX_E_DB_CONNECT;
    default: break;
    }
    switch (number) {
    case CR_COMMANDS_OUT_OF_SYNC:
    case CR_OUT_OF_MEMORY:
    case CR_NET_PACKET_TOO_LARGE: return FX_E_DB;
    default: return number >= CR_MIN_ERROR && number < 3000 ? FX_E_DB_CONNECT : FX_E_DB;
    }
}

bool fx_my_fail(struct my_db *my, struct fx_err *err, const char *what)
{
    unsigned int number = mysql_errno(my->mysql);
    enum fx_code code = fx_my_code(number);
    if (code == FX_E_DB_CONNECT || number == CR_COMMANDS_OUT_OF_SYNC ||
        number == CR_OUT_OF_MEMORY || number == CR_NET_PACKET_TOO_LARGE)
        my->is_broken = true;
    if (my->answer.is_over || my->answer.is_late)
        return fx_my_bounds_fail(my, err);
    if (number == 0)
        return fx_my_bounds_nonsense(my, err);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(TEXT_MAX);
    fx_my_redact(number, mysql_sqlstate(my->mysql), fx_str_from(mysql_error(my->mysql)), &text);
    fx_fail(err, code, "%s database \"%s\": %s", what, my->base.conf->name,
            text.len > 0 ? fx_buf_cstr(&text) : "the server gave no reason");
    fx_err_set_mysql(err, (int)number, mysql_sqlstate(my->mysql));
    return code == FX_E_DB_CONNECT ? fx_hint(err, FX_SERVER_GONE) : false;
}

/* --- life ------------------------------------------------------------------------------------- */

static int64_t connect_timeout_ms(const struct fx_db_conf *conf)
{
    return conf->connect_timeout_ms > 0 ? conf->connect_timeout_ms : CONNECT_MS;
}

/*
 * Ways to prove the password that do not give it away, to whoever answers. Others send it as it is
 * (mysql_clear_password, dialog), under a key that the server chooses (sha256_password,
 * caching_sha2_password) or so that it can be computed (mysql_old_password).
 */
static const char safe_methods[] = "mysql_native_password,client_ed25519,auth_gssapi_client,parsec";

static bool set_options(struct my_db *my, const struct fx_db_conf *conf)
{
    unsigned int off = 0;
    my_bool no = 0;
    unsigned long packet = PACKET_MAX;
    unsigned int protocol =
        conf->socket_dir != NULL ? (unsigned)MYSQL_PROTOCOL_SOCKET : (unsigned)MYSQL_PROTOCOL_TCP;
    return fx_my_bounds_connect(my, connect_timeout_ms(conf)) &&
           mysql_optionsv(my->mysql, MARIADB_OPT_RESTRICTED_AUTH, safe_methods) == 0 &&
           mysql_options(my->mysql, MYSQL_OPT_RECONNECT, &no) == 0 &&
           mysql_options(my->mysql, MYSQL_OPT_LOCAL_INFILE, &off) == 0 &&
           mysql_options(my->mysql, MYSQL_OPT_PROTOCOL, &protocol) == 0 &&
           mysql_options(my->mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet) == 0 &&
           mysql_options(my->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0;
}

static bool is_mariadb(struct my_db *my)
{
    return strstr(mysql_get_server_info(my->mysql), "MariaDB") != NULL;
}

/* A host that vanishes without a word must not hold
 * a statement for hours: half a minute of silence. */
static void keep_alive(struct my_db *my)
{
    static const struct {
        int level, name, value;
    } options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                   {IPPROTO_TCP, TCP_KEEPIDLE, 15},
                   {IPPROTO_TCP, TCP_KEEPINTVL, 5},
                   {IPPROTO_TCP, TCP_KEEPCNT, 3},
                   {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000}};
    int fd = (int)mysql_get_socket(my->mysql);
    for (size_t i = 0; i < FX_ARRAY_LEN(options);
         i++) /* best effort: none of it is needed to work */
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static void hint_access(const struct fx_db_conf *conf, struct fx_err *err)
{
    const char *user = conf->user != NULL ? conf->user : "";
    const char *dbname = conf->dbname != NULL ? conf->dbname : "";
    switch (err->cause_number) {
    case CR_PLUGIN_NOT_ALLOWED:
        fx_hint(err,
                "The server, or whoever answers there, asked for the password in a way that "
                "gives it away. If it is yours, let the user prove it otherwise, as an "
                "administrator: ALTER USER `%s`@'HOST' IDENTIFIED VIA ed25519 USING "
                "PASSWORD('…'); (or mysql_native_password)",
                user);
        return;
    case 1045: /* ER_ACCESS_DENIED_ERROR */
    case 1698: /* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
        fx_hint(err, "Check the user \"%s\" and its password under databases.%s in ficus.yaml.",
                user, conf->name);
        return;
    case 1044: /* ER_DBACCESS_DENIED_ERROR */
        fx_hint(err,
                "Grant what is needed, as an administrator: section 2 of "
                "docs/guide/first-migration.md. It begins with: GRANT SELECT ON `%s`.* TO `%s`;",
                dbname, user);
        return;
    case 1049: /* ER_BAD_DB_ERROR */
        fx_hint(err, "Check the database's name under databases.%s, or: CREATE DATABASE `%s`;",
                conf->name, dbname);
        return;
    default:
        fx_hint(err,
                "Check that the server runs there, and the url and password of databases.%s in "
                "ficus.yaml. A stream connects again by itself; any other command: run it again, "
                "in a run: ficus run resume",
                conf->name);
    }
}

static bool connect_and_pin(struct my_db *my, const struct fx_db_conf *conf, struct fx_err *err)
{
    if (!set_options(my, conf))
        return fx_my_fail(my, err, "could not prepare a connection to");
    const char *host = conf->socket_dir != NULL ? NULL : conf->host;
    unsigned int port = conf->port > 0 ? (unsigned int)conf->port : 3306;
    unsigned long flags = CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS;
    if (mysql_real_connect(my->mysql, host, conf->user,
                           conf->password != NULL ? conf->password : "", conf->dbname, port,
                           conf->socket_dir, flags) == NULL) {
        fx_my_fail(my, err, "could not connect to");
        if (err->cause_number == CR_PLUGIN_NOT_ALLOWED) /* libmariadb names another one */
            snprintf(err->message, sizeof err->message,
                     "could not connect to database \"%s\": it asked for the password in a way "
                     "that gives it away",
                     conf->name);
        if (err->hint[0] == '\0' || !my->answer.is_over)
            hint_access(conf, err);
        return conf->socket_dir != NULL ? fx_ctx(err, "connecting to socket %s", conf->socket_dir)
                                        : fx_ctx(err, "connecting to %s port %u",
                                                 host != NULL ? host : "localhost", port);
    }
    if (conf->socket_dir == NULL)
        keep_alive(my);
    if (!is_mariadb(my))
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "database \"%s\" is not MariaDB (it reports version %s)", conf->name,
                       mysql_get_server_info(my->mysql)) ||
               fx_hint(err,
                       "Correct the url of databases.%s in ficus.yaml: a mysql:// url must name a "
                       "MariaDB server.",
                       conf->name);
    fx_my_bounds_session(my);
    fx_my_silence(my, connect_timeout_ms(conf));
    if (!fx_my_pin(my, err))
        return false;
    fx_my_silence(my, 0);
    return true;
}

bool fx_my_open(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err)
{
    pthread_once(&library_once, library_init);
    struct my_db *my = FX_NEW(struct my_db);
    my->base = (struct fx_db){.driver = &fx_my_driver, .conf = conf};
    my->sql = FX_BUF(SQL_MAX);
    my->mysql = mysql_init(NULL);
    if (my->mysql == NULL)
        FX_BUG("mysql_init: out of memory");
    if (!connect_and_pin(my, conf, err)) {
        fx_my_close(&my->base);
        return false;
    }
    *ret_db = &my->base;
    return true;
}

void fx_my_close(struct fx_db *db)
{
    if (db == NULL)
        return;
    struct my_db *my = my_of(db);
    mysql_close(my->mysql);
    fx_buf_done(&my->sql);
    free(my);
}

static bool my_is_broken(const struct fx_db *db)
{
    return ((const struct my_db *)(const void *)db)->is_broken;
}

static const char *my_version(const struct fx_db *db)
{
    return mysql_get_server_info(((const struct my_db *)(const void *)db)->mysql);
}

/* --- statements ------------------------------------------------------------------------------- */

bool fx_my_bind(struct my_db *my, const char *sql, const fx_cell *params, size_t n_params,
                struct fx_err *err)
{
    struct fx_params_scan scan = fx_params_scan(FX_MY, sql);
    enum fx_params_piece piece;
    struct fx_str text;
    size_t used = 0;
    fx_buf_clear(&my->sql);
    do {
        piece = fx_params_next(&scan, &text);
        fx_buf_add(&my->sql, text);
        if (piece == FX_PARAMS_PARAM && used < n_params) {
            if (params[used].ptr == NULL)
                fx_buf_add(&my->sql, FX_STR("NULL"));
            else
                fx_my_quote(params[used], &my->sql);
        }
        used += piece == FX_PARAMS_PARAM;
    } while (piece != FX_PARAMS_END);
    if (used != n_params)
        return fx_fail(err, FX_E_BUG, "a statement takes %zu parameters, %zu were given: %.100s",
                       used, n_params, sql) ||
               fx_hint(err, "This is a defect in Ficus. Please report it with this message.");
    if (my->sql.has_failed)
        return fx_fail(err, FX_E_LIMIT, "a statement for database \"%s\" is longer than %d bytes",
                       my->base.conf->name, SQL_MAX) ||
               fx_hint(err,
                       "One value in it is too long. Shorten it where the context lines say, then "
                       "run the same command again; in a run: ficus run resume");
    return true;
}

static bool may_send(struct my_db *my, struct fx_err *err)
{
    if (my->is_broken)
        return fx_fail(err, FX_E_DB_CONNECT,
                       "the connection to database \"%s\" was lost by an earlier statement",
                       my->base.conf->name) ||
               fx_hint(err, FX_SERVER_GONE);
    if (my->is_scanning)
        FX_BUG("statement on a MariaDB session while a scan is open");
    if (my->is_sent)
        FX_BUG("statement on a MariaDB session before the last one's results were received");
    return true;
}

/*
 * Reads every result of what was sent; `on_result` sees those that have columns. All are read even
 * after it fails, so that the session stays usable.
 */
static bool drain(struct my_db *my, bool (*on_result)(void *arg, MYSQL_RES *res), void *arg,
                  int64_t *ret_rows, struct fx_err *err)
{
    int64_t rows = 0;
    for (;;) {
        if (!fx_my_bounds_result(my, err))
            return false;
        MYSQL_RES *res = mysql_store_result(my->mysql);
        /* When it loses the connection within the rows it forgets that there were any. */
        if (res == NULL && (mysql_field_count(my->mysql) != 0 || mysql_errno(my->mysql) != 0))
            return fx_my_fail(my, err, "could not read a result from");
        int64_t n = res == NULL ? (int64_t)mysql_affected_rows(my->mysql) : 0;
        rows += n; /* rows that were read are no changes */
        if (my->base.counts != NULL)
            fx_counts_add(my->base.counts, n);
        bool is_kept = res != NULL && on_result != NULL && on_result(arg, res);
        if (res != NULL && !is_kept)
            mysql_free_result(res);
        int next = mysql_next_result(my->mysql);
        if (next < 0)
            break;
        if (next > 0)
            return fx_my_fail(my, err, "could not execute a statement in");
    }
    if (ret_rows != NULL)
        *ret_rows = rows;
    return true;
}

/* Nothing of an answer has been read yet, so what there is
 * of it stands in the socket and not in libmariadb's buffer. */
static bool is_answered(struct my_db *my)
{
    struct fx_mono deadline = fx_mono_add_ms(fx_mono_now(), my->silence_ms);
    for (;;) {
        int64_t left_us = fx_mono_since_us(fx_mono_now(), deadline);
        if (left_us <= 0)
            return false;
        struct pollfd fd = {.fd = (int)mysql_get_socket(my->mysql), .events = POLLIN};
        int n = poll(&fd, 1, (int)(left_us / 1000 + 1));
        if (n > 0 || (n < 0 && errno != EINTR))
            return true; /* reading says what it is */
    }
}

static bool post_text(struct my_db *my, struct fx_str sql, struct fx_err *err)
{
    fx_my_bounds_ask(my, sql);
    return mysql_send_query(my->mysql, sql.ptr, sql.len) == 0 ||
           fx_my_fail(my, err, "could not execute a statement in");
}

static bool await_answer(struct my_db *my, struct fx_err *err)
{
    if (my->silence_ms > 0 && !is_answered(my)) {
        my->is_broken = true;
        return fx_fail(err, FX_E_DB_CONNECT, "database \"%s\" did not answer for %lld ms",
                       my->base.conf->name, (long long)my->silence_ms) ||
               fx_hint(err, FX_SERVER_GONE);
    }
    return mysql_read_query_result(my->mysql) == 0 ||
           fx_my_fail(my, err, "could not execute a statement in");
}

static bool send_text(struct my_db *my, struct fx_str sql, struct fx_err *err)
{
    return post_text(my, sql, err) && await_answer(my, err);
}

bool fx_my_run(struct my_db *my, struct fx_str sql, int64_t *ret_rows, struct fx_err *err)
{
    if (!may_send(my, err) || !send_text(my, sql, err))
        return false;
    return drain(my, NULL, NULL, ret_rows, err);
}

bool fx_my_run_each(struct my_db *my, struct fx_str sql, bool (*on_result)(void *, MYSQL_RES *),
                    void *arg, struct fx_err *err)
{
    if (!may_send(my, err) || !send_text(my, sql, err))
        return false;
    return drain(my, on_result, arg, NULL, err);
}

static bool my_exec(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                    int64_t *ret_rows, struct fx_err *err)
{
    struct my_db *my = my_of(db);
    if (n_params == 0 && strchr(sql, '?') == NULL)
        return fx_my_run(my, fx_str_from(sql), ret_rows, err);
    return fx_my_bind(my, sql, params, n_params, err) &&
           fx_my_run(my, fx_buf_str(&my->sql), ret_rows, err);
}

/* As my_exec up to the answer: when it returns, the kernel has the whole text. */
static bool my_send(struct fx_db *db, const char *sql, struct fx_err *err)
{
    struct my_db *my = my_of(db);
    struct fx_str text = fx_str_from(sql);
    if (!may_send(my, err))
        return false;
    if (strchr(sql, '?') != NULL) {
        if (!fx_my_bind(my, sql, NULL, 0, err))
            return false;
        text = fx_buf_str(&my->sql);
    }
    my->is_sent = post_text(my, text, err);
    return my->is_sent;
}

static bool my_receive(struct fx_db *db, int64_t *ret_rows, struct fx_err *err)
{
    struct my_db *my = my_of(db);
    if (!my->is_sent)
        FX_BUG("results of a MariaDB session that sent nothing");
    my->is_sent = false;
    return await_answer(my, err) && drain(my, NULL, NULL, ret_rows, err);
}

static bool keep_last(void *arg, MYSQL_RES *res)
{
    MYSQL_RES **last = arg;
    mysql_free_result(*last);
    *last = res;
    return true;
}

static void copy_rows(MYSQL_RES *res, struct fx_rows *rows)
{
    rows->n_rows = mysql_num_rows(res);
    rows->n_columns = mysql_num_fields(res);
    rows->cells = fx_arena_array(&rows->arena, rows->n_rows * rows->n_columns, sizeof(fx_cell));
    fx_cell *cell = rows->cells;
    for (MYSQL_ROW row = mysql_fetch_row(res); row != NULL; row = mysql_fetch_row(res)) {
        const unsigned long *lengths = mysql_fetch_lengths(res);
        for (size_t i = 0; i < rows->n_columns; i++, cell++) {
            if (row[i] != NULL)
                *cell = fx_arena_str(&rows->arena, (struct fx_str){row[i], lengths[i]});
        }
    }
}

static bool my_query(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                     struct fx_rows *ret_rows, struct fx_err *err)
{
    struct my_db *my = my_of(db);
    MYSQL_RES *res = NULL;
    if (!may_send(my, err) || !fx_my_bind(my, sql, params, n_params, err) ||
        !send_text(my, fx_buf_str(&my->sql), err))
        return false;
    if (!drain(my, keep_last, &res, NULL, err)) {
        mysql_free_result(res);
        return false;
    }
    *ret_rows = (struct fx_rows){0};
    fx_arena_init(&ret_rows->arena, 0);
    if (res != NULL)
        copy_rows(res, ret_rows);
    mysql_free_result(res);
    return true;
}

static bool my_set_timeout(struct fx_db *db, int64_t timeout_ms, struct fx_err *err)
{
    char sql[96];
    int n = snprintf(sql, sizeof sql, "set session max_statement_time = %lld.%03d",
                     (long long)(timeout_ms / 1000), (int)(timeout_ms % 1000));
    struct my_db *my = my_of(db);
    fx_my_silence(my, FX_DB_SILENCE_MS + timeout_ms);
    bool ok = fx_my_run(my, (struct fx_str){sql, (size_t)n}, NULL, err);
    if (timeout_ms == 0)
        fx_my_silence(my, 0);
    return ok;
}

const struct fx_db_driver fx_my_driver = {
    .open = fx_my_open,
    .close = fx_my_close,
    .is_broken = my_is_broken,
    .version = my_version,
    .exec = my_exec,
    .send = my_send,
    .receive = my_receive,
    .query = my_query,
    .set_timeout = my_set_timeout,
    .table = fx_my_table,
    .scan_open = fx_my_scan_open,
    .scan_next = fx_my_scan_next,
    .scan_close = fx_my_scan_close,
    .pos_now = fx_my_pos_now,
    .snapshot_prepare = fx_my_snapshot_prepare,
    .snapshot_take = fx_my_snapshot_take,
    .snapshot_enter = fx_my_snapshot_enter,
    .snapshot_close = fx_my_snapshot_close,
    .snapshot_begin = fx_my_snapshot_begin,
    .wait_running = fx_my_wait_running,
    .table_mark = fx_my_table_mark,
    .table_lock = fx_my_table_lock,
};
