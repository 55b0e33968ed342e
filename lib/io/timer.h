/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines in a heap. A timer is a member of the object it watches; the heap only points to it.
 *
 * Made for deadlines that change far more often than they expire (one or two changes a request):
 * moving a deadline to a later time, or stopping it, only writes the timer; the heap is corrected
 * when the old time comes. So both are O(1), and only an earlier deadline or fx_timers_remove
 * changes the heap at once.
 *
 * Invariant: the key of every timer in the heap is not later than its deadline.
 * An object calls fx_timers_remove before it is freed. Thread: the loop's.
 */
#ifndef FX_IO_TIMER_H
#define FX_IO_TIMER_H

#include "lib/base/clock.h"
#include "lib/base/fx.h"

struct fx_timer;
typedef void (*fx_timer_fn)(struct fx_timer *timer);

struct fx_timer {
    fx_timer_fn fn;          /* the caller's, set before fx_timers_set */
    struct fx_mono deadline; /* INT64_MAX: stopped */
    size_t place;            /* in the heap from 1; 0: not in it */
};

struct fx_timer_slot {
    int64_t key_us;
    struct fx_timer *timer;
};

struct fx_timers {
    struct fx_timer_slot *slots;
    size_t len, cap;
};

void fx_timers_done(struct fx_timers *timers); /* forgets all timers; calls none */
void fx_timers_set(struct fx_timers *timers, struct fx_timer *timer, struct fx_mono deadline);
static inline void fx_timer_stop(struct fx_timer *timer)
{
    timer->deadline.us = INT64_MAX;
}
static inline bool fx_timer_is_set(const struct fx_timer *timer)
{
    return timer->place != 0 && timer->deadline.us != INT64_MAX;
}
void fx_timers_remove(struct fx_timers *timers, struct fx_timer *timer);
/* Calls each timer that is due, in order of deadline; it is stopped before its function runs. */
void fx_timers_run(struct fx_timers *timers, struct fx_mono now);
/* Milliseconds (rounded up) until the next key, at most `max_ms`; 0 when one is due. */
int fx_timers_wait_ms(const struct fx_timers *timers, struct fx_mono now, int max_ms);

#endif
