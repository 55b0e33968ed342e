/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which side owns a context now, read from both databases: the owner is the source of every
 * comparison. Only reads; what the rows mean for a cut-over is decided in lib/ownership.
 */
#include "lib/ownership/sides.h"
#include "reconcile/reconcile.h"

static const char *state_text(const struct fx_own_look *look)
{
    return look->presence == FX_OWN_PRESENT ? fx_own_state_name(look->own.state) : "no row";
}

static bool is_here(const struct fx_own_look *look)
{
    return look->presence == FX_OWN_PRESENT && look->own.state == FX_OWN_HERE;
}

/* Who may not look cannot tell; ownership that was never installed is an answer. */
static bool look_both(const struct fx_context *ctx, struct fx_own_look *old_look,
                      struct fx_own_look *new_look, struct fx_err *err)
{
    if (!fx_own_look_both(ctx, old_look, new_look, err))
        return false;
    bool is_denied = old_look->presence == FX_OWN_DENIED || new_look->presence == FX_OWN_DENIED;
    return !is_denied || fx_own_require_both(ctx, old_look, new_look, err);
}

static bool fail_both(const struct fx_context *ctx, struct fx_err *err)
{
    fx_fail(err, FX_E_STUCK,
            "both sides of context \"%s\" accept writes: ficus.own says HERE on each", ctx->name);
    return fx_hint(err,
                   "Stop all writers at once. A database was restored from a backup, or ficus.own "
                   "was changed by hand. The side with the higher epoch took over last (see: ficus "
                   "status). Restore the database that was changed, then run the same command "
                   "again.");
}

bool rec_owner(const struct fx_context *ctx, enum fx_direction *ret_direction, struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    if (!look_both(ctx, &old_look, &new_look, err))
        return false;
    bool is_old = is_here(&old_look), is_new = is_here(&new_look);
    bool is_any = old_look.presence == FX_OWN_PRESENT || new_look.presence == FX_OWN_PRESENT;
    if (is_old && is_new)
        return fail_both(ctx, err);
    if (!is_old && !is_new && is_any) {
        fx_fail(err, FX_E_INCONCLUSIVE,
                "no side owns context \"%s\" now (old side: %s, new side: %s)", ctx->name,
                state_text(&old_look), state_text(&new_look));
        return fx_hint(err,
                       "A cut-over is running, or was interrupted. See: ficus status. If none is "
                       "running, finish it with what began it: ficus run resume, or ficus cutover "
                       "start (or fallback) --context %s --execute --confirm=%s",
                       ctx->name, ctx->name);
    }
    /* Never installed anywhere: the old side is where the data always was. */
    *ret_direction = is_new ? FX_REVERSE : FX_FORWARD;
    return true;
}
