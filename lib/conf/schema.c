/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of rule tables, and their Markdown. */
#include "lib/conf/schema.h"

#include "lib/base/panic.h"
#include "lib/fmt/units.h"

enum { KEYS_MAX = 64 };

static void unknown_key(const struct fx_node *child, const struct fx_rule *rules,
                        struct fx_problems *problems)
{
    const char *names[KEYS_MAX + 1] = {0};
    size_t n = 0;
    for (const struct fx_rule *r = rules; r->kind != FX_R_END && n < KEYS_MAX; r++) {
        if (r->kind != FX_R_NOT_SUPPORTED)
            names[n++] = r->key;
    }
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
    fx_problem_key(problems, child, "unknown key \"%s\"%s", child->key,
                   fx_suggest_end(child->key, names, &known));
}

static bool is_plain_null(const struct fx_node *node)
{
    return node->kind == FX_NODE_SCALAR && !node->is_quoted &&
           (node->text.len == 0 || fx_str_eq_c(node->text, "~") || fx_str_eq_c(node->text, "null"));
}

static bool is_scalar(const struct fx_node *node, const char *wanted, struct fx_problems *problems)
{
    if (node->kind == FX_NODE_SCALAR && !is_plain_null(node))
        return true;
    fx_problem(problems, node, "%s: expected %s, not %s", node->key != NULL ? node->key : "value",
               wanted,
               node->kind == FX_NODE_MAP    ? "a map"
               : node->kind == FX_NODE_LIST ? "a list"
                                            : "nothing");
    return false;
}

static void read_bool(const struct fx_node *node, bool *field, struct fx_problems *problems)
{
    if (!is_scalar(node, "true or false", problems))
        return;
    if (!node->is_quoted && fx_str_eq_c(node->text, "true"))
        *field = true;
    else if (!node->is_quoted && fx_str_eq_c(node->text, "false"))
        *field = false;
    else
        fx_problem(problems, node, "%s: \"%.*s\" is not true or false", node->key,
                   FX_STR_FMT(node->text));
}

static void read_enum(const struct fx_node *node, const struct fx_rule *rule, int *field,
                      struct fx_problems *problems)
{
    if (!is_scalar(node, "a word", problems))
        return;
    for (int i = 0; rule->names[i] != NULL; i++) {
        if (fx_str_eq_c(node->text, rule->names[i])) {
            *field = i;
            return;
        }
    }
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
    for (int i = 0; rule->names[i] != NULL; i++)
        fx_buf_printf(&known, "%s%s", i > 0 ? ", " : "", rule->names[i]);
    fx_problem(problems, node, "%s: \"%.*s\" is not one of %s", rule->key, FX_STR_FMT(node->text),
               fx_buf_cstr(&known));
}

static void check_range(const struct fx_node *node, const struct fx_rule *rule, int64_t value,
                        struct fx_problems *problems)
{
    const char *unit = rule->kind == FX_R_DURATION ? " ms"
                       : rule->kind == FX_R_SIZE   ? " bytes"
                                                   : "";
    if (value < rule->min)
        fx_problem(problems, node, "%s: %.*s is below the minimum of %lld%s", rule->key,
                   FX_STR_FMT(node->text), (long long)rule->min, unit);
    else if (rule->max != 0 && value > rule->max)
        fx_problem(problems, node, "%s: %.*s is above the maximum of %lld%s", rule->key,
                   FX_STR_FMT(node->text), (long long)rule->max, unit);
}

static void read_int64(const struct fx_node *node, const struct fx_rule *rule, int64_t *field,
                       struct fx_problems *problems)
{
    int64_t value = 0;
    bool ok = false;
    if (rule->kind == FX_R_INT) {
        ok = fx_scalar_int(node, &value, problems);
    } else if (rule->kind == FX_R_DURATION) {
        ok = fx_scalar_duration(node, &value, problems);
    } else if (is_scalar(node, "a size such as 64KiB or 10MB", problems)) {
        ok = fx_units_size(node->text, &value);
        if (!ok)
            fx_problem(problems, node, "%s: \"%.*s\" is not a size such as 64KiB or 10MB",
                       rule->key, FX_STR_FMT(node->text));
    }
    if (!ok)
        return;
    check_range(node, rule, value, problems);
    *field = value;
}

/* -Wcast-align: offsets come from offsetof of the right type, so the cast through void is sound. */
static void *field_at(void *object, const struct fx_rule *rule)
{
    return (char *)object + rule->offset;
}

static void read_value(const struct fx_node *node, const struct fx_rule *rule, void *object,
                       struct fx_arena *arena, struct fx_problems *problems)
{
    void *field = field_at(object, rule);
    switch (rule->kind) {
    case FX_R_TEXT:
        if (is_scalar(node, "a text", problems))
            *(const char **)field = fx_arena_str(arena, node->text).ptr;
        break;
    case FX_R_BOOL: read_bool(node, field, problems); break;
    case FX_R_INT:
    case FX_R_DURATION:
    case FX_R_SIZE: read_int64(node, rule, field, problems); break;
    case FX_R_PERCENT: (void)fx_scalar_percent(node, field, problems); break;
    case FX_R_ENUM: read_enum(node, rule, field, problems); break;
    case FX_R_NODE: *(const struct fx_node **)field = node; break;
    case FX_R_NOT_SUPPORTED:
        fx_problem_key(problems, node, "%s is not supported: %s", rule->key, rule->help);
        break;
    case FX_R_END: break;
    }
}

static void read_default(const struct fx_rule *rule, void *object, struct fx_arena *arena)
{
    struct fx_node node = {.kind = FX_NODE_SCALAR,
                           .file = "default",
                           .line = 1,
                           .column = 1,
                           .key = rule->key,
                           .text = fx_str_from(rule->def)};
    struct fx_problems problems;
    fx_problems_init(&problems);
    FX_ASSERT(rule->kind != FX_R_NODE);
    read_value(&node, rule, object, arena, &problems);
    if (problems.count > 0)
        FX_BUG("default of rule \"%s\": %s", rule->key, fx_buf_cstr(&problems.text));
    fx_problems_done(&problems);
}

static const struct fx_rule *find_rule(const struct fx_rule *rules, const char *key)
{
    for (const struct fx_rule *r = rules; r->kind != FX_R_END; r++) {
        if (strcmp(r->key, key) == 0)
            return r;
    }
    return NULL;
}

void fx_schema_read(const struct fx_node *map, const struct fx_rule *rules, void *object,
                    struct fx_arena *arena, struct fx_problems *problems)
{
    for (const struct fx_rule *r = rules; r->kind != FX_R_END; r++) {
        if (r->def != NULL)
            read_default(r, object, arena);
    }
    if (map != NULL && is_plain_null(map))
        map = NULL;
    if (map != NULL && map->kind != FX_NODE_MAP) {
        fx_problem(problems, map, "%s%sexpected a map of keys", map->key != NULL ? map->key : "",
                   map->key != NULL ? ": " : "");
        return;
    }
    for (const struct fx_node *child = map != NULL ? map->first : NULL; child != NULL;
         child = child->next) {
        const struct fx_rule *rule = find_rule(rules, child->key);
        if (rule != NULL)
            read_value(child, rule, object, arena, problems);
        else
            unknown_key(child, rules, problems);
    }
    for (const struct fx_rule *r = rules; r->kind != FX_R_END; r++) {
        if (r->is_required && fx_node_get(map, r->key) == NULL)
            fx_problem_key(problems, map, "%s%skey \"%s\" is missing",
                           map != NULL && map->key != NULL ? map->key : "",
                           map != NULL && map->key != NULL ? ": " : "", r->key);
    }
}

static const char *kind_text(enum fx_rule_kind kind)
{
    switch (kind) {
    case FX_R_END: return "";
    case FX_R_TEXT: return "text";
    case FX_R_BOOL: return "true or false";
    case FX_R_INT: return "whole number";
    case FX_R_DURATION: return "duration";
    case FX_R_SIZE: return "size";
    case FX_R_PERCENT: return "percentage";
    case FX_R_ENUM: return "word";
    case FX_R_NODE: return "section";
    case FX_R_NOT_SUPPORTED: return "not supported";
    }
    return "";
}

void fx_schema_markdown(const char *heading, const struct fx_rule *rules, struct fx_buf *out)
{
    fx_buf_printf(out, "## %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
                  heading);
    for (const struct fx_rule *r = rules; r->kind != FX_R_END; r++) {
        fx_buf_printf(out, "| `%s` | %s", r->key, kind_text(r->kind));
        for (int i = 0; r->kind == FX_R_ENUM && r->names[i] != NULL; i++)
            fx_buf_printf(out, "%s`%s`", i == 0 ? ": " : ", ", r->names[i]);
        if (r->max != 0)
            fx_buf_printf(out, ", %lld to %lld%s", (long long)r->min, (long long)r->max,
                          r->kind == FX_R_DURATION ? " ms"
                          : r->kind == FX_R_SIZE   ? " bytes"
                                                   : "");
        if (r->is_required)
            fx_buf_add_c(out, " | *required*");
        else if (r->def != NULL)
            fx_buf_printf(out, " | `%s`", r->def);
        else
            fx_buf_add_c(out, " |");
        fx_buf_printf(out, " | %s |\n", r->help != NULL ? r->help : "");
    }
    fx_buf_add_char(out, '\n');
}
