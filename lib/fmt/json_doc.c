/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson reads numbers as int64 or double, which rounds what a comparison must see exactly. So the
 * text is rewritten in one pass before it is parsed: every number becomes a string that starts with
 * 'n', every string (keys too) gets an 's' in front. jansson checks the structure, the escapes and
 * UTF-8; the grammar of numbers is checked here.
 */
#include "lib/fmt/json_doc.h"

#include <jansson.h>

#include "lib/base/alloc.h"
#include "lib/fmt/text.h"

struct fx_json_doc {
    json_t *root;
};

static const struct fx_json *to_node(const json_t *json)
{
    return (const struct fx_json *)(const void *)json;
}

static const json_t *from_node(const struct fx_json *node)
{
    return (const json_t *)(const void *)node;
}

/* Copies the string that starts at text[at] (its
 * quote) with its mark; returns the index after it. */
static size_t mark_string(struct fx_str text, size_t at, struct fx_buf *out)
{
    size_t end = at + 1;
    while (end < text.len && text.ptr[end] != '"')
        end += text.ptr[end] == '\\' && end + 1 < text.len ? 2 : 1;
    end = FX_MIN(end + 1, text.len);
    fx_buf_add(out, FX_STR("\"s"));
    fx_buf_add(out, fx_str_sub(text, at + 1, end - at - 1));
    return end;
}

static size_t skip_digits(struct fx_str text, size_t i)
{
    while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
        i++;
    return i;
}

/* RFC 8259: -? (0|[1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?   Returns the end, 0: not a number. */
static size_t scan_number(struct fx_str text, size_t at)
{
    size_t i = at;
    if (i < text.len && text.ptr[i] == '-')
        i++;
    size_t first = i;
    i = skip_digits(text, i);
    if (i == first || (text.ptr[first] == '0' && i > first + 1))
        return 0;
    if (i < text.len && text.ptr[i] == '.') {
        size_t fraction = ++i;
        i = skip_digits(text, i);
        if (i == fraction)
            return 0;
    }
    if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
        i++;
        if (i < text.len && (text.ptr[i] == '+' || text.ptr[i] == '-'))
            i++;
        size_t exponent = i;
        i = skip_digits(text, i);
        if (i == exponent)
            return 0;
    }
    return i;
}

static bool mark_text(struct fx_str text, struct fx_buf *out, struct fx_err *err)
{
    for (size_t i = 0; i < text.len;) {
        char c = text.ptr[i];
        if (c == '"') {
            i = mark_string(text, i, out);
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            size_t end = scan_number(text, i);
            if (end == 0)
                return fx_fail(err, FX_E_PROTOCOL, "not valid JSON: invalid number at byte %zu", i);
            fx_buf_add(out, FX_STR("\"n"));
            fx_buf_add(out, fx_str_sub(text, i, end - i));
            fx_buf_add_char(out, '"');
            i = end;
        } else {
            fx_buf_add_char(out, c);
            i++;
        }
    }
    if (out->has_failed)
        return fx_fail(err, FX_E_LIMIT, "the JSON text has %zu bytes, the limit is %d MiB",
                       text.len, FX_JSON_TEXT_MAX >> 20);
    return true;
}

/* A number may appear where only a key is allowed: {1: 2}
 * would become {"n1": "n2"}. Keys must carry 's'. */
static bool check_keys(json_t *json)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(json)) {
        json_object_foreach(json, key, value)
        {
            if (key[0] != 's' || !check_keys(value))
                return false;
        }
    } else if (json_is_array(json)) {
        json_array_foreach(json, i, value)
        {
            if (!check_keys(value))
                return false;
        }
    }
    return true;
}

bool fx_json_parse(struct fx_str text, struct fx_json_doc **ret_doc, struct fx_err *err)
{
    if (text.len > FX_JSON_TEXT_MAX)
        return fx_fail(err, FX_E_LIMIT, "the JSON text has %zu bytes, the limit is %d MiB",
                       text.len, FX_JSON_TEXT_MAX >> 20);
    FX_AUTO(fx_buf) struct fx_buf marked = FX_BUF((size_t)FX_JSON_TEXT_MAX * 4);
    if (!mark_text(text, &marked, err))
        return false;
    json_error_t problem = {0};
    json_t *root = json_loadb(fx_buf_cstr(&marked), marked.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (root == NULL)
        return fx_fail(err, FX_E_PROTOCOL, "not valid JSON: line %d: %s", problem.line,
                       problem.text);
    if (!check_keys(root)) {
        json_decref(root);
        return fx_fail(err, FX_E_PROTOCOL, "not valid JSON: a key that is not a string");
    }
    *ret_doc = FX_NEW(struct fx_json_doc);
    (*ret_doc)->root = root;
    return true;
}

void fx_json_doc_free(struct fx_json_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    free(doc);
}

const struct fx_json *fx_json_root(const struct fx_json_doc *doc)
{
    return to_node(doc->root);
}

enum fx_json_kind fx_json_kind(const struct fx_json *node)
{
    const json_t *json = from_node(node);
    if (json == NULL)
        return FX_JSON_NULL;
    switch (json_typeof(json)) {
    case JSON_OBJECT: return FX_JSON_OBJECT;
    case JSON_ARRAY: return FX_JSON_ARRAY;
    case JSON_STRING: return json_string_value(json)[0] == 'n' ? FX_JSON_NUMBER : FX_JSON_STRING;
    case JSON_TRUE:
    case JSON_FALSE: return FX_JSON_BOOL;
    case JSON_NULL:
    case JSON_INTEGER: /* cannot be: numbers were marked */
    case JSON_REAL: break;
    }
    return FX_JSON_NULL;
}

const char *fx_json_kind_name(enum fx_json_kind kind)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    return names[kind];
}

const struct fx_json *fx_json_get_key(const struct fx_json *object, struct fx_str key)
{
    char small[128];
    if (!json_is_object(from_node(object)) || memchr(key.ptr, '\0', key.len) != NULL)
        return NULL;
    char *marked = key.len + 2 <= sizeof small ? small : fx_alloc(key.len + 2);
    marked[0] = 's';
    memcpy(marked + 1, key.ptr, key.len);
    marked[key.len + 1] = '\0';
    const json_t *value = json_object_get(from_node(object), marked);
    if (marked != small)
        free(marked);
    return to_node(value);
}

const struct fx_json *fx_json_get(const struct fx_json *object, const char *key)
{
    return fx_json_get_key(object, fx_str_from(key));
}

bool fx_json_next(const struct fx_json *object, struct fx_json_iter *iter)
{
    /* jansson's iterators do not write, but their interface is not const. */
    json_t *json = (json_t *)(uintptr_t)from_node(object);
    if (!json_is_object(json))
        return false;
    iter->at = iter->is_started ? json_object_iter_next(json, iter->at) : json_object_iter(json);
    iter->is_started = true;
    if (iter->at == NULL)
        return false;
    iter->key = fx_str_from(json_object_iter_key(iter->at) + 1);
    iter->value = to_node(json_object_iter_value(iter->at));
    return true;
}

size_t fx_json_len(const struct fx_json *node)
{
    const json_t *json = from_node(node);
    return json_is_array(json) ? json_array_size(json) : json_object_size(json);
}

const struct fx_json *fx_json_at(const struct fx_json *array, size_t i)
{
    return to_node(json_array_get(from_node(array), i));
}

bool fx_json_str(const struct fx_json *node, struct fx_str *ret)
{
    if (fx_json_kind(node) != FX_JSON_STRING)
        return false;
    *ret = (struct fx_str){json_string_value(from_node(node)) + 1,
                           json_string_length(from_node(node)) - 1};
    return true;
}

bool fx_json_number_text(const struct fx_json *node, struct fx_str *ret)
{
    if (fx_json_kind(node) != FX_JSON_NUMBER)
        return false;
    *ret = (struct fx_str){json_string_value(from_node(node)) + 1,
                           json_string_length(from_node(node)) - 1};
    return true;
}

bool fx_json_i64(const struct fx_json *node, int64_t *ret)
{
    struct fx_str text;
    return fx_json_number_text(node, &text) && fx_parse_i64(text, INT64_MIN, INT64_MAX, ret);
}

bool fx_json_double(const struct fx_json *node, double *ret)
{
    struct fx_str text;
    return fx_json_number_text(node, &text) && fx_parse_double(text, ret);
}

bool fx_json_bool(const struct fx_json *node, bool *ret)
{
    if (fx_json_kind(node) != FX_JSON_BOOL)
        return false;
    *ret = json_is_true(from_node(node));
    return true;
}

const char *fx_json_get_str(const struct fx_json *object, const char *key, const char *fallback)
{
    struct fx_str text;
    return fx_json_str(fx_json_get(object, key), &text) ? text.ptr : fallback;
}

int64_t fx_json_get_i64(const struct fx_json *object, const char *key, int64_t fallback)
{
    int64_t value;
    return fx_json_i64(fx_json_get(object, key), &value) ? value : fallback;
}

double fx_json_get_double(const struct fx_json *object, const char *key, double fallback)
{
    double value;
    return fx_json_double(fx_json_get(object, key), &value) ? value : fallback;
}

bool fx_json_get_bool(const struct fx_json *object, const char *key, bool fallback)
{
    bool value;
    return fx_json_bool(fx_json_get(object, key), &value) ? value : fallback;
}

bool fx_json_need_str(const struct fx_json *object, const char *key, const char **ret,
                      struct fx_err *err)
{
    const struct fx_json *node = fx_json_get(object, key);
    struct fx_str text;
    if (!fx_json_str(node, &text))
        return fx_fail(err, FX_E_PROTOCOL, "\"%s\": expected a string, found %s", key,
                       node != NULL ? fx_json_kind_name(fx_json_kind(node)) : "nothing");
    *ret = text.ptr;
    return true;
}

bool fx_json_need_i64(const struct fx_json *object, const char *key, int64_t *ret,
                      struct fx_err *err)
{
    const struct fx_json *node = fx_json_get(object, key);
    if (!fx_json_i64(node, ret))
        return fx_fail(err, FX_E_PROTOCOL, "\"%s\": expected a whole number, found %s", key,
                       node != NULL ? fx_json_kind_name(fx_json_kind(node)) : "nothing");
    return true;
}
