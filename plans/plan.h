/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans and their runs: public face of the engine.
 *
 *     struct pln_plan *plan;
 *     pln_load("plans/orders.yaml", project, arena, &plan, err)
 *     pln_run_start(&env, plan, err)         carries it out in the foreground
 *     pln_run_resume(&env, "orders-extract", err)
 *     pln_run_rollback(&env, "orders-extract", err)
 *
 * The state of a run is its journal, <state>/runs/<plan name>/journal: what is not in it has not happened, and
 * what is begun in it is finished by resume. One controller at a time: the journal is locked on this machine, and every
 * opening takes a higher epoch, which the facade demands of whoever comes later.
 *
 * Errors of the three: GATE_CLOSED, DIVERGED … become ROLLED_BACK once the run has been rolled back; HELD and
 *   INCONCLUSIVE wait for a person; INTERRUPTED, *_CONNECT, STREAM stopped at a safe point, resume goes on; STUCK needs a
 *   person; DRIFT: plan or context are not what the run began with (run/drift.h); LOCKED, STALE_EPOCH: somebody else
 *   controls it.
 * Thread: one.
 */
#ifndef PLN_PLAN_H
#define PLN_PLAN_H

#include "plans/plan/load.h"
#include "plans/run/executor.h"
#include "plans/run/find.h"
#include "plans/view/texts.h"

bool pln_run_start(const struct pln_env *env, const struct pln_plan *plan,
                   struct fx_err *err) FX_MUST_CHECK;
/* `name` is one that pln_run_find gave. */
bool pln_run_resume(const struct pln_env *env, const char *name, struct fx_err *err) FX_MUST_CHECK;
bool pln_run_rollback(const struct pln_env *env, const char *name,
                      struct fx_err *err) FX_MUST_CHECK;

#endif
