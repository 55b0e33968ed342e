/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See own_query.h. Epochs only rise, so two equal reads around a position mean: valid at that
 * position.
 */
#include "cdc/stream/own_query.h"

#include <stdio.h>

#include "lib/ownership/fence.h"
#include "lib/ownership/schema.h"

enum { ATTEMPTS = 20 };

/* *ret_installed false: no table ficus.own. */
static bool read_owns(struct fx_db *db, const struct cdc_binding *binding, struct cdc_own owns[2],
                      bool *ret_installed, struct fx_err *err)
{
    const char *groups[2] = {binding->ctx.name, binding->canary_group};
    *ret_installed = true;
    for (size_t i = 0; i < 2; i++) {
        struct fx_own_look look;
        if (!fx_own_look(db, groups[i], &look, err) ||
            (look.presence == FX_OWN_DENIED && !fx_own_require(&look, db->conf, groups[i], err)))
            return false;
        *ret_installed = *ret_installed && look.presence != FX_OWN_NO_TABLE;
        owns[i] = (struct cdc_own){.state = look.own.state, .epoch = look.own.epoch};
        (void)snprintf(owns[i].group, sizeof owns[i].group, "%s", groups[i]);
    }
    return true;
}

static bool is_same(const struct cdc_own a[2], const struct cdc_own b[2])
{
    for (size_t i = 0; i < 2; i++)
        if (a[i].state != b[i].state || a[i].epoch != b[i].epoch)
            return false;
    return true;
}

static bool read_settled(struct fx_db *db, const struct cdc_binding *binding,
                         struct cdc_own_read *ret, struct fx_err *err)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        struct cdc_own before[2];
        bool is_installed = false;
        if (!read_owns(db, binding, before, &is_installed, err))
            return false;
        if (!is_installed)
            return fx_db_pos_now(db, &ret->pos, err);
        if (!fx_db_pos_now(db, &ret->pos, err) ||
            !read_owns(db, binding, ret->owns, &is_installed, err))
            return false;
        if (is_same(before, ret->owns)) {
            ret->is_waiting = true;
            return true;
        }
    }
    return true; /* it changes faster than it can be read: the stream shows it */
}

void cdc_own_read_done(struct cdc_own_read *read)
{
    fx_pos_done(&read->pos);
    *read = (struct cdc_own_read){.is_waiting = false};
}

bool cdc_own_query(const struct cdc_binding *binding, struct cdc_own_read *ret, struct fx_err *err)
{
    struct fx_db *db = NULL;
    cdc_own_read_done(ret);
    if (!fx_db_open(binding->source, &db, err)) {
        fx_err_as_source(err);
        return false;
    }
    bool is_ok = fx_schema_guard(db, err) && read_settled(db, binding, ret, err);
    fx_db_close(db);
    if (!is_ok)
        fx_err_as_source(err);
    return is_ok || fx_ctx(err, "reading ficus.own");
}

/* --- the fence -------------------------------------------------------------------------------- */

enum { FENCE_LOOK_MS = 1000 };

/* The tables of the binding without the canary, which is another group's. */
static void add_tables(const struct cdc_binding *binding, struct fx_arena *arena,
                       struct fx_side *side)
{
    side->tables = fx_arena_array(arena, binding->ctx.n_tables, sizeof *side->tables);
    for (size_t t = 0; t < binding->ctx.n_tables; t++) {
        const struct fx_table *table = cdc_source_table(binding, t);
        if (!cdc_binding_is_canary(binding, t))
            side->tables[side->n_tables++] =
                (struct fx_side_table){.schema = table->schema, .name = table->name};
    }
}

bool cdc_own_look_fence(const struct cdc_binding *binding, struct fx_findings *f,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_side side = {.conf = binding->source, .group = binding->ctx.name};
    fx_arena_init(&arena, 0);
    add_tables(binding, &arena, &side);
    bool is_ok =
        fx_side_open(&side, FENCE_LOOK_MS, err) && fx_fence_of(&side)->refuses(&side, f, err);
    fx_side_close(&side);
    return is_ok || fx_ctx(err, "looking at the fence triggers of stream \"%s\"", binding->stream);
}
