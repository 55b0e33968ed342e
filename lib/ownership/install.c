/* SPDX-License-Identifier: Apache-2.0 */
/* Installing ownership on the two databases of a group, and dropping it. */
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/ownership/holder.h"
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

static bool prepare_schema(struct fx_side *side, struct fx_err *err)
{
    return fx_schema_prepare(side->db, side->conf, err);
}

static bool install_fence(struct fx_side *side, struct fx_err *err)
{
    return fx_fence_of(side)->install(side, err);
}

static bool on_both(const struct fx_context *ctx,
                    bool (*act)(struct fx_side *side, struct fx_err *err), struct fx_err *err)
{
    struct fx_side sides[2] = {{.conf = ctx->old_db, .group = ctx->name},
                               {.conf = ctx->new_db, .group = ctx->name}};
    bool ok = true;
    for (size_t i = 0; i < 2 && ok; i++) {
        ok = fx_side_open(&sides[i], INSTALL_STATEMENT_MS, err) && act(&sides[i], err);
        if (!ok)
            fx_ctx(err, "installing ownership on database \"%s\"", sides[i].conf->name);
        fx_side_close(&sides[i]);
    }
    return ok;
}

/* The schema comes first on both, because it has the table that says who holds the context. */
bool fx_own_install(struct fx_context *ctx, int64_t epoch, struct fx_err *err)
{
    return fx_sides_supported(ctx, err) && on_both(ctx, prepare_schema, err) &&
           fx_holder_claim(ctx, ctx->controller != NULL, err) && on_both(ctx, install_fence, err) &&
           install_group(ctx, false, epoch, err) && install_group(ctx, true, epoch, err);
}

/* --- renew ------------------------------------------------------------------------------------ */

/* A table that took the place of another has no trigger that could be older. */
static bool renew_missing(struct fx_side *side, bool is_executed, size_t *n, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings f;
    struct fx_own own = {0};
    fx_findings_init(&f);
    if (!fx_own_row(side, false, &own, err))
        return false;
    if (own.state != FX_OWN_AWAY)
        return true;
    if (!fx_fence_of(side)->refuses(side, &f, err))
        return false;
    *n += f.n;
    return f.n == 0 || !is_executed || refuse_writers(side, own.epoch, err);
}

static bool renew_side(struct fx_side *side, bool is_executed, size_t *n, struct fx_err *err)
{
    size_t here = 0;
    for (int attempt = 1; !fx_fence_of(side)->renew(side, is_executed, &here, err); attempt++) {
        if (err->code != FX_E_DB_CONFLICT || attempt >= INSTALL_ATTEMPTS)
            return false;
        fx_err_clear(err);
        fx_sleep_ms(RETRY_MS);
    }
    *n += here;
    return true;
}

typedef bool (*renew_fn)(struct fx_side *side, bool is_executed, size_t *n, struct fx_err *err);

static bool renew_group(const struct fx_context *ctx, bool is_canary, renew_fn renew,
                        bool is_executed, size_t *n, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_sides sides;
    if (!fx_sides_open(ctx, is_canary, INSTALL_STATEMENT_MS, &arena, &sides, err))
        return false;
    bool ok =
        renew(&sides.old_side, is_executed, n, err) && renew(&sides.new_side, is_executed, n, err);
    fx_sides_done(&sides);
    return ok || fx_ctx(err, "renewing the fence triggers of group \"%s\"", sides.group);
}

static bool renew_both(const struct fx_context *ctx, renew_fn renew, bool is_executed,
                       size_t *ret_n, struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    *ret_n = 0;
    if (!fx_own_look_both(ctx, &old_look, &new_look, err))
        return false;
    if (old_look.presence != FX_OWN_PRESENT || new_look.presence != FX_OWN_PRESENT)
        return true;
    return renew_group(ctx, false, renew, is_executed, ret_n, err) &&
           renew_group(ctx, true, renew, is_executed, ret_n, err);
}

bool fx_own_renew(const struct fx_context *ctx, bool is_executed, size_t *ret_n, struct fx_err *err)
{
    return renew_both(ctx, renew_side, is_executed, ret_n, err);
}

bool fx_own_complete(const struct fx_context *ctx, bool is_executed, size_t *ret_n,
                     struct fx_err *err)
{
    return renew_both(ctx, renew_missing, is_executed, ret_n, err);
}

/* --- drop ------------------------------------------------------------------------------------- */

static bool delete_rows(struct fx_side *side, const char *group, struct fx_err *err)
{
    fx_cell grp = fx_str_from(group);
    bool ok = true;
    for (const char *const *sql = side->engine->delete_rows; ok && *sql != NULL; sql++)
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
 * The triggers go in sessions of their own, because DDL ends a transaction on some servers; the
 * rows of the context go in the guard's transactions, which have them locked.
 */
static bool drop_group(struct fx_context *ctx, bool is_canary, struct fx_guard *guard,
                       struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_sides sides;
    if (!fx_sides_open(ctx, is_canary, INSTALL_STATEMENT_MS, &arena, &sides, err))
        return false;
    struct fx_side *old_side = is_canary ? &sides.old_side : fx_guard_side(guard, 0);
    struct fx_side *new_side = is_canary ? &sides.new_side : fx_guard_side(guard, 1);
    bool ok = fx_fence_of(&sides.old_side)->remove(&sides.old_side, err) &&
              fx_fence_of(&sides.new_side)->remove(&sides.new_side, err) &&
              delete_rows(old_side, sides.group, err) && delete_rows(new_side, sides.group, err);
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

/*
 * A side that is AWAY keeps its fence when the streams are dropped: without the fence both sides
 * would accept writes, and nothing would copy them. So only a group that the old side owns is
 * removed, and with it the row that says who held it.
 */
static bool drop_guarded(struct fx_context *ctx, struct fx_guard *guard, struct fx_err *err)
{
    return drop_group(ctx, true, guard, err) &&
           (!fx_guard_old_owns(guard) ||
            (drop_group(ctx, false, guard, err) && fx_guard_forget(guard, err)));
}

bool fx_own_drop(struct fx_context *ctx, struct fx_err *err)
{
    struct fx_guard *guard = NULL;
    bool has_old = false, has_new = false;
    if (!has_own(ctx->old_db, ctx->name, &has_old, err) ||
        !has_own(ctx->new_db, ctx->name, &has_new, err) ||
        !fx_guard_begin(ctx, FX_GUARD_END, &guard, err))
        return false;
    if (!has_old || !has_new) { /* nothing there, or a drop was interrupted between the two */
        bool ok = fx_guard_forget(guard, err);
        fx_guard_end(guard);
        return ok && (!(has_old || has_new) ||
                      drop_objects(has_old ? ctx->old_db : ctx->new_db, ctx->name, err));
    }
    bool ok = drop_guarded(ctx, guard, err);
    fx_guard_end(guard);
    return ok && drop_objects(ctx->old_db, ctx->name, err) &&
           drop_objects(ctx->new_db, ctx->name, err);
}
