/* SPDX-License-Identifier: Apache-2.0 */
/* The durable state: what is written is read again; damage is an error and never an empty state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/io/file.h"
#include "strangler/group/state.h"
#include "tests/unit/tmp.h"

static struct fcd_state sample(void)
{
    struct fcd_state s = {.controller_epoch = 9};
    (void)fcd_state_group(&s, "orders");
    s.groups[0].own = (struct fcd_own){.owner = FCD_NEW,
                                       .hold = FCD_HOLDING,
                                       .epoch = 7,
                                       .owner_epoch = 6,
                                       .hold_until.us = 1764000000123456,
                                       .hold_ms = 25000};
    size_t canary = fcd_state_group(&s, "orders.canary");
    s.groups[canary].own.epoch = 3;
    size_t route = fcd_state_route(&s, "orders-read");
    s.routes[route].weight_percent = 0.1;
    s.routes[route].shadow_percent = 100;
    s.routes[route].recheck_ms = 800;
    return s;
}

static void check_same(const struct fcd_state *a, const struct fcd_state *b)
{
    assert_int_equal(a->controller_epoch, b->controller_epoch);
    assert_int_equal(a->n_groups, b->n_groups);
    assert_int_equal(a->n_routes, b->n_routes);
    assert_memory_equal(a->groups, b->groups, a->n_groups * sizeof *a->groups);
    assert_memory_equal(a->routes, b->routes, a->n_routes * sizeof *a->routes);
}

static void test_state__is_read_as_it_was_written(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    char dir[256], path[300];
    snprintf(dir, sizeof dir, "%s/fcd-state-XXXXXX", test_tmp());
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/facade.json", dir);
    struct fcd_state s = sample(), again = {0}, none = {.controller_epoch = 5};
    assert_true(fcd_state_load(path, &none, &err)); /* no file: everything at its beginning */
    assert_int_equal(none.controller_epoch, 0);
    assert_true(fcd_state_save(path, &s, &err));
    assert_true(fcd_state_load(path, &again, &err));
    check_same(&s, &again);
    assert_true(fcd_state_has_served(path));
    struct fcd_state copy = fcd_state_copy(&s);
    check_same(&s, &copy);
    fcd_state_done(&s);
    fcd_state_done(&again);
    fcd_state_done(&copy);
    unlink(path);
    assert_true(fcd_state_has_served(path)); /* also without the state: that is what it is for */
    snprintf(path, sizeof path, "%s/facade.json.served", dir);
    unlink(path);
    rmdir(dir);
}

/* An owner that nobody knows stays so in the file; an older Ficus refuses the file. */
static void test_state__an_unknown_owner_is_kept(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    struct fcd_state s = sample(), got = {0};
    s.groups[0].own.is_unknown = true;
    s.groups[0].own.owner = FCD_OLD;
    fcd_state_write(&s, &text);
    assert_non_null(strstr(fx_buf_cstr(&text), "\"unknown\""));
    assert_true(fcd_state_parse(fx_buf_str(&text), &got, &err));
    assert_true(got.groups[0].own.is_unknown);
    assert_int_equal(got.groups[0].own.owner, FCD_OLD);
    assert_true(
        fcd_own_switch(&got.groups[0].own, "g", got.groups[0].own.epoch + 1, FCD_NEW, &err));
    assert_false(got.groups[0].own.is_unknown);
    fcd_state_done(&s);
    fcd_state_done(&got);
}

/* A facade that starts again after its hold must know that a cut-over was about to commit. */
static void test_state__a_commit_that_was_near_is_kept(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    struct fcd_state s = sample(), got = {0};
    s.groups[0].own.owner = FCD_NEW;
    s.groups[0].own.hold = FCD_HOLDING;
    s.groups[0].own.is_moving = true;
    fcd_state_write(&s, &text);
    assert_true(fcd_state_parse(fx_buf_str(&text), &got, &err));
    assert_true(got.groups[0].own.is_moving && !got.groups[1].own.is_moving);
    fcd_own_expire(&got.groups[0].own);
    assert_true(fcd_own_is_unknown(&got.groups[0].own));
    assert_int_equal(got.groups[0].own.owner, FCD_NEW); /* where reads go */
    fcd_state_done(&s);
    fcd_state_done(&got);
}

static void test_state__every_cut_of_the_file_is_an_error(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    struct fcd_state s = sample();
    fcd_state_write(&s, &text);
    for (size_t len = 0; len + 2 < text.len; len++) {
        struct fx_err err = FX_ERR_INIT;
        struct fcd_state got = {0};
        assert_false(fcd_state_parse(fx_str_sub(fx_buf_str(&text), 0, len), &got, &err));
        assert_int_equal(err.code, FX_E_JOURNAL);
    }
    fcd_state_done(&s);
}

static void test_state__what_is_missing_or_unknown_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"version\":\"1\",\"controller_epoch\":0}",
        "{\"version\":1}",
        "{\"version\":1,\"controller_epoch\":0,\"groups\":{\"g\":{\"owner\":\"old\"}}}",
        "{\"version\":1,\"controller_epoch\":0,\"groups\":{\"g\":{\"owner\":\"both\",\"epoch\":1,"
        "\"owner_epoch\":1,\"hold\":\"open\",\"hold_until_us\":0,\"hold_ms\":0}}}",
        "{\"version\":1,\"controller_epoch\":0,\"routes\":{\"a/b\":{\"weight_percent\":1,"
        "\"shadow_percent\":1,\"recheck_ms\":1}}}",
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fx_err err = FX_ERR_INIT;
        struct fcd_state got = {0};
        assert_false(fcd_state_parse(fx_str_from(bad[i]), &got, &err));
        assert_int_equal(err.code, FX_E_JOURNAL);
    }
}

static void test_state__a_newer_file_is_refused_by_name(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_state got = {0};
    assert_false(fcd_state_parse(FX_STR("{\"version\":3,\"controller_epoch\":0}"), &got, &err));
    assert_int_equal(err.code, FX_E_VERSION);
    assert_non_null(strstr(err.message, "facade-state has version 3"));
}

/* `ficus upgrade` asks only for the version: a damaged file is the same error as for the facade. */
static void test_state__the_version_of_a_damaged_file_is_an_error_with_a_hint(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{\"version\":1,\"contr", "{}", "{\"version\":\"1\"}"};
    char path[200];
    snprintf(path, sizeof path, "%s/facade-%d.json", test_tmp(), (int)getpid());
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fx_err err = FX_ERR_INIT;
        int64_t version;
        assert_true(fx_file_write_atomic(path, fx_str_from(bad[i]), 0644, &err));
        assert_false(fcd_state_version(path, &version, &err));
        assert_int_equal(err.code, FX_E_JOURNAL);
        assert_non_null(strstr(err.hint, "from a backup"));
    }
    unlink(path);
}

static void test_state__names_are_checked_and_bounded(void **state)
{
    (void)state;
    struct fcd_state s = {0};
    char name[16];
    assert_true(fcd_state_group(&s, "") == SIZE_MAX);
    assert_true(fcd_state_group(&s, "a b") == SIZE_MAX);
    assert_true(fcd_state_group(&s, "../x/") == SIZE_MAX);
    for (int i = 0; i < FCD_GROUPS_MAX; i++) {
        snprintf(name, sizeof name, "g%d", i);
        assert_int_equal(fcd_state_group(&s, name), i);
    }
    assert_true(fcd_state_group(&s, "one-more") == SIZE_MAX);
    assert_int_equal(fcd_state_group(&s, "g7"), 7);
    fcd_state_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state__is_read_as_it_was_written),
        cmocka_unit_test(test_state__an_unknown_owner_is_kept),
        cmocka_unit_test(test_state__a_commit_that_was_near_is_kept),
        cmocka_unit_test(test_state__every_cut_of_the_file_is_an_error),
        cmocka_unit_test(test_state__what_is_missing_or_unknown_is_an_error),
        cmocka_unit_test(test_state__a_newer_file_is_refused_by_name),
        cmocka_unit_test(test_state__the_version_of_a_damaged_file_is_an_error_with_a_hint),
        cmocka_unit_test(test_state__names_are_checked_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
