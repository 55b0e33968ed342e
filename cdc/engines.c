/* SPDX-License-Identifier: Apache-2.0 */
/* The table of engines, and the two databases of a context as their engines see them. */
#include "cdc/engine.h"

#include "lib/base/panic.h"
#include "lib/db/engine.h"
#include "lib/ownership/schema.h"

/* One row an engine. */
#define ENGINES(X)   \
    X(cdc_engine_pg) \
    X(cdc_engine_mysql)

#define X(engine) extern const struct cdc_engine engine;
ENGINES(X)
#undef X
#define X(engine) &engine,
static const struct cdc_engine *const engines[] = {ENGINES(X)};
#undef X

const struct cdc_engine *cdc_engine_of(const struct fx_db_conf *conf)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(engines); i++)
        if (engines[i]->id == conf->engine)
            return engines[i];
    FX_BUG("database \"%s\": no row for engine %d in cdc/engines.c", conf->name, (int)conf->engine);
}

struct cdc_sides cdc_sides_of(const struct fx_context *ctx)
{
    struct cdc_sides sides = {
        .old_side = {.ctx = ctx, .out = FX_FORWARD, .in = FX_REVERSE, .conf = ctx->old_db},
        .new_side = {.ctx = ctx, .out = FX_REVERSE, .in = FX_FORWARD, .conf = ctx->new_db},
    };
    sides.old_side.engine = cdc_engine_of(ctx->old_db);
    sides.new_side.engine = cdc_engine_of(ctx->new_db);
    return sides;
}

static bool open_side(struct cdc_side *side, struct fx_err *err)
{
    if (fx_db_open(side->conf, &side->db, err) && fx_schema_check(side->db, side->conf, err))
        return true;
    fx_db_close(side->db);
    side->db = NULL;
    (void)cdc_side_err(side, err);
    return fx_ctx(err, "opening database \"%s\"", side->conf->name);
}

bool cdc_sides_open(const struct fx_context *ctx, struct cdc_sides *ret, struct fx_err *err)
{
    *ret = cdc_sides_of(ctx);
    if (!fx_engine_pair_check(ctx->old_db, ctx->new_db, err))
        return fx_ctx(err, "context \"%s\"", ctx->name);
    if (!open_side(&ret->old_side, err))
        return false;
    if (!open_side(&ret->new_side, err)) {
        cdc_sides_close(ret);
        return false;
    }
    return true;
}

void cdc_sides_close(struct cdc_sides *sides)
{
    fx_db_close(sides->old_side.db);
    fx_db_close(sides->new_side.db);
    sides->old_side.db = sides->new_side.db = NULL;
}

const char *cdc_side_schema(const struct cdc_side *side, size_t table)
{
    const struct fx_map_table *map = &side->ctx->tables[table];
    return side->out == FX_FORWARD ? map->old_schema : map->new_schema;
}

const char *cdc_side_table(const struct cdc_side *side, size_t table)
{
    const struct fx_map_table *map = &side->ctx->tables[table];
    return side->out == FX_FORWARD ? map->old_name : map->new_name;
}

bool cdc_side_err(const struct cdc_side *side, struct fx_err *err)
{
    if (side->out == FX_FORWARD)
        fx_err_as_source(err);
    else
        fx_err_as_target(err);
    return false;
}
