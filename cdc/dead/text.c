/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and rows as text in ficus.dead, and keys read back. */
#include <inttypes.h>
#include <string.h>

#include "cdc/dead/dead.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"
#include "lib/value/datetime.h"

enum { VALUE_MAX = 64 << 20 };

void cdc_dead_value_text(const struct fx_value *v, struct fx_buf *out)
{
    switch (v->kind) {
    case FX_V_NULL:
    case FX_V_UNCHANGED: return;
    case FX_V_BOOL:
    case FX_V_INT: fx_buf_add_i64(out, v->i); return;
    case FX_V_DATE: fx_date_pg(v->i, out); return;
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: fx_timestamp_pg(v->i, out); return;
    case FX_V_DOUBLE: fx_text_double(v->d, out); return;
    case FX_V_DECIMAL:
    case FX_V_TEXT:
    case FX_V_JSON:
    case FX_V_UNREADABLE: fx_buf_add(out, v->s); return;
    case FX_V_BYTES: fx_hex_encode(v->s, out); return;
    case FX_V_UUID: fx_text_uuid(v->uuid, out); return;
    }
}

static bool has_text(const struct fx_value *v)
{
    return v->kind == FX_V_TEXT || v->kind == FX_V_JSON || v->kind == FX_V_BYTES ||
           v->kind == FX_V_UNREADABLE || v->kind == FX_V_DECIMAL;
}

/* A value of which no more than `max` bytes are kept; text that is none is written as hex. */
static void write_value(struct fx_json_w *w, const struct fx_value *v, size_t max)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(VALUE_MAX);
    struct fx_value part = *v;
    if (v->kind == FX_V_NULL) {
        fx_json_w_null(w);
        return;
    }
    if (has_text(v) && v->s.len > max)
        part.s = v->kind == FX_V_BYTES ? fx_str_sub(v->s, 0, max) : fx_utf8_clip(v->s, max);
    if (part.kind == FX_V_UNREADABLE && !fx_utf8_valid(part.s))
        part.kind = FX_V_BYTES;
    cdc_dead_value_text(&part, &text);
    fx_json_w_str(w, fx_buf_str(&text));
}

void cdc_dead_key_text(const struct cdc_binding *binding, size_t table,
                       const struct fx_value *values, struct fx_buf *out)
{
    const struct fx_table *source = cdc_source_table(binding, table);
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_array(&w);
    for (size_t k = 0; k < source->n_key; k++)
        write_value(&w, &values[source->key[k]], SIZE_MAX);
    fx_json_w_end(&w);
}

static void write_image(const struct fx_table *source, const struct fx_value *values, size_t max,
                        struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    for (size_t c = 0; c < source->n_columns; c++) {
        if (values[c].kind == FX_V_UNCHANGED)
            continue;
        fx_json_w_key(&w, source->columns[c].name);
        write_value(&w, &values[c], max);
    }
    fx_json_w_end(&w);
}

/* Whole where it fits; else of each value its beginning. */
void cdc_dead_image(const struct cdc_binding *binding, size_t table, const struct fx_value *values,
                    struct fx_buf *out)
{
    static const size_t limits[] = {CDC_DEAD_IMAGE_MAX, 4096, 256, 16};
    const struct fx_table *source = cdc_source_table(binding, table);
    for (size_t i = 0; i < FX_ARRAY_LEN(limits); i++) {
        FX_AUTO(fx_buf) struct fx_buf image = FX_BUF(CDC_DEAD_IMAGE_MAX);
        write_image(source, values, limits[i], &image);
        if (!image.has_failed) {
            fx_buf_add(out, fx_buf_str(&image));
            return;
        }
    }
    fx_buf_add_c(out, "{}");
}

/* --- keys, read back -------------------------------------------------------------------------- */

static bool read_bytes(struct fx_str text, struct fx_arena *arena, struct fx_str *ret)
{
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(VALUE_MAX);
    if (!fx_hex_decode(text, &bytes) || bytes.has_failed)
        return false;
    *ret = fx_arena_str(arena, fx_buf_str(&bytes));
    return true;
}

static bool read_uuid(struct fx_str text, struct fx_value *ret)
{
    char digits[32];
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-')
            continue;
        if (n == sizeof digits)
            return false;
        digits[n++] = text.ptr[i];
    }
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(sizeof ret->uuid);
    if (n != sizeof digits || !fx_hex_decode((struct fx_str){digits, n}, &bytes))
        return false;
    memcpy(ret->uuid, bytes.ptr, sizeof ret->uuid);
    return true;
}

static bool read_value(enum fx_vkind kind, struct fx_str text, struct fx_arena *arena,
                       struct fx_value *ret)
{
    *ret = (struct fx_value){.kind = kind};
    switch (kind) {
    case FX_V_NULL:
    case FX_V_UNCHANGED:
    case FX_V_UNREADABLE: return false;
    case FX_V_BOOL:
    case FX_V_INT: return fx_parse_i64(text, INT64_MIN, INT64_MAX, &ret->i);
    case FX_V_DATE: return fx_date_parse(text, &ret->i);
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return fx_timestamp_parse(text, &ret->i);
    case FX_V_DOUBLE: return fx_parse_double(text, &ret->d);
    case FX_V_DECIMAL:
    case FX_V_TEXT:
    case FX_V_JSON: ret->s = fx_arena_str(arena, text); return true;
    case FX_V_BYTES: return read_bytes(text, arena, &ret->s);
    case FX_V_UUID: return read_uuid(text, ret);
    }
    return false;
}

/* A wide integer may come as DECIMAL: unsigned ones of MariaDB do. */
static bool read_column(const struct fx_column *column, struct fx_str text, struct fx_arena *arena,
                        struct fx_value *ret)
{
    return read_value(column->type.kind, text, arena, ret) ||
           (column->type.kind == FX_V_INT && column->type.is_unsigned &&
            read_value(FX_V_DECIMAL, text, arena, ret));
}

bool cdc_dead_key_read(const struct cdc_binding *binding, size_t table, struct fx_str text,
                       struct fx_arena *arena, struct fx_value **ret, struct fx_err *err)
{
    const struct fx_table *source = cdc_source_table(binding, table);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    struct fx_value *key = fx_arena_array(arena, source->n_key + 1, sizeof *key);
    bool is_ok =
        fx_json_parse(text, &doc, &ignored) && fx_json_len(fx_json_root(doc)) == source->n_key;
    for (size_t k = 0; k < source->n_key && is_ok; k++) {
        struct fx_str part;
        is_ok = fx_json_str(fx_json_at(fx_json_root(doc), k), &part) &&
                read_column(&source->columns[source->key[k]], part, arena, &key[k]);
    }
    *ret = key;
    return is_ok ||
           fx_fail(err, FX_E_DRIFT,
                   "a key in table ficus.dead of database \"%s\" is no key of table \"%s.%s\"",
                   binding->target->name, source->schema, source->name) ||
           fx_hint(err,
                   "The table's primary key was changed, or another program changed the row. See "
                   "the entries: ficus cdc dead list --context %s",
                   binding->ctx.name);
}

struct fx_value *cdc_dead_key_row(const struct cdc_binding *binding, size_t table,
                                  const struct fx_value *key, struct fx_arena *arena)
{
    const struct fx_table *source = cdc_source_table(binding, table);
    struct fx_value *row = fx_arena_array(arena, source->n_columns + 1, sizeof *row);
    for (size_t c = 0; c < source->n_columns; c++)
        row[c] = (struct fx_value){.kind = FX_V_UNCHANGED};
    for (size_t k = 0; k < source->n_key; k++)
        row[source->key[k]] = key[k];
    return row;
}
