/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts of gates on measurements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/plans/plan_text.h"

static enum pln_verdict judge(const char *gate, const struct pln_facts *facts)
{
    struct fixture f;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1024);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    fx_buf_printf(
        &text,
        "steps:\n  - {id: s, do: stream.start, undo: stream.drop}\n  - {id: a, do: {route.ramp: "
        "{routes: [r], through: [1%%], every: 1s}}, undo: route.reset, gate: {%s}}\n",
        gate);
    if (!load(&f, PLAN_HEAD, fx_buf_cstr(&text)))
        fail_msg("%s\n%s", f.err.message, f.err.detail);
    enum pln_verdict v =
        pln_gates_eval(f.plan->steps[1].gates, f.plan->steps[1].n_gates, facts, &why);
    assert_true(why.len > 0);
    done(&f);
    return v;
}

static void test_gates__what_was_not_measured_is_unknown(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    assert_int_equal(judge("mismatch: {below: 1%}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("error_rate: {new_minus_old_below: 1%}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("p99: {new_over_old_below: 1.2}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("lag_p99: {below: 1s}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("write_leaks: 0", &f), PLN_UNKNOWN);
    assert_int_equal(judge("equal: {max_age: 1h}", &f), PLN_UNKNOWN);
}

static void test_gates__a_share_needs_its_sample_but_fails_early(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    f.shadow_compared = 99;
    f.shadow_mismatch = 0;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_UNKNOWN);
    f.shadow_compared = 100;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_PASS);
    f.shadow_mismatch = 1;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_FAIL);
    f.shadow_compared = 2;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_FAIL);
    f.is_shadow_late = true; /* a late copy is no mismatch, however many there are */
    f.shadow_mismatch = 50;
    f.shadow_lag_ms = 4000;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_UNKNOWN);
    f.shadow_lag_ms = -1;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_UNKNOWN);
    f.is_shadow_late = false;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_FAIL);
    f.requests_old = 1000;
    f.errors_old = 10;
    f.requests_new = 100;
    f.errors_new = 1;
    assert_int_equal(judge("error_rate: {new_minus_old_below: 0.1%}", &f), PLN_PASS);
    f.errors_new = 2;
    assert_int_equal(judge("error_rate: {new_minus_old_below: 0.1%}", &f), PLN_FAIL);
}

static void test_gates__lag_is_judged_over_a_whole_window(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    int64_t lag[] = {5000, 10, 20, 30}, at[] = {0, 1000, 2000, 3000};
    f.lag_ms = lag;
    f.lag_at_ms = at;
    f.n_lag = 4;
    assert_int_equal(judge("lag_p99: {below: 1s, for: 2s}", &f), PLN_PASS);
    assert_int_equal(judge("lag_p99: {below: 1s, for: 3s}", &f), PLN_FAIL);
    assert_int_equal(judge("lag_p99: {below: 1s, for: 9s}", &f), PLN_UNKNOWN);
    lag[3] = -1;
    assert_int_equal(judge("lag_p99: {below: 1s}", &f), PLN_UNKNOWN);
}

static void test_gates__fail_wins_over_unknown(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    f.leaks = 1;
    assert_int_equal(judge("mismatch: {below: 1%}, write_leaks: 0", &f), PLN_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gates__what_was_not_measured_is_unknown),
        cmocka_unit_test(test_gates__a_share_needs_its_sample_but_fails_early),
        cmocka_unit_test(test_gates__lag_is_judged_over_a_whole_window),
        cmocka_unit_test(test_gates__fail_wins_over_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
