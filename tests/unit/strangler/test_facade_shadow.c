/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: answers of the
 * other side are compared and nobody waits for them.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

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
    stage_open(&stage, "");
    assert_int_equal(shadow(100, 200), 200);
    atomic_store(&stage.old.body, "{\"a\":1,\"b\":2,\"generated_at\":\"x\"}");
    atomic_store(&stage.new_side.body, "{\"b\":2,\"a\":1,\"generated_at\":\"y\"}");
    assert_int_equal(stage_side(&stage, "GET", ""), '?');
    wait_number(&stage, "orders-read", "shadow_compared", 1);
    assert_int_equal((int)status_number(&stage, "orders-read", "shadow_mismatch"), 0);
    atomic_store(&stage.new_side.body, "{\"a\":1,\"b\":3}");
    stage_side(&stage, "GET", "");
    wait_number(&stage, "orders-read", "shadow_mismatch", 1);
    FX_AUTO(reply) struct reply reply = {0};
    admin_reply(&stage, "GET", "/v1/status", "", NULL, &reply);
    assert_non_null(strstr(reply.body.ptr, "GET /orders/1"));
    assert_non_null(strstr(reply.body.ptr, "/b: "));
    assert_null(strstr(reply.body.ptr, "2 and 3")); /* what customers have is hidden */
    stage_side(&stage, "GET", "");
    fx_sleep_ms(50);
    atomic_store(&stage.new_side.body, "{\"a\":1,\"b\":2}"); /* the stream caught up */
    wait_number(&stage, "orders-read", "shadow_stale", 1);
    assert_int_equal((int)status_number(&stage, "orders-read", "shadow_mismatch"), 1);
    atomic_store(&stage.new_side.status, 500);
    stage_side(&stage, "GET", "");
    wait_number(&stage, "orders-read", "shadow_mismatch", 2);
    assert_int_equal(stage_side(&stage, "POST", ""), '?');
    fx_sleep_ms(100);
    for (int i = 0; i < atomic_load(&stage.new_side.requests); i++)
        assert_null(strstr(stage.new_side.seen[i], "POST")); /* writes are never shadowed */
    stage_close(&stage);
}

static void test_shadow__shows_what_differs_if_asked(void **state)
{
    (void)state;
    stage_open(&stage, "  shadow: {show_values: true}\n");
    assert_int_equal(shadow(100, 50), 200);
    atomic_store(&stage.old.body, "{\"b\":2}");
    atomic_store(&stage.new_side.body, "{\"b\":3}");
    assert_int_equal(stage_side(&stage, "GET", ""), '?');
    wait_number(&stage, "orders-read", "shadow_mismatch", 1);
    FX_AUTO(reply) struct reply reply = {0};
    admin_reply(&stage, "GET", "/v1/status", "", NULL, &reply);
    assert_non_null(strstr(reply.body.ptr, "/b: 2 and 3"));
    stage_close(&stage);
}

static void test_shadow__what_ends_after_it_was_switched_off_is_not_counted(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(shadow(100, 300), 200);
    atomic_store(&stage.old.body, "{\"a\":1}");
    atomic_store(&stage.new_side.body, "{\"a\":2}");
    assert_int_equal(stage_side(&stage, "GET", ""), '?');
    fx_sleep_ms(50);
    assert_int_equal(shadow(0, 300), 200);
    fx_sleep_ms(600); /* the second look is over */
    assert_int_equal((int)status_number(&stage, "orders-read", "shadow_compared"), 0);
    assert_int_equal((int)status_number(&stage, "orders-read", "shadow_mismatch"), 0);
    FX_AUTO(reply) struct reply reply = {0};
    admin_reply(&stage, "GET", "/v1/status", "", NULL, &reply);
    assert_null(strstr(reply.body.ptr, "/a: 1 and 2"));
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
    stage_open(&stage, "  shadow: {connections: 2, queue: 50, timeout: 1s}\n");
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

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

/* What refused FCD_DOWN_AFTER connections is left alone for
 * a while, and its comparisons count as failed at once. */
static void test_shadow__a_refusing_side_is_not_dialled_for_every_request(void **state)
{
    (void)state;
    stage_open(&stage, "");
    assert_int_equal(shadow(100, 10), 200);
    upstream_stop(&stage.new_side);
    int64_t began = now_ms();
    for (int i = 0; i < 10; i++) {
        stage_side(&stage, "GET", "");
        fx_sleep_ms(20);
    }
    FX_AUTO_FD int listener = listen_on(stage.new_side.port);
    for (int i = 0; i < 10; i++)
        stage_side(&stage, "GET", "");
    fx_sleep_ms(100);
    int fd = accept(listener, NULL, NULL);
    if (now_ms() - began <
        1800) { /* else the machine is so slow that it was tried again, rightly */
        assert_int_equal(fd, -1);
        wait_number(&stage, "orders-read", "shadow_failed", 20);
    }
    if (fd >= 0)
        close(fd);
    upstream_start(&stage.new_side, "new");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shadow__compares_documents_and_tells_stale_from_wrong),
        cmocka_unit_test(test_shadow__shows_what_differs_if_asked),
        cmocka_unit_test(test_shadow__what_ends_after_it_was_switched_off_is_not_counted),
        cmocka_unit_test(test_shadow__a_refusing_side_is_not_dialled_for_every_request),
        cmocka_unit_test(test_shadow__a_black_hole_costs_the_customer_nothing),
    };
    return STAGE_RUN(tests);
}
