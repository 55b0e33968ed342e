/* SPDX-License-Identifier: Apache-2.0 */
/* See rewrite.h. */
#include "cdc/pg/rewrite.h"

#include <inttypes.h>
#include <stdio.h>

enum { LOOK_ROWS = 100000 }; /* a table that kept its rows shows an old one long before */

/* "schema"."name" for a statement; false with *ret_exists false: there is no such table now. */
static bool add_name(struct fx_db *db, struct fx_str oid, struct fx_buf *sql, bool *ret_exists,
                     struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db,
                     "select format('%I.%I', n.nspname, c.relname) from pg_class c "
                     "join pg_namespace n on n.oid = c.relnamespace where c.oid = cast(? as oid)",
                     &oid, 1, &rows, err))
        return false;
    *ret_exists = rows.n_rows == 1;
    if (*ret_exists)
        fx_buf_add(sql, fx_rows_at(&rows, 0, 0));
    return true;
}

/* Ages are taken from one moment of the statement, so the two can be compared. */
bool cdc_rewrite_kept_rows(struct fx_db *db, struct fx_str oid, int64_t old_xid, bool *ret_kept,
                           struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    char text[24];
    bool exists = false;
    *ret_kept = false;
    if (old_xid == 0)
        return true;
    /* The 32 bits that rows hold; below 3 they mean something else. */
    (void)snprintf(text, sizeof text, "%" PRIu32, (uint32_t)FX_MAX(old_xid & UINT32_MAX, 3));
    fx_cell xid = fx_str_from(text);
    fx_buf_add_c(&sql, "select 1 from (select xmin as x from only ");
    if (!add_name(db, oid, &sql, &exists, err))
        return false;
    fx_buf_printf(&sql, " limit %d) t where age(t.x) > age(cast(cast(? as text) as xid)) limit 1",
                  LOOK_ROWS);
    if (exists && !fx_db_query(db, fx_buf_cstr(&sql), &xid, 1, &rows, err))
        return fx_ctx(err, "looking for rows that are older than a new file");
    *ret_kept = rows.n_rows > 0;
    return true;
}

/*
 * What makes it a partition is a row of pg_inherits, one for each level. In the transaction that
 * wrote that row, commands are counted.
 */
bool cdc_attached_with_rows(struct fx_db *db, struct fx_str leaf, struct fx_str root,
                            bool *ret_had_rows, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(2048);
    fx_cell params[] = {leaf, root};
    bool exists = false;
    fx_buf_add_c(&sql,
                 "with recursive up as (select inhparent as at, xmin as x, cast(cast(cmin as text) "
                 "as bigint) as c from pg_inherits where inhrelid = cast(? as oid) union all "
                 "select i.inhparent, i.xmin, cast(cast(i.cmin as text) as bigint) from up join "
                 "pg_inherits i on i.inhrelid = up.at where up.at <> cast(? as oid)) "
                 "select 1 from only ");
    if (!add_name(db, leaf, &sql, &exists, err))
        return false;
    fx_buf_add_c(&sql,
                 " t where exists (select 1 from up where age(t.xmin) > age(up.x) or (t.xmin = "
                 "up.x and cast(cast(t.cmin as text) as bigint) < up.c)) limit 1");
    if (exists && !fx_db_query(db, fx_buf_cstr(&sql), params, 2, &rows, err))
        return fx_ctx(err, "looking for rows that are older than a partition");
    *ret_had_rows = rows.n_rows > 0;
    return true;
}
