/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule tables: a YAML map -> a C struct, all problems at once, unknown keys with "did you mean".
 *
 *     struct hold { int64_t slots; int64_t timeout_ms; };
 *     static const struct fx_rule hold_rules[] = {
 *         FX_RULE_INT(struct hold, slots, "slots", .def = "1000", .min = 1, .max = 100000,
 *                     .help = "…"),
 *         FX_RULE_DURATION(struct hold, timeout_ms, "timeout", .def = "25s", .min = 1, …),
 *         FX_RULE_END
 *     };
 *     fx_schema_read(node, hold_rules, &hold, arena, problems);
 *
 * The same tables print docs/reference/config.md, so a key exists in both or in neither.
 */
#ifndef FX_CONF_SCHEMA_H
#define FX_CONF_SCHEMA_H

#include "lib/conf/doc.h"
#include "lib/fmt/suggest.h"

enum fx_rule_kind {
    FX_R_END,
    FX_R_TEXT,     /* const char *; arena-owned */
    FX_R_BOOL,     /* bool */
    FX_R_INT,      /* int64_t */
    FX_R_DURATION, /* int64_t milliseconds; "15s", "250ms", "10m", "72h", "14d" */
    FX_R_SIZE,     /* int64_t bytes; "64KiB", "10MB" */
    FX_R_PERCENT,  /* double 0…100; "1%", "0.1%" */
    FX_R_ENUM,     /* int; `names` gives the words, index is the value */
    FX_R_NODE,     /* struct fx_node *; the owner of the section reads it */
    /*
     * A key that people expect and that we do not have: always a problem, `help` says what to do
     * instead. No field.
     */
    FX_R_NOT_SUPPORTED,
};

struct fx_rule {
    const char *key;
    enum fx_rule_kind kind;
    size_t offset;
    const char *def; /* text as in YAML; NULL and not required: the field keeps its zero */
    bool is_required;
    int64_t min, max;         /* for INT, DURATION (ms), SIZE (bytes); max 0: none */
    const char *const *names; /* ENUM, NULL-terminated */
    const char *help;
};

#define FX_RULE_(kind_, type, field, key_, ...)                                      \
    {                                                                                \
        .key = (key_), .kind = (kind_), .offset = offsetof(type, field), __VA_ARGS__ \
    }
#define FX_RULE_TEXT(type, field, key_, ...) FX_RULE_(FX_R_TEXT, type, field, key_, __VA_ARGS__)
#define FX_RULE_BOOL(type, field, key_, ...) FX_RULE_(FX_R_BOOL, type, field, key_, __VA_ARGS__)
#define FX_RULE_INT(type, field, key_, ...)  FX_RULE_(FX_R_INT, type, field, key_, __VA_ARGS__)
#define FX_RULE_DURATION(type, field, key_, ...) \
    FX_RULE_(FX_R_DURATION, type, field, key_, __VA_ARGS__)
#define FX_RULE_SIZE(type, field, key_, ...) FX_RULE_(FX_R_SIZE, type, field, key_, __VA_ARGS__)
#define FX_RULE_PERCENT(type, field, key_, ...) \
    FX_RULE_(FX_R_PERCENT, type, field, key_, __VA_ARGS__)
#define FX_RULE_ENUM(type, field, key_, ...) FX_RULE_(FX_R_ENUM, type, field, key_, __VA_ARGS__)
#define FX_RULE_NODE(type, field, key_, ...) FX_RULE_(FX_R_NODE, type, field, key_, __VA_ARGS__)
#define FX_RULE_NOT_SUPPORTED(key_, instead)                         \
    {                                                                \
        .key = (key_), .kind = FX_R_NOT_SUPPORTED, .help = (instead) \
    }
#define FX_RULE_END      \
    {                    \
        .kind = FX_R_END \
    }

/* Applies defaults too; `map` may be NULL (an absent
 * section: defaults only, required keys complain). */
void fx_schema_read(const struct fx_node *map, const struct fx_rule *rules, void *object,
                    struct fx_arena *arena, struct fx_problems *problems);

/* Scalars by themselves; false and a problem at `node` when the text does not fit. */
bool fx_scalar_duration(const struct fx_node *node, int64_t *ret_ms, struct fx_problems *problems);
bool fx_scalar_percent(const struct fx_node *node, double *ret, struct fx_problems *problems);
bool fx_scalar_int(const struct fx_node *node, int64_t *ret, struct fx_problems *problems);

/* The path that a scalar names: looked up beside the file that names it, so that a project can be
 * moved. */
const char *fx_scalar_beside(const struct fx_node *node, struct fx_arena *arena);

/* Appends a Markdown table of the rules under a heading. */
void fx_schema_markdown(const char *heading, const struct fx_rule *rules, struct fx_buf *out);

/* "file:line:col" of a secret is shown, its value
 * never. {file: p} | {env: NAME}; trailing newline cut. */
bool fx_secret_read(const struct fx_node *node, struct fx_arena *arena, const char **ret_secret,
                    struct fx_err *err) FX_MUST_CHECK;

#endif
