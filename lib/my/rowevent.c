/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a row event: bitmaps of the columns that are there and of NULLs, then one value after
 * the other (rowvalue.h). Nothing but the bytes says where a row ends.
 */
#include "lib/my/rowevent.h"

#include "lib/my/rowvalue.h"

static bool has_bit(struct fx_str bitmap, size_t i)
{
    return ((uint8_t)bitmap.ptr[i / 8] >> (i % 8) & 1) != 0;
}

static bool in_column(const struct fx_bl_rows *rows, size_t i, struct fx_err *err)
{
    const struct fx_bl_table *table = rows->event->rows.table;
    return fx_ctx(err, "reading column %zu \"%.*s\" of row %lld of table \"%.*s.%.*s\"", i + 1,
                  FX_STR_FMT(table->columns[i].name), (long long)rows->n_read + 1,
                  FX_STR_FMT(table->schema), FX_STR_FMT(table->name));
}

static bool read_image(struct fx_bl_rows *rows, struct fx_str present, struct fx_arena *arena,
                       struct fx_value *out, struct fx_err *err)
{
    const struct fx_bl_table *table = rows->event->rows.table;
    struct fx_cursor cur = fx_cursor_of(rows->left);
    size_t n_present = 0;
    for (size_t i = 0; i < table->n_columns; i++)
        n_present += has_bit(present, i);
    struct fx_str nulls = fx_cursor_str(&cur, (n_present + 7) / 8);
    size_t at = 0;
    for (size_t i = 0; i < table->n_columns && !cur.has_failed; i++) {
        out[i] = (struct fx_value){.kind = FX_V_UNCHANGED};
        if (!has_bit(present, i))
            continue;
        out[i].kind = FX_V_NULL;
        if (has_bit(nulls, at++))
            continue;
        struct fx_bl_reading r = {.cur = &cur,
                                  .column = &table->columns[i],
                                  .has_signedness = table->has_signedness,
                                  .type = rows->types != NULL ? rows->types[i] : NULL,
                                  .arena = arena,
                                  .ret = &out[i],
                                  .err = err};
        if (!fx_bl_value_read(&r))
            return in_column(rows, i, err);
    }
    if (cur.has_failed)
        return fx_fail(
            err, FX_E_PROTOCOL,
            "the binary log is damaged: row %lld of an event for table \"%.*s.%.*s\" is truncated",
            (long long)rows->n_read + 1, FX_STR_FMT(table->schema), FX_STR_FMT(table->name));
    rows->left = (struct fx_str){(const char *)cur.at, fx_cursor_left(&cur)};
    return true;
}

bool fx_bl_rows_open(const struct fx_bl_event *event, const struct fx_type *const *types,
                     struct fx_bl_rows *ret, struct fx_err *err)
{
    if (event->kind != FX_BL_ROWS)
        return fx_fail(err, FX_E_BUG, "a binary log event of kind %d was read as a row event",
                       (int)event->kind) ||
               fx_hint(err, "This is a defect in Ficus. Please report it with this message and the "
                            "context lines. To go on without that change, " FX_CMD_NEW_COPY ".");
    *ret = (struct fx_bl_rows){.event = event, .types = types, .left = event->rows.body};
    return true;
}

bool fx_bl_rows_next(struct fx_bl_rows *rows, struct fx_arena *arena, struct fx_value *before,
                     struct fx_value *after, bool *ret_has_row, struct fx_err *err)
{
    const struct fx_bl_event *ev = rows->event;
    *ret_has_row = rows->left.len > 0 && ev->rows.table != NULL;
    if (!*ret_has_row)
        return true;
    size_t before_len = rows->left.len;
    struct fx_value *first = ev->rows.op == FX_BL_INSERT ? after : before;
    if (!read_image(rows, ev->rows.present[0], arena, first, err))
        return false;
    if (ev->rows.op == FX_BL_UPDATE && !read_image(rows, ev->rows.present[1], arena, after, err))
        return false;
    if (rows->left.len == before_len)
        return fx_fail(
            err, FX_E_PROTOCOL,
            "the binary log is damaged: an event for table \"%.*s.%.*s\" has rows of 0 bytes",
            FX_STR_FMT(ev->rows.table->schema), FX_STR_FMT(ev->rows.table->name));
    rows->n_read++;
    return true;
}

bool fx_bl_rows_are_full(const struct fx_bl_event *event)
{
    int n_images = event->rows.op == FX_BL_UPDATE ? 2 : 1;
    for (int k = 0; k < n_images; k++) {
        for (size_t i = 0; i < event->rows.n_columns; i++) {
            if (!has_bit(event->rows.present[k], i))
                return false;
        }
    }
    return true;
}
