/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars with units: durations, sizes, percents, integers; and secrets, which are named, never written. */
#include "lib/conf/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/conf/scalar.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit size_units[] = {
    {"B", 1},          {"KB", 1000},      {"MB", 1000000},   {"GB", 1000000000},
    {"KiB", 1L << 10}, {"MiB", 1L << 20}, {"GiB", 1L << 30},
};

/*
 * "12" or "1.5" times `factor`, exactly: a fraction of the factor's unit is refused, and so is overflow.
 * *ret_used: how many characters make the number.
 */
static bool parse_number(struct fx_str s, size_t *ret_used, int64_t *ret_whole,
                         int64_t *ret_fraction, int64_t *ret_scale)
{
    size_t i = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++) {
        if (__builtin_mul_overflow(whole, (int64_t)10, &whole) ||
            __builtin_add_overflow(whole, (int64_t)(s.ptr[i] - '0'), &whole))
            return false;
    }
    if (i == 0)
        return false;
    if (i + 1 < s.len && s.ptr[i] == '.') {
        size_t start = ++i;
        for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9' && i - start < 6; i++) {
            fraction = fraction * 10 + (s.ptr[i] - '0');
            scale *= 10;
        }
        if (i == start)
            return false;
    }
    *ret_used = i;
    *ret_whole = whole;
    *ret_fraction = fraction;
    *ret_scale = scale;
    return true;
}

static bool scaled(struct fx_str s, const struct unit *units, size_t n_units, int64_t *ret)
{
    size_t used = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!parse_number(s, &used, &whole, &fraction, &scale))
        return false;
    struct fx_str rest = fx_str_sub(s, used, s.len - used);
    if (rest.len == 0 && whole == 0 && fraction == 0) {
        *ret = 0;
        return true;
    }
    for (size_t i = 0; i < n_units; i++) {
        if (!fx_str_eq_c(rest, units[i].name))
            continue;
        int64_t value = 0;
        if (__builtin_mul_overflow(whole, units[i].factor, &value) ||
            fraction * units[i].factor % scale != 0)
            return false;
        return !__builtin_add_overflow(value, fraction * units[i].factor / scale, ret);
    }
    return false;
}

bool fx_scalar_parse_duration(struct fx_str text, int64_t *ret_ms)
{
    return scaled(text, duration_units, FX_ARRAY_LEN(duration_units), ret_ms);
}

bool fx_scalar_parse_size(struct fx_str text, int64_t *ret_bytes)
{
    return scaled(text, size_units, FX_ARRAY_LEN(size_units), ret_bytes);
}

bool fx_scalar_parse_percent(struct fx_str text, double *ret)
{
    size_t used = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!parse_number(text, &used, &whole, &fraction, &scale))
        return false;
    struct fx_str rest = fx_str_trim(fx_str_sub(text, used, text.len - used));
    if ((rest.len > 0 && !fx_str_eq_c(rest, "%")) || whole > 100 || (whole == 100 && fraction > 0))
        return false;
    *ret = (double)whole + (double)fraction / (double)scale;
    return true;
}

bool fx_scalar_parse_int(struct fx_str text, int64_t *ret)
{
    bool is_negative = text.len > 1 && text.ptr[0] == '-';
    size_t i = is_negative ? 1 : 0;
    int64_t value = 0;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(c - '0'), &value))
            return false;
    }
    *ret = is_negative ? -value : value;
    return true;
}

bool fx_scalar_parse_number(struct fx_str text, double *ret)
{
    size_t used = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!parse_number(text, &used, &whole, &fraction, &scale) || used != text.len)
        return false;
    *ret = (double)whole + (double)fraction / (double)scale;
    return true;
}

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
    return fx_scalar_parse_duration(node->text, ret_ms) || wrong(node, wanted, problems);
}

bool fx_scalar_percent(const struct fx_node *node, double *ret, struct fx_problems *problems)
{
    static const char wanted[] = "a percentage from 0% to 100%";
    if (not_scalar(node, wanted, problems))
        return false;
    return fx_scalar_parse_percent(node->text, ret) || wrong(node, wanted, problems);
}

bool fx_scalar_int(const struct fx_node *node, int64_t *ret, struct fx_problems *problems)
{
    static const char wanted[] = "a whole number";
    if (not_scalar(node, wanted, problems))
        return false;
    if (node->is_quoted)
        return wrong(node, "a whole number (it is quoted, so it is text)", problems);
    return fx_scalar_parse_int(node->text, ret) || wrong(node, wanted, problems);
}

/* A secret's file is looked up beside the file that names it, so that a project can be moved. */
static const char *beside(const struct fx_node *node, struct fx_arena *arena)
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
        fx_fail_errno(err, FX_E_SECRET, errno, "%s:%d:%d: could not read the secret \"%s\"",
                      node->file, node->line, node->column, path);
        return fx_hint(err, "Create the file, readable only by the user that runs ficus.");
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    text[n] = '\0';
    if (n == 0)
        return fx_fail(err, FX_E_SECRET, "%s:%d:%d: the secret \"%s\" is empty", node->file,
                       node->line, node->column, path);
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
        fx_fail(err, FX_E_CONFIG, "%s:%d:%d: a secret is named, not written", node->file,
                node->line, node->column);
        return fx_hint(err, "Write {file: /path/of/secret} or {env: VARIABLE}.");
    }
    if (file != NULL)
        return read_secret_file(file, beside(file, arena), arena, ret_secret, err);
    const char *value = getenv(env->text.ptr);
    if (value == NULL || value[0] == '\0') {
        fx_fail(err, FX_E_SECRET, "%s:%d:%d: the environment variable %s is not set", env->file,
                env->line, env->column, env->text.ptr);
        return fx_hint(err, "Run: export %s=...", env->text.ptr);
    }
    *ret_secret = fx_arena_strdup(arena, value);
    return true;
}
