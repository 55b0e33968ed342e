/* SPDX-License-Identifier: Apache-2.0 */
/* What a slot keeps, and how much it may: pg_replication_slots (PostgreSQL 13 and later). */
#include <stdio.h>

#include "cdc/pg/pg_priv.h"
#include "lib/fmt/text.h"

/* No row: the slot was dropped. safe_wal_size falls
 * below zero once the next checkpoint takes it. */
static const char slot_sql[] =
    "select coalesce(s.wal_status, 'lost'), "
    "coalesce(pg_catalog.pg_wal_lsn_diff(l.at, s.restart_lsn), -1)::bigint, "
    "case when s.safe_wal_size is null then -1 else greatest(s.safe_wal_size, 0) end, "
    "pg_catalog.pg_wal_lsn_diff(l.at, '0/0')::bigint "
    "from (select pg_catalog.pg_current_wal_lsn() as at) l "
    "left join pg_catalog.pg_replication_slots s on s.slot_name = ?";

bool cdc_pg_look_log(struct fx_db *db, const char *slot, const struct fx_pos *at FX_UNUSED,
                     struct cdc_log_look *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell name = fx_str_from(slot);
    *ret = (struct cdc_log_look){.expire_s = -1};
    if (!fx_db_select_again(db, slot_sql, &name, 1, 1, 4, &rows, err))
        return fx_ctx(err, "reading slot \"%s\"", slot);
    (void)snprintf(ret->state, sizeof ret->state, "%.*s", FX_STR_FMT(fx_rows_at(&rows, 0, 0)));
    if (!fx_parse_i64(fx_rows_at(&rows, 0, 1), -1, INT64_MAX, &ret->kept_bytes) ||
        !fx_parse_i64(fx_rows_at(&rows, 0, 2), -1, INT64_MAX, &ret->left_bytes) ||
        !fx_parse_i64(fx_rows_at(&rows, 0, 3), 0, INT64_MAX, &ret->end_bytes))
        return fx_db_fail_answer(db, "with other values than sizes of its log", err);
    return true;
}
