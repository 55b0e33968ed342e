/* SPDX-License-Identifier: Apache-2.0 */
#include "cdc/snapshot/tally.h"

enum { RATE_AFTER_US = 500000 }; /* a shorter time says nothing about the rest */

void cdc_copy_tally_init(struct cdc_copy_tally *tally, const int64_t *estimates, size_t n_tables,
                         struct fx_mono now)
{
    *tally = (struct cdc_copy_tally){.estimates = estimates, .n_tables = n_tables, .began = now};
}

void cdc_copy_tally_table(struct cdc_copy_tally *tally, size_t table)
{
    tally->done_rows += tally->table_rows;
    tally->table_rows = 0;
    tally->table = table;
}

/* When more rows came than were estimated, nobody knows how many follow. */
static int64_t left_ms(const struct cdc_copy_at *at, int64_t us)
{
    if (us < RATE_AFTER_US || at->rows == 0 || at->rows >= at->total_rows)
        return -1;
    return (int64_t)((double)us / 1000 / (double)at->rows * (double)(at->total_rows - at->rows));
}

void cdc_copy_tally_at(const struct cdc_copy_tally *tally, struct fx_mono now,
                       struct cdc_copy_at *ret)
{
    *ret = (struct cdc_copy_at){.table = tally->table,
                                .n_tables = tally->n_tables,
                                .rows = tally->done_rows + tally->table_rows,
                                .table_rows = tally->table_rows,
                                .table_total_rows = tally->table_rows};
    if (tally->table < tally->n_tables)
        ret->table_total_rows = FX_MAX(tally->table_rows, tally->estimates[tally->table]);
    ret->total_rows = tally->done_rows + ret->table_total_rows;
    for (size_t t = tally->table + 1; t < tally->n_tables; t++)
        ret->total_rows += tally->estimates[t];
    ret->left_ms = left_ms(ret, fx_mono_since_us(tally->began, now));
}
