/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: what a customer, an operator and a controller may rely on. Needs the daemon: set
 * FX_FICUSD to its path (tests/integration/1002-facade-stories.sh does), else all is skipped.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

static void open_stage(const char *extra)
{
    stage_open(&stage, extra);
}

static bool is_from(const struct reply *reply, const char *side)
{
    return reply->body.len > 0 && strstr(reply->body.ptr, side) != NULL;
}

static char ask_side(const char *method, const char *fields)
{
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.port, method, "/orders/1", fields, *method == 'P' ? "{}" : NULL, &reply);
    assert_int_equal(reply.status, 200);
    return is_from(&reply, "\"old\"") ? 'o' : is_from(&reply, "\"new\"") ? 'n' : '?';
}

/* --- proxying ----------------------------------------------------------------------------------- */

static void test_proxy__requests_share_one_connection_on_both_sides(void **state)
{
    (void)state;
    open_stage("");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    for (int i = 0; i < 50; i++) {
        client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, 200);
        assert_true(reply.is_kept && is_from(&reply, "old"));
    }
    assert_int_equal(atomic_load(&stage.old.connections), 1);
    stage_close(&stage);
}

static void test_proxy__pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    open_stage("");
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
    open_stage("");
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

static void test_proxy__a_request_that_comes_back_is_stopped(void **state)
{
    (void)state;
    open_stage("");
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
    open_stage("");
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
    open_stage("  limits: {head: 4KiB}\n  timeouts: {head: 300ms}\n");
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
    open_stage("");
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
    open_stage("  timeouts: {stall: 300ms}\n");
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

static void test_proxy__large_bodies_stream_both_ways_in_bounded_memory(void **state)
{
    (void)state;
    enum { SIZE = 40 << 20 };
    open_stage("");
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
    open_stage("");
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
    open_stage("");
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

/* --- failures ----------------------------------------------------------------------------------- */

static void test_failure__upstream_errors_have_their_status(void **state)
{
    (void)state;
    open_stage("  timeouts: {response: 300ms}\n");
    atomic_store(&stage.old.drop, 1);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 502);
    assert_int_equal(atomic_load(&stage.old.requests), 1); /* not tried again */
    atomic_store(&stage.old.drop, 0);
    atomic_store(&stage.old.hang, 1);
    assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 504);
    upstream_stop(&stage.old);
    assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 502);
    stage_stop_facade(&stage, SIGTERM);
    upstream_start(&stage.old, "old");
    stage_close(&stage);
}

static void test_failure__reads_survive_connections_that_die_in_the_pool(void **state)
{
    (void)state;
    open_stage("");
    atomic_store(&stage.old.idle_ms, 3); /* closes at about the moment of the next request */
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    for (int i = 0; i < 300; i++) {
        client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, 200);
        fx_sleep_ms(i % 3 == 0 ? 3 : 2);
    }
    stage_close(&stage);
}

static void test_failure__bytes_nobody_asked_for_are_no_answer(void **state)
{
    (void)state;
    open_stage("");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    atomic_store(&stage.old.parting, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
                                     "Connection: close\r\n\r\n");
    atomic_store(&stage.old.idle_ms, 300);
    for (int i = 0; i < 2; i++) {
        client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i == 1) { /* request and stray bytes are met in one turn, in this order */
            fx_sleep_ms(600);
            kill(stage.pid, SIGCONT);
        }
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, 200);
        if (i == 0)
            kill(stage.pid, SIGSTOP);
    }
    stage_close(&stage);
}

static void test_failure__writes_do_not_use_a_connection_idle_for_a_second(void **state)
{
    (void)state;
    open_stage("");
    assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 200);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 200);
    assert_int_equal(atomic_load(&stage.old.connections), 1);
    fx_sleep_ms(1100);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 200);
    assert_int_equal(atomic_load(&stage.old.connections), 2);
    stage_close(&stage);
}

static void client_reset(int fd)
{
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

static void test_failure__a_write_whose_client_left_stays_in_flight_until_answered(void **state)
{
    (void)state;
    open_stage("");
    atomic_store(&stage.old.delay_ms, 400);
    int fd = client_open(stage.port);
    client_send(fd, "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    wait_number(&stage, "orders", "in_flight", 1);
    client_reset(fd);
    fx_sleep_ms(50);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 1);
    wait_number(&stage, "orders", "in_flight", 0);
    assert_int_equal((int)status_number(&stage, "orders-write", "requests_old"), 1);
    stage_close(&stage);
}

static void test_failure__a_sick_endpoint_is_passed_over_until_it_is_well(void **state)
{
    (void)state;
    char command[512];
    struct upstream second;
    open_stage("");
    upstream_start(&second, "second");
    stage_stop_facade(&stage, SIGTERM);
    snprintf(command, sizeof command,
             "sed -i 's|  monolith: .*|  monolith: {endpoints: [\"http://127.0.0.1:%d\", "
             "\"http://127.0.0.1:%d\"], health: {path: /up, interval: 50ms}}|' %s/ficus.yaml",
             stage.old.port, second.port, stage.dir);
    assert_int_equal(system(command), 0);
    atomic_store(&second.status, 500);
    stage_start_facade(&stage);
    fx_sleep_ms(400);
    for (int i = 0; i < 20; i++)
        assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 200);
    atomic_store(&second.status, 200);
    fx_sleep_ms(300);
    bool has_served = false;
    for (int i = 0; i < 4 && !has_served; i++) {
        FX_AUTO(reply) struct reply reply = {0};
        fx_sleep_ms(1100); /* a write then takes a new connection, at the next endpoint */
        request(stage.port, "POST", "/a", "", "{}", &reply);
        has_served = is_from(&reply, "second");
    }
    assert_true(has_served);
    stage_stop_facade(&stage, SIGTERM);
    upstream_stop(&second);
    stage_start_facade(&stage);
    stage_close(&stage);
}

/* --- routes and weights ------------------------------------------------------------------------- */

static int weight(double percent)
{
    char body[64];
    snprintf(body, sizeof body, "{\"epoch\":1,\"percent\":%g}", percent);
    return admin(&stage, "/v1/routes/orders-read/weight", body);
}

static void test_split__grows_and_shrinks_without_moving_anyone_else(void **state)
{
    (void)state;
    enum { USERS = 200 };
    static const double steps[] = {0, 1, 10, 50, 100, 50, 0};
    char side[USERS], fields[64];
    open_stage("");
    memset(side, 'o', sizeof side);
    for (size_t s = 0; s < FX_ARRAY_LEN(steps); s++) {
        bool is_growing = s == 0 || steps[s] > steps[s - 1];
        int n_new = 0;
        assert_int_equal(weight(steps[s]), 200);
        for (int u = 0; u < USERS; u++) {
            snprintf(fields, sizeof fields, "X-Customer: user-%d\r\n", u);
            char now = ask_side("GET", fields);
            assert_true(now == side[u] || now == (is_growing ? 'n' : 'o'));
            side[u] = now;
            n_new += now == 'n';
        }
        double share = 100.0 * n_new / USERS;
        assert_true(share >= steps[s] - 12 && share <= steps[s] + 12);
        assert_true((steps[s] > 0 && steps[s] < 100) || share == steps[s]);
        assert_int_equal(ask_side("POST", ""), 'o'); /* writes follow the owner */
    }
    stage_close(&stage);
}

static void test_split__an_issued_cookie_sticks(void **state)
{
    (void)state;
    open_stage("");
    assert_int_equal(weight(50), 200);
    int n_new = 0;
    for (int i = 0; i < 40; i++) {
        FX_AUTO(reply) struct reply reply = {0};
        char fields[96];
        request(stage.port, "GET", "/orders/1", "", NULL, &reply);
        const char *cookie = strstr(reply.head, "Set-Cookie: ficus_sticky=");
        assert_non_null(cookie);
        char side = is_from(&reply, "\"new\"") ? 'n' : 'o';
        snprintf(fields, sizeof fields, "Cookie: x=1; ficus_sticky=%.16s\r\n", cookie + 25);
        for (int again = 0; again < 3; again++)
            assert_int_equal(ask_side("GET", fields), side);
        n_new += side == 'n';
    }
    assert_true(n_new > 5 && n_new < 35);
    stage_close(&stage);
}

static void test_admin__refuses_what_makes_no_sense_and_stale_epochs(void **state)
{
    (void)state;
    open_stage("");
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":7}"), 200);
    assert_int_equal(weight(10), 409);
    assert_int_equal(admin(&stage, "/v1/claim", "{\"epoch\":6}"), 409);
    assert_int_equal(admin(&stage, "/v1/routes/orders-write/weight", "{\"epoch\":7,\"percent\":5}"),
                     400);
    assert_int_equal(
        admin(&stage, "/v1/routes/orders-read/weight", "{\"epoch\":7,\"percent\":101}"), 400);
    assert_int_equal(admin(&stage, "/v1/routes/none/weight", "{\"epoch\":7,\"percent\":1}"), 404);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":1}"), 400);
    assert_int_equal(admin(&stage, "/v1/groups/or%2fd/hold", "{\"epoch\":1,\"deadline_ms\":5}"),
                     400);
    assert_int_equal(admin(&stage, "/v1/groups/orders/prepare", "{\"epoch\":"), 400);
    assert_int_equal(admin(&stage, "/v1/nothing", "{}"), 404);
    assert_int_equal(admin(&stage, "/v1/groups/orders/prepare", "{\"epoch\":5}"), 200);
    static const char *const verbs[] = {"prepare", "hold", "release", "switch"};
    for (size_t i = 0; i < FX_ARRAY_LEN(verbs); i++) {
        char path[64];
        snprintf(path, sizeof path, "/v1/groups/orders/%s", verbs[i]);
        assert_int_equal(admin(&stage, path, "{\"epoch\":4,\"deadline_ms\":50,\"owner\":\"new\"}"),
                         409);
    }
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 5);
    assert_int_equal(admin(&stage, "/v1/groups/orders.canary/prepare", "{\"epoch\":1}"), 200);
    assert_int_equal((int)status_number(&stage, "orders.canary", "epoch"), 1);
    stage_close(&stage);
}

static void test_admin__wants_its_token(void **state)
{
    (void)state;
    setenv("FCD_TEST_TOKEN", "s3cret", 1);
    open_stage("");
    stage_stop_facade(&stage, SIGTERM);
    char command[512];
    snprintf(command, sizeof command,
             "sed -i 's|  admin: {|  admin: {token: {env: FCD_TEST_TOKEN}, |' %s/ficus.yaml",
             stage.dir);
    assert_int_equal(system(command), 0);
    stage_start_facade(&stage);
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.admin_port, "GET", "/v1/status", "", NULL, &reply);
    assert_int_equal(reply.status, 401);
    request(stage.admin_port, "GET", "/v1/status", "Authorization: Bearer s3cres\r\n", NULL,
            &reply);
    assert_int_equal(reply.status, 401);
    request(stage.admin_port, "GET", "/v1/status", "Authorization: Bearer s3cret\r\n", NULL,
            &reply);
    assert_int_equal(reply.status, 200);
    request(stage.admin_port, "GET", "/metrics", "Authorization: Bearer s3cret\r\n", NULL, &reply);
    assert_non_null(strstr(reply.body.ptr, "# HELP ficus_facade_client_connections"));
    stage_close(&stage);
}

/* --- shadow ------------------------------------------------------------------------------------- */

static int shadow(double percent, int recheck_ms)
{
    char body[96];
    snprintf(body, sizeof body, "{\"epoch\":1,\"percent\":%g,\"recheck_ms\":%d}", percent,
             recheck_ms);
    return admin(&stage, "/v1/routes/orders-read/shadow", body);
}

static void test_shadow__compares_documents_and_tells_stale_from_wrong(void **state)
{
    (void)state;
    open_stage("");
    assert_int_equal(shadow(100, 200), 200);
    atomic_store(&stage.old.body, "{\"a\":1,\"b\":2,\"generated_at\":\"x\"}");
    atomic_store(&stage.new_side.body, "{\"b\":2,\"a\":1,\"generated_at\":\"y\"}");
    assert_int_equal(ask_side("GET", ""), '?');
    wait_number(&stage, "orders-read", "shadow_compared", 1);
    assert_int_equal((int)status_number(&stage, "orders-read", "shadow_mismatch"), 0);
    atomic_store(&stage.new_side.body, "{\"a\":1,\"b\":3}");
    ask_side("GET", "");
    wait_number(&stage, "orders-read", "shadow_mismatch", 1);
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.admin_port, "GET", "/v1/status", "", NULL, &reply);
    assert_non_null(strstr(reply.body.ptr, "GET /orders/1"));
    assert_non_null(strstr(reply.body.ptr, "/b: 2 and 3"));
    ask_side("GET", "");
    fx_sleep_ms(50);
    atomic_store(&stage.new_side.body, "{\"a\":1,\"b\":2}"); /* the stream caught up */
    wait_number(&stage, "orders-read", "shadow_stale", 1);
    assert_int_equal((int)status_number(&stage, "orders-read", "shadow_mismatch"), 1);
    atomic_store(&stage.new_side.status, 500);
    ask_side("GET", "");
    wait_number(&stage, "orders-read", "shadow_mismatch", 2);
    assert_int_equal(ask_side("POST", ""), '?');
    fx_sleep_ms(100);
    for (int i = 0; i < atomic_load(&stage.new_side.requests); i++)
        assert_null(strstr(stage.new_side.seen[i], "POST")); /* writes are never shadowed */
    stage_close(&stage);
}

static int64_t longest_of(int n)
{
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    int64_t longest = 0;
    for (int i = 0; i < n; i++) {
        int64_t began = now_ms();
        client_send(fd, "GET /orders/1 HTTP/1.1\r\nHost: x\r\nX-Customer: a\r\n\r\n");
        client_read(fd, "GET", &reply);
        assert_int_equal(reply.status, 200);
        longest = FX_MAX(longest, now_ms() - began);
    }
    return longest;
}

static void test_shadow__a_black_hole_costs_the_customer_nothing(void **state)
{
    (void)state;
    open_stage("  shadow: {connections: 2, queue: 50, timeout: 1s}\n");
    assert_int_equal(shadow(100, 10), 200);
    atomic_store(&stage.new_side.hang, 1);
    int64_t began = now_ms();
    assert_true(longest_of(2000) < 200);
    assert_true(now_ms() - began < 5000);
    assert_true(status_number(&stage, "orders-read", "shadow_dropped") > 1500);
    assert_int_equal((int)status_number(&stage, "orders-read", "errors_old"), 0);
    assert_true(atomic_load(&stage.new_side.connections) <= 10);
    atomic_store(&stage.new_side.hang, 0);
    stage_close(&stage);
}

/* --- hold, release, switch ---------------------------------------------------------------------- */

enum { WRITERS = 20 };
struct writer {
    pthread_t thread;
    int id, status;
    char side;
};

static void *run_writer(void *arg)
{
    struct writer *w = arg;
    FX_AUTO(reply) struct reply reply = {0};
    char target[48];
    snprintf(target, sizeof target, "/orders/w%d", w->id);
    request(stage.port, "POST", target, "", "{}", &reply);
    w->status = reply.status;
    w->side = is_from(&reply, "\"new\"") ? 'n' : 'o';
    return NULL;
}

/* One after the other, so that the order of arrival is known. */
static void start_writers(struct writer *writers, int n)
{
    for (int i = 0; i < n; i++) {
        writers[i] = (struct writer){.id = i};
        pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]);
        wait_number(&stage, "orders", "held", i + 1);
    }
}

static void join_writers(struct writer *writers, int n, int status, char side)
{
    for (int i = 0; i < n; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].status, status);
        assert_true(side == '\0' || writers[i].side == side);
    }
}

static void check_order(struct upstream *up, int n)
{
    char want[48];
    assert_int_equal(atomic_load(&up->requests), n);
    for (int i = 0; i < n; i++) {
        snprintf(want, sizeof want, "POST /orders/w%d", i);
        assert_string_equal(up->seen[i], want);
    }
}

static void hold(int epoch, int deadline_ms)
{
    char body[96];
    snprintf(body, sizeof body, "{\"epoch\":%d}", epoch);
    assert_int_equal(admin(&stage, "/v1/groups/orders/prepare", body), 200);
    snprintf(body, sizeof body, "{\"epoch\":%d,\"deadline_ms\":%d}", epoch, deadline_ms);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", body), 200);
}

static int give(int epoch, const char *owner)
{
    char body[96];
    snprintf(body, sizeof body, "{\"epoch\":%d,\"owner\":\"%s\"}", epoch, owner);
    return admin(&stage, "/v1/groups/orders/switch", body);
}

static void test_hold__a_switch_sends_held_writes_to_the_new_owner_in_order(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    open_stage("  hold: {release_per_second: 50}\n");
    hold(1, 20000);
    start_writers(writers, WRITERS);
    assert_int_equal(ask_side("GET", ""), 'o'); /* reads go on */
    assert_int_equal(atomic_load(&stage.new_side.requests), 0);
    assert_int_equal(give(2, "new"), 200);
    join_writers(writers, WRITERS, 200, 'n');
    check_order(&stage.new_side, WRITERS);
    assert_int_equal(ask_side("GET", ""), 'n');
    assert_int_equal(ask_side("POST", ""), 'n');
    assert_int_equal((int)status_number(&stage, "orders-read", "weight_percent"), 100);
    assert_true(status_number(&stage, "orders", "held_max_ms") > 10);
    assert_int_equal(give(2, "old"), 409);
    assert_int_equal(give(4, "old"), 200); /* fall-back */
    assert_int_equal(ask_side("GET", ""), 'o');
    assert_int_equal((int)status_number(&stage, "orders-read", "weight_percent"), 0);
    stage_close(&stage);
}

static void test_hold__a_release_sends_held_writes_to_the_old_owner(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    open_stage("");
    hold(1, 20000);
    start_writers(writers, WRITERS);
    assert_int_equal(admin(&stage, "/v1/groups/orders/release", "{\"epoch\":1}"), 200);
    join_writers(writers, WRITERS, 200, 'o');
    stage_close(&stage);
}

static void test_hold__ends_at_its_deadline_by_itself(void **state)
{
    (void)state;
    struct writer writers[3];
    open_stage("");
    hold(1, 700);
    int64_t began = now_ms();
    start_writers(writers, 3);
    join_writers(writers, 3, 200, 'o');
    int64_t took_ms = now_ms() - began;
    assert_true(took_ms > 300 && took_ms < 3000);
    assert_int_equal(admin(&stage, "/v1/groups/orders/release", "{\"epoch\":0}"), 409);
    stage_close(&stage);
}

static void test_hold__a_full_queue_answers_503_with_retry_after(void **state)
{
    (void)state;
    struct writer writers[3];
    open_stage("  hold: {requests: 3}\n");
    hold(1, 20000);
    start_writers(writers, 3);
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.port, "POST", "/orders/9", "", "{}", &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.head, "Retry-After: 1"));
    assert_int_equal(give(2, "new"), 200);
    join_writers(writers, 3, 200, 'n');
    assert_int_equal(atomic_load(&stage.new_side.requests), 3);
    stage_close(&stage);
}

static void test_hold__a_client_that_leaves_is_never_sent(void **state)
{
    (void)state;
    struct writer writers[1];
    open_stage("");
    hold(1, 20000);
    int fd = client_open(stage.port);
    client_send(fd, "POST /orders/gone HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    wait_number(&stage, "orders", "held", 1);
    close(fd);
    wait_number(&stage, "orders", "held", 0);
    start_writers(writers, 1);
    assert_int_equal(give(2, "new"), 200);
    join_writers(writers, 1, 200, 'n');
    check_order(&stage.new_side, 1);
    stage_close(&stage);
}

static void test_hold__waits_for_the_body_and_expect_until_released(void **state)
{
    (void)state;
    char text[64] = {0};
    open_stage("");
    hold(1, 20000);
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(
        fd,
        "POST /orders/1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    wait_number(&stage, "orders", "held", 1);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), -1);
    assert_int_equal(give(2, "new"), 200);
    assert_int_equal(recv(fd, text, 25, MSG_WAITALL), 25);
    client_send(fd, "abc");
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(atomic_load(&stage.new_side.body_bytes), 3);
    stage_close(&stage);
}

static void test_hold__survives_sigkill_and_ends_at_the_same_deadline(void **state)
{
    (void)state;
    struct writer writers[2];
    open_stage("");
    assert_int_equal(weight(10), 200);
    assert_int_equal(give(3, "new"), 200);
    hold(5, 3000);
    int64_t began = now_ms();
    assert_int_equal(stage_stop_facade(&stage, SIGKILL), -SIGKILL);
    fx_sleep_ms(300);
    stage_start_facade(&stage);
    start_writers(writers, 2);
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 5);
    double left_ms = status_number(&stage, "orders", "hold_left_ms");
    assert_true(left_ms > 0 && left_ms < 2750);
    join_writers(writers, 2, 200, 'n'); /* the owner that it knows */
    assert_true(now_ms() - began > 2900);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":4,\"deadline_ms\":9}"),
                     409);
    assert_int_equal((int)status_number(&stage, "orders-read", "weight_percent"), 100);
    stage_close(&stage);
}

static void test_hold__state_that_cannot_be_saved_changes_nothing(void **state)
{
    (void)state;
    open_stage("");
    char command[256];
    assert_int_equal(weight(0), 200);
    snprintf(command, sizeof command, "cd %s && mv .ficus gone && touch .ficus", stage.dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":1,\"deadline_ms\":9000}"),
                     500);
    assert_int_equal(give(2, "new"), 500);
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 0);
    assert_int_equal(ask_side("POST", ""), 'o');
    snprintf(command, sizeof command, "cd %s && rm .ficus && mv gone .ficus", stage.dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(give(2, "new"), 200);
    stage_close(&stage);
}

/* --- many writers through many switches --------------------------------------------------------- */

struct customer {
    pthread_t thread;
    int id, sent, refused, failed;
};
static atomic_bool is_over;

static void *run_customer(void *arg)
{
    struct customer *c = arg;
    FX_AUTO(reply) struct reply reply = {0};
    int fd = client_open(stage.port);
    while (!atomic_load(&is_over)) {
        char text[160];
        snprintf(text, sizeof text,
                 "POST /orders/c%d-%d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", c->id,
                 c->sent);
        client_send(fd, text);
        client_read(fd, "POST", &reply);
        c->sent++;
        c->refused += reply.status == 503;
        c->failed += reply.status != 200 && reply.status != 503;
        if (!reply.is_kept || reply.status == 0) {
            close(fd);
            fd = client_open(stage.port);
        }
    }
    close(fd);
    return NULL;
}

static void test_switch__loses_and_doubles_no_write_under_load(void **state)
{
    (void)state;
    enum { N = 16, SWITCHES = 20 };
    struct customer customers[N];
    open_stage("  hold: {release_per_second: 5000}\n");
    atomic_store(&is_over, false);
    for (int i = 0; i < N; i++) {
        customers[i] = (struct customer){.id = i};
        pthread_create(&customers[i].thread, NULL, run_customer, &customers[i]);
    }
    for (int i = 0; i < SWITCHES; i++) {
        struct upstream *loser = i % 2 == 0 ? &stage.old : &stage.new_side;
        fx_sleep_ms(20);
        hold(2 * i + 1, 5000);
        wait_number(&stage, "orders", "in_flight", 0);
        int before = atomic_load(&loser->requests);
        fx_sleep_ms(10);
        assert_int_equal(atomic_load(&loser->requests), before); /* drained means drained */
        assert_int_equal(give(2 * i + 2, i % 2 == 0 ? "new" : "old"), 200);
    }
    atomic_store(&is_over, true);
    int acknowledged = 0;
    for (int i = 0; i < N; i++) {
        pthread_join(customers[i].thread, NULL);
        assert_int_equal(customers[i].failed, 0);
        acknowledged += customers[i].sent - customers[i].refused;
    }
    assert_int_equal(atomic_load(&stage.old.requests) + atomic_load(&stage.new_side.requests),
                     acknowledged);
    assert_true(acknowledged > 500);
    stage_close(&stage);
}

static void test_drain__ends_what_runs_and_refuses_what_waits(void **state)
{
    (void)state;
    struct writer running = {.id = 1}, waiting = {.id = 2};
    open_stage("");
    atomic_store(&stage.old.delay_ms, 400);
    pthread_create(&running.thread, NULL, run_writer, &running);
    wait_number(&stage, "orders", "in_flight", 1);
    hold(1, 20000);
    pthread_create(&waiting.thread, NULL, run_writer, &waiting);
    wait_number(&stage, "orders", "held", 1);
    FX_AUTO_FD int idle = client_open(stage.port);
    assert_int_equal(stage_stop_facade(&stage, SIGTERM), 0);
    pthread_join(running.thread, NULL);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(running.status, 200);
    assert_int_equal(waiting.status, 503);
    assert_int_equal(atomic_load(&stage.old.requests), 1);
    stage_close(&stage);
}

static void test_drain__refuses_a_write_that_becomes_whole_while_the_group_holds(void **state)
{
    (void)state;
    open_stage("");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":1,\"deadline_ms\":8000}"),
                     200);
    client_send(fd, "POST /orders/7 HTTP/1.1\r\nHost: x\r\n");
    fx_sleep_ms(200);
    kill(stage.pid, SIGTERM);
    fx_sleep_ms(200);
    int64_t before_ms = now_ms();
    client_send(fd, "Content-Length: 0\r\n\r\n");
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 503);
    assert_true(now_ms() - before_ms < 4000);
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    close(fx_fd_take(&fd));
    stage_close(&stage);
}

/* A GET on a route of kind write may change something as well: it is the route that says so. */
static void test_drain__waits_for_writes_whose_client_left(void **state)
{
    (void)state;
    static const char *const heads[] = {"POST /orders/9", "GET /carts/9"};
    for (size_t i = 0; i < FX_ARRAY_LEN(heads); i++) {
        open_stage("");
        atomic_store(&stage.old.delay_ms, 600);
        int fd = client_open(stage.port);
        char text[128];
        snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                 heads[i]);
        client_send(fd, text);
        wait_number(&stage, "orders", "in_flight", 1);
        client_reset(fd);
        fx_sleep_ms(100);
        int64_t before_ms = now_ms();
        assert_int_equal(stage_stop_facade(&stage, SIGTERM), 0);
        assert_true(now_ms() - before_ms > 300);
        assert_int_equal(atomic_load(&stage.old.requests), 1);
        stage_close(&stage);
    }
}

static void test_facade__needs_the_daemon(void **state)
{
    (void)state;
    print_message("SKIP: FX_FICUSD does not name the daemon (make integration ONLY=1002 does)\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest none[] = {cmocka_unit_test(test_facade__needs_the_daemon)};
    if (getenv("FX_FICUSD") == NULL)
        return cmocka_run_group_tests(none, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxy__requests_share_one_connection_on_both_sides),
        cmocka_unit_test(test_proxy__pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_proxy__hop_by_hop_fields_stay_and_ours_are_added),
        cmocka_unit_test(test_proxy__a_request_that_comes_back_is_stopped),
        cmocka_unit_test(test_proxy__malformed_requests_never_reach_an_upstream),
        cmocka_unit_test(test_proxy__heads_beyond_the_limits_are_refused),
        cmocka_unit_test(test_proxy__options_counts_down_max_forwards),
        cmocka_unit_test(test_proxy__a_body_that_stalls_or_is_malformed_is_refused),
        cmocka_unit_test(test_proxy__large_bodies_stream_both_ways_in_bounded_memory),
        cmocka_unit_test(
            test_proxy__an_answer_that_ends_with_the_connection_is_chunked_for_the_client),
        cmocka_unit_test(test_proxy__expect_is_answered_and_not_forwarded),
        cmocka_unit_test(test_failure__upstream_errors_have_their_status),
        cmocka_unit_test(test_failure__reads_survive_connections_that_die_in_the_pool),
        cmocka_unit_test(test_failure__bytes_nobody_asked_for_are_no_answer),
        cmocka_unit_test(test_failure__writes_do_not_use_a_connection_idle_for_a_second),
        cmocka_unit_test(test_failure__a_write_whose_client_left_stays_in_flight_until_answered),
        cmocka_unit_test(test_failure__a_sick_endpoint_is_passed_over_until_it_is_well),
        cmocka_unit_test(test_split__grows_and_shrinks_without_moving_anyone_else),
        cmocka_unit_test(test_split__an_issued_cookie_sticks),
        cmocka_unit_test(test_admin__refuses_what_makes_no_sense_and_stale_epochs),
        cmocka_unit_test(test_admin__wants_its_token),
        cmocka_unit_test(test_shadow__compares_documents_and_tells_stale_from_wrong),
        cmocka_unit_test(test_shadow__a_black_hole_costs_the_customer_nothing),
        cmocka_unit_test(test_hold__a_switch_sends_held_writes_to_the_new_owner_in_order),
        cmocka_unit_test(test_hold__a_release_sends_held_writes_to_the_old_owner),
        cmocka_unit_test(test_hold__ends_at_its_deadline_by_itself),
        cmocka_unit_test(test_hold__a_full_queue_answers_503_with_retry_after),
        cmocka_unit_test(test_hold__a_client_that_leaves_is_never_sent),
        cmocka_unit_test(test_hold__waits_for_the_body_and_expect_until_released),
        cmocka_unit_test(test_hold__survives_sigkill_and_ends_at_the_same_deadline),
        cmocka_unit_test(test_hold__state_that_cannot_be_saved_changes_nothing),
        cmocka_unit_test(test_switch__loses_and_doubles_no_write_under_load),
        cmocka_unit_test(test_drain__ends_what_runs_and_refuses_what_waits),
        cmocka_unit_test(test_drain__refuses_a_write_that_becomes_whole_while_the_group_holds),
        cmocka_unit_test(test_drain__waits_for_writes_whose_client_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
