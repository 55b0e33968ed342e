/* SPDX-License-Identifier: Apache-2.0 */
/* The applier's session on PostgreSQL. */
#include <string.h>

#include "cdc/pg/pg_priv.h"

/* The session of a process that has just died holds the origin for a moment. */
static bool take_origin(const struct cdc_binding *binding, struct fx_db *db, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell origin = fx_str_from(binding->origin);
    if (fx_db_query(db, "select pg_replication_origin_session_setup(?)", &origin, 1, &rows, err))
        return true;
    if (strcmp(err->sqlstate, "55006") == 0)
        fx_err_recode(err, FX_E_DB_CONFLICT);
    return fx_ctx(err, "taking replication origin \"%s\"", binding->origin);
}

bool cdc_pg_prepare(const struct cdc_binding *binding, struct fx_db *db, size_t *ret_text_max,
                    struct fx_err *err)
{
    *ret_text_max = 0;
    if (!fx_db_exec(db, "set lock_timeout = '10s'; set idle_in_transaction_session_timeout = 0",
                    NULL, 0, NULL, err))
        return fx_ctx(err, "preparing the apply session");
    return take_origin(binding, db, err);
}
