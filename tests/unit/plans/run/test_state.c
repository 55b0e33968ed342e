/* SPDX-License-Identifier: Apache-2.0 */
/* Which records may follow which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "plans/run/state.h"

static void test_journal__refuses_a_record_that_cannot_follow(void **state)
{
    (void)state;
    struct pln_state *st = fx_alloc(sizeof *st);
    struct fx_err err = FX_ERR_INIT;
    struct pln_step step = {.index = 0, .id = "a"};
    pln_state_init(st);
    struct pln_record rec = pln_record(PLN_REC_INTENT, &step);
    assert_false(pln_state_apply(st, &rec, &err));
    assert_int_equal(err.code, FX_E_JOURNAL);
    free(st);
}

static void test_journal__refuses_a_phase_that_cannot_follow(void **state)
{
    (void)state;
    struct pln_state *st = fx_alloc(sizeof *st);
    struct fx_err err = FX_ERR_INIT;
    pln_state_init(st);
    struct pln_record opened = pln_record(PLN_REC_RUN_OPENED, NULL);
    opened.text = "start";
    opened.epoch = 1;
    struct pln_record closed = pln_record(PLN_REC_RUN_CLOSED, NULL);
    closed.text = "rolled back";
    struct pln_record rollback = pln_record(PLN_REC_ROLLBACK, NULL);
    assert_true(pln_state_apply(st, &opened, &err));
    assert_false(pln_state_apply(st, &closed, &err)); /* it never went back */
    assert_int_equal(err.code, FX_E_JOURNAL);
    assert_int_equal(st->phase, PLN_PHASE_FORWARD);
    assert_true(pln_state_apply(st, &rollback, &err));
    assert_false(pln_state_apply(st, &rollback, &err));
    assert_true(pln_state_apply(st, &closed, &err));
    assert_int_equal(st->phase, PLN_PHASE_ROLLED_BACK);
    free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal__refuses_a_record_that_cannot_follow),
        cmocka_unit_test(test_journal__refuses_a_phase_that_cannot_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
