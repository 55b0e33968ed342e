/* SPDX-License-Identifier: Apache-2.0 */
/* A group's hold against clocks: what is set by people and services must not decide how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strangler/group/group.h"

struct scene {
    struct fcd_config conf;
    struct fcd_shared shared;
    struct fcd_local local;
    struct fcd_state state;
    struct fcd_hold_budget budget;
    struct fcd_group group;
};

static const struct fx_wall noon = {3600000000ll * 24};

static void set_time(struct scene *scene, int64_t mono_ms, int64_t wall_ms)
{
    fx_loop_set_time(scene->local.loop, (struct fx_mono){mono_ms * 1000},
                     (struct fx_wall){noon.us + wall_ms * 1000});
}

static void open_scene(struct scene *scene)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_loop *loop = NULL;
    *scene = (struct scene){
        .conf.hold = {.requests = 10, .bytes = 1 << 20, .release_per_s = 10, .body_ms = 1000}};
    scene->shared.conf = &scene->conf;
    scene->shared.metrics = fx_metrics_new(fcd_metric_defs, FCD_MT_COUNT);
    assert_true(fx_loop_new(&loop, &err));
    fcd_local_init(&scene->local, &scene->shared, loop);
    fcd_group_init(&scene->group, &scene->local, &scene->state, &scene->budget, "orders");
    set_time(scene, 1000, 0);
}

static void close_scene(struct scene *scene)
{
    struct fx_loop *loop = scene->local.loop;
    fcd_group_done(&scene->group);
    fcd_local_done(&scene->local);
    fx_metrics_free(scene->shared.metrics);
    fcd_state_done(&scene->state);
    fx_loop_free(loop);
}

static void hold(struct scene *scene, int64_t epoch, int64_t ms)
{
    struct fx_err err = FX_ERR_INIT;
    assert_true(fcd_own_hold(fcd_group_own(&scene->group), "orders", epoch, ms,
                             fx_loop_wall(scene->local.loop), &err));
    fcd_group_apply(&scene->group);
}

/* Every admin call applies every group again: with the clock an hour back, and an hour ahead. */
static void test_hold__ends_by_the_clock_that_nobody_sets(void **state)
{
    (void)state;
    static const int64_t shifts_ms[] = {-3600000, 3600000};
    for (size_t i = 0; i < FX_ARRAY_LEN(shifts_ms); i++) {
        struct scene scene;
        open_scene(&scene);
        hold(&scene, 1, 10000);
        for (int64_t ms = 0; ms < 10000; ms += 1000) {
            set_time(&scene, 1000 + ms, shifts_ms[i] + ms);
            fcd_group_apply(&scene.group);
            assert_int_equal(fcd_group_hold_left_ms(&scene.group), 10000 - ms);
            fx_loop_turn(scene.local.loop, 0);
            assert_int_equal(fcd_group_own(&scene.group)->hold, FCD_HOLDING);
        }
        set_time(&scene, 11001, shifts_ms[i]);
        fcd_group_apply(&scene.group);
        fx_loop_turn(scene.local.loop, 0);
        assert_int_equal(fcd_group_own(&scene.group)->hold, FCD_OPEN);
        assert_int_equal(fcd_group_hold_left_ms(&scene.group), 0);
        close_scene(&scene);
    }
}

static void test_hold__a_new_one_has_its_own_time(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    hold(&scene, 1, 10000);
    set_time(&scene, 5000, 4000);
    hold(&scene, 1, 60000); /* the same hold: its first deadline is kept */
    assert_int_equal(fcd_group_hold_left_ms(&scene.group), 6000);
    hold(&scene, 2, 3000);
    assert_int_equal(fcd_group_hold_left_ms(&scene.group), 3000);
    close_scene(&scene);
}

/* A restart reads the deadline from the state: with the clock set back it is never more than was
 * asked for. */
static void test_hold__after_a_restart_is_no_longer_than_it_was(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    hold(&scene, 1, 10000);
    struct fcd_own own = *fcd_group_own(&scene.group);
    close_scene(&scene);
    static const struct {
        int64_t wall_ms, left_ms;
    } cases[] = {{4000, 6000}, {-3600000, 10000}, {10000, 0}, {3600000, 0}};
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        open_scene(&scene);
        set_time(&scene, 77000, cases[i].wall_ms);
        *fcd_group_own(&scene.group) = own;
        fcd_group_apply(&scene.group);
        assert_int_equal(fcd_group_hold_left_ms(&scene.group), cases[i].left_ms);
        close_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold__ends_by_the_clock_that_nobody_sets),
        cmocka_unit_test(test_hold__a_new_one_has_its_own_time),
        cmocka_unit_test(test_hold__after_a_restart_is_no_longer_than_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
