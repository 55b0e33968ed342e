/* SPDX-License-Identifier: Apache-2.0 */
/* The table of flavours, and which of them a server is. */
#include "cdc/mysql/flavour.h"

/* One row a flavour. */
#define FLAVOURS(X) X(cdc_my_flavour_mariadb)

#define X(flavour) extern const struct cdc_my_flavour flavour;
FLAVOURS(X)
#undef X
#define X(flavour) &flavour,
static const struct cdc_my_flavour *const flavours[] = {FLAVOURS(X)};
#undef X

static bool fail_unknown(struct fx_db *db, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(db, "select version()", NULL, 0, 1, 1, &rows, err))
        return false;
    (void)fx_fail(err, FX_E_UNSUPPORTED, "database \"%s\" runs an unsupported server version: %.*s",
                  db->conf->name, FX_STR_FMT(fx_rows_at(&rows, 0, 0)));
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(256);
    for (size_t i = 0; i < FX_ARRAY_LEN(flavours); i++)
        fx_buf_printf(&names, "%s%s", i > 0 ? ", " : "", flavours[i]->name);
    return fx_hint(err,
                   "This release supports streams with: %s. Upgrade this server, or correct the "
                   "url of databases.%s in ficus.yaml.",
                   fx_buf_cstr(&names), db->conf->name);
}

bool cdc_my_flavour_of(struct fx_db *db, const struct cdc_my_flavour **ret, struct fx_err *err)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(flavours); i++) {
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        if (!fx_db_query(db, flavours[i]->probe_sql, NULL, 0, &rows, err))
            return fx_ctx(err, "detecting the server version of database \"%s\"", db->conf->name);
        if (rows.n_rows == 1) {
            *ret = flavours[i];
            return true;
        }
    }
    return fail_unknown(db, err);
}
