/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See checks.h: which tables a stream would carry wrongly
 * without noticing. The engines' SQL files say which, and why.
 */
#include "cdc/cdc.h"
#include "cdc/checks.h"

static bool check_side(struct fx_findings *f, const struct cdc_side *side, struct fx_err *err)
{
    return side->engine->check_silent_loss(side, f, err) || cdc_side_err(side, err);
}

bool cdc_check_silent_loss(struct fx_findings *f, const struct cdc_sides *sides, struct fx_err *err)
{
    return check_side(f, &sides->old_side, err) && check_side(f, &sides->new_side, err);
}

bool cdc_no_silent_loss(const struct cdc_sides *sides, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings findings;
    fx_findings_init(&findings);
    return cdc_check_silent_loss(&findings, sides, err) &&
           cdc_findings_none(&findings, sides->old_side.ctx->name, err);
}

bool cdc_find_silent_loss(const struct fx_context *ctx, size_t table, struct fx_db *old_db,
                          struct fx_db *new_db, struct fx_findings *f, struct fx_err *err)
{
    struct fx_context one = *ctx;
    one.tables = &ctx->tables[table];
    one.n_tables = 1;
    struct cdc_sides sides = cdc_sides_of(&one);
    sides.old_side.db = old_db;
    sides.new_side.db = new_db;
    return cdc_check_silent_loss(f, &sides, err);
}

static bool warn_side(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    return side->engine->warn == NULL || side->engine->warn(side, f, err) ||
           cdc_side_err(side, err);
}

bool cdc_warnings(const struct fx_context *ctx, struct fx_findings *f, struct fx_err *err)
{
    struct cdc_sides sides;
    if (!cdc_sides_open(ctx, &sides, err))
        return false;
    bool is_ok = warn_side(&sides.old_side, f, err) && warn_side(&sides.new_side, f, err);
    cdc_sides_close(&sides);
    return is_ok || fx_ctx(err, "looking for what should be known of context \"%s\"", ctx->name);
}
