/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges rows of one piece: what the applier would write is made, value by value, and thrown away.
 * Thread: one per struct; the binding is shared and not changed.
 */
#ifndef CDC_PREFLIGHT_VALUES_H
#define CDC_PREFLIGHT_VALUES_H

#include "cdc/preflight/scan.h"

/* What was found in one piece, by pair of the mapping; the pair after the last: the row itself. */
struct cdc_bad_values {
    size_t n_pairs;
    int64_t *values, *spaces; /* rows, by pair */
    struct fx_findings shown; /* the first of each pair, in the order of the key */
};

struct cdc_judge {
    const struct cdc_scan_spec *spec;
    size_t table;
    size_t text_max; /* bytes that the target takes in one statement; 0: no limit */
    int *columns;    /* of the source's table: what has to be read */
    size_t n_columns;
    bool *is_checked;     /* by pair */
    struct fx_value *row; /* of the whole table; what is not read is UNCHANGED */
    struct fx_buf literals;
    struct fx_arena arena, scratch;
    struct cdc_bad_values *found; /* NULL: nothing yet */
};

void cdc_judge_init(struct cdc_judge *judge, const struct cdc_scan_spec *spec, size_t table,
                    size_t text_max);
void cdc_judge_done(struct cdc_judge *judge);
/* One row, as scanned: `columns` of it. */
void cdc_judge_row(struct cdc_judge *judge, const struct fx_value *values);
/* What was found since the last take, or NULL; the caller's. */
struct cdc_bad_values *cdc_judge_take(struct cdc_judge *judge);
void cdc_bad_values_free(struct cdc_bad_values *bad);
/* Findings of one table from its pieces, in their order: the
 * first rows of each column, and how many more there are. */
void cdc_bad_values_report(const struct cdc_scan_spec *spec, size_t table,
                           struct cdc_bad_values *const *pieces, size_t n_pieces,
                           struct fx_findings *f);

#endif
