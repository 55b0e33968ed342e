/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap of deadlines: order, lazy moves, removal from
 * anywhere; the invariant is checked after each step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/rand.h"
#include "lib/io/timer.h"

struct probe {
    struct fx_timer timer;
    int64_t fired_at_us;
    int fired;
};
static int64_t fake_now_us;

static void on_fire(struct fx_timer *timer)
{
    struct probe *p = FX_CONTAINER_OF(timer, struct probe, timer);
    p->fired++;
    p->fired_at_us = fake_now_us;
}

static void check(const struct fx_timers *timers)
{
    for (size_t i = 0; i < timers->len; i++) {
        assert_int_equal(timers->slots[i].timer->place, i + 1);
        assert_true(timers->slots[i].key_us <= timers->slots[i].timer->deadline.us);
        if (i > 0)
            assert_true(timers->slots[(i - 1) / 2].key_us <= timers->slots[i].key_us);
    }
}

static void run_at(struct fx_timers *timers, int64_t now_us)
{
    fake_now_us = now_us;
    fx_timers_run(timers, (struct fx_mono){now_us});
    check(timers);
}

static void test_timer__fires_once_when_due_and_not_before(void **state)
{
    (void)state;
    struct fx_timers timers = {0};
    struct probe p = {.timer = {.fn = on_fire}};
    fx_timers_set(&timers, &p.timer, (struct fx_mono){1000});
    run_at(&timers, 999);
    assert_int_equal(p.fired, 0);
    run_at(&timers, 1000);
    run_at(&timers, 5000);
    assert_int_equal(p.fired, 1);
    fx_timers_done(&timers);
}

static void test_timer__pushed_back_fires_at_the_later_moment(void **state)
{
    (void)state;
    struct fx_timers timers = {0};
    struct probe p = {.timer = {.fn = on_fire}};
    fx_timers_set(&timers, &p.timer, (struct fx_mono){1000});
    fx_timers_set(&timers, &p.timer, (struct fx_mono){3000});
    run_at(&timers, 2000);
    assert_int_equal(p.fired, 0);
    assert_true(fx_timer_is_set(&p.timer));
    fx_timers_set(&timers, &p.timer, (struct fx_mono){2500});
    run_at(&timers, 2500);
    assert_int_equal(p.fired, 1);
    fx_timers_done(&timers);
}

static void test_timer__stopped_does_not_fire(void **state)
{
    (void)state;
    struct fx_timers timers = {0};
    struct probe p = {.timer = {.fn = on_fire}};
    fx_timers_set(&timers, &p.timer, (struct fx_mono){1000});
    fx_timer_stop(&p.timer);
    run_at(&timers, 2000);
    assert_int_equal(p.fired, 0);
    assert_int_equal(timers.len, 0);
    fx_timers_done(&timers);
}

static void test_timer__random_life_keeps_the_heap_in_order(void **state)
{
    (void)state;
    enum { N = 300 };
    struct fx_timers timers = {0};
    static struct probe probes[N];
    struct fx_rand rnd;
    fx_rand_init(&rnd, 7);
    int64_t now_us = 0;
    for (int i = 0; i < N; i++)
        probes[i] = (struct probe){.timer = {.fn = on_fire}};
    for (int step = 0; step < 20000; step++) {
        struct probe *p = &probes[fx_rand_below(&rnd, N)];
        switch (fx_rand_below(&rnd, 8)) {
        case 0: fx_timers_remove(&timers, &p->timer); break;
        case 1: fx_timer_stop(&p->timer); break;
        case 2: now_us += (int64_t)fx_rand_below(&rnd, 50); break;
        default: {
            int64_t at = now_us + 1 + (int64_t)fx_rand_below(&rnd, 1000);
            fx_timers_set(&timers, &p->timer, (struct fx_mono){at});
        }
        }
        run_at(&timers, now_us);
        for (int i = 0; i < N; i++)
            if (fx_timer_is_set(&probes[i].timer))
                assert_true(probes[i].timer.deadline.us > now_us);
    }
    fx_timers_done(&timers);
}

static void test_timer__waiting_time_is_rounded_up(void **state)
{
    (void)state;
    struct fx_timers timers = {0};
    struct probe p = {.timer = {.fn = on_fire}};
    assert_int_equal(fx_timers_wait_ms(&timers, (struct fx_mono){0}, 500), 500);
    fx_timers_set(&timers, &p.timer, (struct fx_mono){1001});
    assert_int_equal(fx_timers_wait_ms(&timers, (struct fx_mono){0}, 500), 2);
    assert_int_equal(fx_timers_wait_ms(&timers, (struct fx_mono){1001}, 500), 0);
    fx_timers_done(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer__fires_once_when_due_and_not_before),
        cmocka_unit_test(test_timer__pushed_back_fires_at_the_later_moment),
        cmocka_unit_test(test_timer__stopped_does_not_fire),
        cmocka_unit_test(test_timer__random_life_keeps_the_heap_in_order),
        cmocka_unit_test(test_timer__waiting_time_is_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
