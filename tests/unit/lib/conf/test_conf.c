/* SPDX-License-Identifier: Apache-2.0 */
/* lib/conf: documents with positions, rule tables, scalars, suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/conf/schema.h"
#include "lib/fmt/units.h"

struct sample {
    const char *name;
    int64_t slots, timeout_ms, bytes;
    double percent;
    bool is_on;
    int colour;
    const struct fx_node *rest;
};

static const char *const colours[] = {"red", "green", NULL};
static const struct fx_rule rules[] = {
    FX_RULE_TEXT(struct sample, name, "name", .is_required = true, .help = "a name"),
    FX_RULE_INT(struct sample, slots, "slots", .def = "1000", .min = 1, .max = 5000),
    FX_RULE_DURATION(struct sample, timeout_ms, "timeout", .def = "25s"),
    FX_RULE_SIZE(struct sample, bytes, "bytes", .def = "64KiB"),
    FX_RULE_PERCENT(struct sample, percent, "percent"),
    FX_RULE_BOOL(struct sample, is_on, "on"),
    FX_RULE_ENUM(struct sample, colour, "colour", .names = colours),
    FX_RULE_NODE(struct sample, rest, "rest"),
    FX_RULE_NOT_SUPPORTED("tls", "use a tunnel"),
    FX_RULE_END,
};

static bool parse(struct fx_arena *arena, const char *text, struct fx_node **root,
                  struct fx_err *err)
{
    fx_arena_init(arena, 0);
    *err = FX_ERR_INIT;
    return fx_doc_parse("f.yaml", fx_str_from(text), arena, root, err);
}

static void refuses(const char *text, const char *message)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    assert_false(parse(&arena, text, &root, &err));
    assert_int_equal(err.code, FX_E_CONFIG);
    if (strstr(err.message, message) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", message, err.message);
}

static void test_doc__remembers_line_and_column_of_every_node(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    assert_true(parse(&arena, "a: 1\nb:\n  - x\n  - {c: \"y\"}\n", &root, &err));
    struct fx_node *b = fx_node_get(root, "b");
    assert_int_equal(b->key_line, 2);
    assert_int_equal(b->len, 2);
    struct fx_node *c = fx_node_get(b->first->next, "c");
    assert_int_equal(c->line, 4);
    assert_int_equal(c->column, 9);
    assert_int_equal(c->key_column, 6);
    assert_true(c->is_quoted);
    assert_null(fx_node_get(b, "c"));
}

static void test_doc__expands_aliases(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    assert_true(parse(&arena, "a: &x {k: v}\nb: *x\n", &root, &err));
    assert_string_equal(fx_node_get(fx_node_get(root, "b"), "k")->text.ptr, "v");
}

static void test_doc__refuses_what_is_not_one_plain_document(void **state)
{
    (void)state;
    refuses("", "empty");
    refuses("a: 1\n---\nb: 2\n", "only one YAML document");
    refuses("a: 1\na: 2\n", "f.yaml:2:1: duplicate key \"a\", first used in line 1");
    refuses("a: !!str 1\n", "tags");
    refuses("a: *nope\n", "anchor");
    refuses("a: &a [*a]\n", "anchor");
    refuses("a: [1, 2\n", "f.yaml:");
    refuses("? [a]\n: b\n", "key must be plain text");
    refuses("a: \"\\0\"\n", "NUL");
}

static void test_doc__names_the_place_and_the_cause_of_a_broken_text(void **state)
{
    (void)state;
    refuses("a: 1\nb: \"\xC3\xA9\xE9\"\n", "f.yaml:2:6: byte 0xE9 is not UTF-8");
    refuses("a: x\x01y\n", "f.yaml:1:5: this control character is not allowed");
    refuses("\xFF\xFE"
            "a",
            "the file is in UTF-16");
    refuses("a: {b: 1\nc: 2\n", "map { that begins in line 1 is not closed");
    refuses("a: [1, 2\nc: 2\n", "list [ that begins in line 1 is not closed");
    refuses("a: \"x\nb: 1\n", "quotes that open in line 1 are not closed");
    refuses("a:\n\tb: 1\n", "f.yaml:2:1: a value cannot begin with this character");
    refuses("a: b: c\n", "f.yaml:1:5: \":\" is not allowed here");
    refuses("a: 1\n b: 2\n", "f.yaml:2:");
    refuses("a:\n  - 1\n  b: 2\n", "list that begins in line 2");
    refuses("a:\n    b: 1\n  c: 2\n", "map that begins in line 1");
}

static void test_doc__takes_a_byte_order_mark(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    assert_true(parse(&arena,
                      "\xEF\xBB\xBF"
                      "a: 1\n",
                      &root, &err));
    assert_int_equal(fx_node_get(root, "a")->key_column, 1);
}

static void test_doc__limits_depth_and_expansion(void **state)
{
    (void)state;
    char deep[128];
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    deep[127] = '\0';
    refuses(deep, "nested too deeply");
    FX_AUTO(fx_buf) struct fx_buf bomb = FX_BUF(1 << 16);
    fx_buf_add_c(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        fx_buf_printf(&bomb, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            fx_buf_printf(&bomb, "%s*a%d", j > 0 ? ", " : "", i - 1);
        fx_buf_add_c(&bomb, "]\n");
    }
    refuses(fx_buf_cstr(&bomb), "too large");
}

static void test_schema__fills_fields_and_defaults(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    struct sample s = {0};
    struct fx_problems problems;
    fx_problems_init(&problems);
    assert_true(parse(&arena,
                      "name: x\ntimeout: 1.5s\npercent: 0.1%\non: true\ncolour: green\n"
                      "rest: [1]\n",
                      &root, &err));
    fx_schema_read(root, rules, &s, &arena, &problems);
    assert_int_equal(problems.count, 0);
    assert_string_equal(s.name, "x");
    assert_int_equal(s.slots, 1000);
    assert_int_equal(s.timeout_ms, 1500);
    assert_int_equal(s.bytes, 65536);
    assert_true(s.percent > 0.099 && s.percent < 0.101);
    assert_true(s.is_on);
    assert_int_equal(s.colour, 1);
    assert_int_equal(s.rest->kind, FX_NODE_LIST);
    fx_problems_done(&problems);
}

static void test_schema__reports_all_problems_at_once(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    struct sample s = {0};
    struct fx_problems problems;
    fx_problems_init(&problems);
    assert_true(parse(&arena,
                      "slot: 1\nslots: 9999\ntimeout: 10\non: yes\ncolour: blue\n"
                      "percent: 101%\n",
                      &root, &err));
    fx_schema_read(root, rules, &s, &arena, &problems);
    const char *text = fx_buf_cstr(&problems.text);
    assert_int_equal(problems.count, 7);
    assert_non_null(strstr(text, "f.yaml:1:1: unknown key \"slot\"; did you mean \"slots\"?"));
    assert_non_null(strstr(text, "f.yaml:2:8: slots: 9999 is above the maximum of 5000"));
    assert_non_null(strstr(text, "f.yaml:3:10: timeout: \"10\" is not a duration"));
    assert_non_null(strstr(text, "key \"name\" is missing"));
    assert_false(fx_problems_ok(&problems, &err));
    assert_string_equal(err.message, "the configuration has 7 problems");
    assert_non_null(strstr(err.detail, "colour: \"blue\" is not one of red, green"));
    fx_problems_done(&problems);
}

static void test_scalar__is_exact_or_refused(void **state)
{
    (void)state;
    int64_t v = 0;
    double d = 0;
    assert_true(fx_units_duration(FX_STR("72h"), &v) && v == 72 * 3600000LL);
    assert_true(fx_units_duration(FX_STR("0"), &v) && v == 0);
    assert_false(fx_units_duration(FX_STR("0.5ms"), &v));
    assert_false(fx_units_duration(FX_STR("99999999999999999d"), &v));
    assert_false(fx_units_duration(FX_STR("s"), &v));
    assert_true(fx_units_size(FX_STR("10MB"), &v) && v == 10000000);
    assert_false(fx_units_percent(FX_STR("100.1%"), &d));
    assert_true(fx_units_percent(FX_STR("100%"), &d));
    assert_true(fx_units_int(FX_STR("-7"), &v) && v == -7);
    assert_false(fx_units_int(FX_STR("7x"), &v));
    assert_false(fx_units_int(FX_STR("99999999999999999999"), &v));
}

static void test_suggest__finds_near_words_only(void **state)
{
    (void)state;
    static const char *const names[] = {"reconcile", "cutover", "wait", NULL};
    assert_string_equal(fx_suggest("reconsile", names), "reconcile");
    assert_string_equal(fx_suggest("cutvoer", names), "cutover");
    assert_null(fx_suggest("elephant", names));
    assert_null(fx_suggest("", names));
}

static void test_suggest__else_lists_what_is_known(void **state)
{
    (void)state;
    static const char *const names[] = {"cutover", "wait", NULL}, *const none[] = {NULL};
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(256);
    assert_string_equal(fx_suggest_end("wiat", names, &out), "; did you mean \"wait\"?");
    assert_string_equal(fx_suggest_end("elephant", names, &out), " (known: cutover, wait)");
    assert_string_equal(fx_suggest_end("elephant", none, &out), "");
}

static void says(const char *text, const char *problem)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_problems) struct fx_problems problems;
    struct fx_node *root = NULL;
    struct fx_err err;
    struct sample s = {0};
    fx_problems_init(&problems);
    assert_true(parse(&arena, text, &root, &err));
    fx_schema_read(root, rules, &s, &arena, &problems);
    if (strstr(fx_buf_cstr(&problems.text), problem) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", problem, fx_buf_cstr(&problems.text));
}

static void test_schema__says_what_would_be_right(void **state)
{
    (void)state;
    says("name: x\npercent: 0.5\n",
         "f.yaml:2:10: percent: \"0.5\" has no % sign: write 0.5%, or the share times 100");
    says("name: x\npercent: 50\n", "percent: \"50\" has no % sign: write 50%");
    says("name: x\nelephant: 1\n", "unknown key \"elephant\" (known: name, slots, timeout, bytes");
    says("name: x\ntls: {}\n", "f.yaml:2:1: tls is not supported: use a tunnel");
    says("name: x\ntl: {}\n", "unknown key \"tl\"");
}

static void test_secret__is_named_and_never_shown(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_node *root = NULL;
    struct fx_err err;
    const char *secret = NULL;
    assert_true(parse(&arena, "a: {env: FICUS_TEST_NO_SUCH}\nb: hunter2\n", &root, &err));
    assert_false(fx_secret_read(fx_node_get(root, "a"), &arena, &secret, &err));
    assert_int_equal(err.code, FX_E_SECRET);
    assert_false(fx_secret_read(fx_node_get(root, "b"), &arena, &secret, &err));
    assert_null(strstr(err.message, "hunter2"));
    setenv("FICUS_TEST_SECRET", "s3", 1);
    assert_true(fx_doc_parse("g.yaml", FX_STR("{env: FICUS_TEST_SECRET}"), &arena, &root, &err));
    assert_true(fx_secret_read(root, &arena, &secret, &err));
    assert_string_equal(secret, "s3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doc__remembers_line_and_column_of_every_node),
        cmocka_unit_test(test_doc__expands_aliases),
        cmocka_unit_test(test_doc__refuses_what_is_not_one_plain_document),
        cmocka_unit_test(test_doc__names_the_place_and_the_cause_of_a_broken_text),
        cmocka_unit_test(test_doc__takes_a_byte_order_mark),
        cmocka_unit_test(test_doc__limits_depth_and_expansion),
        cmocka_unit_test(test_schema__fills_fields_and_defaults),
        cmocka_unit_test(test_schema__reports_all_problems_at_once),
        cmocka_unit_test(test_scalar__is_exact_or_refused),
        cmocka_unit_test(test_suggest__finds_near_words_only),
        cmocka_unit_test(test_suggest__else_lists_what_is_known),
        cmocka_unit_test(test_schema__says_what_would_be_right),
        cmocka_unit_test(test_secret__is_named_and_never_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
