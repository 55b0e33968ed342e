/* SPDX-License-Identifier: Apache-2.0 */
/* After a crash of anything: what was begun is finished or given up, by what the two rows of ownership say. */
#ifndef PLN_CUTOVER_RECOVER_H
#define PLN_CUTOVER_RECOVER_H

#include "plans/cutover/state.h"

/* Looks at both rows, finishes what was begun, routes. Step 12 is not repeated: see pln_cutover_confirm. */
bool pln_cutover_recover(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;

#endif
