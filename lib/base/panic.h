/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defects of the program. They have no fx_err, which is for what can go wrong around it: the
 * process prints what it knows and aborts (SIGABRT; a supervisor sees a crash).
 *
 * FX_ASSERT stays on in release builds: in a tool that moves rows a wrong state is worse
 * than a stop.
 */
#ifndef FX_BASE_PANIC_H
#define FX_BASE_PANIC_H

#include "lib/base/fx.h"

void fx_panic(const char *file, int line, const char *fmt, ...) FX_NORETURN FX_PRINTF(3, 4);

#define FX_BUG(...) fx_panic(__FILE__, __LINE__, __VA_ARGS__)
#define FX_ASSERT(cond)                                                  \
    do {                                                                 \
        if (!(cond))                                                     \
            fx_panic(__FILE__, __LINE__, "assertion failed: %s", #cond); \
    } while (0)

/* The same, and prints the object: FX_INVARIANT(q->len <= q->max, "queue %s: %zu of %zu", …). */
#define FX_INVARIANT(cond, fmt, ...)                                                        \
    do {                                                                                    \
        if (!(cond))                                                                        \
            fx_panic(__FILE__, __LINE__, "invariant broken: %s: " fmt, #cond, __VA_ARGS__); \
    } while (0)

#endif
