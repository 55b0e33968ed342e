/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what both sides call unique. A key of one side is kept by the other when some key there has no column that
 * this one has not: rows that differ in fewer columns differ in more. Expressions of the mapping give different results
 * for different values (ADR 0015), so columns are told apart by their pair.
 *
 * An index over expressions, with a predicate, or over a column that only one side computes is opaque: it cannot be
 * compared, so that the other side must have an opaque one too is all that is asked.
 */
#include <stdio.h>

#include "cdc/checks.h"

extern const char cdc_pg_sql_keys[];
extern const char cdc_mysql_sql_keys[];

enum { TEXT_MAX = 16 << 10 };

/* Columns of the results; the first is the same in both. */
enum {
    INDEX,
    PG_PRIMARY,
    PG_IMMEDIATE,
    PG_OPAQUE,
    PG_EXCLUSION,
    PG_COLUMN,
    PG_BYTEWISE,
    PG_TABLE,
    PG_QUOTED
};
enum { MY_COLUMN = 1, MY_PREFIX, MY_FOLDS, MY_PADS, MY_COLLATION, MY_FIX };

struct key {
    struct fx_str name;
    bool *has;  /* for each pair of the mapping: is its column part of the key */
    bool *full; /* the same, without columns of which only a prefix is compared */
    bool is_primary, is_opaque;
    size_t row; /* of its first column in the result */
};

struct side_keys {
    struct fx_rows rows;
    struct key *keys;
    size_t n;
};

struct keys {
    struct fx_findings *f;
    const struct fx_map_table *map;
    struct fx_arena *arena;
    struct side_keys old_side, new_side;
    const char *where; /* "orders.order_lines" */
};

static bool flag(const struct fx_rows *rows, size_t row, size_t column)
{
    return fx_str_eq_c(fx_rows_at(rows, row, column), "1");
}

/* The pair that a column of one side belongs to, -1: the other side has none. */
static ptrdiff_t pair_of(const struct fx_map_table *map, bool is_new, fx_cell column)
{
    for (size_t i = 0; column.ptr != NULL && i < map->n_columns; i++)
        if (fx_str_eq_c(column, is_new ? map->new_table->columns[map->new_index[i]].name
                                       : map->old_table->columns[map->old_index[i]].name))
            return (ptrdiff_t)i;
    return -1;
}

static void add_column(struct keys *k, struct side_keys *side, bool is_new, size_t row)
{
    fx_cell index = fx_rows_at(&side->rows, row, INDEX);
    struct key *key = side->n > 0 ? &side->keys[side->n - 1] : NULL;
    if (key == NULL || !fx_str_eq(key->name, index)) {
        key = &side->keys[side->n++];
        *key = (struct key){.name = index, .row = row};
        key->has = fx_arena_array(k->arena, k->map->n_columns + 1, sizeof *key->has);
        key->full = fx_arena_array(k->arena, k->map->n_columns + 1, sizeof *key->full);
        key->is_primary =
            is_new ? fx_str_eq_c(index, "PRIMARY") : flag(&side->rows, row, PG_PRIMARY);
        key->is_opaque = !is_new && flag(&side->rows, row, PG_OPAQUE);
    }
    ptrdiff_t pair =
        pair_of(k->map, is_new,
                fx_rows_at(&side->rows, row, is_new ? (size_t)MY_COLUMN : (size_t)PG_COLUMN));
    if (pair < 0) {
        key->is_opaque = true;
        return;
    }
    key->has[pair] = true;
    key->full[pair] = !is_new || !flag(&side->rows, row, MY_PREFIX);
}

static bool read_side(struct keys *k, struct fx_db *db, bool is_new, struct side_keys *side,
                      struct fx_err *err)
{
    const struct fx_table *table = is_new ? k->map->new_table : k->map->old_table;
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    if (!fx_db_query(db, is_new ? cdc_mysql_sql_keys : cdc_pg_sql_keys, params, 2, &side->rows,
                     err))
        return fx_ctx(err, "reading the keys of table \"%s.%s\"", table->schema, table->name);
    side->keys = fx_arena_array(k->arena, side->rows.n_rows + 1, sizeof *side->keys);
    for (size_t row = 0; row < side->rows.n_rows; row++)
        add_column(k, side, is_new, row);
    return true;
}

/* Does `side` keep apart whatever differs in the columns of `key`? */
static bool is_kept(const struct keys *k, const struct key *key, const struct side_keys *side)
{
    for (size_t i = 0; i < side->n; i++) {
        const struct key *other = &side->keys[i];
        if (key->is_opaque || other->is_opaque) {
            if (key->is_opaque && other->is_opaque)
                return true;
            continue;
        }
        bool is_subset = true;
        for (size_t p = 0; p < k->map->n_columns; p++)
            is_subset = is_subset && (!other->has[p] || key->full[p]);
        if (is_subset)
            return true;
    }
    return false;
}

/* "a, b": the key's columns, quoted, as the other side calls them. */
static void add_columns(const struct keys *k, const struct key *key, bool is_new,
                        struct fx_buf *out)
{
    bool is_first = true;
    for (size_t p = 0; p < k->map->n_columns; p++) {
        if (!key->has[p])
            continue;
        if (!is_first)
            fx_buf_add_c(out, ", ");
        is_first = false;
        fx_db_ident(is_new ? FX_MY : FX_PG,
                    is_new ? k->map->new_table->columns[k->map->new_index[p]].name
                           : k->map->old_table->columns[k->map->old_index[p]].name,
                    out);
    }
}

/* ---- the new side's keys ------------------------------------------------------------------------------- */

static void check_new_key(struct keys *k, const struct key *key)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    if (is_kept(k, key, &k->old_side))
        return;
    fx_buf_printf(&what,
                  "unique key %.*s has no counterpart in %s.%s: rows that are accepted there would "
                  "stop the stream",
                  FX_STR_FMT(key->name), k->map->old_schema, k->map->old_name);
    if (key->is_primary) {
        fx_buf_add_c(&what, "; it compares only the beginning of a column");
    } else {
        fx_buf_printf(&fix, "ALTER TABLE %s DROP INDEX ", k->where);
        fx_db_ident(FX_MY, fx_arena_str(k->arena, key->name).ptr, &fix);
        fx_buf_add_char(&fix, ';');
    }
    fx_findings_add_str(k->f, k->where, fx_buf_str(&what), fx_buf_str(&fix));
}

/* Text that the old side tells apart is told apart here as well; that differs in trailing spaces is for the scan. */
static void check_collations(struct keys *k, bool *pads)
{
    const struct fx_rows *rows = &k->new_side.rows;
    bool *is_told = fx_arena_array(k->arena, k->map->n_columns + 1, sizeof *is_told);
    for (size_t row = 0; row < rows->n_rows; row++) {
        ptrdiff_t pair = pair_of(k->map, true, fx_rows_at(rows, row, MY_COLUMN));
        /* A uuid that is stored as text has one spelling, however text compares. */
        if (pair < 0 || k->map->old_table->columns[k->map->old_index[pair]].type.kind != FX_V_TEXT)
            continue;
        pads[pair] = pads[pair] || flag(rows, row, MY_PADS);
        if (is_told[pair] || !flag(rows, row, MY_FOLDS))
            continue;
        is_told[pair] = true;
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX);
        fx_buf_printf(
            &what,
            "column %.*s of a unique key compares as %.*s: values that differ in %s.%s may "
            "be equal here",
            FX_STR_FMT(fx_rows_at(rows, row, MY_COLUMN)),
            FX_STR_FMT(fx_rows_at(rows, row, MY_COLLATION)), k->map->old_schema, k->map->old_name);
        fx_findings_add_str(k->f, k->where, fx_buf_str(&what), fx_rows_at(rows, row, MY_FIX));
    }
}

/* ---- the old side's keys ------------------------------------------------------------------------------- */

/* Rows may be equal in the middle of a transaction; the other side, which checks each row at once, would refuse it. */
static void refuse_deferrable(struct keys *k, const struct key *key, fx_cell table, fx_cell quoted)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    fx_buf_printf(&what, "constraint %.*s is DEFERRABLE: %s", FX_STR_FMT(quoted),
                  key->is_primary
                      ? "it is no replica identity, so publishing the table would refuse updates"
                      : "a transaction may swap values in a way that the new side cannot follow");
    fx_buf_printf(&fix, "ALTER TABLE %.*s DROP CONSTRAINT %.*s, ADD CONSTRAINT %.*s %s (",
                  FX_STR_FMT(table), FX_STR_FMT(quoted), FX_STR_FMT(quoted),
                  key->is_primary ? "PRIMARY KEY" : "UNIQUE");
    add_columns(k, key, false, &fix);
    fx_buf_add_c(&fix, ");");
    fx_findings_add_str(k->f, fx_arena_str(k->arena, table).ptr, fx_buf_str(&what),
                        fx_buf_str(&fix));
}

static void refuse_lost(struct keys *k, const struct key *key, fx_cell table, fx_cell quoted)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    fx_buf_printf(&what,
                  "unique index %.*s has no counterpart in %s: rows that are accepted there would "
                  "stop the way back",
                  FX_STR_FMT(quoted), k->where);
    if (key->is_opaque) {
        fx_buf_printf(&what, "; give %s a generated column with the same value and a UNIQUE key",
                      k->where);
    } else {
        fx_buf_printf(&fix, "ALTER TABLE %s ADD UNIQUE KEY (", k->where);
        add_columns(k, key, true, &fix);
        fx_buf_add_c(&fix, ");");
    }
    fx_findings_add_str(k->f, fx_arena_str(k->arena, table).ptr, fx_buf_str(&what),
                        fx_buf_str(&fix));
}

static void check_old_key(struct keys *k, const struct key *key)
{
    const struct fx_rows *rows = &k->old_side.rows;
    fx_cell table = fx_rows_at(rows, key->row, PG_TABLE);
    fx_cell quoted = fx_rows_at(rows, key->row, PG_QUOTED);
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX);
    const char *where = fx_arena_str(k->arena, table).ptr;
    if (flag(rows, key->row, PG_EXCLUSION)) {
        fx_buf_printf(&what,
                      "exclusion constraint %.*s has no counterpart in MariaDB: rows that "
                      "are accepted there would stop the way back",
                      FX_STR_FMT(quoted));
        fx_findings_add_str(k->f, where, fx_buf_str(&what), (struct fx_str){"", 0});
    } else if (!flag(rows, key->row, PG_IMMEDIATE)) {
        refuse_deferrable(k, key, table, quoted);
    } else if (!is_kept(k, key, &k->new_side)) {
        refuse_lost(k, key, table, quoted);
    }
    for (size_t row = key->row; row < rows->n_rows; row++) {
        if (!fx_str_eq(fx_rows_at(rows, row, INDEX), key->name) || flag(rows, row, PG_BYTEWISE))
            continue;
        fx_buf_clear(&what);
        fx_buf_printf(&what,
                      "column %.*s of unique index %.*s has a collation that is not deterministic: "
                      "values that differ in %s may be equal here",
                      FX_STR_FMT(fx_rows_at(rows, row, PG_COLUMN)), FX_STR_FMT(quoted), k->where);
        fx_findings_add_str(k->f, where, fx_buf_str(&what), (struct fx_str){"", 0});
    }
}

/* ---- both ---------------------------------------------------------------------------------------------- */

static bool check_table(struct keys *k, struct fx_db *old_db, struct fx_db *new_db, bool *pads,
                        struct fx_err *err)
{
    if (!read_side(k, old_db, false, &k->old_side, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!read_side(k, new_db, true, &k->new_side, err)) {
        fx_err_as_target(err);
        return false;
    }
    for (size_t i = 0; i < k->old_side.n; i++)
        check_old_key(k, &k->old_side.keys[i]);
    for (size_t i = 0; i < k->new_side.n; i++)
        check_new_key(k, &k->new_side.keys[i]);
    check_collations(k, pads);
    return true;
}

bool cdc_check_keys(struct fx_findings *f, const struct cdc_binding *binding, struct fx_db *old_db,
                    struct fx_db *new_db, struct fx_arena *arena, bool ***ret_pads,
                    struct fx_err *err)
{
    size_t n = binding->ctx.n_tables;
    bool **pads = fx_arena_array(arena, n + 1, sizeof *pads);
    for (size_t t = 0; t < n; t++) {
        const struct fx_map_table *map = &binding->ctx.tables[t];
        struct keys k = {.f = f, .map = map, .arena = arena};
        k.where = fx_arena_printf(arena, "%s.%s", map->new_schema, map->new_name);
        pads[t] = fx_arena_array(arena, map->n_columns + 1, sizeof *pads[t]);
        bool is_ok = check_table(&k, old_db, new_db, pads[t], err);
        fx_rows_done(&k.old_side.rows);
        fx_rows_done(&k.new_side.rows);
        if (!is_ok)
            return false;
    }
    *ret_pads = pads;
    return true;
}
