/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered moments at which a test may kill, stop or delay the process:
 * FX_FAILPOINT("cutover.commit.before").
 *
 * The environment names one: FICUS_FAILPOINT=name:action[:n] with action kill (SIGKILL to itself),
 * stop (SIGSTOP), sleep=MS, or error (the next fx_failpoint_error at that name returns true); n:
 * the n-th passage (default 1). FICUS_FAILPOINT_LOG=path appends every name passed, so that torture
 * learns which exist. FICUS_FAILPOINT_ONCE=path: acts only if it can create that file, so a process
 * that is started again survives. Without these variables a passage costs one load.
 *
 * Compiled in only where FX_FAILPOINTS is defined, which every variant but `release` does: who can
 * set the environment of an installed program must not be able to kill or delay it at a chosen
 * moment. `make VARIANT=torture` is the release with failpoints; tests, demo and torture start it.
 * Included by .c files only: the Makefile finds what it compiles twice by this line.
 */
#ifndef FX_IO_FAILPOINT_H
#define FX_IO_FAILPOINT_H

#include "lib/base/fx.h"

/* True in a build for tests; `--version` says so. */
bool fx_is_test_build(void);

#ifdef FX_FAILPOINTS
#define FX_FAILPOINT_IS_ON true
#else
#define FX_FAILPOINT_IS_ON false
#endif

void fx_failpoint(const char *format, ...) FX_PRINTF(1, 2);
bool fx_failpoint_hit_error(const char *name) FX_MUST_CHECK;

/* The name may be a format with its arguments. Without
 * failpoints neither name nor call is in the program. */
#define FX_FAILPOINT(...)              \
    do {                               \
        if (FX_FAILPOINT_IS_ON)        \
            fx_failpoint(__VA_ARGS__); \
    } while (0)
#define fx_failpoint_error(name) (FX_FAILPOINT_IS_ON && fx_failpoint_hit_error(name))

#endif
