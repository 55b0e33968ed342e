/* SPDX-License-Identifier: Apache-2.0 */
/* No thread to be had is an error of the comparison, and not a defect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reconcile/reader.h"

static void test_reader__without_a_thread_the_first_row_is_an_error(void **state)
{
    (void)state;
    const struct rec_reader_spec spec = {.is_source = true};
    struct fx_err err = FX_ERR_INIT;
    const struct fx_value *row = NULL;
    struct rec_reader *reader = rec_reader_start(&spec);
    assert_false(rec_reader_next(reader, &row, &err));
    assert_int_equal(err.code, FX_E_IO);
    assert_string_equal(
        err.message, "could not start a thread to compare rows: Resource temporarily unavailable");
    rec_reader_stop(reader);
}

int main(void)
{
    (void)setenv("FICUS_FAILPOINT", "reconcile.thread:error",
                 1); /* read once, at the first passage */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader__without_a_thread_the_first_row_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
