/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a JSON text into a read-only document. Only door to jansson.
 *
 *     struct fx_json_doc *doc;
 *     if (!fx_json_parse(text, &doc, err)) return fx_ctx(err, "reading \"%s\"", path);
 *     const struct fx_json *root = fx_json_root(doc);
 *     int64_t rows = fx_json_get_i64(root, "rows", 0);
 *     fx_json_doc_free(doc);
 *
 * Numbers are kept as their text, so nothing is rounded: 12345678901234567890.10 stays itself. A
 * key that occurs twice in one object is an error. Nodes and their texts are borrowed from the
 * document. Every getter takes NULL or a node of another kind and then answers NULL, false or the
 * default.
 *
 * Errors: PROTOCOL with line and column (recode with fx_err_recode), LIMIT beyond the size.
 * Thread: one document a thread.
 */
#ifndef FX_FMT_JSON_DOC_H
#define FX_FMT_JSON_DOC_H

#include "lib/base/fx.h"
#include "lib/base/str.h"
#include "lib/err/err.h"

struct fx_json_doc;
struct fx_json; /* a node */

enum fx_json_kind {
    FX_JSON_NULL,
    FX_JSON_BOOL,
    FX_JSON_NUMBER,
    FX_JSON_STRING,
    FX_JSON_ARRAY,
    FX_JSON_OBJECT
};

enum { FX_JSON_TEXT_MAX = 64 << 20 };

bool fx_json_parse(struct fx_str text, struct fx_json_doc **ret_doc,
                   struct fx_err *err) FX_MUST_CHECK;
void fx_json_doc_free(struct fx_json_doc *doc);
FX_AUTO_FREE_DEFINE(fx_json_doc)
const struct fx_json *fx_json_root(const struct fx_json_doc *doc);

enum fx_json_kind fx_json_kind(const struct fx_json *node); /* NULL node: FX_JSON_NULL */
const char *fx_json_kind_name(enum fx_json_kind kind);

/* Objects: member by key, or all members in their order. */
const struct fx_json *fx_json_get(const struct fx_json *object, const char *key);
const struct fx_json *fx_json_get_key(const struct fx_json *object, struct fx_str key);
struct fx_json_iter {
    void *at; /* start with {0} */
    struct fx_str key;
    const struct fx_json *value;
    bool is_started;
};
bool fx_json_next(const struct fx_json *object, struct fx_json_iter *iter);
/* Arrays and objects: number of items; arrays: the i-th. */
size_t fx_json_len(const struct fx_json *node);
const struct fx_json *fx_json_at(const struct fx_json *array, size_t i);

/* Values; false when the node is of another kind or the number does not fit exactly. */
bool fx_json_str(const struct fx_json *node,
                 struct fx_str *ret); /* NUL-terminated, may hold NULs */
bool fx_json_number_text(const struct fx_json *node, struct fx_str *ret);
bool fx_json_i64(const struct fx_json *node, int64_t *ret);
bool fx_json_double(const struct fx_json *node, double *ret); /* the nearest double */
bool fx_json_bool(const struct fx_json *node, bool *ret);

/* Members with a default for "missing, null or of another kind". */
const char *fx_json_get_str(const struct fx_json *object, const char *key, const char *fallback);
int64_t fx_json_get_i64(const struct fx_json *object, const char *key, int64_t fallback);
double fx_json_get_double(const struct fx_json *object, const char *key, double fallback);
bool fx_json_get_bool(const struct fx_json *object, const char *key, bool fallback);

/* Members that must be there: PROTOCOL naming the key and what was found. */
bool fx_json_need_str(const struct fx_json *object, const char *key, const char **ret,
                      struct fx_err *err) FX_MUST_CHECK;
bool fx_json_need_i64(const struct fx_json *object, const char *key, int64_t *ret,
                      struct fx_err *err) FX_MUST_CHECK;

#endif
