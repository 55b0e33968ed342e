/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: what is short (descriptors,
 * turns of the loop) is shared so that all go on.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

enum { IDLE = 80 };

static void open_idle(int fds[IDLE])
{
    for (int i = 0; i < IDLE; i++)
        assert_true((fds[i] = client_open(stage.port)) >= 0);
}

static void close_idle(const int fds[IDLE])
{
    for (int i = 0; i < IDLE; i++)
        close(fds[i]);
}

static void test_limits__few_descriptors_are_not_all_for_clients(void **state)
{
    (void)state;
    int fds[IDLE];
    FX_AUTO(reply) struct reply reply = {0};
    stage.descriptors = 100;
    stage_open(&stage, "");
    open_idle(fds);
    client_send(fds[0], "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    client_read(fds[0], "POST", &reply);
    assert_int_equal(reply.status, 200); /* who is in is served */
    client_read(fds[IDLE - 1], "GET", &reply);
    assert_int_equal(reply.status, 503);
    stage_hold(&stage, 1, 5000); /* the operator gets in, and the state is saved */
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    close_idle(fds);
    stage_close(&stage);
    stage.descriptors = 0;
}

/* The limit falls while it runs, as when the whole system has no more. */
static void test_limits__accepting_without_descriptors_does_not_spin(void **state)
{
    (void)state;
    int fds[IDLE];
    struct rlimit before, low = {24, 0};
    stage_open(&stage, "");
    assert_int_equal(prlimit(stage.pid, RLIMIT_NOFILE, NULL, &before), 0);
    low.rlim_max = before.rlim_max;
    assert_int_equal(prlimit(stage.pid, RLIMIT_NOFILE, &low, NULL), 0);
    open_idle(fds);
    fx_sleep_ms(100);
    long used_ms = stage_cpu_ms(&stage);
    fx_sleep_ms(1000);
    assert_true(stage_cpu_ms(&stage) - used_ms < 200);
    assert_int_equal(prlimit(stage.pid, RLIMIT_NOFILE, &before, NULL), 0);
    assert_int_equal(request_status(stage.port, "GET", "/a", NULL), 200);
    close_idle(fds);
    stage_close(&stage);
}

static atomic_bool is_over;

static void *upload(void *arg)
{
    static const char zeros[1 << 20];
    int fd = client_open(stage.port);
    (void)arg;
    client_send(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n");
    while (!atomic_load(&is_over) && send(fd, zeros, sizeof zeros, MSG_NOSIGNAL) > 0)
        ;
    close(fd);
    return NULL;
}

static void test_limits__an_upload_gives_others_their_turn(void **state)
{
    (void)state;
    pthread_t thread;
    stage_open(&stage, "");
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, upload, NULL), 0);
    fx_sleep_ms(200);
    int64_t longest_ms = 0;
    for (int i = 0; i < 100; i++) {
        int64_t began = now_ms();
        assert_int_equal(request_status(stage.port, "GET", "/b", NULL), 200);
        longest_ms = FX_MAX(longest_ms, now_ms() - began);
        fx_sleep_ms(10);
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    assert_true(longest_ms < 400);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits__few_descriptors_are_not_all_for_clients),
        cmocka_unit_test(test_limits__accepting_without_descriptors_does_not_spin),
        cmocka_unit_test(test_limits__an_upload_gives_others_their_turn),
    };
    return STAGE_RUN(tests);
}
