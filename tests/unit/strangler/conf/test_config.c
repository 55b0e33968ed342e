/* SPDX-License-Identifier: Apache-2.0 */
/* The facade's part of ficus.yaml: defaults, and every problem at its place in one run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/map/map.h"
#include "strangler/conf/config.h"
#include "tests/unit/tmp.h"

static const char *write_file(const char *text, struct fx_arena *arena)
{
    char *path = fx_arena_printf(arena, "%s/fcd-conf-XXXXXX", test_tmp());
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static bool load(const char *text, struct fx_arena *arena, struct fcd_config **ret,
                 struct fx_err *err)
{
    const char *path = write_file(text, arena);
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
    assert_string_equal(conf->contexts[0].keys[0].name, "x-user");
    assert_int_equal(conf->contexts[0].n_keys, 3);
    assert_int_equal(conf->hold.requests, 1000);
    assert_int_equal(conf->timeouts.connect_ms, 2000);
    assert_non_null(strstr(conf->admin.unix_path, "/.ficus/admin.sock"));
    assert_null(conf->admin.token);
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
        {HEAD UPSTREAMS "facade:\n  listen: [{address: \"127.0.0.1:81\"}]\n"
                        "  admin: {address: \"127.0.0.1:81\"}\n",
         "127.0.0.1:81 is the address for customers too"},
        {HEAD UPSTREAMS "facade:\n  listen: [{address: \"[::1]:81\"}, {address: \"[::1]:81\"}]\n",
         "[::1]:81 is listed twice"},
        {HEAD UPSTREAMS "facade: {listen: [{address: nowhere}]}\n", ":6:"},
        {HEAD UPSTREAMS FACADE "  defualt: mono\n", "default"},
        {HEAD UPSTREAMS FACADE "  default: monos\n", "did you mean \"mono\""},
        {HEAD UPSTREAMS FACADE, "set `default`: there is no context"},
        {HEAD "upstreams: {a: {endpoints: [\"https://x:1\"]}}\n" FACADE "  default: a\n",
         "http://"},
        {HEAD UPSTREAMS FACADE "  default: mono\n  hold: {requests: many}\n", "requests"},
        {HEAD UPSTREAMS FACADE "  admin: {address: \"127.0.0.1:0\", token: {env: NO_SUCH_VAR_X}}\n"
                               "  default: mono\n",
         "NO_SUCH_VAR_X"},
        {HEAD UPSTREAMS FACADE "  default: mono\n  admin: {address: \"127.0.0.1:9\"}\n",
         "admin: {address: \"127.0.0.1:9\", token: {file: admin.token}}"},
        {HEAD UPSTREAMS FACADE "  default: mono\n  admin: {address: \"0.0.0.0:9\"}\n",
         "needs a token"},
        {HEAD UPSTREAMS FACADE
         "  default: mono\n  admin: {address: \"0.0.0.0:9\", token: {env: PATH}}\n",
         "add `insecure: true`"},
        {HEAD UPSTREAMS FACADE
         "  default: mono\n  admin: {address: \":9\", token: {env: PATH}, insecure: false}\n",
         "can be reached from other machines"},
        {HEAD UPSTREAMS FACADE "  default: mono\n  admin: {address: \"unix:\"}\n", "is empty"},
        {HEAD UPSTREAMS FACADE "  default: mono\n  admin: {hosts: ficus}\n", "expected a list"},
        {HEAD "upstreams: {mono: {endpoints: [\"http://u:hunter2@h:1\"]}}\n" FACADE
              "  default: mono\n",
         "a user name or password"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/x/**\"}, kind: write}\n"
         "      - {id: a, match: {path: \"/y/*z\", methods: [GTE]}, kind: reed}\n",
         "duplicate route id"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/x/**\"}, kind: write}\n"
         "      - {id: b, match: {path: \"/x/**\", methods: [PUT]}, kind: write}\n",
         "same requests as route \"a\""},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/x\", methods: [POST]}, kind: read}\n",
         "a read route cannot take POST"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    sticky: {by: [issue, \"cookie:sid\"]}\n",
         "never used: `issue`"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    shadow: {ignore: [\"/a~2\"]}\n",
         "\"~\" must be written \"~0\""},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/y/*z\"}, kind: write}\n",
         "of path pattern \"/y/*z\" mixes text and a wildcard"},
        {HEAD UPSTREAMS FACADE
         "contexts:\n  c:\n    old: {upstream: mono}\n    new: {upstream: orders}\n"
         "    routes:\n      - {id: a, match: {path: \"/y?z=1\"}, kind: write}\n",
         "a pattern is the path alone, without query and fragment"},
        {HEAD UPSTREAMS "facade: {listen: [{address: nowhere}]}\n", "Write host:port"},
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

static void says(const struct fx_err *err, const char *text)
{
    if (strstr(err->message, text) == NULL && strstr(err->detail, text) == NULL)
        fail_msg("not \"%s\" but \"%s\"\n%s", text, err->message, err->detail);
}

/* One file, both programs: `ficus` and `ficusd` must
 * find the same fault in the root, in the same words. */
static void test_config__the_root_is_read_as_by_ficus(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"apiVersion: ficus/v2\nkind: Project\n", ":1:13: apiVersion must be ficus/v1"},
        {"apiVersion: ficus/v1\nkind: Plan\n", ":2:7: kind must be Project"},
        {"kind: Project\n", "key \"apiVersion\" is missing"},
        {HEAD "state: {dri: x}\n", ":3:9: unknown key \"dri\""},
        {HEAD "upstream: {}\n", ":3:1: unknown key \"upstream\""},
        {"[1]\n", "a project file must be a map"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        fx_arena_init(&arena, 0);
        struct fcd_config *conf = NULL;
        struct fx_project *project = NULL;
        struct fx_err daemon_err = FX_ERR_INIT, tool_err = FX_ERR_INIT;
        const char *path = write_file(cases[i].text, &arena);
        assert_false(fcd_config_load(path, &arena, &conf, &daemon_err));
        assert_false(fx_project_load(path, &arena, &project, &tool_err));
        unlink(path);
        says(&daemon_err, cases[i].said);
        says(&tool_err, cases[i].said);
    }
}

/* A link to the project file moves neither program's state directory away from the other's. */
static void test_config__the_state_directory_is_that_of_ficus(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_problems) struct fx_problems problems;
    struct fcd_config *conf = NULL;
    struct fx_project *project = NULL;
    fx_arena_init(&arena, 0);
    fx_problems_init(&problems);
    const char *path = write_file(HEAD UPSTREAMS FACADE "  default: mono\n", &arena);
    const char *folder = fx_arena_printf(&arena, "%s/linked", test_tmp());
    const char *link = fx_arena_printf(&arena, "%s/ficus.yaml", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink(path, link), 0);
    bool ok = fcd_config_load(link, &arena, &conf, &err);
    bool is_read = fx_project_read(link, &arena, &problems, &project, &err);
    unlink(link);
    unlink(path);
    rmdir(folder);
    assert_true(ok && is_read);
    assert_string_equal(conf->state_dir, project->state_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__defaults_and_names),
        cmocka_unit_test(test_config__all_problems_are_reported_with_their_places),
        cmocka_unit_test(test_config__the_root_is_read_as_by_ficus),
        cmocka_unit_test(test_config__the_state_directory_is_that_of_ficus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
