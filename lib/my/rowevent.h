/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a decoded row event -> canonical values.
 *
 *     struct fx_bl_rows rows;
 *     if (!fx_bl_rows_open(&event, types, &rows, err)) …
 *     while (fx_bl_rows_next(&rows, &arena, before, after, &has_row, err) && has_row) …
 *
 * With `types` (the catalog's, one for each column of the table map) values are what a SELECT of
 * that column gives through lib/value/map_my.h: JSON, BOOL, UUID and the padding of BINARY exist
 * only there, the wire does not tell them. Without it (NULL) values follow the wire: character
 * columns of a known character set are TEXT, others BYTES; TIME is TEXT; BIT is INT or DECIMAL;
 * ENUM and SET are labels when the log has them.
 *
 * A column that the image does not contain (binlog_row_image other than FULL) is UNCHANGED.
 *
 * Errors: SOURCE_DATA (a value or column type without canonical form, the column named), DRIFT (the
 * wire has another type than the catalog), PROTOCOL (bytes that break the format). Thread: one at a
 * time.
 */
#ifndef FX_MY_ROWEVENT_H
#define FX_MY_ROWEVENT_H

#include "lib/my/binlog_event.h"
#include "lib/value/value.h"

struct fx_bl_rows {
    const struct fx_bl_event *event; /* borrowed, with all that it borrows */
    const struct fx_type *const *types;
    struct fx_str left; /* not yet read */
    int64_t n_read;
};

/* `types`: NULL, or an array of n_columns pointers that lives as long as `ret`. */
bool fx_bl_rows_open(const struct fx_bl_event *event, const struct fx_type *const *types,
                     struct fx_bl_rows *ret, struct fx_err *err) FX_MUST_CHECK;

/*
 * The next row. `before` is filled for updates and deletes, `after` for inserts and updates; each
 * has room for n_columns values. Text and bytes borrow the event or the arena. *ret_has_row false:
 * the end.
 */
bool fx_bl_rows_next(struct fx_bl_rows *rows, struct fx_arena *arena, struct fx_value *before,
                     struct fx_value *after, bool *ret_has_row, struct fx_err *err) FX_MUST_CHECK;

/* Are all columns in every image? False when the server runs without binlog_row_image=FULL. */
bool fx_bl_rows_are_full(const struct fx_bl_event *event);

#endif
