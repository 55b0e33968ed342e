/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns the tables of a context, as far as the users may see. Not to be allowed to look is not the same as to find
 * nothing: what is advised afterwards may delete rows.
 */
#include <string.h>

#include "cdc/checks.h"

enum sight { SIGHT_NOTHING, SIGHT_AWAY, SIGHT_HERE, SIGHT_DENIED };

/* FENCED counts as HERE: the side has the tables still, and may keep them. */
static bool look(struct fx_db *db, const char *group, enum sight *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell grp = fx_str_from(group);
    *ret = SIGHT_NOTHING;
    if (fx_db_query(db, "select state from ficus.own where grp = ?", &grp, 1, &rows, err)) {
        if (rows.n_rows > 0)
            *ret = fx_str_eq_c(fx_rows_at(&rows, 0, 0), "AWAY") ? SIGHT_AWAY : SIGHT_HERE;
        return true;
    }
    bool is_missing = strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0 ||
                      strcmp(err->sqlstate, "42S02") == 0;
    if (!is_missing && !cdc_is_denied(err))
        return fx_ctx(err, "asking database \"%s\" who owns the tables", db->conf->name);
    *ret = is_missing ? SIGHT_NOTHING : SIGHT_DENIED;
    fx_err_clear(err);
    return true;
}

bool cdc_owner_read(const char *group, struct fx_db *old_db, struct fx_db *new_db,
                    enum cdc_owner *ret, struct fx_err *err)
{
    enum sight old_side, new_side;
    if (!look(old_db, group, &old_side, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!look(new_db, group, &new_side, err)) {
        fx_err_as_target(err);
        return false;
    }
    if (new_side == SIGHT_HERE || old_side == SIGHT_AWAY)
        *ret = CDC_OWNER_NEW;
    else if (new_side == SIGHT_DENIED || old_side == SIGHT_DENIED)
        *ret = CDC_OWNER_UNKNOWN;
    else
        *ret = CDC_OWNER_OLD;
    return true;
}
