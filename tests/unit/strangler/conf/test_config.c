/* SPDX-License-Identifier: Apache-2.0 */
/* The facade's part of ficus.yaml: defaults, and every problem at its place in one run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "strangler/conf/config.h"
#include "tests/unit/tmp.h"

static bool load(const char *text, struct fx_arena *arena, struct fcd_config **ret,
                 struct fx_err *err)
{
    char path[256];
    snprintf(path, sizeof path, "%s/fcd-conf-XXXXXX", test_tmp());
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    bool ok = fcd_config_load(path, arena, ret, err);
    unlink(path);
    return ok;
}

#define HEAD "apiVersion: ficus/v1\nkind: Project\n"
#define UPSTREAMS                                                                             \
    "upstreams:\n  mono: {endpoints: [\"http://127.0.0.1:1\"]}\n"                             \
    "  orders: {endpoints: [\"http://127.0.0.1:2\", \"http://127.0.0.1:3\"], health: {path: " \
    "/up}}\n"
#define FACADE "facade:\n  listen: [{address: \"127.0.0.1:0\"}]\n"

static void test_config__defaults_and_names(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fcd_config *conf = NULL;
    fx_arena_init(&arena, 0);
    bool ok = load(HEAD UPSTREAMS FACADE
                   "contexts:\n  shop:\n    old: {upstream: mono, database: x}\n"
                   "    new: {upstream: orders, database: y}\n    tables: [public.a]\n    routes:\n"
                   "      - {id: r, match: {path: \"/o/**\"}, kind: read}\n"
                   "      - {id: w, match: {path: \"/o/**\", methods: [POST]}, kind: write}\n"
                   "    sticky: {by: [\"header:X-User\", \"cookie:sid\", issue]}\n",
                   &arena, &conf, &err);
    if (!ok)
        fail_msg("%s %s", err.message, err.detail);
    assert_int_equal(conf->n_routes, 2);
    assert_int_equal(conf->routes[0].methods, FCD_M_GET | FCD_M_HEAD);
    assert_int_equal(conf->routes[1].methods, FCD_M_POST);
    assert_string_equal(conf->upstreams[conf->default_upstream].name, "mono");
    assert_int_equal(conf->upstreams[1].n_endpoints, 2);
    assert_string_equal(conf->contexts[0].rungs[0].name, "x-user");
    assert_int_equal(conf->contexts[0].n_rungs, 3);
    assert_int_equal(conf->hold.requests, 1000);
    assert_int_equal(conf->timeouts.connect_ms, 2000);
    assert_false(conf->has_admin);
    char state_dir[256];
    snprintf(state_dir, sizeof state_dir, "%s/.ficus", test_tmp());
    assert_string_equal(conf->state_dir, state_dir);
}

static void test_config__all_problems_are_reported_with_their_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        {HEAD UPSTREAMS, "facade"},
        {HEAD UPSTREAMS "facade: {}\n", "listen"},
        {HEAD UPSTREAMS "facade: {listen: []}\n", "at least one address"},
        {HEAD UPSTREAMS "facade: {listen: [{address: nowhere}]}\n", ":6:"},
        {HEAD UPSTREAMS FACADE "  defualt: mono\n", "default"},
        {HEAD UPSTREAMS FACADE "  default: monos\n", "did you mean \"mono\""},
        {HEAD UPSTREAMS FACADE, "no `default` upstream"},
        {HEAD "upstreams: {a: {endpoints: [\"https://x:1\"]}}\n" FACADE "  default: a\n",
         "http://"},
        {HEAD UPSTREAMS FACADE "  default: mono\n  hold: {requests: many}\n", "requests"},
        {HEAD UPSTREAMS FACADE "  admin: {address: \"127.0.0.1:0\", token: {env: NO_SUCH_VAR_X}}\n"
                               "  default: mono\n",
         "NO_SUCH_VAR_X"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/x/**\"}, kind: write}\n"
         "      - {id: a, match: {path: \"/y/*z\", methods: [GTE]}, kind: reed}\n",
         "exists already"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/x/**\"}, kind: write}\n"
         "      - {id: b, match: {path: \"/x/**\", methods: [PUT]}, kind: write}\n",
         "same requests as route \"a\""},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/x\", methods: [POST]}, kind: read}\n",
         "a read route takes no POST"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    sticky: {by: [issue, \"cookie:sid\"]}\n",
         "nothing can follow"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    shadow: {ignore: [\"/a~2\"]}\n",
         "\"~\" is written \"~0\""},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct fx_err err = FX_ERR_INIT;
        FX_AUTO(fx_arena) struct fx_arena arena;
        struct fcd_config *conf = NULL;
        fx_arena_init(&arena, 0);
        assert_false(load(cases[i].text, &arena, &conf, &err));
        assert_true(err.code == FX_E_CONFIG || err.code == FX_E_SECRET);
        if (strstr(err.detail, cases[i].said) == NULL && strstr(err.message, cases[i].said) == NULL)
            fail_msg("case %zu says \"%s\" \"%s\", not \"%s\"", i, err.message, err.detail,
                     cases[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__defaults_and_names),
        cmocka_unit_test(test_config__all_problems_are_reported_with_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
