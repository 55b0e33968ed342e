/* SPDX-License-Identifier: Apache-2.0 */
/* The split as promised: monotone, the share equals the weight, context-wide salt, revoked at 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strangler/route/split.h"

enum { USERS = 20000 };

static uint64_t point_of(int user, const char *context)
{
    char key[32];
    int len = snprintf(key, sizeof key, "user-%d", user);
    return fcd_split_point(fcd_split_salt(context), (struct fx_str){key, (size_t)len});
}

static void test_split__whoever_is_new_at_a_weight_is_new_at_every_higher_one(void **state)
{
    (void)state;
    static const double weights[] = {0, 0.1, 1, 5, 10, 33.3, 50, 99.9, 100};
    for (int user = 0; user < USERS; user++) {
        bool was_new = false;
        for (size_t i = 0; i < FX_ARRAY_LEN(weights); i++) {
            bool is_new = fcd_split_is_new(point_of(user, "orders"), weights[i]);
            assert_true(is_new || !was_new);
            was_new = is_new;
        }
        assert_true(was_new);
        assert_false(fcd_split_is_new(point_of(user, "orders"), 0));
    }
}

static void test_split__share_equals_the_weight(void **state)
{
    (void)state;
    static const double weights[] = {1, 10, 50, 90};
    for (size_t i = 0; i < FX_ARRAY_LEN(weights); i++) {
        int n = 0;
        for (int user = 0; user < USERS; user++)
            n += fcd_split_is_new(point_of(user, "orders"), weights[i]);
        double share = 100.0 * n / USERS;
        assert_true(share > weights[i] - 1.1 && share < weights[i] + 1.1);
    }
}

static void test_split__contexts_choose_different_users(void **state)
{
    (void)state;
    int both = 0;
    for (int user = 0; user < USERS; user++)
        both += fcd_split_is_new(point_of(user, "orders"), 10) &&
                fcd_split_is_new(point_of(user, "billing"), 10);
    assert_true(both > USERS / 200 && both < USERS / 50); /* about 1 %, not 10 % */
}

static void test_split__extreme_points_obey_the_edges(void **state)
{
    (void)state;
    assert_true(fcd_split_is_new(UINT64_MAX, 100));
    assert_false(fcd_split_is_new(0, 0));
    assert_true(fcd_split_is_new(0, 0.0001));
    assert_false(fcd_split_is_new(UINT64_MAX, 99.9999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__whoever_is_new_at_a_weight_is_new_at_every_higher_one),
        cmocka_unit_test(test_split__share_equals_the_weight),
        cmocka_unit_test(test_split__contexts_choose_different_users),
        cmocka_unit_test(test_split__extreme_points_obey_the_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
