/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of the merge is the target's primary key in its order; the source's key must name the
 * same pairs in the same order, or both scans would be sorted differently.
 */
#include "reconcile/table.h"

#include "reconcile/reader.h"

static const char *full_name(const struct fx_table *table, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s.%s", table->schema, table->name);
}

/* The pair whose column on one side is `column`, or n_columns. */
static size_t pair_of(const struct fx_map_table *map, const int *index, int column)
{
    size_t i = 0;
    while (i < map->n_columns && index[i] != column)
        i++;
    return i;
}

static bool find_key(const struct fx_map_table *map, enum fx_direction direction,
                     struct fx_arena *arena, struct rec_table *table, struct fx_err *err)
{
    const int *source_index = direction == FX_FORWARD ? map->old_index : map->new_index;
    const int *target_index = direction == FX_FORWARD ? map->new_index : map->old_index;
    size_t *key = fx_arena_array(arena, table->target->n_key + 1, sizeof *key);
    bool is_same = table->source->n_key == table->target->n_key && table->target->n_key > 0;
    for (size_t i = 0; is_same && i < table->target->n_key; i++) {
        key[i] = pair_of(map, target_index, table->target->key[i]);
        is_same = key[i] < map->n_columns && source_index[key[i]] == table->source->key[i];
    }
    if (!is_same)
        return fx_fail(err, FX_E_MAPPING,
                       "the primary keys of \"%s\" and \"%s\" are not the same columns in the same "
                       "order",
                       table->source_name, table->target_name) ||
               fx_hint(err, "Change the primary key of one table, or the columns of the mapping in "
                            "ficus.yaml, then run: " FX_CMD_PREFLIGHT);
    table->columns.key = key;
    table->columns.n_key = table->target->n_key;
    return true;
}

/* Bound contexts leave only generated columns without
 * a counterpart: nothing to compare them with. */
static void add_one_sided(const struct fx_map_table *map, const int *index,
                          const struct fx_table *table, struct fx_buf *out)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (table->columns[i].is_generated && pair_of(map, index, (int)i) == map->n_columns)
            fx_buf_printf(out, "%s%s.%s.%s", out->len > 0 ? ", " : "", table->schema, table->name,
                          table->columns[i].name);
    }
}

static const char *find_one_sided(const struct fx_map_table *map, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    add_one_sided(map, map->old_index, map->old_table, &text);
    add_one_sided(map, map->new_index, map->new_table, &text);
    return text.len > 0 ? fx_arena_strdup(arena, fx_buf_cstr(&text)) : NULL;
}

static const char *find_uncovered(const struct fx_map_table *map, enum fx_direction direction,
                                  const struct fx_table *source, struct fx_arena *arena)
{
    const int *index = direction == FX_FORWARD ? map->old_index : map->new_index;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    for (size_t i = 0; i < source->n_columns; i++) {
        if (source->columns[i].is_generated || pair_of(map, index, (int)i) < map->n_columns)
            continue;
        fx_buf_printf(&text, "%s%s",
                      text.len > 0 ? ", " : "not compared: ", source->columns[i].name);
    }
    return text.len > 0 ? fx_arena_strdup(arena, fx_buf_cstr(&text)) : NULL;
}

bool rec_table_init(const struct fx_map_table *map, enum fx_direction direction,
                    struct fx_arena *arena, struct rec_table *ret, struct fx_err *err)
{
    bool is_forward = direction == FX_FORWARD;
    *ret = (struct rec_table){.map = map, .direction = direction};
    ret->source = is_forward ? map->old_table : map->new_table;
    ret->target = is_forward ? map->new_table : map->old_table;
    ret->source_name = full_name(ret->source, arena);
    ret->target_name = full_name(ret->target, arena);
    const char **names = fx_arena_array(arena, map->n_columns + 1, sizeof *names);
    for (size_t i = 0; i < map->n_columns; i++)
        names[i] = is_forward ? map->columns[i].old_name : map->columns[i].new_name;
    ret->columns.names = names;
    ret->columns.n = map->n_columns;
    ret->one_sided = find_one_sided(map, arena);
    ret->not_compared = find_uncovered(map, direction, ret->source, arena);
    return find_key(map, direction, arena, ret, err);
}

void rec_table_begin(const struct rec_table *table, struct rec_table_result *ret)
{
    *ret = (struct rec_table_result){.source_name = table->source_name,
                                     .target_name = table->target_name,
                                     .columns_compared = table->columns.n,
                                     .source_fingerprint = table->source->fingerprint,
                                     .target_fingerprint = table->target->fingerprint,
                                     .mapping_digest = table->map->digest,
                                     .not_compared = table->not_compared,
                                     .one_sided = table->one_sided};
}

bool rec_table_compare(const struct rec_table *table, struct fx_db *source, struct fx_db *target,
                       int64_t differences_max, const struct rec_progress *progress,
                       struct fx_arena *arena, struct rec_table_result *result, struct fx_err *err)
{
    struct rec_reader_spec specs[2] = {
        {.db = source, .map = table->map, .direction = table->direction, .is_source = true},
        {.db = target, .map = table->map, .direction = table->direction}};
    struct rec_reader *readers[2] = {rec_reader_start(&specs[0]), rec_reader_start(&specs[1])};
    struct rec_stream streams[2] = {
        {rec_reader_next, readers[0], fx_arena_printf(arena, "source %s", table->source_name)},
        {rec_reader_next, readers[1], fx_arena_printf(arena, "target %s", table->target_name)}};
    bool is_ok = rec_diff(&streams[0], &streams[1], &table->columns, differences_max, progress,
                          arena, result, err);
    rec_reader_stop(readers[0]);
    rec_reader_stop(readers[1]);
    return is_ok;
}

void rec_report_finish(struct rec_report *report, size_t n_tables_wanted)
{
    size_t n_whole = 0;
    report->tables_in_context = n_tables_wanted;
    report->rows_compared = report->divergent = 0;
    for (size_t i = 0; i < report->n_tables; i++) {
        const struct rec_table_result *table = &report->tables[i];
        report->rows_compared += FX_MAX(table->rows_source, table->rows_target);
        report->divergent += table->missing + table->extra + table->different;
        n_whole += table->not_compared == NULL;
    }
    report->coverage_percent =
        n_tables_wanted > 0 ? (double)n_whole * 100.0 / (double)n_tables_wanted : 0.0;
    if (report->divergent > 0)
        report->verdict = REC_DIVERGENT;
    else if (n_whole < n_tables_wanted || n_tables_wanted == 0 || report->inconclusive != NULL)
        report->verdict = REC_INCONCLUSIVE;
    else
        report->verdict = REC_EQUAL;
}
