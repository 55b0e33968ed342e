/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: comparisons and cuts that never copy. */
#include "lib/base/str.h"

struct fx_str fx_str_from(const char *text)
{
    return (struct fx_str){text, text != NULL ? strlen(text) : 0};
}

bool fx_str_eq(struct fx_str a, struct fx_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool fx_str_eq_c(struct fx_str a, const char *b)
{
    return fx_str_eq(a, fx_str_from(b));
}

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

bool fx_str_eq_ci(struct fx_str a, struct fx_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

int fx_str_cmp(struct fx_str a, struct fx_str b)
{
    size_t n = FX_MIN(a.len, b.len);
    int c = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c != 0)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool fx_str_starts(struct fx_str s, struct fx_str prefix)
{
    return s.len >= prefix.len && fx_str_eq(fx_str_sub(s, 0, prefix.len), prefix);
}

bool fx_str_ends(struct fx_str s, struct fx_str suffix)
{
    return s.len >= suffix.len && fx_str_eq(fx_str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

struct fx_str fx_str_sub(struct fx_str s, size_t from, size_t len)
{
    from = FX_MIN(from, s.len);
    if (s.ptr == NULL)
        return s;
    return (struct fx_str){s.ptr + from, FX_MIN(len, s.len - from)};
}

struct fx_str fx_str_trim(struct fx_str s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = fx_str_sub(s, 1, s.len);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

ptrdiff_t fx_str_find(struct fx_str s, char c)
{
    const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
    return at != NULL ? at - s.ptr : -1;
}

struct fx_str fx_str_cut(struct fx_str s, char c, struct fx_str *rest)
{
    ptrdiff_t at = fx_str_find(s, c);
    if (at < 0) {
        *rest = (struct fx_str){NULL, 0};
        return s;
    }
    *rest = fx_str_sub(s, (size_t)at + 1, s.len);
    return fx_str_sub(s, 0, (size_t)at);
}

struct fx_str fx_utf8_clip(struct fx_str s, size_t max_bytes)
{
    if (s.len <= max_bytes)
        return s;
    size_t end = max_bytes;
    while (end > 0 && ((unsigned char)s.ptr[end] & 0xC0) == 0x80)
        end--;
    return fx_str_sub(s, 0, end);
}
