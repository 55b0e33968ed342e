/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a table's definition from information_schema into the model of lib/db/table.h.
 *
 * MariaDB calls JSON a LONGTEXT with a check of its own name, json_valid(`column`): that check is
 * what makes a column JSON here. What is not a base table (a view, a system-versioned table) is
 * refused.
 */
#include "lib/my/my_priv.h"

#include "lib/base/hash.h"
#include "lib/fmt/text.h"
#include "lib/value/map_my.h"

extern const char lib_my_sql_columns[];
extern const char lib_my_sql_primary_key[];

static int64_t cell_int(const struct fx_rows *rows, size_t row, size_t column)
{
    int64_t value = 0; /* NULL: no limit, no precision */
    fx_cell cell = fx_rows_at(rows, row, column);
    return fx_parse_i64(cell, INT64_MIN, INT64_MAX, &value) ? value : 0;
}

static const char *cell_text(const struct fx_rows *rows, size_t row, size_t column,
                             struct fx_arena *arena)
{
    return fx_arena_str(arena, fx_rows_at(rows, row, column)).ptr;
}

/* Also the names as the server has them, and its log: it
 * may take others for the same (lower_case_table_names). */
static bool find_base_table(struct fx_db *db, const char *schema, const char *name,
                            struct fx_arena *arena, struct fx_table *table, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(schema), fx_str_from(name)};
    if (!fx_db_select(db,
                      "select table_type, table_schema, table_name from information_schema.tables"
                      " where table_schema = ? and table_name = ?",
                      params, 2, 0, 3, &rows, err))
        return false;
    if (rows.n_rows == 0)
        return fx_fail(err, FX_E_DB,
                       "there is no table \"%s.%s\" in database \"%s\", or its user cannot see it",
                       schema, name, db->conf->name) ||
               fx_hint(err,
                       "Create it there, correct its name in ficus.yaml, or GRANT SELECT on it.");
    if (fx_str_eq_c(fx_rows_at(&rows, 0, 0), "SYSTEM VERSIONED"))
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "table \"%s.%s\" in database \"%s\" is system-versioned, which Ficus does "
                       "not support",
                       schema, name, db->conf->name) ||
               fx_hint(err,
                       "Take the table out of the context in ficus.yaml. Or run there: ALTER TABLE "
                       "%s.%s DROP SYSTEM VERSIONING; which deletes the history of its rows.",
                       schema, name);
    if (!fx_str_eq_c(fx_rows_at(&rows, 0, 0), "BASE TABLE"))
        return fx_fail(err, FX_E_UNSUPPORTED, "\"%s.%s\" in database \"%s\" is a %.*s, not a table",
                       schema, name, db->conf->name, FX_STR_FMT(fx_rows_at(&rows, 0, 0))) ||
               fx_hint(err, "Only tables can be in a context. In ficus.yaml, name the table that "
                            "holds the rows, or take this entry out of the context.");
    table->schema = cell_text(&rows, 0, 1, arena);
    table->name = cell_text(&rows, 0, 2, arena);
    return true;
}

/* The log carries text as it is stored, so only character
 * sets whose bytes are UTF-8 can be read from it. */
static bool is_utf8(const char *charset)
{
    static const char *const names[] = {"", "utf8mb4", "utf8mb3", "utf8", "ascii"};
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], charset) == 0)
            return true;
    }
    return false;
}

static void read_column(const struct fx_rows *rows, size_t i, struct fx_arena *arena,
                        struct fx_column *ret)
{
    struct fx_my_column column = {
        .data_type = cell_text(rows, i, 1, arena),
        .column_type = cell_text(rows, i, 2, arena),
        .char_length_max = cell_int(rows, i, 3),
        .precision = (int)cell_int(rows, i, 4),
        .scale = (int)cell_int(rows, i, 5),
        .fraction_digits = (int)cell_int(rows, i, 6),
        .charset = cell_text(rows, i, 7, arena),
        .is_json = cell_int(rows, i, 11) != 0,
    };
    *ret = (struct fx_column){
        .name = cell_text(rows, i, 0, arena),
        .is_nullable = cell_int(rows, i, 8) != 0,
        .is_generated = cell_int(rows, i, 9) != 0,
        .is_identity = cell_int(rows, i, 10) != 0,
        .key_index = -1,
    };
    fx_my_type(&column, &ret->type);
    if (!is_utf8(column.charset)) {
        const char *declared =
            fx_arena_printf(arena, "%s character set %s", column.column_type, column.charset);
        ret->type = (struct fx_type){.kind = FX_V_NULL, .declared = declared};
    }
}

static bool read_columns(struct fx_db *db, struct fx_table *table, struct fx_arena *arena,
                         struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell schema = fx_str_from(table->schema);
    fx_cell name = fx_str_from(table->name);
    fx_cell params[] = {schema, name, schema, name};
    if (!fx_db_select(db, lib_my_sql_columns, params, 4, 0, 12, &rows, err))
        return false;
    table->n_columns = rows.n_rows;
    table->columns = fx_arena_array(arena, rows.n_rows, sizeof *table->columns);
    for (size_t i = 0; i < rows.n_rows; i++)
        read_column(&rows, i, arena, &table->columns[i]);
    return true;
}

static bool read_key(struct fx_db *db, struct fx_table *table, struct fx_arena *arena,
                     struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    if (!fx_db_select(db, lib_my_sql_primary_key, params, 2, 0, 1, &rows, err))
        return false;
    table->n_key = rows.n_rows;
    table->key = fx_arena_array(arena, rows.n_rows, sizeof *table->key);
    for (size_t i = 0; i < rows.n_rows; i++) {
        const char *column = cell_text(&rows, i, 0, arena);
        int index = fx_table_column(table, column);
        if (index < 0)
            return fx_fail(err, FX_E_DB,
                           "database \"%s\" does not list column \"%s\" of the primary key of "
                           "table \"%s.%s\"",
                           db->conf->name, column, table->schema, table->name) ||
                   fx_hint(err,
                           "The table may have been changed meanwhile. Run the same command again; "
                           "if it fails again, please report it with: SHOW CREATE TABLE %s.%s;",
                           table->schema, table->name);
        table->key[i] = index;
        table->columns[index].key_index = (int)i;
    }
    return true;
}

/* Each field with its length in front, so that no two definitions give the same bytes. */
static const char *fingerprint(const struct fx_table *table, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(16 << 20);
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct fx_column *column = &table->columns[i];
        fx_buf_printf(&text, "%zu:%s %zu:%s %d%d%d %d %d;", strlen(column->name), column->name,
                      strlen(column->type.declared), column->type.declared, column->is_nullable,
                      column->is_generated, column->is_identity, column->key_index,
                      (int)column->type.kind);
    }
    char hex[FX_HASH_HEX];
    fx_hash128_hex(fx_buf_str(&text), hex);
    return fx_arena_strdup(arena, hex);
}

bool fx_my_table(struct fx_db *db, const char *schema, const char *name, struct fx_arena *arena,
                 struct fx_table **ret_table, struct fx_err *err)
{
    struct fx_table *table = FX_ARENA_NEW(arena, struct fx_table);
    table->replica_identity = 'f';
    if (!find_base_table(db, schema, name, arena, table, err) ||
        !read_columns(db, table, arena, err) || !read_key(db, table, arena, err))
        return fx_ctx(err, "reading the definition of table \"%s.%s\"", schema, name);
    table->fingerprint = fingerprint(table, arena);
    *ret_table = table;
    return true;
}
