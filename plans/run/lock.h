/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One controller for each context of a project, on this machine: a plan's run and whatever is done by hand exclude
 * each other. It only spares two operators a surprise; what keeps a second controller harmless, wherever it runs, are the
 * epochs in the databases and at the facade.
 *
 * Errors: LOCKED, naming who holds it.
 */
#ifndef PLN_LOCK_H
#define PLN_LOCK_H

#include "lib/io/flock.h"

/* `what`: "run orders-extract", "cdc stop"; shown to whoever finds it locked. Released with fx_flock_release. */
bool pln_lock_context(const char *state_dir, const char *context, const char *what,
                      struct fx_flock **ret_lock, struct fx_err *err) FX_MUST_CHECK;
/* The same refusal without taking it: for whoever would first complain of what the holder is about to change. */
bool pln_lock_look(const char *state_dir, const char *context, struct fx_err *err) FX_MUST_CHECK;

#endif
