/* SPDX-License-Identifier: Apache-2.0 */
/* Reading plans: what is accepted, and every problem with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/steps/routes.h"
#include "tests/unit/plans/plan_text.h"

static void complains(const char *steps, const char *problem)
{
    struct fixture f;
    assert_false(load(&f, PLAN_HEAD, steps));
    assert_int_equal(f.err.code, FX_E_CONFIG);
    if (strstr(fx_buf_cstr(&f.problems.text), problem) == NULL)
        fail_msg("\"%s\" is not in:\n%s", problem, fx_buf_cstr(&f.problems.text));
    done(&f);
}

static void test_load__accepts_a_whole_plan(void **state)
{
    (void)state;
    struct fixture f;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    assert_int_equal(f.plan->n_steps, 6);
    assert_int_equal(((const struct pln_ramp *)f.plan->steps[1].options)->n_through, 2);
    assert_int_equal(f.plan->policy.fence_ttl_ms, 15000);
    done(&f);
}

static void test_load__names_each_problem_with_its_place(void **state)
{
    (void)state;
    complains("steps:\n  - {id: a, do: stream.strat, undo: stream.drop}\n",
              "p.yaml:7:17: unknown step kind \"stream.strat\"; did you mean \"stream.start\"?");
    complains("steps:\n  - {id: a, do: stream.start}\n", "add `undo: stream.drop`");
    complains("steps:\n  - {id: a, do: stream.drop}\n", "cannot be undone");
    complains("steps:\n  - {id: a, do: stream.start, undo: route.reset}\n", "is not undone by");
    complains("steps:\n  - {id: a, do: cutover, undo: cutover.fallback}\n",
              "needs running streams");
    complains("steps:\n  - {id: a, do: {wait: 5}}\n", "\"5\" is not a duration");
    complains("steps:\n  - {id: a, do: {wait: 1s}}\n  - {id: a, do: {wait: 1s}}\n",
              "step id \"a\" is already used in line 7");
    complains("steps:\n  - {id: a, do: {wait: 1s}, gate: {lag_p9: {below: 1s}}}\n",
              "unknown gate \"lag_p9\"; did you mean \"lag_p99\"?");
    complains("steps:\n  - {id: a, do: {wait: 1s}, gate: {divergent: 0}}\n", "cannot be measured");
    complains("steps:\n  - {id: a, do: {wait: 1s}, oops: 1}\n", "unknown key \"oops\"");
    complains("steps: []\n", "expected a list of steps");
    complains("steps:\n  - {id: a, do: stream.start, undo: stream.drop}\n"
              "  - {id: b, do: cutover, undo: cutover.fallback}\n"
              "  - {id: c, do: cutover, undo: cutover.fallback}\n",
              "p.yaml:9:17: step \"c\" cuts over, but step \"b\" in line 8 has done so already");
    complains("steps:\n  - {id: a, do: stream.start, undo: stream.drop}\n"
              "  - {id: b, do: cutover, undo: cutover.fallback}\n"
              "  - {id: c, do: cutover.fallback, undo: cutover}\n"
              "  - {id: d, do: cutover.fallback, undo: cutover}\n",
              "p.yaml:10:17: step \"d\" falls back, but step \"c\" in line 9 has done so already");
}

static void test_load__shows_all_problems_in_one_run(void **state)
{
    (void)state;
    struct fixture f;
    assert_false(load(&f,
                      "apiVersion: ficus/v2\nkind: Migration\nmetadata: {nam: p}\ncontext: orders\n"
                      "policy: {fence_ttl: 30s, hold: 25s}\n",
                      "steps:\n  - {id: a, do: waitt}\n"));
    assert_int_equal(f.problems.count, 5);
    assert_non_null(strstr(fx_buf_cstr(&f.problems.text), "drain + fence_ttl (35000 ms)"));
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load__accepts_a_whole_plan),
        cmocka_unit_test(test_load__names_each_problem_with_its_place),
        cmocka_unit_test(test_load__shows_all_problems_in_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
