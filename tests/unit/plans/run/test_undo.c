/* SPDX-License-Identifier: Apache-2.0 */
/* What a rollback has to undo, for every state of the steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/run/undo.h"
#include "tests/unit/plans/plan_text.h"

static void undo_is(const char *states, const char *want)
{
    struct fixture f;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    struct pln_state *st = FX_ARENA_NEW(&f.arena, struct pln_state);
    pln_state_init(st);
    for (size_t i = 0; i < 6; i++)
        st->steps[i].state = states[i] == 'D'   ? PLN_STEP_DONE
                             : states[i] == 'R' ? PLN_STEP_RUNNING
                             : states[i] == 'F' ? PLN_STEP_FAILED
                             : states[i] == 'U' ? PLN_STEP_UNDOING
                             : states[i] == 'X' ? PLN_STEP_UNDONE
                                                : PLN_STEP_PENDING;
    int list[PLN_STEPS_MAX], blocked;
    FX_AUTO(fx_buf) struct fx_buf got = FX_BUF(256);
    size_t n = pln_undo_list(f.plan, st, list, &blocked);
    for (size_t i = 0; i < n; i++)
        fx_buf_printf(&got, "%s ", f.plan->steps[list[i]].id);
    assert_string_equal(fx_buf_cstr(&got), want);
    done(&f);
}

static void test_undo__is_the_reverse_without_pairs_that_cancel(void **state)
{
    (void)state;
    undo_is("......", "");
    undo_is("D.....", "copy ");
    undo_is("R.....", "copy ");
    undo_is("DDD...", "cut canary copy ");
    undo_is("DDDD..", "canary copy ");
    undo_is("DDDDD.", "again canary copy ");
    undo_is("DDDDF.", "canary copy ");
    undo_is("DDDF..", "cut canary copy ");
    undo_is("DDF...", "canary copy ");
    undo_is("DF....", "canary copy ");
    undo_is("DDDDU.", "again canary copy ");
    undo_is("DDDDX.", "canary copy ");
    undo_is("DDU...", "cut canary copy ");
    undo_is("DX....", "copy ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undo__is_the_reverse_without_pairs_that_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
