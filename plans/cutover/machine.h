/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the cut-over's machine share; nobody else includes it.
 *
 *   cutover.c          the states, the steps in their order, and where each failure leads: begin reading there
 *   cutover_settle.c   the compare-and-sets that may be repeated by whoever comes: open, route, disarm, abort; resume
 *   cutover_say.c      names, limits, journal, failpoints
 *   cutover_effects.h  what a step does to the world; cutover_world.c, _facades.c, _check.c do it for real
 */
#ifndef PLN_CUTOVER_MACHINE_H
#define PLN_CUTOVER_MACHINE_H

#include "plans/cutover/effects.h"

/* The steps (enum pln_cutover_step) come first and keep their numbers. */
enum pln_cut_state {
    PLN_CUT_RELEASE = PLN_CUT_STEP_COUNT, /* nothing was fenced: facades send held writes to A */
    PLN_CUT_ABORT, /* a fence may stand: reopen A, or learn that it has committed */
    PLN_CUT_ENDED,
};

enum { PLN_CUT_RETRY_MS = 100 }; /* between two tries of what has a limit of its own */

/* The next command, for hints. A cut-over by hand has no run: its command finishes first what was begun. */
#define PLN_CUT_GO_ON "ficus run resume, or by hand the same ficus cutover command again"

/* --- cutover.c --- */

/* The result of a run that has done nothing yet; clears what the machine keeps. */
void pln_cut_reset(struct pln_cutover *cut);

/* --- cutover_settle.c --- */

/* Opens B at `epoch`, or finds that it has been opened. STALE_EPOCH: somebody else has gone on. */
bool pln_cut_open_once(struct pln_cutover *cut, int64_t epoch, struct fx_err *err) FX_MUST_CHECK;
/* Until all facades have acknowledged, or route_ms is over. */
bool pln_cut_route_all(struct pln_cutover *cut, enum pln_place to, int64_t epoch,
                       struct fx_err *err) FX_MUST_CHECK;
/* Triggers follow the state in transactions of their own; what stays is harmless. */
void pln_cut_disarm(struct pln_cutover *cut, enum pln_place place, enum pln_cutover_step step);
/*
 * Repeated until A has answered or abort_ms is over (STUCK). *ret_state is where to go on: ENDED, A serves at
 * result->epoch; OPEN, the commit had won. STALE_EPOCH: another operator owns the group.
 */
bool pln_cut_abort(struct pln_cutover *cut, int *ret_state, struct fx_err *err) FX_MUST_CHECK;

/* --- cutover_say.c --- */

bool pln_cut_is_committed(const struct pln_cutover *cut);
/* Journals. After the commit a failure is kept for the end: stopping would leave both sides closed. */
bool pln_cut_journal(struct pln_cutover *cut, enum pln_cutover_step step,
                     enum pln_cutover_moment moment, struct fx_err *err, const char *fmt, ...)
    FX_PRINTF(5, 6) FX_MUST_CHECK;
/* `why` may be NULL. */
void pln_cut_note(struct pln_cutover *cut, enum pln_cutover_step step, const char *what,
                  const struct fx_err *why);
/* Passes the failpoint "cutover.step.<step>.<moment>". */
void pln_cut_pass(const struct pln_cutover *cut, const char *step, const char *moment);
int64_t pln_cut_now_ms(struct pln_cutover *cut);

#endif
