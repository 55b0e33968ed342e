/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over both documents at once with the path as JSON pointer text, so that rules are compared
 * segment by segment with what people write in ficus.yaml. Stops at the first difference.
 */
#include "lib/fmt/json_diff.h"

#include "lib/err/redact.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"

enum { PATH_MAX_BYTES = 64 * 1024, SHOWN_MAX_BYTES = 60 };

struct diff {
    const char *const *ignore;
    size_t n_ignore;
    struct fx_buf path;
    struct fx_buf *why;
};

static bool rule_matches(struct fx_str rule, struct fx_str path)
{
    while (rule.len > 0 && path.len > 0) {
        struct fx_str rule_rest, path_rest;
        rule = fx_str_sub(rule, 1, rule.len);
        path = fx_str_sub(path, 1, path.len);
        ptrdiff_t rule_end = fx_str_find(rule, '/'), path_end = fx_str_find(path, '/');
        rule_rest = rule_end >= 0 ? fx_str_sub(rule, (size_t)rule_end, rule.len) : FX_STR("");
        path_rest = path_end >= 0 ? fx_str_sub(path, (size_t)path_end, path.len) : FX_STR("");
        struct fx_str wanted = fx_str_sub(rule, 0, rule.len - rule_rest.len);
        struct fx_str found = fx_str_sub(path, 0, path.len - path_rest.len);
        if (!fx_str_eq(wanted, FX_STR("*")) && !fx_str_eq(wanted, found))
            return false;
        rule = rule_rest;
        path = path_rest;
    }
    return rule.len == 0 && path.len == 0;
}

static bool is_ignored(const struct diff *diff)
{
    for (size_t i = 0; i < diff->n_ignore; i++)
        if (rule_matches(fx_str_from(diff->ignore[i]), fx_buf_str(&diff->path)))
            return true;
    return false;
}

/* Returns the length to go back to with leave(). */
static size_t enter(struct diff *diff, struct fx_str key)
{
    size_t before = diff->path.len;
    fx_buf_add_char(&diff->path, '/');
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '~')
            fx_buf_add(&diff->path, FX_STR("~0"));
        else if (key.ptr[i] == '/')
            fx_buf_add(&diff->path, FX_STR("~1"));
        else
            fx_buf_add_char(&diff->path, key.ptr[i]);
    }
    return before;
}

static void leave(struct diff *diff, size_t before)
{
    diff->path.len = before;
    diff->path.ptr[before] = '\0';
}

/* Bodies hold what rows hold. */
static bool show_hidden(const struct fx_json *node, struct fx_buf *out)
{
    struct fx_str text = {0};
    enum fx_json_kind kind = fx_json_kind(node);
    if (fx_values_are_shown())
        return false;
    if (kind == FX_JSON_STRING && fx_json_str(node, &text))
        fx_buf_printf(out, "[hidden string, %zu bytes]", text.len);
    else if (kind == FX_JSON_NUMBER || kind == FX_JSON_BOOL)
        fx_buf_printf(out, "[hidden %s]", kind == FX_JSON_NUMBER ? "number" : "boolean");
    else
        return false;
    return true;
}

static void show(const struct fx_json *node, struct fx_buf *out)
{
    if (show_hidden(node, out))
        return;
    struct fx_str text = {0};
    bool truth = false;
    switch (fx_json_kind(node)) {
    case FX_JSON_NULL: fx_buf_add_c(out, node == NULL ? "nothing" : "null"); break;
    case FX_JSON_BOOL:
        fx_buf_add_c(out, fx_json_bool(node, &truth) && truth ? "true" : "false");
        break;
    case FX_JSON_NUMBER:
        (void)fx_json_number_text(node, &text);
        fx_buf_add(out, fx_str_sub(text, 0, SHOWN_MAX_BYTES));
        break;
    case FX_JSON_STRING:
        (void)fx_json_str(node, &text);
        fx_json_quote(fx_utf8_clip(text, SHOWN_MAX_BYTES), out);
        break;
    case FX_JSON_ARRAY: fx_buf_printf(out, "an array of %zu", fx_json_len(node)); break;
    case FX_JSON_OBJECT: fx_buf_printf(out, "an object of %zu", fx_json_len(node)); break;
    }
}

static bool differs(struct diff *diff, const struct fx_json *a, const struct fx_json *b)
{
    if (diff->why != NULL) {
        fx_buf_printf(diff->why, "%s: ", diff->path.len > 0 ? diff->path.ptr : "(document)");
        show(a, diff->why);
        fx_buf_add(diff->why, FX_STR(" and "));
        show(b, diff->why);
    }
    return false;
}

struct number { /* ± digits × 10^exponent, digits without zeros at either end; none: zero */
    bool is_negative;
    struct fx_buf digits;
    int64_t exponent;
};

static bool read_number(struct fx_str text, struct number *ret)
{
    size_t i = 0;
    bool is_fraction = false;
    if (i < text.len && text.ptr[i] == '-') {
        ret->is_negative = true;
        i++;
    }
    for (; i < text.len && text.ptr[i] != 'e' && text.ptr[i] != 'E'; i++) {
        if (text.ptr[i] == '.') {
            is_fraction = true;
            continue;
        }
        if (ret->digits.len > 0 || text.ptr[i] != '0')
            fx_buf_add_char(&ret->digits, text.ptr[i]);
        ret->exponent -= is_fraction;
    }
    if (i < text.len) {
        int64_t exponent;
        i += i + 1 < text.len && text.ptr[i + 1] == '+' ? 2 : 1;
        if (!fx_parse_i64(fx_str_sub(text, i, text.len), -1000000000, 1000000000, &exponent))
            return false;
        ret->exponent += exponent;
    }
    while (ret->digits.len > 0 && ret->digits.ptr[ret->digits.len - 1] == '0') {
        ret->digits.len--;
        ret->exponent++;
    }
    return !ret->digits.has_failed;
}

bool fx_json_number_equal(struct fx_str a, struct fx_str b)
{
    if (fx_str_eq(a, b))
        return true;
    struct number x = {.digits = FX_BUF(a.len)}, y = {.digits = FX_BUF(b.len)};
    bool is_equal =
        read_number(a, &x) && read_number(b, &y) &&
        fx_str_eq(fx_buf_str(&x.digits), fx_buf_str(&y.digits)) &&
        (x.digits.len == 0 || (x.is_negative == y.is_negative && x.exponent == y.exponent));
    fx_buf_done(&x.digits);
    fx_buf_done(&y.digits);
    return is_equal;
}

static bool equal(struct diff *diff, const struct fx_json *a, const struct fx_json *b);

static bool arrays_equal(struct diff *diff, const struct fx_json *a, const struct fx_json *b)
{
    size_t len = FX_MAX(fx_json_len(a), fx_json_len(b));
    for (size_t i = 0; i < len; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        size_t before = enter(diff, fx_str_from(index));
        if (!equal(diff, fx_json_at(a, i), fx_json_at(b, i)))
            return false;
        leave(diff, before);
    }
    return true;
}

static bool objects_equal(struct diff *diff, const struct fx_json *a, const struct fx_json *b)
{
    for (struct fx_json_iter iter = {0}; fx_json_next(a, &iter);) {
        size_t before = enter(diff, iter.key);
        if (!equal(diff, iter.value, fx_json_get_key(b, iter.key)))
            return false;
        leave(diff, before);
    }
    for (struct fx_json_iter iter = {0}; fx_json_next(b, &iter);) {
        if (fx_json_get_key(a, iter.key) != NULL)
            continue;
        size_t before = enter(diff, iter.key);
        if (!is_ignored(diff))
            return differs(diff, NULL, iter.value);
        leave(diff, before);
    }
    return true;
}

/* A NULL node is "not there", which is not the same as null. */
static bool equal(struct diff *diff, const struct fx_json *a, const struct fx_json *b)
{
    struct fx_str x = {0}, y = {0};
    bool p = false, q = false;
    if (is_ignored(diff))
        return true;
    if (a == NULL || b == NULL || fx_json_kind(a) != fx_json_kind(b))
        return differs(diff, a, b);
    switch (fx_json_kind(a)) {
    case FX_JSON_NULL: return true;
    case FX_JSON_BOOL:
        return (fx_json_bool(a, &p) && fx_json_bool(b, &q) && p == q) || differs(diff, a, b);
    case FX_JSON_NUMBER:
        return (fx_json_number_text(a, &x) && fx_json_number_text(b, &y) &&
                fx_json_number_equal(x, y)) ||
               differs(diff, a, b);
    case FX_JSON_STRING:
        return (fx_json_str(a, &x) && fx_json_str(b, &y) && fx_str_eq(x, y)) || differs(diff, a, b);
    case FX_JSON_ARRAY: return arrays_equal(diff, a, b);
    case FX_JSON_OBJECT: return objects_equal(diff, a, b);
    }
    return false;
}

bool fx_json_equal(const struct fx_json *a, const struct fx_json *b, const char *const *ignore,
                   size_t n_ignore, struct fx_buf *why)
{
    struct diff diff = {ignore, n_ignore, FX_BUF(PATH_MAX_BYTES), why};
    bool is_equal = equal(&diff, a, b);
    if (diff.path.has_failed) /* then rules could not be checked: never call that equal */
        is_equal = false;
    fx_buf_done(&diff.path);
    return is_equal;
}

bool fx_json_ignore_check(const char *rule)
{
    if (rule[0] != '\0' && rule[0] != '/')
        return false;
    for (const char *c = rule; *c != '\0'; c++)
        if (*c == '~' && c[1] != '0' && c[1] != '1')
            return false;
    return fx_utf8_valid(fx_str_from(rule));
}
