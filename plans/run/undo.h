/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollback has to do: the reverse of what is done, without undos that would cancel each other (ADR 0013).
 * Pure; the printout before a rollback and the rollback itself use the same list.
 */
#ifndef PLN_UNDO_H
#define PLN_UNDO_H

#include "plans/run/journal.h"

/*
 * Indexes of the steps to undo, in the order of undoing, into out[PLN_STEPS_MAX]; returns how many. Steps after the
 * newest point of no return only: *ret_blocked is that step's index, -1 when there is none.
 */
size_t pln_undo_list(const struct pln_plan *plan, const struct pln_state *state, int *out,
                     int *ret_blocked);

#endif
