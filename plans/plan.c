/* SPDX-License-Identifier: Apache-2.0 */
/* Binds the two halves of a run: plans/run/ knows the order, plans/steps/ what each step does. */
#include "plans/plan.h"

#include "plans/run/look.h"
#include "plans/run/open.h"
#include "plans/steps/actions.h"

bool pln_run_start(const struct pln_env *env, const struct pln_plan *plan, struct fx_err *err)
{
    return pln_open_start(env, &pln_action_driver, plan, err);
}

const char *pln_run_of(const struct fx_project *project, const struct pln_plan *plan)
{
    const char *taken_back = pln_run_taken_back(project, plan);
    return taken_back != NULL ? taken_back : plan->name;
}

bool pln_run_look(const struct pln_env *env, const struct pln_plan *plan, struct fx_findings *f,
                  struct fx_buf *out, struct fx_err *err)
{
    return pln_open_look(env, &pln_action_driver, plan, f, out, err);
}

bool pln_run_resume(const struct pln_env *env, const char *name, struct fx_err *err)
{
    return pln_open_resume(env, &pln_action_driver, name, err);
}

bool pln_run_rollback(const struct pln_env *env, const char *name, struct fx_err *err)
{
    return pln_open_rollback(env, &pln_action_driver, name, NULL, err);
}
