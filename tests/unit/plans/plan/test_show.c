/* SPDX-License-Identifier: Apache-2.0 */
/* What people read of plans and gates: limits, durations, and what differed when a gate fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/gate/gate.h"
#include "plans/plan.h"

static void test_gates__are_shown_with_every_limit(void **state)
{
    (void)state;
    static const struct {
        struct pln_gate gate;
        const char *text;
    } cases[] = {
        {{.kind = PLN_GATE_P99, .limit = 1.2, .ms = 500},
         "p99 new over old below 1.2, or new below 500 ms"},
        {{.kind = PLN_GATE_LAG_P99, .ms = 1000, .for_ms = 2000}, "lag_p99 below 1000 ms for 2 s"},
        {{.kind = PLN_GATE_COVERAGE, .limit = 99.95}, "coverage at least 99.95 %"},
        {{.kind = PLN_GATE_ERROR_RATE, .limit = 0.1, .at_least = 50},
         "error_rate new minus old below 0.1 % of at least 50 requests"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
        pln_gate_show(&cases[i].gate, &out);
        assert_string_equal(fx_buf_cstr(&out), cases[i].text);
    }
}

static void test_gates__a_failure_names_what_differed(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1024);
    static const struct rec_databases databases = {
        .old_side = {"mono", "postgresql://db1:5432/shop", "7301/16384", "0123456789abcdef", 1},
        .new_side = {"orders", "mysql://db2:3306/orders", "db2:3306/1", "0123456789abcdef", 1},
        .forward = {FX_PG, 1, FX_POS("0/7")}};
    struct rec_report report = {.divergent = 899,
                                .rows_compared = 1000,
                                .coverage_percent = 100,
                                .context = "orders",
                                .databases = databases,
                                .target_pos = FX_POS("0/7")};
    struct pln_facts f = pln_facts_none;
    struct pln_gate mismatch = {.kind = PLN_GATE_MISMATCH, .limit = 1, .at_least = 1};
    struct pln_gate divergent = {.kind = PLN_GATE_DIVERGENT, .limit = 0};
    f.shadow_compared = 53;
    f.shadow_mismatch = 27;
    snprintf(f.mismatch_last, sizeof f.mismatch_last, "GET /orders/7: /total: 1 and 100");
    assert_int_equal(pln_gate_eval(&mismatch, &f, &why), PLN_FAIL);
    assert_string_equal(fx_buf_cstr(&why),
                        "mismatch 50.94 % of 53 (limit 1.00 % of at least 1), the last: GET "
                        "/orders/7: /total: 1 and 100");
    fx_buf_clear(&why);
    f.report = &report;
    assert_int_equal(pln_gate_eval(&divergent, &f, &why), PLN_UNKNOWN);
    assert_string_equal(fx_buf_cstr(&why),
                        "the databases could not be asked which ones they are: not asked yet");
    fx_buf_clear(&why);
    f.databases = &databases;
    f.report_path = "/state/runs/p/reports/equal/report.txt";
    assert_int_equal(pln_gate_eval(&divergent, &f, &why), PLN_FAIL);
    assert_string_equal(fx_buf_cstr(&why), "899 rows are divergent, allowed are 0; see "
                                           "/state/runs/p/reports/equal/report.txt");
    fx_buf_clear(&why);
    f.shadow_mismatch = report.divergent = 0; /* one that passes has nothing to name */
    assert_int_equal(pln_gate_eval(&mismatch, &f, &why), PLN_PASS);
    assert_int_equal(pln_gate_eval(&divergent, &f, &why), PLN_PASS);
    assert_null(strstr(fx_buf_cstr(&why), "/orders/7"));
    assert_null(strstr(fx_buf_cstr(&why), "report.txt"));
}

/* Its rounds had nobody who writes: under load the pause
 * is longer, and whoever reads the number must know that. */
static void test_gates__a_rehearsed_pause_says_where_it_was_measured(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1024);
    struct pln_facts f = pln_facts_none;
    struct pln_gate gate = {.kind = PLN_GATE_PREDICTED_PAUSE, .ms = 5000};
    f.predicted_pause_ms = 35;
    assert_int_equal(pln_gate_eval(&gate, &f, &why), PLN_PASS);
    assert_string_equal(fx_buf_cstr(&why), "writes wait p99 35 ms by forecast (limit 5000 ms)");
}

static const char plan_text[] =
    "apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: p}\ncontext: orders\nsteps:\n"
    "  - {id: copy, do: stream.start, undo: stream.drop}\n"
    "  - {id: canary, do: {route.ramp: {routes: [r], through: [1%, 50%], every: 90s}}, undo: "
    "route.reset}\n"
    "  - {id: soak, do: {wait: 2d}}\n"
    "  - {id: rest, do: {wait: 30m}}\n";

static void test_show__says_how_long_a_wait_and_a_stage_take(void **state)
{
    (void)state;
    struct fx_arena arena;
    struct fx_problems problems;
    struct pln_plan *plan = NULL;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    fx_arena_init(&arena, 0);
    fx_problems_init(&problems);
    assert_true(pln_parse("p.yaml", fx_str_from(plan_text), NULL, &arena, &plan, &problems, &err));
    pln_show(plan, &out);
    assert_non_null(strstr(fx_buf_cstr(&out), "routes: r  through 1 %, 50 %, each for 90 s\n"));
    assert_non_null(strstr(fx_buf_cstr(&out), "       for 2 d\n"));
    assert_non_null(strstr(fx_buf_cstr(&out), "       for 30 min\n"));
    fx_problems_done(&problems);
    fx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gates__are_shown_with_every_limit),
        cmocka_unit_test(test_gates__a_failure_names_what_differed),
        cmocka_unit_test(test_gates__a_rehearsed_pause_says_where_it_was_measured),
        cmocka_unit_test(test_show__says_how_long_a_wait_and_a_stage_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
