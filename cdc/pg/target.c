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
    /* An update of several rows goes by primary key: by no plan that reads the whole table. */
    if (!fx_db_exec(db,
                    "set lock_timeout = '10s'; set idle_in_transaction_session_timeout = 0; "
                    "set enable_hashjoin = off; set enable_mergejoin = off",
                    NULL, 0, NULL, err))
        return fx_ctx(err, "preparing the apply session");
    return take_origin(binding, db, err);
}

/* The first row gives the literals below it the types of the columns, and matches no row. */
void cdc_pg_update_many_begin(const char *table, const char *const *columns, size_t n_columns,
                              size_t n_key, struct fx_buf *out)
{
    fx_buf_printf(out, "update %s ficus_t set ", table);
    for (size_t i = n_key; i < n_columns; i++)
        fx_buf_printf(out, "%s%s=ficus_v.%s", i > n_key ? "," : "", columns[i], columns[i]);
    fx_buf_add_c(out, " from (values (");
    for (size_t i = 0; i < n_columns; i++)
        fx_buf_printf(out, "%s(select %s from %s where false)", i > 0 ? "," : "", columns[i],
                      table);
    fx_buf_add_c(out, "),");
}

void cdc_pg_update_many_end(const char *table, const char *const *columns, size_t n_columns,
                            size_t n_key, struct fx_buf *out)
{
    (void)table;
    fx_buf_add_c(out, ") ficus_v(");
    for (size_t i = 0; i < n_columns; i++)
        fx_buf_printf(out, "%s%s", i > 0 ? "," : "", columns[i]);
    fx_buf_add_c(out, ") where ");
    for (size_t i = 0; i < n_key; i++)
        fx_buf_printf(out, "%sficus_t.%s=ficus_v.%s", i > 0 ? " and " : "", columns[i], columns[i]);
}
