/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of the sections of ficus.yaml share
 * while one file is read: databases.c and contexts.c.
 */
#ifndef FX_MAP_PROJECT_PRIV_H
#define FX_MAP_PROJECT_PRIV_H

#include "lib/conf/schema.h"
#include "lib/map/map.h"

struct fx_project_reader {
    struct fx_project *project;
    struct fx_arena *arena;
    struct fx_problems *problems;
};

/* Is `node` a map? Complains when it is something
 * else, but not when it is missing: its owner has. */
bool fx_project_expect_map(struct fx_project_reader *r, const struct fx_node *node,
                           const char *what);
/* Fills project->databases. */
void fx_project_read_databases(struct fx_project_reader *r, const struct fx_node *section);
/* Fills project->contexts; databases have been read. */
void fx_project_read_contexts(struct fx_project_reader *r, const struct fx_node *section);
void fx_project_databases_markdown(struct fx_buf *out);
void fx_project_contexts_markdown(struct fx_buf *out);

#endif
