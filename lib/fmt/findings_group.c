/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings by groups, for a person who has to mend hundreds of them and for a program. A group is
 * what has one kind and one heading; it stands where its first finding was found.
 */
#include "lib/base/alloc.h"
#include "lib/fmt/findings.h"

/* `members`: indexes into f->items, in order. */
typedef void (*group_fn)(const struct fx_findings *f, const size_t *members, size_t n, void *arg);

static bool is_same_group(const struct fx_finding *a, const struct fx_finding *b)
{
    return (a->kind == b->kind || strcmp(a->kind, b->kind) == 0) &&
           (a->group == b->group || strcmp(a->group, b->group) == 0);
}

/* Returns how many there are; `each` may be NULL. */
static size_t each_group(const struct fx_findings *f, group_fn each, void *arg)
{
    size_t n_groups = 0;
    size_t *members = fx_alloc_array(f->n + 1, sizeof *members);
    bool *is_done = fx_alloc_array(f->n + 1, sizeof *is_done);
    for (size_t i = 0; i < f->n; i++) {
        size_t n = 0;
        for (size_t j = i; j < f->n && !is_done[i]; j++)
            if (!is_done[j] && is_same_group(&f->items[i], &f->items[j]))
                members[n++] = j;
        for (size_t m = 0; m < n; m++)
            is_done[members[m]] = true;
        if (n == 0)
            continue;
        n_groups++;
        if (each != NULL)
            each(f, members, n, arg);
    }
    free(members);
    free(is_done);
    return n_groups;
}

size_t fx_findings_groups(const struct fx_findings *f)
{
    return each_group(f, NULL, NULL);
}

/* --- text ------------------------------------------------------------------------------------- */

/* The group's heading and advice say all there is to say about the column. */
static bool is_only_column(const struct fx_finding *finding)
{
    return !finding->is_row && finding->column[0] != '\0' && finding->advice[0] != '\0' &&
           finding->fix[0] == '\0';
}

/* "5 columns of 2 tables", or just the number where whole objects are meant. */
static void add_count(const struct fx_findings *f, const size_t *members, size_t n,
                      struct fx_buf *out)
{
    size_t n_tables = 0;
    for (size_t i = 0; i < n; i++) {
        const struct fx_finding *finding = &f->items[members[i]];
        if (finding->column[0] == '\0' || finding->is_row) {
            fx_buf_printf(out, "%zu", n);
            return;
        }
        n_tables += i == 0 || strcmp(finding->where, f->items[members[i - 1]].where) != 0;
    }
    fx_buf_printf(out, "%zu column%s of %zu table%s", n, n == 1 ? "" : "s", n_tables,
                  n_tables == 1 ? "" : "s");
}

static void add_finding(const struct fx_finding *finding, const struct fx_finding *before,
                        struct fx_buf *out)
{
    bool is_column = is_only_column(finding);
    if (is_column && before != NULL && is_only_column(before) &&
        strcmp(finding->where, before->where) == 0) {
        fx_buf_printf(out, ", %s", finding->column);
        return;
    }
    fx_buf_add_c(out, before != NULL ? "\n    " : "    ");
    if (finding->where[0] != '\0')
        fx_buf_printf(out, "%s: ", finding->where);
    fx_buf_add_c(out, is_column ? finding->column : finding->what);
    if (finding->fix[0] != '\0')
        fx_buf_printf(out, " [%s]", finding->fix);
}

static void add_group_text(const struct fx_findings *f, const size_t *members, size_t n, void *arg)
{
    struct fx_buf *out = arg;
    const struct fx_finding *first = &f->items[members[0]];
    fx_buf_printf(out, "%s%s: ", out->len > 0 ? "\n" : "",
                  first->group[0] != '\0' ? first->group : "other");
    add_count(f, members, n, out);
    fx_buf_add_char(out, '\n');
    if (first->advice[0] != '\0')
        fx_buf_printf(out, "  %s\n", first->advice);
    for (size_t i = 0; i < n; i++)
        add_finding(&f->items[members[i]], i > 0 ? &f->items[members[i - 1]] : NULL, out);
    fx_buf_add_char(out, '\n');
}

void fx_findings_grouped(const struct fx_findings *f, struct fx_buf *out)
{
    (void)each_group(f, add_group_text, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void add_member(struct fx_json_w *w, const char *key, const char *text)
{
    fx_json_w_kv_text(w, key, text[0] != '\0' ? text : NULL);
}

static void add_group_json(const struct fx_findings *f, const size_t *members, size_t n, void *arg)
{
    struct fx_json_w *w = arg;
    const struct fx_finding *first = &f->items[members[0]];
    fx_json_w_object(w);
    add_member(w, "kind", first->kind[0] != '\0' ? first->kind : "other");
    add_member(w, "title", first->group);
    fx_json_w_kv_u64(w, "count", n);
    add_member(w, "advice", first->advice);
    fx_json_w_key(w, "findings");
    fx_json_w_array(w);
    for (size_t i = 0; i < n; i++) {
        const struct fx_finding *finding = &f->items[members[i]];
        fx_json_w_object(w);
        add_member(w, "where", finding->where);
        add_member(w, "column", finding->column);
        add_member(w, "what", finding->what);
        add_member(w, "fix", finding->fix);
        fx_json_w_end(w);
    }
    fx_json_w_end(w);
    fx_json_w_end(w);
}

void fx_findings_json(const struct fx_findings *f, struct fx_json_w *w)
{
    fx_json_w_array(w);
    (void)each_group(f, add_group_json, w);
    fx_json_w_end(w);
}
