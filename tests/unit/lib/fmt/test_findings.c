/* SPDX-License-Identifier: Apache-2.0 */
/* The list of findings: its text, its JSON, and the error that it becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fmt/findings.h"

static void test_findings__text_and_json(void **state)
{
    (void)state;
    FX_AUTO(fx_findings) struct fx_findings f;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096), json = FX_BUF(4096);
    struct fx_json_w w;
    fx_findings_init(&f);
    fx_findings_add(&f, "public.items", "ALTER TABLE public.items SET LOGGED;", "unlogged %s",
                    "table");
    fx_findings_add_str(&f, NULL, FX_STR("stream \"a\" does not answer"), (struct fx_str){"", 0});
    fx_findings_text(&f, &text);
    assert_string_equal(fx_buf_cstr(&text),
                        "public.items: unlogged table [ALTER TABLE public.items SET LOGGED;]\n"
                        "stream \"a\" does not answer");
    fx_json_w_init(&w, &json);
    fx_findings_json(&f, &w);
    assert_string_equal(fx_buf_cstr(&json),
                        "[{\"where\":\"public.items\",\"what\":\"unlogged table\",\"fix\":\"ALTER "
                        "TABLE public.items SET LOGGED;\"},{\"where\":null,\"what\":\"stream "
                        "\\\"a\\\" does not answer\",\"fix\":null}]");
}

static void test_findings__the_error_names_number_and_first_fix(void **state)
{
    (void)state;
    FX_AUTO(fx_findings) struct fx_findings f;
    struct fx_err err = FX_ERR_INIT;
    fx_findings_init(&f);
    fx_findings_add(&f, "a", NULL, "no key");
    assert_false(fx_findings_fail(&f, &err, FX_E_UNSUPPORTED, "context \"%s\" cannot be streamed",
                                  "orders"));
    assert_string_equal(err.message, "context \"orders\" cannot be streamed: 1 finding");
    assert_string_equal(err.detail, "a: no key");
    assert_string_equal(err.hint, "");
    fx_findings_add(&f, "b", "DROP TABLE b;", "not empty");
    (void)fx_findings_fail(&f, &err, FX_E_UNSUPPORTED, "context \"%s\" cannot be streamed",
                           "orders");
    assert_string_equal(err.message, "context \"orders\" cannot be streamed: 2 findings");
    assert_string_equal(
        err.hint,
        "Fix what the detail lists, then run the same command again. The first: DROP TABLE b;");
}

/* No line is cut, and the number of those that are not shown is right. */
static void test_findings__a_long_list_is_cut_between_lines(void **state)
{
    (void)state;
    FX_AUTO(fx_findings) struct fx_findings f;
    struct fx_err err = FX_ERR_INIT;
    size_t n_lines = 0;
    char end[64];
    fx_findings_init(&f);
    for (int i = 0; i < 200; i++)
        fx_findings_add(&f, "some.table", NULL, "finding %03d is as long as they are", i);
    (void)fx_findings_fail(&f, &err, FX_E_UNSUPPORTED, "refused");
    for (const char *p = err.detail; *p != '\0'; p++)
        n_lines += *p == '\n';
    assert_true(n_lines > 20 && n_lines < 100);
    (void)snprintf(end, sizeof end, "\n%zu more findings are shown when these are fixed",
                   200 - n_lines);
    assert_non_null(strstr(err.detail, end));
    assert_string_equal(strstr(err.detail, end), end);
    (void)snprintf(end, sizeof end, "finding %03zu is as long as they are\n", n_lines - 1);
    assert_non_null(strstr(err.detail, end));
}

static void test_findings__a_fix_too_long_for_a_hint_is_left_to_the_detail(void **state)
{
    (void)state;
    FX_AUTO(fx_findings) struct fx_findings f;
    struct fx_err err = FX_ERR_INIT;
    char fix[400];
    memset(fix, 'x', sizeof fix - 1);
    fix[sizeof fix - 1] = '\0';
    fx_findings_init(&f);
    fx_findings_add(&f, "a", fix, "wrong");
    fx_findings_add(&f, "b", "short;", "wrong");
    (void)fx_findings_fail(&f, &err, FX_E_UNSUPPORTED, "refused");
    assert_string_equal(
        err.hint, "Fix what the detail lists, then run the same command again. The first: short;");
    assert_non_null(strstr(err.detail, fix));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings__text_and_json),
        cmocka_unit_test(test_findings__the_error_names_number_and_first_fix),
        cmocka_unit_test(test_findings__a_long_list_is_cut_between_lines),
        cmocka_unit_test(test_findings__a_fix_too_long_for_a_hint_is_left_to_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
