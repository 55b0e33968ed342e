/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursive reader of RFC 8259 that writes the canonical form as it goes. An object's members are
 * written to a scratch buffer each and put in order when the object ends.
 */
#include "lib/value/json_canon.h"

#include <inttypes.h>

#include "lib/base/panic.h"
#include "lib/base/vec.h"

enum { DEPTH_MAX = 512 };

struct reader {
    const char *start, *at, *end;
    int depth;
    struct fx_err *err;
    bool has_duplicates;
};

struct member {
    struct fx_buf key;  /* canonical, with quotes */
    struct fx_buf text; /* canonical value */
    size_t order;
};

static bool read_value(struct reader *r, struct fx_buf *out);

static bool refuse(struct reader *r, const char *what)
{
    return fx_fail(r->err, FX_E_SOURCE_DATA,
                   "a JSON document cannot be compared: it is not valid at byte %td (%s)",
                   r->at - r->start, what) ||
           fx_hint(r->err, "Correct the document in the row and column that the context lines "
                           "name, then run the same command again.");
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct reader *r, const char *word, struct fx_buf *out)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return refuse(r, "unknown word");
    r->at += len;
    fx_buf_add_c(out, word);
    return true;
}

static bool take_hex4(struct reader *r, unsigned *ret)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        char c = r->at < r->end ? *r->at++ : '\0';
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a' + 10);
        else
            return refuse(r, "four hex digits expected after \\u");
        n = n * 16 + digit;
    }
    *ret = n;
    return true;
}

static void add_utf8(struct fx_buf *out, unsigned c)
{
    if (c < 0x80) {
        fx_buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        fx_buf_add_char(out, (char)(0xc0 | c >> 6));
        fx_buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        fx_buf_add_char(out, (char)(0xe0 | c >> 12));
        fx_buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        fx_buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        fx_buf_add_char(out, (char)(0xf0 | c >> 18));
        fx_buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        fx_buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        fx_buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* One character of a string, escaped only where JSON
 * demands it; a lone surrogate keeps its escape. */
static void add_character(struct fx_buf *out, unsigned c)
{
    if (c == '"' || c == '\\')
        fx_buf_printf(out, "\\%c", (int)c);
    else if (c < 0x20 || (c >= 0xd800 && c <= 0xdfff))
        fx_buf_printf(out, "\\u%04x", c);
    else
        add_utf8(out, c);
}

static bool read_unicode_escape(struct reader *r, struct fx_buf *out)
{
    unsigned high;
    if (!take_hex4(r, &high))
        return false;
    bool is_pair = high >= 0xd800 && high <= 0xdbff && r->end - r->at >= 6 && r->at[0] == '\\' &&
                   r->at[1] == 'u';
    if (is_pair) {
        const char *before = r->at;
        unsigned low;
        r->at += 2;
        if (!take_hex4(r, &low))
            return false;
        if (low >= 0xdc00 && low <= 0xdfff)
            high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        else
            r->at = before;
    }
    add_character(out, high);
    return true;
}

static bool read_escape(struct reader *r, struct fx_buf *out)
{
    char c = r->at < r->end ? *r->at++ : '\0';
    switch (c) {
    case '"':
    case '\\':
    case '/': add_character(out, (unsigned char)c); return true;
    case 'b': add_character(out, '\b'); return true;
    case 'f': add_character(out, '\f'); return true;
    case 'n': add_character(out, '\n'); return true;
    case 'r': add_character(out, '\r'); return true;
    case 't': add_character(out, '\t'); return true;
    case 'u': return read_unicode_escape(r, out);
    default: return refuse(r, "unknown escape");
    }
}

static bool read_string(struct reader *r, struct fx_buf *out)
{
    if (!take(r, '"'))
        return refuse(r, "string expected");
    fx_buf_add_char(out, '"');
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = (unsigned char)*r->at++;
        if (c < 0x20)
            return refuse(r, "control character in a string");
        if (c != '\\')
            fx_buf_add_char(out, (char)c);
        else if (!read_escape(r, out))
            return false;
    }
    if (!take(r, '"'))
        return refuse(r, "string without end");
    fx_buf_add_char(out, '"');
    return true;
}

static struct fx_str take_digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (struct fx_str){from, (size_t)(r->at - from)};
}

static bool read_exponent(struct reader *r, int64_t *ret)
{
    *ret = 0;
    if (!take(r, 'e') && !take(r, 'E'))
        return true;
    bool is_negative = take(r, '-');
    if (!is_negative)
        (void)take(r, '+');
    struct fx_str digits = take_digits(r);
    if (digits.len == 0)
        return refuse(r, "digits expected in an exponent");
    for (size_t i = 0; i < digits.len; i++) {
        *ret = *ret * 10 + (digits.ptr[i] - '0');
        if (*ret > 1000000000)
            return refuse(r, "exponent too large");
    }
    if (is_negative)
        *ret = -*ret;
    return true;
}

/* A number is written as digits without zeros at
 * either end, and the power of ten of the last digit. */
static void add_number(struct fx_buf *out, bool is_negative, struct fx_str whole,
                       struct fx_str fraction, int64_t exponent)
{
    FX_AUTO(fx_buf) struct fx_buf digits = FX_BUF(whole.len + fraction.len);
    fx_buf_add(&digits, whole);
    fx_buf_add(&digits, fraction);
    struct fx_str d = fx_buf_str(&digits);
    exponent -= (int64_t)fraction.len;
    while (d.len > 0 && d.ptr[d.len - 1] == '0') {
        d.len--;
        exponent++;
    }
    while (d.len > 0 && d.ptr[0] == '0')
        d = fx_str_sub(d, 1, d.len - 1);
    if (d.len == 0) {
        fx_buf_add_char(out, '0');
        return;
    }
    if (is_negative)
        fx_buf_add_char(out, '-');
    fx_buf_add(out, d);
    if (exponent != 0)
        fx_buf_printf(out, "e%" PRId64, exponent);
}

static bool read_number(struct reader *r, struct fx_buf *out)
{
    bool is_negative = take(r, '-');
    struct fx_str whole = take_digits(r);
    struct fx_str fraction = {0};
    if (whole.len == 0)
        return refuse(r, "value expected");
    if (whole.len > 1 && whole.ptr[0] == '0')
        return refuse(r, "number with a leading zero");
    if (take(r, '.')) {
        fraction = take_digits(r);
        if (fraction.len == 0)
            return refuse(r, "digits expected after the point");
    }
    int64_t exponent;
    if (!read_exponent(r, &exponent))
        return false;
    add_number(out, is_negative, whole, fraction, exponent);
    return true;
}

static bool read_array(struct reader *r, struct fx_buf *out)
{
    r->at++;
    fx_buf_add_char(out, '[');
    skip_space(r);
    if (!take(r, ']')) {
        for (;;) {
            if (!read_value(r, out))
                return false;
            if (take(r, ']'))
                break;
            if (!take(r, ','))
                return refuse(r, "',' or ']' expected");
            fx_buf_add_char(out, ',');
        }
    }
    fx_buf_add_char(out, ']');
    return true;
}

static int member_cmp(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    int c = fx_str_cmp(fx_buf_str(&x->key), fx_buf_str(&y->key));
    return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

static bool is_same_name(const struct member *a, const struct member *b)
{
    return fx_str_eq(fx_buf_str(&a->key), fx_buf_str(&b->key));
}

static bool read_member(struct reader *r, struct member *m)
{
    skip_space(r);
    if (!read_string(r, &m->key))
        return false;
    skip_space(r);
    if (!take(r, ':'))
        return refuse(r, "':' expected");
    return read_value(r, &m->text);
}

typedef FX_VEC(struct member) member_list;

static bool read_members(struct reader *r, member_list *members, size_t max_bytes)
{
    for (;;) {
        FX_VEC_PUSH(members, (struct member){FX_BUF(max_bytes), FX_BUF(max_bytes), members->len});
        if (!read_member(r, &members->items[members->len - 1]))
            return false;
        if (take(r, '}'))
            return true;
        if (!take(r, ','))
            return refuse(r, "',' or '}' expected");
    }
}

static bool read_object(struct reader *r, struct fx_buf *out)
{
    member_list members = {0};
    r->at++;
    skip_space(r);
    bool is_ok = take(r, '}') || read_members(r, &members, out->max_bytes);
    if (is_ok && members.len > 1)
        qsort(members.items, members.len, sizeof members.items[0], member_cmp);
    fx_buf_add_char(out, '{');
    for (size_t i = 0; i < members.len; i++) {
        struct member *m = &members.items[i];
        if (i > 0)
            fx_buf_add_char(out, ',');
        r->has_duplicates |= i + 1 < members.len && is_same_name(m, m + 1);
        fx_buf_add(out, fx_buf_str(&m->key));
        fx_buf_add_char(out, ':');
        fx_buf_add(out, fx_buf_str(&m->text));
        out->has_failed = out->has_failed || m->key.has_failed || m->text.has_failed;
        fx_buf_done(&m->key);
        fx_buf_done(&m->text);
    }
    FX_VEC_DONE(&members);
    fx_buf_add_char(out, '}');
    return is_ok;
}

static bool read_value(struct reader *r, struct fx_buf *out)
{
    if (++r->depth > DEPTH_MAX)
        return refuse(r, "nested too deeply");
    skip_space(r);
    char c = r->at < r->end ? *r->at : '\0';
    bool is_ok;
    if (c == '{')
        is_ok = read_object(r, out);
    else if (c == '[')
        is_ok = read_array(r, out);
    else if (c == '"')
        is_ok = read_string(r, out);
    else if (c == 't' || c == 'f' || c == 'n')
        is_ok = take_word(r, c == 't' ? "true" : c == 'f' ? "false" : "null", out);
    else
        is_ok = read_number(r, out);
    r->depth--;
    skip_space(r);
    FX_INVARIANT(r->at <= r->end && r->depth >= 0, "at byte %td of %td, depth %d", r->at - r->start,
                 r->end - r->start, r->depth);
    return is_ok;
}

bool fx_json_canon_names(struct fx_str text, struct fx_buf *out, bool *ret_duplicates,
                         struct fx_err *err)
{
    struct reader r = {.start = text.ptr,
                       .at = text.ptr,
                       .end = text.ptr != NULL ? text.ptr + text.len : NULL,
                       .err = err};
    if (!read_value(&r, out))
        return false;
    if (r.at != r.end)
        return refuse(&r, "text after the document");
    if (out->has_failed)
        return fx_fail(err, FX_E_LIMIT, "a JSON document of %zu bytes is too large to be compared",
                       text.len) ||
               fx_hint(err, "Take the column that the context lines name out of the mapping in "
                            "ficus.yaml, then run the same command again.");
    *ret_duplicates = r.has_duplicates;
    return true;
}

bool fx_json_canon(struct fx_str text, struct fx_buf *out, struct fx_err *err)
{
    bool ignored = false;
    return fx_json_canon_names(text, out, &ignored, err);
}
