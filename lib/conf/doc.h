/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML document as a tree of nodes with their positions in the file. The only user of libyaml.
 *
 * Strict on purpose: one document a file, duplicate keys are errors, YAML 1.2 booleans only,
 * anchors are resolved with a limit on the expanded size (1 MiB of nodes), nesting at most 32.
 * Scalars stay text; the rule tables of schema.h turn them into values.
 *
 * Owns: everything belongs to the arena given to fx_doc_load.
 */
#ifndef FX_CONF_DOC_H
#define FX_CONF_DOC_H

#include "lib/base/arena.h"
#include "lib/err/err.h"

enum fx_node_kind { FX_NODE_SCALAR, FX_NODE_LIST, FX_NODE_MAP };

struct fx_node {
    enum fx_node_kind kind;
    bool is_quoted;   /* scalar written with quotes: never null, never a boolean or number */
    const char *file; /* as given to load */
    int line;         /* from 1 */
    int column;       /* from 1 */
    const char *key;  /* in a map: its key, else NULL */
    int key_line, key_column;
    struct fx_str text;    /* scalar; NUL-terminated */
    struct fx_node *first; /* of a list or map, in file order */
    struct fx_node *next;  /* sibling */
    size_t len;            /* children */
};

bool fx_doc_load(const char *path, struct fx_arena *arena, struct fx_node **ret_root,
                 struct fx_err *err) FX_MUST_CHECK;
/* `name` is used in place of a path in positions; `text` is borrowed during the call only. */
bool fx_doc_parse(const char *name, struct fx_str text, struct fx_arena *arena,
                  struct fx_node **ret_root, struct fx_err *err) FX_MUST_CHECK;

/* NULL when `map` is NULL, no map, or has no such key. */
struct fx_node *fx_node_get(const struct fx_node *map, const char *key);

/*
 * Collects every problem of a file, so that one run shows them all. At the end fx_problems_ok makes
 * one CONFIG error: the message counts them, its detail lists the problems, one a line
 * ("plan.yaml:42:7: …").
 */
struct fx_problems {
    struct fx_buf text; /* one line a problem, "file:line:col: message\n" */
    size_t count;
};
void fx_problems_init(struct fx_problems *problems);
void fx_problems_done(struct fx_problems *problems);
void fx_problem(struct fx_problems *problems, const struct fx_node *at, const char *fmt, ...)
    FX_PRINTF(3, 4);
/* As fx_problem, at the key of `at` instead of its value. */
void fx_problem_key(struct fx_problems *problems, const struct fx_node *at, const char *fmt, ...)
    FX_PRINTF(3, 4);
/* true when there is none; else fills *err with
 * CONFIG; the lines go into detail as far as they fit. */
bool fx_problems_ok(struct fx_problems *problems, struct fx_err *err) FX_MUST_CHECK;

#endif
