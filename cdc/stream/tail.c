/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tail.h. Keys travel as kind and text and are the same values again at the other end.
 */
#include "cdc/stream/tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"

enum { ENTRY_MAX = 64 << 10 };

void cdc_tail_init(struct cdc_tail *tail, size_t cap)
{
    *tail = (struct cdc_tail){.cap = cap};
    tail->entries = fx_alloc_array(cap > 0 ? cap : 1, sizeof *tail->entries);
}

void cdc_tail_done(struct cdc_tail *tail)
{
    if (tail->entries == NULL)
        return;
    for (size_t i = 0; i < tail->cap; i++)
        free(tail->entries[i]);
    free(tail->entries);
    tail->entries = NULL;
}

static void write_value(struct fx_json_w *w, const struct fx_value *v)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(ENTRY_MAX);
    switch (v->kind) {
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    case FX_V_BOOL:
    case FX_V_INT:
    case FX_V_DATE:
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: fx_buf_printf(&text, "%" PRId64, v->i); break;
    case FX_V_DOUBLE: fx_text_double(v->d, &text); break;
    case FX_V_DECIMAL:
    case FX_V_TEXT:
    case FX_V_JSON: fx_buf_add(&text, v->s); break;
    case FX_V_BYTES: fx_hex_encode(v->s, &text); break;
    case FX_V_UUID:
        fx_hex_encode((struct fx_str){(const char *)v->uuid, sizeof v->uuid}, &text);
        break;
    }
    fx_json_w_array(w);
    fx_json_w_text(w, fx_vkind_name(v->kind));
    fx_json_w_str(w, fx_buf_str(&text));
    fx_json_w_end(w);
}

void cdc_tail_push(struct cdc_tail *tail, const struct cdc_binding *binding,
                   const struct cdc_row *row)
{
    const struct fx_table *source = cdc_source_table(binding, row->table);
    const struct fx_value *values = row->new != NULL ? row->new : row->old;
    if (tail->cap == 0)
        return;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(ENTRY_MAX);
    struct fx_json_w w;
    fx_json_w_init(&w, &out);
    fx_json_w_object(&w);
    fx_json_w_kv_u64(&w, "t", row->table);
    fx_json_w_key(&w, "k");
    fx_json_w_array(&w);
    for (size_t k = 0; k < source->n_key; k++)
        write_value(&w, &values[source->key[k]]);
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    if (out.has_failed)
        return; /* a key of 64 KiB is not worth its memory */
    free(tail->entries[tail->head]);
    tail->entries[tail->head] = fx_strndup(out.ptr, out.len);
    tail->head = (tail->head + 1) % tail->cap;
    if (tail->len < tail->cap)
        tail->len++;
}

void cdc_tail_write(const struct cdc_tail *tail, struct fx_buf *out)
{
    fx_buf_add_char(out, '[');
    for (size_t i = 0; i < tail->len; i++) {
        size_t at = (tail->head + tail->cap - 1 - i) % tail->cap;
        if (i > 0)
            fx_buf_add_char(out, ',');
        fx_buf_add_c(out, tail->entries[at]);
    }
    fx_buf_add_char(out, ']');
}

static bool unhex(struct fx_str text, struct fx_arena *arena, struct fx_str *ret)
{
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(ENTRY_MAX);
    if (!fx_hex_decode(text, &bytes) || bytes.has_failed)
        return false;
    *ret = fx_arena_str(arena, fx_buf_str(&bytes));
    return true;
}

/* The kinds in the order of the numbers that streams up to version 1 of their API have sent. */
static const enum fx_vkind numbered[] = {
    FX_V_NULL,        FX_V_UNCHANGED, FX_V_BOOL,  FX_V_INT,  FX_V_DECIMAL,
    FX_V_DOUBLE,      FX_V_TEXT,      FX_V_BYTES, FX_V_DATE, FX_V_TIMESTAMP,
    FX_V_TIMESTAMPTZ, FX_V_UUID,      FX_V_JSON,
};

static bool read_kind(const struct fx_json *node, enum fx_vkind *ret)
{
    int64_t number = 0;
    struct fx_str name;
    if (fx_json_i64(node, &number)) {
        if (number < 0 || (size_t)number >= FX_ARRAY_LEN(numbered))
            return false;
        *ret = numbered[number];
        return true;
    }
    if (!fx_json_str(node, &name))
        return false;
    for (size_t i = 0; i < FX_ARRAY_LEN(numbered); i++)
        if (fx_str_eq_c(name, fx_vkind_name(numbered[i]))) {
            *ret = numbered[i];
            return true;
        }
    return false;
}

static bool read_value(const struct fx_json *node, struct fx_arena *arena, struct fx_value *ret)
{
    enum fx_vkind kind = FX_V_NULL;
    struct fx_str text;
    if (!read_kind(fx_json_at(node, 0), &kind) || !fx_json_str(fx_json_at(node, 1), &text))
        return false;
    *ret = (struct fx_value){.kind = kind};
    switch (ret->kind) {
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: return true;
    case FX_V_BOOL:
    case FX_V_INT:
    case FX_V_DATE:
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return fx_parse_i64(text, INT64_MIN, INT64_MAX, &ret->i);
    case FX_V_DOUBLE: return fx_parse_double(text, &ret->d);
    case FX_V_DECIMAL:
    case FX_V_TEXT:
    case FX_V_JSON: ret->s = fx_arena_str(arena, text); return true;
    case FX_V_BYTES: return unhex(text, arena, &ret->s);
    case FX_V_UUID: {
        struct fx_str bytes;
        if (!unhex(text, arena, &bytes) || bytes.len != sizeof ret->uuid)
            return false;
        memcpy(ret->uuid, bytes.ptr, sizeof ret->uuid);
        return true;
    }
    }
    return false;
}

static bool read_keys(const struct fx_json *root, size_t n_tables, struct fx_arena *arena,
                      struct cdc_key *keys, size_t *ret_n)
{
    for (size_t i = 0; i < fx_json_len(root); i++) {
        const struct fx_json *entry = fx_json_at(root, i);
        const struct fx_json *values = fx_json_get(entry, "k");
        int64_t table = fx_json_get_i64(entry, "t", -1);
        if (table < 0)
            return false;
        if ((size_t)table >= n_tables)
            continue;
        struct cdc_key *key = &keys[*ret_n];
        key->table_index = (size_t)table;
        key->n_key = fx_json_len(values);
        key->key = fx_arena_array(arena, key->n_key, sizeof *key->key);
        for (size_t k = 0; k < key->n_key; k++)
            if (!read_value(fx_json_at(values, k), arena, &key->key[k]))
                return false;
        ++*ret_n;
    }
    return true;
}

bool cdc_tail_read(struct fx_str json, size_t n_tables, struct fx_arena *arena,
                   struct cdc_key **ret_keys, size_t *ret_n, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(json, &doc, err))
        return fx_ctx(err, "reading the recently changed keys of a stream");
    const struct fx_json *root = fx_json_root(doc);
    struct cdc_key *keys = fx_arena_array(arena, fx_json_len(root) + 1, sizeof *keys);
    size_t n = 0;
    if (!read_keys(root, n_tables, arena, keys, &n))
        return fx_fail(
                   err, FX_E_PROTOCOL,
                   "its list of recently changed keys is damaged, or of another build of Ficus") ||
               fx_hint(err, "Restart the streams with this build: " FX_CMD_STOP
                            ", then " FX_CMD_START ".");
    *ret_keys = keys;
    *ret_n = n;
    return true;
}
