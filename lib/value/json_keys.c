/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See json_keys.h. One pass over the text with the names of all open objects at hand; every copied
 * row comes through here, so it allocates nothing. Names with escapes, very deep and very wide
 * documents are left to the canonical form, which keeps duplicates side by side.
 */
#include "lib/value/json_keys.h"

#include <ctype.h>

#include "lib/base/buf.h"
#include "lib/base/fx.h"
#include "lib/value/json_canon.h"

enum { NAMES_MAX = 256, DEPTH_MAX = 64, CANON_MAX = 1 << 30 };

struct walk {
    const char *at, *end;
    struct fx_str names[NAMES_MAX]; /* of all open objects, outermost first */
    size_t n_names;
    size_t first[DEPTH_MAX]; /* for each open object or array: where its names begin */
    size_t depth;
    bool has_twins;
    bool is_unsure;
};

static bool has_twins(const struct fx_str *names, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (fx_str_eq(names[i], names[k]))
                return true;
    return false;
}

static void open_level(struct walk *w)
{
    w->at++;
    if (w->depth == DEPTH_MAX)
        w->is_unsure = true;
    else
        w->first[w->depth++] = w->n_names;
}

static void close_level(struct walk *w)
{
    w->at++;
    if (w->depth == 0)
        return;
    size_t first = w->first[--w->depth];
    w->has_twins = w->has_twins || has_twins(w->names + first, w->n_names - first);
    w->n_names = first;
}

/* A string before a colon is a name; no other can be there. */
static void take_string(struct walk *w)
{
    const char *start = ++w->at;
    bool has_escape = false;
    while (w->at < w->end && *w->at != '"') {
        has_escape = has_escape || *w->at == '\\';
        w->at += *w->at == '\\' && w->end - w->at > 1 ? 2 : 1;
    }
    struct fx_str name = {start, (size_t)(w->at - start)};
    w->at += w->at < w->end ? 1 : 0;
    while (w->at < w->end && isspace((unsigned char)*w->at))
        w->at++;
    if (w->at == w->end || *w->at != ':')
        return;
    w->is_unsure = w->is_unsure || has_escape || w->n_names == NAMES_MAX;
    if (w->n_names < NAMES_MAX)
        w->names[w->n_names++] = name;
}

static void walk(struct walk *w)
{
    while (w->at < w->end && !w->is_unsure && !w->has_twins) {
        switch (*w->at) {
        case '{':
        case '[': open_level(w); break;
        case '}':
        case ']': close_level(w); break;
        case '"': take_string(w); break;
        default: w->at++; break;
        }
    }
}

bool fx_json_has_duplicate_names(struct fx_str text)
{
    struct walk w = {.at = text.ptr, .end = text.ptr != NULL ? text.ptr + text.len : NULL};
    walk(&w);
    if (!w.is_unsure)
        return w.has_twins;
    FX_AUTO(fx_buf) struct fx_buf canon = FX_BUF(CANON_MAX);
    struct fx_err ignored = FX_ERR_INIT;
    bool has_duplicates = false;
    return fx_json_canon_names(text, &canon, &has_duplicates, &ignored) && has_duplicates;
}
