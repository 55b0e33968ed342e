/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one JSON text into a buffer as it goes: commas, colons and escapes are its job, nesting
 * the caller's.
 *
 *     struct fx_json_w w;
 *     fx_json_w_init(&w, &out);
 *     fx_json_w_object(&w);
 *     fx_json_w_key(&w, "rows"); fx_json_w_i64(&w, 42);
 *     fx_json_w_kv_text(&w, "name", name);
 *     fx_json_w_end(&w);                       closes the innermost object or array
 *
 * A misuse (a value in an object without a key, too many ends) is a bug and panics. What does not
 * fit latches out->has_failed. Bytes that are not UTF-8 become U+FFFD: the output is always valid
 * JSON.
 * Thread: one.
 */
#ifndef FX_FMT_JSON_WRITE_H
#define FX_FMT_JSON_WRITE_H

#include "lib/base/buf.h"

enum { FX_JSON_W_DEPTH_MAX = 63 };

struct fx_json_w {
    struct fx_buf *out;
    int depth;
    uint64_t is_object; /* bit n: nesting level n is an object */
    uint64_t has_items; /* bit n: level n needs a comma before its next item */
    bool is_after_key;
};

void fx_json_w_init(struct fx_json_w *w, struct fx_buf *out);
void fx_json_w_object(struct fx_json_w *w);
void fx_json_w_array(struct fx_json_w *w);
void fx_json_w_end(struct fx_json_w *w);
void fx_json_w_key(struct fx_json_w *w, const char *key);
void fx_json_w_key_str(struct fx_json_w *w, struct fx_str key);
void fx_json_w_str(struct fx_json_w *w, struct fx_str text);
void fx_json_w_text(struct fx_json_w *w, const char *text); /* NULL writes null */
void fx_json_w_i64(struct fx_json_w *w, int64_t value);
void fx_json_w_u64(struct fx_json_w *w, uint64_t value);
void fx_json_w_double(struct fx_json_w *w, double value); /* NaN and infinities write null */
void fx_json_w_bool(struct fx_json_w *w, bool value);
void fx_json_w_null(struct fx_json_w *w);
/* `json` is a complete JSON value already, inserted as it is. */
void fx_json_w_raw(struct fx_json_w *w, struct fx_str json);

/* Key and value in one call. */
void fx_json_w_kv_text(struct fx_json_w *w, const char *key, const char *text);
void fx_json_w_kv_i64(struct fx_json_w *w, const char *key, int64_t value);
void fx_json_w_kv_u64(struct fx_json_w *w, const char *key, uint64_t value);
void fx_json_w_kv_double(struct fx_json_w *w, const char *key, double value);
void fx_json_w_kv_bool(struct fx_json_w *w, const char *key, bool value);

/* One quoted and escaped string without any state. */
void fx_json_quote(struct fx_str text, struct fx_buf *out);

#endif
