/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The applier as an account of its own: what it must be able to do, what it must not, and its
 * rights in database ficus, which the operator's account passes on.
 */
#include "cdc/mysql/my_priv.h"

bool cdc_my_check_applier(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE", "DELETE", NULL};
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_my_grants *grants;
    const struct cdc_my_flavour *flavour;
    fx_arena_init(&arena, 0);
    if (!cdc_my_flavour_of(side->db, &flavour, err) ||
        !fx_my_grants_read(side->db, &arena, &grants, err))
        return false;
    cdc_my_check_tables(f, side, grants, rights);
    fx_cell account = fx_str_from(fx_my_grants_account(grants));
    return fx_db_findings(side->db, side->conf->name, flavour->applier_sql, &account, 1, f, err);
}

/* Only what is missing: each GRANT is DDL in the log. */
bool cdc_my_grant(const struct cdc_side *side, struct fx_db *applier, struct fx_err *err)
{
    static const struct {
        const char *right, *table;
    } needed[] = {
        {"SELECT", "progress"}, {"UPDATE", "progress"}, {"SELECT", "barrier"},
        {"INSERT", "barrier"},  {"UPDATE", "barrier"},  {"SELECT", "leak"},
        {"INSERT", "leak"},     {"SELECT", "canary"},   {"INSERT", "canary"},
        {"UPDATE", "canary"},   {"DELETE", "canary"},   {"SELECT", "dead"},
        {"INSERT", "dead"},     {"UPDATE", "dead"},     {"DELETE", "dead"},
    };
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_my_grants *grants;
    fx_arena_init(&arena, 0);
    if (!fx_my_grants_read(applier, &arena, &grants, err))
        return false;
    for (size_t i = 0; i < FX_ARRAY_LEN(needed); i++) {
        const char *sql =
            fx_arena_printf(&arena, "grant /* ficus */ %s on ficus.%s to %s", needed[i].right,
                            needed[i].table, fx_my_grants_account(grants));
        if (!fx_my_grants_has(grants, needed[i].right, "ficus", needed[i].table) &&
            !fx_db_exec(side->db, sql, NULL, 0, NULL, err))
            return false;
    }
    return true;
}
