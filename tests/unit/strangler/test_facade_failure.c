/* SPDX-License-Identifier: Apache-2.0 */
/* Stories about the running facade: upstreams that die, lie or hang, pooled connections, endpoints that are sick. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

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
    char command[512];
    struct upstream second;
    stage_open(&stage, "");
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
        has_served = reply_is_from(&reply, "second");
    }
    assert_true(has_served);
    stage_stop_facade(&stage, SIGTERM);
    upstream_stop(&second);
    stage_start_facade(&stage);
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
        cmocka_unit_test(test_failure__a_sick_endpoint_is_passed_over_until_it_is_well),
    };
    return STAGE_RUN(tests);
}
