/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C, SIGTERM and SIGHUP as a wish: commands that hold customers or own a run ask for it at
 * their safe points, leave everything as it should be left, and end with INTERRUPTED. The third
 * signal ends the process at once; resume is for that too. A command that never calls
 * cmd_interrupt_catch ends at the first, as programs do.
 */
#ifndef FICUS_INTERRUPT_H
#define FICUS_INTERRUPT_H

#include <stdbool.h>

void cmd_interrupt_catch(void);
/* For the should_stop of plan.h and cutover.h; `arg` is not looked at. */
bool cmd_interrupt_asked(void *arg);

#endif
