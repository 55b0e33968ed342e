/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: upstreams that die,
 * lie or hang, pooled connections, unhealthy endpoints.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

/* The monolith has a second endpoint, and a third if there is one; the facade is not running. */
static void set_endpoints(const struct upstream *second, const struct upstream *third,
                          const char *extra)
{
    char command[600], more[64] = "";
    if (third != NULL)
        snprintf(more, sizeof more, ", \"http://127.0.0.1:%d\"", third->port);
    snprintf(command, sizeof command,
             "sed -i 's|  monolith: .*|  monolith: {endpoints: [\"http://127.0.0.1:%d\", "
             "\"http://127.0.0.1:%d\"%s]%s}|' %s/ficus.yaml",
             stage.old.port, second->port, more, extra, stage.dir);
    assert_int_equal(system(command), 0);
}

static void test_failure__upstream_errors_have_their_status(void **state)
{
    (void)state;
    stage_open(&stage, "  timeouts: {response: 300ms}\n");
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
    stage_open(&stage, "");
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
    stage_open(&stage, "");
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
    stage_open(&stage, "");
    assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 200);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 200);
    assert_int_equal(atomic_load(&stage.old.connections), 1);
    fx_sleep_ms(1100);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 200);
    assert_int_equal(atomic_load(&stage.old.connections), 2);
    stage_close(&stage);
}

static void test_failure__a_write_whose_client_left_stays_in_flight_until_answered(void **state)
{
    (void)state;
    stage_open(&stage, "");
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
    static struct upstream second;
    stage_open(&stage, "");
    upstream_start(&second, "second");
    stage_stop_facade(&stage, SIGTERM);
    set_endpoints(&second, NULL, ", health: {path: /up, interval: 50ms}");
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
        has_served = reply_is_from(&reply, "second");
    }
    assert_true(has_served);
    stage_stop_facade(&stage, SIGTERM);
    upstream_stop(&second);
    stage_start_facade(&stage);
    stage_close(&stage);
}

/* One client, one connection: where a request goes must not depend on what happens to be pooled. */
static void test_failure__endpoints_take_turns_and_a_dead_one_costs_nobody_a_request(void **state)
{
    (void)state;
    enum { ROUNDS = 30 };
    static struct upstream second, third;
    stage_open(&stage, "");
    upstream_start(&second, "second");
    upstream_start(&third, "third");
    stage_stop_facade(&stage, SIGTERM);
    set_endpoints(&second, &third, "");
    stage_start_facade(&stage);
    for (int i = 0; i < 3 * ROUNDS; i++)
        assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 200);
    assert_int_equal(atomic_load(&stage.old.requests), ROUNDS);
    assert_int_equal(atomic_load(&second.requests), ROUNDS);
    assert_int_equal(atomic_load(&third.requests), ROUNDS);
    upstream_stop(&second); /* and its pooled connections with it */
    for (int i = 0; i < 2 * ROUNDS; i++)
        assert_int_equal(request_status(stage.port, i % 2 != 0 ? "POST" : "GET", "/a", "{}"), 200);
    assert_true(atomic_load(&stage.old.requests) >= 2 * ROUNDS - 10);
    assert_true(atomic_load(&third.requests) >= 2 * ROUNDS - 10);
    upstream_stop(&third);
    stage_close(&stage);
}

enum { CROWD = 60 };
struct visitor {
    pthread_t thread;
    int status;
};

static void *run_visitor(void *arg)
{
    struct visitor *visitor = arg;
    visitor->status = request_status(stage.port, "GET", "/a", NULL);
    return NULL;
}

static void test_failure__an_endpoint_that_hangs_does_not_take_all_connections(void **state)
{
    (void)state;
    static struct upstream second;
    struct visitor crowd[CROWD];
    int served = 0;
    stage_open(&stage, "  limits: {upstream_connections: 24}\n  timeouts: {response: 1500ms}\n");
    upstream_start(&second, "second");
    stage_stop_facade(&stage, SIGTERM);
    set_endpoints(&second, NULL, "");
    atomic_store(&second.hang, 1);
    stage_start_facade(&stage);
    for (int i = 0; i < CROWD; i++) {
        pthread_create(&crowd[i].thread, NULL, run_visitor, &crowd[i]);
        fx_sleep_ms(10);
    }
    for (int i = 0; i < CROWD; i++) {
        pthread_join(crowd[i].thread, NULL);
        served += crowd[i].status == 200;
        assert_true(crowd[i].status == 200 || crowd[i].status == 504);
    }
    assert_true(served >= CROWD - 16);
    stage_stop_facade(&stage, SIGTERM);
    upstream_stop(&second);
    stage_start_facade(&stage);
    stage_close(&stage);
}

/* It may change something, says the route; a connection that dies has perhaps delivered it. */
static void test_failure__a_get_on_a_write_route_is_sent_once(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(request_status(stage.port, "GET", "/carts/1", NULL), 200);
    atomic_store(&stage.old.drop, 1);
    assert_int_equal(request_status(stage.port, "GET", "/carts/2", NULL), 502);
    assert_int_equal(atomic_load(&stage.old.connections), 1); /* a pooled one */
    assert_int_equal(atomic_load(&stage.old.requests), 2);
    stage_close(&stage);
}

static void test_failure__an_upstream_that_does_not_read_is_late_not_the_client(void **state)
{
    (void)state;
    enum { SIZE = 24 << 20 };
    stage_open(&stage, "  timeouts: {stall: 500ms}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(SIZE + 1);
    assert_true(fx_buf_reserve(&body, SIZE));
    memset(body.ptr, 'x', SIZE);
    body.ptr[SIZE] = '\0';
    atomic_store(&stage.old.is_deaf, 1);
    request(stage.port, "POST", "/orders/1", "", body.ptr, &reply);
    assert_int_equal(reply.status, 504);
    assert_int_equal((int)status_number(&stage, "orders-write", "errors_old"), 1);
    atomic_store(&stage.old.is_deaf, 0);
    stage_close(&stage);
}

static void test_failure__a_client_that_does_not_read_is_no_error_of_its_side(void **state)
{
    (void)state;
    stage_open(&stage, "  timeouts: {stall: 300ms}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(fd, "GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, "GET", &reply);
    atomic_store(&stage.old.big_bytes, 32 << 20);
    client_send(fd, "GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    fx_sleep_ms(1200);
    assert_int_equal((int)status_number(&stage, "orders-read", "requests_old"), 1);
    assert_int_equal((int)status_number(&stage, "orders-read", "errors_old"), 0);
    admin_reply(&stage, "GET", "/metrics", "", NULL, &reply);
    assert_null(strstr(reply.body.ptr, "reason=\"timeout\"} 1"));
    stage_close(&stage);
}

static void test_failure__an_answer_that_broke_off_does_not_look_whole(void **state)
{
    (void)state;
    stage_open(&stage, "");
    FX_AUTO(reply) struct reply reply = {0};
    atomic_store(&stage.old.cut_short, 1);
    request(stage.port, "GET", "/a", "", NULL, &reply);
    assert_int_equal(reply.status, -200);
    char bytes[1024];
    ssize_t n;
    FX_AUTO_FD int fd =
        client_open(stage.port); /* HTTP/1.0: the end of the connection ends the body */
    client_send(fd, "GET /a HTTP/1.0\r\n\r\n");
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    assert_true(n < 0 && errno == ECONNRESET);
    stage_close(&stage);
}

/* Server-sent events may be quiet for longer than a stalled body. */
static void test_failure__a_quiet_event_stream_is_not_cut(void **state)
{
    (void)state;
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "  timeouts: {stall: 200ms, stream: 5s}\n");
    atomic_store(&stage.old.quiet_ms, 700);
    request(stage.port, "GET", "/a", "", NULL, &reply);
    assert_true(reply.body.len < strlen("{\"side\":\"old\"}")); /* cut */
    atomic_store(&stage.old.fields, "Content-Type: text/event-stream; charset=utf-8\r\n");
    request(stage.port, "GET", "/a", "", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply_is_from(&reply, "{\"side\":\"old\"}"));
    stage_close(&stage);
}

/* Its client has a 504, but the upstream works on: a hold must not take the group for drained. */
static void
test_failure__a_write_that_timed_out_is_in_flight_until_its_upstream_is_done(void **state)
{
    (void)state;
    stage_open(&stage, "  timeouts: {response: 200ms}\n");
    atomic_store(&stage.old.delay_ms, 1500);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 504);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 1);
    stage_hold(&stage, 1, 20000);
    fx_sleep_ms(200);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 1);
    wait_number(&stage, "orders", "in_flight", 0);
    assert_int_equal((int)status_number(&stage, "orders", "lost"), 0);
    stage_close(&stage);
}

static void test_failure__a_write_that_is_never_answered_is_lost_and_counted(void **state)
{
    (void)state;
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "  timeouts: {response: 200ms}\n  hold: {unanswered: 500ms}\n");
    atomic_store(&stage.old.hang, 1);
    assert_int_equal(request_status(stage.port, "POST", "/orders/1", "{}"), 504);
    assert_int_equal(request_status(stage.port, "GET", "/orders/1", NULL), 504);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 1); /* a read is none */
    wait_number(&stage, "orders", "in_flight", 0);
    assert_int_equal((int)status_number(&stage, "orders", "lost"), 1);
    admin_reply(&stage, "GET", "/metrics", "", NULL, &reply);
    assert_non_null(
        strstr(fx_buf_cstr(&reply.body), "ficus_facade_writes_lost_total{group=\"orders\"} 1"));
    stage_close(&stage);
}

/* A client that leaves in the middle of its body: the rest is never sent, and when the upstream has
 * seen that, nobody waits any more. */
static void
test_failure__a_body_that_breaks_off_is_in_flight_until_its_upstream_closes(void **state)
{
    (void)state;
    stage_open(&stage, "");
    atomic_store(&stage.old.delay_ms, 700);
    int fd = client_open(stage.port);
    client_send(fd, "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    wait_number(&stage, "orders", "in_flight", 1);
    fx_sleep_ms(100);
    client_reset(fd);
    fx_sleep_ms(200);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 1);
    wait_number(&stage, "orders", "in_flight", 0);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure__upstream_errors_have_their_status),
        cmocka_unit_test(test_failure__reads_survive_connections_that_die_in_the_pool),
        cmocka_unit_test(test_failure__bytes_nobody_asked_for_are_no_answer),
        cmocka_unit_test(test_failure__writes_do_not_use_a_connection_idle_for_a_second),
        cmocka_unit_test(test_failure__a_write_whose_client_left_stays_in_flight_until_answered),
        cmocka_unit_test(test_failure__a_quiet_event_stream_is_not_cut),
        cmocka_unit_test(
            test_failure__a_write_that_timed_out_is_in_flight_until_its_upstream_is_done),
        cmocka_unit_test(test_failure__a_write_that_is_never_answered_is_lost_and_counted),
        cmocka_unit_test(
            test_failure__a_body_that_breaks_off_is_in_flight_until_its_upstream_closes),
        cmocka_unit_test(test_failure__endpoints_take_turns_and_a_dead_one_costs_nobody_a_request),
        cmocka_unit_test(test_failure__an_endpoint_that_hangs_does_not_take_all_connections),
        cmocka_unit_test(test_failure__a_get_on_a_write_route_is_sent_once),
        cmocka_unit_test(test_failure__an_upstream_that_does_not_read_is_late_not_the_client),
        cmocka_unit_test(test_failure__a_client_that_does_not_read_is_no_error_of_its_side),
        cmocka_unit_test(test_failure__an_answer_that_broke_off_does_not_look_whole),
        cmocka_unit_test(test_failure__a_sick_endpoint_is_passed_over_until_it_is_well),
    };
    return STAGE_RUN(tests);
}
