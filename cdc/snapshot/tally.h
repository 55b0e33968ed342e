/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the initial copy is: counted rows of what was copied, estimates of what was not. A pure
 * calculation; the tables are copied one after the other.
 */
#ifndef CDC_SNAPSHOT_TALLY_H
#define CDC_SNAPSHOT_TALLY_H

#include "lib/base/clock.h"

struct cdc_copy_at {
    int64_t rows, total_rows; /* of all tables; the total is never less than the rows */
    int64_t left_ms;          /* at the mean rate since the copy began; -1: not known */
    size_t table, n_tables;   /* index of the one that is being copied */
    int64_t table_rows, table_total_rows;
};

struct cdc_copy_tally {
    const int64_t *estimates; /* one a table, 0: not known; the caller's */
    size_t table, n_tables;
    int64_t done_rows;  /* of the tables that are copied */
    int64_t table_rows; /* of the one that is being copied */
    struct fx_mono began;
};
void cdc_copy_tally_init(struct cdc_copy_tally *tally, const int64_t *estimates, size_t n_tables,
                         struct fx_mono now);
/* Tables come in their order; what was counted so far belongs to the one before. */
void cdc_copy_tally_table(struct cdc_copy_tally *tally, size_t table);
void cdc_copy_tally_at(const struct cdc_copy_tally *tally, struct fx_mono now,
                       struct cdc_copy_at *ret);

#endif
