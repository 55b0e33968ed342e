/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: what passes through it
 * and what it refuses: pipelines, heads, bodies, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

static void test_proxy__requests_share_one_connection_on_both_sides(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    for (int i = 0; i < 50; i++) {
        client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, 200);
        assert_true(reply.is_kept && reply_is_from(&reply, "old"));
    }
    assert_int_equal(atomic_load(&stage.old.connections), 1);
    stage_close(&stage);
}

static void test_proxy__pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(
        fd,
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        "helloHEAD /3 HTTP/1.1\r\nHost: x\r\n\r\nPOST /4 HTTP/1.1\r\nHost: x\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /%2f HTTP/1.1\r\nHost: "
        "x\r\n\r\n"
        "GET /6 HTTP/1.1\r\nHost: x\r\n\r\n");
    static const char *const methods[] = {"GET", "POST", "HEAD", "POST", "GET", "GET"};
    for (int i = 0; i < 6; i++) {
        client_read(fd, methods[i], &reply);
        assert_int_equal(reply.status, i == 4 ? 400 : 200);
    }
    static const char *const seen[] = {"GET /1", "POST /2", "HEAD /3", "POST /4", "GET /6"};
    assert_int_equal(atomic_load(&stage.old.requests), 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(stage.old.seen[i], seen[i]);
    assert_int_equal(atomic_load(&stage.old.body_bytes), 8);
    stage_close(&stage);
}

static void test_proxy__hop_by_hop_fields_stay_and_ours_are_added(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    request(
        stage.port, "GET", "http://shop.example/a?b=%2F",
        "X-Hop: 1\r\nConnection: x-hop, close\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\n"
        "X-Forwarded-For: 192.0.2.1\r\nVia: 1.1 edge\r\nCookie: a=1\r\nCookie: b=2\r\n",
        NULL, &reply);
    assert_int_equal(reply.status, 200);
    const char *head = stage.old.last_head;
    assert_non_null(strstr(head, "GET /a?b=%2F HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "\r\nHost: shop.example\r\n"));
    assert_non_null(strstr(head, "\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.1\r\n"));
    assert_non_null(strstr(head, "\r\nVia: 1.1 edge, 1.1 ficus-"));
    assert_non_null(strstr(head, "\r\nCookie: a=1\r\nCookie: b=2\r\n"));
    static const char *const gone[] = {"X-Hop", "Keep-Alive", "TE:", "Upgrade", "Connection"};
    for (size_t i = 0; i < FX_ARRAY_LEN(gone); i++)
        assert_null(strstr(head, gone[i]));
    assert_non_null(strstr(reply.head, "\r\nDate: "));
    stage_close(&stage);
}

/* CGI, WSGI, PHP and Rack take X_Y for X-Y. */
static void test_proxy__our_fields_cannot_be_forged_with_underscores(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.port, "POST", "/orders/1",
            "Ficus_Epoch: 9\r\nX_Forwarded_For: 192.0.2.1\r\nCONTENT_LENGTH: 9\r\n"
            "Transfer_Encoding: chunked\r\nFicus_Other: 1\r\n",
            "{}", &reply);
    assert_int_equal(reply.status, 200);
    const char *head = stage.old.last_head;
    static const char *const gone[] = {"Ficus_Epoch", "X_Forwarded_For", "CONTENT_LENGTH",
                                       "Transfer_Enc"};
    for (size_t i = 0; i < FX_ARRAY_LEN(gone); i++)
        assert_null(strstr(head, gone[i]));
    assert_non_null(strstr(head, "\r\nFicus_Other: 1\r\n"));
    assert_non_null(strstr(head, "\r\nFicus-Epoch: 0\r\n"));
    stage_close(&stage);
}

static void test_proxy__a_request_that_comes_back_is_stopped(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    char fields[64];
    request(stage.port, "GET", "/a", "", NULL, &reply);
    const char *via = strstr(stage.old.last_head, "1.1 ficus-");
    assert_non_null(via);
    snprintf(fields, sizeof fields, "Via: %.18s\r\n", via);
    request(stage.port, "GET", "/a", fields, NULL, &reply);
    assert_int_equal(reply.status, 508);
    stage_close(&stage);
}

static void test_proxy__malformed_requests_never_reach_an_upstream(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {400, "GET /a HTTP/1.1\r\n\r\n"},
        {400, "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
        {400, "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /a HTTP/1.1\r\nHost : x\r\n\r\n"},
        {400, "GET /a HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"},
        {400, "GET /a HTTP/1.1\nHost: x\n\n"},
        {400, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
        {400, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na"},
        {400, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
              "chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
        {501, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {505, "GET /a HTTP/2.0\r\nHost: x\r\n\r\n"},
        {400, "GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /a%2fb HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /a%00 HTTP/1.1\r\nHost: x\r\n\r\n"},
        {405, "TRACE /a HTTP/1.1\r\nHost: x\r\n\r\n"},
        {405, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"},
        {400, "\x16\x03\x01 hello\r\n\r\n"},
    };
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        FX_AUTO_FD int fd = client_open(stage.port);
        client_send(fd, cases[i].text);
        client_read(fd, "GET", &reply);
        if (reply.status != cases[i].status)
            fail_msg("%s -> %d, not %d", cases[i].text, reply.status, cases[i].status);
        assert_non_null(strstr(reply.head, "application/json"));
    }
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    stage_close(&stage);
}

static void test_proxy__heads_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    stage_open(&stage, "  limits: {head: 4KiB}\n  timeouts: {head: 300ms}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO(fx_buf) struct fx_buf big = FX_BUF(1 << 20);
    fx_buf_add_c(&big, "X-Big: ");
    for (int i = 0; i < 5000; i++)
        fx_buf_add_char(&big, 'a');
    fx_buf_add_c(&big, "\r\n");
    request(stage.port, "GET", "/a", fx_buf_cstr(&big), NULL, &reply);
    assert_int_equal(reply.status, 431);
    FX_AUTO_FD int slow = client_open(stage.port);
    client_send(slow, "GET /a HTTP/1.1\r\nHo");
    client_read(slow, "GET", &reply);
    assert_int_equal(reply.status, 408);
    stage_close(&stage);
}

static void test_proxy__options_counts_down_max_forwards(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.port, "OPTIONS", "*", "Max-Forwards: 0\r\n", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    request(stage.port, "OPTIONS", "*", "Max-Forwards: 7\r\n", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(stage.old.last_head, "OPTIONS * HTTP/1.1\r\n"));
    assert_non_null(strstr(stage.old.last_head, "\r\nMax-Forwards: 6\r\n"));
    stage_close(&stage);
}

static void test_proxy__a_body_that_stalls_or_is_malformed_is_refused(void **state)
{
    (void)state;
    stage_open(&stage, "  timeouts: {stall: 300ms}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int slow = client_open(stage.port);
    client_send(slow, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    client_read(slow, "POST", &reply);
    assert_int_equal(reply.status, 408);
    static const char *const bodies[] = {"xyz\r\n", "3\nabc\r\n0\r\n\r\n",
                                         "0x3\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
                                         "fffffffffffffffff\r\n"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bodies); i++) {
        FX_AUTO_FD int fd = client_open(stage.port);
        client_send(fd, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        client_send(fd, bodies[i]);
        client_read(fd, "POST", &reply);
        assert_int_equal(reply.status, 400);
        assert_false(reply.is_kept);
    }
    stage_close(&stage);
}

static void test_proxy__a_body_that_drips_is_refused_and_a_slow_one_is_not(void **state)
{
    (void)state;
    enum { PIECES = 20, PIECE = 100, EVERY_MS = 50 };
    char piece[PIECE + 1];
    stage_open(&stage, "  timeouts: {stall: 500ms}\n  limits: {body_rate: 1000B}\n");
    FX_AUTO(reply) struct reply reply = {0};
    memset(piece, 'x', PIECE);
    piece[PIECE] = '\0';
    for (int is_slow_only = 0; is_slow_only < 2; is_slow_only++) {
        FX_AUTO_FD int fd = client_open(stage.port);
        client_send(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
        char c = 0;
        bool is_cut = false;
        for (int i = 0; i < PIECES && !is_cut; i++) {
            client_send(fd, is_slow_only != 0 ? piece : "x");
            fx_sleep_ms(EVERY_MS);
            is_cut = i < PIECES - 1 && recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
        }
        assert_int_equal(is_cut, is_slow_only == 0);
        client_read(fd, "POST", &reply);
        assert_int_equal(reply.status, is_slow_only != 0 ? 200 : 408);
    }
    stage_close(&stage);
}

static void test_proxy__large_bodies_stream_both_ways_in_bounded_memory(void **state)
{
    (void)state;
    enum { SIZE = 40 << 20 };
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(SIZE + 1);
    assert_true(fx_buf_reserve(&body, SIZE));
    memset(body.ptr, 'x', SIZE);
    body.ptr[SIZE] = '\0';
    request(stage.port, "GET", "/warm", "", NULL, &reply);
    long before = stage_rss_kb(&stage);
    request(stage.port, "POST", "/orders/1", "", body.ptr, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(atomic_load(&stage.old.body_bytes), SIZE);
    atomic_store(&stage.old.big_bytes, SIZE);
    request(stage.port, "GET", "/big", "", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.len, SIZE);
    FX_AUTO_FD int slow = client_open(stage.port); /* asks and does not read */
    client_send(slow, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    fx_sleep_ms(300);
    assert_true(stage_rss_kb(&stage) - before < 3000);
    client_read(slow, "GET", &reply);
    assert_int_equal(reply.body.len, SIZE);
    stage_close(&stage);
}

static void
test_proxy__an_answer_that_ends_with_the_connection_is_chunked_for_the_client(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    atomic_store(&stage.old.no_length, 1);
    for (int i = 0; i < 2; i++) {
        client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, 200);
        assert_string_equal(fx_buf_cstr(&reply.body), "{\"side\":\"old\"}");
    }
    FX_AUTO_FD int ancient = client_open(stage.port);
    client_send(ancient, "GET /a HTTP/1.0\r\n\r\n");
    client_read(ancient, "GET", &reply);
    assert_string_equal(fx_buf_cstr(&reply.body), "{\"side\":\"old\"}");
    assert_null(strstr(reply.head, "chunked"));
    stage_close(&stage);
}

static void test_proxy__expect_is_answered_and_not_forwarded(void **state)
{
    (void)state;
    stage_open(&stage, "");
    char text[64] = {0};
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(fd,
                "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(recv(fd, text, 25, MSG_WAITALL), 25);
    assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(fd, "abc");
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 200);
    assert_null(strstr(stage.old.last_head, "Expect"));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxy__requests_share_one_connection_on_both_sides),
        cmocka_unit_test(test_proxy__pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_proxy__hop_by_hop_fields_stay_and_ours_are_added),
        cmocka_unit_test(test_proxy__our_fields_cannot_be_forged_with_underscores),
        cmocka_unit_test(test_proxy__a_request_that_comes_back_is_stopped),
        cmocka_unit_test(test_proxy__malformed_requests_never_reach_an_upstream),
        cmocka_unit_test(test_proxy__heads_beyond_the_limits_are_refused),
        cmocka_unit_test(test_proxy__options_counts_down_max_forwards),
        cmocka_unit_test(test_proxy__a_body_that_stalls_or_is_malformed_is_refused),
        cmocka_unit_test(test_proxy__a_body_that_drips_is_refused_and_a_slow_one_is_not),
        cmocka_unit_test(test_proxy__large_bodies_stream_both_ways_in_bounded_memory),
        cmocka_unit_test(
            test_proxy__an_answer_that_ends_with_the_connection_is_chunked_for_the_client),
        cmocka_unit_test(test_proxy__expect_is_answered_and_not_forwarded),
    };
    return STAGE_RUN(tests);
}
