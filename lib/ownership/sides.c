/* SPDX-License-Identifier: Apache-2.0 */
/* From a context to the two sides of one of its groups. */
#include "lib/ownership/sides.h"

#include "lib/base/alloc.h"

const char *fx_sides_canary_group(const struct fx_context *ctx, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s.canary", ctx->name);
}

static bool fail_unsupported(const struct fx_context *ctx, bool is_new, struct fx_err *err)
{
    const struct fx_db_conf *conf = is_new ? ctx->new_db : ctx->old_db;
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(1024);
    fx_own_engine_names(is_new, &names);
    fx_fail(err, FX_E_UNSUPPORTED,
            "context \"%s\": this release has no tested cut-over with %s as the %s side", ctx->name,
            fx_own_engine_name(conf->engine), is_new ? "new" : "old");
    return fx_hint(
        err,
        "As the %s side this release takes: %s. Move database \"%s\" to one of these, or "
        "name another database in ficus.yaml.",
        is_new ? "new" : "old", fx_buf_cstr(&names), conf->name);
}

bool fx_sides_supported(const struct fx_context *ctx, struct fx_err *err)
{
    if (!fx_own_engine_may_be(ctx->old_db->engine, false))
        return fail_unsupported(ctx, false, err);
    return fx_own_engine_may_be(ctx->new_db->engine, true) || fail_unsupported(ctx, true, err);
}

/* --- tables ----------------------------------------------------------------------------------- */

static const struct fx_column *column_at(const struct fx_table *table, int index)
{
    return index >= 0 && (size_t)index < table->n_columns ? &table->columns[index] : NULL;
}

static struct fx_side_identity *identity_of(const struct fx_column *column, struct fx_arena *arena)
{
    struct fx_side_identity *identity = FX_ARENA_NEW(arena, struct fx_side_identity);
    identity->column = fx_arena_strdup(arena, column->name);
    identity->sequence = fx_arena_strdup(arena, column->sequence);
    return identity;
}

/*
 * The pair of columns of which either side takes numbers from a counter. A counter on one side only
 * still matters: it must be raised above what the other side stored.
 */
static void find_identity(const struct fx_map_table *map, struct fx_arena *arena,
                          struct fx_side_table *old_table, struct fx_side_table *new_table)
{
    for (size_t c = 0; c < map->n_columns; c++) {
        const struct fx_column *o = column_at(map->old_table, map->old_index[c]);
        const struct fx_column *n = column_at(map->new_table, map->new_index[c]);
        if (o == NULL || n == NULL || (!o->is_identity && !n->is_identity))
            continue;
        old_table->identity = identity_of(o, arena);
        new_table->identity = identity_of(n, arena);
        return;
    }
}

static void tables_of(const struct fx_context *ctx, struct fx_arena *arena, struct fx_sides *sides)
{
    size_t n = ctx->n_tables;
    sides->old_side.tables = fx_arena_array(arena, n, sizeof(struct fx_side_table));
    sides->new_side.tables = fx_arena_array(arena, n, sizeof(struct fx_side_table));
    sides->old_side.n_tables = sides->new_side.n_tables = n;
    for (size_t t = 0; t < n; t++) {
        const struct fx_map_table *map = &ctx->tables[t];
        sides->old_side.tables[t] =
            (struct fx_side_table){.schema = map->old_schema, .name = map->old_name};
        sides->new_side.tables[t] =
            (struct fx_side_table){.schema = map->new_schema, .name = map->new_name};
        find_identity(map, arena, &sides->old_side.tables[t], &sides->new_side.tables[t]);
    }
}

static void canary_table(struct fx_arena *arena, struct fx_side *side)
{
    side->tables = FX_ARENA_NEW(arena, struct fx_side_table);
    side->n_tables = 1;
    side->tables[0] = (struct fx_side_table){.schema = "ficus", .name = "canary"};
    side->tables[0].identity = FX_ARENA_NEW(arena, struct fx_side_identity);
    side->tables[0].identity->column = "id";
    side->tables[0].identity->sequence = side->engine->canary_sequence;
}

/* The exit status says which of the two databases could not be opened. */
static bool open_both(struct fx_sides *sides, int64_t statement_ms, struct fx_err *err)
{
    if (!fx_side_open(&sides->old_side, statement_ms, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!fx_side_open(&sides->new_side, statement_ms, err)) {
        fx_err_as_target(err);
        return false;
    }
    return true;
}

bool fx_sides_open(const struct fx_context *ctx, bool is_canary, int64_t statement_ms,
                   struct fx_arena *arena, struct fx_sides *ret, struct fx_err *err)
{
    *ret = (struct fx_sides){.ctx = *ctx, .is_canary = is_canary};
    ret->group = is_canary ? fx_sides_canary_group(ctx, arena) : ctx->name;
    ret->old_side = (struct fx_side){.conf = ctx->old_db, .group = ret->group, .ctx = &ret->ctx};
    ret->new_side = (struct fx_side){.conf = ctx->new_db, .group = ret->group, .ctx = &ret->ctx};
    if (!fx_sides_supported(ctx, err))
        return false;
    ret->ctx.tables = fx_arena_array(arena, ctx->n_tables, sizeof *ctx->tables);
    memcpy(ret->ctx.tables, ctx->tables, ctx->n_tables * sizeof *ctx->tables);
    bool ok =
        open_both(ret, 0, err) &&
        (is_canary || fx_map_bind(&ret->ctx, ret->old_side.db, ret->new_side.db, arena, err)) &&
        open_both(ret, statement_ms, err);
    if (!ok) {
        fx_sides_done(ret);
        return fx_ctx(err, "opening both sides of group \"%s\"", ret->group);
    }
    if (is_canary) {
        canary_table(arena, &ret->old_side);
        canary_table(arena, &ret->new_side);
    } else {
        tables_of(&ret->ctx, arena, ret);
    }
    return true;
}

/* --- reading both ----------------------------------------------------------------------------- */

enum { READ_STATEMENT_MS = 10000 };

static bool look_one(const struct fx_context *ctx, bool is_new, struct fx_own_look *ret,
                     struct fx_err *err)
{
    struct fx_side side = {.conf = is_new ? ctx->new_db : ctx->old_db, .group = ctx->name};
    bool ok =
        fx_side_open(&side, READ_STATEMENT_MS, err) && fx_own_look(side.db, side.group, ret, err);
    fx_side_close(&side);
    if (!ok)
        (is_new ? fx_err_as_target : fx_err_as_source)(err);
    return ok;
}

bool fx_own_look_both(const struct fx_context *ctx, struct fx_own_look *ret_old,
                      struct fx_own_look *ret_new, struct fx_err *err)
{
    return look_one(ctx, false, ret_old, err) && look_one(ctx, true, ret_new, err);
}

bool fx_own_require_both(const struct fx_context *ctx, const struct fx_own_look *old_look,
                         const struct fx_own_look *new_look, struct fx_err *err)
{
    if (!fx_own_require(old_look, ctx->old_db, ctx->name, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!fx_own_require(new_look, ctx->new_db, ctx->name, err)) {
        fx_err_as_target(err);
        return false;
    }
    return true;
}

bool fx_own_read(const struct fx_context *ctx, struct fx_own *ret_old, struct fx_own *ret_new,
                 struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    if (!fx_own_look_both(ctx, &old_look, &new_look, err) ||
        !fx_own_require_both(ctx, &old_look, &new_look, err))
        return fx_ctx(err, "reading who owns context \"%s\"", ctx->name);
    *ret_old = old_look.own;
    *ret_new = new_look.own;
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

void fx_sides_done(struct fx_sides *sides)
{
    fx_side_close(&sides->old_side);
    fx_side_close(&sides->new_side);
}
