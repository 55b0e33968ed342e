/* SPDX-License-Identifier: Apache-2.0 */
/* See findings.h: which tables a stream would carry wrongly without noticing. The SQL files say which, and why. */
#include "cdc/checks.h"

extern const char cdc_pg_sql_silent_loss[];
extern const char cdc_mysql_sql_silent_loss[];

enum { ARRAY_MAX = 1 << 20 };

/* {"public","o\"dd"} */
static fx_cell array_of(const struct fx_context *ctx, bool is_name, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(ARRAY_MAX);
    fx_buf_add_char(&text, '{');
    for (size_t i = 0; i < ctx->n_tables; i++) {
        const char *p = is_name ? ctx->tables[i].old_name : ctx->tables[i].old_schema;
        fx_buf_add_c(&text, i > 0 ? ",\"" : "\"");
        for (; *p != '\0'; p++) {
            if (*p == '"' || *p == '\\')
                fx_buf_add_char(&text, '\\');
            fx_buf_add_char(&text, *p);
        }
        fx_buf_add_char(&text, '"');
    }
    fx_buf_add_char(&text, '}');
    return fx_arena_str(arena, fx_buf_str(&text));
}

void cdc_tables_pg(const struct fx_context *ctx, struct fx_arena *arena, fx_cell ret[2])
{
    ret[0] = array_of(ctx, false, arena);
    ret[1] = array_of(ctx, true, arena);
}

bool cdc_check_traps(struct fx_findings *f, const struct fx_context *ctx, struct fx_db *old_db,
                     struct fx_db *new_db, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_cell tables[2];
    cdc_tables_pg(ctx, &arena, tables);
    if (!fx_db_findings(old_db, old_db->conf->name, cdc_pg_sql_silent_loss, tables, 2, f, err)) {
        fx_err_as_source(err);
        return false;
    }
    for (size_t i = 0; i < ctx->n_tables; i++) {
        const struct fx_map_table *map = &ctx->tables[i];
        fx_cell schema = fx_str_from(map->new_schema), name = fx_str_from(map->new_name);
        fx_cell params[] = {schema, name, schema, name, schema, name};
        const char *where = fx_arena_printf(&arena, "%s.%s", map->new_schema, map->new_name);
        if (!fx_db_findings(new_db, where, cdc_mysql_sql_silent_loss, params, 6, f, err)) {
            fx_err_as_target(err);
            return false;
        }
    }
    return true;
}

bool cdc_no_traps(const struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                  struct fx_err *err)
{
    struct fx_findings findings;
    fx_findings_init(&findings);
    bool is_ok = cdc_check_traps(&findings, ctx, old_db, new_db, err) &&
                 cdc_findings_none(&findings, ctx->name, err);
    fx_findings_done(&findings);
    return is_ok;
}
