/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting that can change what a statement of ours means, which rows it returns, in which
 * order, or how a value is written, and the value that each of our sessions gives it. A role, a
 * database or postgresql.conf may have another as its default (ALTER ROLE … SET, ALTER DATABASE …
 * SET), so nothing here is left to a default, and what the server made of it is read back.
 *
 * Not here: what changes plans only (enable_*, costs, memory, jit_*); synchronous_commit, which the
 * owner's session decides (lib/ownership); lc_messages, which only a superuser may set and of which
 * nothing depends (errors are told apart by SQLSTATE); `role`, because a login role may work in the
 * name of another on purpose: preflight asks the rights of whoever it then is.
 */
#include "lib/pg/conn.h"

enum when {
    AT_START, /* in the start-up packet: nothing runs before it */
    LATER,    /* SET where it differs: newer than version 14, or not for everybody to set */
};

struct pinned {
    const char *name, *value;
    const char *why;
    enum when when;
    int since; /* version that has it, as PQserverVersion; 0: all */
    /* Came in a minor version: a server without it reads it as "" and is used as it is. */
    bool may_be_missing;
    bool is_appliers; /* the applier's session sets this one itself (cdc/pg/target.c) */
};

#define PIN(name_, value_, why_, ...)                                  \
    {                                                                  \
        .name = (name_), .value = (value_), .why = (why_), __VA_ARGS__ \
    }

static const struct pinned pinned[] = {
    /* --- what a statement means --- */
    /*
     * Nothing but the server's own catalog is searched. Were a schema searched in which others may
     * create, their function with arguments that fit better would be called in place of a built-in
     * one, with the rights of this session. pg_temp stands last, for without being named it would
     * be first. What is not of pg_catalog our SQL qualifies (tests/lint/sql).
     */
    PIN("search_path", "pg_catalog, pg_temp", "which object a name without a schema is"),
    PIN("standard_conforming_strings", "on", "a backslash in '…' is itself"),
    PIN("backslash_quote", "safe_encoding", "\\' in E'…'"),
    PIN("transform_null_equals", "off", "x = NULL would mean x IS NULL"),
    PIN("array_nulls", "on", "NULL in an array's text"),
    PIN("default_transaction_isolation", "read committed", "what a statement sees"),
    PIN("default_transaction_read_only", "off", "Ficus writes"),
    PIN("default_transaction_deferrable", "off", "a snapshot might wait for others"),
    PIN("check_function_bodies", "on", "a function that cannot work is refused when it is made"),
    PIN("default_tablespace", "", "where our own tables are"),
    PIN("default_table_access_method", "heap", "what our own tables are"),
    PIN("session_replication_role", "origin", "the triggers of fences fire for our sessions",
        .when = LATER, .is_appliers = true),
    /* --- which rows are returned, and in which order --- */
    PIN("row_security", "off", "an error instead of rows that are left out"),
    PIN("gin_fuzzy_search_limit", "0", "an index scan would return a random part"),
    PIN("synchronize_seqscans", "off", "a scan begins at the table's first row"),
    PIN("zero_damaged_pages", "off", "damaged pages would read as empty ones", .when = LATER),
    PIN("ignore_checksum_failure", "off", "damaged pages would be read all the same",
        .when = LATER),

    /* --- how a value is written and read --- */
    PIN("client_encoding", "UTF8", "a connection parameter of libpq", .when = LATER),
    PIN("DateStyle", "ISO, YMD", "dates, and which of 01/02/03 is the year"),
    PIN("IntervalStyle", "postgres", "intervals"),
    PIN("TimeZone", "UTC", "timestamps with time zone"),
    PIN("timezone_abbreviations", "Default", "what EST means"),
    PIN("extra_float_digits", "1", "the shortest text that is exactly the number"),
    PIN("bytea_output", "hex", "bytea"),
    PIN("xmlbinary", "base64", "bytea in xml"),
    PIN("xmloption", "content", "xml"),
    PIN("lc_numeric", "C", "to_char, to_number"),
    PIN("lc_monetary", "C", "money"),
    PIN("lc_time", "C", "to_char of dates"),
    PIN("quote_all_identifiers", "off", "names from format() and the catalog's functions"),

    /* --- what ends a statement or a session that has time --- */
    PIN("statement_timeout", "0", "Ficus has a limit of its own for each statement"),
    PIN("lock_timeout", "0", "Ficus has a limit of its own for each lock"),
    PIN("idle_session_timeout", "0", "streams wait"),
    PIN("idle_in_transaction_session_timeout", "0",
        "a snapshot is held while the other side reads"),
    PIN("transaction_timeout", "0", "a snapshot is held while the other side reads", .when = LATER,
        .since = 170000),
    PIN("exit_on_error", "off", "an error would end the session"),

    PIN("client_min_messages", "warning", "notices are not looked at"),
    PIN("jit", "off", "compiling costs more than our statements"),

    /* --- whose code runs --- */
    /*
     * Whoever owns a table can put a view in its place, and the functions of a view run with the
     * rights of whoever reads it. Views of the server itself are not meant.
     */
    PIN("restrict_nonsystem_relation_kind", "view, foreign-table",
        "a view in place of a table runs the code of its owner", .when = LATER,
        .may_be_missing = true),
};

enum { N_PINNED = FX_ARRAY_LEN(pinned) };

static bool applies(const struct pinned *pin, const struct fx_db_conf *conf, PGconn *conn)
{
    return PQserverVersion(conn) >= pin->since && !(pin->is_appliers && conf->is_applier);
}

void fx_pg_pinned_options(struct fx_buf *out)
{
    for (size_t i = 0; i < N_PINNED; i++) {
        if (pinned[i].when != AT_START)
            continue;
        fx_buf_printf(out, "%s-c %s=", out->len > 0 ? " " : "", pinned[i].name);
        for (const char *p = pinned[i].value; *p != '\0'; p++) {
            if (*p == ' ' || *p == '\\')
                fx_buf_add_char(out, '\\');
            fx_buf_add_char(out, *p);
        }
    }
}

/* Sends `sql` and waits; the last result is the caller's. */
static bool ask(const struct fx_db_conf *conf, PGconn *conn, const char *sql, int64_t silence_ms,
                PGresult **ret_res, struct fx_err *err)
{
    PGresult *res;
    *ret_res = NULL;
    if (!PQsendQuery(conn, sql))
        return fx_pg_fail(conn, NULL, conf->name, err);
    for (;;) {
        if (!fx_pg_has_answer(conn, silence_ms)) {
            PQclear(*ret_res);
            return fx_fail(err, FX_E_DB_CONNECT, "database \"%s\" did not answer for %lld ms",
                           conf->name, (long long)silence_ms) ||
                   fx_hint(err, FX_SERVER_GONE);
        }
        res = PQgetResult(conn);
        if (res == NULL)
            return *ret_res != NULL || fx_pg_fail(conn, NULL, conf->name, err);
        PQclear(*ret_res);
        *ret_res = res;
    }
}

static int count_of(const struct fx_db_conf *conf, PGconn *conn)
{
    int n = 0;
    for (size_t i = 0; i < N_PINNED; i++)
        n += applies(&pinned[i], conf, conn);
    return n;
}

/* One row: the present values of all that apply, in their order. */
static bool read_back(const struct fx_db_conf *conf, PGconn *conn, int64_t silence_ms,
                      PGresult **ret_res, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(16 << 10);
    for (size_t i = 0; i < N_PINNED; i++)
        if (applies(&pinned[i], conf, conn))
            fx_buf_printf(&sql, "%s pg_catalog.current_setting('%s'%s)", i == 0 ? "select" : ",",
                          pinned[i].name, pinned[i].may_be_missing ? ", true" : "");
    if (!ask(conf, conn, fx_buf_cstr(&sql), silence_ms, ret_res, err))
        return false;
    if (PQresultStatus(*ret_res) == PGRES_TUPLES_OK && PQntuples(*ret_res) == 1 &&
        PQnfields(*ret_res) == count_of(conf, conn))
        return true;
    (void)fx_pg_fail(conn, *ret_res, conf->name, err);
    PQclear(*ret_res);
    return false;
}

/* Statements that set what differs to *sql. *ret_first:
 * the first that differs, NULL: none; its value to `has`. */
static void find_different(const struct fx_db_conf *conf, PGconn *conn, const PGresult *res,
                           const struct pinned **ret_first, char has[64], struct fx_buf *sql)
{
    int column = 0;
    *ret_first = NULL;
    for (size_t i = 0; i < N_PINNED; i++) {
        if (!applies(&pinned[i], conf, conn))
            continue;
        bool is_missing = pinned[i].may_be_missing && PQgetisnull(res, 0, column);
        const char *value = PQgetvalue(res, 0, column++);
        if (is_missing || strcmp(value, pinned[i].value) == 0)
            continue;
        if (*ret_first == NULL)
            snprintf(has, 64, "%s", value);
        *ret_first = *ret_first != NULL ? *ret_first : &pinned[i];
        fx_buf_printf(sql, "set %s = '%s';", pinned[i].name, pinned[i].value);
    }
}

static bool fail_pin(const struct fx_db_conf *conf, const struct pinned *pin, const char *has,
                     struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DB, "database \"%s\": setting \"%s\" is \"%s\", but Ficus needs \"%s\"",
                  conf->name, pin->name, has, pin->value);
    fx_detail(err, "Why Ficus needs it: %s.", pin->why);
    return fx_hint(
        err,
        "See where it is set: select * from pg_db_role_setting; then, as a superuser: "
        "ALTER ROLE %s RESET %s; or ALTER DATABASE %s RESET %s;. There must be no pooler "
        "between Ficus and the server. Then run the same command again.",
        conf->user != NULL ? conf->user : "USER", pin->name, conf->dbname, pin->name);
}

bool fx_pg_pinned_check(const struct fx_db_conf *conf, PGconn *conn, int64_t silence_ms,
                        struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(16 << 10);
    const struct pinned *first;
    PGresult *res;
    char has[64];
    if (!read_back(conf, conn, silence_ms, &res, err))
        return false;
    find_different(conf, conn, res, &first, has, &sql);
    PQclear(res);
    if (first == NULL)
        return true;
    if (!ask(conf, conn, fx_buf_cstr(&sql), silence_ms, &res, err))
        return false;
    PQclear(res); /* whether it was allowed to is seen below */
    if (!read_back(conf, conn, silence_ms, &res, err))
        return false;
    find_different(conf, conn, res, &first, has, &sql);
    PQclear(res);
    return first == NULL || fail_pin(conf, first, has, err);
}
