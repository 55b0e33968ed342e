/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a comparison needs to know of one mapped table, seen in one direction; shared by the
 * whole-table check and the check of single keys.
 */
#ifndef REC_TABLE_H
#define REC_TABLE_H

#include "reconcile/differ.h"

struct rec_table {
    const struct fx_map_table *map;
    enum fx_direction direction;
    const struct fx_table *source, *target;
    struct rec_columns columns;
    const char *source_name, *target_name; /* "public.orders" */
    const char *one_sided;    /* NULL, or generated columns that exist on one side only */
    const char *not_compared; /* NULL, or which source columns no pair covers */
};

/* `map` is bound. Errors: MAPPING when the keys of both sides do not correspond. */
bool rec_table_init(const struct fx_map_table *map, enum fx_direction direction,
                    struct fx_arena *arena, struct rec_table *ret,
                    struct fx_err *err) FX_MUST_CHECK;
/* A result with names and digests, no counts yet. */
void rec_table_begin(const struct rec_table *table, struct rec_table_result *ret);
/* Reads both sides (`where` conditions may be NULL) and merges them. */
bool rec_table_compare(const struct rec_table *table, struct fx_db *source, struct fx_db *target,
                       int64_t differences_max, const struct rec_progress *progress,
                       struct fx_arena *arena, struct rec_table_result *result,
                       struct fx_err *err) FX_MUST_CHECK;
/* Sums, coverage and verdict from the tables. */
void rec_report_finish(struct rec_report *report, size_t n_tables_wanted);

#endif
