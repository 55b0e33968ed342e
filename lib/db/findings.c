/* SPDX-License-Identifier: Apache-2.0 */
/* See findings.h. */
#include "lib/db/findings.h"

static void add_rows(const struct fx_rows *rows, const char *where, struct fx_findings *f)
{
    for (size_t i = 0; i < rows->n_rows; i++)
        fx_findings_add_str(f, where, fx_rows_at(rows, i, 0),
                            rows->n_columns > 1 ? fx_rows_at(rows, i, 1) : (fx_cell){"", 0});
}

bool fx_db_findings(struct fx_db *db, const char *where, const char *sql, const fx_cell *params,
                    size_t n_params, struct fx_findings *f, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db, sql, params, n_params, &rows, err))
        return where == NULL ? false : fx_ctx(err, "checking %s", where);
    add_rows(&rows, where, f);
    return true;
}

bool fx_db_findings_again(struct fx_db *db, const char *where, const char *sql,
                          const fx_cell *params, size_t n_params, struct fx_findings *f,
                          struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query_again(db, sql, params, n_params, &rows, err))
        return where == NULL ? false : fx_ctx(err, "checking %s", where);
    add_rows(&rows, where, f);
    return true;
}
