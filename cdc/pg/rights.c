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
         "so applying rows would fire triggers and foreign keys"},
        {"deadlock_timeout", "deadlock_timeout = '100ms'",
         "so in a deadlock with the fence PostgreSQL could cancel customers' transactions"},
    };
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(db,
                      "select quote_ident(current_user), "
                      "current_setting('server_version_num')::int >= 150000",
                      NULL, 0, 1, 2, &rows, err))
        return false;
    fx_cell user = fx_rows_at(&rows, 0, 0);
    bool can_grant = fx_str_eq_c(fx_rows_at(&rows, 0, 1), "t");
    for (size_t i = 0; i < FX_ARRAY_LEN(settings); i++) {
        bool is_allowed = false;
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
        if (!may_set(db, settings[i].setting, &is_allowed, err))
            return fx_ctx(err, "checking whether %s may be set", settings[i].name);
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

bool cdc_pg_check_rights(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_arena_init(&arena, 0);
    fx_cell params[2];
    cdc_pg_table_arrays(side, &arena, params);
    if (!fx_db_findings(side->db, side->conf->name, cdc_pg_sql_rights, params, 2, f, err) ||
        !check_settings(f, side->db, err) ||
        !fx_db_query(side->db, cdc_pg_sql_visibility, params, 2, &rows, err))
        return false;
    *ret_sees_rows = rows.n_rows == 0;
    return true;
}
