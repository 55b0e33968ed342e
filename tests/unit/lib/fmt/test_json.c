/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: exact reading, correct writing, structural difference with ignore rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/err/redact.h"
#include "lib/fmt/json_diff.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"

static struct fx_json_doc *parse(const char *text)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(fx_str_from(text), &doc, &err))
        fail_msg("%s: %s", text, err.message);
    return doc;
}

static void test_json_doc__keeps_numbers_as_they_are(void **state)
{
    (void)state;
    struct fx_json_doc *doc =
        parse("{\"a\":12345678901234567890.10,\"n\":-7,\"s\":\"x\\u0000y\",\"e\":1e3}");
    const struct fx_json *root = fx_json_root(doc);
    struct fx_str text;
    int64_t n = 0;
    assert_true(fx_json_number_text(fx_json_get(root, "a"), &text));
    assert_true(fx_str_eq_c(text, "12345678901234567890.10"));
    assert_true(fx_json_i64(fx_json_get(root, "n"), &n));
    assert_int_equal(n, -7);
    assert_false(fx_json_i64(fx_json_get(root, "a"), &n));
    assert_false(fx_json_i64(fx_json_get(root, "s"), &n));
    assert_true(fx_json_str(fx_json_get(root, "s"), &text));
    assert_int_equal(text.len, 3);
    assert_null(fx_json_get(root, "missing"));
    assert_int_equal(fx_json_get_i64(root, "missing", 9), 9);
    fx_json_doc_free(doc);
}

static void test_json_doc__refuses_bad_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {"{1:2}",
                                      "[01]",
                                      "[1",
                                      "{\"a\":1,\"a\":2}",
                                      "tru1e",
                                      "[-]",
                                      "[1.]",
                                      "\"a\"1",
                                      "",
                                      "[1e]",
                                      "[1,]",
                                      "nul",
                                      "[1 2]",
                                      "{\"a\" 1}",
                                      "[+1]",
                                      "[.5]",
                                      "\"\\x\"",
                                      "[NaN]",
                                      "\"\xff\"",
                                      "{}{}",
                                      "{} x",
                                      "[1]\v",
                                      "\"\\ud800\"",
                                      "\xef\xbb\xbf{}",
                                      "\"\xc0\xaf\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"a\nb\"",
                                      "{\"a\":1,\"\\u0061\":2}",
                                      "{\"a\\u0000b\":1}",
                                      "{\"a\":{\"b\":1,\"b\":1}}"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fx_err err = FX_ERR_INIT;
        struct fx_json_doc *doc = NULL;
        if (fx_json_parse(fx_str_from(bad[i]), &doc, &err))
            fail_msg("accepted %s", bad[i]);
        assert_int_equal(err.code, FX_E_PROTOCOL);
    }
}

/* Neither the parser nor what walks through its document may run out of stack. */
static void test_json_doc__refuses_deep_nesting_and_bytes_after_the_end(void **state)
{
    (void)state;
    static char deep[200001], late[] = "{}\0{}";
    struct fx_json_doc *doc = NULL;
    struct fx_err err = FX_ERR_INIT;
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    assert_false(fx_json_parse((struct fx_str){deep, 200000}, &doc, &err));
    assert_int_equal(err.code, FX_E_PROTOCOL);
    assert_false(fx_json_parse((struct fx_str){late, sizeof late - 1}, &doc, &err));
    assert_false(fx_json_parse((struct fx_str){late, 3}, &doc, &err));
    assert_true(fx_json_parse((struct fx_str){late, 2}, &doc, &err));
    fx_json_doc_free(doc);
}

static void test_json_write__escapes_and_nests(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1000);
    struct fx_json_w w;
    fx_json_w_init(&w, &out);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "a\"b", "x\n\x01\xff\xc3\xa9");
    fx_json_w_key(&w, "list");
    fx_json_w_array(&w);
    fx_json_w_i64(&w, INT64_MIN);
    fx_json_w_double(&w, 0.1);
    fx_json_w_object(&w);
    fx_json_w_end(&w);
    fx_json_w_text(&w, NULL);
    fx_json_w_end(&w);
    fx_json_w_kv_bool(&w, "t", true);
    fx_json_w_end(&w);
    assert_string_equal(fx_buf_cstr(&out),
                        "{\"a\\\"b\":\"x\\n\\u0001\xEF\xBF\xBD\xc3\xa9\","
                        "\"list\":[-9223372036854775808,0.1,{},null],\"t\":true}");
    fx_json_doc_free(parse(fx_buf_cstr(&out)));
}

static bool equal(const char *a, const char *b, const char *const *ignore, size_t n,
                  struct fx_buf *why)
{
    struct fx_json_doc *x = parse(a), *y = parse(b);
    bool is_equal = fx_json_equal(fx_json_root(x), fx_json_root(y), ignore, n, why);
    fx_json_doc_free(x);
    fx_json_doc_free(y);
    return is_equal;
}

static void test_json_diff__structure_not_text(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1000);
    assert_true(equal("{\"a\":1.0,\"b\":[1,2]}", " {\"b\" : [1e0,20e-1], \"a\":1}", NULL, 0, NULL));
    assert_true(equal("[0,-0.0,0e5]", "[0.00,0,0]", NULL, 0, NULL));
    assert_false(equal("0.1", "0.10000000000000001", NULL, 0, NULL));
    assert_false(equal("12345678901234567890", "12345678901234567891", NULL, 0, NULL));
    assert_false(equal("[1,2]", "[2,1]", NULL, 0, NULL));
    assert_false(equal("{\"a\":null}", "{}", NULL, 0, NULL));
    assert_false(equal("{}", "{\"a\":null}", NULL, 0, NULL));
    assert_false(equal("\"1\"", "1", NULL, 0, NULL));
    assert_false(equal("{\"l\":[{\"q\":1}]}", "{\"l\":[{\"q\":2}]}", NULL, 0, &why));
    assert_string_equal(fx_buf_cstr(&why), "/l/0/q: 1 and 2");
}

static void test_json_diff__ignore_rules(void **state)
{
    (void)state;
    static const char *const rules[] = {"/generated_at", "/l/*/c", "/x~1y"};
    assert_true(equal("{\"generated_at\":1,\"l\":[{\"c\":1},{\"c\":{\"d\":1}}]}",
                      "{\"l\":[{},{\"c\":2}],\"x/y\":5}", rules, 3, NULL));
    assert_false(equal("{\"l\":[{\"c\":1,\"d\":1}]}", "{\"l\":[{\"c\":1}]}", rules, 3, NULL));
    assert_false(equal("{\"generated_at2\":1}", "{}", rules, 3, NULL));
    static const char *const all[] = {""};
    assert_true(equal("1", "2", all, 1, NULL));
    assert_true(fx_json_ignore_check("/a/*"));
    assert_false(fx_json_ignore_check("a"));
    assert_false(fx_json_ignore_check("/a~2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_doc__keeps_numbers_as_they_are),
        cmocka_unit_test(test_json_doc__refuses_bad_texts),
        cmocka_unit_test(test_json_doc__refuses_deep_nesting_and_bytes_after_the_end),
        cmocka_unit_test(test_json_write__escapes_and_nests),
        cmocka_unit_test(test_json_diff__structure_not_text),
        cmocka_unit_test(test_json_diff__ignore_rules),
    };
    fx_values_show_set(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
