/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of MySQL and MariaDB in the table of engines. What differs between servers comes from the
 * flavour; the rest, which is short, is here.
 */
#include <inttypes.h>

#include "cdc/mysql/my_priv.h"
#include "lib/fmt/text.h"

/* --- preflight -------------------------------------------------------------------------------- */

static bool check_server(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    const struct cdc_my_flavour *flavour;
    return cdc_my_flavour_of(side->db, &flavour, err) &&
           fx_db_findings(side->db, side->conf->name, flavour->check_server_sql, NULL, 0, f, err);
}

static bool check_silent_loss(const struct cdc_side *side, struct fx_findings *f,
                              struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    const struct cdc_my_flavour *flavour;
    fx_arena_init(&arena, 0);
    if (!cdc_my_flavour_of(side->db, &flavour, err))
        return false;
    for (size_t i = 0; i < side->ctx->n_tables; i++) {
        fx_cell schema = fx_str_from(cdc_side_schema(side, i));
        fx_cell name = fx_str_from(cdc_side_table(side, i));
        fx_cell params[] = {schema, name, schema, name, schema, name};
        const char *where = fx_arena_printf(&arena, "%s.%s", schema.ptr, name.ptr);
        if (!fx_db_findings(side->db, where, flavour->check_silent_loss_sql, params, 6, f, err))
            return false;
    }
    return true;
}

static bool read_keys(const struct cdc_side *side, const char *schema, const char *table,
                      struct fx_rows *ret_rows, struct fx_err *err)
{
    const struct cdc_my_flavour *flavour;
    fx_cell params[] = {fx_str_from(schema), fx_str_from(table)};
    return cdc_my_flavour_of(side->db, &flavour, err) &&
           fx_db_select(side->db, flavour->keys_sql, params, 2, 0, CDC_KEY_N_COLUMNS, ret_rows,
                        err);
}

/* --- both ------------------------------------------------------------------------------------- */

static bool install(const struct cdc_side *side, struct fx_err *err)
{
    const struct cdc_my_flavour *flavour;
    return cdc_my_flavour_of(side->db, &flavour, err) &&
           fx_db_exec(side->db, flavour->install_sql, NULL, 0, NULL, err);
}

/* The log is the server's own, and the loop marker
 * is the progress row: there is nothing to remove. */
static bool uninstall(const struct cdc_side *side FX_UNUSED, struct fx_err *err FX_UNUSED)
{
    return true;
}

/* --- as source -------------------------------------------------------------------------------- */

/* The log may be purged below an old position, so the row follows at every heartbeat. */
static bool is_progress_due(const struct fx_pos *at FX_UNUSED,
                            const struct fx_pos *recorded FX_UNUSED, bool is_asked FX_UNUSED,
                            bool is_heartbeat)
{
    return is_heartbeat;
}

static bool estimate_rows(struct fx_db *db, const struct fx_table *table, int64_t *ret_rows,
                          struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    *ret_rows = 0;
    if (!fx_db_query(db,
                     "select coalesce(table_rows, 0) from information_schema.tables where "
                     "table_schema = ? and table_name = ?",
                     params, 2, &rows, err))
        return false;
    if (rows.n_rows == 1 && !fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, ret_rows))
        *ret_rows = 0;
    return true;
}

/* --- as target -------------------------------------------------------------------------------- */

/* Beyond its limit the server closes the connection without
 * a word, which would look like a failing network, for ever. */
static bool prepare(const struct cdc_binding *binding FX_UNUSED, struct fx_db *db,
                    size_t *ret_text_max, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    const struct cdc_my_flavour *flavour;
    int64_t max = 0;
    if (!cdc_my_flavour_of(db, &flavour, err))
        return false;
    if (!fx_db_exec(db, flavour->prepare_sql, NULL, 0, NULL, err))
        return fx_ctx(err, "preparing the apply session");
    if (!fx_db_query(db, flavour->text_max_sql, NULL, 0, &rows, err))
        return fx_ctx(err, "reading %s", flavour->text_max_setting);
    if (rows.n_rows != 1 || !fx_parse_i64(fx_rows_at(&rows, 0, 0), 1, INT64_MAX, &max))
        return fx_fail(err, FX_E_DB, "database \"%s\" returned no valid value of its variable %s",
                       db->conf->name, flavour->text_max_setting) ||
               fx_hint(err,
                       "Run on it: SHOW VARIABLES LIKE '%s'; It must be a whole number above 0.",
                       flavour->text_max_setting);
    *ret_text_max = (size_t)max;
    return true;
}

static bool fail_too_long(const struct cdc_binding *binding, size_t n_bytes, size_t text_max,
                          struct fx_err *err)
{
    (void)fx_fail(err, FX_E_TARGET,
                  "stream \"%s\" cannot write a row to database \"%s\": the statement has %zu "
                  "bytes, max_allowed_packet there is %zu",
                  binding->stream, binding->target->name, n_bytes, text_max + 1);
    (void)fx_detail(err, "Binary values are sent as hexadecimal text, two digits for each byte.");
    return fx_hint(err,
                   "Run on it: SET GLOBAL max_allowed_packet=1073741824; put it into its "
                   "configuration, then run: ficus cdc start --context %s --execute",
                   binding->ctx.name);
}

static void delete_some(const char *table, const char *where, int64_t limit, struct fx_buf *out)
{
    fx_buf_printf(out, "delete from %s%s%s limit %" PRId64, table, where != NULL ? " where " : "",
                  where != NULL ? where : "", limit);
}

static void drop_key(const char *table, const char *name, struct fx_buf *out)
{
    fx_buf_printf(out, "ALTER TABLE %s DROP INDEX %s;", table, name);
}

static void add_key(const char *table, const char *columns, struct fx_buf *out)
{
    fx_buf_printf(out, "ALTER TABLE %s ADD UNIQUE KEY (%s);", table, columns);
}

/*
 * MariaDB names no columns of VALUES; the first part, which has no rows, names and types them.
 * STRAIGHT_JOIN: the table is read by its key, never the whole of it.
 */
static void update_many_begin(const char *table, const char *const *columns, size_t n_columns,
                              size_t n_key, struct fx_buf *out)
{
    (void)n_key;
    fx_buf_add_c(out, "update ");
    fx_buf_add_c(out, "(select ");
    for (size_t i = 0; i < n_columns; i++)
        fx_buf_printf(out, "%s%s as c%zu", i > 0 ? "," : "", columns[i], i);
    fx_buf_printf(out, " from %s where false union all values ", table);
}

static void update_many_end(const char *table, const char *const *columns, size_t n_columns,
                            size_t n_key, struct fx_buf *out)
{
    fx_buf_printf(out, ") ficus_v straight_join %s ficus_t on ", table);
    for (size_t i = 0; i < n_key; i++)
        fx_buf_printf(out, "%sficus_t.%s=ficus_v.c%zu", i > 0 ? " and " : "", columns[i], i);
    fx_buf_add_c(out, " set ");
    for (size_t i = n_key; i < n_columns; i++)
        fx_buf_printf(out, "%sficus_t.%s=ficus_v.c%zu", i > n_key ? "," : "", columns[i], i);
}

const struct cdc_engine cdc_engine_mysql = {
    .id = FX_MY,
    .check_server = check_server,
    .check_rights = cdc_my_check_rights,
    .check_applier = cdc_my_check_applier,
    .grant = cdc_my_grant,
    .warn = cdc_my_warn,
    .check_silent_loss = check_silent_loss,
    .read_keys = read_keys,
    .install = install,
    .uninstall = uninstall,
    .source = {.open = cdc_my_source_open,
               .estimate_rows = estimate_rows,
               .look_log = cdc_my_look_log,
               .is_progress_due = is_progress_due},
    .target = {.pass_fence = "do 0", /* the fence knows the applier's login */
               .prepare = prepare,
               .fail_too_long = fail_too_long,
               .insert_with_ids = " ",
               .insert_if_missing = " ignore ",
               .insert_if_missing_end = "",
               .keep_barrier = " on duplicate key update grp = grp",
               /* Each such statement makes a temporary table, on disk where a column is long. */
               .update_many_min = 200,
               .update_many_begin = update_many_begin,
               .update_many_end = update_many_end,
               .delete_some = delete_some,
               .drop_key = drop_key,
               .add_key = add_key},
};
