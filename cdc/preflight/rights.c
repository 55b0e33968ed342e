/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights of both users, for both directions at once: what is missing on the way back is found today and not on the
 * night of the cut-over. PostgreSQL answers questions about rights in SQL; MariaDB is asked for its grants.
 *
 * The settings that only a privileged session may change are tried inside a transaction that is rolled back, because
 * PostgreSQL 14 has no function that tells.
 */
#include <stdio.h>
#include <string.h>

#include "cdc/names.h"
#include "cdc/checks.h"
#include "lib/my/grants.h"

extern const char cdc_pg_sql_rights[];
extern const char cdc_pg_sql_visibility[];

enum { TEXT_MAX = 16 << 10 };

/* ---- PostgreSQL ---------------------------------------------------------------------------------------- */

static bool may_set(struct fx_db *db, const char *setting, bool *ret, struct fx_err *err)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "set local %s", setting);
    if (!fx_db_exec(db, "begin", NULL, 0, NULL, err))
        return false;
    *ret = fx_db_exec(db, sql, NULL, 0, NULL, err);
    if (!*ret && !fx_db_is_denied(err))
        return false;
    fx_err_clear(err);
    return fx_db_exec(db, "rollback", NULL, 0, NULL, err);
}

static bool check_settings(struct fx_findings *f, struct fx_db *db, struct fx_err *err)
{
    static const struct {
        const char *name, *setting, *why;
    } settings[] = {
        {"session_replication_role", "session_replication_role = replica",
         "so what it applies would fire triggers and foreign keys"},
        {"deadlock_timeout", "deadlock_timeout = '100ms'",
         "so its fence would make customers the victims of deadlocks"},
    };
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db,
                     "select quote_ident(current_user), "
                     "current_setting('server_version_num')::int >= 150000",
                     NULL, 0, &rows, err))
        return false;
    fx_cell user = fx_rows_at(&rows, 0, 0);
    bool can_grant = fx_str_eq_c(fx_rows_at(&rows, 0, 1), "t");
    for (size_t i = 0; i < FX_ARRAY_LEN(settings); i++) {
        bool is_allowed = false;
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
        if (!may_set(db, settings[i].setting, &is_allowed, err))
            return fx_ctx(err, "asking whether %s may be set", settings[i].name);
        if (is_allowed)
            continue;
        fx_buf_printf(&what, "user %.*s may not set %s, %s", FX_STR_FMT(user), settings[i].name,
                      settings[i].why);
        if (can_grant)
            fx_buf_printf(&fix, "GRANT SET ON PARAMETER %s TO %.*s;", settings[i].name,
                          FX_STR_FMT(user));
        else
            fx_buf_printf(&fix, "ALTER ROLE %.*s SUPERUSER;", FX_STR_FMT(user));
        fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    }
    return true;
}

static bool check_pg(struct fx_findings *f, const struct fx_context *ctx, struct fx_db *db,
                     struct cdc_sight *ret, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_arena_init(&arena, 0);
    fx_cell params[3];
    cdc_tables_pg(ctx, &arena, params);
    params[2] = fx_str_from(cdc_name_slot(ctx->name, &arena));
    if (!fx_db_findings(db, db->conf->name, cdc_pg_sql_rights, params, 3, f, err) ||
        !check_settings(f, db, err) ||
        !fx_db_query(db, cdc_pg_sql_visibility, params, 2, &rows, err))
        return false;
    ret->old_rows = rows.n_rows == 0;
    return true;
}

/* ---- MariaDB ------------------------------------------------------------------------------------------- */

/* "A, B" of those that are missing; "" when none is. `rights` ends with NULL. */
static void missing(const struct fx_my_grants *grants, const char *const *rights,
                    const char *schema, const char *table, struct fx_buf *names)
{
    for (; *rights != NULL; rights++)
        if (!fx_my_grants_has(grants, *rights, schema, table))
            fx_buf_printf(names, "%s%s", names->len > 0 ? ", " : "", *rights);
}

static void add_grant(const struct fx_my_grants *grants, struct fx_str rights, const char *schema,
                      const char *table, struct fx_buf *fix)
{
    fx_buf_printf(fix, "GRANT %.*s ON ", FX_STR_FMT(rights));
    fx_db_ident(FX_MY, schema, fix);
    fx_buf_add_char(fix, '.');
    if (table != NULL)
        fx_db_ident(FX_MY, table, fix);
    else
        fx_buf_add_char(fix, '*');
    fx_buf_printf(fix, " TO %s;", fx_my_grants_account(grants));
}

/* TRIGGER: to raise the fence, and to see triggers that would change what is applied. */
static void missing_on(const struct fx_my_grants *grants, const struct fx_map_table *map,
                       struct fx_buf *names)
{
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRIGGER", NULL};
    fx_buf_clear(names);
    missing(grants, rights, map->new_schema, map->new_name, names);
}

/* Tables of one schema that lack the same rights are one finding, and then one grant on the schema. */
static void check_my_table(struct fx_findings *f, const struct fx_context *ctx, size_t at,
                           struct fx_db *db, const struct fx_my_grants *grants)
{
    FX_AUTO(fx_buf)
    struct fx_buf names = FX_BUF(256), other = FX_BUF(256), what = FX_BUF(TEXT_MAX),
                  fix = FX_BUF(TEXT_MAX);
    const struct fx_map_table *map = &ctx->tables[at];
    size_t n = 0;
    missing_on(grants, map, &names);
    if (names.len == 0)
        return;
    fx_buf_printf(&what, "user %s may not %s on", fx_my_grants_account(grants),
                  fx_buf_cstr(&names));
    for (size_t i = 0; i < ctx->n_tables; i++) {
        missing_on(grants, &ctx->tables[i], &other);
        if (strcmp(ctx->tables[i].new_schema, map->new_schema) != 0 ||
            !fx_str_eq(fx_buf_str(&other), fx_buf_str(&names)))
            continue;
        if (i < at) /* told with that one */
            return;
        fx_buf_printf(&what, "%s %s.%s", n++ > 0 ? "," : "", map->new_schema,
                      ctx->tables[i].new_name);
    }
    add_grant(grants, fx_buf_str(&names), map->new_schema, n > 1 ? NULL : map->new_name, &fix);
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
}

static void check_my_tables(struct fx_findings *f, const struct fx_context *ctx, struct fx_db *db,
                            const struct fx_my_grants *grants, struct cdc_sight *ret)
{
    ret->new_rows = true;
    for (size_t i = 0; i < ctx->n_tables; i++) {
        const struct fx_map_table *map = &ctx->tables[i];
        ret->new_rows =
            ret->new_rows && fx_my_grants_has(grants, "SELECT", map->new_schema, map->new_name);
        check_my_table(f, ctx, i, db, grants);
    }
}

/*
 * MariaDB shows the check that makes a LONGTEXT a JSON column only to those who may read the whole database; to others
 * the column looks like one that cannot hold JSON.
 */
static bool check_my_json(struct fx_findings *f, const struct fx_map_table *map, struct fx_db *db,
                          const struct fx_my_grants *grants, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(map->new_schema), fx_str_from(map->new_name)};
    if (!fx_my_grants_has(grants, "SELECT", map->new_schema, map->new_name) ||
        fx_my_grants_has(grants, "SELECT", map->new_schema, NULL))
        return true;
    if (!fx_db_query(db,
                     "select 1 from information_schema.columns where table_schema = ? and "
                     "table_name = ? and data_type = 'longtext' limit 1",
                     params, 2, &rows, err))
        return false;
    if (rows.n_rows == 0)
        return true;
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    fx_buf_printf(&what,
                  "user %s may read single tables only, so MariaDB does not show it which columns "
                  "of %s.%s are JSON",
                  fx_my_grants_account(grants), map->new_schema, map->new_name);
    add_grant(grants, FX_STR("SELECT"), map->new_schema, NULL, &fix);
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    return true;
}

static void check_my_own(struct fx_findings *f, struct fx_db *db, const struct fx_my_grants *grants)
{
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE",  "DELETE",
                                         "CREATE", "DROP",   "TRIGGER", NULL};
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(256), what = FX_BUF(1024), fix = FX_BUF(1024);
    missing(grants, rights, "ficus", NULL, &names);
    if (names.len == 0)
        return;
    fx_buf_printf(&what, "user %s may not %s in database ficus, where Ficus keeps its own tables",
                  fx_my_grants_account(grants), fx_buf_cstr(&names));
    add_grant(grants, fx_buf_str(&names), "ficus", NULL, &fix);
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
}

static void check_my_server(struct fx_findings *f, struct fx_db *db,
                            const struct fx_my_grants *grants)
{
    static const struct {
        const char *name, *why;
    } rights[] = {
        {"REPLICATION SLAVE", "the way back is read from the binary log"},
        {"PROCESS", "a fence asks how old other users' transactions are before it waits for them"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(rights); i++) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
        if (fx_my_grants_has(grants, rights[i].name, NULL, NULL))
            continue;
        fx_buf_printf(&what, "user %s lacks %s: %s", fx_my_grants_account(grants), rights[i].name,
                      rights[i].why);
        fx_buf_printf(&fix, "GRANT %s ON *.* TO %s;", rights[i].name, fx_my_grants_account(grants));
        fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    }
}

/* A server that writes a binary log lets only SUPER create triggers, unless it is told to trust their creators. */
static bool check_my_triggers(struct fx_findings *f, struct fx_db *db,
                              const struct fx_my_grants *grants, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db,
                     "select 1 from dual where @@global.log_bin = 1 and "
                     "@@global.log_bin_trust_function_creators = 0",
                     NULL, 0, &rows, err))
        return false;
    if (rows.n_rows == 0 || fx_my_grants_has(grants, "SUPER", NULL, NULL))
        return true;
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024);
    fx_buf_printf(&what,
                  "log_bin_trust_function_creators is off, so user %s without SUPER cannot create "
                  "the fence's triggers",
                  fx_my_grants_account(grants));
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what),
                        FX_STR("SET GLOBAL log_bin_trust_function_creators = 1;"));
    return true;
}

static bool check_my(struct fx_findings *f, const struct fx_context *ctx, struct fx_db *db,
                     struct cdc_sight *ret, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_my_grants *grants;
    fx_arena_init(&arena, 0);
    if (!fx_my_grants_read(db, &arena, &grants, err))
        return false;
    check_my_tables(f, ctx, db, grants, ret);
    for (size_t i = 0; i < ctx->n_tables; i++)
        if (!check_my_json(f, &ctx->tables[i], db, grants, err))
            return false;
    check_my_own(f, db, grants);
    check_my_server(f, db, grants);
    return check_my_triggers(f, db, grants, err);
}

bool cdc_check_rights(struct fx_findings *f, const struct fx_context *ctx, struct fx_db *old_db,
                      struct fx_db *new_db, struct cdc_sight *ret, struct fx_err *err)
{
    if (!check_pg(f, ctx, old_db, ret, err)) {
        fx_err_as_source(err);
        return fx_ctx(err, "asking what the user of database \"%s\" may do", old_db->conf->name);
    }
    if (!check_my(f, ctx, new_db, ret, err)) {
        fx_err_as_target(err);
        return fx_ctx(err, "asking what the user of database \"%s\" may do", new_db->conf->name);
    }
    return true;
}
