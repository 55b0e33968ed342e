/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bit per nesting level is all the state that commas need, so a writer costs nothing and lives on
 * the stack.
 */
#include "lib/fmt/json_write.h"

#include <inttypes.h>
#include <math.h>

#include "lib/base/panic.h"
#include "lib/base/visible.h"
#include "lib/fmt/text.h"

void fx_json_w_init(struct fx_json_w *w, struct fx_buf *out)
{
    *w = (struct fx_json_w){.out = out};
}

void fx_json_quote(struct fx_str text, struct fx_buf *out)
{
    fx_buf_add_char(out, '"');
    fx_visible_add_json(out, text);
    fx_buf_add_char(out, '"');
}

static void begin_item(struct fx_json_w *w)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    if (w->is_after_key) {
        w->is_after_key = false;
        return;
    }
    FX_ASSERT((w->is_object & bit) == 0 || w->depth == 0);
    if (w->depth > 0 && (w->has_items & bit) != 0)
        fx_buf_add_char(w->out, ',');
    w->has_items |= bit;
}

static void open_level(struct fx_json_w *w, bool is_object)
{
    begin_item(w);
    FX_ASSERT(w->depth < FX_JSON_W_DEPTH_MAX);
    w->depth++;
    uint64_t bit = UINT64_C(1) << w->depth;
    w->has_items &= ~bit;
    w->is_object = is_object ? w->is_object | bit : w->is_object & ~bit;
    fx_buf_add_char(w->out, is_object ? '{' : '[');
}

void fx_json_w_object(struct fx_json_w *w)
{
    open_level(w, true);
}

void fx_json_w_array(struct fx_json_w *w)
{
    open_level(w, false);
}

void fx_json_w_end(struct fx_json_w *w)
{
    FX_ASSERT(w->depth > 0 && !w->is_after_key);
    fx_buf_add_char(w->out, (w->is_object & UINT64_C(1) << w->depth) != 0 ? '}' : ']');
    w->depth--;
}

void fx_json_w_key_str(struct fx_json_w *w, struct fx_str key)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    FX_ASSERT(w->depth > 0 && (w->is_object & bit) != 0 && !w->is_after_key);
    if ((w->has_items & bit) != 0)
        fx_buf_add_char(w->out, ',');
    w->has_items |= bit;
    fx_json_quote(key, w->out);
    fx_buf_add_char(w->out, ':');
    w->is_after_key = true;
}

void fx_json_w_key(struct fx_json_w *w, const char *key)
{
    fx_json_w_key_str(w, fx_str_from(key));
}

void fx_json_w_str(struct fx_json_w *w, struct fx_str text)
{
    begin_item(w);
    fx_json_quote(text, w->out);
}

void fx_json_w_text(struct fx_json_w *w, const char *text)
{
    if (text == NULL)
        fx_json_w_null(w);
    else
        fx_json_w_str(w, fx_str_from(text));
}

void fx_json_w_i64(struct fx_json_w *w, int64_t value)
{
    begin_item(w);
    fx_buf_printf(w->out, "%" PRId64, value);
}

void fx_json_w_u64(struct fx_json_w *w, uint64_t value)
{
    begin_item(w);
    fx_buf_printf(w->out, "%" PRIu64, value);
}

void fx_json_w_double(struct fx_json_w *w, double value)
{
    if (!isfinite(value)) {
        fx_json_w_null(w);
        return;
    }
    begin_item(w);
    fx_text_double(value, w->out);
}

void fx_json_w_bool(struct fx_json_w *w, bool value)
{
    begin_item(w);
    fx_buf_add_c(w->out, value ? "true" : "false");
}

void fx_json_w_null(struct fx_json_w *w)
{
    begin_item(w);
    fx_buf_add(w->out, FX_STR("null"));
}

void fx_json_w_raw(struct fx_json_w *w, struct fx_str json)
{
    begin_item(w);
    fx_buf_add(w->out, json);
}

void fx_json_w_kv_text(struct fx_json_w *w, const char *key, const char *text)
{
    fx_json_w_key(w, key);
    fx_json_w_text(w, text);
}

void fx_json_w_kv_i64(struct fx_json_w *w, const char *key, int64_t value)
{
    fx_json_w_key(w, key);
    fx_json_w_i64(w, value);
}

void fx_json_w_kv_u64(struct fx_json_w *w, const char *key, uint64_t value)
{
    fx_json_w_key(w, key);
    fx_json_w_u64(w, value);
}

void fx_json_w_kv_double(struct fx_json_w *w, const char *key, double value)
{
    fx_json_w_key(w, key);
    fx_json_w_double(w, value);
}

void fx_json_w_kv_bool(struct fx_json_w *w, const char *key, bool value)
{
    fx_json_w_key(w, key);
    fx_json_w_bool(w, value);
}
