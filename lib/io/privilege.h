/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program may do beyond its user's files: capabilities. Neither program needs any while it
 * works, and one that was started as root has them all (ADR 0101).
 *
 * A capability belongs to a thread, and threads and programs started later inherit: give up before
 * the first thread is made.
 */
#ifndef FX_IO_PRIVILEGE_H
#define FX_IO_PRIVILEGE_H

#include "lib/base/fx.h"

enum fx_keep {
    FX_KEEP_NONE,
    /* root reads the project file and secrets of any user, also in programs started later */
    FX_KEEP_READ
};

/*
 * Gives up all capabilities but those, also for programs that are started later, and the right to
 * gain new ones (no_new_privs). Who has none loses nothing. A kernel that forbids it is logged.
 */
void fx_privilege_drop(enum fx_keep keep);
/* One warning in the log when this is root: `what` is (facade, stream, command), `object` as in
 * lib/log. */
void fx_privilege_warn(const char *what, const char *object);

#endif
