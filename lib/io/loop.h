/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small event loop: descriptors (epoll), timers, tasks for the end of the turn, wake-ups from
 * other threads.
 *
 *     struct fx_loop *loop;
 *     fx_loop_new(&loop, &err);
 *     conn->watch.fn = on_ready;
 *     fx_loop_add(loop, &conn->watch, fd, FX_LOOP_EDGE, &err);
 *     fx_loop_run(loop);                       until fx_loop_stop
 *
 * Watches, timers and tasks are members of the caller's objects (FX_CONTAINER_OF leads back).
 * Sockets of the data path are watched once, edge-triggered, for both directions: no epoll_ctl for
 * each request. The owner then keeps what it knows ("may be readable") and reads until EAGAIN or a
 * short read.
 *
 * The clock is read once a turn, after the wait; everything in that turn sees the same `now`.
 * Handlers never block. An event for a watch that was removed earlier in the same turn is not
 * delivered, but the memory of its object must stay until the turn ends: free it in a task
 * (fx_loop_defer).
 * Thread: one, except fx_wakeup_signal.
 */
#ifndef FX_IO_LOOP_H
#define FX_IO_LOOP_H

#include "lib/base/clock.h"
#include "lib/base/list.h"
#include "lib/err/err.h"
#include "lib/io/timer.h"

struct fx_loop;

enum {
    FX_LOOP_IN = 1,
    FX_LOOP_OUT = 2,
    FX_LOOP_HUP = 4,   /* the peer closed its sending side, or both */
    FX_LOOP_EDGE = 8,  /* add: both directions, edge-triggered */
    FX_LOOP_ERROR = 16 /* delivered only */
};

struct fx_watch;
typedef void (*fx_watch_fn)(struct fx_watch *watch, unsigned events);
struct fx_watch {
    fx_watch_fn fn;
    int fd; /* -1: not watched */
};

struct fx_task;
typedef void (*fx_task_fn)(struct fx_task *task);
struct fx_task {
    fx_task_fn fn;
    FX_LINK(fx_task) link;
    bool is_queued;
};

bool fx_loop_new(struct fx_loop **ret_loop, struct fx_err *err) FX_MUST_CHECK;
void fx_loop_free(struct fx_loop *loop); /* closes no descriptor but its own */
FX_AUTO_FREE_DEFINE(fx_loop)

/* The descriptor stays the caller's; remove before close. Level-triggered unless FX_LOOP_EDGE. */
bool fx_loop_add(struct fx_loop *loop, struct fx_watch *watch, int fd, unsigned events,
                 struct fx_err *err) FX_MUST_CHECK;
void fx_loop_remove(struct fx_loop *loop, struct fx_watch *watch);

struct fx_mono fx_loop_now(const struct fx_loop *loop);
struct fx_wall fx_loop_wall(const struct fx_loop *loop); /* read together with now */
void fx_loop_timer(struct fx_loop *loop, struct fx_timer *timer, int64_t after_ms);
void fx_loop_timer_remove(struct fx_loop *loop, struct fx_timer *timer);

/* Runs `task` once at the end of this turn (or of the
 * next, when called by a task). Queued twice: once. */
void fx_loop_defer(struct fx_loop *loop, struct fx_task *task);

void fx_loop_run(struct fx_loop *loop);
void fx_loop_stop(struct fx_loop *loop);
/* One turn that waits at most `max_wait_ms`; for tests and for callers with a loop of their own. */
void fx_loop_turn(struct fx_loop *loop, int max_wait_ms);
/* Tests: replaces both clocks; time then moves only by fx_loop_set_time. */
void fx_loop_set_time(struct fx_loop *loop, struct fx_mono now, struct fx_wall wall);

/* An eventfd that another thread (or a signal handler)
 * may poke: `task` then runs in the loop's thread. */
struct fx_wakeup {
    struct fx_watch watch;
    struct fx_loop *loop;
    struct fx_task *task;
};
bool fx_wakeup_init(struct fx_wakeup *wakeup, struct fx_loop *loop, struct fx_task *task,
                    struct fx_err *err) FX_MUST_CHECK;
void fx_wakeup_signal(struct fx_wakeup *wakeup); /* thread: any; async-signal-safe */
void fx_wakeup_done(struct fx_wakeup *wakeup);

#endif
