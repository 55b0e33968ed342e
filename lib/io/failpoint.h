/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered moments at which a test may kill, stop or delay the process:
 * FX_FAILPOINT("cutover.commit.before").
 *
 * The environment names one: FICUS_FAILPOINT=name:action[:n] with action kill (SIGKILL to itself),
 * stop (SIGSTOP), sleep=MS, or error (the next fx_failpoint_error at that name returns true); n:
 * the n-th passage (default 1). FICUS_FAILPOINT_LOG=path appends every name passed, so that torture
 * learns which exist. FICUS_FAILPOINT_ONCE=path: acts only if it can create that file, so a process
 * that is started again survives. Without these variables a passage costs one load. Shipped in
 * release builds: drills need them.
 */
#ifndef FX_IO_FAILPOINT_H
#define FX_IO_FAILPOINT_H

#include "lib/base/fx.h"

void fx_failpoint(const char *name);
bool fx_failpoint_error(const char *name) FX_MUST_CHECK;
#define FX_FAILPOINT(name) fx_failpoint(name)

#endif
