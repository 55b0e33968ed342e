/* SPDX-License-Identifier: Apache-2.0 */
/* Reads PostgreSQL's catalog into the engine-neutral picture of lib/db/table.h. */
#include "lib/pg/conn.h"

#include "lib/value/decimal.h"
#include "lib/value/map_pg.h"

extern const char lib_pg_sql_relation[];
extern const char lib_pg_sql_columns[];
extern const char lib_pg_sql_leaves[];

/* Columns of the result of columns.sql. */
enum {
    COL_NAME,
    COL_TYPE_OID,
    COL_TYPMOD,
    COL_DECLARED,
    COL_NOT_NULL,
    COL_GENERATED,
    COL_IDENTITY,
    COL_SEQUENCE,
    COL_KEY_INDEX,
    COL_FAMILY,
};

static bool is_true(fx_cell cell)
{
    return fx_str_eq(cell, FX_STR("true"));
}

static int64_t number(fx_cell cell)
{
    int64_t n = 0;
    if (!fx_decimal_to_int(cell, &n) || n < INT32_MIN || n > UINT32_MAX)
        return -1;
    return n;
}

static char *copy(struct fx_arena *arena, fx_cell cell)
{
    return cell.ptr != NULL ? fx_arena_strdup(arena, cell.ptr)
                            : NULL; /* libpq ends cells with NUL */
}

static void read_column(const struct fx_rows *rows, size_t i, struct fx_arena *arena,
                        struct fx_column *column)
{
    column->name = copy(arena, fx_rows_at(rows, i, COL_NAME));
    fx_pg_type((uint32_t)number(fx_rows_at(rows, i, COL_TYPE_OID)),
               (int32_t)number(fx_rows_at(rows, i, COL_TYPMOD)),
               copy(arena, fx_rows_at(rows, i, COL_DECLARED)), arena, &column->type);
    column->type.family = copy(arena, fx_rows_at(rows, i, COL_FAMILY));
    column->is_nullable = !is_true(fx_rows_at(rows, i, COL_NOT_NULL));
    column->is_generated = is_true(fx_rows_at(rows, i, COL_GENERATED));
    column->is_identity = is_true(fx_rows_at(rows, i, COL_IDENTITY));
    column->sequence = copy(arena, fx_rows_at(rows, i, COL_SEQUENCE));
    column->key_index = (int)number(fx_rows_at(rows, i, COL_KEY_INDEX));
}

/* Each place in the key is that of one column. */
static bool read_key(const struct fx_db *db, struct fx_table *table, struct fx_err *err)
{
    for (size_t k = 0; k < table->n_key; k++)
        table->key[k] = -1;
    for (size_t i = 0; i < table->n_columns; i++) {
        int at = table->columns[i].key_index;
        if (at < 0)
            continue;
        if ((size_t)at >= table->n_key || table->key[at] >= 0)
            return fx_db_fail_answer(
                db, "with a primary key that does not fit the columns of its table", err);
        table->key[at] = (int)i;
    }
    return true;
}

static bool read_columns(struct fx_db *db, fx_cell oid, struct fx_arena *arena,
                         struct fx_table *table, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(db, lib_pg_sql_columns, &oid, 1, 0, COL_FAMILY + 1, &rows, err))
        return false;
    table->n_columns = rows.n_rows;
    table->columns = fx_arena_array(arena, rows.n_rows + 1, sizeof *table->columns);
    for (size_t i = 0; i < rows.n_rows; i++) {
        if (fx_rows_at(&rows, i, COL_NAME).ptr == NULL ||
            fx_rows_at(&rows, i, COL_DECLARED).ptr == NULL)
            return fx_db_fail_answer(db, "with a column that has no name or type", err);
        read_column(&rows, i, arena, &table->columns[i]);
        table->n_key += table->columns[i].key_index >= 0 ? 1 : 0;
    }
    table->key = fx_arena_array(arena, table->n_key + 1, sizeof *table->key);
    return read_key(db, table, err);
}

static bool read_leaves(struct fx_db *db, fx_cell oid, bool is_partitioned, struct fx_arena *arena,
                        struct fx_table *table, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (is_partitioned && !fx_db_select(db, lib_pg_sql_leaves, &oid, 1, 0, 1, &rows, err))
        return false;
    table->leaves = fx_arena_array(arena, rows.n_rows + 1, sizeof *table->leaves);
    for (size_t i = 0; i < rows.n_rows; i++)
        table->leaves[i] = fx_arena_str(arena, fx_rows_at(&rows, i, 0)).ptr;
    return true;
}

/* pg_class.relkind of what is no table. */
static const char *kind_name(char kind)
{
    switch (kind) {
    case 'f': return "foreign table";
    case 'm': return "materialized view";
    case 'v': return "view";
    case 'S': return "sequence";
    case 'i':
    case 'I': return "index";
    case 'c': return "composite type";
    default: return "relation of another kind";
    }
}

static bool check_relation(const struct fx_rows *relation, struct fx_db *db, const char *schema,
                           const char *name, struct fx_err *err)
{
    if (relation->n_rows == 0)
        return fx_fail(err, FX_E_DB, "there is no table \"%s.%s\" in database \"%s\"", schema, name,
                       db->conf->name) ||
               fx_hint(err, "Create it there, or correct its name in ficus.yaml.");
    for (size_t i = 0; i < relation->n_columns; i++)
        if (fx_rows_at(relation, 0, i).len == 0)
            return fx_db_fail_answer(db, "with an incomplete description of a table", err);
    char kind = fx_rows_at(relation, 0, 1).ptr[0];
    if (kind != 'r' && kind != 'p')
        return fx_fail(err, FX_E_DB, "\"%s.%s\" in database \"%s\" is a %s, not a table", schema,
                       name, db->conf->name, kind_name(kind)) ||
               fx_hint(err, "Only tables can be in a context. In ficus.yaml, name the table that "
                            "holds the rows, or take this entry out of the context.");
    if (!fx_str_eq(fx_rows_at(relation, 0, 3), FX_STR("UTF8")))
        return fx_fail(err, FX_E_UNSUPPORTED, "database \"%s\" has encoding %.*s, not UTF8",
                       db->conf->name, FX_STR_FMT(fx_rows_at(relation, 0, 3))) ||
               fx_hint(err,
                       "Create a database with encoding UTF8 (createdb -E UTF8 -T template0 NAME), "
                       "move the tables there with pg_dump, and correct its url in ficus.yaml.");
    return true;
}

bool fx_pg_table(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                 struct fx_table **ret_table, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows relation = {0};
    const fx_cell params[] = {fx_str_from(schema), fx_str_from(name)};
    if (!fx_db_select(db, lib_pg_sql_relation, params, 2, 0, 4, &relation, err) ||
        !check_relation(&relation, db, schema, name, err))
        return false;
    struct fx_table *table = FX_ARENA_NEW(arena, struct fx_table);
    table->schema = fx_arena_strdup(arena, schema);
    table->name = fx_arena_strdup(arena, name);
    table->replica_identity = fx_rows_at(&relation, 0, 2).ptr[0];
    fx_cell oid = fx_rows_at(&relation, 0, 0);
    bool is_partitioned = fx_rows_at(&relation, 0, 1).ptr[0] == 'p';
    if (!read_columns(db, oid, arena, table, err) ||
        !read_leaves(db, oid, is_partitioned, arena, table, err))
        return fx_ctx(err, "reading the catalog of table \"%s.%s\"", schema, name);
    fx_table_fingerprint(table, arena);
    *ret_table = table;
    return true;
}
