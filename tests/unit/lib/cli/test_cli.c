/* SPDX-License-Identifier: Apache-2.0 */
/* lib/cli: option tables and aligned output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/cli/opt.h"
#include "lib/cli/table.h"
#include "lib/cli/term.h"

struct sample {
    bool json;
    const char *out;
    int64_t rows, age_ms;
    double coverage;
    struct fx_opt_texts keys;
};

static const struct fx_opt options[] = {
    FX_OPT_FLAG(struct sample, json, "json", 'j', "print JSON"),
    FX_OPT_TEXT(struct sample, out, "out", 'o', "DIR", "where to"),
    FX_OPT_INT(struct sample, rows, "rows", 0, "N", "how many", .def = "7"),
    FX_OPT_DURATION(struct sample, age_ms, "max-age", 0, "AGE", "how old"),
    FX_OPT_PERCENT(struct sample, coverage, "coverage", 0, "P", "how much"),
    FX_OPT_TEXTS(struct sample, keys, "key", 'k', "FILE", "which"),
    FX_OPT_END,
};

static bool parse(struct sample *s, const char **words, size_t *n, struct fx_err *err, int argc,
                  const char **argv)
{
    const struct fx_opt_set sets[] = {{options, s}, {NULL, NULL}};
    char *copy[16];
    for (int i = 0; i < argc; i++)
        memcpy(&copy[i], &argv[i], sizeof copy[i]);
    *s = (struct sample){0};
    *err = FX_ERR_INIT;
    return fx_opt_parse(sets, 2, argc, copy, words, 4, n, err);
}
#define PARSE(...)                                                                            \
    parse(&s, words, &n, &err, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), \
          (const char *[]){__VA_ARGS__})

static void test_opt__reads_all_forms_between_words(void **state)
{
    (void)state;
    struct sample s;
    const char *words[4];
    size_t n = 0;
    struct fx_err err;
    assert_true(
        PARSE("plan", "-j", "--out=x", "--max-age", "30m", "--coverage", "99.5%", "--", "-o"));
    assert_true(s.json);
    assert_string_equal(s.out, "x");
    assert_int_equal(s.rows, 7);
    assert_int_equal(s.age_ms, 1800000);
    assert_int_equal(n, 2);
    assert_string_equal(words[1], "-o");
}

static void test_opt__may_be_given_several_times(void **state)
{
    (void)state;
    struct sample s;
    const char *words[4];
    size_t n = 0;
    struct fx_err err;
    assert_true(PARSE("--key", "a", "word", "-k", "b", "--key=c"));
    assert_int_equal(s.keys.n, 3);
    assert_string_equal(s.keys.items[1], "b");
    assert_string_equal(s.keys.items[2], "c");
    assert_true(PARSE("word"));
    assert_int_equal(s.keys.n, 0);
    const char *many[2 * FX_OPT_TEXTS_MAX + 2];
    for (size_t i = 0; i < FX_ARRAY_LEN(many); i++)
        many[i] = "-k";
    const struct fx_opt_set set = {options, &s};
    s = (struct sample){0};
    assert_false(fx_opt_parse(&set, 1, (int)FX_ARRAY_LEN(many), (char *const *)(uintptr_t)many,
                              words, 4, &n, &err));
    assert_int_equal(err.code, FX_E_USAGE);
}

static void test_opt__refuses_with_a_near_name(void **state)
{
    (void)state;
    struct sample s;
    const char *words[4];
    size_t n = 0;
    struct fx_err err;
    assert_false(PARSE("--jsn"));
    assert_int_equal(err.code, FX_E_USAGE);
    assert_string_equal(err.hint, "Did you mean --json?");
    assert_false(PARSE("--rows", "x"));
    assert_false(PARSE("--rows", "-1"));
    assert_false(PARSE("--out"));
    assert_false(PARSE("--json=1"));
    assert_false(PARSE("a", "b", "c", "d", "e"));
}

static void test_grid__aligns_words_left_and_numbers_right(void **state)
{
    (void)state;
    FX_AUTO(fx_grid) struct fx_grid grid;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1024);
    fx_grid_init(&grid, "name", "rows", NULL);
    fx_grid_row(&grid, "é", "5");
    fx_grid_row(&grid, "orders", "12345");
    fx_grid_render(&grid, &out);
    assert_string_equal(fx_buf_cstr(&out), "name     rows\né           5\norders  12345\n");
}

static void test_term__width_ignores_escapes_and_counts_code_points(void **state)
{
    (void)state;
    assert_int_equal(fx_term_width(FX_STR("\033[1mé→\033[0mx")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt__reads_all_forms_between_words),
        cmocka_unit_test(test_opt__may_be_given_several_times),
        cmocka_unit_test(test_opt__refuses_with_a_near_name),
        cmocka_unit_test(test_grid__aligns_words_left_and_numbers_right),
        cmocka_unit_test(test_term__width_ignores_escapes_and_counts_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
