/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned output: measured once, printed once. */
#include "lib/cli/table.h"

#include <stdarg.h>

#include "lib/cli/term.h"

void fx_grid_init(struct fx_grid *grid, const char *head, ...)
{
    *grid = (struct fx_grid){0};
    fx_arena_init(&grid->arena, 0);
    va_list ap;
    va_start(ap, head);
    for (const char *cell = head; cell != NULL; cell = va_arg(ap, const char *)) {
        FX_VEC_PUSH(&grid->cells, fx_arena_strdup(&grid->arena, cell));
        grid->n_columns++;
    }
    va_end(ap);
    FX_ASSERT(grid->n_columns > 0 && grid->n_columns <= FX_GRID_COLUMNS_MAX);
}

void fx_grid_done(struct fx_grid *grid)
{
    FX_VEC_DONE(&grid->cells);
    fx_arena_done(&grid->arena);
}

void fx_grid_row(struct fx_grid *grid, const char *cell, ...)
{
    va_list ap;
    va_start(ap, cell);
    for (size_t i = 0; i < grid->n_columns; i++) {
        const char *text = i == 0 ? cell : va_arg(ap, const char *);
        FX_VEC_PUSH(&grid->cells, fx_arena_strdup(&grid->arena, text != NULL ? text : "-"));
    }
    va_end(ap);
}

static bool is_number(const char *text)
{
    return (text[0] >= '0' && text[0] <= '9') || (text[0] == '-');
}

static void measure(const struct fx_grid *grid, size_t *width, bool *is_right)
{
    for (size_t c = 0; c < grid->n_columns; c++) {
        width[c] = 0;
        is_right[c] = grid->cells.len > grid->n_columns;
        for (size_t i = c; i < grid->cells.len; i += grid->n_columns) {
            size_t w = fx_term_width(fx_str_from(grid->cells.items[i]));
            width[c] = FX_MAX(width[c], w);
            if (i >= grid->n_columns && !is_number(grid->cells.items[i]))
                is_right[c] = false;
        }
    }
}

static void spaces(struct fx_buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fx_buf_add_char(out, ' ');
}

void fx_grid_render(const struct fx_grid *grid, struct fx_buf *out)
{
    size_t width[FX_GRID_COLUMNS_MAX];
    bool is_right[FX_GRID_COLUMNS_MAX];
    measure(grid, width, is_right);
    for (size_t i = 0; i < grid->cells.len; i++) {
        size_t c = i % grid->n_columns;
        bool is_last = c + 1 == grid->n_columns;
        struct fx_str cell = fx_str_from(grid->cells.items[i]);
        size_t pad = width[c] - fx_term_width(cell);
        spaces(out, is_right[c] ? pad : 0);
        fx_buf_add(out, cell);
        spaces(out, is_right[c] || is_last ? 0 : pad);
        fx_buf_add_c(out, is_last ? "\n" : "  ");
    }
}
