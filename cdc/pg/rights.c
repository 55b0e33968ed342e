/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights of the user on a PostgreSQL side: to read and publish its tables, to apply the other
 * stream's changes, and to fence. PostgreSQL answers questions about rights in SQL.
 *
 * The settings that only a privileged session may change are tried inside a transaction that is
 * rolled back, because PostgreSQL 14 has no function that answers this.
 */
#include <stdio.h>

#include "cdc/pg/pg_priv.h"

extern const char cdc_pg_sql_rights[];
extern const char cdc_pg_sql_visibility[];

struct setting {
    const char *name, *value;
    const char *why;
    bool is_appliers; /* no default for a session that also fences */
};

/* A session that has the value already needs no right to set it: ALTER ROLE … SET gave it. */
static bool may_set(struct fx_db *db, const struct setting *setting, bool *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(setting->name), fx_str_from(setting->value),
                        fx_str_from(setting->name), fx_str_from(setting->value)};
    if (!fx_db_exec(db, "begin", NULL, 0, NULL, err))
        return false;
    *ret =
        fx_db_query(db, "select set_config(?, ?, true) where current_setting(cast(? as text)) <> ?",
                    params, FX_ARRAY_LEN(params), &rows, err);
    if (!*ret && !fx_db_is_denied(err))
        return false;
    fx_err_clear(err);
    return fx_db_exec(db, "rollback", NULL, 0, NULL, err);
}

/* A right on a setting can be granted since version 15; what a
 * superuser writes into ALTER ROLE … SET counts on every version. */
static bool check_setting(struct fx_findings *f, struct fx_db *db, const struct setting *setting,
                          struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
    bool is_allowed = false;
    if (!may_set(db, setting, &is_allowed, err))
        return fx_ctx(err, "checking whether %s may be set", setting->name);
    if (is_allowed)
        return true;
    if (!fx_db_select(db,
                      "select quote_ident(current_user), "
                      "current_setting('server_version_num')::int >= 150000",
                      NULL, 0, 1, 2, &rows, err))
        return false;
    fx_cell user = fx_rows_at(&rows, 0, 0);
    fx_buf_printf(&what, "%s %.*s may not set %s, %s", db->conf->is_applier ? "apply_user" : "user",
                  FX_STR_FMT(user), setting->name, setting->why);
    if (fx_str_eq_c(fx_rows_at(&rows, 0, 1), "t"))
        fx_buf_printf(&fix, "GRANT SET ON PARAMETER %s TO %.*s;", setting->name, FX_STR_FMT(user));
    else if (setting->is_appliers && !db->conf->is_applier)
        fx_buf_add_c(&fix, "set apply_user, as docs/guide/database-rights.md says");
    else
        fx_buf_printf(&fix, "ALTER ROLE %.*s SET %s = '%s';", FX_STR_FMT(user), setting->name,
                      setting->value);
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    return true;
}

bool cdc_pg_check_replica(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    static const struct setting replica = {"session_replication_role", "replica",
                                           "so applying rows would fire triggers and foreign keys",
                                           true};
    return check_setting(f, side->db, &replica, err);
}

static bool check_settings(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    static const struct setting deadlock = {
        "deadlock_timeout", "100ms",
        "so in a deadlock with the fence PostgreSQL could cancel customers' transactions", false};
    return (side->conf->applier != NULL || cdc_pg_check_replica(side, f, err)) &&
           check_setting(f, side->db, &deadlock, err);
}

bool cdc_pg_check_rights(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_arena_init(&arena, 0);
    bool applies = side->conf->applier == NULL;
    fx_cell params[4];
    cdc_pg_table_arrays(side, &arena, params);
    params[2] = applies ? FX_STR("{SELECT,INSERT,UPDATE,DELETE}") : FX_STR("{SELECT}");
    params[3] = applies ? FX_STR("{pg_replication_origin_create(text),"
                                 "pg_replication_origin_session_setup(text),"
                                 "pg_replication_origin_drop(text)}")
                        : FX_STR("{pg_replication_origin_create(text),"
                                 "pg_replication_origin_drop(text)}");
    if (!fx_db_findings(side->db, side->conf->name, cdc_pg_sql_rights, params, 4, f, err) ||
        !check_settings(side, f, err) ||
        !fx_db_query(side->db, cdc_pg_sql_visibility, params, 2, &rows, err))
        return false;
    *ret_sees_rows = rows.n_rows == 0;
    return true;
}
