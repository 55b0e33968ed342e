/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Begins, resumes and rolls back a run, with whatever
 * carries its steps out. Errors and meaning: plans/plan.h.
 */
#ifndef PLN_OPEN_H
#define PLN_OPEN_H

#include "plans/run/executor.h"

bool pln_open_start(const struct pln_env *env, const struct pln_driver *driver,
                    const struct pln_plan *plan, struct fx_err *err) FX_MUST_CHECK;
/* `name` is one that pln_run_find gave. */
bool pln_open_resume(const struct pln_env *env, const struct pln_driver *driver, const char *name,
                     struct fx_err *err) FX_MUST_CHECK;
/* `expect`: the reviewed plan of kind Rollback that must cover it, or NULL (rollback_plan.h). */
bool pln_open_rollback(const struct pln_env *env, const struct pln_driver *driver, const char *name,
                       const struct pln_plan *expect, struct fx_err *err) FX_MUST_CHECK;

#endif
