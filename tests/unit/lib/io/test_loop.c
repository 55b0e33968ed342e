/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop over a socket pair and a fake clock: events,
 * removal inside a turn, timers, tasks, wake-ups.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/io/loop.h"
#include "lib/io/sock.h"

struct end {
    struct fx_watch watch;
    struct fx_loop *loop;
    struct end *victim; /* removed when we are called */
    unsigned seen;
    int calls;
};

static void on_event(struct fx_watch *watch, unsigned events)
{
    struct end *e = FX_CONTAINER_OF(watch, struct end, watch);
    e->seen |= events;
    e->calls++;
    if (e->victim != NULL)
        fx_loop_remove(e->loop, &e->victim->watch);
}

static struct fx_loop *new_loop(void)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_loop *loop = NULL;
    assert_true(fx_loop_new(&loop, &err));
    return loop;
}

static void pair(struct fx_loop *loop, struct end *a, struct end *b, int fds[2])
{
    struct fx_err err = FX_ERR_INIT;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *a = (struct end){.watch = {on_event, -1}, .loop = loop};
    *b = (struct end){.watch = {on_event, -1}, .loop = loop};
    assert_true(fx_loop_add(loop, &a->watch, fds[0], FX_LOOP_EDGE, &err));
    assert_true(fx_loop_add(loop, &b->watch, fds[1], FX_LOOP_EDGE, &err));
}

static void test_loop__edge_watch_reports_both_directions_and_hangup(void **state)
{
    (void)state;
    FX_AUTO_FREE(fx_loop) struct fx_loop *loop = new_loop();
    struct end a, b;
    int fds[2];
    pair(loop, &a, &b, fds);
    fx_loop_turn(loop, 0);
    assert_int_equal(a.seen, FX_LOOP_OUT);
    size_t len;
    assert_int_equal(fx_sock_write(fds[1], "x", 1, &len), FX_IO_OK);
    fx_loop_turn(loop, 0);
    assert_true((a.seen & FX_LOOP_IN) != 0);
    assert_true((a.seen & FX_LOOP_HUP) == 0);
    fx_loop_remove(loop, &b.watch);
    close(fds[1]);
    fx_loop_turn(loop, 0);
    assert_true((a.seen & FX_LOOP_HUP) != 0);
    assert_false(fx_sock_is_quiet(fds[0]));
    close(fds[0]);
}

static void test_loop__event_of_a_watch_removed_in_the_same_turn_is_dropped(void **state)
{
    (void)state;
    FX_AUTO_FREE(fx_loop) struct fx_loop *loop = new_loop();
    struct end a, b;
    int fds[2];
    pair(loop, &a, &b, fds);
    a.victim = &b;
    b.victim = &a;
    fx_loop_turn(loop, 0); /* both are writable in one batch */
    assert_int_equal(a.calls + b.calls, 1);
    close(fds[0]);
    close(fds[1]);
}

struct job {
    struct fx_timer timer;
    struct fx_task task;
    struct fx_loop *loop;
    int fired, ran;
};
static void on_timer(struct fx_timer *timer)
{
    struct job *j = FX_CONTAINER_OF(timer, struct job, timer);
    j->fired++;
    fx_loop_defer(j->loop, &j->task);
    fx_loop_defer(j->loop, &j->task);
}
static void on_task(struct fx_task *task)
{
    struct job *j = FX_CONTAINER_OF(task, struct job, task);
    j->ran++;
    if (j->ran == 1)
        fx_loop_defer(j->loop, task);
}

static void test_loop__fake_clock_drives_timers_and_tasks_end_the_turn(void **state)
{
    (void)state;
    FX_AUTO_FREE(fx_loop) struct fx_loop *loop = new_loop();
    fx_loop_set_time(loop, (struct fx_mono){0}, (struct fx_wall){0});
    struct job j = {.timer = {.fn = on_timer}, .task = {.fn = on_task}, .loop = loop};
    fx_loop_timer(loop, &j.timer, 10);
    fx_loop_turn(loop, 0);
    assert_int_equal(j.fired, 0);
    fx_loop_set_time(loop, (struct fx_mono){10000}, (struct fx_wall){10000});
    fx_loop_turn(loop, 0);
    assert_int_equal(j.fired, 1);
    assert_int_equal(j.ran, 1); /* deferred by itself: next turn */
    fx_loop_turn(loop, 0);
    assert_int_equal(j.ran, 2);
}

static void test_loop__wakeup_runs_its_task(void **state)
{
    (void)state;
    FX_AUTO_FREE(fx_loop) struct fx_loop *loop = new_loop();
    struct fx_err err = FX_ERR_INIT;
    struct job j = {.task = {.fn = on_task}, .loop = loop, .ran = 1};
    struct fx_wakeup wakeup;
    assert_true(fx_wakeup_init(&wakeup, loop, &j.task, &err));
    fx_wakeup_signal(&wakeup);
    fx_wakeup_signal(&wakeup);
    fx_loop_turn(loop, 0);
    assert_int_equal(j.ran, 2);
    fx_wakeup_done(&wakeup);
}

static void test_sock__addresses_are_parsed_and_shown(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_addr addr;
    char text[FX_ADDR_TEXT];
    assert_true(fx_addr_parse("127.0.0.1:8080", &addr, &err));
    fx_addr_text(&addr, text);
    assert_string_equal(text, "127.0.0.1:8080");
    assert_true(fx_addr_parse("[::1]:80", &addr, &err));
    fx_addr_text(&addr, text);
    assert_string_equal(text, "[::1]:80");
    assert_false(fx_addr_parse("127.0.0.1", &addr, &err));
    assert_false(fx_addr_parse("127.0.0.1:x", &addr, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop__edge_watch_reports_both_directions_and_hangup),
        cmocka_unit_test(test_loop__event_of_a_watch_removed_in_the_same_turn_is_dropped),
        cmocka_unit_test(test_loop__fake_clock_drives_timers_and_tasks_end_the_turn),
        cmocka_unit_test(test_loop__wakeup_runs_its_task),
        cmocka_unit_test(test_sock__addresses_are_parsed_and_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
