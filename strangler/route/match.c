/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules are few (tens), so a sorted scan whose first test is the literal prefix beats any index;
 * the order is fixed once, at start, and documented in the header.
 */
#include "strangler/route/match.h"

#include "lib/http/url.h"

static const struct {
    struct fx_str name;
    unsigned bit;
} methods[] = {
    {{"GET", 3}, FCD_M_GET},         {{"HEAD", 4}, FCD_M_HEAD},   {{"POST", 4}, FCD_M_POST},
    {{"PUT", 3}, FCD_M_PUT},         {{"PATCH", 5}, FCD_M_PATCH}, {{"DELETE", 6}, FCD_M_DELETE},
    {{"OPTIONS", 7}, FCD_M_OPTIONS}, {{"TRACE", 5}, FCD_M_TRACE}, {{"CONNECT", 7}, FCD_M_CONNECT},
};

unsigned fcd_method_bit(struct fx_str method)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(methods); i++)
        if (fx_str_eq(methods[i].name, method))
            return methods[i].bit;
    return FCD_M_OTHER;
}

bool fcd_method_is_miswritten(struct fx_str method)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(methods); i++)
        if (fx_str_eq_ci(methods[i].name, method))
            return !fx_str_eq(methods[i].name, method);
    return false;
}

static bool add_segment(struct fcd_pattern *pattern, const char *text, struct fx_str segment,
                        struct fx_err *err)
{
    if (pattern->n_segments == FCD_PATTERN_SEGMENTS)
        return fx_fail(err, FX_E_CONFIG, "path pattern \"%s\" has more than %d segments", text,
                       FCD_PATTERN_SEGMENTS);
    bool is_named = segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
    if (fx_str_eq_c(segment, "*") || is_named)
        segment.ptr = NULL;
    else if (fx_str_find(segment, '?') >= 0 || fx_str_find(segment, '#') >= 0)
        return fx_fail(err, FX_E_CONFIG,
                       "path pattern \"%s\" contains \"?\" or \"#\": a pattern is the path alone, "
                       "without query and fragment",
                       text);
    else if (fx_str_find(segment, '*') >= 0 || fx_str_find(segment, '{') >= 0)
        return fx_fail(err, FX_E_CONFIG,
                       "segment \"%.*s\" of path pattern \"%s\" mixes text and a wildcard: a "
                       "wildcard is a whole segment, * or {name}, and ** only at the end",
                       FX_STR_FMT(segment), text);
    pattern->segments[pattern->n_segments++] = segment;
    return true;
}

/* Requests are matched in their normal form, so a
 * pattern in another form would silently never match. */
static bool check_normal(const char *text, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf normal = FX_BUF(64 * 1024);
    const char *why = NULL;
    if (!fx_url_path_normal(fx_str_from(text), &normal, &why))
        return fx_fail(err, FX_E_CONFIG, "path pattern \"%s\" cannot match any request: %s", text,
                       why);
    if (!fx_str_eq_c(fx_buf_str(&normal), text))
        return fx_fail(err, FX_E_CONFIG, "path pattern \"%s\" must be written \"%s\"", text,
                       fx_buf_cstr(&normal));
    return true;
}

bool fcd_pattern_compile(const char *text, struct fcd_pattern *ret_pattern, struct fx_err *err)
{
    if (text[0] != '/')
        return fx_fail(err, FX_E_CONFIG, "path pattern \"%s\" does not begin with \"/\"", text);
    struct fcd_pattern pattern = {0};
    struct fx_str rest = fx_str_from(text + 1);
    bool is_literal = true;
    for (;;) {
        bool is_last = fx_str_find(rest, '/') < 0;
        struct fx_str segment = fx_str_cut(rest, '/', &rest);
        if (is_last && fx_str_eq_c(segment, "**")) {
            pattern.has_rest = true;
            break;
        }
        if (!add_segment(&pattern, text, segment, err))
            return false;
        is_literal = is_literal && pattern.segments[pattern.n_segments - 1].ptr != NULL;
        if (is_literal)
            pattern.literal_len += segment.len + 1;
        if (is_last)
            break;
    }
    if (!check_normal(text, err))
        return false;
    *ret_pattern = pattern;
    return true;
}

/* "orders;v=2" without its parameters (RFC 3986, 3.3),
 * also where a server decodes before it looks for them. */
static struct fx_str without_parameters(struct fx_str segment)
{
    for (size_t i = 0; i < segment.len; i++)
        if (segment.ptr[i] == ';' ||
            fx_str_starts(fx_str_sub(segment, i, segment.len), FX_STR("%3B")))
            return fx_str_sub(segment, 0, i);
    return segment;
}

static bool is_segment(struct fx_str want, struct fx_str segment)
{
    return fx_str_eq(want, segment) || fx_str_eq(want, without_parameters(segment));
}

bool fcd_pattern_matches(const struct fcd_pattern *pattern, struct fx_str path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    struct fx_str rest = fx_str_sub(path, 1, path.len);
    bool has_more = true; /* "/" has one segment, the empty one */
    for (size_t i = 0; i < pattern->n_segments; i++) {
        if (!has_more)
            return false;
        has_more = fx_str_find(rest, '/') >= 0;
        struct fx_str segment = fx_str_cut(rest, '/', &rest);
        struct fx_str want = pattern->segments[i];
        if (want.ptr != NULL ? !is_segment(want, segment) : segment.len == 0)
            return false;
    }
    return pattern->has_rest || !has_more;
}

static int compare_rules(const void *left, const void *right)
{
    const struct fcd_rule *a = left, *b = right;
    if (a->pattern.literal_len != b->pattern.literal_len)
        return a->pattern.literal_len > b->pattern.literal_len ? -1 : 1;
    if (a->pattern.n_segments != b->pattern.n_segments)
        return a->pattern.n_segments > b->pattern.n_segments ? -1 : 1;
    if (a->pattern.has_rest != b->pattern.has_rest)
        return a->pattern.has_rest ? 1 : -1;
    return a->route < b->route ? -1 : a->route > b->route;
}

void fcd_rules_sort(struct fcd_rule *rules, size_t n)
{
    if (n > 1)
        qsort(rules, n, sizeof *rules, compare_rules);
}

size_t fcd_rules_find(const struct fcd_rule *rules, size_t n, struct fx_str path, unsigned method)
{
    for (size_t i = 0; i < n; i++)
        if ((rules[i].methods & method) != 0 && fcd_pattern_matches(&rules[i].pattern, path))
            return rules[i].route;
    return SIZE_MAX;
}
