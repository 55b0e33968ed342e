/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's row of the table of engines, and its dialect. */
#include <inttypes.h>

#include "cdc/pg/pg_priv.h"
#include "lib/db/pos.h"

/* Bytes of log that other people's transactions may keep a slot back. */
enum { SLOT_BEHIND_MAX = 16 << 20 };

/*
 * A slot keeps its log until the position is confirmed, and the progress row is what may be
 * confirmed: it follows when that is much log, or when the server asks (it does not shut down
 * before). Not at every heartbeat: a progress-only transaction is one that the other stream reads
 * and records in turn, and so on.
 */
static bool is_progress_due(const struct fx_pos *at, const struct fx_pos *recorded, bool is_asked,
                            bool is_heartbeat FX_UNUSED)
{
    struct fx_lsn here, there;
    return is_asked ||
           (fx_lsn_parse(fx_pos_str(at), &here) && fx_lsn_parse(fx_pos_str(recorded), &there) &&
            here.at >= there.at + SLOT_BEHIND_MAX);
}

/* A partitioned table's rows are identified by partition and place. */
static void delete_some(const char *table, const char *where, int64_t limit, struct fx_buf *out)
{
    fx_buf_printf(out,
                  "delete from %s where (tableoid, ctid) in (select tableoid, ctid from %s%s%s "
                  "limit %" PRId64 ")",
                  table, table, where != NULL ? " where " : "", where != NULL ? where : "", limit);
}

static void drop_key(const char *table, const char *name, struct fx_buf *out)
{
    fx_buf_printf(out, "ALTER TABLE %s DROP CONSTRAINT %s;", table, name);
}

static void add_key(const char *table, const char *columns, struct fx_buf *out)
{
    fx_buf_printf(out, "ALTER TABLE %s ADD UNIQUE (%s);", table, columns);
}

const struct cdc_engine cdc_engine_pg = {
    .id = FX_PG,
    .check_server = cdc_pg_check_server,
    .check_rights = cdc_pg_check_rights,
    .check_applier = cdc_pg_check_applier,
    .grant = cdc_pg_grant,
    .warn = cdc_pg_warn,
    .check_silent_loss = cdc_pg_check_silent_loss,
    .check_table = cdc_pg_check_table,
    .read_keys = cdc_pg_read_keys,
    .install = cdc_pg_install,
    .uninstall = cdc_pg_uninstall,
    .source = {.open = cdc_pg_source_open,
               .snapshot_begin = cdc_pg_snapshot_begin,
               .estimate_rows = cdc_pg_estimate_rows,
               .look_log = cdc_pg_look_log,
               .is_progress_due = is_progress_due},
    /* Not SET: who may not may have it from ALTER ROLE … SET, the only way on version 14. */
    .target = {.pass_fence =
                   "select set_config('session_replication_role', 'replica', false) where "
                   "current_setting('session_replication_role') <> 'replica'",
               .prepare = cdc_pg_prepare,
               .insert_with_ids = " overriding system value ",
               .insert_if_missing = " ",
               .insert_if_missing_end = " on conflict do nothing",
               .keep_barrier = " on conflict (grp, epoch) do update set grp = excluded.grp",
               .update_many_min = 8,
               .update_many_begin = cdc_pg_update_many_begin,
               .update_many_end = cdc_pg_update_many_end,
               .delete_some = delete_some,
               .drop_key = drop_key,
               .add_key = add_key},
};
