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
    assert_string_equal(
        fx_buf_cstr(&json),
        "[{\"kind\":\"other\",\"title\":null,\"count\":2,\"advice\":null,\"findings\":[{\"where\":"
        "\"public.items\",\"column\":null,\"what\":\"unlogged table\",\"fix\":\"ALTER TABLE "
        "public.items SET LOGGED;\"},{\"where\":null,\"column\":null,\"what\":\"stream "
        "\\\"a\\\" does not answer\",\"fix\":null}]}]");
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
    (void)snprintf(end, sizeof end, "\nand %zu more", 200 - n_lines);
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

static void put_column(struct fx_findings *f, const char *type, const char *where,
                       const char *column)
{
    fx_findings_put(f, &(struct fx_finding){.kind = "type",
                                            .group = type,
                                            .advice = "Make it text.",
                                            .where = where,
                                            .column = column,
                                            .what = "is not carried"});
}

/* Groups stand in the order of their first finding, columns behind their tables; nothing is cut. */
static void test_findings__groups_hold_all_of_them(void **state)
{
    (void)state;
    FX_AUTO(fx_findings) struct fx_findings f;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    size_t n_lines = 0;
    fx_findings_init(&f);
    fx_findings_grouped(&f, &text);
    assert_int_equal(text.len, 0);
    put_column(&f, "type inet", "public.a", "ip");
    fx_findings_topic(&f, "rights", "rights", NULL);
    fx_findings_add(&f, "mono", "GRANT x;", "may not read");
    put_column(&f, "type inet", "public.a", "last_ip");
    put_column(&f, "type xml", "public.a", "doc");
    put_column(&f, "type inet", "public.b", "ip");
    fx_findings_add(&f, "orders", NULL, "may not write");
    fx_findings_grouped(&f, &text);
    assert_string_equal(fx_buf_cstr(&text), "type inet: 3 columns of 2 tables\n"
                                            "  Make it text.\n"
                                            "    public.a: ip, last_ip\n"
                                            "    public.b: ip\n"
                                            "\n"
                                            "rights: 2\n"
                                            "    mono: may not read [GRANT x;]\n"
                                            "    orders: may not write\n"
                                            "\n"
                                            "type xml: 1 column of 1 table\n"
                                            "  Make it text.\n"
                                            "    public.a: doc\n");
    assert_int_equal(fx_findings_groups(&f), 3);
    for (int i = 0; i < 5000; i++)
        fx_findings_add(&f, "some.table", NULL, "finding %d is one of thousands", i);
    fx_buf_clear(&text);
    fx_findings_grouped(&f, &text);
    assert_false(text.has_failed);
    for (size_t i = 0; i < text.len; i++)
        n_lines += text.ptr[i] == '\n';
    assert_int_equal(n_lines, 12 + 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings__text_and_json),
        cmocka_unit_test(test_findings__groups_hold_all_of_them),
        cmocka_unit_test(test_findings__the_error_names_number_and_first_fix),
        cmocka_unit_test(test_findings__a_long_list_is_cut_between_lines),
        cmocka_unit_test(test_findings__a_fix_too_long_for_a_hint_is_left_to_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
