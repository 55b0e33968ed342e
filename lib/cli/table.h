/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of words in aligned columns, for a person or a script with awk: no frames, two spaces
 * between columns, nothing after the last word. (Named grid: a table is something in a database
 * here.)
 *
 *     FX_AUTO(fx_grid) struct fx_grid grid;
 *     fx_grid_init(&grid, "route", "weight", "requests", NULL);
 *     fx_grid_row(&grid, "orders-read", "10 %", "512");     as many as there are columns
 *     fx_grid_render(&grid, &out);
 */
#ifndef FX_CLI_TABLE_H
#define FX_CLI_TABLE_H

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/vec.h"

enum { FX_GRID_COLUMNS_MAX = 12 };

struct fx_grid {
    struct fx_arena arena;
    size_t n_columns;
    FX_VEC(const char *) cells; /* row-major, the heads first */
};

void fx_grid_init(struct fx_grid *grid, const char *head, ...) __attribute__((sentinel));
void fx_grid_done(struct fx_grid *grid);
/* Texts are copied; NULL shows as "-". */
void fx_grid_row(struct fx_grid *grid, const char *cell, ...);
/* Columns whose cells below the head are all numbers are set to the right. */
void fx_grid_render(const struct fx_grid *grid, struct fx_buf *out);

#endif
