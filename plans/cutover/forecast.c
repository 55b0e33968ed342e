/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls the steps make, and how a queue empties. */
#include "plans/cutover/forecast.h"

#include <inttypes.h>

/*
 * Calls from the hold to the route: statements on each side (some for each table), facades,
 * streams. POLLS_US: waits between two looks (steps 2, 4, 5) and the commits that reach a disk.
 * TICK_MS: the facade releases in portions.
 */
enum {
    LOSING_CALLS = 12,
    LOSING_CALLS_TABLE = 3,
    WINNING_CALLS = 6,
    WINNING_CALLS_TABLE = 1,
    FACADE_CALLS = 5,
    STREAM_CALLS = 3,
    POLLS_US = 20000,
    TICK_MS = 5,
};

/* What no measurement can know: that a transaction stays open on the tables. */
static void add_worst(const struct pln_forecast *f, struct fx_buf *out)
{
    if (f->fence_attempts <= 0)
        return;
    if (f->open_ms >= f->lock_wait_ms)
        fx_buf_printf(out,
                      "; a transaction has been open on the tables for %" PRId64
                      " ms, longer than the fence waits for a lock (%" PRId64
                      " ms), so expect more than one attempt",
                      f->open_ms, f->lock_wait_ms);
    fx_buf_printf(out,
                  "; at worst, when open transactions keep their locks, writes are held %" PRId64
                  " times, %" PRId64 " ms longer each time, and nothing is moved",
                  f->fence_attempts, f->lock_wait_ms);
}

void pln_forecast_text(const struct pln_forecast *f, struct fx_buf *out)
{
    if (f->longest_ms < 0) {
        fx_buf_add_c(out, "how long writes will wait could not be measured");
        return;
    }
    fx_buf_printf(out,
                  "forecast %" PRId64 " ms: a write waits up to that, half of them up to %" PRId64
                  " ms (%" PRId64 " writes/s, %" PRId64 " of them wait)",
                  f->longest_ms, f->p50_ms, f->writes_per_s, f->held);
    add_worst(f, out);
    if (f->is_too_slow)
        fx_buf_add_c(out, "; the queue does not empty at this rate: raise "
                          "facade.hold.release_per_second");
}

/*
 * One that was open for so long ends, as far as anybody knows, after as long again. The fence waits
 * for it up to its limit; then held writes are released and it is tried again.
 */
static int64_t lock_us(const struct pln_measured *m)
{
    return FX_MIN(m->open_us, m->lock_wait_us);
}

int64_t pln_forecast_more_ms(const struct pln_measured *m)
{
    /* the facade's writes in flight are waited for first; others go on meanwhile */
    int64_t us = m->verify_us + FX_MAX(m->write_us, lock_us(m)) + m->lag_us;
    return (us + 999) / 1000;
}

int64_t pln_forecast_hold_ms(const struct pln_measured *m)
{
    int64_t n = (int64_t)m->n_tables;
    int64_t us = m->losing_us * (LOSING_CALLS + LOSING_CALLS_TABLE * n) +
                 m->winning_us * (WINNING_CALLS + WINNING_CALLS_TABLE * n) +
                 m->facade_us * FACADE_CALLS + m->stream_us * STREAM_CALLS + POLLS_US;
    return (us + 999) / 1000 + pln_forecast_more_ms(m);
}

/*
 * One that arrives at the fraction f of the hold waits (1 - f) of it, and then for f * queue writes
 * before it. Where the pace is above the rate, that is longest for the first and shortest for the
 * last; where it is below, the queue grows for as long as the rate stays.
 */
struct pln_forecast pln_forecast_waits(const struct pln_measured *m, int64_t hold_ms)
{
    double queue = m->writes_per_s * (double)hold_ms / 1000;
    double last_ms = m->release_per_s > 0 ? queue * 1000 / m->release_per_s : 0;
    double first_ms = (double)hold_ms;
    struct pln_forecast waits = {
        .hold_ms = hold_ms,
        .held = (int64_t)(queue + 0.5),
        .p50_ms = (int64_t)((first_ms + last_ms) / 2) + TICK_MS,
        .p99_ms = (int64_t)(FX_MAX(first_ms, last_ms)) + TICK_MS,
        .writes_per_s = (int64_t)(m->writes_per_s + 0.5),
        .is_too_slow = m->release_per_s > 0 && m->writes_per_s >= m->release_per_s,
        .open_ms = m->open_us / 1000,
        .lock_wait_ms = m->lock_wait_us / 1000,
        .fence_attempts = m->fence_attempts,
    };
    waits.longest_ms = waits.p99_ms;
    return waits;
}
