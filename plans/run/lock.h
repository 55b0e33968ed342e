/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process at a time may change a context of a project on this machine: a plan's run and
 * commands given by hand exclude each other. The lock is a convenience for operators; what makes a
 * second controller harmless, on any machine, are the epochs in the databases and at the facade.
 *
 * Errors: LOCKED, naming the process that holds it.   Thread: any.
 */
#ifndef PLN_LOCK_H
#define PLN_LOCK_H

#include "lib/io/flock.h"

/* `what`: "run orders-extract", "cdc stop"; others see
 * it in their error. Released with fx_flock_release. */
bool pln_lock_context(const char *state_dir, const char *context, const char *what,
                      struct fx_flock **ret_lock, struct fx_err *err) FX_MUST_CHECK;
/* Fails like pln_lock_context but takes no lock: for
 * checks that must not report what the holder is changing. */
bool pln_lock_look(const char *state_dir, const char *context, struct fx_err *err) FX_MUST_CHECK;

#endif
