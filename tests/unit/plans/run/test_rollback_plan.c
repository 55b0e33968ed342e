/* SPDX-License-Identifier: Apache-2.0 */
/* The way back as a plan: what is written is what a rollback does, for every state of the steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/run/rollback_plan.h"
#include "plans/run/undo.h"
#include "tests/unit/plans/plan_text.h"

#define PLAN_ROUTES                                                                         \
    "steps:\n"                                                                              \
    "  - {id: copy, do: stream.start, undo: stream.drop}\n"                                 \
    "  - {id: \"the 2nd: shadow\", do: {route.shadow: {routes: [r, \"1e3\"]}}, undo: "      \
    "route.unshadow}\n"                                                                     \
    "  - {id: canary, do: {route.ramp: {routes: [r], through: [1%], every: 100ms}}, undo: " \
    "route.reset}\n"                                                                        \
    "  - {id: true, do: cutover, undo: cutover.fallback}\n"                                 \
    "  - {id: back, do: cutover.fallback, undo: cutover}\n"                                 \
    "  - {id: again, do: cutover, undo: cutover.fallback}\n"                                \
    "  - {id: end, do: finish}\n"

enum { STEPS = 7 };

static void parse(struct fixture *f, const char *text)
{
    if (!load(f, text, ""))
        fail_msg("%s %s\n%s", f->err.message, f->err.detail, text);
}

static void check_same(const struct pln_plan *plan, const int *list, size_t n,
                       const struct pln_plan *way)
{
    assert_int_equal(way->n_steps, n);
    assert_true(way->is_rollback);
    assert_string_equal(way->rolls_back, plan->name);
    assert_int_equal(way->policy.gate_wait_ms, plan->policy.gate_wait_ms);
    assert_int_equal(way->policy.retry_ms, plan->policy.retry_ms);
    for (size_t i = 0; i < n; i++) {
        const struct pln_step *step = &plan->steps[list[i]], *undo = &way->steps[i];
        assert_int_equal(undo->kind, pln_kind_info(step->kind)->undo);
        assert_int_equal(undo->on_fail, PLN_FAIL_HOLD);
        assert_int_equal(undo->n_routes, step->n_routes);
        for (size_t k = 0; k < step->n_routes; k++)
            assert_string_equal(undo->routes[k], step->routes[k]);
    }
}

/* All states that seven steps can be in: some done, the current one in any state. */
static void test_rollback_plan__is_what_the_rollback_does_in_every_state(void **state)
{
    (void)state;
    struct fixture f, all_back;
    parse(&f, PLAN_HEAD PLAN_ROUTES);
    struct pln_state *st = FX_ARENA_NEW(&f.arena, struct pln_state);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16), most = FX_BUF(1 << 16);
    int list[PLN_STEPS_MAX], blocked;
    pln_rollback_all_done(f.plan, st);
    size_t n = pln_undo_list(f.plan, st, list, &blocked);
    pln_rollback_write(f.plan, list, n, NULL, &most);
    parse(&all_back, fx_buf_cstr(&most));
    for (unsigned done_steps = 0; done_steps <= STEPS; done_steps++) {
        for (int last = PLN_STEP_PENDING; last <= PLN_STEP_UNDONE; last++) {
            pln_state_init(st);
            for (unsigned i = 0; i < done_steps; i++)
                st->steps[i].state = PLN_STEP_DONE;
            if (done_steps < STEPS)
                st->steps[done_steps].state = (enum pln_step_state)last;
            n = pln_undo_list(f.plan, st, list, &blocked);
            if (n == 0)
                continue;
            struct fixture way;
            fx_buf_clear(&text);
            pln_rollback_write(f.plan, list, n, NULL, &text);
            parse(&way, fx_buf_cstr(&text));
            check_same(f.plan, list, n, way.plan);
            assert_true(pln_rollback_covers(way.plan, f.plan, st, &way.err));
            /*
             * A file of the whole plan covers a run that has come less far. One that is going back
             * already may have to finish the undo of a fall-back, which no whole plan has.
             */
            bool is_forward = last != PLN_STEP_UNDOING && last != PLN_STEP_UNDONE;
            assert_true(!is_forward || pln_rollback_covers(all_back.plan, f.plan, st, &way.err));
            done(&way);
        }
    }
    done(&all_back);
    done(&f);
}

static void test_rollback_plan__that_leaves_something_out_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *steps;
        enum fx_code code;
        const char *says;
    } cases[] = {
        {"  - {id: a, do: {route.reset: {routes: [r]}}}\n", FX_E_DRIFT, "step \"again\""},
        {"  - {id: a, do: {route.reset: {routes: [r]}}}\n  - {id: b, do: cutover.fallback}\n",
         FX_E_DRIFT, "does not take back step \"canary\""},
        {"  - {id: b, do: cutover.fallback}\n  - {id: a, do: {route.reset: {routes: [x]}}}\n",
         FX_E_USAGE, "step \"a\" takes back no step of"},
        {"  - {id: b, do: cutover.fallback, gate: {write_leaks: 0}}\n", FX_E_USAGE, "has a gate"},
        {"  - {id: w, do: {wait: 1s}}\n", FX_E_USAGE, "takes back no step of"},
    };
    struct fixture f;
    parse(&f, PLAN_HEAD PLAN_ROUTES);
    struct pln_state *st = FX_ARENA_NEW(&f.arena, struct pln_state);
    pln_rollback_all_done(f.plan, st);
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct fixture way;
        if (!load(&way,
                  "apiVersion: ficus/v1\nkind: Rollback\nmetadata: {name: b}\ncontext: orders\n"
                  "rolls_back: p\nsteps:\n",
                  cases[i].steps))
            fail_msg("%s", way.err.message);
        assert_false(pln_rollback_covers(way.plan, f.plan, st, &way.err));
        assert_int_equal(way.err.code, cases[i].code);
        if (strstr(way.err.message, cases[i].says) == NULL)
            fail_msg("case %zu says \"%s\"", i, way.err.message);
        done(&way);
    }
    done(&f);
}

static void test_rollback_plan__comments_cannot_leave_their_line(void **state)
{
    (void)state;
    struct fixture f, way;
    parse(&f, PLAN_HEAD PLAN_ROUTES);
    struct pln_state *st = FX_ARENA_NEW(&f.arena, struct pln_state);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    int list[PLN_STEPS_MAX], blocked;
    struct pln_rollback_notes notes = {.head = "one\nsteps: []", .costs = {"a\r\n  - {id: x}"}};
    pln_rollback_all_done(f.plan, st);
    size_t n = pln_undo_list(f.plan, st, list, &blocked);
    pln_rollback_write(f.plan, list, n, &notes, &text);
    parse(&way, fx_buf_cstr(&text));
    check_same(f.plan, list, n, way.plan);
    done(&way);
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollback_plan__is_what_the_rollback_does_in_every_state),
        cmocka_unit_test(test_rollback_plan__that_leaves_something_out_is_refused),
        cmocka_unit_test(test_rollback_plan__comments_cannot_leave_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
