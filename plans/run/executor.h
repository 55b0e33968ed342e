/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that carries out a plan. It knows journal, gates, retries and rollback; what a step
 * does is behind struct pln_driver, so tests run the machine without servers and crash it at every
 * record.
 */
#ifndef PLN_EXECUTOR_H
#define PLN_EXECUTOR_H

#include "plans/plan/action.h"
#include "plans/run/journal.h"

/* The caller of a run provides this; borrowed until the call returns. */
struct pln_env {
    const char *argv0; /* the ficus executable, for stream processes */
    struct fx_project *project;
    bool (*should_stop)(void *arg);                /* asked at safe points; NULL: never */
    void (*on_event)(void *arg, const char *line); /* one line for each change; NULL: none */
    void *arg;
};

struct pln_exec;

/* How steps are carried out. The real one is pln_action_driver
 * (plans/steps/); tests have one of plain variables. */
struct pln_driver {
    /*
     * No connections are made. `opened`: when the run began; earlier measurements belong to another
     * run. Errors: CONFIG, SECRET. `close` takes NULL.
     */
    bool (*open)(const struct pln_env *env, const struct pln_plan *plan, const char *run_dir,
                 struct fx_wall opened, void **ret, struct fx_err *err);
    void (*close)(void *arg);
    /*
     * Does this controller hold the context? With `is_taken` it claims what nobody holds, as the
     * last thing before the run opens. Errors: STALE_EPOCH; those of the databases.
     */
    bool (*claim)(void *arg, bool is_taken, struct fx_err *err);
    /* A run of this directory starts again: removes what an earlier run of its name left. */
    bool (*forget)(void *arg, struct fx_err *err);
    /* The controller's epoch that the facade knows. Errors: FACADE_CONNECT, FACADE. */
    bool (*facade_epoch)(void *arg, int64_t *ret_epoch, struct fx_err *err);
    /* From now on calls to the facade carry this epoch; the first call announces it. */
    void (*set_epoch)(void *arg, int64_t epoch);

    /* Do both databases answer, and may their rows of ownership be read? Changes nothing. */
    bool (*look)(void *arg, struct fx_err *err);
    /* Is there anything that `check` looks at for this step? */
    bool (*has_check)(const struct pln_step *step);
    /* Before INTENT: can the step begin? Changes nothing. */
    bool (*check)(void *arg, const struct pln_step *step, struct fx_err *err);
    /* Does `kind` for the step: its own kind, or the
     * kind of its undo. May be repeated after any crash. */
    bool (*act)(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                struct fx_err *err);
    /*
     * After a crash or failure in `act`: finishes or aborts what was begun. *ret_done: the step has
     * happened.
     */
    bool (*probe)(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  bool *ret_done, struct fx_err *err);
    /* Measures; values that cannot be measured stay unknown. */
    void (*facts)(void *arg, const struct pln_step *step, struct pln_facts *facts);
    /* Called about four times a second while something waits: keeps streams alive. */
    bool (*tick)(void *arg, struct pln_exec *ex, struct fx_err *err);
};

struct pln_exec {
    const struct pln_env *env;
    const struct pln_plan *plan;
    const struct pln_driver *driver;
    void *driver_arg;
    struct pln_journal *journal;
    struct pln_state *state;
    int checked;                /* step whose check has been made before the run was opened, -1 */
    int64_t poll_ms;            /* between two looks at gates */
    struct fx_mono tick_failed; /* since when the streams cannot be kept alive; us 0: they are */
    const struct pln_plan *expect; /* the reviewed rollback plan that is carried out; NULL: none */
    const char *rollback_path;     /* where a rollback writes down what it will do; NULL: nowhere */
};

/* Carries out the plan from the state of the journal; RUN_OPENED is written already. */
/*
 * Adds the command that continues the run to the hint, unless it is there, and the one that rolls
 * it back when it `may_go_back`. `what` is said when there is no hint.
 */
void pln_exec_hint(const struct pln_exec *ex, const char *what, bool may_go_back,
                   struct fx_err *err);
bool pln_exec_forward(struct pln_exec *ex, struct fx_err *err) FX_MUST_CHECK;
/* Writes ROLLBACK unless that is done, and takes everything back. True: it is rolled back. */
bool pln_exec_back(struct pln_exec *ex, const char *reason, const char *code,
                   struct fx_err *err) FX_MUST_CHECK;

/* --- for the actions -------------------------------------------------------------------------- */

/* INTERRUPTED when a stop was requested. Called only
 * where resume can finish whatever is unfinished. */
bool pln_exec_safe_point(struct pln_exec *ex, struct fx_err *err) FX_MUST_CHECK;
/* Waits; calls safe_point and tick meanwhile. */
bool pln_exec_pause(struct pln_exec *ex, int64_t ms, struct fx_err *err) FX_MUST_CHECK;
/* Watches the step's gates for `ms`, then until they pass.
 * GATE_CLOSED at once when one fails; HELD after gate_wait. */
bool pln_exec_watch(struct pln_exec *ex, const struct pln_step *step, int64_t ms,
                    struct fx_err *err) FX_MUST_CHECK;
/* Journals a part of the step that is done. weight and predicted_ms: -1 for none. */
bool pln_exec_effect(struct pln_exec *ex, const struct pln_step *step, double weight,
                     int64_t predicted_ms, const char *text, struct fx_err *err) FX_MUST_CHECK;
/* Sends one line to on_event; not journalled. `step` NULL: about the run. */
void pln_exec_report(struct pln_exec *ex, const struct pln_step *step, const char *fmt, ...)
    FX_PRINTF(3, 4);

#endif
