/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that walks a plan. It knows journal, gates, retries and rollback; what a step does stands behind
 * struct pln_hands, so tests drive the machine without servers and crash it at every record.
 */
#ifndef PLN_EXECUTOR_H
#define PLN_EXECUTOR_H

#include "plans/gate/gates.h"
#include "plans/run/journal.h"
#include "plans/plan.h"

struct pln_exec;

struct pln_hands {
    void *arg;
    /* Before INTENT: can the step begin? Changes nothing. */
    bool (*check)(void *arg, const struct pln_step *step, struct fx_err *err);
    /* Does `kind` for the step: its own kind, or the kind of its undo. May be repeated after any crash. */
    bool (*act)(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                struct fx_err *err);
    /* After a crash or failure in `act`: finishes or gives up what was begun. True in *ret_done: it happened. */
    bool (*probe)(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  bool *ret_done, struct fx_err *err);
    /* Measures; what cannot be measured stays unknown. */
    void (*facts)(void *arg, const struct pln_step *step, struct pln_facts *facts);
    /* Called about four times a second while something waits: keeps streams alive. */
    bool (*tick)(void *arg, struct pln_exec *ex, struct fx_err *err);
};

struct pln_exec {
    const struct pln_env *env;
    const struct pln_plan *plan;
    const struct pln_hands *hands;
    struct pln_journal *journal;
    struct pln_state *state;
    int checked;                /* step whose check has been made before the run was opened, -1 */
    int64_t poll_ms;            /* between two looks at gates */
    struct fx_mono tick_failed; /* since when the streams cannot be kept alive; us 0: they are */
};

/* Carries the plan out from where the journal stands; RUN_OPENED is written already. */
bool pln_exec_forward(struct pln_exec *ex, struct fx_err *err) FX_MUST_CHECK;
/* Writes ROLLBACK unless that is done, and takes everything back. True: it is rolled back. */
bool pln_exec_back(struct pln_exec *ex, const char *reason, const char *code,
                   struct fx_err *err) FX_MUST_CHECK;

/* --- for the hands --------------------------------------------------------------------------- */

/* INTERRUPTED when a stop was asked for. A safe point: nothing is half-way that resume does not finish. */
bool pln_exec_safe_point(struct pln_exec *ex, struct fx_err *err) FX_MUST_CHECK;
/* Waits, asks safe_point and tick meanwhile. */
bool pln_exec_pause(struct pln_exec *ex, int64_t ms, struct fx_err *err) FX_MUST_CHECK;
/* Watches the step's gates for `ms`, then until they pass. GATE_CLOSED at once when one fails; HELD after gate_wait. */
bool pln_exec_watch(struct pln_exec *ex, const struct pln_step *step, int64_t ms,
                    struct fx_err *err) FX_MUST_CHECK;
/* Journals a part that is done. weight and predicted_ms: -1 for none. */
bool pln_exec_effect(struct pln_exec *ex, const struct pln_step *step, double weight,
                     int64_t predicted_ms, const char *text, struct fx_err *err) FX_MUST_CHECK;
/* Says something to whoever watches; not journalled. */
void pln_exec_say(struct pln_exec *ex, const struct pln_step *step, const char *fmt, ...)
    FX_PRINTF(3, 4);

#endif
