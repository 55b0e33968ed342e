/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a crash of any process: an unfinished cut-over is finished or aborted, as the two rows of
 * ownership require.
 */
#ifndef PLN_CUTOVER_RECOVER_H
#define PLN_CUTOVER_RECOVER_H

#include "plans/cutover/state.h"

/* Reads both rows, finishes or aborts, routes. Step 12 is not repeated: see pln_cutover_confirm. */
bool pln_cutover_recover(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;

#endif
