/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary min-heap of (key, timer). The key is in the slot, beside the pointer, so that sifting
 * does not touch the objects that the timers are members of.
 */
#include "lib/io/timer.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

static void put(struct fx_timers *timers, size_t at, struct fx_timer_slot slot)
{
    timers->slots[at] = slot;
    slot.timer->place = at + 1;
}

static void sift_up(struct fx_timers *timers, size_t at)
{
    struct fx_timer_slot slot = timers->slots[at];
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (timers->slots[parent].key_us <= slot.key_us)
            break;
        put(timers, at, timers->slots[parent]);
        at = parent;
    }
    put(timers, at, slot);
}

static void sift_down(struct fx_timers *timers, size_t at)
{
    struct fx_timer_slot slot = timers->slots[at];
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= timers->len)
            break;
        if (child + 1 < timers->len &&
            timers->slots[child + 1].key_us < timers->slots[child].key_us)
            child++;
        if (slot.key_us <= timers->slots[child].key_us)
            break;
        put(timers, at, timers->slots[child]);
        at = child;
    }
    put(timers, at, slot);
}

void fx_timers_done(struct fx_timers *timers)
{
    for (size_t i = 0; i < timers->len; i++)
        timers->slots[i].timer->place = 0;
    free(timers->slots);
    *timers = (struct fx_timers){0};
}

void fx_timers_set(struct fx_timers *timers, struct fx_timer *timer, struct fx_mono deadline)
{
    timer->deadline = deadline;
    if (timer->place != 0) {
        size_t at = timer->place - 1;
        FX_ASSERT(at < timers->len && timers->slots[at].timer == timer);
        if (timers->slots[at].key_us <= deadline.us)
            return; /* found out when the old key comes */
        timers->slots[at].key_us = deadline.us;
        sift_up(timers, at);
        return;
    }
    if (timers->len == timers->cap) {
        timers->cap = timers->cap > 0 ? timers->cap * 2 : 64;
        timers->slots = fx_realloc(timers->slots, timers->cap * sizeof timers->slots[0]);
    }
    timers->slots[timers->len] = (struct fx_timer_slot){deadline.us, timer};
    sift_up(timers, timers->len++);
}

void fx_timers_remove(struct fx_timers *timers, struct fx_timer *timer)
{
    timer->deadline.us = INT64_MAX;
    if (timer->place == 0)
        return;
    size_t at = timer->place - 1;
    FX_ASSERT(at < timers->len && timers->slots[at].timer == timer);
    timer->place = 0;
    struct fx_timer_slot last = timers->slots[--timers->len];
    if (at == timers->len)
        return;
    timers->slots[at] = last;
    sift_down(timers, at);
    sift_up(timers, last.timer->place - 1);
}

void fx_timers_run(struct fx_timers *timers, struct fx_mono now)
{
    while (timers->len > 0 && timers->slots[0].key_us <= now.us) {
        struct fx_timer *timer = timers->slots[0].timer;
        if (timer->deadline.us > now.us && timer->deadline.us != INT64_MAX) {
            timers->slots[0].key_us = timer->deadline.us;
            sift_down(timers, 0);
            continue;
        }
        bool is_due = timer->deadline.us != INT64_MAX;
        fx_timers_remove(timers, timer);
        if (is_due)
            timer->fn(timer);
    }
}

int fx_timers_wait_ms(const struct fx_timers *timers, struct fx_mono now, int max_ms)
{
    if (timers->len == 0)
        return max_ms;
    int64_t left_us = timers->slots[0].key_us - now.us;
    if (left_us <= 0)
        return 0;
    int64_t left_ms = left_us / 1000 + (left_us % 1000 != 0);
    return left_ms < max_ms ? (int)left_ms : max_ms;
}
