/* SPDX-License-Identifier: Apache-2.0 */
/* From a context to the two sides of one of its groups, and the installing and dropping of ownership. */
#include "plans/ownership/sides.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

const char *pln_canary_group(const struct fx_context *ctx, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s.canary", ctx->name);
}

bool pln_sides_supported(const struct fx_context *ctx, struct fx_err *err)
{
    if (ctx->old_db->engine == FX_PG && ctx->new_db->engine == FX_MY)
        return true;
    fx_fail(
        err, FX_E_UNSUPPORTED,
        "context \"%s\" does not go from PostgreSQL to MariaDB, the only pair whose cut-over is "
        "built and tested",
        ctx->name);
    return fx_hint(err, "Databases \"%s\" and \"%s\" would need another release.",
                   ctx->old_db->name, ctx->new_db->name);
}

/* --- tables ------------------------------------------------------------------------------------ */

static const struct fx_column *column_at(const struct fx_table *table, int index)
{
    return index >= 0 && (size_t)index < table->n_columns ? &table->columns[index] : NULL;
}

static struct pln_identity *identity_of(const struct fx_column *column, struct fx_arena *arena)
{
    struct pln_identity *identity = FX_ARENA_NEW(arena, struct pln_identity);
    identity->column = fx_arena_strdup(arena, column->name);
    identity->sequence = fx_arena_strdup(arena, column->sequence);
    return identity;
}

/*
 * The pair of columns of which either side takes numbers from a counter. A counter on one side only
 * still matters: it must be raised above what the other side stored.
 */
static void find_identity(const struct fx_map_table *map, struct fx_arena *arena,
                          struct pln_side_table *old_table, struct pln_side_table *new_table)
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

static void tables_of(const struct fx_context *ctx, struct fx_arena *arena, struct pln_sides *sides)
{
    size_t n = ctx->n_tables;
    sides->old_side.tables = fx_arena_array(arena, n, sizeof(struct pln_side_table));
    sides->new_side.tables = fx_arena_array(arena, n, sizeof(struct pln_side_table));
    sides->old_side.n_tables = sides->new_side.n_tables = n;
    for (size_t t = 0; t < n; t++) {
        const struct fx_map_table *map = &ctx->tables[t];
        sides->old_side.tables[t] =
            (struct pln_side_table){.schema = map->old_schema, .name = map->old_name};
        sides->new_side.tables[t] =
            (struct pln_side_table){.schema = map->new_schema, .name = map->new_name};
        find_identity(map, arena, &sides->old_side.tables[t], &sides->new_side.tables[t]);
    }
}

static void canary_tables(struct fx_arena *arena, struct pln_sides *sides)
{
    for (int i = 0; i < 2; i++) {
        struct pln_side *side = i == 0 ? &sides->old_side : &sides->new_side;
        side->tables = FX_ARENA_NEW(arena, struct pln_side_table);
        side->n_tables = 1;
        side->tables[0] = (struct pln_side_table){.schema = "ficus", .name = "canary"};
        side->tables[0].identity = FX_ARENA_NEW(arena, struct pln_identity);
        side->tables[0].identity->column = "id";
        side->tables[0].identity->sequence = i == 0 ? "ficus.canary_id_seq" : NULL;
    }
}

/* Nothing has begun: here it matters to whoever reads the exit status which of the two is away. */
static bool open_both(struct pln_sides *sides, int64_t statement_ms, struct fx_err *err)
{
    if (!pln_side_open(&sides->old_side, statement_ms, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!pln_side_open(&sides->new_side, statement_ms, err)) {
        fx_err_as_target(err);
        return false;
    }
    return true;
}

bool pln_sides_open(const struct fx_context *ctx, bool is_canary, int64_t statement_ms,
                    struct fx_arena *arena, struct pln_sides *ret, struct fx_err *err)
{
    *ret = (struct pln_sides){.ctx = *ctx, .is_canary = is_canary};
    ret->group = is_canary ? pln_canary_group(ctx, arena) : ctx->name;
    ret->old_side = (struct pln_side){.conf = ctx->old_db, .group = ret->group};
    ret->new_side = (struct pln_side){.conf = ctx->new_db, .group = ret->group};
    if (!pln_sides_supported(ctx, err))
        return false;
    ret->ctx.tables = fx_arena_array(arena, ctx->n_tables, sizeof *ctx->tables);
    memcpy(ret->ctx.tables, ctx->tables, ctx->n_tables * sizeof *ctx->tables);
    bool ok =
        open_both(ret, 0, err) &&
        (is_canary || fx_map_bind(&ret->ctx, ret->old_side.db, ret->new_side.db, arena, err)) &&
        open_both(ret, statement_ms, err);
    if (!ok) {
        pln_sides_done(ret);
        return fx_ctx(err, "opening both sides of group \"%s\"", ret->group);
    }
    if (is_canary)
        canary_tables(arena, ret);
    else
        tables_of(&ret->ctx, arena, ret);
    return true;
}

void pln_sides_done(struct pln_sides *sides)
{
    pln_side_close(&sides->old_side);
    pln_side_close(&sides->new_side);
}

/* --- install ----------------------------------------------------------------------------------- */

enum { INSTALL_STATEMENT_MS = 10000, INSTALL_LOCK_MS = 800, INSTALL_ATTEMPTS = 25, RETRY_MS = 200 };

/* DDL beside live customers: short waits, repeated, so that nobody queues behind us for long. */
static bool arm_patiently(struct pln_side *side, int64_t epoch, struct fx_err *err)
{
    const struct pln_fence_ops *ops = pln_fence_of(fx_db_engine(side->db));
    for (int attempt = 1;; attempt++) {
        if (ops->arm(side, epoch, INSTALL_LOCK_MS, err))
            return true;
        if (err->code != FX_E_DB_CONFLICT || attempt >= INSTALL_ATTEMPTS)
            return false;
        fx_sleep_ms(RETRY_MS);
    }
}

/* Triggers are made at once only where they must already refuse; the others come with the cut-over. */
static bool install_side(struct pln_side *side, enum pln_own_state state, int64_t epoch,
                         struct fx_err *err)
{
    struct pln_own own = {0};
    if (!pln_own_insert(side, state, epoch, err) || !pln_own_row(side, false, &own, err))
        return false;
    return own.state != PLN_AWAY || fx_db_engine(side->db) == FX_PG ||
           arm_patiently(side, own.epoch, err);
}

static bool install_group(struct fx_context *ctx, bool is_canary, int64_t epoch, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_sides sides;
    if (!pln_sides_open(ctx, is_canary, INSTALL_STATEMENT_MS, &arena, &sides, err))
        return false;
    bool ok = install_side(&sides.new_side, PLN_AWAY, epoch, err) &&
              install_side(&sides.old_side, PLN_HERE, epoch, err);
    pln_sides_done(&sides);
    return ok || fx_ctx(err, "installing ownership of group \"%s\"", sides.group);
}

bool pln_own_install(struct fx_context *ctx, int64_t epoch, struct fx_err *err)
{
    struct pln_side sides[2] = {{.conf = ctx->old_db, .group = ctx->name},
                                {.conf = ctx->new_db, .group = ctx->name}};
    bool ok = pln_sides_supported(ctx, err);
    for (size_t i = 0; i < 2 && ok; i++) {
        ok = pln_side_open(&sides[i], INSTALL_STATEMENT_MS, err) &&
             pln_fence_of(sides[i].conf->engine)->install(&sides[i], err);
        if (!ok)
            fx_ctx(err, "installing ownership on database \"%s\"", sides[i].conf->name);
        pln_side_close(&sides[i]);
    }
    return ok && install_group(ctx, false, epoch, err) && install_group(ctx, true, epoch, err);
}

/* --- drop -------------------------------------------------------------------------------------- */

static bool drop_side(struct pln_side *side, struct fx_err *err)
{
    fx_cell grp = fx_str_from(side->group);
    bool is_pg = fx_db_engine(side->db) == FX_PG;
    return pln_fence_of(fx_db_engine(side->db))->remove(side, err) &&
           fx_db_exec(side->db, "delete from ficus.own where grp = ?", &grp, 1, NULL, err) &&
           (is_pg ||
            (fx_db_exec(side->db, "delete from ficus.gate where grp = ?", &grp, 1, NULL, err) &&
             fx_db_exec(side->db, "delete from ficus.marker where grp = ?", &grp, 1, NULL, err)));
}

/* *ret: is there a table ficus.own? A drop that was interrupted, or never installed, has nothing to do. */
static bool has_own(const struct fx_db_conf *conf, bool *ret, struct fx_err *err)
{
    struct pln_side side = {.conf = conf};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!pln_side_open(&side, INSTALL_STATEMENT_MS, err))
        return false;
    bool ok = fx_db_query(side.db,
                          "select 1 from information_schema.tables "
                          "where table_schema = 'ficus' and table_name = 'own'",
                          NULL, 0, &rows, err);
    pln_side_close(&side);
    if (ok)
        *ret = rows.n_rows > 0;
    return ok;
}

/* No row is as good as HERE: nobody was ever refused. */
static bool state_of(struct pln_side *side, enum pln_own_state *ret, struct fx_err *err)
{
    struct pln_own own = {.state = PLN_HERE};
    if (!pln_own_row(side, true, &own, err) && err->code != FX_E_DRIFT)
        return false;
    *ret = own.state;
    return true;
}

/*
 * A side that is AWAY keeps its fence when the streams go: without it both would accept writes, and nobody would
 * carry them over. Only a group that never left its old side, or came back, is let go.
 */
static bool may_let_go(struct pln_sides *sides, bool *ret, struct fx_err *err)
{
    enum pln_own_state old_state, new_state;
    if (!state_of(&sides->old_side, &old_state, err) ||
        !state_of(&sides->new_side, &new_state, err))
        return false;
    if (old_state == PLN_FENCED || new_state == PLN_FENCED) {
        fx_fail(err, FX_E_DRIFT, "group \"%s\" is FENCED: a cut-over is going on", sides->group);
        return fx_hint(err, "Run ficus run resume first.");
    }
    *ret = old_state == PLN_HERE;
    return true;
}

static bool drop_group(struct fx_context *ctx, bool is_canary, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_sides sides;
    if (!pln_sides_open(ctx, is_canary, INSTALL_STATEMENT_MS, &arena, &sides, err))
        return false;
    bool is_let_go = is_canary; /* wherever a rehearsal died: its table is ours */
    bool ok = is_canary || may_let_go(&sides, &is_let_go, err);
    if (ok && is_let_go)
        ok = drop_side(&sides.old_side, err) && drop_side(&sides.new_side, err);
    pln_sides_done(&sides);
    return ok || fx_ctx(err, "dropping ownership of group \"%s\"", sides.group);
}

/* The last group takes the tables with it; what cdc keeps in the schema is cdc's to drop. */
static bool drop_objects(const struct fx_db_conf *conf, const char *group, struct fx_err *err)
{
    struct pln_side side = {.conf = conf, .group = group};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!pln_side_open(&side, INSTALL_STATEMENT_MS, err))
        return false;
    bool is_pg = conf->engine == FX_PG;
    bool ok = fx_db_query(side.db, "select grp from ficus.own limit 1", NULL, 0, &rows, err);
    if (ok && rows.n_rows == 0)
        ok = fx_db_exec(
            side.db,
            is_pg ? "drop function if exists ficus.fence(); "
                    "drop table if exists ficus.own"
                  : "drop table /* ficus */ if exists ficus.own, ficus.gate, ficus.marker",
            NULL, 0, NULL, err);
    pln_side_close(&side);
    return ok;
}

bool pln_own_drop(struct fx_context *ctx, struct fx_err *err)
{
    bool has_old = false, has_new = false;
    if (!has_own(ctx->old_db, &has_old, err) || !has_own(ctx->new_db, &has_new, err))
        return false;
    if (!has_old && !has_new)
        return true;
    if (!has_old || !has_new) /* interrupted between the two: what is left has no partner */
        return drop_objects(has_old ? ctx->old_db : ctx->new_db, ctx->name, err);
    return drop_group(ctx, true, err) && drop_group(ctx, false, err) &&
           drop_objects(ctx->old_db, ctx->name, err) && drop_objects(ctx->new_db, ctx->name, err);
}

bool pln_own_read(struct fx_context *ctx, struct pln_own *ret_old, struct pln_own *ret_new,
                  struct fx_err *err)
{
    struct pln_side sides[2] = {{.conf = ctx->old_db, .group = ctx->name},
                                {.conf = ctx->new_db, .group = ctx->name}};
    struct pln_own rows[2] = {0};
    bool ok = true;
    for (size_t i = 0; i < 2 && ok; i++) {
        ok = pln_side_open(&sides[i], INSTALL_STATEMENT_MS, err) &&
             pln_own_row(&sides[i], false, &rows[i], err);
        pln_side_close(&sides[i]);
        if (!ok)
            (i == 0 ? fx_err_as_source : fx_err_as_target)(err);
    }
    if (ok) {
        *ret_old = rows[0];
        *ret_new = rows[1];
    }
    return ok;
}
