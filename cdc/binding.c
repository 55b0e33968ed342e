/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a context of ficus.yaml to what one stream moves: both catalogs bound, the canary table
 * appended, and every derived name (stream, slot, origin) made in one place, so that two processes
 * cannot disagree.
 */
#include "cdc/change.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cdc/cdc.h"
#include "cdc/names.h"
#include "lib/io/file.h"
#include "lib/map/config_snapshot.h"

void cdc_stream_name(const struct cdc_ref *ref, char *out, size_t size)
{
    (void)snprintf(out, size, "%s-%s", ref->context, cdc_name_direction(ref->direction));
}

void cdc_txn_copy(struct cdc_txn *to, const struct cdc_txn *from)
{
    struct cdc_txn copy = *from;
    fx_pos_copy(&to->pos, &from->pos);
    copy.pos = to->pos;
    *to = copy;
}

void cdc_txn_done(struct cdc_txn *txn)
{
    fx_pos_done(&txn->pos);
}

/* What a stream carries and between which databases; upstreams and routes are nothing to it. */
static const char *const kept[] = {"old.database", "new.database", "tables", NULL};

bool cdc_context_keep(const char *path, const struct fx_context *ctx, struct fx_err *err)
{
    return fx_config_snapshot_write(path, ctx, kept, err);
}

bool cdc_context_check(const char *path, const struct fx_context *ctx, struct fx_err *err)
{
    if (fx_config_snapshot_check(path, ctx, kept, "its stream copied the tables", err))
        return true;
    if (err->code == FX_E_DRIFT)
        fx_hint(err,
                "Restore the context in ficus.yaml as it was (recorded in %s), or " FX_CMD_NEW_COPY
                ".",
                path);
    return false;
}

bool cdc_context_go_on(const char *path, const struct cdc_binding *binding, struct fx_err *err)
{
    bool is_first = binding->direction == FX_FORWARD && !fx_file_exists(path);
    return is_first ? cdc_context_keep(path, &binding->ctx, err)
                    : cdc_context_check(path, &binding->ctx, err);
}

const char *cdc_name_direction(enum fx_direction dir)
{
    return dir == FX_FORWARD ? "forward" : "reverse";
}

const char *cdc_name_stream(const char *context, enum fx_direction dir, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s-%s", context, cdc_name_direction(dir));
}

/* Slots may hold only lower-case letters, digits and '_'. */
static char *server_name(const char *context, struct fx_arena *arena)
{
    char *name = fx_arena_printf(arena, "ficus_%s", context);
    for (char *c = name; *c != '\0'; c++)
        *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
    return name;
}

const char *cdc_name_slot(const char *context, enum fx_direction dir, struct fx_arena *arena)
{
    const char *name = server_name(context, arena);
    return dir == FX_FORWARD ? name : fx_arena_printf(arena, "%s_reverse", name);
}

const char *cdc_name_origin(const char *context, enum fx_direction dir, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s_%s", server_name(context, arena), cdc_name_direction(dir));
}

const char *cdc_name_canary_group(const char *context, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s.canary", context);
}

const struct fx_table *cdc_source_table(const struct cdc_binding *binding, size_t table)
{
    const struct fx_map_table *map = &binding->ctx.tables[table];
    return binding->direction == FX_FORWARD ? map->old_table : map->new_table;
}

const struct fx_table *cdc_target_table(const struct cdc_binding *binding, size_t table)
{
    const struct fx_map_table *map = &binding->ctx.tables[table];
    return binding->direction == FX_FORWARD ? map->new_table : map->old_table;
}

ptrdiff_t cdc_binding_find(const struct cdc_binding *binding, struct fx_str schema,
                           struct fx_str name)
{
    for (size_t i = 0; i < binding->ctx.n_tables; i++) {
        const struct fx_table *table = cdc_source_table(binding, i);
        if (fx_str_eq_c(name, table->name) && fx_str_eq_c(schema, table->schema))
            return (ptrdiff_t)i;
    }
    return -1;
}

bool cdc_binding_is_canary(const struct cdc_binding *binding, size_t table)
{
    const struct fx_map_table *map = &binding->ctx.tables[table];
    return strcmp(map->old_schema, "ficus") == 0 && strcmp(map->old_name, "canary") == 0;
}

const char *cdc_row_group(const struct cdc_binding *binding, const struct cdc_row *row)
{
    if (!cdc_binding_is_canary(binding, row->table))
        return binding->ctx.name;
    const struct fx_value *values = row->new != NULL ? row->new : row->old;
    int grp = fx_table_column(cdc_source_table(binding, row->table), "grp");
    if (grp < 0 || values[grp].kind != FX_V_TEXT)
        return NULL;
    if (fx_str_eq_c(values[grp].s, binding->canary_group))
        return binding->canary_group;
    return fx_str_eq_c(values[grp].s, binding->ctx.name) ? binding->ctx.name : NULL;
}

static void describe(const struct cdc_binding *binding, const struct cdc_row *row,
                     void (*show)(const struct fx_value *, struct fx_buf *), struct fx_buf *out)
{
    const struct fx_table *source = cdc_source_table(binding, row->table);
    const struct fx_value *values = row->has_old != CDC_OLD_NONE ? row->old : row->new;
    fx_buf_printf(out, "table \"%s.%s\" key (", source->schema, source->name);
    for (size_t k = 0; k < source->n_key; k++)
        fx_buf_printf(out, "%s%s", k > 0 ? ", " : "", source->columns[source->key[k]].name);
    fx_buf_add_c(out, ")=(");
    for (size_t k = 0; k < source->n_key; k++) {
        if (k > 0)
            fx_buf_add_c(out, ", ");
        show(&values[source->key[k]], out);
    }
    fx_buf_add_char(out, ')');
}

void cdc_row_describe(const struct cdc_binding *binding, const struct cdc_row *row,
                      struct fx_buf *out)
{
    describe(binding, row, fx_value_show, out);
}

void cdc_row_describe_whole(const struct cdc_binding *binding, const struct cdc_row *row,
                            struct fx_buf *out)
{
    describe(binding, row, fx_value_show_whole, out);
}

/* Our own message, so its form is fixed up to spaces: {"barrier":"<group>","epoch":<digits>}. */
bool cdc_barrier_parse(struct fx_str text, struct cdc_barrier *ret_barrier)
{
    char copy[160];
    char group[64];
    long long epoch = 0;
    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (sscanf(copy, " { \"barrier\" : \"%63[^\"]\" , \"epoch\" : %lld }", group, &epoch) != 2)
        return false;
    memcpy(ret_barrier->group, group, sizeof group);
    ret_barrier->epoch = epoch;
    return true;
}

/* The context's tables plus the canary; a copy, because binding writes into the mappings. */
static void append_canary(const struct fx_context *ctx, struct fx_arena *arena,
                          struct fx_context *out)
{
    *out = *ctx;
    out->n_tables = ctx->n_tables + 1;
    out->tables = fx_arena_array(arena, out->n_tables, sizeof *out->tables);
    if (ctx->n_tables > 0)
        memcpy(out->tables, ctx->tables, ctx->n_tables * sizeof *out->tables);
    struct fx_map_table *canary = &out->tables[ctx->n_tables];
    canary->old_schema = canary->new_schema = "ficus";
    canary->old_name = canary->new_name = "canary";
}

/* Without `findings` with the canary table, and one error for all that is wrong. */
static bool bind(const struct fx_context *ctx, enum fx_direction direction,
                 struct fx_findings *findings, struct fx_db *old_db, struct fx_db *new_db,
                 struct fx_arena *arena, struct cdc_binding **ret_binding, struct fx_err *err)
{
    struct cdc_binding *binding = FX_ARENA_NEW(arena, struct cdc_binding);
    append_canary(ctx, arena, &binding->ctx);
    if (findings != NULL)
        binding->ctx.n_tables--;
    if (!(findings != NULL ? fx_map_find(&binding->ctx, old_db, new_db, arena, findings, err)
                           : fx_map_bind(&binding->ctx, old_db, new_db, arena, err)))
        return fx_ctx(err, "binding context \"%s\"", ctx->name);
    bool is_forward = direction == FX_FORWARD;
    binding->direction = direction;
    binding->source = is_forward ? ctx->old_db : ctx->new_db;
    binding->target = is_forward ? ctx->new_db : ctx->old_db;
    binding->stream = cdc_name_stream(ctx->name, direction, arena);
    enum fx_direction other = is_forward ? FX_REVERSE : FX_FORWARD;
    binding->other_stream = cdc_name_stream(ctx->name, other, arena);
    binding->slot = cdc_name_slot(ctx->name, direction, arena);
    binding->origin = cdc_name_origin(ctx->name, direction, arena);
    binding->other_origin = cdc_name_origin(ctx->name, other, arena);
    binding->canary_group = cdc_name_canary_group(ctx->name, arena);
    FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(1024);
    fx_buf_add_c(&where, "grp in (");
    fx_db_literal(binding->source->engine, fx_str_from(ctx->name), &where);
    fx_buf_add_c(&where, ", ");
    fx_db_literal(binding->source->engine, fx_str_from(binding->canary_group), &where);
    fx_buf_add_char(&where, ')');
    binding->canary_where = fx_arena_strdup(arena, fx_buf_cstr(&where));
    *ret_binding = binding;
    return true;
}

bool cdc_bind(const struct fx_context *ctx, enum fx_direction direction, struct fx_db *old_db,
              struct fx_db *new_db, struct fx_arena *arena, struct cdc_binding **ret_binding,
              struct fx_err *err)
{
    return bind(ctx, direction, NULL, old_db, new_db, arena, ret_binding, err);
}

bool cdc_bind_tables(const struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                     struct fx_arena *arena, struct fx_findings *f,
                     struct cdc_binding **ret_binding, struct fx_err *err)
{
    return bind(ctx, FX_FORWARD, f, old_db, new_db, arena, ret_binding, err);
}
