/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step actions: the driver that the executor uses outside of tests. It acts through the public
 * headers of cdc, reconcile, the facade and the cut-over. What each kind of step does is its
 * `struct pln_action` (plan/action.h), in a file of this room.
 */
#ifndef PLN_ACTIONS_H
#define PLN_ACTIONS_H

#include "plans/run/executor.h"

extern const struct pln_driver pln_action_driver;

#endif
