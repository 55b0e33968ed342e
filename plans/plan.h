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
 * The state of a run is its journal, <state>/runs/<plan name>/journal: what is not in it has not
 * happened, and a step that it begins is finished by resume. One process at a time controls a run:
 * the journal is locked on this machine, and every opening takes a higher epoch; the facade refuses
 * commands with a lower one.
 *
 * Errors of the three: GATE_CLOSED, DIVERGED and others become ROLLED_BACK once the run has been
 * rolled back. HELD and
 *   INCONCLUSIVE wait for a person. After INTERRUPTED, *_CONNECT and STREAM, resume continues.
 *   STUCK needs a person. DRIFT: plan or context differ from those that the run was started with
 *   (run/drift.h). LOCKED, STALE_EPOCH: another process controls the run.
 * Thread: one.
 */
#ifndef PLN_PLAN_H
#define PLN_PLAN_H

#include "plans/plan/load.h"
#include "plans/run/adopt.h"
#include "plans/run/executor.h"
#include "plans/run/find.h"
#include "plans/run/forms.h"
#include "plans/view/runs.h"
#include "plans/view/texts.h"
#include "plans/view/truth.h"

/*
 * A plan of kind Rollback whose run is in this state directory makes that run go back: its journal
 * says what is left to undo, and the plan must cover it. Elsewhere it is a run of its own.
 */
bool pln_run_start(const struct pln_env *env, const struct pln_plan *plan,
                   struct fx_err *err) FX_MUST_CHECK;
/* The run that pln_run_start of the plan works on. */
const char *pln_run_of(const struct fx_project *project, const struct pln_plan *plan);
/* Could it start now? Asks all that pln_run_start asks first, changes nothing (run/look.h). */
bool pln_run_look(const struct pln_env *env, const struct pln_plan *plan, struct fx_findings *f,
                  struct fx_buf *out, struct fx_err *err) FX_MUST_CHECK;
/* `name` is one that pln_run_find gave. */
bool pln_run_resume(const struct pln_env *env, const char *name, struct fx_err *err) FX_MUST_CHECK;
bool pln_run_rollback(const struct pln_env *env, const char *name,
                      struct fx_err *err) FX_MUST_CHECK;

#endif
