/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict parser: what it accepts, each refusal with its status, and that feeding byte by byte
 * changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/http/chunked.h"
#include "lib/http/h1_parse.h"
#include "lib/http/h1_write.h"

static enum fx_h1_result parse(const char *text, struct fx_head *head,
                               struct fx_h1_problem *problem)
{
    struct fx_h1_scan whole = {0}, bytewise = {0};
    struct fx_h1_limits limits = FX_H1_LIMITS;
    struct fx_h1_problem other = {0};
    struct fx_str bytes = fx_str_from(text);
    size_t used = 0, used_bytewise = 0;
    enum fx_h1_result slow = FX_H1_MORE;
    for (size_t n = 1; n <= bytes.len && slow == FX_H1_MORE; n++)
        slow = fx_h1_parse_request(fx_str_sub(bytes, 0, n), &bytewise, &limits, head,
                                   &used_bytewise, &other);
    enum fx_h1_result fast = fx_h1_parse_request(bytes, &whole, &limits, head, &used, problem);
    assert_int_equal(fast, slow);
    if (fast == FX_H1_DONE)
        assert_int_equal(used, used_bytewise);
    if (fast == FX_H1_BAD)
        assert_int_equal(problem->status, other.status);
    return fast;
}

static void test_h1_parse__reads_a_request(void **state)
{
    (void)state;
    struct fx_head head;
    struct fx_h1_problem problem;
    assert_int_equal(parse("\r\nPOST /orders/1?a=b HTTP/1.1\r\nhost: shop:80\r\n"
                           "Cookie: xsid=1; sid2=2; sid=abc\r\nCookie: a=b=c; e=; "
                           "x\r\nContent-Length: 3\r\nX-A:  v \r\n\r\nabc",
                           &head, &problem),
                     FX_H1_DONE);
    assert_true(fx_str_eq_c(head.path, "/orders/1"));
    assert_true(fx_str_eq_c(head.query, "a=b"));
    assert_true(fx_str_eq_c(head.host, "shop:80"));
    assert_true(fx_str_eq_c(fx_head_cookie(&head, "sid"), "abc"));
    assert_true(fx_str_eq_c(fx_head_cookie(&head, "a"), "b=c"));
    assert_int_equal(fx_head_cookie(&head, "e").len + fx_head_cookie(&head, "id").len, 0);
    assert_true(fx_str_eq_c(fx_head_value(&head, "x-a"), "v"));
    assert_int_equal(head.framing, FX_FRAME_LENGTH);
    assert_int_equal(head.content_length, 3);
    assert_true(head.is_keep_alive);
}

static void test_h1_parse__absolute_target_overrules_host(void **state)
{
    (void)state;
    struct fx_head head;
    struct fx_h1_problem problem;
    assert_int_equal(
        parse("GET http://real:8080?q HTTP/1.1\r\nHost: other\r\n\r\n", &head, &problem),
        FX_H1_DONE);
    assert_true(fx_str_eq_c(head.host, "real:8080"));
    assert_true(fx_str_eq_c(head.path, "/"));
    assert_true(fx_str_eq_c(head.query, "q"));
}

static void test_h1_parse__refuses_what_could_be_read_in_two_ways(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
        {400, "GET / HTTP/1.1\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"},
        {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
        {400, "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET x HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /\r\n\r\n"},
        {400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
        {400, "\x16\x03\x01\x02"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        {400,
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
              "Transfer-Encoding: identity\r\n\r\n"},
        {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
        {400, "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct fx_head head;
        struct fx_h1_problem problem = {0};
        if (parse(cases[i].text, &head, &problem) != FX_H1_BAD || problem.status != cases[i].status)
            fail_msg("case %zu: status %d (%s): %s", i, problem.status, problem.what,
                     cases[i].text);
    }
}

static void test_h1_parse__limits_have_their_own_status(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    struct fx_head head;
    struct fx_h1_problem problem;
    fx_buf_add(&text, FX_STR("GET /"));
    for (int i = 0; i < 9000; i++)
        fx_buf_add_char(&text, 'a');
    assert_int_equal(parse(fx_buf_cstr(&text), &head, &problem), FX_H1_BAD);
    assert_int_equal(problem.status, 414);
    fx_buf_clear(&text);
    fx_buf_add(&text, FX_STR("GET / HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < 200; i++)
        fx_buf_add(&text, FX_STR("X: y\r\n"));
    fx_buf_add(&text, FX_STR("\r\n"));
    assert_int_equal(parse(fx_buf_cstr(&text), &head, &problem), FX_H1_BAD);
    assert_int_equal(problem.status, 431);
    fx_buf_clear(&text);
    fx_buf_add(&text, FX_STR("GET / HTTP/1.1\r\nHost: a\r\nX: "));
    for (int i = 0; i < 70000; i++)
        fx_buf_add_char(&text, 'a');
    assert_int_equal(parse(fx_buf_cstr(&text), &head, &problem), FX_H1_BAD);
    assert_int_equal(problem.status, 431);
}

static enum fx_h1_result parse_response(const char *text, const char *method, struct fx_head *head)
{
    struct fx_h1_scan scan = {0};
    struct fx_h1_limits limits = FX_H1_LIMITS;
    struct fx_h1_problem problem;
    size_t used;
    enum fx_h1_result result = fx_h1_parse_response(fx_str_from(text), fx_str_from(method), &scan,
                                                    &limits, head, &used, &problem);
    if (result == FX_H1_BAD)
        assert_int_equal(problem.status, 502);
    return result;
}

static void test_h1_parse__response_framing_follows_request_and_status(void **state)
{
    (void)state;
    struct fx_head head;
    assert_int_equal(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", &head),
                     FX_H1_DONE);
    assert_int_equal(head.framing, FX_FRAME_LENGTH);
    assert_int_equal(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", &head),
                     FX_H1_DONE);
    assert_int_equal(head.framing, FX_FRAME_NONE);
    assert_int_equal(parse_response("HTTP/1.1 304\r\nContent-Length: 5\r\n\r\n", "GET", &head),
                     FX_H1_DONE);
    assert_int_equal(head.framing, FX_FRAME_NONE);
    assert_int_equal(parse_response("HTTP/1.1 200 OK\r\n\r\n", "GET", &head), FX_H1_DONE);
    assert_int_equal(head.framing, FX_FRAME_CLOSE);
    assert_false(head.is_keep_alive);
    static const char *const refused[] = {
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 05x\r\n\r\n",
        "HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(refused); i++)
        assert_int_equal(parse_response(refused[i], "GET", &head), FX_H1_BAD);
}

/* The write behind such an answer has been done: 502 would say that it was not. */
static void test_h1_parse__old_servers_answers_that_have_one_meaning_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text, *method;
        enum fx_framing framing;
        bool is_kept;
    } cases[] = {
        {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "POST", FX_FRAME_NONE, false},
        {"HTTP/1.1 204 No\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", "POST",
         FX_FRAME_NONE, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD",
         FX_FRAME_NONE, false},
        {"HTTP/1.1 304 No\r\nContent-Length: x\r\n\r\n", "GET", FX_FRAME_NONE, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "POST",
         FX_FRAME_LENGTH, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "POST", FX_FRAME_LENGTH, true},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct fx_head head;
        assert_int_equal(parse_response(cases[i].text, cases[i].method, &head), FX_H1_DONE);
        assert_int_equal(head.framing, cases[i].framing);
        assert_int_equal(head.is_keep_alive, cases[i].is_kept);
        if (head.framing == FX_FRAME_LENGTH)
            assert_int_equal(head.content_length, 5);
    }
}

static void test_head__connection_cannot_strip_what_upstreams_trust(void **state)
{
    (void)state;
    struct fx_head head;
    struct fx_h1_problem problem;
    parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-hop, host, X-Forwarded-For\r\nX-Hop: 1\r\n"
          "X-Forwarded-For: 1.2.3.4\r\nX-Stay: 1\r\n\r\n",
          &head, &problem);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 12);
    fx_h1_write_end_to_end(&out, &head, 0);
    assert_string_equal(fx_buf_cstr(&out), "Host: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Stay: 1\r\n");
}

/* Values are looked at sixteen bytes at a time. */
static void test_head__a_control_is_found_at_every_place(void **state)
{
    (void)state;
    static const char controls[] = {'\0', '\x01', '\r', '\n', '\x1F', '\x7F'};
    char text[50];
    memset(text, 'a', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++)
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < FX_ARRAY_LEN(controls); i++) {
                text[at] = controls[i];
                assert_false(fx_http_is_field_value((struct fx_str){text, len}));
            }
            text[at] = '\t';
            assert_true(fx_http_is_field_value((struct fx_str){text, len}));
            text[at] = '\xFF'; /* obs-text */
            assert_true(fx_http_is_field_value((struct fx_str){text, len}));
            text[at] = 'a';
        }
}

static void test_head__names_are_known_in_any_case_and_with_underscores(void **state)
{
    (void)state;
    static const struct {
        enum fx_name id;
        const char *text;
    } names[] = {
#define X(id, first, text) {FX_NAME_##id, text},
#include "lib/http/names.def"
#undef X
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++) {
        char spelled[40], longer[41];
        snprintf(spelled, sizeof spelled, "%s", names[i].text);
        snprintf(longer, sizeof longer, "%sx", names[i].text);
        assert_int_equal(fx_http_name(fx_str_from(spelled)), names[i].id);
        for (char *c = spelled; *c != '\0'; c++)
            *c = *c == '-' ? '_' : (char)(*c - 'a' + 'A');
        assert_int_equal(fx_http_name(fx_str_from(spelled)), names[i].id);
        assert_int_equal(fx_http_name(fx_str_from(longer)), FX_NAME_OTHER);
        spelled[strlen(spelled) - 1] = '~';
        assert_int_equal(fx_http_name(fx_str_from(spelled)), FX_NAME_OTHER);
    }
    assert_int_equal(fx_http_name(FX_STR("")), FX_NAME_OTHER);
}

/* Behind CGI it would be a Content-Length; here it is none, and it is not sent on. */
static void test_head__an_underscore_makes_another_field_that_is_not_sent_on(void **state)
{
    (void)state;
    struct fx_head head;
    struct fx_h1_problem problem;
    assert_int_equal(
        parse("GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nX_Y: 1\r\n\r\n", &head, &problem),
        FX_H1_DONE);
    assert_int_equal(head.framing, FX_FRAME_NONE);
    assert_null(fx_head_find(&head, "Content-Length"));
    assert_string_equal(fx_head_find(&head, "content_length")->value.ptr, "5\r\nX_Y: 1\r\n\r\n");
    assert_null(fx_head_find(&head, "X-Y"));
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 12);
    fx_h1_write_end_to_end(&out, &head, FX_NAME_BIT(CONTENT_LENGTH));
    assert_string_equal(fx_buf_cstr(&out), "Host: a\r\nX_Y: 1\r\n");
}

/* However long its name is. */
static void test_head__what_connection_lists_stays(void **state)
{
    (void)state;
    struct fx_head head;
    struct fx_h1_problem problem;
    parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive ,  "
          "X-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
          "x-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1\r\nX: "
          "2\r\n\r\n",
          &head, &problem);
    assert_false(head.is_keep_alive);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 12);
    fx_h1_write_end_to_end(&out, &head, 0);
    assert_string_equal(fx_buf_cstr(&out), "Host: a\r\nX: 2\r\n");
}

static void test_head__a_field_called_close_stays_too(void **state)
{
    (void)state;
    struct fx_head head;
    struct fx_h1_problem problem;
    parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nClose: 1\r\nX: 2\r\n\r\n", &head,
          &problem);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 12);
    fx_h1_write_end_to_end(&out, &head, 0);
    assert_string_equal(fx_buf_cstr(&out), "Host: a\r\nX: 2\r\n");
}

static void test_h1_write__a_value_with_a_line_end_latches_failure(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 12);
    fx_h1_write_field(&out, FX_STR("X"), FX_STR("a\r\nSet-Cookie: b"));
    assert_true(out.has_failed);
}

/* Decodes `text` fed in pieces of `step` bytes. */
static enum fx_chunked_result decode(const char *text, size_t step, struct fx_buf *out,
                                     size_t *ret_used)
{
    struct fx_chunked chunked = {0};
    struct fx_str all = fx_str_from(text);
    size_t at = 0, end = 0;
    for (;;) {
        struct fx_str data;
        size_t used;
        enum fx_chunked_result result =
            fx_chunked_next(&chunked, fx_str_sub(all, at, end - at), &used, &data);
        at += used;
        *ret_used = at;
        fx_buf_add(out, data);
        if (result == FX_CHUNKED_DONE || result == FX_CHUNKED_BAD)
            return result;
        if (result == FX_CHUNKED_MORE) {
            if (end == all.len)
                return FX_CHUNKED_MORE;
            end = FX_MIN(end + step, all.len);
        }
    }
}

static void test_chunked__decodes_in_any_pieces(void **state)
{
    (void)state;
    const char *text = "4;ext=\"a\"\r\nWiki\r\n00005\r\npedia\r\n0\r\nT: 1\r\n\r\nNEXT";
    for (size_t step = 1; step < 60; step++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(100);
        size_t used;
        assert_int_equal(decode(text, step, &out, &used), FX_CHUNKED_DONE);
        assert_string_equal(fx_buf_cstr(&out), "Wikipedia");
        assert_string_equal(text + used, "NEXT");
    }
}

static void test_chunked__refuses_what_the_grammar_does_not_allow(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "0x4\r\nWiki\r\n",      "+4\r\nWiki\r\n",
        " 4\r\nWiki\r\n",       "4 \r\nWiki\r\n",
        "4\nWiki\r\n",          "4\r\nWikiX\r\n",
        "4\r\nWiki\n",          "\r\n",
        "4;a\nb\r\nWiki",       "FFFFFFFFFFFFFFFFF\r\n",
        "8000000000000000\r\n", "0\r\n bad: 1\r\n\r\n",
        "0\r\nT\x01: 1\r\n",    "-1\r\n",
        "0\r\n:v\r\n\r\nx",
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(refused); i++) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(100);
        size_t used;
        if (decode(refused[i], 3, &out, &used) != FX_CHUNKED_BAD)
            fail_msg("accepted: %s", refused[i]);
    }
}

static void test_chunked__takes_spaces_behind_a_size_from_old_servers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum fx_chunked_result end;
    } cases[] = {{"4 \r\nWiki\r\n0  \r\n\r\n", FX_CHUNKED_DONE},
                 {"4\t;a=1\r\nWiki\r\n0\r\n\r\n", FX_CHUNKED_DONE},
                 {"4 4\r\nWiki\r\n", FX_CHUNKED_BAD},
                 {" 4\r\nWiki\r\n", FX_CHUNKED_BAD},
                 {"4 \nWiki\r\n", FX_CHUNKED_BAD}};
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct fx_chunked chunked = {.is_lenient = true};
        struct fx_str in = fx_str_from(cases[i].text), data;
        enum fx_chunked_result result = FX_CHUNKED_DATA;
        while (result == FX_CHUNKED_DATA) {
            size_t used;
            result = fx_chunked_next(&chunked, in, &used, &data);
            in = fx_str_sub(in, used, in.len);
        }
        assert_int_equal(result, cases[i].end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h1_parse__old_servers_answers_that_have_one_meaning_are_taken),
        cmocka_unit_test(test_chunked__takes_spaces_behind_a_size_from_old_servers),
        cmocka_unit_test(test_h1_parse__reads_a_request),
        cmocka_unit_test(test_h1_parse__absolute_target_overrules_host),
        cmocka_unit_test(test_h1_parse__refuses_what_could_be_read_in_two_ways),
        cmocka_unit_test(test_h1_parse__limits_have_their_own_status),
        cmocka_unit_test(test_h1_parse__response_framing_follows_request_and_status),
        cmocka_unit_test(test_head__connection_cannot_strip_what_upstreams_trust),
        cmocka_unit_test(test_head__a_control_is_found_at_every_place),
        cmocka_unit_test(test_head__names_are_known_in_any_case_and_with_underscores),
        cmocka_unit_test(test_head__an_underscore_makes_another_field_that_is_not_sent_on),
        cmocka_unit_test(test_head__what_connection_lists_stays),
        cmocka_unit_test(test_head__a_field_called_close_stays_too),
        cmocka_unit_test(test_h1_write__a_value_with_a_line_end_latches_failure),
        cmocka_unit_test(test_chunked__decodes_in_any_pieces),
        cmocka_unit_test(test_chunked__refuses_what_the_grammar_does_not_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
