/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: one normal form or a refusal; patterns over it; endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/http/url.h"

static void test_url__normal_form_decodes_only_what_is_unreserved(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"/orders/1", "/orders/1"}, {"/%6Frders", "/orders"}, {"/a%20b%c3%a9", "/a%20b%C3%A9"},
        {"/a%7Eb%2Dc", "/a~b-c"},   {"/a/", "/a/"},           {"/a;v=1/b", "/a;v=1/b"},
        {"/a%252Fb", "/a%252Fb"},   {"/...", "/..."},         {"/", "/"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(pairs); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(100);
        const char *why = "";
        assert_true(fx_url_path_normal(fx_str_from(pairs[i][0]), &out, &why));
        assert_string_equal(fx_buf_cstr(&out), pairs[i][1]);
    }
}

static void test_url__ambiguous_paths_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "/a%2Fb",      "/a%5cb",    "/a\\b",     "/a%00", "/a%0d", "/./a",  "/a/..",
        "/a/%2e%2E/b", "/a//b",     "//a",       "/a%4",  "/a%zz", "/a#b",  "/a b",
        "/..;/b",      "/..%3Bx/b", "/a/..;a=b", "a",     "",      "/a%7F",
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(refused); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(100);
        const char *why = NULL;
        if (fx_url_path_normal(fx_str_from(refused[i]), &out, &why))
            fail_msg("accepted %s", refused[i]);
        assert_non_null(why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url__normal_form_decodes_only_what_is_unreserved),
        cmocka_unit_test(test_url__ambiguous_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
