/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollback has to do: undo what is done in reverse order, without undos that cancel each
 * other (ADR 0013). A pure function; the text shown before a rollback and the rollback itself use
 * the same list.
 */
#ifndef PLN_UNDO_H
#define PLN_UNDO_H

#include "plans/run/journal.h"

/*
 * Indexes of the steps to undo, in the order of undoing, into out[PLN_STEPS_MAX]; returns how many.
 * Steps after the newest point of no return only: *ret_blocked is that step's index, -1 when there
 * is none.
 */
size_t pln_undo_list(const struct pln_plan *plan, const struct pln_state *state, int *out,
                     int *ret_blocked);

#endif
