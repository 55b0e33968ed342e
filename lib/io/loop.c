/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn: wait, read the clock, deliver events, fire timers, run tasks. Tasks come last because
 * they free what the handlers of the turn gave up; the list is taken whole, so that a task that
 * defers itself runs once a turn and cannot starve the descriptors.
 */
#include "lib/io/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

enum { BATCH = 256, WAIT_MAX_MS = 60000 };

struct fx_loop {
    int epoll_fd;
    bool is_stopping;
    bool has_fake_time;
    struct fx_mono now;
    struct fx_wall wall;
    struct fx_timers timers;
    FX_LIST(fx_task) tasks;
    struct epoll_event batch[BATCH];
    int batch_len,
        batch_at; /* the batch being delivered: removed watches are struck out of its rest */
};

static void read_clock(struct fx_loop *loop)
{
    if (loop->has_fake_time)
        return;
    loop->now = fx_mono_now();
    loop->wall = fx_wall_now();
}

bool fx_loop_new(struct fx_loop **ret_loop, struct fx_err *err)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create an epoll descriptor");
    struct fx_loop *loop = FX_NEW(struct fx_loop);
    loop->epoll_fd = fd;
    read_clock(loop);
    *ret_loop = loop;
    return true;
}

void fx_loop_free(struct fx_loop *loop)
{
    if (loop == NULL)
        return;
    fx_timers_done(&loop->timers);
    close(loop->epoll_fd);
    free(loop);
}

static uint32_t to_epoll(unsigned events)
{
    if ((events & FX_LOOP_EDGE) != 0)
        return EPOLLIN | EPOLLOUT | EPOLLRDHUP | (uint32_t)EPOLLET;
    return ((events & FX_LOOP_IN) != 0 ? (uint32_t)EPOLLIN : 0) |
           ((events & FX_LOOP_OUT) != 0 ? (uint32_t)EPOLLOUT : 0) |
           ((events & FX_LOOP_HUP) != 0 ? (uint32_t)EPOLLRDHUP : 0);
}

static unsigned from_epoll(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? FX_LOOP_IN : 0u) |
           ((events & EPOLLOUT) != 0 ? FX_LOOP_OUT : 0u) |
           ((events & (EPOLLRDHUP | EPOLLHUP)) != 0 ? FX_LOOP_HUP : 0u) |
           ((events & EPOLLERR) != 0 ? FX_LOOP_ERROR : 0u);
}

bool fx_loop_add(struct fx_loop *loop, struct fx_watch *watch, int fd, unsigned events,
                 struct fx_err *err)
{
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        int failed_with = errno;
        (void)fx_fail_errno(err, FX_E_IO, failed_with,
                            "could not watch a socket (descriptor %d) for events", fd);
        return failed_with == ENOSPC && /* no disk is full */
               fx_hint(err, "This user watches too many descriptors. See and raise: sysctl "
                            "fs.epoll.max_user_watches. Then start it again.");
    }
    watch->fd = fd;
    return true;
}

void fx_loop_remove(struct fx_loop *loop, struct fx_watch *watch)
{
    if (watch->fd < 0)
        return;
    struct epoll_event unused = {0};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, &unused);
    watch->fd = -1;
    for (int i = loop->batch_at; i < loop->batch_len; i++)
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
}

struct fx_mono fx_loop_now(const struct fx_loop *loop)
{
    return loop->now;
}

struct fx_wall fx_loop_wall(const struct fx_loop *loop)
{
    return loop->wall;
}

void fx_loop_timer(struct fx_loop *loop, struct fx_timer *timer, int64_t after_ms)
{
    fx_timers_set(&loop->timers, timer, fx_mono_add_ms(loop->now, after_ms));
}

void fx_loop_timer_remove(struct fx_loop *loop, struct fx_timer *timer)
{
    fx_timers_remove(&loop->timers, timer);
}

void fx_loop_defer(struct fx_loop *loop, struct fx_task *task)
{
    if (task->is_queued)
        return;
    task->is_queued = true;
    FX_LIST_PUSH(&loop->tasks, task, link);
}

static void run_tasks(struct fx_loop *loop)
{
    for (size_t left = loop->tasks.len; left > 0 && loop->tasks.first != NULL; left--) {
        struct fx_task *task = loop->tasks.first;
        FX_LIST_REMOVE(&loop->tasks, task, link);
        task->is_queued = false;
        task->fn(task);
    }
}

void fx_loop_turn(struct fx_loop *loop, int max_wait_ms)
{
    int wait_ms =
        loop->tasks.len > 0 ? 0 : fx_timers_wait_ms(&loop->timers, loop->now, max_wait_ms);
    int n = epoll_wait(loop->epoll_fd, loop->batch, BATCH, wait_ms);
    if (n < 0 && errno != EINTR)
        FX_BUG("epoll_wait failed: errno %d", errno);
    read_clock(loop);
    loop->batch_len = n > 0 ? n : 0;
    for (loop->batch_at = 0; loop->batch_at < loop->batch_len;) {
        struct epoll_event *event = &loop->batch[loop->batch_at++];
        struct fx_watch *watch = event->data.ptr;
        if (watch != NULL)
            watch->fn(watch, from_epoll(event->events));
    }
    loop->batch_len = loop->batch_at = 0;
    fx_timers_run(&loop->timers, loop->now);
    run_tasks(loop);
}

void fx_loop_run(struct fx_loop *loop)
{
    loop->is_stopping = false;
    while (!loop->is_stopping)
        fx_loop_turn(loop, WAIT_MAX_MS);
}

void fx_loop_stop(struct fx_loop *loop)
{
    loop->is_stopping = true;
}

void fx_loop_set_time(struct fx_loop *loop, struct fx_mono now, struct fx_wall wall)
{
    loop->has_fake_time = true;
    loop->now = now;
    loop->wall = wall;
}

static void on_wakeup(struct fx_watch *watch, unsigned events)
{
    (void)events;
    struct fx_wakeup *wakeup = FX_CONTAINER_OF(watch, struct fx_wakeup, watch);
    uint64_t count;
    while (read(watch->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    fx_loop_defer(wakeup->loop, wakeup->task);
}

bool fx_wakeup_init(struct fx_wakeup *wakeup, struct fx_loop *loop, struct fx_task *task,
                    struct fx_err *err)
{
    *wakeup = (struct fx_wakeup){.watch = {on_wakeup, -1}, .loop = loop, .task = task};
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create an event descriptor");
    if (fx_loop_add(loop, &wakeup->watch, fd, FX_LOOP_IN, err))
        return true;
    close(fd);
    return false;
}

void fx_wakeup_signal(struct fx_wakeup *wakeup)
{
    uint64_t one = 1;
    ssize_t ignored = write(wakeup->watch.fd, &one, sizeof one);
    (void)ignored; /* EAGAIN: the counter is full, so the loop is woken anyway */
}

void fx_wakeup_done(struct fx_wakeup *wakeup)
{
    int fd = wakeup->watch.fd;
    if (fd < 0)
        return;
    fx_loop_remove(wakeup->loop, &wakeup->watch);
    close(fd);
}
