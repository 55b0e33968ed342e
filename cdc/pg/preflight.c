/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PostgreSQL server and its tables must be like. The SQL files say what is asked, and why.
 */
#include "cdc/names.h"
#include "cdc/pg/pg_priv.h"

extern const char cdc_pg_sql_preflight[];
extern const char cdc_pg_sql_silent_loss[];
extern const char cdc_pg_sql_foreign_code[];
extern const char cdc_pg_sql_keys[];

enum { ARRAY_MAX = 1 << 20 };

/* {"public","o\"dd"} */
static fx_cell array_of(const struct cdc_side *side,
                        const char *(*name)(const struct cdc_side *, size_t),
                        struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(ARRAY_MAX);
    fx_buf_add_char(&text, '{');
    for (size_t i = 0; i < side->ctx->n_tables; i++) {
        fx_buf_add_c(&text, i > 0 ? ",\"" : "\"");
        for (const char *p = name(side, i); *p != '\0'; p++) {
            if (*p == '"' || *p == '\\')
                fx_buf_add_char(&text, '\\');
            fx_buf_add_char(&text, *p);
        }
        fx_buf_add_char(&text, '"');
    }
    fx_buf_add_char(&text, '}');
    return fx_arena_str(arena, fx_buf_str(&text));
}

void cdc_pg_table_arrays(const struct cdc_side *side, struct fx_arena *arena, fx_cell ret[2])
{
    ret[0] = array_of(side, cdc_side_schema, arena);
    ret[1] = array_of(side, cdc_side_table, arena);
}

bool cdc_pg_check_server(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_cell slot = fx_str_from(cdc_name_slot(side->ctx->name, side->out, &arena));
    return fx_db_findings(side->db, side->conf->name, cdc_pg_sql_preflight, &slot, 1, f, err);
}

static bool warn_of_superuser(const struct cdc_side *side, struct fx_findings *f,
                              struct fx_err *err)
{
    return fx_db_findings(
        side->db, side->conf->name,
        "select format('user %I is a superuser, so whatever is run in its sessions by mistake, or "
        "by a trick of somebody who owns a table, has all rights on the server', current_user), "
        "'use a role with the rights that docs/guide/database-rights.md lists' "
        "from pg_roles where rolname = current_user and rolsuper",
        NULL, 0, f, err);
}

static bool warn_of_applying(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    return side->conf->applier != NULL ||
           fx_db_findings(
               side->db, side->conf->name,
               "select format('user %I applies rows as well, so code that the owner of a table "
               "attaches while a stream runs has all rights of this user', current_user), "
               "'set apply_user (docs/guide/database-rights.md)'",
               NULL, 0, f, err);
}

/* Streams go without it; a gate does not believe a report of an unknown server. */
static bool warn_of_identity(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    return fx_db_findings(
        side->db, side->conf->name,
        "select format('user %I may not ask which server this is, so no gate of a plan believes a "
        "comparison', current_user), "
        "format('GRANT EXECUTE ON FUNCTION pg_control_system() TO %I;', current_user) "
        "where not has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
        NULL, 0, f, err);
}

bool cdc_pg_warn(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    return warn_of_superuser(side, f, err) && warn_of_applying(side, f, err) &&
           warn_of_identity(side, f, err);
}

bool cdc_pg_check_silent_loss(const struct cdc_side *side, struct fx_findings *f,
                              struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_cell params[3] = {FX_STR("")}, *tables = params + 1;
    fx_arena_init(&arena, 0);
    if (side->conf->applier != NULL)
        params[0] = fx_str_from(side->conf->applier->user);
    cdc_pg_table_arrays(side, &arena, tables);
    const char *name = side->conf->name;
    return fx_db_findings_again(side->db, name, cdc_pg_sql_silent_loss, tables, 2, f, err) &&
           fx_db_findings_again(side->db, name, cdc_pg_sql_foreign_code, params, 3, f, err);
}

/* 'i': the log would carry another key than the one that the stream goes by. */
void cdc_pg_check_table(const struct fx_table *table, struct fx_findings *f)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *where = fx_arena_printf(&arena, "%s.%s", table->schema, table->name);
    if (table->replica_identity == 'n' || table->replica_identity == 'i')
        fx_findings_add(f, where,
                        fx_arena_printf(&arena, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;", where),
                        "its replica identity is not the primary key");
}

bool cdc_pg_read_keys(const struct cdc_side *side, const char *schema, const char *table,
                      struct fx_rows *ret_rows, struct fx_err *err)
{
    fx_cell params[] = {fx_str_from(schema), fx_str_from(table)};
    return fx_db_select(side->db, cdc_pg_sql_keys, params, 2, 0, CDC_KEY_N_COLUMNS, ret_rows, err);
}
