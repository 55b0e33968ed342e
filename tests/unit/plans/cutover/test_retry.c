/* SPDX-License-Identifier: Apache-2.0 */
/* Retries on a clock that moves only when somebody sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/cutover/retry.h"

static int64_t now_ms(void *en)
{
    return *(int64_t *)en;
}

static void sleep_ms(void *en, int64_t ms)
{
    *(int64_t *)en += ms;
}

static const struct pln_effects effects = {.now_ms = now_ms, .sleep_ms = sleep_ms};

static int tries_of(struct pln_retry retry)
{
    int tries = 0;
    do
        tries++;
    while (pln_retry_again(&retry));
    return tries;
}

static void test_retry__ends_at_its_time_without_another_sleep(void **state)
{
    (void)state;
    int64_t clock_ms = 5000;
    struct pln_retry retry = pln_retry_for(&effects, &clock_ms, 250, 100);
    assert_int_equal(tries_of(retry), 4); /* at 0, 100, 200 and 300 ms */
    assert_int_equal(clock_ms, 5300);
    assert_int_equal(pln_retry_elapsed_ms(&retry), 300);
}

static void test_retry__ends_after_its_tries(void **state)
{
    (void)state;
    int64_t clock_ms = 0;
    assert_int_equal(tries_of(pln_retry_times(&effects, &clock_ms, 3, 100)), 3);
    assert_int_equal(clock_ms, 200);
}

static void test_retry__tries_once_when_there_is_no_time(void **state)
{
    (void)state;
    int64_t clock_ms = 0;
    assert_int_equal(tries_of(pln_retry_for(&effects, &clock_ms, 0, 100)), 1);
    assert_int_equal(tries_of(pln_retry_times(&effects, &clock_ms, 0, 100)), 1);
    assert_int_equal(clock_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry__ends_at_its_time_without_another_sleep),
        cmocka_unit_test(test_retry__ends_after_its_tries),
        cmocka_unit_test(test_retry__tries_once_when_there_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
