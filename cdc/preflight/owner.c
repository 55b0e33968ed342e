/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns the tables of a context, as far as the users may see. Not to be allowed to look is not
 * the same as to find nothing: what is advised afterwards may delete rows.
 */
#include "cdc/checks.h"
#include "lib/ownership/own.h"

/* FENCED counts as HERE: the side has the tables still, and may keep them. */
static bool has_tables(const struct fx_own_look *look)
{
    return look->presence == FX_OWN_PRESENT && look->own.state != FX_OWN_AWAY;
}

static bool is_away(const struct fx_own_look *look)
{
    return look->presence == FX_OWN_PRESENT && look->own.state == FX_OWN_AWAY;
}

bool cdc_owner_read(const char *group, struct fx_db *old_db, struct fx_db *new_db,
                    enum cdc_owner *ret, struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    if (!fx_own_look(old_db, group, &old_look, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!fx_own_look(new_db, group, &new_look, err)) {
        fx_err_as_target(err);
        return false;
    }
    if (has_tables(&new_look) || is_away(&old_look))
        *ret = CDC_OWNER_NEW;
    else if (new_look.presence == FX_OWN_DENIED || old_look.presence == FX_OWN_DENIED)
        *ret = CDC_OWNER_UNKNOWN;
    else
        *ret = CDC_OWNER_OLD;
    return true;
}
