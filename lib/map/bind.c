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
#include "lib/db/type_advice.h"
#include "lib/map/expr.h"
#include "lib/map/type_check.h"
#include "lib/map/map.h"

struct binder {
    const struct fx_context *ctx;
    struct fx_map_table *map;
    struct fx_arena *arena;
    /* One of the two is NULL: one error with places in
     * ficus.yaml, or a list for people who mend all of it. */
    struct fx_problems *problems;
    struct fx_findings *findings;
    size_t n; /* of either */
};

/* What is the same for all findings of one kind. */
static const struct topic {
    const char *kind, *title, *advice;
} no_table = {"no-table", "tables that are missing, or are no tables",
              "Create them, or correct their names in ficus.yaml."},
  no_column = {"column-missing", "columns of the old side without one on the new side",
               "Add the column, or name the one that it goes to: tables: [{from: OLD_TABLE, "
               "columns: {OLD_COLUMN: NEW_COLUMN}}]. A column that the old side computes "
               "(GENERATED) needs none."},
  no_old_column = {"column-extra", "columns of the new side without one on the old side",
                   "Drop them, let the server compute them (GENERATED), or add the column on the "
                   "old side: a fall-back would lose their values."},
  no_such_column = {"column-unknown", "columns that ficus.yaml names and the old side lacks",
                    "Correct the names under `columns:` in ficus.yaml."},
  doubled = {"column-doubled", "columns of the new side that two old columns are mapped to",
             "Correct `columns:` in ficus.yaml: each new column takes one old column."},
  differ = {"types-differ", "columns whose types cannot hold each other's values",
            "Give the new side's column the type that its line names, or convert numbers with "
            "`as:` and `back:` in ficus.yaml."},
  range = {"values-out-of-range", "columns that cannot hold every value of the other side's",
           "Widen the narrower one of the two."},
  not_numbers = {"expression-type", "expressions over columns that are no numbers",
                 "Only integers and decimals are converted: take `as:` and `back:` out, and give "
                 "both columns types that hold each other's values."},
  nulls = {"nullable-differs", "columns that are NOT NULL on one side only",
           "Declare them alike. The new side is the one to change, before it has rows."},
  generated = {"generated-differs", "columns that are computed on one side only",
               "Leave the computed one out of the other side, or store it on both."},
  no_key = {"no-key", "tables without a primary key",
            "Add one (a column of a sequence is enough: ALTER TABLE t ADD COLUMN id bigint "
            "GENERATED ALWAYS AS IDENTITY PRIMARY KEY;), or take the table out of the context."},
  key_generated = {"key-generated", "primary keys with a computed column",
                   "Choose a key of stored columns: the log does not carry the others."},
  keys_differ = {"keys-differ", "tables whose primary keys are not the same columns",
                 "Give the new table the old one's key, in the same order, without expressions."};

static void report(struct binder *b, const struct fx_node *at, const struct fx_finding *finding,
                   const char *what)
{
    struct fx_finding own = *finding;
    own.what = what;
    b->n++;
    if (b->findings != NULL)
        fx_findings_put(b->findings, &own);
    else
        fx_problem(b->problems, at, "%s", what);
}

/* A finding about a table, or about a column of it where one is named. */
static void found(struct binder *b, const struct topic *topic, const struct fx_node *at,
                  const struct fx_finding *of, const char *what, ...) FX_PRINTF(5, 6);
static void found(struct binder *b, const struct topic *topic, const struct fx_node *at,
                  const struct fx_finding *of, const char *what, ...)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 14);
    struct fx_finding finding = *of;
    va_list ap;
    va_start(ap, what);
    fx_buf_vprintf(&text, what, ap);
    va_end(ap);
    finding.kind = topic->kind;
    finding.group = topic->title;
    finding.advice = topic->advice;
    report(b, at, &finding, fx_buf_cstr(&text));
}

static const char *old_name(const struct binder *b)
{
    return fx_arena_printf(b->arena, "%s.%s", b->map->old_schema, b->map->old_name);
}

static const char *new_name(const struct binder *b)
{
    return fx_arena_printf(b->arena, "%s.%s", b->map->new_schema, b->map->new_name);
}

/* The table and the column whose values are to be carried. */
static struct fx_finding of_old(const struct binder *b, const char *column, const char *fix)
{
    return (struct fx_finding){.where = old_name(b), .column = column, .fix = fix};
}

static struct fx_finding of_new(const struct binder *b, const char *column, const char *fix)
{
    return (struct fx_finding){.where = new_name(b), .column = column, .fix = fix};
}

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

/* "; a column of type bigint holds them", where there is one. */
static const char *counterpart(const struct binder *b, const struct fx_column *old)
{
    const char *type =
        fx_type_counterpart(b->ctx->new_db->engine, &old->type, old->key_index >= 0, b->arena);
    return type == NULL ? "" : fx_arena_printf(b->arena, "; %s holds them", type);
}

/* What the declarations prove: values that one side may hold and the other cannot. */
static void check_room(struct binder *b, const struct fx_map_column *pair,
                       const struct fx_column *old, const struct fx_column *new_column)
{
    const struct fx_node *at = pair->node != NULL ? pair->node : b->map->node;
    struct fx_finding of = of_old(b, old->name, NULL);
    const char *why;
    if (!fx_type_check(&old->type, pair->forward, &new_column->type, FX_FORWARD, b->arena, &why))
        found(b, &range, at, &of,
              "column \"%s\" (%s) of new table \"%s.%s\" cannot hold every value of old "
              "column \"%s\" (%s): %s",
              new_column->name, declared(new_column), b->map->new_schema, b->map->new_name,
              old->name, declared(old), why);
    if (!fx_type_check(&new_column->type, pair->back, &old->type, FX_REVERSE, b->arena, &why))
        found(b, &range, at, &of,
              "column \"%s\" (%s) of old table \"%s.%s\" cannot hold every value of new "
              "column \"%s\" (%s), which the reverse stream writes to it: %s",
              old->name, declared(old), b->map->old_schema, b->map->old_name, new_column->name,
              declared(new_column), why);
}

/* Says so, by type, and returns whether Ficus carries it. */
static bool check_type(struct binder *b, const struct fx_node *at, const struct fx_db_conf *db,
                       const struct fx_table *table, const struct fx_column *column)
{
    if (column->type.kind != FX_V_NULL)
        return true;
    const char *side = db == b->ctx->old_db ? "old" : "new";
    const char *what =
        fx_arena_printf(b->arena,
                        "column \"%s\" of %s table \"%s.%s\": type %s is not supported by this "
                        "release",
                        column->name, side, table->schema, table->name, declared(column));
    struct fx_finding finding = {
        .kind = "type-not-carried",
        .group = fx_arena_printf(b->arena, "type %s of database \"%s\" (%s side) is not carried",
                                 fx_type_group(&column->type, b->arena), db->name, side),
        .advice = fx_arena_printf(b->arena, "%s Or take the table out of contexts.%s.tables.",
                                  fx_type_advice(db->engine, &column->type), b->ctx->name),
        .where = fx_arena_printf(b->arena, "%s.%s", table->schema, table->name),
        .column = column->name,
    };
    report(b, at, &finding, what);
    return false;
}

static void check_types(struct binder *b, const struct fx_map_column *pair,
                        const struct fx_column *old, const struct fx_column *new_column)
{
    const struct fx_node *at = pair->node != NULL ? pair->node : b->map->node;
    struct fx_finding of = of_old(b, old->name, NULL);
    bool is_old_carried = check_type(b, at, b->ctx->old_db, b->map->old_table, old);
    bool is_new_carried = check_type(b, at, b->ctx->new_db, b->map->new_table, new_column);
    if (!is_old_carried || !is_new_carried)
        return;
    if (pair->forward != NULL &&
        (family_of(old->type.kind) != FAM_NUMBER || family_of(new_column->type.kind) != FAM_NUMBER))
        found(b, &not_numbers, at, &of,
              "columns \"%s\" (%s) and \"%s\" (%s) of table \"%s.%s\": an expression needs an "
              "integer or decimal column on both sides",
              old->name, declared(old), new_column->name, declared(new_column), b->map->old_schema,
              b->map->old_name);
    else if (pair->forward == NULL && !is_compatible(&old->type, &new_column->type))
        found(b, &differ, at, &of,
              "columns \"%s\" (%s) of old table \"%s.%s\" and \"%s\" (%s) of the new table "
              "cannot hold each other's values%s",
              old->name, declared(old), b->map->old_schema, b->map->old_name, new_column->name,
              declared(new_column), counterpart(b, old));
    else
        check_room(b, pair, old, new_column);
}

static void check_pair(struct binder *b, const struct fx_map_column *pair,
                       const struct fx_column *old, const struct fx_column *new_column)
{
    const struct fx_node *at = pair->node != NULL ? pair->node : b->map->node;
    struct fx_finding of = of_old(b, old->name, NULL);
    check_types(b, pair, old, new_column);
    if (old->is_nullable != new_column->is_nullable)
        found(b, &nulls, at, &of,
              "column \"%s\" of table \"%s.%s\" is %s on the old side and %s on the new side: "
              "a NULL could not be copied to the %s side",
              old->name, b->map->old_schema, b->map->old_name,
              old->is_nullable ? "nullable" : "NOT NULL",
              new_column->is_nullable ? "nullable" : "NOT NULL", old->is_nullable ? "new" : "old");
    if (old->is_generated != new_column->is_generated)
        found(b, &generated, at, &of,
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

/* "`c` bigint NOT NULL", or NULL. */
static const char *column_sql(const struct binder *b, const char *name, const struct fx_column *old)
{
    enum fx_engine engine = b->ctx->new_db->engine;
    const char *type = fx_type_counterpart(engine, &old->type, old->key_index >= 0, b->arena);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
    if (type == NULL)
        return NULL;
    fx_db_ident(engine, name, &out);
    fx_buf_printf(&out, " %s%s", type, old->is_nullable ? "" : " NOT NULL");
    return fx_arena_str(b->arena, fx_buf_str(&out)).ptr;
}

static void add_new_table(const struct binder *b, struct fx_buf *out)
{
    fx_db_ident(b->ctx->new_db->engine, b->map->new_schema, out);
    fx_buf_add_char(out, '.');
    fx_db_ident(b->ctx->new_db->engine, b->map->new_name, out);
}

static void refuse_missing(struct binder *b, const struct fx_map_column *pair,
                           const struct fx_column *old)
{
    const struct fx_map_table *map = b->map;
    const struct fx_node *at = pair->node != NULL ? pair->node : map->node;
    if (pair->forward == NULL && !check_type(b, at, b->ctx->old_db, map->old_table, old))
        return; /* first it needs a type that can have a counterpart */
    const char *column = pair->forward == NULL ? column_sql(b, pair->new_name, old) : NULL;
    FX_AUTO(fx_buf) struct fx_buf fix = FX_BUF(4096);
    if (column != NULL) {
        fx_buf_add_c(&fix, "ALTER TABLE ");
        add_new_table(b, &fix);
        fx_buf_printf(&fix, " ADD COLUMN %s;", column);
    }
    struct fx_finding of = of_old(b, old->name, fx_buf_cstr(&fix));
    found(b, &no_column, at, &of,
          "new table \"%s.%s\" has no column \"%s\" for column \"%s\" of old table \"%s.%s\"",
          map->new_schema, map->new_name, pair->new_name, old->name, map->old_schema,
          map->old_name);
}

static struct fx_map_column pair_for(const struct binder *b, const struct fx_column *old)
{
    const struct fx_map_column *rename = find_rename(b->map, old->name);
    return rename != NULL ? *rename
                          : (struct fx_map_column){.old_name = old->name, .new_name = old->name};
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
        struct fx_map_column pair = pair_for(b, old);
        int at = fx_table_column(map->new_table, pair.new_name);
        if (at < 0 && old->is_generated && find_rename(map, old->name) == NULL)
            continue; /* computed here only: there is nothing to carry and nothing to lose */
        if (at < 0) {
            refuse_missing(b, &pair, old);
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
    for (size_t i = 0; i < map->n_renames; i++) {
        const char *name = map->renames[i].old_name;
        struct fx_finding of = of_old(b, name, NULL);
        if (fx_table_column(map->old_table, name) >= 0)
            continue;
        if (b->findings == NULL)
            fx_problem_key(b->problems, map->renames[i].node,
                           "old table \"%s\" has no column \"%s\"", of.where, name);
        else
            found(b, &no_such_column, NULL, &of, "old table \"%s\" has no column \"%s\"", of.where,
                  name);
    }
}

/* Each new column is the counterpart of exactly one old column. */
static void check_new_columns(struct binder *b)
{
    const struct fx_map_table *map = b->map;
    for (size_t i = 0; i < map->new_table->n_columns; i++) {
        const struct fx_column *column = &map->new_table->columns[i];
        struct fx_finding of = of_new(b, column->name, NULL);
        size_t used = 0;
        for (size_t j = 0; j < map->n_columns; j++)
            used += map->new_index[j] == (int)i;
        if (used == 0 && !column->is_generated)
            found(b, &no_old_column, map->node, &of,
                  "column \"%s\" of new table \"%s\" has no old column: its values would "
                  "be lost in a fall-back",
                  column->name, of.where);
        if (used > 1)
            found(b, &doubled, map->node, &of,
                  "two old columns are mapped to column \"%s\" of new table \"%s\"", column->name,
                  of.where);
    }
}

static bool has_key(struct binder *b, const struct fx_table *table)
{
    if (table->n_key > 0)
        return true;
    struct fx_finding of = {.where =
                                fx_arena_printf(b->arena, "%s.%s", table->schema, table->name)};
    found(b, &no_key, b->map->node, &of,
          "table \"%s\" has no primary key, so its rows cannot be told apart: add one, "
          "or remove the table from the context",
          of.where);
    return false;
}

static void check_key_columns(struct binder *b)
{
    const struct fx_table *old = b->map->old_table;
    for (size_t k = 0; k < old->n_key; k++) {
        const struct fx_column *column = &old->columns[old->key[k]];
        struct fx_finding of = of_old(b, column->name, NULL);
        if (column->is_generated) /* pgoutput does not send it */
            found(b, &key_generated, b->map->node, &of,
                  "the primary key of old table \"%s\" contains the generated column "
                  "\"%s\", which a stream cannot read",
                  of.where, column->name);
    }
}

/* A key column without a counterpart is a finding already. */
static bool is_key_paired(const struct fx_map_table *map, size_t k)
{
    for (size_t j = 0; j < map->n_columns; j++)
        if (map->old_index[j] == map->old_table->key[k])
            return map->new_index[j] == map->new_table->key[k] && map->columns[j].forward == NULL;
    return false;
}

static void check_keys(struct binder *b)
{
    const struct fx_map_table *map = b->map;
    const struct fx_table *old = map->old_table, *new_table = map->new_table;
    bool has_old = has_key(b, old), has_new = has_key(b, new_table);
    if (!has_old || !has_new)
        return;
    check_key_columns(b);
    bool is_same = old->n_key == new_table->n_key;
    for (size_t k = 0; is_same && k < old->n_key; k++)
        is_same = is_key_paired(map, k);
    struct fx_finding of = of_new(b, NULL, NULL);
    if (!is_same)
        found(b, &keys_differ, map->node, &of,
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

/* --- tables ----------------------------------------------------------------------------------- */

/* "CREATE TABLE …;" for what the old table holds, where every column has a counterpart. */
static void create_sql(const struct binder *b, struct fx_buf *out)
{
    const struct fx_table *old = b->map->old_table;
    enum fx_engine engine = b->ctx->new_db->engine;
    fx_buf_add_c(out, "CREATE TABLE ");
    add_new_table(b, out);
    for (size_t i = 0, n = 0; i < old->n_columns; i++) {
        struct fx_map_column pair = pair_for(b, &old->columns[i]);
        if (old->columns[i].is_generated)
            continue;
        const char *sql =
            pair.forward == NULL ? column_sql(b, pair.new_name, &old->columns[i]) : NULL;
        if (sql == NULL) {
            fx_buf_clear(out);
            return;
        }
        fx_buf_printf(out, "%s%s", n++ > 0 ? ", " : " (", sql);
    }
    for (size_t k = 0; k < old->n_key; k++) {
        fx_buf_add_c(out, k > 0 ? ", " : ", PRIMARY KEY (");
        fx_db_ident(engine, pair_for(b, &old->columns[old->key[k]]).new_name, out);
    }
    fx_buf_add_c(out, old->n_key > 0 ? "));" : ");");
}

/* *ret NULL: there is no such table, and the finding says so. Fails when nobody answered. */
static bool read_table(struct binder *b, struct fx_db *db, bool is_new, struct fx_table **ret,
                       struct fx_err *err)
{
    const char *schema = is_new ? b->map->new_schema : b->map->old_schema;
    const char *name = is_new ? b->map->new_name : b->map->old_name;
    *ret = NULL;
    if (fx_db_table(db, schema, name, b->arena, ret, err))
        return true;
    if (err->code == FX_E_DB_CONNECT || err->code == FX_E_TIMEOUT)
        return fx_ctx(err, "reading the catalog for table \"%s.%s\"", b->map->old_schema,
                      b->map->old_name);
    FX_AUTO(fx_buf) struct fx_buf fix = FX_BUF(1 << 16);
    bool is_creatable = is_new && b->findings != NULL && err->code == FX_E_DB &&
                        b->map->old_table != NULL && b->map->old_table->n_key > 0;
    if (is_creatable)
        create_sql(b, &fix);
    struct fx_finding of = {.where = is_new ? new_name(b) : old_name(b), .fix = fx_buf_cstr(&fix)};
    found(b, &no_table, b->map->node, &of, "%s", err->message);
    fx_err_clear(err);
    *ret = NULL;
    return true;
}

/* Of a table whose counterpart is missing all that can be said is said. */
static void check_lonely(struct binder *b, const struct fx_db_conf *db,
                         const struct fx_table *table)
{
    for (size_t i = 0; i < table->n_columns; i++)
        if (!table->columns[i].is_generated)
            (void)check_type(b, b->map->node, db, table, &table->columns[i]);
    (void)has_key(b, table);
}

static bool bind_table(struct binder *b, struct fx_db *old_db, struct fx_db *new_db,
                       struct fx_err *err)
{
    struct fx_map_table *map = b->map;
    if (!read_table(b, old_db, false, &map->old_table, err) ||
        !read_table(b, new_db, true, &map->new_table, err))
        return false;
    map->is_bound = false;
    if (map->old_table == NULL || map->new_table == NULL) {
        if (map->old_table != NULL)
            check_lonely(b, b->ctx->old_db, map->old_table);
        if (map->new_table != NULL)
            check_lonely(b, b->ctx->new_db, map->new_table);
        return true;
    }
    check_renames(b);
    bind_columns(b);
    check_new_columns(b);
    check_keys(b);
    map->digest = bound_digest(map, b->arena);
    map->is_bound = b->n == 0;
    return true;
}

static bool bind_all(struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                     struct fx_arena *arena, struct fx_problems *problems,
                     struct fx_findings *findings, struct fx_err *err)
{
    for (size_t i = 0; i < ctx->n_tables; i++) {
        struct binder b = {ctx, &ctx->tables[i], arena, problems, findings, 0};
        if (!bind_table(&b, old_db, new_db, err))
            return false;
    }
    return true;
}

bool fx_map_find(struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                 struct fx_arena *arena, struct fx_findings *f, struct fx_err *err)
{
    return bind_all(ctx, old_db, new_db, arena, NULL, f, err);
}

bool fx_map_bind(struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                 struct fx_arena *arena, struct fx_err *err)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    if (!bind_all(ctx, old_db, new_db, arena, &problems, NULL, err))
        return false;
    if (fx_problems_ok(&problems, err))
        return true;
    fx_err_recode(err, FX_E_MAPPING);
    fx_hint(err,
            "Change the tables, or the mapping in contexts.%s.tables of ficus.yaml. All of it, by "
            "groups, with what can be done: ficus cdc preflight --context %s",
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
