/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One comparison of a context at a time: two would pause one applier at two positions, and one of
 * them would fail by chance. The lock is a file of the state directory, where the streams' sockets
 * are too, so whoever could disturb a comparison meets it.
 */
#ifndef REC_TURN_H
#define REC_TURN_H

#include "lib/io/flock.h"
#include "reconcile/reconcile.h"

/*
 * Waits at most `wait_ms` for the process that compares now; *ret_waited: it did. Errors: LOCKED
 * naming that process (pid, host, since), INTERRUPTED, IO. Release with fx_flock_release.
 */
bool rec_turn_take(const struct cdc_ref *ref, int64_t wait_ms, const struct rec_progress *progress,
                   struct fx_flock **ret_lock, bool *ret_waited, struct fx_err *err) FX_MUST_CHECK;

#endif
