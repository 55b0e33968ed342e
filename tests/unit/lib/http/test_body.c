/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one decoder of bodies: every framing, in one piece
 * and byte by byte, complete, cut short and malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/http/body.h"

/* Feeds `text` in pieces of `step` bytes until the
 * decoder wants no more; returns what it said last. */
static enum fx_body_result feed(struct fx_body *body, const char *text, size_t step,
                                struct fx_buf *out, size_t *ret_used)
{
    struct fx_str all = fx_str_from(text);
    size_t at = 0, end = 0;
    for (;;) {
        struct fx_str data;
        size_t used;
        enum fx_body_result result =
            fx_body_next(body, fx_str_sub(all, at, end - at), &used, &data);
        at += used;
        *ret_used = at;
        fx_buf_add(out, data);
        if (result == FX_BODY_DONE || result == FX_BODY_BAD)
            return result;
        if (result == FX_BODY_MORE && end == all.len)
            return result;
        if (result == FX_BODY_MORE)
            end = FX_MIN(end + step, all.len);
    }
}

static void check(enum fx_framing framing, uint64_t length, const char *text,
                  enum fx_body_result wanted, const char *data, size_t used)
{
    for (size_t step = 1; step <= strlen(text) + 1; step++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1000);
        struct fx_body body;
        size_t at = 0;
        fx_body_start(&body, framing, length);
        assert_int_equal(feed(&body, text, step, &out, &at), wanted);
        assert_string_equal(fx_buf_cstr(&out), data);
        assert_int_equal(at, used);
        assert_int_equal(body.total, out.len);
        assert_int_equal(fx_body_is_complete(&body), wanted == FX_BODY_DONE);
    }
}

static void test_body__of_each_framing_is_decoded(void **state)
{
    (void)state;
    check(FX_FRAME_NONE, 0, "GET / HTTP/1.1", FX_BODY_DONE, "", 0);
    check(FX_FRAME_LENGTH, 0, "GET / HTTP/1.1", FX_BODY_DONE, "", 0);
    check(FX_FRAME_LENGTH, 5, "helloGET /", FX_BODY_DONE, "hello", 5);
    check(FX_FRAME_CHUNKED, 0, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nGET", FX_BODY_DONE, "hello", 20);
    check(FX_FRAME_CLOSE, 0, "hello", FX_BODY_MORE, "hello", 5);
}

static void test_body__that_is_cut_short_is_not_complete(void **state)
{
    (void)state;
    check(FX_FRAME_LENGTH, 6, "hello", FX_BODY_MORE, "hello", 5);
    check(FX_FRAME_CHUNKED, 0, "5\r\nhello\r\n", FX_BODY_MORE, "hello", 10);
    check(FX_FRAME_CHUNKED, 0, "5\r\nhello\r\n0\r\n", FX_BODY_MORE, "hello", 13);
}

static void test_body__that_is_malformed_says_why(void **state)
{
    (void)state;
    struct fx_body body;
    struct fx_str data;
    size_t used;
    check(FX_FRAME_CHUNKED, 0, "5\r\nhelloX", FX_BODY_BAD, "hello", 8);
    fx_body_start(&body, FX_FRAME_CHUNKED, 0);
    assert_int_equal(fx_body_next(&body, FX_STR("x"), &used, &data), FX_BODY_BAD);
    assert_non_null(strstr(fx_body_problem(&body), "hexadecimal"));
}

static void test_body__ends_with_the_connection_only_if_it_says_so(void **state)
{
    (void)state;
    static const struct {
        enum fx_framing framing;
        bool is_complete;
    } ends[] = {{FX_FRAME_NONE, true},
                {FX_FRAME_LENGTH, false},
                {FX_FRAME_CHUNKED, false},
                {FX_FRAME_CLOSE, true}};
    for (size_t i = 0; i < FX_ARRAY_LEN(ends); i++) {
        struct fx_body body;
        fx_body_start(&body, ends[i].framing, 5);
        assert_int_equal(fx_body_end(&body), ends[i].is_complete);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body__of_each_framing_is_decoded),
        cmocka_unit_test(test_body__that_is_cut_short_is_not_complete),
        cmocka_unit_test(test_body__that_is_malformed_says_why),
        cmocka_unit_test(test_body__ends_with_the_connection_only_if_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
