/* SPDX-License-Identifier: Apache-2.0 */
/* What the executor's files share; nobody else includes it. An error is classed once, here. */
#ifndef PLN_REACT_H
#define PLN_REACT_H

#include "plans/run/executor.h"

enum pln_reaction {
    PLN_TRY_AGAIN, /* away for a moment: until policy.retry */
    PLN_HOLD_ON,   /* not yet possible: until policy.gate_wait, then HELD */
    PLN_ATTEMPT,   /* given up by itself: policy.attempts times */
    PLN_STOP,      /* leave everything as it is */
    PLN_FAIL_STEP, /* on_fail decides */
};
/* `is_protocol`: of the step that met the error (struct pln_action). */
enum pln_reaction pln_react(const struct fx_err *err, bool is_protocol);

/* The tries of one act in a row; begin with zeros. */
struct pln_tries {
    struct fx_mono since; /* of the first failure in a row; us 0: none */
    int64_t aborts;
    bool is_reported;
};
/* May the same be tried again? Waits a little; false: no, *err is the verdict. */
bool pln_try_again(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                   struct pln_tries *tries, struct fx_err *err) FX_MUST_CHECK;

/* --- wait.c --- */

bool pln_exec_stop_asked(const struct pln_exec *ex);
/*
 * Until the gates of a step that is to begin pass. Nothing is at stake before it acts, so a gate that fails is waited
 * for like one without an answer. Errors: HELD, INTERRUPTED.
 */
bool pln_exec_wait_gates(struct pln_exec *ex, const struct pln_step *step,
                         struct fx_err *err) FX_MUST_CHECK;

/* --- executor.c --- */

bool pln_exec_append(struct pln_exec *ex, enum pln_rec type, const struct pln_step *step,
                     const char *text, const char *code, struct fx_err *err) FX_MUST_CHECK;
/* act of the driver with its retries; after a failure, or a crash before this process, probe comes first. */
bool pln_exec_act(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  bool is_resumed, struct fx_err *err) FX_MUST_CHECK;

#endif
