/* SPDX-License-Identifier: Apache-2.0 */
/* Column expressions: exact, linear, and proved to come back. */
#include "lib/err/redact.h"
#include "lib/map/expr.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct fx_arena arena;
    struct fx_problems problems;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fx_arena_init(&f->arena, 0);
    fx_problems_init(&f->problems);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    fx_problems_done(&f->problems);
    fx_arena_done(&f->arena);
    free(f);
    return 0;
}

static struct fx_expr *compile(struct fixture *f, const char *text)
{
    struct fx_node *node = FX_ARENA_NEW(&f->arena, struct fx_node);
    *node = (struct fx_node){.kind = FX_NODE_SCALAR,
                             .file = "test.yaml",
                             .line = 1,
                             .column = 1,
                             .text = fx_str_from(text)};
    return fx_expr_compile(node, &f->arena, &f->problems);
}

static void expect_result(struct fixture *f, const char *expr_text, const char *in, const char *out)
{
    struct fx_expr *expr = compile(f, expr_text);
    assert_non_null(expr);
    struct fx_value value = {.kind = FX_V_DECIMAL, .s = fx_str_from(in)}, result;
    struct fx_err err = FX_ERR_INIT;
    assert_true(fx_expr_eval(expr, &value, &f->arena, &result, &err));
    assert_int_equal(result.kind, FX_V_DECIMAL);
    assert_true(fx_str_eq_c(result.s, out));
}

static void test_expr__is_exact_where_binary_floats_are_not(void **state)
{
    expect_result(*state, "total * 100", "12.34", "1234");
    expect_result(*state, "total * 100", "0.29", "29");
    expect_result(*state, "cents / 100.0", "-7", "-0.07");
    expect_result(*state, "(x - 32) * 5 / 9", "212", "100");
    expect_result(*state, "-x + 1", "3", "-2");
    expect_result(*state, "x * 3 / 3", "99999999999999999999.99", "99999999999999999999.99");
}

static void test_expr__refuses_a_result_without_end(void **state)
{
    struct fixture *f = *state;
    struct fx_expr *expr = compile(f, "x / 3");
    struct fx_value value = {.kind = FX_V_INT, .i = 1}, result = {.kind = FX_V_NULL};
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_expr_eval(expr, &value, &f->arena, &result, &err));
    assert_int_equal(err.code, FX_E_SOURCE_DATA);
    assert_non_null(strstr(err.message, "1/3"));
    assert_int_equal(result.kind, FX_V_NULL);
}

static void test_expr__passes_null_and_unchanged(void **state)
{
    struct fixture *f = *state;
    struct fx_expr *expr = compile(f, "x * 2");
    struct fx_err err = FX_ERR_INIT;
    struct fx_value in = {.kind = FX_V_NULL}, out;
    assert_true(fx_expr_eval(expr, &in, &f->arena, &out, &err));
    assert_int_equal(out.kind, FX_V_NULL);
    in.kind = FX_V_UNCHANGED;
    assert_true(fx_expr_eval(expr, &in, &f->arena, &out, &err));
    assert_int_equal(out.kind, FX_V_UNCHANGED);
}

static void test_expr__says_where_it_does_not_read(void **state)
{
    static const char *const bad[] = {"",   "x *",   "x * y", "x * x",  "1 / x",  "x / 0",  "(x",
                                      "x)", "1 + 2", "x - x", "1..2*x", "x ** 2", "x; drop"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fixture *f = *state;
        size_t before = f->problems.count;
        assert_null(compile(f, bad[i]));
        assert_int_equal(f->problems.count, before + 1);
    }
}

static void test_expr__does_not_nest_without_end(void **state)
{
    char deep[2001];
    memset(deep, '(', 1000);
    memset(deep + 1000, ')', 1000);
    deep[2000] = '\0';
    assert_null(compile(*state, deep));
}

static void test_expr__proves_the_way_back(void **state)
{
    struct fixture *f = *state;
    const char *example = NULL;
    assert_true(fx_expr_inverts(compile(f, "total * 100"), compile(f, "cents / 100.0"), &f->arena,
                                &example));
    assert_true(
        fx_expr_inverts(compile(f, "x / 3 + 1"), compile(f, "(y - 1) * 3"), &f->arena, &example));
    assert_false(
        fx_expr_inverts(compile(f, "total * 100"), compile(f, "cents / 10"), &f->arena, &example));
    assert_string_equal(example, "1 comes back as 10");
    assert_false(fx_expr_inverts(compile(f, "x + 1"), compile(f, "y"), &f->arena, &example));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_expr__is_exact_where_binary_floats_are_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_expr__refuses_a_result_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expr__passes_null_and_unchanged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expr__says_where_it_does_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expr__does_not_nest_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expr__proves_the_way_back, setup, teardown),
    };
    fx_values_show_set(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
