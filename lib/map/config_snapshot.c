/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of the YAML, not its text: comments, order
 * of keys in the file's style and quotes are not a change.
 */
#include "lib/map/config_snapshot.h"

#include "lib/io/file.h"
#include "lib/io/private.h"

enum { TEXT_MAX = 1 << 20, PATH_TEXT_MAX = 512 };

/* Only the key of an entry: "tables.0"; below it a column may have that name. */
static bool is_left_out(const char *parent, const struct fx_node *node)
{
    const char *entry = strncmp(parent, "tables.", 7) == 0 ? parent + 7 : NULL;
    return entry != NULL && strchr(entry, '.') == NULL && node->key != NULL &&
           strcmp(node->key, FX_MAP_DROPPED_KEY) == 0;
}

/* `path` ends at `len`; it is put back as it was. */
static void write_node(const struct fx_node *node, char path[PATH_TEXT_MAX], size_t len,
                       struct fx_buf *out)
{
    if (node->kind == FX_NODE_SCALAR || node->first == NULL) {
        fx_buf_printf(out, "%s: %.*s\n", path, FX_STR_FMT(node->text));
        return;
    }
    size_t i = 0;
    for (const struct fx_node *child = node->first; child != NULL; child = child->next, i++) {
        if (is_left_out(path, child))
            continue;
        int n = child->key != NULL ? snprintf(path + len, PATH_TEXT_MAX - len, ".%s", child->key)
                                   : snprintf(path + len, PATH_TEXT_MAX - len, ".%zu", i);
        write_node(child, path, FX_MIN(len + (size_t)n, (size_t)PATH_TEXT_MAX - 1), out);
        path[len] = '\0';
    }
}

static const struct fx_node *find(const struct fx_node *node, struct fx_str path)
{
    while (node != NULL && path.len > 0) {
        char key[64];
        struct fx_str rest, part = fx_str_cut(path, '.', &rest);
        (void)snprintf(key, sizeof key, "%.*s", FX_STR_FMT(part));
        node = node->kind == FX_NODE_MAP ? fx_node_get(node, key) : NULL;
        path = rest;
    }
    return node;
}

void fx_config_snapshot_text(const struct fx_context *ctx, const char *const *parts,
                             struct fx_buf *out)
{
    for (; *parts != NULL; parts++) {
        const struct fx_node *node = find(ctx->node, fx_str_from(*parts));
        char path[PATH_TEXT_MAX];
        (void)snprintf(path, sizeof path, "%s", *parts);
        if (node != NULL)
            write_node(node, path, strlen(path), out);
    }
}

bool fx_config_snapshot_write(const char *path, const struct fx_context *ctx,
                              const char *const *parts, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(TEXT_MAX);
    fx_config_snapshot_text(ctx, parts, &text);
    return fx_file_write_atomic(path, fx_buf_str(&text), FX_PRIVATE_FILE, err) ||
           fx_ctx(err, "recording the configuration of context \"%s\"", ctx->name);
}

static struct fx_str next_line(struct fx_str *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct fx_str line = {rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len};
    size_t used = line.len + (end != NULL ? 1 : 0);
    *rest = (struct fx_str){rest->ptr + used, rest->len - used};
    return line;
}

/* A table is written as its name or as a map with `from`; both name the same one. */
static struct fx_str without_from(struct fx_str line, char *text, size_t size)
{
    static const char from[] = ".from: ";
    (void)snprintf(text, size, "%.*s", FX_STR_FMT(line));
    char *at = strncmp(text, "tables.", 7) == 0 ? strstr(text, from) : NULL;
    if (at != NULL)
        memmove(at, at + strlen(".from"), strlen(at + strlen(".from")) + 1);
    return fx_str_from(text);
}

static bool is_same_line(struct fx_str a, struct fx_str b)
{
    char a_text[2 * PATH_TEXT_MAX], b_text[2 * PATH_TEXT_MAX];
    return fx_str_eq(a, b) || (a.len < sizeof a_text && b.len < sizeof b_text &&
                               fx_str_eq(without_from(a, a_text, sizeof a_text),
                                         without_from(b, b_text, sizeof b_text)));
}

static bool is_same_text(const struct fx_context *ctx, const char *since, struct fx_str was,
                         struct fx_str is, struct fx_err *err)
{
    struct fx_str a = {0}, b = {0};
    while (is_same_line(a, b) && (was.len > 0 || is.len > 0)) {
        a = next_line(&was);
        b = next_line(&is);
    }
    if (is_same_line(a, b))
        return true;
    fx_fail(err, FX_E_DRIFT, "context \"%s\" of %s:%d has changed since %s", ctx->name,
            ctx->node->file, ctx->node->line, since);
    return fx_detail(err, "was  %.*s\nis   %.*s", a.len > 0 ? (int)a.len : 9,
                     a.len > 0 ? a.ptr : "(nothing)", b.len > 0 ? (int)b.len : 9,
                     b.len > 0 ? b.ptr : "(nothing)");
}

bool fx_config_snapshot_check(const char *path, const struct fx_context *ctx,
                              const char *const *parts, const char *since, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf was = FX_BUF(TEXT_MAX), is = FX_BUF(TEXT_MAX);
    if (!fx_file_exists(path))
        return true;
    if (!fx_file_read(path, TEXT_MAX, &was, err))
        return fx_ctx(err, "reading the recorded configuration of context \"%s\"", ctx->name);
    fx_config_snapshot_text(ctx, parts, &is);
    return fx_str_eq(fx_buf_str(&was), fx_buf_str(&is)) ||
           is_same_text(ctx, since, fx_buf_str(&was), fx_buf_str(&is), err);
}
