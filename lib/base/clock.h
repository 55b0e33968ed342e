/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds of time that must not mix: monotonic (durations, deadlines, lag inside a process) and
 * wall (what people and databases read). One-field structs keep them apart at compile time.
 *
 * Loops read the clock once a turn and hand `now` through; pure policies take it as a parameter.
 */
#ifndef FX_BASE_CLOCK_H
#define FX_BASE_CLOCK_H

#include "lib/base/fx.h"

struct fx_mono {
    int64_t us; /* microseconds since an arbitrary start (CLOCK_MONOTONIC) */
};

struct fx_wall {
    int64_t us; /* microseconds since 1970-01-01 UTC */
};

struct fx_mono fx_mono_now(void);
struct fx_wall fx_wall_now(void);
static inline int64_t fx_mono_since_us(struct fx_mono then, struct fx_mono now)
{
    return now.us - then.us;
}
static inline struct fx_mono fx_mono_add_ms(struct fx_mono t, int64_t ms)
{
    return (struct fx_mono){t.us + ms * 1000};
}
static inline bool fx_mono_reached(struct fx_mono deadline, struct fx_mono now)
{
    return now.us >= deadline.us;
}

void fx_sleep_ms(int64_t ms); /* may return early on a signal */

/* "2026-11-21T10:31:48.123456Z"; `out` holds at least FX_WALL_TEXT bytes. */
enum { FX_WALL_TEXT = 32 };
void fx_wall_text(struct fx_wall t, char out[FX_WALL_TEXT]);

#endif
