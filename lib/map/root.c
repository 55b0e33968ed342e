/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the top level of ficus.yaml: names of sections,
 * versions of the format, the state directory.
 */
#include "lib/map/root.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "lib/conf/schema.h"

struct raw_root {
    const char *api_version, *kind;
    struct fx_node *state;
    struct fx_root sections;
};

static const struct fx_rule root_rules[] = {
    FX_RULE_TEXT(struct raw_root, api_version, "apiVersion", .is_required = true,
                 .help = "always ficus/v1"),
    FX_RULE_TEXT(struct raw_root, kind, "kind", .is_required = true, .help = "always Project"),
    FX_RULE_NODE(struct raw_root, state, "state", .help = "where journals, locks and sockets live"),
    FX_RULE_NODE(struct raw_root, sections.databases, "databases",
                 .help = "name: {url, password}; required by everything but `ficusd`"),
    FX_RULE_NODE(struct raw_root, sections.upstreams, "upstreams", .help = "read by the facade"),
    FX_RULE_NODE(struct raw_root, sections.facade, "facade",
                 .help = "read by the facade; required by `ficusd`"),
    FX_RULE_NODE(struct raw_root, sections.contexts, "contexts",
                 .help = "what moves together; required by everything but `ficusd`"),
    FX_RULE_NODE(struct raw_root, sections.cdc, "cdc", .help = "options of streams"),
    FX_RULE_NODE(struct raw_root, sections.reconcile, "reconcile",
                 .help = "options of comparisons"),
    FX_RULE_END,
};

struct state {
    const char *dir;
};

static const struct fx_rule state_rules[] = {
    FX_RULE_TEXT(struct state, dir, "dir", .def = ".ficus",
                 .help = "folder for journals, locks and sockets, relative to this file"),
    FX_RULE_END,
};

static void expect_text(const struct fx_node *doc, const char *key, const char *is,
                        const char *want, struct fx_problems *problems)
{
    if (is != NULL && strcmp(is, want) != 0)
        fx_problem(problems, fx_node_get(doc, key), "%s must be %s", key, want);
}

static bool absolute_path(const char *path, struct fx_arena *arena, const char **ret,
                          struct fx_err *err)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        fx_fail_errno(err, FX_E_CONFIG, errno, "could not read project file \"%s\"", path);
        return err->cause_number != ENOENT && err->hint[0] != '\0'
                   ? false
                   : fx_hint(err, "Name the project file with -f FILE, or run the command in its "
                                  "directory.");
    }
    *ret = fx_arena_strdup(arena, resolved);
    return true;
}

static const char *state_dir(const char *project_path, const char *dir, struct fx_arena *arena)
{
    if (dir == NULL || dir[0] == '/')
        return dir;
    const char *slash = strrchr(project_path, '/');
    return fx_arena_printf(arena, "%.*s/%s", (int)(slash - project_path), project_path, dir);
}

static void read_root(struct fx_root *root, struct fx_arena *arena, struct fx_problems *problems)
{
    struct raw_root raw = {.sections = *root};
    struct state state = {0};
    fx_schema_read(root->doc, root_rules, &raw, arena, problems);
    expect_text(root->doc, "apiVersion", raw.api_version, "ficus/v1", problems);
    expect_text(root->doc, "kind", raw.kind, "Project", problems);
    fx_schema_read(raw.state, state_rules, &state, arena, problems);
    *root = raw.sections;
    root->state_dir = state_dir(root->path, state.dir, arena);
}

bool fx_root_load(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                  struct fx_root *ret_root, struct fx_err *err)
{
    struct fx_root root = {0};
    if (!absolute_path(path, arena, &root.path, err) || !fx_doc_load(path, arena, &root.doc, err))
        return false;
    if (root.doc->kind == FX_NODE_MAP)
        read_root(&root, arena, problems);
    else
        fx_problem(problems, root.doc, "a project file must be a map");
    *ret_root = root;
    return true;
}

void fx_root_need(const struct fx_root *root, const char *section, struct fx_problems *problems)
{
    if (root->doc->kind == FX_NODE_MAP && fx_node_get(root->doc, section) == NULL)
        fx_problem_key(problems, root->doc, "key \"%s\" is missing", section);
}

void fx_root_markdown(struct fx_buf *out)
{
    fx_schema_markdown("The project file, ficus.yaml", root_rules, out);
    fx_schema_markdown("state", state_rules, out);
}
