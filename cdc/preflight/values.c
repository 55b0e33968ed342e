/* SPDX-License-Identifier: Apache-2.0 */
/* See values.h. */
#include "cdc/preflight/values.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"

enum { VALUES_PER_COLUMN = 3, ROW_TEXT_MAX = 64 << 20 };

#define VALUE_KIND  "value"
#define VALUE_GROUP "values that the new side cannot hold"
#define VALUE_ADVICE                                                                            \
    "Correct these values on the old side, or change the new side's columns so that they hold " \
    "them, or give the column an expression (as/back) in ficus.yaml, or leave it out of the "   \
    "table's columns. Rows that come later are checked again by the stream."

static const struct fx_map_table *map_of(const struct cdc_scan_spec *spec, size_t table)
{
    return &spec->binding->ctx.tables[table];
}

/* --- what has to be read ---------------------------------------------------------------------- */

/* Every value of one integer type is one of the other: nothing to ask. Text is not among them: what
 * a server with encoding SQL_ASCII calls text may not even be UTF-8. */
static bool always_fits(const struct fx_map_column *pair, const struct fx_type *from,
                        const struct fx_type *to)
{
    if (pair->forward != NULL || from->kind != to->kind)
        return false;
    return from->kind == FX_V_BOOL ||
           (from->kind == FX_V_INT && from->bits > 0 && from->bits <= to->bits &&
            from->is_unsigned == to->is_unsigned);
}

static void choose_pairs(struct cdc_judge *judge, bool *reads)
{
    const struct fx_map_table *map = map_of(judge->spec, judge->table);
    for (size_t i = 0; i < map->n_columns; i++) {
        const struct fx_column *from = &map->old_table->columns[map->old_index[i]];
        const struct fx_column *to = &map->new_table->columns[map->new_index[i]];
        judge->is_checked[i] = !from->is_generated && !to->is_generated &&
                               !always_fits(&map->columns[i], &from->type, &to->type);
        reads[map->old_index[i]] |=
            judge->is_checked[i] || judge->spec->pads[judge->table][i] != NULL;
    }
}

void cdc_judge_init(struct cdc_judge *judge, const struct cdc_scan_spec *spec, size_t table,
                    size_t text_max)
{
    const struct fx_table *source = cdc_source_table(spec->binding, table);
    size_t n = source->n_columns + 1, n_pairs = map_of(spec, table)->n_columns + 1;
    *judge = (struct cdc_judge){.spec = spec, .table = table, .text_max = text_max};
    fx_buf_init(&judge->literals, ROW_TEXT_MAX);
    fx_arena_init(&judge->arena, 0);
    fx_arena_init(&judge->scratch, 0);
    judge->columns = fx_arena_array(&judge->arena, n, sizeof *judge->columns);
    judge->is_checked = fx_arena_array(&judge->arena, n_pairs, sizeof *judge->is_checked);
    judge->row = fx_arena_array(&judge->arena, n, sizeof *judge->row);
    bool *reads = fx_arena_array(&judge->arena, n, sizeof *reads);
    choose_pairs(judge, reads);
    for (size_t k = 0; k < source->n_key; k++)
        reads[source->key[k]] = true; /* says which row it is */
    for (size_t c = 0; c < source->n_columns; c++) {
        judge->row[c].kind = FX_V_UNCHANGED;
        if (reads[c])
            judge->columns[judge->n_columns++] = (int)c;
    }
}

void cdc_judge_done(struct cdc_judge *judge)
{
    cdc_bad_values_free(judge->found);
    fx_buf_done(&judge->literals);
    fx_arena_done(&judge->scratch);
    fx_arena_done(&judge->arena);
}

/* --- what was found --------------------------------------------------------------------------- */

static struct cdc_bad_values *found(struct cdc_judge *judge)
{
    if (judge->found != NULL)
        return judge->found;
    struct cdc_bad_values *bad = FX_NEW(struct cdc_bad_values);
    bad->n_pairs = map_of(judge->spec, judge->table)->n_columns + 1;
    bad->values = fx_alloc_array(bad->n_pairs, sizeof *bad->values);
    bad->spaces = fx_alloc_array(bad->n_pairs, sizeof *bad->spaces);
    fx_findings_init(&bad->shown);
    return judge->found = bad;
}

void cdc_bad_values_free(struct cdc_bad_values *bad)
{
    if (bad == NULL)
        return;
    fx_findings_done(&bad->shown);
    free(bad->values);
    free(bad->spaces);
    free(bad);
}

struct cdc_bad_values *cdc_judge_take(struct cdc_judge *judge)
{
    struct cdc_bad_values *bad = judge->found;
    judge->found = NULL;
    return bad;
}

static const char *column_of(const struct cdc_scan_spec *spec, size_t table, size_t pair)
{
    const struct fx_map_table *map = map_of(spec, table);
    return pair < map->n_columns ? map->columns[pair].old_name : NULL;
}

static void show(struct cdc_judge *judge, struct fx_finding *finding, size_t pair)
{
    FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(400);
    struct cdc_row row = {.op = CDC_INSERT, .table = judge->table, .new = judge->row};
    cdc_row_describe(judge->spec->binding, &row, &where);
    finding->where = fx_buf_cstr(&where);
    finding->column = column_of(judge->spec, judge->table, pair);
    finding->is_row = true;
    fx_findings_put(&found(judge)->shown, finding);
}

/* The first of each column are shown, the others counted. */
static void add_value(struct cdc_judge *judge, size_t pair, const char *what, const char *fix)
{
    if (++found(judge)->values[pair] > VALUES_PER_COLUMN)
        return;
    show(judge,
         &(struct fx_finding){.kind = VALUE_KIND,
                              .group = VALUE_GROUP,
                              .advice = VALUE_ADVICE,
                              .what = what,
                              .fix = fix},
         pair);
}

/* Two keys that differ in trailing spaces only would be one on the new side. */
static void check_space(struct cdc_judge *judge, size_t pair)
{
    const struct fx_map_table *map = map_of(judge->spec, judge->table);
    const struct fx_value *v = &judge->row[map->old_index[pair]];
    const char *fix = judge->spec->pads[judge->table][pair];
    if (fix == NULL || v->kind != FX_V_TEXT || !fx_str_ends(v->s, FX_STR(" ")) ||
        ++found(judge)->spaces[pair] > VALUES_PER_COLUMN)
        return;
    const char *what =
        fx_arena_printf(&judge->scratch, CDC_SPACE_WHAT, map->columns[pair].old_name,
                        "ends in a space", map->new_name, map->columns[pair].new_name);
    show(judge,
         &(struct fx_finding){
             .kind = CDC_SPACE_KIND, .group = CDC_SPACE_GROUP, .fix = fix, .what = what},
         pair);
}

/* --- one row ---------------------------------------------------------------------------------- */

static bool is_good(struct cdc_judge *judge, size_t pair, struct fx_err *err)
{
    const struct fx_map_table *map = map_of(judge->spec, judge->table);
    const struct fx_column *to = &map->new_table->columns[map->new_index[pair]];
    struct fx_value out;
    return fx_map_pair(map, pair, FX_FORWARD, &judge->row[map->old_index[pair]], &out,
                       &judge->scratch, err) &&
           fx_db_value_literal(judge->spec->binding->target->engine, &out, &to->type,
                               &judge->literals, err);
}

/* The statement has names beside the values; what comes that
 * near to the limit without reaching it is left to the stream. */
static void check_size(struct cdc_judge *judge)
{
    const struct cdc_binding *binding = judge->spec->binding;
    const struct cdc_engine_target *target = &judge->spec->sides->new_side.engine->target;
    size_t pair = map_of(judge->spec, judge->table)->n_columns;
    struct fx_err why = FX_ERR_INIT;
    if (judge->literals.has_failed) {
        add_value(judge, pair, "the values of this row have more than 64 MiB as text", NULL);
    } else if (judge->text_max > 0 && judge->literals.len > judge->text_max) {
        (void)target->fail_too_long(binding, judge->literals.len, judge->text_max, &why);
        add_value(judge, pair, why.message, why.hint);
    }
}

void cdc_judge_row(struct cdc_judge *judge, const struct fx_value *values)
{
    for (size_t c = 0; c < judge->n_columns; c++)
        judge->row[judge->columns[c]] = values[c];
    for (size_t i = 0; i < map_of(judge->spec, judge->table)->n_columns; i++) {
        struct fx_err why = FX_ERR_INIT;
        if (judge->is_checked[i] && !is_good(judge, i, &why))
            add_value(judge, i, why.message, NULL);
        check_space(judge, i);
    }
    check_size(judge);
    fx_buf_clear(&judge->literals);
    fx_arena_clear(&judge->scratch);
}

/* --- the report ------------------------------------------------------------------------------- */

static size_t pair_of(const struct cdc_scan_spec *spec, size_t table, const char *column)
{
    const struct fx_map_table *map = map_of(spec, table);
    size_t i = 0;
    while (i < map->n_columns && strcmp(map->columns[i].old_name, column) != 0)
        i++;
    return i;
}

static void add_rest(const struct cdc_scan_spec *spec, size_t table, size_t pair, int64_t n,
                     const struct fx_finding *group, struct fx_findings *f)
{
    const struct fx_table *source = cdc_source_table(spec->binding, table);
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(400), where = FX_BUF(400);
    struct fx_finding rest = *group;
    if (n <= VALUES_PER_COLUMN)
        return;
    n -= VALUES_PER_COLUMN;
    fx_buf_printf(&what, "%" PRId64 " more row%s have such values", n, n == 1 ? "" : "s");
    fx_buf_printf(&where, "%s.%s", source->schema, source->name);
    rest.column = column_of(spec, table, pair);
    if (rest.column != NULL)
        fx_buf_printf(&what, " in column %s", rest.column);
    rest.what = fx_buf_cstr(&what);
    rest.where = fx_buf_cstr(&where);
    fx_findings_put(f, &rest);
}

static void add_shown(const struct cdc_scan_spec *spec, size_t table,
                      const struct fx_findings *from, int64_t *n_shown, size_t n_pairs,
                      struct fx_findings *f)
{
    for (size_t i = 0; i < from->n; i++) {
        bool is_space = strcmp(from->items[i].kind, CDC_SPACE_KIND) == 0;
        size_t pair = pair_of(spec, table, from->items[i].column);
        if (n_shown[pair + (is_space ? n_pairs : 0)]++ < VALUES_PER_COLUMN)
            fx_findings_put(f, &from->items[i]);
    }
}

void cdc_bad_values_report(const struct cdc_scan_spec *spec, size_t table,
                           struct cdc_bad_values *const *pieces, size_t n_pieces,
                           struct fx_findings *f)
{
    const struct fx_finding value = {
        .kind = VALUE_KIND, .group = VALUE_GROUP, .advice = VALUE_ADVICE, .is_row = true};
    const struct fx_finding space = {
        .kind = CDC_SPACE_KIND, .group = CDC_SPACE_GROUP, .is_row = true};
    size_t n_pairs = map_of(spec, table)->n_columns + 1;
    int64_t *n_shown = fx_alloc_array(n_pairs * 2, sizeof *n_shown);
    int64_t *n_all = fx_alloc_array(n_pairs * 2, sizeof *n_all);
    for (size_t p = 0; p < n_pieces; p++) {
        add_shown(spec, table, &pieces[p]->shown, n_shown, n_pairs, f);
        for (size_t i = 0; i < n_pairs; i++) {
            n_all[i] += pieces[p]->values[i];
            n_all[n_pairs + i] += pieces[p]->spaces[i];
        }
    }
    for (size_t i = 0; i < n_pairs; i++) {
        add_rest(spec, table, i, n_all[i], &value, f);
        add_rest(spec, table, i, n_all[n_pairs + i], &space, f);
    }
    free(n_shown);
    free(n_all);
}
