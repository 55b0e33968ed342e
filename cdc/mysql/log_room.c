/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of the binary log a stream still needs, and what lets the server remove them. The
 * file that it needs is the newest one that does not begin after the stream's position.
 */
#include <stdio.h>

#include "cdc/mysql/my_priv.h"
#include "lib/fmt/text.h"

static const char limits_sql[] =
    "select lower(variable_name), variable_value from information_schema.global_variables where "
    "variable_name in ('binlog_expire_logs_seconds', 'expire_logs_days', 'max_binlog_total_size')";

/* The days are the same setting, which older servers have alone. */
static bool read_limits(struct fx_db *db, struct cdc_log_look *ret, int64_t *ret_size,
                        struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(db, limits_sql, NULL, 0, 0, 2, &rows, err))
        return false;
    for (size_t i = 0; i < rows.n_rows; i++) {
        fx_cell name = fx_rows_at(&rows, i, 0), value = fx_rows_at(&rows, i, 1);
        size_t whole = 0;
        int64_t n = 0;
        while (whole < value.len && value.ptr[whole] != '.')
            whole++;
        if (!fx_parse_i64((struct fx_str){value.ptr, whole}, 0, INT64_MAX / 86400, &n) || n == 0)
            continue;
        if (fx_str_eq_c(name, "max_binlog_total_size"))
            *ret_size = n;
        else if (fx_str_eq_c(name, "binlog_expire_logs_seconds"))
            ret->expire_s = n;
        else if (ret->expire_s < 0)
            ret->expire_s = n * 86400;
    }
    return true;
}

/* Does the file begin at or before the position? */
static bool has_start(struct fx_db *db, fx_cell file, const struct fx_pos *at, bool *ret,
                      struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_pos) struct fx_pos start = {0};
    if (!fx_db_select(db, "select binlog_gtid_pos(?, 4)", &file, 1, 1, 1, &rows, err))
        return false;
    fx_cell cell = fx_rows_at(&rows, 0, 0);
    *ret = false;
    if (cell.ptr == NULL) /* it went while we looked */
        return true;
    if (!fx_db_take_pos(db, cell, &start, err))
        return false;
    *ret = cell.len == 0 || fx_pos_covers(FX_MY, at, &start);
    return true;
}

bool cdc_my_look_log(struct fx_db *db, const char *slot FX_UNUSED, const struct fx_pos *at,
                     struct cdc_log_look *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows files = {0};
    int64_t size_max = 0;
    bool is_found = false;
    *ret = (struct cdc_log_look){.left_bytes = -1, .expire_s = -1};
    if (!read_limits(db, ret, &size_max, err) ||
        !fx_db_query(db, "show binary logs", NULL, 0, &files, err))
        return fx_ctx(err, "reading the files of the binary log");
    if (files.n_columns < 2)
        return fx_db_fail_answer(db, "without the sizes of its binary logs", err);
    for (size_t i = files.n_rows; i-- > 0 && !is_found;) {
        int64_t n = 0;
        if (!fx_parse_i64(fx_rows_at(&files, i, 1), 0, INT64_MAX, &n))
            return fx_db_fail_answer(db, "with a size of a binary log that is none", err);
        ret->kept_bytes += n;
        if (!has_start(db, fx_rows_at(&files, i, 0), at, &is_found, err))
            return fx_ctx(err, "reading where a file of the binary log begins");
    }
    (void)snprintf(ret->state, sizeof ret->state, "%s", is_found ? "reserved" : CDC_LOG_LOST);
    if (size_max > 0)
        ret->left_bytes = FX_MAX(size_max - ret->kept_bytes, (int64_t)0);
    ret->end_bytes = ret->kept_bytes;
    return true;
}
