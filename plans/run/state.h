/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a run, which its records add up to. It changes only in pln_state_apply, which replay
 * and append share, so a resumed process has exactly the state that the process before it had made
 * durable.
 *
 * Owns: nothing.   Thread: any.
 */
#ifndef PLN_RUN_STATE_H
#define PLN_RUN_STATE_H

#include "plans/run/record.h"

enum pln_step_state {
    PLN_STEP_PENDING,
    PLN_STEP_RUNNING, /* INTENT: may have acted in part */
    PLN_STEP_DONE,
    PLN_STEP_FAILED, /* may have acted in part */
    PLN_STEP_UNDOING,
    PLN_STEP_UNDONE,
};

enum pln_phase {
    PLN_PHASE_NEW, /* nothing is journalled */
    PLN_PHASE_FORWARD,
    PLN_PHASE_BACK, /* rolling back */
    PLN_PHASE_FINISHED,
    PLN_PHASE_ROLLED_BACK,
    PLN_PHASE_STUCK, /* while rolling back; resume tries again */
};

struct pln_step_status {
    enum pln_step_state state;
    char id[64];
    char note[PLN_TEXT_MAX];
    struct fx_wall began, ended;
    double weight;      /* of a ramp; -1 */
    struct fx_wall set; /* when that weight was set */
};

struct pln_state {
    enum pln_phase phase;
    int64_t epoch;
    char digest[FX_HASH_HEX];
    char plan_path[512];
    struct fx_wall opened; /* the start, not the last resume */
    struct fx_wall closed;
    struct fx_wall last; /* of the newest record */
    struct pln_step_status steps[PLN_STEPS_MAX];
    int current; /* step of the newest INTENT or COMPENSATE, -1: none */
    bool is_held;
    char reason[PLN_TEXT_MAX]; /* why it is held, rolled back, stuck */
    char reason_code[24];
    int64_t predicted_ms;  /* of the newest rehearsal; -1 */
    int cut_step;          /* protocol step that runs now, -1: none */
    struct fx_wall fenced; /* us 0: no fence is in force */
    uint64_t n_records;
};
void pln_state_init(struct pln_state *state);
const char *pln_phase_name(enum pln_phase phase);           /* "rolling back" */
const char *pln_step_state_name(enum pln_step_state state); /* "running" */
/* All of it in one line, for a panic. */
void pln_state_show(const struct pln_state *state, size_t n_steps, struct fx_buf *out);
/* Something remains to be done or undone. */
bool pln_state_is_open(const struct pln_state *state);
/* A step has begun. A run that was opened and stopped before that may be started again. */
bool pln_state_has_begun(const struct pln_state *state);
/* A step that starts streams is done, and was not undone. */
bool pln_state_has_streams(const struct pln_state *state, const struct pln_plan *plan);
/* Errors: JOURNAL when the record cannot follow the state. */
bool pln_state_apply(struct pln_state *state, const struct pln_record *rec,
                     struct fx_err *err) FX_MUST_CHECK;

#endif
