/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of stored forms: the older is read, the newer refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/fmt/form.h"

static void test_form__every_version_from_oldest_to_current_is_read(void **state)
{
    (void)state;
    for (int form = 0; form < FX_FORM_COUNT; form++) {
        int64_t oldest = fx_form_oldest((enum fx_form)form);
        int64_t current = fx_form_current((enum fx_form)form);
        assert_true(oldest >= 1 && oldest <= current);
        for (int64_t version = oldest; version <= current; version++) {
            struct fx_err err = FX_ERR_INIT;
            assert_true(fx_form_check((enum fx_form)form, version, "x", &err));
        }
    }
}

static void test_form__a_newer_one_is_refused_by_name(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_form_check(FX_FORM_SCHEMA, 99, "database \"mono\"", &err));
    assert_int_equal(err.code, FX_E_VERSION);
    assert_non_null(strstr(err.message, "database \"mono\": schema has version 99"));
    assert_non_null(strstr(err.hint, "the build of Ficus that wrote it"));
}

static void test_form__one_that_is_too_old_names_the_upgrade(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_form_check(FX_FORM_JOURNAL, 0, "journal", &err));
    assert_non_null(strstr(err.hint, "ficus upgrade"));
}

static void test_form__the_list_names_all(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
    fx_form_list(&out);
    for (int form = 0; form < FX_FORM_COUNT; form++)
        assert_non_null(strstr(fx_buf_cstr(&out), fx_form_name((enum fx_form)form)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form__every_version_from_oldest_to_current_is_read),
        cmocka_unit_test(test_form__a_newer_one_is_refused_by_name),
        cmocka_unit_test(test_form__one_that_is_too_old_names_the_upgrade),
        cmocka_unit_test(test_form__the_list_names_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
