/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binds the mappings of a context to the catalogs of both servers, and maps rows.
 *
 * Binding refuses whatever would lose something on the way there or back: a column without a
 * counterpart, kinds that do not hold each other, NULL where the other side says NOT NULL, another
 * key. Whether single values fit is a matter of values (fx_value_check), which the preflight scans
 * and the applier checks again.
 */
#include "lib/base/hash.h"
#include "lib/base/panic.h"
#include "lib/base/vec.h"
#include "lib/map/expr.h"
#include "lib/map/type_check.h"
#include "lib/map/map.h"

struct binder {
    struct fx_map_table *map;
    struct fx_arena *arena;
    struct fx_problems *problems;
};

/* Which kinds may be mapped to each other: those of one family, value by value. */
enum family {
    FAM_NONE,
    FAM_NUMBER,
    FAM_BOOL,
    FAM_DOUBLE,
    FAM_TEXT,
    FAM_BYTES,
    FAM_DATE,
    FAM_INSTANT,
    FAM_UUID,
    FAM_JSON
};

static enum family family_of(enum fx_vkind kind)
{
    switch (kind) {
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: return FAM_NONE;
    case FX_V_BOOL: return FAM_BOOL;
    case FX_V_INT:
    case FX_V_DECIMAL: return FAM_NUMBER;
    case FX_V_DOUBLE: return FAM_DOUBLE;
    case FX_V_TEXT: return FAM_TEXT;
    case FX_V_BYTES: return FAM_BYTES;
    case FX_V_DATE: return FAM_DATE;
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return FAM_INSTANT;
    case FX_V_UUID: return FAM_UUID;
    case FX_V_JSON: return FAM_JSON;
    }
    return FAM_NONE;
}

static bool holds_uuid(const struct fx_type *type)
{
    return type->kind == FX_V_UUID || (type->kind == FX_V_TEXT && type->length_max >= 36) ||
           (type->kind == FX_V_BYTES && type->length_max == 16);
}

static bool is_compatible(const struct fx_type *a, const struct fx_type *b)
{
    enum family fa = family_of(a->kind), fb = family_of(b->kind);
    if (fa == FAM_NONE || fb == FAM_NONE)
        return false;
    if (fa == FAM_UUID || fb == FAM_UUID)
        return holds_uuid(a) && holds_uuid(b);
    return fa == fb;
}

static const char *declared(const struct fx_column *column)
{
    return column->type.declared != NULL ? column->type.declared : "?";
}

/* What the declarations prove: values that one side may hold and the other cannot. */
static void check_room(struct binder *b, const struct fx_map_column *pair,
                       const struct fx_column *old, const struct fx_column *new_column)
{
    const struct fx_node *at = pair->node != NULL ? pair->node : b->map->node;
    const char *why;
    if (!fx_type_check(&old->type, pair->forward, &new_column->type, FX_FORWARD, b->arena, &why))
        fx_problem(b->problems, at,
                   "column \"%s\" (%s) of new table \"%s.%s\" cannot hold every value of old "
                   "column \"%s\" (%s): %s",
                   new_column->name, declared(new_column), b->map->new_schema, b->map->new_name,
                   old->name, declared(old), why);
    if (!fx_type_check(&new_column->type, pair->back, &old->type, FX_REVERSE, b->arena, &why))
        fx_problem(b->problems, at,
                   "column \"%s\" (%s) of old table \"%s.%s\" cannot hold every value of new "
                   "column \"%s\" (%s), which the reverse stream writes to it: %s",
                   old->name, declared(old), b->map->old_schema, b->map->old_name, new_column->name,
                   declared(new_column), why);
}

static void check_pair(struct binder *b, const struct fx_map_column *pair,
                       const struct fx_column *old, const struct fx_column *new_column)
{
    const struct fx_node *at = pair->node != NULL ? pair->node : b->map->node;
    if (old->type.kind == FX_V_NULL)
        fx_problem(b->problems, at,
                   "column \"%s\" of old table \"%s.%s\": type %s is not supported by this release",
                   old->name, b->map->old_schema, b->map->old_name, declared(old));
    else if (new_column->type.kind == FX_V_NULL)
        fx_problem(b->problems, at,
                   "column \"%s\" of new table \"%s.%s\": type %s is not supported by this release",
                   new_column->name, b->map->new_schema, b->map->new_name, declared(new_column));
    else if (pair->forward != NULL && (family_of(old->type.kind) != FAM_NUMBER ||
                                       family_of(new_column->type.kind) != FAM_NUMBER))
        fx_problem(b->problems, at,
                   "columns \"%s\" (%s) and \"%s\" (%s) of table \"%s.%s\": an expression needs an "
                   "integer or decimal column on both sides",
                   old->name, declared(old), new_column->name, declared(new_column),
                   b->map->old_schema, b->map->old_name);
    else if (pair->forward == NULL && !is_compatible(&old->type, &new_column->type))
        fx_problem(b->problems, at,
                   "columns \"%s\" (%s) of old table \"%s.%s\" and \"%s\" (%s) of the new table "
                   "cannot hold each other's values",
                   old->name, declared(old), b->map->old_schema, b->map->old_name, new_column->name,
                   declared(new_column));
    else
        check_room(b, pair, old, new_column);
    if (old->is_nullable != new_column->is_nullable)
        fx_problem(b->problems, at,
                   "column \"%s\" of table \"%s.%s\" is %s on the old side and %s on the new side: "
                   "a NULL could not be copied to the %s side",
                   old->name, b->map->old_schema, b->map->old_name,
                   old->is_nullable ? "nullable" : "NOT NULL",
                   new_column->is_nullable ? "nullable" : "NOT NULL",
                   old->is_nullable ? "new" : "old");
    if (old->is_generated != new_column->is_generated)
        fx_problem(b->problems, at,
                   "column \"%s\" of table \"%s.%s\" is generated on one side only", old->name,
                   b->map->old_schema, b->map->old_name);
}

static const struct fx_map_column *find_rename(const struct fx_map_table *map, const char *old_name)
{
    for (size_t i = 0; i < map->n_renames; i++)
        if (strcmp(map->renames[i].old_name, old_name) == 0)
            return &map->renames[i];
    return NULL;
}

static void bind_columns(struct binder *b)
{
    struct fx_map_table *map = b->map;
    size_t n = map->old_table->n_columns;
    map->columns = fx_arena_array(b->arena, n, sizeof *map->columns);
    map->old_index = fx_arena_array(b->arena, n, sizeof *map->old_index);
    map->new_index = fx_arena_array(b->arena, n, sizeof *map->new_index);
    map->n_columns = 0;
    for (size_t i = 0; i < n; i++) {
        const struct fx_column *old = &map->old_table->columns[i];
        const struct fx_map_column *rename = find_rename(map, old->name);
        struct fx_map_column pair =
            rename != NULL ? *rename
                           : (struct fx_map_column){.old_name = old->name, .new_name = old->name};
        int at = fx_table_column(map->new_table, pair.new_name);
        if (at < 0 && old->is_generated && rename == NULL)
            continue; /* computed here only: there is nothing to carry and nothing to lose */
        if (at < 0) {
            fx_problem(
                b->problems, rename != NULL ? rename->node : map->node,
                "new table \"%s.%s\" has no column \"%s\" for column \"%s\" of old table \"%s.%s\"",
                map->new_schema, map->new_name, pair.new_name, old->name, map->old_schema,
                map->old_name);
            continue;
        }
        check_pair(b, &pair, old, &map->new_table->columns[at]);
        map->columns[map->n_columns] = pair;
        map->old_index[map->n_columns] = (int)i;
        map->new_index[map->n_columns++] = at;
    }
}

static void check_renames(struct binder *b)
{
    const struct fx_map_table *map = b->map;
    for (size_t i = 0; i < map->n_renames; i++)
        if (fx_table_column(map->old_table, map->renames[i].old_name) < 0)
            fx_problem_key(b->problems, map->renames[i].node,
                           "old table \"%s.%s\" has no column \"%s\"", map->old_schema,
                           map->old_name, map->renames[i].old_name);
}

/* Each new column is the counterpart of exactly one old column. */
static void check_new_columns(struct binder *b)
{
    const struct fx_map_table *map = b->map;
    for (size_t i = 0; i < map->new_table->n_columns; i++) {
        const struct fx_column *column = &map->new_table->columns[i];
        size_t used = 0;
        for (size_t j = 0; j < map->n_columns; j++)
            used += map->new_index[j] == (int)i;
        if (used == 0 && !column->is_generated)
            fx_problem(b->problems, map->node,
                       "column \"%s\" of new table \"%s.%s\" has no old column: its values would "
                       "be lost in a fall-back",
                       column->name, map->new_schema, map->new_name);
        if (used > 1)
            fx_problem(b->problems, map->node,
                       "two old columns are mapped to column \"%s\" of new table \"%s.%s\"",
                       column->name, map->new_schema, map->new_name);
    }
}

static void check_keys(struct binder *b)
{
    const struct fx_map_table *map = b->map;
    const struct fx_table *old = map->old_table, *new_table = map->new_table;
    if (old->n_key == 0 || new_table->n_key == 0) {
        const struct fx_table *bare = old->n_key == 0 ? old : new_table;
        fx_problem(b->problems, map->node,
                   "table \"%s.%s\" has no primary key, so its rows cannot be told apart: add one, "
                   "or remove the table from the context",
                   bare->schema, bare->name);
        return;
    }
    for (size_t k = 0; k < old->n_key; k++) {
        const struct fx_column *column = &old->columns[old->key[k]];
        if (column->is_generated) /* pgoutput does not send it */
            fx_problem(b->problems, map->node,
                       "the primary key of old table \"%s.%s\" contains the generated column "
                       "\"%s\", which a stream cannot read",
                       old->schema, old->name, column->name);
    }
    bool is_same = old->n_key == new_table->n_key;
    for (size_t k = 0; is_same && k < old->n_key; k++) {
        bool is_paired = false;
        for (size_t j = 0; j < map->n_columns; j++)
            is_paired |= map->old_index[j] == old->key[k] &&
                         map->new_index[j] == new_table->key[k] && map->columns[j].forward == NULL;
        is_same = is_paired;
    }
    if (!is_same)
        fx_problem(b->problems, map->node,
                   "the primary keys of \"%s.%s\" and \"%s.%s\" are not the same columns, without "
                   "an expression, in the same order",
                   old->schema, old->name, new_table->schema, new_table->name);
}

static const char *bound_digest(const struct fx_map_table *map, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    fx_buf_printf(&text, "%s.%s>%s.%s;", map->old_schema, map->old_name, map->new_schema,
                  map->new_name);
    for (size_t i = 0; i < map->n_columns; i++) {
        const struct fx_map_column *pair = &map->columns[i];
        fx_buf_printf(&text, "%s(%s)>%s(%s)[%s][%s];", pair->old_name,
                      declared(&map->old_table->columns[map->old_index[i]]), pair->new_name,
                      declared(&map->new_table->columns[map->new_index[i]]),
                      pair->forward != NULL ? fx_expr_text(pair->forward) : "",
                      pair->back != NULL ? fx_expr_text(pair->back) : "");
    }
    char *digest = fx_arena_alloc(arena, FX_HASH_HEX);
    fx_hash128_hex(fx_buf_str(&text), digest);
    return digest;
}

static bool bind_table(struct binder *b, struct fx_db *old_db, struct fx_db *new_db,
                       struct fx_err *err)
{
    struct fx_map_table *map = b->map;
    if (!fx_db_table(old_db, map->old_schema, map->old_name, b->arena, &map->old_table, err) ||
        !fx_db_table(new_db, map->new_schema, map->new_name, b->arena, &map->new_table, err)) {
        if (err->code == FX_E_DB_CONNECT || err->code == FX_E_TIMEOUT)
            return fx_ctx(err, "reading the catalog for table \"%s.%s\"", map->old_schema,
                          map->old_name);
        fx_problem(b->problems, map->node, "%s", err->message);
        fx_err_clear(err);
        return true;
    }
    check_renames(b);
    bind_columns(b);
    check_new_columns(b);
    check_keys(b);
    map->digest = bound_digest(map, b->arena);
    return true;
}

bool fx_map_bind(struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                 struct fx_arena *arena, struct fx_err *err)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    for (size_t i = 0; i < ctx->n_tables; i++) {
        struct binder b = {&ctx->tables[i], arena, &problems};
        if (!bind_table(&b, old_db, new_db, err))
            return false;
    }
    if (fx_problems_ok(&problems, err))
        return true;
    fx_err_recode(err, FX_E_MAPPING);
    fx_hint(err,
            "Change the tables, or the mapping in contexts.%s.tables of ficus.yaml. Then run: "
            "ficus cdc preflight --context %s",
            ctx->name, ctx->name);
    return fx_ctx(err, "binding the tables of context \"%s\" to both databases", ctx->name);
}

static bool map_value(const struct fx_map_column *pair, enum fx_direction dir,
                      const struct fx_value *in, const struct fx_column *to, struct fx_arena *arena,
                      struct fx_value *ret, struct fx_err *err)
{
    const struct fx_expr *expr = dir == FX_FORWARD ? pair->forward : pair->back;
    struct fx_value value = *in;
    if (expr != NULL && !fx_expr_eval(expr, in, arena, &value, err))
        return false;
    return fx_value_check(&value, &to->type, arena, ret, err);
}

bool fx_map_row(const struct fx_map_table *map, enum fx_direction dir, const struct fx_value *in,
                struct fx_value *out, struct fx_arena *arena, struct fx_err *err)
{
    const int *from_index = dir == FX_FORWARD ? map->old_index : map->new_index;
    const int *to_index = dir == FX_FORWARD ? map->new_index : map->old_index;
    const struct fx_table *from = dir == FX_FORWARD ? map->old_table : map->new_table;
    const struct fx_table *to = dir == FX_FORWARD ? map->new_table : map->old_table;
    FX_INVARIANT(from != NULL && to != NULL, "mapping of %s is not bound", map->old_name);
    for (size_t i = 0; i < map->n_columns; i++) {
        if (!map_value(&map->columns[i], dir, &in[from_index[i]], &to->columns[to_index[i]], arena,
                       &out[i], err))
            return fx_ctx(err, "mapping column \"%s.%s.%s\" to \"%s.%s.%s\"", from->schema,
                          from->name, from->columns[from_index[i]].name, to->schema, to->name,
                          to->columns[to_index[i]].name);
    }
    return true;
}

bool fx_map_pair(const struct fx_map_table *map, size_t pair, enum fx_direction dir,
                 const struct fx_value *in, struct fx_value *out, struct fx_arena *arena,
                 struct fx_err *err)
{
    FX_INVARIANT(pair < map->n_columns, "pair %zu of %zu of %s", pair, map->n_columns,
                 map->old_name);
    const struct fx_column *to = dir == FX_FORWARD ? &map->new_table->columns[map->new_index[pair]]
                                                   : &map->old_table->columns[map->old_index[pair]];
    return map_value(&map->columns[pair], dir, in, to, arena, out, err);
}
