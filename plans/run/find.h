/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of a project, read from <state>/runs.   Thread: any. */
#ifndef PLN_FIND_H
#define PLN_FIND_H

#include "lib/base/clock.h"
#include "lib/map/map.h"
#include "plans/plan/model.h"

/*
 * The run called `name`. NULL: the unfinished run, or the newest when there is none. Among several
 * unfinished runs: the one that a process carries out now, else the newest; with `will_act` that is
 * an error instead. Errors: CONFIG: no such run; USAGE: several unfinished runs, listed in the
 * detail.
 */
bool pln_run_find(const struct fx_project *project, const char *name, bool will_act,
                  struct fx_arena *arena, const char **ret_name, struct fx_err *err) FX_MUST_CHECK;

/* The run of this state directory that a plan of kind Rollback takes back; NULL: there is none. */
const char *pln_run_taken_back(const struct fx_project *project, const struct pln_plan *plan);

/* Names of all runs, in no order. */
void pln_run_names(const struct fx_project *project, struct fx_arena *arena,
                   const char ***ret_names, size_t *ret_n);

/*
 * True when every run of the context has ended; the one called `but` (or NULL) is not looked at. An
 * unfinished run needs the streams, and would change the same routes and ownership. Errors: LOCKED,
 * naming the run.
 */
bool pln_runs_at_end(const struct fx_project *project, const char *context, const char *but,
                     struct fx_err *err) FX_MUST_CHECK;
/* The same before a finished run is rolled back: a run that
 * was started after `since` and finished has to go first. */
bool pln_runs_at_end_since(const struct fx_project *project, const char *context, const char *but,
                           const struct fx_wall *since, struct fx_err *err) FX_MUST_CHECK;

#endif
