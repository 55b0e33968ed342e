/* SPDX-License-Identifier: Apache-2.0 */
/*
 *        source: 1 2 3   5          key order on both sides, like the last step of a merge sort
 *        target: 1   3 4 5
 *                  |   `-- extra
 *                  `------ missing
 *
 * Equal keys: every column is compared, also behind the first difference, so that the count is
 * honest.
 */
#include "reconcile/differ.h"

#include "lib/base/alloc.h"
#include "lib/base/vec.h"

enum { SHOWN_MAX_BYTES = 2000, PROGRESS_EVERY_ROWS = 2048 };

/* One side of the merge: its current row and the key
 * of the row before, for the check of the order. */
struct side {
    const struct rec_stream *stream;
    const struct rec_columns *columns;
    const struct fx_value *row; /* NULL: at the end */
    struct fx_value *last_key;  /* in pair order; only key pairs are set */
    struct fx_arena arenas[2];  /* of last_key, in turn */
    bool has_last;
    int turn;
    int64_t n_rows;
};

int rec_key_cmp(const struct rec_columns *columns, const struct fx_value *a,
                const struct fx_value *b)
{
    for (size_t i = 0; i < columns->n_key; i++) {
        int order = fx_value_key_cmp(&a[columns->key[i]], &b[columns->key[i]]);
        if (order != 0)
            return order;
    }
    return 0;
}

static const char *shown(const struct fx_value *value, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(SHOWN_MAX_BYTES);
    fx_value_show(value, &text);
    return fx_arena_strdup(arena, fx_buf_cstr(&text));
}

const char *rec_key_text(const struct rec_columns *columns, const struct fx_value *row,
                         struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(SHOWN_MAX_BYTES);
    for (size_t i = 0; i < columns->n_key; i++) {
        fx_buf_printf(&text, "%s%s = ", i > 0 ? ", " : "", columns->names[columns->key[i]]);
        fx_value_show(&row[columns->key[i]], &text);
    }
    return fx_arena_strdup(arena, fx_buf_cstr(&text));
}

static void side_init(struct side *side, const struct rec_stream *stream,
                      const struct rec_columns *columns)
{
    *side = (struct side){.stream = stream, .columns = columns};
    fx_arena_init(&side->arenas[0], 0);
    fx_arena_init(&side->arenas[1], 0);
    side->last_key = fx_alloc_array(columns->n, sizeof *side->last_key);
}

static void side_done(struct side *side)
{
    fx_arena_done(&side->arenas[0]);
    fx_arena_done(&side->arenas[1]);
    free(side->last_key);
}

/* A bigint unsigned is an integer up to 2^63-1 and
 * a decimal from there on: one order all the same. */
static bool is_one_order(enum fx_vkind a, enum fx_vkind b)
{
    bool is_number = (a == FX_V_INT || a == FX_V_DECIMAL) && (b == FX_V_INT || b == FX_V_DECIMAL);
    return a == b || is_number;
}

static bool hint_report(struct fx_err *err)
{
    return fx_hint(err, "Compare again: ficus reconcile run --context NAME. If it fails again, "
                        "please report it with this message and the definitions of both tables.");
}

/* Same kinds on both ends of every comparison, or fx_value_key_cmp would not be an order. */
static bool check_key(const struct side *side, struct fx_err *err)
{
    for (size_t i = 0; i < side->columns->n_key; i++) {
        const struct fx_value *value = &side->row[side->columns->key[i]];
        if (value->kind == FX_V_NULL || value->kind == FX_V_UNCHANGED)
            return fx_fail(err, FX_E_PROTOCOL, "%s: the key column \"%s\" of a row has no value",
                           side->stream->name, side->columns->names[side->columns->key[i]]) ||
                   hint_report(err);
        if (side->has_last &&
            !is_one_order(value->kind, side->last_key[side->columns->key[i]].kind))
            return fx_fail(err, FX_E_PROTOCOL,
                           "%s: two rows have different types in key column \"%s\"",
                           side->stream->name, side->columns->names[side->columns->key[i]]) ||
                   hint_report(err);
    }
    return true;
}

static bool advance(struct side *side, struct fx_err *err)
{
    if (side->row != NULL) { /* keep the key that is about to go */
        struct fx_arena *arena = &side->arenas[side->turn ^= 1];
        fx_arena_clear(arena);
        for (size_t i = 0; i < side->columns->n_key; i++)
            side->last_key[side->columns->key[i]] =
                fx_value_copy(&side->row[side->columns->key[i]], arena);
        side->has_last = true;
    }
    if (!side->stream->next(side->stream->arg, &side->row, err))
        return fx_ctx(err, "reading row %lld of %s", (long long)side->n_rows + 1,
                      side->stream->name);
    if (side->row == NULL)
        return true;
    side->n_rows++;
    if (!check_key(side, err))
        return false;
    if (!side->has_last || rec_key_cmp(side->columns, side->last_key, side->row) < 0)
        return true;
    struct fx_arena *arena = &side->arenas[side->turn ^ 1];
    return fx_fail(err, FX_E_PROTOCOL, "%s: rows are not in key order: %s follows %s",
                   side->stream->name, rec_key_text(side->columns, side->row, arena),
                   rec_key_text(side->columns, side->last_key, arena)) ||
           hint_report(err);
}

struct merge {
    struct side source, target;
    const struct rec_columns *columns;
    struct fx_arena *arena;
    struct rec_table_result *result;
    FX_VEC(struct rec_difference) differences;
    int64_t differences_max;
};

static struct rec_difference *add_difference(struct merge *merge, enum rec_kind kind,
                                             const struct fx_value *row)
{
    if ((int64_t)merge->differences.len >= merge->differences_max)
        return NULL;
    FX_VEC_PUSH(&merge->differences,
                (struct rec_difference){.kind = kind,
                                        .key = rec_key_text(merge->columns, row, merge->arena)});
    return &merge->differences.items[merge->differences.len - 1];
}

static void compare_columns(struct merge *merge)
{
    const struct fx_value *source = merge->source.row, *target = merge->target.row;
    size_t first = 0, n_different = 0;
    for (size_t i = merge->columns->n; i-- > 0;) {
        if (!fx_value_equal(&source[i], &target[i])) {
            first = i;
            n_different++;
        }
    }
    if (n_different == 0) {
        merge->result->rows_equal++;
        return;
    }
    merge->result->different++;
    struct rec_difference *difference = add_difference(merge, REC_DIFFERENT, source);
    if (difference == NULL)
        return;
    difference->column = merge->columns->names[first];
    difference->source = shown(&source[first], merge->arena);
    difference->target = shown(&target[first], merge->arena);
    difference->n_columns_different = n_different;
}

static bool step(struct merge *merge, struct fx_err *err)
{
    struct side *source = &merge->source, *target = &merge->target;
    int order = source->row == NULL   ? 1
                : target->row == NULL ? -1
                                      : rec_key_cmp(merge->columns, source->row, target->row);
    if (order < 0) {
        merge->result->missing++;
        (void)add_difference(merge, REC_MISSING, source->row);
        return advance(source, err);
    }
    if (order > 0) {
        merge->result->extra++;
        (void)add_difference(merge, REC_EXTRA, target->row);
        return advance(target, err);
    }
    compare_columns(merge);
    return advance(source, err) && advance(target, err);
}

static bool check_kinds(const struct merge *merge, struct fx_err *err)
{
    const struct fx_value *source = merge->source.row, *target = merge->target.row;
    for (size_t i = 0; source != NULL && target != NULL && i < merge->columns->n_key; i++) {
        size_t k = merge->columns->key[i];
        if (!is_one_order(source[k].kind, target[k].kind))
            return fx_fail(err, FX_E_PROTOCOL,
                           "the key column \"%s\" of table \"%s\" has values of different types on "
                           "the two sides",
                           merge->columns->names[k], merge->result->source_name) ||
                   hint_report(err);
    }
    return true;
}

static bool run(struct merge *merge, const struct rec_progress *progress, struct fx_err *err)
{
    if (!advance(&merge->source, err) || !advance(&merge->target, err) || !check_kinds(merge, err))
        return false;
    for (int64_t n = 1; merge->source.row != NULL || merge->target.row != NULL; n++) {
        if (!step(merge, err))
            return false;
        if (n % PROGRESS_EVERY_ROWS == 0 && progress != NULL && progress->on_progress != NULL &&
            !progress->on_progress(progress->arg, merge->result->source_name, merge->source.n_rows))
            return fx_fail(err, FX_E_INTERRUPTED,
                           "the comparison was stopped as requested, in table \"%s\"",
                           merge->result->source_name) ||
                   fx_hint(err,
                           "There is no report. Run it again: ficus reconcile run --context NAME");
    }
    return true;
}

bool rec_diff(const struct rec_stream *source, const struct rec_stream *target,
              const struct rec_columns *columns, int64_t differences_max,
              const struct rec_progress *progress, struct fx_arena *arena,
              struct rec_table_result *result, struct fx_err *err)
{
    struct merge merge = {
        .columns = columns, .arena = arena, .result = result, .differences_max = differences_max};
    for (size_t i = 0; i < result->n_differences; i++) /* go on with an earlier part's list */
        FX_VEC_PUSH(&merge.differences, result->differences[i]);
    side_init(&merge.source, source, columns);
    side_init(&merge.target, target, columns);
    bool is_ok = run(&merge, progress, err);
    result->rows_source += merge.source.n_rows;
    result->rows_target += merge.target.n_rows;
    result->n_differences = merge.differences.len;
    result->differences =
        fx_arena_array(arena, merge.differences.len + 1, sizeof *result->differences);
    if (merge.differences.len > 0)
        memcpy(result->differences, merge.differences.items,
               merge.differences.len * sizeof *result->differences);
    FX_VEC_DONE(&merge.differences);
    side_done(&merge.source);
    side_done(&merge.target);
    return is_ok;
}
