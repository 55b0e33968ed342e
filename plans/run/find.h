/* SPDX-License-Identifier: Apache-2.0 */
/* Which runs a project has: from what stands in <state>/runs, and nothing else.   Thread: any. */
#ifndef PLN_FIND_H
#define PLN_FIND_H

#include "lib/base/clock.h"
#include "lib/map/map.h"

/*
 * The run called `name`; when NULL the unfinished one, else the newest. Several unfinished ones: the one that runs now, else
 * the newest; `will_act` refuses to choose. Errors: CONFIG: there is none; USAGE: listing those that are unfinished.
 */
bool pln_run_find(const struct fx_project *project, const char *name, bool will_act,
                  struct fx_arena *arena, const char **ret_name, struct fx_err *err) FX_MUST_CHECK;

/*
 * Is every run of the context at its end, that called `but` (or NULL) aside? Another one in progress would fight over routes
 * and ownership, and needs the streams. Errors: LOCKED, naming the run.
 */
bool pln_runs_at_end(const struct fx_project *project, const char *context, const char *but,
                     struct fx_err *err) FX_MUST_CHECK;
/* The same for a run that is rolled back from its end: a finished one that was started after `since` is in its way. */
bool pln_runs_at_end_since(const struct fx_project *project, const char *context, const char *but,
                           const struct fx_wall *since, struct fx_err *err) FX_MUST_CHECK;

#endif
