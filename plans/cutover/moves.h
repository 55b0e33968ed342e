/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The moves that any process may make, once or repeatedly: open the winning side, route, remove
 * triggers, abort. Each is one compare-and-set on a row of its side, and reading that row decides
 * what its failure means (lib/ownership/own.h). So a second process, or the same one after a crash,
 * changes nothing by repeating a move.
 */
#ifndef PLN_CUTOVER_MOVES_H
#define PLN_CUTOVER_MOVES_H

#include "plans/cutover/state.h"

/*
 * Opens the winning side at `epoch`, or finds it open at that epoch. STALE_EPOCH: another operator
 * changed it.
 */
bool pln_cut_open_once(struct pln_cutover *cut, int64_t epoch, struct fx_err *err) FX_MUST_CHECK;
/* Until all facades have acknowledged, or route_ms is over. */
bool pln_cut_route_all(struct pln_cutover *cut, enum pln_cut_side to, int64_t epoch,
                       struct fx_err *err) FX_MUST_CHECK;
/* Behind the commit a facade did not answer: who serves, and what to do. Always false. */
bool pln_cut_fail_unrouted(const struct pln_cutover *cut, struct fx_err *err);
/* Triggers follow the state in transactions of their own; what stays is harmless. */
void pln_cut_disarm(struct pln_cutover *cut, enum pln_cut_side side, enum pln_cutover_step step);
/*
 * Repeated until the losing side has answered or abort_ms is over (STUCK). *ret_state is where to
 * go on: ENDED, the losing side serves at result->epoch; IN_OPEN, the commit had won. STALE_EPOCH:
 * another operator owns the group.
 */
bool pln_cut_abort(struct pln_cutover *cut, enum pln_cut_state *ret_state,
                   struct fx_err *err) FX_MUST_CHECK;

#endif
