/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The top level of ficus.yaml. It is read here and nowhere else, by `ficus` and by `ficusd`, so
 * both find the same sections and the same state directory and report the same errors. What is
 * inside a section belongs to its reader: databases and contexts to lib/map/project.h, facade and
 * upstreams to strangler, cdc and reconcile to those.
 *
 *     struct fx_root root;
 *     if (!fx_root_load(path, arena, &problems, &root, err))
 *         return false;     the file could not be read, or is no YAML
 *     fx_root_need(&root, "databases", &problems);
 *
 * This header and its object need no database client.
 * Owns: everything belongs to the arena.   Errors: CONFIG.   Thread: any.
 */
#ifndef FX_MAP_ROOT_H
#define FX_MAP_ROOT_H

#include "lib/conf/doc.h"

struct fx_root {
    const char *path;      /* absolute, symbolic links resolved */
    const char *state_dir; /* absolute; ".ficus" beside the file when the file does not say */
    struct fx_node *doc;   /* the whole document */
    /* Sections; NULL when the file has none. */
    struct fx_node *databases, *upstreams, *facade, *contexts, *cdc, *reconcile;
};

/* Problems inside the file are added to `problems`; then *ret_root holds what could be read. */
bool fx_root_load(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                  struct fx_root *ret_root, struct fx_err *err) FX_MUST_CHECK;
/* A problem when the section is missing: which ones are needed depends on the reader. */
void fx_root_need(const struct fx_root *root, const char *section, struct fx_problems *problems);
void fx_root_markdown(struct fx_buf *out); /* the keys read here, for docs/reference */

#endif
