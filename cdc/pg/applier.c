/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The applier as a user of its own: what it must be able to do, what it must not, and the rights in
 * schema ficus, which the owner of the schema gives.
 */
#include "cdc/pg/pg_priv.h"

extern const char cdc_pg_sql_applier[];

bool cdc_pg_check_applier(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_cell params[2];
    fx_arena_init(&arena, 0);
    cdc_pg_table_arrays(side, &arena, params);
    return fx_db_findings(side->db, side->conf->name, cdc_pg_sql_applier, params, 2, f, err) &&
           cdc_pg_check_replica(side, f, err);
}

/* Not ficus.own, not the epoch of a stream, not who holds a context: what decides who may write
 * stays out of reach of code that runs as the applier. */
bool cdc_pg_grant(const struct cdc_side *side, struct fx_db *applier, struct fx_err *err)
{
    static const char *const grants[] = {
        "usage on schema ficus",
        "select, update (position, ordinal, phase) on ficus.progress",
        "select, insert, update (grp) on ficus.barrier",
        "select, insert on ficus.leak",
        "select, insert, update, delete on ficus.canary",
        "select, insert, update, delete on ficus.dead",
    };
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
    for (size_t i = 0; i < FX_ARRAY_LEN(grants); i++) {
        fx_buf_printf(&sql, "grant %s to ", grants[i]);
        fx_db_ident(FX_PG, applier->conf->user, &sql);
        fx_buf_add_c(&sql, "; ");
    }
    return fx_db_exec(side->db, fx_buf_cstr(&sql), NULL, 0, NULL, err);
}
