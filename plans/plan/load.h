/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the YAML file to a plan, and from a plan to what people read of it.
 *
 * Errors: CONFIG with all problems of the file, each at its line and column.   Thread: any.
 */
#ifndef PLN_LOAD_H
#define PLN_LOAD_H

#include "lib/map/map.h"
#include "plans/plan/model.h"

/* `project` NULL: contexts and routes are not checked. The plan lives in `arena`. */
bool pln_load(const char *path, const struct fx_project *project, struct fx_arena *arena,
              struct pln_plan **ret_plan, struct fx_err *err) FX_MUST_CHECK;
/* The same; the problems stay in `problems` too. */
bool pln_load_all(const char *path, const struct fx_project *project, struct fx_arena *arena,
                  struct pln_plan **ret_plan, struct fx_problems *problems,
                  struct fx_err *err) FX_MUST_CHECK;
/* The same from memory; the problems stay in `problems` too (tests, fuzzing). */
bool pln_parse(const char *name, struct fx_str text, const struct fx_project *project,
               struct fx_arena *arena, struct pln_plan **ret_plan, struct fx_problems *problems,
               struct fx_err *err) FX_MUST_CHECK;

/* The steps with gates and undo, for `plan show` and a start without --execute. */
void pln_show(const struct pln_plan *plan, struct fx_buf *out);
/* "14 d": in the largest unit in which it is a whole number. */
void pln_show_duration(struct fx_buf *out, int64_t ms);

/* Keys, kinds of steps and gates as Markdown, for docs/reference/config.md. */
void pln_config_markdown(struct fx_buf *out);

#endif
