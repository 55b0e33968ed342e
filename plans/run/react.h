/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the executor's files only. Each error is classified once, here. */
#ifndef PLN_REACT_H
#define PLN_REACT_H

#include "plans/run/executor.h"

enum pln_reaction {
    PLN_TRY_AGAIN, /* unreachable: until policy.retry */
    PLN_HOLD_ON,   /* not yet possible: until policy.gate_wait, then HELD */
    PLN_ATTEMPT,   /* the cut-over aborted: policy.attempts times */
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
/* Waits a little when the same may be tried again; false: *err is the result. */
bool pln_try_again(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                   struct pln_tries *tries, struct fx_err *err) FX_MUST_CHECK;

/* --- wait.c --- */

bool pln_exec_stop_asked(const struct pln_exec *ex);
/*
 * Waits until the gates of a step that is to begin pass. Before it acts nothing can be damaged, so
 * a gate that fails is waited for like one without a value. Errors: HELD, INTERRUPTED.
 */
bool pln_exec_wait_gates(struct pln_exec *ex, const struct pln_step *step,
                         struct fx_err *err) FX_MUST_CHECK;

/* --- executor.c --- */

bool pln_exec_append(struct pln_exec *ex, enum pln_rec type, const struct pln_step *step,
                     const char *text, const char *code, struct fx_err *err) FX_MUST_CHECK;
/*
 * Calls the driver's act with retries; after a failure or a crash of an earlier process, probe
 * comes first.
 */
bool pln_exec_act(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  bool is_resumed, struct fx_err *err) FX_MUST_CHECK;

#endif
