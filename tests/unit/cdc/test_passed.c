/* SPDX-License-Identifier: Apache-2.0 */
/* What is written down of DDL that a stream passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/source.h"
#include "lib/fmt/text.h"

static void test_passed__each_table_has_a_text_of_its_own(void **state)
{
    (void)state;
    FX_AUTO(cdc_passed_ddl) struct cdc_passed_ddl passed = {0};
    char name[64];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "public.table_%d@1f00c3d2", i);
        cdc_passed_ddl_add(&passed, CDC_PASSED_ACCEPTED, name);
    }
    assert_int_equal(passed.n, 40);
    assert_non_null(strstr(passed.what[0], "public.table_0@"));
    assert_non_null(strstr(passed.what[39], "public.table_39@"));
    cdc_passed_ddl_done(&passed);
    assert_int_equal(passed.n, 0);
}

static void test_passed__a_clipped_text_is_still_utf8(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        FX_AUTO(cdc_passed_ddl) struct cdc_passed_ddl passed = {0};
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(400);
        fx_buf_add(&what, fx_str_sub(FX_STR("abc"), 0, lead));
        while (what.len < 300)
            fx_buf_add_c(&what, "😀");
        cdc_passed_ddl_add(&passed, CDC_PASSED_KEPT, fx_buf_cstr(&what));
        size_t len = strlen(passed.what[0]);
        assert_true(fx_utf8_valid(fx_str_from(passed.what[0])));
        assert_in_range(len, CDC_LEAK_TEXT - 4, CDC_LEAK_TEXT - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passed__each_table_has_a_text_of_its_own),
        cmocka_unit_test(test_passed__a_clipped_text_is_still_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
