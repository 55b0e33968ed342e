/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back as a plan of its own (kind Rollback): it can be read, linted, reviewed, kept beside
 * the plan, and carried out with `ficus run start`. Written from the same undo list that a rollback
 * carries out (undo.h), so the two cannot differ.
 *
 * Thread: any.
 */
#ifndef PLN_ROLLBACK_PLAN_H
#define PLN_ROLLBACK_PLAN_H

#include "plans/run/journal.h"

/* Comments of the file. All may be NULL; line breaks in them become spaces. */
struct pln_rollback_notes {
    const char *head;                 /* above the plan */
    const char *costs[PLN_STEPS_MAX]; /* above each step of the list */
    bool is_left_out[PLN_STEPS_MAX];  /* the undo of this entry changes nothing: a comment only */
};

/* `list` is the result of pln_undo_list, at least one entry. Appends YAML to `out`. */
void pln_rollback_write(const struct pln_plan *plan, const int *list, size_t n,
                        const struct pln_rollback_notes *notes, struct fx_buf *out);

/* The state of a run that has done every step: what a plan can leave behind at most. */
void pln_rollback_all_done(const struct pln_plan *plan, struct pln_state *ret);

/*
 * May this rollback plan take back the run in this state? Its steps must contain the undo list, in
 * the same order; those for which there is nothing to undo are passed over. Errors: DRIFT, naming
 * the step that is missing; USAGE for a step or gate that is no undo.
 */
bool pln_rollback_covers(const struct pln_plan *rollback, const struct pln_plan *plan,
                         const struct pln_state *state, struct fx_err *err) FX_MUST_CHECK;

#endif
