/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The project as cdc, reconcile and plans see it: the root (root.c), its databases (databases.c)
 * and its contexts (contexts.c). Sections that belong to one subsystem (facade, cdc, reconcile,
 * routes) stay nodes and are read by their owner. All problems of the file come out of one run.
 */
#include "lib/map/project_priv.h"

bool fx_project_expect_map(struct fx_project_reader *r, const struct fx_node *node,
                           const char *what)
{
    if (node == NULL)
        return false; /* the rule table has complained */
    if (node->kind == FX_NODE_MAP)
        return true;
    fx_problem(r->problems, node, "%s must be a map", what);
    return false;
}

bool fx_project_read(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                     struct fx_project **ret_project, struct fx_err *err)
{
    struct fx_project *project = FX_ARENA_NEW(arena, struct fx_project);
    if (!fx_root_load(path, arena, problems, &project->root, err))
        return false;
    project->path = project->root.path;
    project->state_dir = project->root.state_dir;
    fx_root_need(&project->root, "databases", problems);
    fx_root_need(&project->root, "contexts", problems);
    struct fx_project_reader r = {project, arena, problems};
    fx_project_read_databases(&r, project->root.databases);
    fx_project_read_contexts(&r, project->root.contexts);
    *ret_project = project;
    return true;
}

bool fx_project_load(const char *path, struct fx_arena *arena, struct fx_project **ret_project,
                     struct fx_err *err)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    return fx_project_read(path, arena, &problems, ret_project, err) &&
           fx_problems_ok(&problems, err);
}

struct fx_context *fx_project_context(struct fx_project *project, const char *name)
{
    for (size_t i = 0; i < project->n_contexts; i++)
        if (strcmp(project->contexts[i].name, name) == 0)
            return &project->contexts[i];
    return NULL;
}

void fx_project_markdown(struct fx_buf *out)
{
    fx_root_markdown(out);
    fx_project_databases_markdown(out);
    fx_project_contexts_markdown(out);
}
