/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See own_query.h. Epochs only rise, so two equal reads around a position mean: valid at that position.
 */
#include "cdc/stream/own_query.h"

#include <stdio.h>
#include <string.h>

#include "lib/fmt/text.h"

enum { ATTEMPTS = 20 };

static bool read_owns(struct fx_db *db, const struct cdc_binding *binding, struct cdc_own owns[2],
                      struct fx_err *err)
{
    const char *groups[2] = {binding->ctx.name, binding->canary_group};
    for (size_t i = 0; i < 2; i++) {
        struct fx_rows rows;
        fx_cell group = fx_str_from(groups[i]);
        owns[i] = (struct cdc_own){.state = CDC_OWN_UNKNOWN};
        (void)snprintf(owns[i].group, sizeof owns[i].group, "%s", groups[i]);
        if (!fx_db_query(db, "select state, epoch from ficus.own where grp = ?", &group, 1, &rows,
                         err))
            return false;
        if (rows.n_rows == 1) {
            owns[i].state = cdc_own_state_parse(fx_rows_at(&rows, 0, 0));
            if (!fx_parse_i64(fx_rows_at(&rows, 0, 1), INT64_MIN, INT64_MAX, &owns[i].epoch))
                owns[i].state = CDC_OWN_UNKNOWN;
        }
        fx_rows_done(&rows);
    }
    return true;
}

static bool is_same(const struct cdc_own a[2], const struct cdc_own b[2])
{
    for (size_t i = 0; i < 2; i++)
        if (a[i].state != b[i].state || a[i].epoch != b[i].epoch)
            return false;
    return true;
}

static bool is_no_table(const struct fx_err *err)
{
    return strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0 ||
           strcmp(err->sqlstate, "42S02") == 0;
}

static bool read_settled(struct fx_db *db, const struct cdc_binding *binding,
                         struct cdc_own_read *ret, struct fx_err *err)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        struct cdc_own before[2];
        if (!read_owns(db, binding, before, err) || !fx_db_pos_now(db, &ret->pos, err) ||
            !read_owns(db, binding, ret->owns, err))
            return false;
        if (is_same(before, ret->owns)) {
            ret->is_waiting = true;
            return true;
        }
    }
    return true; /* it moves faster than we look: the stream itself will tell */
}

bool cdc_own_query(const struct cdc_binding *binding, struct cdc_own_read *ret, struct fx_err *err)
{
    struct fx_db *db = NULL;
    *ret = (struct cdc_own_read){.is_waiting = false};
    if (!fx_db_open(binding->source, &db, err)) {
        fx_err_as_source(err);
        return false;
    }
    bool is_ok = read_settled(db, binding, ret, err);
    fx_db_close(db);
    if (!is_ok && is_no_table(err)) {
        fx_err_clear(err);
        ret->is_waiting = false;
        return true;
    }
    if (!is_ok)
        fx_err_as_source(err);
    return is_ok || fx_ctx(err, "reading ficus.own");
}
