/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One normal form of a path, and refusal of every path that has two. Which upstream decodes %2F, strips "..;"
 * or merges "//" is not ours to know, so such requests never reach a routing decision.
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

/* Decodes raw[*i], which is '%', and moves *i behind it. */
static bool add_escape(struct fx_str raw, size_t *i, struct fx_buf *out, const char **ret_why)
{
    uint64_t byte;
    if (raw.len - *i < 3 || !fx_parse_hex_u64(fx_str_sub(raw, *i + 1, 2), 255, &byte))
        return refuse(ret_why, "a % that two hex digits do not follow");
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

/* "." and "..", alone or with parameters ("..;x", "..%3Bx"), which some servers drop before they resolve. */
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
            return refuse(ret_why, "a character that a path cannot hold");
        if (c == '\\')
            return refuse(ret_why, "a backslash in the path");
        fx_buf_add_char(out, (char)c);
        i++;
    }
    if (out->has_failed)
        return refuse(ret_why, "the path is too long");
    return check_segments((struct fx_str){out->ptr + start, out->len - start}, ret_why);
}

static bool endpoint_host(struct fx_str authority, struct fx_endpoint *ret, const char **ret_why)
{
    struct fx_str port = {0};
    if (authority.len > 0 && authority.ptr[0] == '[') {
        ptrdiff_t end = fx_str_find(authority, ']');
        if (end < 0)
            return refuse(ret_why, "an address with [ but without ]");
        ret->host = fx_str_sub(authority, 1, (size_t)end - 1);
        port = fx_str_sub(authority, (size_t)end + 1, authority.len);
        if (port.len > 0 && port.ptr[0] != ':')
            return refuse(ret_why, "something other than a port behind ]");
        port = fx_str_sub(port, 1, port.len);
    } else {
        ret->host = fx_str_cut(authority, ':', &port);
    }
    uint64_t number = 80;
    if (ret->host.len == 0)
        return refuse(ret_why, "no host");
    if (port.len > 0 && (!fx_parse_u64(port, 65535, &number) || number == 0))
        return refuse(ret_why, "a port that is not 1 to 65535");
    ret->port = (int)number;
    return true;
}

bool fx_url_endpoint(struct fx_str url, struct fx_endpoint *ret, const char **ret_why)
{
    *ret = (struct fx_endpoint){0};
    struct fx_str unix_prefix = FX_STR("unix:"), http_unix = FX_STR("http+unix:");
    if (fx_str_starts(url, unix_prefix) || fx_str_starts(url, http_unix)) {
        size_t skip = fx_str_starts(url, unix_prefix) ? unix_prefix.len : http_unix.len;
        ret->unix_path = fx_str_sub(url, skip, url.len);
        return ret->unix_path.len > 0 && ret->unix_path.ptr[0] == '/'
                   ? true
                   : refuse(ret_why, "a Unix socket needs an absolute path");
    }
    if (!fx_str_starts(url, FX_STR("http://")))
        return refuse(ret_why, "an endpoint is http://host:port or unix:/path");
    struct fx_str path;
    struct fx_str authority = fx_str_cut(fx_str_sub(url, 7, url.len), '/', &path);
    if (path.len > 0)
        return refuse(ret_why, "an endpoint has no path");
    return endpoint_host(authority, ret, ret_why);
}

bool fx_url_query_get(struct fx_str query, const char *name, struct fx_buf *out)
{
    struct fx_str wanted = fx_str_from(name);
    while (query.len > 0) {
        struct fx_str value, pair = fx_str_cut(query, '&', &query);
        if (!fx_str_eq(fx_str_cut(pair, '=', &value), wanted))
            continue;
        for (size_t i = 0; i < value.len; i++) {
            uint64_t byte = (unsigned char)value.ptr[i];
            if (byte == '+') {
                byte = ' ';
            } else if (byte == '%') {
                if (value.len - i < 3 || !fx_parse_hex_u64(fx_str_sub(value, i + 1, 2), 255, &byte))
                    return false;
                i += 2;
            }
            fx_buf_add_char(out, (char)byte);
        }
        return !out->has_failed;
    }
    return false;
}
