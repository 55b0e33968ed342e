/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of stored forms: the older is read, the newer refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"

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

/* Taken as missing, a damaged version would pass for the oldest. */
static void test_form__a_version_that_is_no_whole_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"x\"", "\"2\"", "1.5",
                                      "null",  "{}",    "99999999999999999999"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(256);
        struct fx_err err = FX_ERR_INIT;
        int64_t version;
        fx_buf_printf(&text, "{\"v\":%s}", bad[i]);
        assert_true(fx_json_parse(fx_buf_str(&text), &doc, &err));
        const struct fx_json *node = fx_json_get(fx_json_root(doc), "v");
        assert_false(fx_form_read(FX_FORM_JOURNAL, node, "the journal of the run", &version, &err));
        assert_int_equal(err.code, FX_E_VERSION);
        assert_non_null(strstr(err.message, "the journal of the run"));
        assert_non_null(strstr(err.hint, "ficus upgrade"));
    }
}

static void test_form__a_version_that_is_missing_is_the_first(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    int64_t version = 0;
    assert_true(fx_form_read(FX_FORM_JOURNAL, NULL, "the journal of the run", &version, &err));
    assert_int_equal(version, FX_FORM_UNSAID);
}

/* "reads 1 to 1" was read twice; and no build "still reads version -1". */
static void test_form__the_message_says_only_what_can_be(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_form_check(FX_FORM_CONTROLLER, -1, "the controller", &err));
    assert_int_equal(fx_form_oldest(FX_FORM_CONTROLLER), fx_form_current(FX_FORM_CONTROLLER));
    assert_null(strstr(err.message, " to "));
    assert_null(strstr(err.hint, "still reads"));
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
        cmocka_unit_test(test_form__a_version_that_is_no_whole_number_is_refused),
        cmocka_unit_test(test_form__a_version_that_is_missing_is_the_first),
        cmocka_unit_test(test_form__the_message_says_only_what_can_be),
        cmocka_unit_test(test_form__the_list_names_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
