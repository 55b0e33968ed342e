/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what both sides call unique. A key of one side is kept by the other when some key there
 * has no column that this one has not: rows that differ in fewer columns differ in more.
 * Expressions of the mapping give different results for different values (ADR 0015), so columns are
 * identified by their pair.
 *
 * An index over expressions, with a predicate, or over a column that only one side computes is
 * opaque: it cannot be compared, so that the other side must have an opaque one too is all that is
 * asked.
 */
#include "cdc/checks.h"
#include "lib/db/engine.h"

enum { TEXT_MAX = 16 << 10 };

#define NO_COUNTERPART "unique keys without a counterpart on the other side"

struct key {
    struct fx_str name;
    bool *has;  /* for each pair of the mapping: is its column part of the key */
    bool *full; /* the same, without columns of which only a prefix is compared */
    bool is_primary, is_opaque;
    bool is_unknown; /* has a column without a counterpart, which is a finding already */
    size_t row;      /* of its first column in the result */
};

struct side_keys {
    const struct cdc_side *side;
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

static bool is_new(const struct side_keys *side)
{
    return side->side->out == FX_REVERSE;
}

static const char *column_of(const struct keys *k, const struct side_keys *side, size_t pair)
{
    return is_new(side) ? k->map->new_table->columns[k->map->new_index[pair]].name
                        : k->map->old_table->columns[k->map->old_index[pair]].name;
}

/* The pair that a column of one side belongs to, -1: the other side has none. */
static ptrdiff_t pair_of(const struct keys *k, const struct side_keys *side, size_t row)
{
    fx_cell column = fx_rows_at(&side->rows, row, CDC_KEY_COLUMN);
    for (size_t i = 0; column.ptr != NULL && i < k->map->n_columns; i++)
        if (fx_str_eq_c(column, column_of(k, side, i)))
            return (ptrdiff_t)i;
    return -1;
}

/* A stored column that the mapping could not pair; what the server computes needs no pair. */
static bool is_unpaired(const struct keys *k, const struct side_keys *side, size_t row)
{
    const struct fx_table *table = is_new(side) ? k->map->new_table : k->map->old_table;
    fx_cell column = fx_rows_at(&side->rows, row, CDC_KEY_COLUMN);
    int at = column.ptr == NULL ? -1 : fx_table_column(table, column.ptr);
    return at >= 0 && !table->columns[at].is_generated;
}

static void add_column(struct keys *k, struct side_keys *side, size_t row)
{
    fx_cell index = fx_rows_at(&side->rows, row, CDC_KEY_INDEX);
    struct key *key = side->n > 0 ? &side->keys[side->n - 1] : NULL;
    if (key == NULL || !fx_str_eq(key->name, index)) {
        key = &side->keys[side->n++];
        *key = (struct key){.name = index, .row = row};
        key->has = fx_arena_array(k->arena, k->map->n_columns + 1, sizeof *key->has);
        key->full = fx_arena_array(k->arena, k->map->n_columns + 1, sizeof *key->full);
        key->is_primary = flag(&side->rows, row, CDC_KEY_PRIMARY);
        key->is_opaque = flag(&side->rows, row, CDC_KEY_OPAQUE);
    }
    ptrdiff_t pair = pair_of(k, side, row);
    if (pair < 0) {
        key->is_opaque = true;
        key->is_unknown |= is_unpaired(k, side, row);
        return;
    }
    key->has[pair] = true;
    key->full[pair] = !flag(&side->rows, row, CDC_KEY_PREFIX);
}

static bool read_side(struct keys *k, struct side_keys *side, struct fx_err *err)
{
    const struct fx_table *table = is_new(side) ? k->map->new_table : k->map->old_table;
    if (!side->side->engine->read_keys(side->side, table->schema, table->name, &side->rows, err)) {
        (void)cdc_side_err(side->side, err);
        return fx_ctx(err, "reading the keys of table \"%s.%s\"", table->schema, table->name);
    }
    side->keys = fx_arena_array(k->arena, side->rows.n_rows + 1, sizeof *side->keys);
    for (size_t row = 0; row < side->rows.n_rows; row++)
        add_column(k, side, row);
    return true;
}

/* Does `side` keep apart whatever differs in the columns of `key`? */
static bool is_kept(const struct keys *k, const struct key *key, const struct side_keys *side)
{
    for (size_t i = 0; i < side->n; i++) {
        const struct key *other = &side->keys[i];
        if (key->is_unknown)
            return true;
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

/* "a, b": the key's columns, quoted, as one side calls them. */
static void add_columns(const struct keys *k, const struct key *key, const struct side_keys *side,
                        struct fx_buf *out)
{
    bool is_first = true;
    for (size_t p = 0; p < k->map->n_columns; p++) {
        if (!key->has[p])
            continue;
        if (!is_first)
            fx_buf_add_c(out, ", ");
        is_first = false;
        fx_db_ident(side->side->conf->engine, column_of(k, side, p), out);
    }
}

static const char *where_of(const struct keys *k, const struct side_keys *side,
                            const struct key *key)
{
    return fx_arena_str(k->arena, fx_rows_at(&side->rows, key->row, CDC_KEY_TABLE)).ptr;
}

static const struct side_keys *other_of(const struct keys *k, const struct side_keys *side)
{
    return side == &k->old_side ? &k->new_side : &k->old_side;
}

/* --- what is wrong with a key by itself ------------------------------------------------------- */

/* Rows may be equal in the middle of a transaction; the other
 * side, which checks each row at once, would refuse it. */
static void refuse_deferrable(struct keys *k, const struct side_keys *side, const struct key *key)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    fx_cell quoted = fx_rows_at(&side->rows, key->row, CDC_KEY_QUOTED);
    const char *where = where_of(k, side, key);
    fx_findings_topic(k->f, "key-deferrable",
                      "keys that are checked only at the end of a transaction", NULL);
    fx_buf_printf(
        &what, "constraint %.*s is DEFERRABLE: %s", FX_STR_FMT(quoted),
        key->is_primary
            ? "it cannot be the replica identity, so updates of the published table would fail"
        : is_new(side) ? "a transaction may swap values in a way that the old side cannot follow"
                       : "a transaction may swap values in a way that the new side cannot follow");
    fx_buf_printf(&fix, "ALTER TABLE %s DROP CONSTRAINT %.*s, ADD CONSTRAINT %.*s %s (", where,
                  FX_STR_FMT(quoted), FX_STR_FMT(quoted),
                  key->is_primary ? "PRIMARY KEY" : "UNIQUE");
    add_columns(k, key, side, &fix);
    fx_buf_add_c(&fix, ");");
    fx_findings_add_str(k->f, where, fx_buf_str(&what), fx_buf_str(&fix));
}

static void refuse_exclusion(struct keys *k, const struct side_keys *side, const struct key *key)
{
    fx_findings_topic(k->f, "exclusion-constraint", "exclusion constraints", NULL);
    fx_findings_add(
        k->f, where_of(k, side, key), NULL,
        "exclusion constraint %.*s has no counterpart in %s: rows that are accepted "
        "there would stop the %s; drop the constraint, or take the table out of the context",
        FX_STR_FMT(fx_rows_at(&side->rows, key->row, CDC_KEY_QUOTED)),
        fx_engine_row(other_of(k, side)->side->conf->engine)->title,
        is_new(side) ? "stream" : "reverse stream");
}

/* A finding about one column of a unique key, whose comparison is not that of the other side. */
static void refuse_collation(struct keys *k, const struct side_keys *side, size_t row,
                             const char *what)
{
    const struct fx_rows *rows = &side->rows;
    fx_findings_put(
        k->f, &(struct fx_finding){
                  .kind = "key-collation",
                  .group = "unique keys that take texts for equal which the other side keeps apart",
                  .where = fx_arena_str(k->arena, fx_rows_at(rows, row, CDC_KEY_TABLE)).ptr,
                  .column = fx_arena_str(k->arena, fx_rows_at(rows, row, CDC_KEY_COLUMN)).ptr,
                  .what = what,
                  .fix = fx_arena_str(k->arena, fx_rows_at(rows, row, CDC_KEY_FIX)).ptr});
}

static const char *other_table(const struct keys *k, const struct side_keys *side)
{
    return is_new(side) ? fx_arena_printf(k->arena, "%s.%s", k->map->old_schema, k->map->old_name)
                        : fx_arena_printf(k->arena, "%s.%s", k->map->new_schema, k->map->new_name);
}

static bool is_text(const struct keys *k, ptrdiff_t pair)
{
    /* A uuid that is stored as text has one spelling, however text compares. */
    return k->map->old_table->columns[k->map->old_index[pair]].type.kind == FX_V_TEXT;
}

static void check_folding(struct keys *k, const struct side_keys *side, size_t row)
{
    const struct fx_rows *rows = &side->rows;
    refuse_collation(
        k, side, row,
        fx_arena_printf(k->arena,
                        "column %.*s of a unique key compares as %.*s: values that differ in %s "
                        "may be equal here",
                        FX_STR_FMT(fx_rows_at(rows, row, CDC_KEY_COLUMN)),
                        FX_STR_FMT(fx_rows_at(rows, row, CDC_KEY_COLLATION)),
                        other_table(k, side)));
}

/* Does the new side's column of this pair ignore trailing spaces, by its type or its collation? */
static bool new_pads(const struct keys *k, ptrdiff_t pair, const char **pads)
{
    return pads[pair] != NULL ||
           k->map->new_table->columns[k->map->new_index[pair]].type.is_fixed_char;
}

/* The old side ignores trailing spaces: what only the new side tells apart could not go back. */
static void check_padding(struct keys *k, const struct side_keys *side, size_t row, ptrdiff_t pair,
                          const char **pads)
{
    const struct fx_column *old = &k->map->old_table->columns[k->map->old_index[pair]];
    const struct fx_column *new_column = &k->map->new_table->columns[k->map->new_index[pair]];
    if (is_new(side) || !flag(&side->rows, row, CDC_KEY_PADS) || new_pads(k, pair, pads))
        return;
    refuse_collation(
        k, side, row,
        fx_arena_printf(k->arena,
                        "column %s of a unique key has type %s, which ignores trailing spaces: "
                        "values of %s.%s that differ only in them would be one; give column %s "
                        "there type char",
                        old->name, old->type.declared, k->map->new_schema, k->map->new_name,
                        new_column->name));
}

/* Trailing spaces that only the old side tells apart are looked for in its rows: most keys have
 * none (ADR 0154). */
static void read_padding(struct keys *k, const struct side_keys *side, const char **pads)
{
    for (size_t row = 0; row < side->rows.n_rows; row++) {
        ptrdiff_t pair = pair_of(k, side, row);
        if (pair >= 0 && is_text(k, pair) && flag(&side->rows, row, CDC_KEY_PADS))
            pads[pair] = fx_arena_str(k->arena, fx_rows_at(&side->rows, row, CDC_KEY_FIX)).ptr;
    }
}

/* Text that differs on the other side must differ here as well. */
static void check_collations(struct keys *k, const struct side_keys *side, const char **pads)
{
    bool *is_told = fx_arena_array(k->arena, k->map->n_columns + 1, sizeof *is_told);
    for (size_t row = 0; row < side->rows.n_rows; row++) {
        ptrdiff_t pair = pair_of(k, side, row);
        if (pair < 0 || is_told[pair] || !is_text(k, pair))
            continue;
        is_told[pair] = flag(&side->rows, row, CDC_KEY_FOLDS);
        if (is_told[pair])
            check_folding(k, side, row);
        else
            check_padding(k, side, row, pair, pads);
    }
}

/* ---- a key that the other side does not keep: the new
 * side is changed, whichever has it ------------------- */

static void refuse_new(struct keys *k, const struct key *key)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    fx_findings_topic(k->f, "key-without-counterpart", NO_COUNTERPART, NULL);
    fx_buf_printf(&what,
                  "unique key %.*s has no counterpart in %s.%s: rows that are accepted there would "
                  "stop the stream",
                  FX_STR_FMT(key->name), k->map->old_schema, k->map->old_name);
    if (key->is_primary)
        fx_buf_add_c(
            &what,
            "; it compares only the beginning of a column: declare it over the whole column");
    else
        k->new_side.side->engine->target.drop_key(
            k->where,
            fx_arena_str(k->arena, fx_rows_at(&k->new_side.rows, key->row, CDC_KEY_QUOTED)).ptr,
            &fix);
    fx_findings_add_str(k->f, k->where, fx_buf_str(&what), fx_buf_str(&fix));
}

static void refuse_old(struct keys *k, const struct key *key)
{
    FX_AUTO(fx_buf)
    struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX), columns = FX_BUF(TEXT_MAX);
    fx_findings_topic(k->f, "key-without-counterpart", NO_COUNTERPART, NULL);
    fx_buf_printf(&what,
                  "unique index %.*s has no counterpart in %s: rows that are accepted there would "
                  "stop the reverse stream",
                  FX_STR_FMT(fx_rows_at(&k->old_side.rows, key->row, CDC_KEY_QUOTED)), k->where);
    if (key->is_opaque) {
        fx_buf_printf(&what, "; give %s a generated column with the same value and a UNIQUE key",
                      k->where);
    } else {
        add_columns(k, key, &k->new_side, &columns);
        k->new_side.side->engine->target.add_key(k->where, fx_buf_cstr(&columns), &fix);
    }
    fx_findings_add_str(k->f, where_of(k, &k->old_side, key), fx_buf_str(&what), fx_buf_str(&fix));
}

static void check_side_keys(struct keys *k, const struct side_keys *side)
{
    for (size_t i = 0; i < side->n; i++) {
        const struct key *key = &side->keys[i];
        if (flag(&side->rows, key->row, CDC_KEY_EXCLUSION))
            refuse_exclusion(k, side, key);
        else if (flag(&side->rows, key->row, CDC_KEY_DEFERRABLE))
            refuse_deferrable(k, side, key);
        else if (!is_kept(k, key, other_of(k, side)))
            (is_new(side) ? refuse_new : refuse_old)(k, key);
    }
}

/* --- both ------------------------------------------------------------------------------------- */

static bool check_table(struct keys *k, const char **pads, struct fx_err *err)
{
    if (!read_side(k, &k->old_side, err) || !read_side(k, &k->new_side, err))
        return false;
    read_padding(k, &k->new_side, pads);
    check_side_keys(k, &k->old_side);
    check_collations(k, &k->old_side, pads);
    check_side_keys(k, &k->new_side);
    check_collations(k, &k->new_side, pads);
    return true;
}

bool cdc_check_keys(struct fx_findings *f, const struct cdc_binding *binding,
                    const struct cdc_sides *sides, struct fx_arena *arena, const char ****ret_pads,
                    struct fx_err *err)
{
    size_t n = binding->ctx.n_tables;
    const char ***pads = fx_arena_array(arena, n + 1, sizeof *pads);
    for (size_t t = 0; t < n; t++) {
        const struct fx_map_table *map = &binding->ctx.tables[t];
        pads[t] = fx_arena_array(arena, map->n_columns + 1, sizeof *pads[t]);
        if (map->old_table == NULL || map->new_table == NULL)
            continue;
        struct keys k = {.f = f, .map = map, .arena = arena};
        k.old_side.side = &sides->old_side;
        k.new_side.side = &sides->new_side;
        k.where = fx_arena_printf(arena, "%s.%s", map->new_schema, map->new_name);
        bool is_ok = check_table(&k, pads[t], err);
        fx_rows_done(&k.old_side.rows);
        fx_rows_done(&k.new_side.rows);
        if (!is_ok)
            return false;
    }
    *ret_pads = pads;
    return true;
}
