/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol from step 0 to its end. The diagram of its states is at the top of machine.c. */
#ifndef PLN_CUTOVER_MACHINE_H
#define PLN_CUTOVER_MACHINE_H

#include "plans/cutover/state.h"

bool pln_cutover_machine(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;
/* After a recovery that found the winning side serving: step 12 once more. */
bool pln_cutover_confirm(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;
/* Step 0 alone, not journalled. */
bool pln_cutover_check(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;

#endif
