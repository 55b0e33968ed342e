/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a change of a context, and what does not. */
#include "plans/run/drift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/conf/doc.h"

#define TABLES                                                           \
    "tables:\n  - public.a\n  - {from: public.o, to: n.o, columns: {t: " \
    "{to: c, as: \"t * 100\"}}}\n"

static void text_of(const char *yaml, struct fx_buf *out)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_err err = FX_ERR_INIT;
    struct fx_node *root = NULL;
    fx_arena_init(&arena, 0);
    assert_true(fx_doc_parse("f.yaml", fx_str_from(yaml), &arena, &root, &err));
    struct fx_context ctx = {.name = "orders", .node = root};
    pln_drift_text(&ctx, out);
}

static bool is_same(const char *a, const char *b)
{
    FX_AUTO(fx_buf) struct fx_buf x = FX_BUF(4096), y = FX_BUF(4096);
    text_of(a, &x);
    text_of(b, &y);
    return fx_str_eq(fx_buf_str(&x), fx_buf_str(&y));
}

static void test_drift__is_one_line_a_scalar_with_its_path(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    text_of("old: {database: mono}\n" TABLES "shadow: {ignore: [x]}\n", &out);
    assert_string_equal(fx_buf_cstr(&out), "old.database: mono\n"
                                           "tables.0: public.a\n"
                                           "tables.1.from: public.o\n"
                                           "tables.1.to: n.o\n"
                                           "tables.1.columns.t.to: c\n"
                                           "tables.1.columns.t.as: t * 100\n");
}

static void test_drift__form_comments_and_the_facades_settings_are_no_change(void **state)
{
    (void)state;
    assert_true(is_same("# c\n" TABLES "sticky: {by: [issue]}\n", TABLES));
    assert_true(is_same("tables: [public.a, 'public.b']\n",
                        "tables:\n  - \"public.a\"\n  - public.b # and why\n"));
}

static void test_drift__tables_routes_and_sides_are(void **state)
{
    (void)state;
    assert_false(is_same("tables: [a, b]\n", "tables: [a]\n"));
    assert_false(is_same("tables: [a]\nroutes: []\n", "tables: [a]\nroutes: [{id: r}]\n"));
    assert_false(is_same("tables: [a]\nnew: {database: x}\n", "tables: [a]\nnew: {database: y}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drift__is_one_line_a_scalar_with_its_path),
        cmocka_unit_test(test_drift__form_comments_and_the_facades_settings_are_no_change),
        cmocka_unit_test(test_drift__tables_routes_and_sides_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
