/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars with units: durations, sizes, percents,
 * integers; and secrets, which are named, never written.
 */
#include "lib/conf/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/fmt/units.h"

static bool not_scalar(const struct fx_node *node, const char *wanted, struct fx_problems *problems)
{
    if (node->kind == FX_NODE_SCALAR)
        return false;
    fx_problem(problems, node, "%s%sexpected %s, not a %s", node->key != NULL ? node->key : "",
               node->key != NULL ? ": " : "", wanted, node->kind == FX_NODE_MAP ? "map" : "list");
    return true;
}

static bool wrong(const struct fx_node *node, const char *wanted, struct fx_problems *problems)
{
    fx_problem(problems, node, "%s%s\"%.*s\" is not %s", node->key != NULL ? node->key : "",
               node->key != NULL ? ": " : "", FX_STR_FMT(node->text), wanted);
    return false;
}

bool fx_scalar_duration(const struct fx_node *node, int64_t *ret_ms, struct fx_problems *problems)
{
    static const char wanted[] = "a duration such as 250ms, 15s, 10m, 72h or 14d";
    if (not_scalar(node, wanted, problems))
        return false;
    return fx_units_duration(node->text, ret_ms) || wrong(node, wanted, problems);
}

bool fx_scalar_percent(const struct fx_node *node, double *ret, struct fx_problems *problems)
{
    static const char wanted[] = "a percentage from 0% to 100%";
    if (not_scalar(node, wanted, problems))
        return false;
    if (!fx_units_percent(node->text, ret))
        return wrong(node, wanted, problems);
    if (memchr(node->text.ptr, '%', node->text.len) != NULL || *ret == 0)
        return true;
    /* Half of those who write 0.5 mean 50 %. */
    fx_problem(problems, node, "%s%s\"%.*s\" has no %% sign: write %.*s%%%s",
               node->key != NULL ? node->key : "", node->key != NULL ? ": " : "",
               FX_STR_FMT(node->text), FX_STR_FMT(node->text),
               *ret <= 1 ? ", or the share times 100 with the sign" : "");
    return false;
}

bool fx_scalar_int(const struct fx_node *node, int64_t *ret, struct fx_problems *problems)
{
    static const char wanted[] = "a whole number";
    if (not_scalar(node, wanted, problems))
        return false;
    if (node->is_quoted)
        return wrong(node, "a whole number (it is quoted, so it is text)", problems);
    return fx_units_int(node->text, ret) || wrong(node, wanted, problems);
}

const char *fx_scalar_beside(const struct fx_node *node, struct fx_arena *arena)
{
    const char *path = node->text.ptr;
    const char *slash = strrchr(node->file, '/');
    if (path[0] == '/' || slash == NULL)
        return path;
    return fx_arena_printf(arena, "%.*s/%s", (int)(slash - node->file), node->file, path);
}

static bool read_secret_file(const struct fx_node *node, const char *path, struct fx_arena *arena,
                             const char **ret_secret, struct fx_err *err)
{
    FX_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[4097];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0) {
        fx_fail_errno(err, FX_E_SECRET, errno,
                      "%s:%d:%d: could not read the secret from file \"%s\"", node->file,
                      node->line, node->column, path);
        return fx_hint(err,
                       "The file must exist, and the user that runs ficus must be able to read it. "
                       "Create it, or "
                       "give that user the right. See: ls -l '%s'",
                       path);
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    text[n] = '\0';
    if (n == 0)
        return fx_fail(err, FX_E_SECRET, "%s:%d:%d: the secret file \"%s\" is empty", node->file,
                       node->line, node->column, path) ||
               fx_hint(
                   err,
                   "Write the secret into it, for the user that runs ficus alone: (umask 077; cat "
                   ">'%s'), then the secret, Enter and Ctrl-D.",
                   path);
    *ret_secret = fx_arena_strdup(arena, text);
    return true;
}

bool fx_secret_read(const struct fx_node *node, struct fx_arena *arena, const char **ret_secret,
                    struct fx_err *err)
{
    const struct fx_node *file = fx_node_get(node, "file");
    const struct fx_node *env = fx_node_get(node, "env");
    const struct fx_node *one = file != NULL ? file : env;
    if (one == NULL || node->len != 1 || one->kind != FX_NODE_SCALAR || one->text.len == 0) {
        fx_fail(err, FX_E_CONFIG,
                "%s:%d:%d: %s%sexpected where the secret is, not the secret itself", node->file,
                node->line, node->column, node->key != NULL ? node->key : "",
                node->key != NULL ? ": " : "");
        return fx_hint(err, "Write {file: /path/of/secret} or {env: VARIABLE}.");
    }
    if (file != NULL)
        return read_secret_file(file, fx_scalar_beside(file, arena), arena, ret_secret, err);
    const char *value = getenv(env->text.ptr);
    if (value == NULL || value[0] == '\0') {
        fx_fail(err, FX_E_SECRET, "%s:%d:%d: the environment variable \"%s\" is not set or empty",
                env->file, env->line, env->column, env->text.ptr);
        return fx_hint(
            err,
            "Set it for this program. In a shell: export %s=...   In a systemd unit: a line "
            "%s=... in a file that EnvironmentFile= names.",
            env->text.ptr, env->text.ptr);
    }
    *ret_secret = fx_arena_strdup(arena, value);
    return true;
}
