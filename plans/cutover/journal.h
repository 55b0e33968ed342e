/* SPDX-License-Identifier: Apache-2.0 */
/* What a cut-over journals, and the failpoints that it passes. Nothing here decides anything. */
#ifndef PLN_CUTOVER_JOURNAL_H
#define PLN_CUTOVER_JOURNAL_H

#include "plans/cutover/state.h"

/* Journals. After the commit a failure is kept for
 * the end: stopping would leave both sides closed. */
bool pln_cut_journal(struct pln_cutover *cut, enum pln_cutover_step step,
                     enum pln_cutover_event event, struct fx_err *err, const char *fmt, ...)
    FX_PRINTF(5, 6) FX_MUST_CHECK;
/* `why` may be NULL. */
void pln_cut_note(struct pln_cutover *cut, enum pln_cutover_step step, const char *what,
                  const struct fx_err *why);
/* Passes the failpoint "cutover.step.<step>.<when>". */
void pln_cut_pass(const struct pln_cutover *cut, const char *step, const char *when);

#endif
