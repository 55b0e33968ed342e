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
static bool has_older_row(struct fx_db *db, const struct fx_buf *name, int64_t old_xid,
                          bool *ret_has, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    char text[24];
    /* The 32 bits that rows hold; below 3 they mean something else. */
    (void)snprintf(text, sizeof text, "%" PRIu32, (uint32_t)FX_MAX(old_xid & UINT32_MAX, 3));
    fx_cell xid = fx_str_from(text);
    fx_buf_printf(&sql,
                  "select 1 from (select xmin as x from only %s limit %d) t "
                  "where age(t.x) > age(cast(cast(? as text) as xid)) limit 1",
                  fx_buf_cstr(name), LOOK_ROWS);
    if (!fx_db_query(db, fx_buf_cstr(&sql), &xid, 1, &rows, err))
        return fx_ctx(err, "looking for rows that are older than a new file");
    *ret_has = rows.n_rows > 0;
    return true;
}

/*
 * What gives a table a new file writes its row of pg_class and those of its indexes, so it is no
 * younger than the oldest of them; a row that is older was kept by it. TRUNCATE leaves -1 for the
 * number of rows, VACUUM FULL what it has counted (ANALYZE, too).
 */
static bool was_packed(struct fx_db *db, struct fx_str oid, const struct fx_buf *name,
                       bool *ret_was, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(2048);
    fx_buf_printf(
        &sql,
        "select 1 from (select max(age(c.xmin)) as made, bool_or(c.reltuples = 0 and "
        "c.relkind = 'r') as counts_none from pg_class c where c.oid in (select cast(? as "
        "oid) union all select i.indexrelid from pg_index i where i.indrelid = cast(? as "
        "oid))) f where (f.counts_none and not exists (select 1 from only %s)) or exists "
        "(select 1 from (select xmin as x from only %s limit %d) t "
        "where age(t.x) > f.made)",
        fx_buf_cstr(name), fx_buf_cstr(name), LOOK_ROWS);
    fx_cell params[] = {oid, oid};
    if (!fx_db_query(db, fx_buf_cstr(&sql), params, 2, &rows, err))
        return fx_ctx(err, "looking for rows that were there before a new file");
    *ret_was = rows.n_rows > 0;
    return true;
}

bool cdc_rewrite_look(struct fx_db *db, struct fx_str oid, int64_t old_xid, enum cdc_rewrite *ret,
                      struct fx_buf *ret_name, struct fx_err *err)
{
    bool exists = false, is_kept = false, is_packed = false;
    *ret = CDC_REWRITE_UNKNOWN;
    if (!add_name(db, oid, ret_name, &exists, err))
        return false;
    if (!exists)
        return true;
    if ((old_xid != 0 && !has_older_row(db, ret_name, old_xid, &is_kept, err)) ||
        !was_packed(db, oid, ret_name, &is_packed, err))
        return false;
    if (is_kept || is_packed)
        *ret = is_kept ? CDC_REWRITE_KEPT : CDC_REWRITE_PACKED;
    return true;
}

/*
 * What makes it a partition is a row of pg_inherits, one for each level. In the transaction that
 * wrote that row, commands are counted.
 */
bool cdc_attached_with_rows(struct fx_db *db, struct fx_str leaf, struct fx_str root,
                            bool *ret_had_rows, struct fx_buf *ret_name, struct fx_err *err)
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
    if (!add_name(db, leaf, ret_name, &exists, err))
        return false;
    fx_buf_add(&sql, fx_buf_str(ret_name));
    fx_buf_add_c(&sql,
                 " t where exists (select 1 from up where age(t.xmin) > age(up.x) or (t.xmin = "
                 "up.x and cast(cast(t.cmin as text) as bigint) < up.c)) limit 1");
    if (exists && !fx_db_query(db, fx_buf_cstr(&sql), params, 2, &rows, err))
        return fx_ctx(err, "looking for rows that are older than a partition");
    *ret_had_rows = rows.n_rows > 0;
    return true;
}
