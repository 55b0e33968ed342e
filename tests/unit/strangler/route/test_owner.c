/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No spelling that some server reads as a group's path may take the default route; what is nobody's
 * goes on as it came. With FCD_PATHS=FILE it prints the verdict of each line instead, for a
 * comparison with another implementation of the rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/http/url.h"
#include "strangler/route/owner.h"

enum { N_RULES = 5 };
static struct fcd_rule rules[N_RULES];

static void make_rules(void)
{
    static const struct {
        const char *pattern;
        unsigned methods;
        size_t group;
    } given[N_RULES] = {{"/orders/**", FCD_M_GET | FCD_M_HEAD, 0},
                        {"/orders/**", FCD_M_POST | FCD_M_PUT, 0},
                        {"/carts", FCD_M_POST, 1},
                        {"/users/{id}/cart", FCD_M_POST, 1},
                        {"/api/v1/stock/**", FCD_M_GET, 2}};
    struct fx_err err = FX_ERR_INIT;
    for (size_t i = 0; i < N_RULES; i++) {
        rules[i] =
            (struct fcd_rule){.methods = given[i].methods, .group = given[i].group, .route = i};
        assert_true(fcd_pattern_compile(given[i].pattern, &rules[i].pattern, &err));
    }
    fcd_rules_sort(rules, N_RULES);
}

/* 'x': 400; 'f': foreign; '0', '1' …: the group. */
static char verdict(struct fx_str path, unsigned method, struct fcd_found *ret)
{
    FX_AUTO(fx_buf) struct fx_buf normal = FX_BUF(64 * 1024);
    const char *why = NULL;
    *ret = (struct fcd_found){0};
    if (!fx_url_path_normal(path, &normal, &why))
        return 'x';
    *ret = fcd_route_owner(rules, N_RULES, path, fx_buf_str(&normal), method);
    static const char groups[N_RULES] = {'0', '0', '1', '1', '2'};
    switch (ret->verdict) {
    case FCD_FOREIGN: return 'f';
    case FCD_AMBIGUOUS: return 'x';
    case FCD_OWNED: return groups[ret->route];
    }
    return '?';
}

static void check(const char *path, char want)
{
    struct fcd_found found;
    char got = verdict(fx_str_from(path), FCD_M_POST, &found);
    if (got != want)
        fail_msg("%s is %c, not %c", path, got, want);
}

static void test_owner__every_natural_spelling_is_the_groups(void **state)
{
    (void)state;
    static const char *const orders[] = {
        "/orders",         "/orders/",           "/orders/1",         "/Orders/1",
        "/ORDERS",         "/orders.json",       "/orders/1.json",    "/orders;v=2",
        "/;x/orders/1",    "/%6frders/1",        "/orders.",          "/orders%3Bx",
        "/orders%3bx/1",   "/index.php/orders",  "/orders/a%20b",     "/orders/1;/x",
        "/app.cgi/ORDERS", "/(S(abc))/orders/1", "/x/y.aspx/orders/1"};
    for (size_t i = 0; i < FX_ARRAY_LEN(orders); i++)
        check(orders[i], '0');
    static const char *const carts[] = {"/carts/",           "/CARTS",        "/carts;x",
                                        "/carts;a/b",        "/carts.xml",    "/users/7/cart",
                                        "/Users/7;a/Cart;b", "/users/7/cart/"};
    for (size_t i = 0; i < FX_ARRAY_LEN(carts); i++)
        check(carts[i], '1');
}

static void test_owner__what_only_careless_servers_read_so_is_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/%256frders/1",     "/orders%252F1",      "/x/%252e%252e/orders/1",
        "/orders%20",        "/%C0%AForders/1",    "/order%C5%BF/1",
        "/%EF%BC%AFrders/1", "/%e2%88%95orders/1", "/orders%2F1",
        "/./orders/1",       "/x/%2e%2e/orders/1", "/x/..;/orders/1",
        "/x\\orders",        "/orders/../admin",   "//orders/1",
        "/orders%00",        "/users/7/c%25aart",  "/orders/%252e%252e/a",
        "/or%2564ers/1",     "/%25256frders"};
    for (size_t i = 0; i < FX_ARRAY_LEN(paths); i++)
        check(paths[i], 'x');
}

static void test_owner__foreign_paths_are_not_touched(void **state)
{
    (void)state;
    static const char *const paths[] = {"/",          "/orders%3Fx=1", "/orders%23x",  "/orders+",
                                        "/orders,x",  "/orders:80",    "/ordersx",     "/orders-v2",
                                        "/caf%C3%A9", "/x;orders/1",   "/xorders/1",   "/carts/7",
                                        "/a%2520b",   "/x.php/y",      "/users/cart",  "/api/v1",
                                        "/order/s",   "/%2525",        "/users//cart2"};
    for (size_t i = 0; i + 1 < FX_ARRAY_LEN(paths); i++)
        check(paths[i], 'f');
}

static void test_owner__an_unlisted_method_is_the_groups_too(void **state)
{
    (void)state;
    static const unsigned methods[] = {FCD_M_PATCH, FCD_M_DELETE, FCD_M_OPTIONS, FCD_M_OTHER};
    struct fcd_found found;
    for (size_t i = 0; i < FX_ARRAY_LEN(methods); i++) {
        assert_int_equal(verdict(FX_STR("/orders/1"), methods[i], &found), '0');
        assert_false(found.is_listed);
        assert_int_equal(verdict(FX_STR("/Orders;x/1"), methods[i], &found), '0');
        assert_int_equal(verdict(FX_STR("/other"), methods[i], &found), 'f');
    }
    assert_int_equal(verdict(FX_STR("/orders/1"), FCD_M_GET, &found), '0');
    assert_true(found.is_listed && found.is_plain);
    assert_int_equal(verdict(FX_STR("/orders/a%20b;c"), FCD_M_GET, &found), '0');
    assert_true(found.is_listed && found.is_plain); /* as the file has it: split by weight */
    assert_int_equal(verdict(FX_STR("/ORDERS/1"), FCD_M_GET, &found), '0');
    assert_true(found.is_listed && !found.is_plain);
    assert_int_equal((int)found.route, 0);
}

/* What the worst path costs is bounded, and it is refused. */
static void test_owner__work_is_bounded(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf path = FX_BUF(64 * 1024);
    struct fcd_found found;
    fx_buf_add_c(&path, "/orders");
    while (path.len < 7900)
        fx_buf_add_c(&path, ";%2525c0%25afa%5e.%20/x.php/%C5%BF.");
    int64_t began = fx_mono_now().us;
    assert_int_equal(verdict(fx_buf_str(&path), FCD_M_POST, &found), 'x');
    assert_true(fx_mono_now().us - began < 200000);
}

/* Any spelling made of the pieces that servers treat specially ends with a verdict, and one that
 * holds the group's path in its plain form is never foreign. */
static void test_owner__random_spellings_have_a_verdict(void **state)
{
    (void)state;
    static const char *const pieces[] = {"/",    "orders", "Orders", ";x",     "%3B",
                                         "%25",  "6f",     "%20",    ".",      "1",
                                         ".php", "%C5%BF", "x",      "(S(a))", "%2e"};
    struct fx_rand rnd;
    fx_rand_init(&rnd, 20261129);
    for (int round = 0; round < 20000; round++) {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
        struct fcd_found found;
        fx_buf_add_char(&text, '/');
        for (int n = (int)(fx_rand_u64(&rnd) % 6); n >= 0; n--)
            fx_buf_add_c(&text, pieces[fx_rand_u64(&rnd) % FX_ARRAY_LEN(pieces)]);
        char got = verdict(fx_buf_str(&text), FCD_M_POST, &found);
        if (fx_str_starts(fx_buf_str(&text), FX_STR("/orders/")) && got == 'f')
            fail_msg("%s is foreign", fx_buf_cstr(&text));
    }
}

static int print_verdicts(const char *file)
{
    char line[16384];
    FILE *f = fopen(file, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        struct fcd_found found;
        line[strcspn(line, "\n")] = '\0';
        printf("%c %s\n", verdict(fx_str_from(line), FCD_M_POST, &found), line);
    }
    if (f != NULL)
        fclose(f);
    return 0;
}

int main(void)
{
    const char *file = getenv("FCD_PATHS"); /* NOLINT: tests only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner__every_natural_spelling_is_the_groups),
        cmocka_unit_test(test_owner__what_only_careless_servers_read_so_is_refused),
        cmocka_unit_test(test_owner__foreign_paths_are_not_touched),
        cmocka_unit_test(test_owner__an_unlisted_method_is_the_groups_too),
        cmocka_unit_test(test_owner__work_is_bounded),
        cmocka_unit_test(test_owner__random_spellings_have_a_verdict),
    };
    make_rules();
    return file != NULL ? print_verdicts(file) : cmocka_run_group_tests(tests, NULL, NULL);
}
