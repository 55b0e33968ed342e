/* SPDX-License-Identifier: Apache-2.0 */
/* See json_limits.h. One pass, no memory. */
#include "lib/value/json_limits.h"

struct pass {
    struct fx_json_traits traits;
    int depth;
    bool is_in_string, is_after_high; /* a high surrogate was read, its other half has to follow */
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four digits after \u, -1: they are none. */
static int code_unit(struct fx_str digits)
{
    int unit = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < digits.len ? hex_digit(digits.ptr[i]) : -1;
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static void on_unit(struct pass *p, int unit)
{
    bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
    p->traits.has_lone_surrogate |= is_low != p->is_after_high;
    p->traits.has_nul |= unit == 0;
    p->is_after_high = unit >= 0xD800 && unit <= 0xDBFF;
}

/* `rest` begins with the backslash. Returns how many bytes the escape has. */
static size_t on_escape(struct pass *p, struct fx_str rest)
{
    if (rest.len < 2)
        return rest.len;
    if (rest.ptr[1] != 'u') {
        on_unit(p, rest.ptr[1]);
        return 2;
    }
    on_unit(p, code_unit((struct fx_str){rest.ptr + 2, rest.len - 2}));
    return FX_MIN(rest.len, (size_t)6);
}

static size_t in_string(struct pass *p, struct fx_str rest)
{
    if (rest.ptr[0] == '\\')
        return on_escape(p, rest);
    if (p->is_after_high)
        on_unit(p, 'x');
    p->is_in_string = rest.ptr[0] != '"';
    return 1;
}

static void outside(struct pass *p, char c)
{
    p->is_in_string = c == '"';
    if (c == '[' || c == '{')
        p->traits.depth = FX_MAX(p->traits.depth, ++p->depth);
    else if (c == ']' || c == '}')
        p->depth--;
}

struct fx_json_traits fx_json_traits_of(struct fx_str text)
{
    struct pass p = {0};
    for (size_t i = 0; i < text.len;) {
        if (p.is_in_string) {
            i += in_string(&p, (struct fx_str){text.ptr + i, text.len - i});
            continue;
        }
        outside(&p, text.ptr[i++]);
    }
    return p.traits;
}
