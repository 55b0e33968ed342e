/* SPDX-License-Identifier: Apache-2.0 */
/* Owner, epoch and hold: which call follows which, who is refused, what a wrong clock can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/rand.h"
#include "strangler/group/own.h"

static const struct fx_wall noon = {1000000000};

static void test_own__a_cut_over_goes_prepare_hold_switch(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_own own = {0};
    assert_true(fcd_own_prepare(&own, "g", 1, &err));
    assert_int_equal(own.hold, FCD_PREPARED);
    assert_true(fcd_own_hold(&own, "g", 1, 25000, noon, &err));
    assert_int_equal(own.hold, FCD_HOLDING);
    assert_true(fcd_own_switch(&own, "g", 2, FCD_NEW, &err));
    assert_int_equal(own.owner, FCD_NEW);
    assert_int_equal(own.hold, FCD_OPEN);
    assert_int_equal(own.epoch, 2);
}

static void test_own__lower_epochs_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_own own = {.owner = FCD_NEW, .hold = FCD_HOLDING, .epoch = 7, .owner_epoch = 6};
    const struct fcd_own before = own;
    assert_false(fcd_own_prepare(&own, "g", 6, &err));
    assert_int_equal(err.code, FX_E_STALE_EPOCH);
    assert_false(fcd_own_hold(&own, "g", 6, 1, noon, &err));
    assert_false(fcd_own_release(&own, "g", 6, &err));
    assert_false(fcd_own_switch(&own, "g", 6, FCD_OLD, &err));
    assert_memory_equal(&own, &before, sizeof own);
}

static void test_own__repeated_calls_are_one_call(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_own own = {0};
    assert_true(fcd_own_hold(&own, "g", 1, 1000, noon, &err));
    struct fcd_own before = own;
    assert_true(fcd_own_hold(&own, "g", 1, 9000, (struct fx_wall){noon.us + 500000}, &err));
    assert_memory_equal(&own, &before, sizeof own); /* the first deadline is kept */
    assert_true(fcd_own_prepare(&own, "g", 1, &err));
    assert_int_equal(own.hold, FCD_HOLDING); /* a prepare that arrives late opens nothing */
    assert_true(fcd_own_switch(&own, "g", 2, FCD_NEW, &err));
    assert_true(fcd_own_switch(&own, "g", 2, FCD_NEW, &err));
    assert_false(fcd_own_switch(&own, "g", 2, FCD_OLD, &err)); /* an epoch has one owner */
    assert_int_equal(err.code, FX_E_STALE_EPOCH);
    assert_int_equal(own.owner, FCD_NEW);
}

static void test_own__a_wrong_clock_cannot_make_a_hold_longer(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_own own = {0};
    assert_true(fcd_own_hold(&own, "g", 1, 2000, noon, &err));
    assert_int_equal(fcd_own_hold_left_ms(&own, (struct fx_wall){noon.us + 500000}), 1500);
    assert_int_equal(fcd_own_hold_left_ms(&own, (struct fx_wall){0}), 2000);
    assert_int_equal(fcd_own_hold_left_ms(&own, (struct fx_wall){INT64_MAX / 2}), 0);
    fcd_own_expire(&own);
    assert_int_equal(fcd_own_hold_left_ms(&own, noon), 0);
}

/* Once a cut-over may commit, the end of the hold is no answer; a release or a switch is. */
static void test_own__a_hold_that_ends_behind_a_commit_leaves_the_owner_unknown(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_own own = {0};
    assert_true(fcd_own_hold(&own, "g", 2, 1000, noon, &err));
    assert_false(fcd_own_move(&own, "g", 1, &err));
    assert_int_equal(err.code, FX_E_STALE_EPOCH);
    assert_true(fcd_own_move(&own, "g", 2, &err));
    assert_true(fcd_own_move(&own, "g", 2, &err));
    assert_false(fcd_own_is_unknown(&own)); /* it holds: there is time to be told */
    assert_true(fcd_own_prepare(&own, "g", 2, &err));
    assert_true(fcd_own_hold(&own, "g", 2, 1000, noon, &err));
    assert_true(own.is_moving); /* calls that arrive again change nothing */
    fcd_own_expire(&own);
    assert_true(fcd_own_is_unknown(&own));
    assert_true(fcd_own_prepare(&own, "g", 4, &err));
    assert_true(fcd_own_is_unknown(&own)); /* another cut-over has not said who owns it */
    struct fcd_own released = own;
    assert_true(fcd_own_release(&released, "g", 4, &err));
    assert_false(fcd_own_is_unknown(&released) || released.is_moving);
    assert_int_equal(released.owner, FCD_OLD);
    assert_true(fcd_own_switch(&own, "g", 4, FCD_NEW, &err));
    assert_false(fcd_own_is_unknown(&own) || own.is_moving);
}

/* A cut-over whose hold is over may not commit: the facade sends writes to the owner again. */
static void test_own__nothing_moves_without_a_hold(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_own own = {0};
    assert_true(fcd_own_hold(&own, "g", 2, 1000, noon, &err));
    fcd_own_expire(&own);
    assert_false(fcd_own_move(&own, "g", 2, &err));
    assert_int_equal(err.code, FX_E_FACADE);
    assert_false(fcd_own_is_unknown(&own));
    assert_true(fcd_own_hold(&own, "g", 2, 1000, noon, &err)); /* fencing again holds again */
    assert_true(fcd_own_release(&own, "g", 2, &err));
    assert_false(fcd_own_move(&own, "g", 2, &err));
    assert_true(fcd_own_prepare(&own, "g", 2, &err));
    assert_false(fcd_own_move(&own, "g", 2, &err));
}

static void test_own__random_calls_never_lower_the_epoch(void **state)
{
    (void)state;
    struct fx_rand rnd;
    struct fcd_own own = {0};
    fx_rand_init(&rnd, 42);
    for (int i = 0; i < 100000; i++) {
        struct fx_err err = FX_ERR_INIT;
        const struct fcd_own before = own;
        int64_t epoch = before.epoch - 2 + (int64_t)fx_rand_below(&rnd, 5);
        bool ok = true;
        switch (fx_rand_below(&rnd, 5)) {
        case 0: ok = fcd_own_prepare(&own, "g", epoch, &err); break;
        case 1: ok = fcd_own_hold(&own, "g", epoch, 1000, noon, &err); break;
        case 2: ok = fcd_own_release(&own, "g", epoch, &err); break;
        case 3:
            ok = fcd_own_switch(&own, "g", epoch, (enum fcd_owner)fx_rand_below(&rnd, 2), &err);
            break;
        default: fcd_own_expire(&own);
        }
        assert_true(own.epoch >= before.epoch);
        assert_true(own.owner_epoch <= own.epoch);
        if (!ok)
            assert_memory_equal(&own, &before, sizeof own);
        if (own.owner != before.owner)
            assert_true(own.owner_epoch > before.owner_epoch || before.owner_epoch < epoch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own__a_cut_over_goes_prepare_hold_switch),
        cmocka_unit_test(test_own__lower_epochs_are_refused_and_change_nothing),
        cmocka_unit_test(test_own__repeated_calls_are_one_call),
        cmocka_unit_test(test_own__a_wrong_clock_cannot_make_a_hold_longer),
        cmocka_unit_test(test_own__a_hold_that_ends_behind_a_commit_leaves_the_owner_unknown),
        cmocka_unit_test(test_own__nothing_moves_without_a_hold),
        cmocka_unit_test(test_own__random_calls_never_lower_the_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
