/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An advisory lock on a file that says who holds it. The kernel drops it when the process ends,
 * however it ends; the content (pid, host, since, purpose) is only for people and for `adopt`.
 *
 * The descriptor is close-on-exec, so an executed child never keeps the lock; a forked child that
 * does not exec
 * does (open file description lock). Errors: LOCKED naming the holder, IO.   Thread: any.
 */
#ifndef FX_IO_FLOCK_H
#define FX_IO_FLOCK_H

#include "lib/base/clock.h"
#include "lib/err/err.h"

struct fx_flock;

struct fx_flock_owner {
    int pid; /* 0: unknown */
    char host[64];
    char since[FX_WALL_TEXT];
    char what[96];
};

/* `what`: purpose, e.g. "stream orders-forward". Creates the file when needed. Never waits. */
bool fx_flock_take(const char *path, const char *what, struct fx_flock **ret_lock,
                   struct fx_err *err) FX_MUST_CHECK;
/* Is it held by anyone? Takes nothing. *ret_owner (may be NULL) is filled when it is. */
bool fx_flock_is_held(const char *path, struct fx_flock_owner *ret_owner);
/* What a lock file says of its owner; a field that is missing or not readable is empty. */
void fx_flock_owner_read(struct fx_str text, struct fx_flock_owner *ret_owner);
/* Unlocks; the file stays (removing it would race with the next holder). NULL is fine. */
void fx_flock_release(struct fx_flock *lock);

#endif
