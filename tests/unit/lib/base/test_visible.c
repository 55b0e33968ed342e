/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of strangers at every sink: nothing that acts on a terminal or a log gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/visible.h"
#include "lib/err/err.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"
#include "lib/log/log.h"

/* ESC, BEL, DEL, C1 CSI, right-to-left override, isolate, line separator, a lone byte, breaks */
#define EVIL                                                                           \
    "a\x1b[2J\x07\x7f \xc2\x9b 31m \xe2\x80\xae x \xe2\x81\xa6 y \xe2\x80\xa8 z \xff " \
    "line\r\n{\"level\":\"info\"} é😀"

static void is_harmless(const char *text)
{
    assert_true(fx_utf8_valid(fx_str_from(text)));
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        assert_true(*p >= 0x20 || *p == '\n' || *p == '\t');
        assert_int_not_equal(*p, 0x7f);
        assert_false(p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
    }
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_null(strstr(text, "\xe2\x81\xa6"));
    assert_null(strstr(text, "\xe2\x80\xa8"));
    assert_null(strchr(text, (char)0xff));
}

static void test_text(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(4096), lines = FX_BUF(4096);
    fx_visible_add(&line, FX_STR(EVIL), FX_VISIBLE_LINE);
    assert_string_equal(fx_buf_cstr(&line),
                        "a\\x1b[2J\\x07\\x7f \\u009b 31m \\u202e x \\u2066 y \\u2028 z \\xff "
                        "line\\r\\n{\"level\":\"info\"} é😀");
    fx_visible_add(&lines, FX_STR("a\tb\nc\r"), FX_VISIBLE_LINES);
    assert_string_equal(fx_buf_cstr(&lines), "a\tb\nc\\r");
}

/* Every lone byte, and every sequence that ends too early. */
static void test_broken_utf8(void **state)
{
    (void)state;
    static const char *const broken[] = {"\xc2",     "\xe2\x80",     "\xf0\x9f\x98",
                                         "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                         "\x80",     "\xfe"};
    for (size_t i = 0; i < FX_ARRAY_LEN(broken); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096), json = FX_BUF(4096);
        fx_visible_add(&out, fx_str_from(broken[i]), FX_VISIBLE_LINE);
        fx_visible_add_json(&json, fx_str_from(broken[i]));
        is_harmless(fx_buf_cstr(&out));
        assert_int_equal(out.len, 4 * strlen(broken[i]));
        assert_true(fx_utf8_valid(fx_buf_str(&json)));
    }
}

static void test_json_says_the_same(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(4096);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_err err = FX_ERR_INIT;
    const char *text = "a\x1b\x7f \xc2\x9b \xe2\x80\xae \"q\" \\ \n é😀";
    fx_buf_add_c(&json, "{\"a\":");
    fx_json_quote(fx_str_from(text), &json);
    fx_buf_add_c(&json, "}");
    is_harmless(fx_buf_cstr(&json));
    assert_true(fx_json_parse(fx_buf_str(&json), &doc, &err));
    assert_string_equal(fx_json_get_str(fx_json_root(doc), "a", ""), text);
}

static void test_copy_never_ends_inside(void **state)
{
    (void)state;
    char out[64], whole[64];
    fx_visible_copy(whole, sizeof whole, "ab\x1b\xe2\x80\xae é");
    assert_string_equal(whole, "ab\\x1b\\u202e é");
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        fx_visible_copy(out, size, "ab\x1b\xe2\x80\xae é");
        assert_true(strlen(out) < size);
        assert_true(fx_str_starts(fx_str_from(whole), fx_str_from(out)));
        assert_true(fx_utf8_valid(fx_str_from(out)));
    }
}

/* What a child process writes to standard error. */
static void caught(void (*fn)(void), struct fx_buf *out)
{
    int ends[2];
    char chunk[8192];
    ssize_t n;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    while ((n = read(ends[0], chunk, sizeof chunk)) > 0)
        fx_buf_add_bytes(out, chunk, (size_t)n);
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void report_evil(void)
{
    struct fx_err err = FX_ERR_INIT;
    fx_fail(&err, FX_E_DB, "server says: %s", EVIL);
    fx_detail(&err, "detail %s", EVIL);
    fx_hint(&err, "hint %s", EVIL);
    fx_ctx(&err, "context %s", EVIL);
    (void)fx_err_report(&err, "ficus");
}

static void log_evil(void)
{
    struct fx_err err = FX_ERR_INIT;
    fx_fail(&err, FX_E_DB, "server says: %s", EVIL);
    fx_log(FX_LOG_ERROR, "cdc", EVIL, "event " EVIL, "what=%s", EVIL);
    fx_log_err(FX_LOG_ERROR, "cdc", EVIL, "event", &err);
}

static void test_sinks(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf error = FX_BUF(64 << 10), log = FX_BUF(64 << 10);
    caught(report_evil, &error);
    is_harmless(fx_buf_cstr(&error));
    caught(log_evil, &log);
    is_harmless(fx_buf_cstr(&log));
    size_t n = 0;
    for (struct fx_str rest = fx_buf_str(&log); rest.len > 0; n++) {
        FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
        struct fx_err err = FX_ERR_INIT;
        assert_true(fx_json_parse(fx_str_cut(rest, '\n', &rest), &doc, &err));
        assert_string_equal(fx_json_get_str(fx_json_root(doc), "level", ""), "error");
    }
    assert_int_equal(n, 2); /* no line was forged */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_json_says_the_same),
        cmocka_unit_test(test_copy_never_ends_inside),
        cmocka_unit_test(test_sinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
