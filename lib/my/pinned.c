/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every variable that can change what a statement of ours means, which rows it returns, in which
 * order, or how a value is written, and the value that each of our sessions gives it. A server may
 * have another as its default (SET GLOBAL, the configuration, init_connect), so nothing here is
 * left to a default, and what the server made of it is read back.
 *
 * Not here: what changes plans, memory or caches only; binlog_format and its like, which preflight
 * asks of the server; innodb_lock_wait_timeout and lock_wait_timeout, set where locks are taken;
 * innodb_snapshot_isolation, which makes conflicts and no other rows; `timestamp`, which only
 * init_connect could set, and which secure_timestamp forbids to set to anything;
 * system_versioning_asof, because tables with versions are refused.
 */
#include "lib/my/my_priv.h"

enum flavour { ON_BOTH, ON_MARIADB, ON_MYSQL };
enum how { SET, LOOK /* only looked at: setting it needs a right */, SET_ONLY /* not read back */ };

struct pinned {
    const char *name;
    const char *value; /* as in SET */
    const char *shown; /* as @@session has it; NULL: the same without quotes */
    const char *why;
    enum flavour flavour;
    enum how how;
    unsigned long since; /* as mysql_get_server_version; 0: all */
};

#define PIN(name_, value_, why_, ...)                                  \
    {                                                                  \
        .name = (name_), .value = (value_), .why = (why_), __VA_ARGS__ \
    }

/* In this order: setting max_join_size changes sql_big_selects. */
static const struct pinned pinned[] = {
    /* --- what a statement means --- */
    PIN("sql_mode",
        "'NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        "quotes, escapes, rounding, padding, 0 in an identity column"),
    PIN("old_mode", "'UTF8_IS_UTF8MB3'", "what utf8 is, casts of zero dates", .flavour = ON_MARIADB,
        .since = 100601),
    PIN("character_set_client", "utf8mb4", "our statements' bytes"),
    PIN("character_set_connection", "utf8mb4", "literals"),
    PIN("collation_connection", "utf8mb4_general_ci", "comparisons of literals"),
    PIN("autocommit", "1", "each statement is a transaction unless we say otherwise"),
    PIN("completion_type", "'NO_CHAIN'", "COMMIT might begin another transaction"),
    PIN("tx_isolation", "'REPEATABLE-READ'", "what a statement sees", .flavour = ON_MARIADB),
    PIN("transaction_isolation", "'REPEATABLE-READ'", "what a statement sees", .flavour = ON_MYSQL),
    PIN("tx_read_only", "0", "Ficus writes", .flavour = ON_MARIADB),
    PIN("transaction_read_only", "0", "Ficus writes", .flavour = ON_MYSQL),
    PIN("sql_auto_is_null", "0", "x IS NULL might be the newest id"),
    PIN("sql_if_exists", "0", "DROP and ALTER of what is not there", .flavour = ON_MARIADB,
        .since = 100502),
    PIN("standard_compliant_cte", "1", "WITH", .flavour = ON_MARIADB),
    PIN("default_regex_flags", "''", "REGEXP", .flavour = ON_MARIADB),
    PIN("div_precision_increment", "4", "digits of a quotient"),
    PIN("default_week_format", "0", "WEEK()"),
    PIN("foreign_key_checks", "1", "the applier turns them off for itself"),
    PIN("unique_checks", "1", "a duplicate might be stored"),
    PIN("check_constraint_checks", "1", "a row that breaks a CHECK might be stored",
        .flavour = ON_MARIADB),
    PIN("default_storage_engine", "InnoDB", "where our own tables are"),
    PIN("innodb_strict_mode", "1", "CREATE TABLE fails instead of guessing"),
    PIN("explicit_defaults_for_timestamp", "1", "a TIMESTAMP might be set by each update",
        .flavour = ON_MARIADB, .since = 101100),
    PIN("low_priority_updates", "0", "writes might wait for readers"),
    PIN("sql_log_bin", "1", "the loop marker is in the binary log", .how = LOOK),

    /* --- which rows are returned, and in which order --- */
    PIN("sql_select_limit", "18446744073709551615", "a read might be cut"),
    PIN("max_join_size", "18446744073709551615", "a read might be refused"),
    PIN("sql_big_selects", "1", "a read might be refused"),
    PIN("sql_safe_updates", "0", "a write might be refused"),
    PIN("max_recursive_iterations", "4294967295", "a recursive read might be cut",
        .flavour = ON_MARIADB),
    PIN("cte_max_recursion_depth", "4294967295", "a recursive read might be cut",
        .flavour = ON_MYSQL),
    PIN("max_sort_length", "4096", "bytes that an order looks at; a key has at most 3072"),
    PIN("query_cache_type", "OFF", "a read might be an old one", .flavour = ON_MARIADB),
    PIN("optimizer_switch", "'default'", "optimizations that others try out", .how = SET_ONLY),
    PIN("in_predicate_conversion_threshold", "0", "a long IN list might become a join",
        .flavour = ON_MARIADB, .since = 100318),

    /* --- how a value is written and read --- */
    PIN("character_set_results", "utf8mb4", "text"),
    PIN("time_zone", "'+00:00'", "TIMESTAMP"),
    PIN("lc_time_names", "'en_US'", "names of months"),
    PIN("lc_messages", "'en_US'", "the server's messages"),
    PIN("group_concat_max_len", "67108864", "GROUP_CONCAT might be cut"),
    PIN("sql_quote_show_create", "1", "names in SHOW CREATE"),
    PIN("sql_notes", "1", "SHOW WARNINGS"),
    PIN("max_error_count", "64", "SHOW WARNINGS"),

    /* --- what ends a statement or a session that has time --- */
    PIN("max_statement_time", "0", "Ficus has a limit of its own for each statement",
        .shown = "0.000000", .flavour = ON_MARIADB),
    PIN("max_execution_time", "0", "Ficus has a limit of its own for each statement",
        .flavour = ON_MYSQL),
    PIN("net_read_timeout", "600", "a slow other side"),
    PIN("net_write_timeout", "600", "a slow other side"),
    PIN("wait_timeout", "28800", "streams wait"),
    PIN("idle_transaction_timeout", "0", "a snapshot is held while the other side reads",
        .flavour = ON_MARIADB),
    PIN("idle_readonly_transaction_timeout", "0", "a snapshot is held while the other side reads",
        .flavour = ON_MARIADB),
    PIN("idle_write_transaction_timeout", "0", "a snapshot is held while the other side reads",
        .flavour = ON_MARIADB),
};

static bool applies(const struct pinned *pin, const struct my_db *my)
{
    bool is_mariadb = strstr(mysql_get_server_info(my->mysql), "MariaDB") != NULL;
    unsigned long version = mysql_get_server_version(my->mysql);
    return pin->flavour != (is_mariadb ? ON_MYSQL : ON_MARIADB) && version >= pin->since;
}

static void add_set(const struct my_db *my, struct fx_buf *sql)
{
    fx_buf_add_c(sql, "set");
    for (size_t i = 0; i < FX_ARRAY_LEN(pinned); i++) {
        const struct pinned *pin = &pinned[i];
        if (pin->how != LOOK && applies(pin, my))
            fx_buf_printf(sql, "%s session %s = %s", i == 0 ? "" : ",", pin->name, pin->value);
    }
}

static void add_select(const struct my_db *my, struct fx_buf *sql)
{
    fx_buf_add_c(sql, "; select");
    for (size_t i = 0; i < FX_ARRAY_LEN(pinned); i++)
        if (pinned[i].how != SET_ONLY && applies(&pinned[i], my))
            fx_buf_printf(sql, "%s @@session.%s", i == 0 ? "" : ",", pinned[i].name);
}

static struct fx_str wanted(const struct pinned *pin)
{
    struct fx_str value = fx_str_from(pin->shown != NULL ? pin->shown : pin->value);
    bool is_quoted = value.len >= 2 && value.ptr[0] == '\'';
    return is_quoted ? fx_str_sub(value, 1, value.len - 2) : value;
}

static bool fail_pin(const struct my_db *my, const struct pinned *pin, fx_cell has,
                     struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DB,
                  "database \"%s\": variable \"%s\" is \"%.*s\", but Ficus needs \"%.*s\"",
                  my->base.conf->name, pin->name, FX_STR_FMT(has), FX_STR_FMT(wanted(pin)));
    fx_detail(err, "Why Ficus needs it: %s.", pin->why);
    return fx_hint(err,
                   "See where it is set: SELECT @@global.%s, @@global.init_connect; correct it "
                   "there, then run the same command again.",
                   pin->name);
}

static size_t count_read(const struct my_db *my)
{
    size_t n = 0;
    for (size_t i = 0; i < FX_ARRAY_LEN(pinned); i++)
        n += pinned[i].how != SET_ONLY && applies(&pinned[i], my);
    return n;
}

bool fx_my_pin(struct my_db *my, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(16 << 10);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    size_t column = 0;
    add_set(my, &sql);
    add_select(my, &sql);
    if (!fx_db_select(&my->base, fx_buf_cstr(&sql), NULL, 0, 1, count_read(my), &rows, err))
        return fx_ctx(err, "setting the session's variables");
    for (size_t i = 0; i < FX_ARRAY_LEN(pinned); i++) {
        if (pinned[i].how == SET_ONLY || !applies(&pinned[i], my))
            continue;
        fx_cell has = fx_rows_at(&rows, 0, column++);
        if (!fx_str_eq(has, wanted(&pinned[i])))
            return fail_pin(my, &pinned[i], has, err);
    }
    return true;
}
