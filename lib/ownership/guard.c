/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drop of a slot is in no transaction, so what allows it is locked meanwhile by sessions that
 * do nothing else. The locks are shared: customers' triggers and other guards pass.
 */
#include "lib/base/alloc.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/side.h"

enum { STATEMENT_MS = 10000 };

struct fx_guard {
    const struct fx_context *ctx;
    struct fx_side side[2]; /* old, new: each in a transaction */
    struct fx_own_look own[2];
};

/* ficus.own as it was committed last, locked. */
static bool look(struct fx_guard *guard, int i, struct fx_err *err)
{
    struct fx_side *side = &guard->side[i];
    return fx_own_look_shared(side->db, guard->ctx->name, &guard->own[i], err);
}

static bool lock_side(struct fx_guard *guard, int i, struct fx_err *err)
{
    const struct fx_context *ctx = guard->ctx;
    struct fx_side *side = &guard->side[i];
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    struct fx_holder holder;
    if (!fx_side_open(side, STATEMENT_MS, err) ||
        !fx_db_exec(side->db, side->engine->no_idle_limit, NULL, 0, NULL, err) ||
        !fx_holder_read(side->db, ctx->name, &holder, err))
        return false;
    if (!fx_holder_is_ours(&holder, ctx))
        return fx_holder_fail(&holder, ctx, side->conf, err);
    /* Asked before the transaction: in it a table that is missing would be the end of it. */
    struct fx_own_look before;
    if (!fx_own_look(side->db, ctx->name, &before, err) ||
        (before.presence == FX_OWN_DENIED &&
         !fx_own_require(&before, side->conf, ctx->name, err)) ||
        !fx_db_exec(side->db, "begin", NULL, 0, NULL, err))
        return false;
    guard->own[i] = before;
    fx_buf_add_c(&sql, "select ");
    fx_holder_condition(ctx, side->db, &sql);
    if (holder.has_table && !fx_db_query(side->db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return false;
    bool is_ours = !holder.has_table || fx_str_eq_c(fx_rows_at(&rows, 0, 0), "t") ||
                   fx_str_eq_c(fx_rows_at(&rows, 0, 0), "1");
    if (!is_ours)
        return fx_fail(err, FX_E_STALE_EPOCH,
                       "another controller took over context \"%s\" in database \"%s\" while this "
                       "command ran",
                       ctx->name, side->conf->name) ||
               fx_hint(err,
                       "Nothing was changed. See who holds it now: ficus run adopt %s   It changes "
                       "nothing and prints the command that takes it over from them.",
                       ctx->name);
    return before.presence == FX_OWN_NO_TABLE || look(guard, i, err);
}

/* --- may it? ---------------------------------------------------------------------------------- */

/* No row counts as HERE on the old side and AWAY on the new one: nobody was ever refused. */
static enum fx_own_state state_of(const struct fx_guard *guard, int i)
{
    if (guard->own[i].presence == FX_OWN_PRESENT)
        return guard->own[i].own.state;
    return i == 0 ? FX_OWN_HERE : FX_OWN_AWAY;
}

static bool fail_new_owns(const struct fx_guard *guard, struct fx_err *err)
{
    const char *context = guard->ctx->name;
    fx_fail(err, FX_E_DRIFT,
            "the streams of context \"%s\" are not dropped: the new side owns its tables (epoch "
            "%lld), and without them what it accepts no longer reaches the old side",
            context, (long long)guard->own[1].own.epoch);
    return fx_hint(err,
                   "First go back: ficus cutover fallback --context %s --execute --confirm=%s   Or "
                   "end the migration with a plan's step stream.drop (point_of_no_return: true)",
                   context, context);
}

static bool fail_unfinished(const struct fx_guard *guard, struct fx_err *err)
{
    const char *context = guard->ctx->name;
    fx_fail(err, FX_E_DRIFT,
            "the streams of context \"%s\" are not dropped: a cut-over is not finished (old is %s, "
            "new is %s)",
            context, fx_own_state_name(state_of(guard, 0)), fx_own_state_name(state_of(guard, 1)));
    return fx_hint(
        err,
        "Finish it first: ficus run resume   or: ficus cutover %s --context %s --execute "
        "--confirm=%s",
        fx_own_finisher(&guard->own[0].own, &guard->own[1].own), context, context);
}

static bool may_act(const struct fx_guard *guard, enum fx_guard_for what, struct fx_err *err)
{
    enum fx_own_state old_state = state_of(guard, 0), new_state = state_of(guard, 1);
    if (old_state == FX_OWN_HERE && new_state == FX_OWN_AWAY)
        return true;
    if (old_state == FX_OWN_AWAY && new_state == FX_OWN_HERE)
        return what == FX_GUARD_END || fail_new_owns(guard, err);
    return fail_unfinished(guard, err);
}

bool fx_guard_begin(const struct fx_context *ctx, enum fx_guard_for what, struct fx_guard **ret,
                    struct fx_err *err)
{
    struct fx_guard *guard = FX_NEW(struct fx_guard);
    guard->ctx = ctx;
    guard->side[0] = (struct fx_side){.conf = ctx->old_db, .group = ctx->name};
    guard->side[1] = (struct fx_side){.conf = ctx->new_db, .group = ctx->name};
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        ok = lock_side(guard, i, err);
        if (!ok)
            (i == 1 ? fx_err_as_target : fx_err_as_source)(err);
    }
    if (ok && may_act(guard, what, err)) {
        *ret = guard;
        return true;
    }
    fx_guard_end(guard);
    return fx_ctx(err, "making sure that context \"%s\" stays as it is", ctx->name);
}

struct fx_side *fx_guard_side(struct fx_guard *guard, int i)
{
    return &guard->side[i];
}

bool fx_guard_has_ownership(const struct fx_guard *guard)
{
    return guard->own[0].presence == FX_OWN_PRESENT || guard->own[1].presence == FX_OWN_PRESENT;
}

bool fx_guard_old_owns(const struct fx_guard *guard)
{
    return state_of(guard, 0) == FX_OWN_HERE;
}

bool fx_guard_check(struct fx_guard *guard, struct fx_err *err)
{
    for (int i = 0; i < 2; i++)
        if (!fx_db_exec(guard->side[i].db, "select 1", NULL, 0, NULL, err))
            return fx_ctx(err, "the locks on context \"%s\" were lost", guard->ctx->name);
    return true;
}

bool fx_guard_forget(struct fx_guard *guard, struct fx_err *err)
{
    fx_cell params[] = {
        fx_str_from(guard->ctx->name),
        fx_str_from(guard->ctx->controller != NULL ? guard->ctx->controller->id : "")};
    for (int i = 0; i < 2; i++) {
        struct fx_db *db = guard->side[i].db;
        if (fx_db_exec(db, "delete from ficus.controller where grp = ? and id = ?", params, 2, NULL,
                       err) &&
            fx_db_exec(db, "commit", NULL, 0, NULL, err))
            continue;
        if (!fx_db_is_no_table(err))
            return fx_ctx(err, "forgetting who held context \"%s\"", guard->ctx->name);
        fx_err_clear(err);
    }
    return true;
}

void fx_guard_end(struct fx_guard *guard)
{
    if (guard == NULL)
        return;
    fx_side_close(&guard->side[0]); /* the servers roll back */
    fx_side_close(&guard->side[1]);
    free(guard);
}
