/* SPDX-License-Identifier: Apache-2.0 */
/* Installing ownership on the two databases of a group, and dropping it. */
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/ownership/schema.h"
#include "lib/ownership/sides.h"

/* --- install ---------------------------------------------------------------------------------- */

enum { INSTALL_STATEMENT_MS = 10000, INSTALL_LOCK_MS = 800, INSTALL_ATTEMPTS = 25, RETRY_MS = 200 };

/* DDL while customers work: short waits, repeated, so that nobody queues behind a lock for long. */
static bool refuse_writers(struct fx_side *side, int64_t epoch, struct fx_err *err)
{
    for (int attempt = 1;; attempt++) {
        if (fx_fence_of(side)->refuse(side, epoch, INSTALL_LOCK_MS, err))
            return true;
        if (err->code != FX_E_DB_CONFLICT || attempt >= INSTALL_ATTEMPTS)
            return false;
        fx_sleep_ms(RETRY_MS);
    }
}

/* Only a side that must refuse now gets triggers now; the other one gets them with its fence. */
static bool install_side(struct fx_side *side, enum fx_own_state state, int64_t epoch,
                         struct fx_err *err)
{
    struct fx_own own = {0};
    if (!fx_own_insert(side, state, epoch, err) || !fx_own_row(side, false, &own, err))
        return false;
    return own.state != FX_OWN_AWAY || refuse_writers(side, own.epoch, err);
}

static bool install_group(struct fx_context *ctx, bool is_canary, int64_t epoch, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_sides sides;
    if (!fx_sides_open(ctx, is_canary, INSTALL_STATEMENT_MS, &arena, &sides, err))
        return false;
    bool ok = install_side(&sides.new_side, FX_OWN_AWAY, epoch, err) &&
              install_side(&sides.old_side, FX_OWN_HERE, epoch, err);
    fx_sides_done(&sides);
    return ok || fx_ctx(err, "installing ownership of group \"%s\"", sides.group);
}

bool fx_own_install(struct fx_context *ctx, int64_t epoch, struct fx_err *err)
{
    struct fx_side sides[2] = {{.conf = ctx->old_db, .group = ctx->name},
                               {.conf = ctx->new_db, .group = ctx->name}};
    bool ok = fx_sides_supported(ctx, err);
    for (size_t i = 0; i < 2 && ok; i++) {
        ok = fx_side_open(&sides[i], INSTALL_STATEMENT_MS, err) &&
             fx_schema_prepare(sides[i].db, sides[i].conf, err) &&
             fx_fence_of(&sides[i])->install(&sides[i], err);
        if (!ok)
            fx_ctx(err, "installing ownership on database \"%s\"", sides[i].conf->name);
        fx_side_close(&sides[i]);
    }
    return ok && install_group(ctx, false, epoch, err) && install_group(ctx, true, epoch, err);
}

/* --- drop ------------------------------------------------------------------------------------- */

static bool drop_side(struct fx_side *side, struct fx_err *err)
{
    fx_cell grp = fx_str_from(side->group);
    const char *const *sql = side->engine->delete_rows;
    bool ok = fx_fence_of(side)->remove(side, err);
    for (; ok && *sql != NULL; sql++)
        ok = fx_db_exec(side->db, *sql, &grp, 1, NULL, err);
    return ok;
}

/* *ret: is there a table ficus.own? If not, there is nothing to drop. */
static bool has_own(const struct fx_db_conf *conf, const char *group, bool *ret, struct fx_err *err)
{
    struct fx_side side = {.conf = conf};
    struct fx_own_look look;
    if (!fx_side_open(&side, INSTALL_STATEMENT_MS, err))
        return false;
    bool ok = fx_own_look(side.db, group, &look, err) &&
              (look.presence != FX_OWN_DENIED || fx_own_require(&look, conf, group, err));
    fx_side_close(&side);
    if (ok)
        *ret = look.presence != FX_OWN_NO_TABLE;
    return ok;
}

/*
 * No row counts as HERE: nobody was ever refused. The lock waits for a cut-over that changes the
 * row.
 */
static bool state_of(struct fx_side *side, enum fx_own_state *ret, struct fx_err *err)
{
    struct fx_own_look look;
    if (!fx_db_exec(side->db, "begin", NULL, 0, NULL, err))
        return false;
    bool ok = fx_own_look_locked(side->db, side->group, &look, err);
    fx_side_rollback(side);
    if (!ok ||
        (look.presence == FX_OWN_DENIED && !fx_own_require(&look, side->conf, side->group, err)))
        return false;
    *ret = look.presence == FX_OWN_PRESENT ? look.own.state : FX_OWN_HERE;
    return true;
}

/*
 * A side that is AWAY keeps its fence when the streams are dropped: without the fence both sides
 * would accept writes, and nothing would copy them. So only a group that the old side owns is
 * removed.
 */
static bool may_remove(struct fx_sides *sides, bool *ret, struct fx_err *err)
{
    enum fx_own_state old_state, new_state;
    if (!state_of(&sides->old_side, &old_state, err) ||
        !state_of(&sides->new_side, &new_state, err))
        return false;
    if (old_state == FX_OWN_FENCED || new_state == FX_OWN_FENCED) {
        fx_fail(
            err, FX_E_DRIFT,
            "ownership of group \"%s\" cannot be dropped: the group is FENCED, a cut-over is not "
            "finished",
            sides->group);
        return fx_hint(err, "Finish it first: ficus run resume, or the same ficus cutover command "
                            "that began it.");
    }
    *ret = old_state == FX_OWN_HERE;
    return true;
}

static bool drop_group(struct fx_context *ctx, bool is_canary, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_sides sides;
    if (!fx_sides_open(ctx, is_canary, INSTALL_STATEMENT_MS, &arena, &sides, err))
        return false;
    bool is_removed = is_canary; /* in any state: its table is ours */
    bool ok = is_canary || may_remove(&sides, &is_removed, err);
    if (ok && is_removed)
        ok = drop_side(&sides.old_side, err) && drop_side(&sides.new_side, err);
    fx_sides_done(&sides);
    return ok || fx_ctx(err, "dropping ownership of group \"%s\"", sides.group);
}

/*
 * When no group is left, the tables go too; what the streams have in the schema is dropped by cdc.
 */
static bool drop_objects(const struct fx_db_conf *conf, const char *group, struct fx_err *err)
{
    struct fx_side side = {.conf = conf, .group = group};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_side_open(&side, INSTALL_STATEMENT_MS, err))
        return false;
    bool ok = fx_db_query(side.db, "select grp from ficus.own limit 1", NULL, 0, &rows, err);
    if (ok && rows.n_rows == 0)
        ok = fx_db_exec(side.db, side.engine->drop_objects, NULL, 0, NULL, err);
    fx_side_close(&side);
    return ok;
}

bool fx_own_drop(struct fx_context *ctx, struct fx_err *err)
{
    bool has_old = false, has_new = false;
    if (!has_own(ctx->old_db, ctx->name, &has_old, err) ||
        !has_own(ctx->new_db, ctx->name, &has_new, err))
        return false;
    if (!has_old && !has_new)
        return true;
    if (!has_old || !has_new) /* an earlier drop was interrupted between the two databases */
        return drop_objects(has_old ? ctx->old_db : ctx->new_db, ctx->name, err);
    return drop_group(ctx, true, err) && drop_group(ctx, false, err) &&
           drop_objects(ctx->old_db, ctx->name, err) && drop_objects(ctx->new_db, ctx->name, err);
}
