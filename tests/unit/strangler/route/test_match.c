/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns and their order: longest literal first,
 * methods do not shadow, nothing matches by accident.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "strangler/route/match.h"

static bool matches(const char *pattern, const char *path)
{
    struct fx_err err = FX_ERR_INIT;
    struct fcd_pattern compiled;
    assert_true(fcd_pattern_compile(pattern, &compiled, &err));
    return fcd_pattern_matches(&compiled, fx_str_from(path));
}

static void test_match__rest_takes_the_path_itself_and_all_below(void **state)
{
    (void)state;
    assert_true(matches("/orders/**", "/orders"));
    assert_true(matches("/orders/**", "/orders/"));
    assert_true(matches("/orders/**", "/orders/7/lines"));
    assert_false(matches("/orders/**", "/ordersX"));
    assert_false(matches("/orders/**", "/order"));
    assert_false(matches("/orders/**", "/Orders/1"));
    assert_true(matches("/**", "/"));
    assert_true(matches("/**", "/x/y"));
}

static void test_match__one_segment_is_one_and_not_empty(void **state)
{
    (void)state;
    assert_true(matches("/orders/*", "/orders/7"));
    assert_true(matches("/orders/{id}/lines", "/orders/7/lines"));
    assert_false(matches("/orders/*", "/orders/"));
    assert_false(matches("/orders/*", "/orders"));
    assert_false(matches("/orders/*", "/orders/7/8"));
    assert_false(matches("/orders", "/orders/"));
    assert_true(matches("/", "/"));
}

static void test_match__parameters_do_not_hide_a_segment(void **state)
{
    (void)state;
    assert_true(matches("/orders/**", "/orders;v=1/7"));
    assert_true(matches("/orders/**", "/orders;jsessionid=7"));
    assert_true(matches("/orders/**", "/orders%3Bv/7"));
    assert_true(matches("/a/{id}/b", "/a;x/7;y/b;z"));
    assert_true(matches("/a;x/b", "/a;x/b")); /* written so in the file */
    assert_false(matches("/orders/**", "/orders%3/7"));
    assert_false(matches("/orders/**", "/orde;rs/7"));
}

static void test_match__methods_in_other_letters_are_told_apart(void **state)
{
    (void)state;
    assert_true(fcd_method_is_miswritten(FX_STR("post")));
    assert_true(fcd_method_is_miswritten(FX_STR("DeLETE")));
    assert_false(fcd_method_is_miswritten(FX_STR("POST")));
    assert_false(fcd_method_is_miswritten(FX_STR("purge")));
    assert_int_equal(fcd_method_bit(FX_STR("post")), FCD_M_OTHER);
}

static void test_match__bad_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"orders", "", "/a*b", "/**/x", "/a/{b", "/a?b"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fx_err err = FX_ERR_INIT;
        struct fcd_pattern compiled;
        assert_false(fcd_pattern_compile(bad[i], &compiled, &err));
        assert_int_equal(err.code, FX_E_CONFIG);
    }
}

/* Requests come to the matcher in their normal form: these would be silent for ever. */
static void test_match__patterns_that_no_request_has_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *says;
    } cases[] = {
        {"/caf%c3%a9/**", "\"/caf%C3%A9/**\""},          {"/a%7Eb", "\"/a~b\""},
        {"/caf\xc3\xa9/**", "cannot match any request"}, {"/a b", "cannot match any request"},
        {"/a//b", "cannot match any request"},           {"/a/../b", "cannot match any request"},
        {"/a%2Fb", "cannot match any request"}};
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct fx_err err = FX_ERR_INIT;
        struct fcd_pattern compiled;
        assert_false(fcd_pattern_compile(cases[i].pattern, &compiled, &err));
        assert_int_equal(err.code, FX_E_CONFIG);
        assert_non_null(strstr(err.message, cases[i].says));
    }
    assert_true(matches("/caf%C3%A9/**", "/caf%C3%A9/1"));
}

static void test_match__longest_literal_wins_and_methods_do_not_shadow(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        unsigned methods;
    } given[] = {
        {"/**", FCD_METHODS_ALL},       {"/orders/**", FCD_M_GET | FCD_M_HEAD},
        {"/orders/*", FCD_M_POST},      {"/orders/special", FCD_M_GET},
        {"/orders/*/lines", FCD_M_GET},
    };
    struct fcd_rule rules[FX_ARRAY_LEN(given)] = {0};
    struct fx_err err = FX_ERR_INIT;
    for (size_t i = 0; i < FX_ARRAY_LEN(given); i++) {
        assert_true(fcd_pattern_compile(given[i].pattern, &rules[i].pattern, &err));
        rules[i].methods = given[i].methods;
        rules[i].route = i;
    }
    fcd_rules_sort(rules, FX_ARRAY_LEN(rules));
#define FIND(path, method) fcd_rules_find(rules, FX_ARRAY_LEN(rules), FX_STR(path), method)
    assert_int_equal(FIND("/orders/special", FCD_M_GET), 3);
    assert_int_equal(FIND("/orders/special", FCD_M_POST), 2);
    assert_int_equal(FIND("/orders/7/lines", FCD_M_GET), 4);
    assert_int_equal(FIND("/orders/7", FCD_M_GET), 1);
    assert_int_equal(FIND("/orders/7", FCD_M_DELETE), 0);
    assert_int_equal(FIND("/x", FCD_M_OTHER), 0);
    assert_true(fcd_rules_find(rules, 0, FX_STR("/x"), FCD_M_GET) == SIZE_MAX);
}

static void test_match__methods_are_exact(void **state)
{
    (void)state;
    assert_int_equal(fcd_method_bit(FX_STR("GET")), FCD_M_GET);
    assert_int_equal(fcd_method_bit(FX_STR("get")), FCD_M_OTHER);
    assert_int_equal(fcd_method_bit(FX_STR("PROPFIND")), FCD_M_OTHER);
    assert_false(fcd_method_is_safe(FCD_M_OTHER));
    assert_true(fcd_method_is_safe(FCD_M_HEAD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match__rest_takes_the_path_itself_and_all_below),
        cmocka_unit_test(test_match__one_segment_is_one_and_not_empty),
        cmocka_unit_test(test_match__parameters_do_not_hide_a_segment),
        cmocka_unit_test(test_match__methods_in_other_letters_are_told_apart),
        cmocka_unit_test(test_match__bad_patterns_are_refused),
        cmocka_unit_test(test_match__patterns_that_no_request_has_are_refused),
        cmocka_unit_test(test_match__longest_literal_wins_and_methods_do_not_shadow),
        cmocka_unit_test(test_match__methods_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
