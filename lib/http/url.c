/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One normal form of a path, and refusal of every path that has two. Which upstream decodes %2F,
 * strips "..;" or merges "//" is not ours to know, so such requests never reach a routing decision.
 */
#include "lib/http/url.h"

#include "lib/fmt/text.h"

static bool is_unreserved(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static bool refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

/* Decodes raw[*i], which is '%', and moves *i past it. */
static bool add_escape(struct fx_str raw, size_t *i, struct fx_buf *out, const char **ret_why)
{
    uint64_t byte;
    if (raw.len - *i < 3 || !fx_parse_hex_u64(fx_str_sub(raw, *i + 1, 2), 255, &byte))
        return refuse(ret_why, "a % without two hex digits after it");
    *i += 3;
    if (byte < 0x20 || byte == 0x7F)
        return refuse(ret_why, "an encoded control character in the path");
    if (byte == '/' || byte == '\\')
        return refuse(ret_why, "an encoded slash in the path");
    if (is_unreserved((unsigned char)byte))
        fx_buf_add_char(out, (char)byte);
    else
        fx_buf_printf(out, "%%%02X", (unsigned)byte);
    return true;
}

/* "." and "..", alone or with parameters ("..;x",
 * "..%3Bx"), which some servers drop before they resolve. */
static bool is_dot_segment(struct fx_str segment)
{
    size_t n_dots = 0;
    while (n_dots < segment.len && segment.ptr[n_dots] == '.')
        n_dots++;
    struct fx_str rest = fx_str_sub(segment, n_dots, segment.len);
    return (n_dots == 1 || n_dots == 2) && (rest.len == 0 || fx_str_starts(rest, FX_STR(";")) ||
                                            fx_str_starts(rest, FX_STR("%3B")));
}

static bool check_segments(struct fx_str path, const char **ret_why)
{
    struct fx_str rest = fx_str_sub(path, 1, path.len);
    while (rest.len > 0) {
        bool is_last = fx_str_find(rest, '/') < 0;
        struct fx_str segment = fx_str_cut(rest, '/', &rest);
        if (segment.len == 0 && !is_last)
            return refuse(ret_why, "an empty segment (//) in the path");
        if (is_dot_segment(segment))
            return refuse(ret_why, "a dot segment in the path");
    }
    return true;
}

bool fx_url_path_normal(struct fx_str raw, struct fx_buf *out, const char **ret_why)
{
    size_t start = out->len;
    if (raw.len == 0 || raw.ptr[0] != '/')
        return refuse(ret_why, "a path that does not start with a slash");
    for (size_t i = 0; i < raw.len;) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (c == '%') {
            if (!add_escape(raw, &i, out, ret_why))
                return false;
            continue;
        }
        if (c <= 0x20 || c >= 0x7F || c == '#' || c == '?')
            return refuse(ret_why, "a character that is not allowed in a path");
        if (c == '\\')
            return refuse(ret_why, "a backslash in the path");
        fx_buf_add_char(out, (char)c);
        i++;
    }
    if (out->has_failed)
        return refuse(ret_why, "the path is too long");
    return check_segments((struct fx_str){out->ptr + start, out->len - start}, ret_why);
}
