/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both streams need on both sides, made and removed. Everything is idempotent: a resumed plan
 * runs it again. What an engine needs it makes itself; here are the rows of Ficus's own tables,
 * which every engine has.
 *
 * The reverse stream's start that is recorded here is a place holder: the copy moves it past the
 * moment at which it finds the new side's tables empty (snapshotter.c), and the reverse stream
 * waits for that.
 */
#include <string.h>

#include "cdc/cdc.h"
#include "cdc/engine.h"
#include "cdc/names.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/schema.h"
#include "lib/ownership/sides.h"

enum { STOP_WAIT_MS = 10000 };

/* --- install ---------------------------------------------------------------------------------- */

/* The row of the stream that applies here; one that exists stays. */
static bool record_start(const struct cdc_side *side, const char *position, const char *phase,
                         struct fx_arena *arena, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    const struct cdc_engine_target *target = &side->engine->target;
    fx_cell params[] = {fx_str_from(cdc_name_stream(side->ctx->name, side->in, arena)),
                        fx_str_from(position), fx_str_from(phase)};
    fx_buf_printf(&sql, "insert%sinto ficus.progress (stream, position, phase) values (?, ?, ?)%s",
                  target->insert_if_missing, target->insert_if_missing_end);
    return fx_db_exec(side->db, fx_buf_cstr(&sql), params, FX_ARRAY_LEN(params), NULL, err) ||
           cdc_side_err(side, err);
}

static bool grant(const struct cdc_side *side, struct fx_err *err)
{
    struct fx_db *applier = NULL;
    if (side->conf->applier == NULL)
        return true;
    bool is_ok =
        fx_db_open(side->conf->applier, &applier, err) && side->engine->grant(side, applier, err);
    fx_db_close(applier);
    return is_ok || fx_ctx(err, "giving apply_user \"%s\" of database \"%s\" its rights",
                           side->conf->applier->user, side->conf->name);
}

static bool install_side(const struct cdc_side *side, struct fx_err *err)
{
    return (side->engine->install(side, err) && grant(side, err)) || cdc_side_err(side, err);
}

static bool prepare_side(const struct cdc_side *side, struct fx_err *err)
{
    return fx_schema_prepare(side->db, side->conf, err) || cdc_side_err(side, err);
}

static bool record_starts(const struct cdc_sides *sides, struct fx_arena *arena, struct fx_err *err)
{
    FX_AUTO(fx_pos) struct fx_pos now = {0};
    if (!fx_db_pos_now(sides->new_side.db, &now, err)) {
        (void)cdc_side_err(&sides->new_side, err);
        return fx_ctx(err, "reading the position of database \"%s\"", sides->new_side.conf->name);
    }
    return record_start(&sides->old_side, fx_pos_text(&now), "stream", arena, err) &&
           record_start(&sides->new_side, "", "new", arena, err);
}

bool cdc_install(struct fx_context *ctx, struct fx_err *err)
{
    struct cdc_sides sides;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (!cdc_sides_open(ctx, &sides, err))
        return false;
    bool is_ok = prepare_side(&sides.old_side, err) && prepare_side(&sides.new_side, err) &&
                 fx_holder_claim(ctx, true, err) && install_side(&sides.old_side, err) &&
                 install_side(&sides.new_side, err) && record_starts(&sides, &arena, err);
    size_t n_renewed = 0; /* the applier may have moved to another host, which the fence knows */
    cdc_sides_close(&sides);
    is_ok = is_ok && fx_own_renew(ctx, true, &n_renewed, err);
    return is_ok || fx_ctx(err, "installing the streams of context \"%s\"", ctx->name);
}

static bool grant_side(const struct cdc_side *side, struct fx_err *err)
{
    return (fx_schema_guard(side->db, err) && grant(side, err)) || cdc_side_err(side, err);
}

bool cdc_grant(const struct fx_context *ctx, struct fx_err *err)
{
    struct cdc_sides sides;
    if (ctx->old_db->applier == NULL && ctx->new_db->applier == NULL)
        return true;
    if (!cdc_sides_open(ctx, &sides, err))
        return false;
    bool is_ok = grant_side(&sides.old_side, err) && grant_side(&sides.new_side, err);
    cdc_sides_close(&sides);
    return is_ok;
}

/* --- drop ------------------------------------------------------------------------------------- */

static bool fail_canary(const struct cdc_side *side, struct fx_err *err)
{
    (void)fx_hint(
        err,
        "A rehearsal left rows in ficus.canary, which only apply_user may delete. If that "
        "user is gone, create it again (docs/guide/database-rights.md), or take apply_user "
        "and apply_password out of databases.%s for this command: ficus cdc drop --context "
        "%s --execute --confirm=%s   Nothing was dropped.",
        side->conf->name, side->ctx->name, side->ctx->name);
    return fx_ctx(err, "deleting the rows of a rehearsal in database \"%s\"", side->conf->name);
}

/* A rehearsal that died may have left its canary fenced, or away: only then the applier is needed,
 * whose account may be gone by now. */
static bool delete_canary(const struct cdc_side *side, struct fx_arena *arena, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    struct fx_db *db = side->db;
    fx_cell groups[] = {fx_str_from(side->ctx->name),
                        fx_str_from(cdc_name_canary_group(side->ctx->name, arena))};
    if (!fx_db_query(db, "select 1 from ficus.canary where grp in (?, ?) limit 1", groups, 2, &rows,
                     err)) {
        bool is_gone = fx_db_is_no_table(err);
        if (is_gone)
            fx_err_clear(err);
        return is_gone;
    }
    if (rows.n_rows == 0)
        return true;
    if (side->conf->applier != NULL && !fx_db_open(side->conf->applier, &db, err))
        return fail_canary(side, err);
    bool is_ok =
        fx_db_exec(db, side->engine->target.pass_fence, NULL, 0, NULL, err) &&
        fx_db_exec(db, "delete from ficus.canary where grp in (?, ?)", groups, 2, NULL, err);
    if (db != side->db)
        fx_db_close(db);
    return is_ok || fail_canary(side, err);
}

static bool delete_rows(const struct cdc_side *side, struct fx_arena *arena, struct fx_err *err)
{
    const char *context = side->ctx->name;
    fx_cell stream = fx_str_from(cdc_name_stream(context, side->in, arena));
    fx_cell groups[] = {fx_str_from(context), fx_str_from(cdc_name_canary_group(context, arena))};
    if (fx_db_exec(side->db, "delete from ficus.progress where stream = ?", &stream, 1, NULL,
                   err) &&
        fx_db_exec(side->db, "delete from ficus.leak where stream = ?", &stream, 1, NULL, err) &&
        fx_db_exec(side->db, "delete from ficus.barrier where grp in (?, ?)", groups, 2, NULL,
                   err) &&
        fx_db_exec(side->db, "delete from ficus.dead where stream = ?", &stream, 1, NULL, err))
        return true;
    bool is_gone = fx_db_is_no_table(err);
    if (is_gone)
        fx_err_clear(err);
    return is_gone;
}

static bool drop_side(const struct cdc_side *side, struct fx_arena *arena, struct fx_err *err)
{
    return (side->engine->uninstall(side, err) && delete_rows(side, arena, err)) ||
           cdc_side_err(side, err);
}

/* First, because it needs most: what fails here has dropped nothing. */
static bool drop_canaries(const struct cdc_sides *sides, struct fx_arena *arena, struct fx_err *err)
{
    return (delete_canary(&sides->old_side, arena, err) || cdc_side_err(&sides->old_side, err)) &&
           (delete_canary(&sides->new_side, arena, err) || cdc_side_err(&sides->new_side, err));
}

/* Between the drops of a slot and of positions no transaction reaches: the guard stands for it. */
static bool drop_guarded(const struct cdc_sides *sides, struct fx_guard *guard, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    return drop_canaries(sides, &arena, err) && drop_side(&sides->old_side, &arena, err) &&
           drop_side(&sides->new_side, &arena, err) && fx_guard_check(guard, err) &&
           (fx_guard_has_ownership(guard) || fx_guard_forget(guard, err));
}

bool cdc_drop(struct fx_context *ctx, const struct cdc_ref *ref, bool is_end, struct fx_err *err)
{
    struct fx_guard *guard = NULL;
    struct cdc_sides sides;
    struct cdc_ref one = *ref;
    if (!fx_guard_begin(ctx, is_end ? FX_GUARD_END : FX_GUARD_UNDO, &guard, err))
        return false;
    fx_guard_end(guard); /* before the streams stop: what is refused stops nothing */
    guard = NULL;
    for (int dir = FX_FORWARD; dir <= FX_REVERSE; dir++) {
        one.direction = (enum fx_direction)dir;
        if (!cdc_stop(&one, STOP_WAIT_MS, err))
            return false;
    }
    if (!cdc_sides_open(ctx, &sides, err))
        return false;
    bool is_ok = fx_guard_begin(ctx, is_end ? FX_GUARD_END : FX_GUARD_UNDO, &guard, err) &&
                 drop_guarded(&sides, guard, err);
    fx_guard_end(guard);
    cdc_sides_close(&sides);
    is_ok = is_ok && cdc_context_forget(ref, err);
    return is_ok || fx_ctx(err, "dropping the streams of context \"%s\"", ctx->name);
}
