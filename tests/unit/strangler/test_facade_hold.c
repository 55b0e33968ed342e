/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories about the running facade: writes that wait, switches
 * that lose and double nothing, drains that cut nothing off.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"

static struct stage stage;

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
    w->side = reply_is_from(&reply, "\"new\"") ? 'n' : 'o';
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

static void test_hold__a_switch_sends_held_writes_to_the_new_owner_in_order(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    /* Far enough apart for the upstream's threads to run in order on a busy machine. */
    stage_open(&stage, "  hold: {release_per_second: 10}\n");
    stage_hold(&stage, 1, 20000);
    start_writers(writers, WRITERS);
    assert_int_equal(stage_side(&stage, "GET", ""), 'o'); /* reads go on */
    assert_int_equal(atomic_load(&stage.new_side.requests), 0);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    join_writers(writers, WRITERS, 200, 'n');
    check_order(&stage.new_side, WRITERS);
    assert_int_equal(stage_side(&stage, "GET", ""), 'n');
    assert_int_equal(stage_side(&stage, "POST", ""), 'n');
    assert_int_equal((int)status_number(&stage, "orders-read", "weight_percent"), 100);
    assert_true(status_number(&stage, "orders", "held_max_ms") > 10);
    assert_int_equal(stage_give(&stage, 2, "old"), 409);
    assert_int_equal(stage_give(&stage, 4, "old"), 200); /* fall-back */
    assert_int_equal(stage_side(&stage, "GET", ""), 'o');
    assert_int_equal((int)status_number(&stage, "orders-read", "weight_percent"), 0);
    stage_close(&stage);
}

static void test_hold__a_release_sends_held_writes_to_the_old_owner(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    stage_open(&stage, "");
    stage_hold(&stage, 1, 20000);
    start_writers(writers, WRITERS);
    assert_int_equal(admin(&stage, "/v1/groups/orders/release", "{\"epoch\":1}"), 200);
    join_writers(writers, WRITERS, 200, 'o');
    stage_close(&stage);
}

static void test_hold__ends_at_its_deadline_by_itself(void **state)
{
    (void)state;
    struct writer writers[3];
    stage_open(&stage, "");
    stage_hold(&stage, 1, 700);
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
    stage_open(&stage, "  hold: {requests: 3}\n");
    stage_hold(&stage, 1, 20000);
    start_writers(writers, 3);
    FX_AUTO(reply) struct reply reply = {0};
    request(stage.port, "POST", "/orders/9", "", "{}", &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.head, "Retry-After: 1"));
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    join_writers(writers, 3, 200, 'n');
    assert_int_equal(atomic_load(&stage.new_side.requests), 3);
    stage_close(&stage);
}

static void test_hold__a_client_that_leaves_is_never_sent(void **state)
{
    (void)state;
    struct writer writers[1];
    stage_open(&stage, "");
    stage_hold(&stage, 1, 20000);
    int fd = client_open(stage.port);
    client_send(fd, "POST /orders/gone HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    wait_number(&stage, "orders", "held", 1);
    close(fd);
    wait_number(&stage, "orders", "held", 0);
    start_writers(writers, 1);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    join_writers(writers, 1, 200, 'n');
    check_order(&stage.new_side, 1);
    stage_close(&stage);
}

static void test_hold__waits_for_the_body_and_expect_until_released(void **state)
{
    (void)state;
    char text[64] = {0};
    stage_open(&stage, "");
    stage_hold(&stage, 1, 20000);
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(
        fd,
        "POST /orders/1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    wait_number(&stage, "orders", "held", 1);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), -1);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    assert_int_equal(recv(fd, text, 25, MSG_WAITALL), 25);
    client_send(fd, "abc");
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(atomic_load(&stage.new_side.body_bytes), 3);
    stage_close(&stage);
}

/* A body of which a byte comes now and then, never the last one. */
struct drip {
    pthread_t thread;
    int fd;
    atomic_int is_over;
};

static void *run_drip(void *arg)
{
    struct drip *drip = arg;
    while (atomic_load(&drip->is_over) == 0 && send(drip->fd, "x", 1, MSG_NOSIGNAL) == 1)
        fx_sleep_ms(20);
    return NULL;
}

static void test_hold__does_not_wait_for_a_client_that_drips(void **state)
{
    (void)state;
    struct drip drip = {0};
    stage_open(&stage, "  hold: {body: 300ms}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = drip.fd = client_open(stage.port);
    client_send(fd, "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    pthread_create(&drip.thread, NULL, run_drip, &drip);
    wait_number(&stage, "orders", "in_flight", 1);
    int64_t began = now_ms();
    stage_hold(&stage, 1, 20000);
    wait_number(&stage, "orders", "in_flight", 0);
    assert_true(now_ms() - began < 2000);
    atomic_store(&drip.is_over, 1);
    pthread_join(drip.thread, NULL);
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.head, "Retry-After: 1"));
    admin_reply(&stage, "GET", "/metrics", "", NULL, &reply);
    assert_non_null(
        strstr(fx_buf_cstr(&reply.body), "ficus_facade_bodies_cut_total{why=\"hold\"} 1"));
    stage_close(&stage);
}

static void test_hold__does_not_wait_for_a_client_that_does_not_read(void **state)
{
    (void)state;
    stage_open(&stage, "  hold: {body: 300ms}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    atomic_store(&stage.old.big_bytes, 32 << 20);
    client_send(fd, "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    wait_number(&stage, "orders", "in_flight", 1);
    fx_sleep_ms(100);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 1);
    int64_t began = now_ms();
    stage_hold(&stage, 1, 20000);
    wait_number(&stage, "orders", "in_flight", 0);
    assert_true(now_ms() - began < 2000);
    client_read(fd, "POST", &reply); /* and nothing is taken from it */
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.len, 32 << 20);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 0);
    stage_close(&stage);
}

static void test_hold__an_upload_that_ends_in_time_is_served(void **state)
{
    (void)state;
    stage_open(&stage, "  hold: {body: 2s}\n");
    FX_AUTO(reply) struct reply reply = {0};
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(fd, "POST /orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    wait_number(&stage, "orders", "in_flight", 1);
    stage_hold(&stage, 1, 20000);
    fx_sleep_ms(300);
    client_send(fd, "def");
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 0);
    stage_close(&stage);
}

static void test_hold__survives_sigkill_and_ends_at_the_same_deadline(void **state)
{
    (void)state;
    struct writer writers[2];
    stage_open(&stage, "");
    assert_int_equal(stage_weight(&stage, 10), 200);
    assert_int_equal(stage_give(&stage, 3, "new"), 200);
    stage_hold(&stage, 5, 3000);
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
    stage_open(&stage, "");
    char command[256];
    assert_int_equal(stage_weight(&stage, 0), 200);
    snprintf(command, sizeof command, "cd %s && mv .ficus gone && touch .ficus", stage.dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(admin(&stage, "/v1/groups/orders/hold", "{\"epoch\":1,\"deadline_ms\":9000}"),
                     500);
    assert_int_equal(stage_give(&stage, 2, "new"), 500);
    assert_int_equal((int)status_number(&stage, "orders", "epoch"), 0);
    assert_int_equal(stage_side(&stage, "POST", ""), 'o');
    snprintf(command, sizeof command, "cd %s && rm .ficus && mv gone .ficus", stage.dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    stage_close(&stage);
}

/* --- a side that was chosen too early --------------------------------------------------------- */

/* Its connection to the old side waits in a full accept queue. */
static int begin_slow_write(const char *body_so_far)
{
    char text[256];
    stage_open(&stage, "  timeouts: {connect: 20s}\n  hold: {release_per_second: 50}\n");
    upstream_fill(&stage.old);
    int fd = client_open(stage.port);
    snprintf(text, sizeof text,
             "POST /orders/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n%s", body_so_far);
    client_send(fd, text);
    wait_number(&stage, "orders", "in_flight", 1);
    return fd;
}

static void end_slow_write(int fd, const char *rest, struct upstream *winner)
{
    FX_AUTO(reply) struct reply reply = {0};
    upstream_empty(&stage.old);
    client_send(fd, rest);
    client_read(fd, "POST", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply_is_from(&reply, winner == &stage.old ? "\"old\"" : "\"new\""));
    assert_int_equal(atomic_load(&stage.old.requests) + atomic_load(&stage.new_side.requests), 1);
    assert_int_equal(atomic_load(&winner->body_bytes), 6);
    assert_int_equal((int)status_number(&stage, "orders", "in_flight"), 0);
    close(fd);
    stage_close(&stage);
}

static void
test_stale__a_write_that_waits_for_its_connection_is_not_in_flight_of_a_hold(void **state)
{
    (void)state;
    int fd = begin_slow_write("abcdef");
    stage_hold(&stage, 1, 20000);
    wait_number(&stage, "orders", "in_flight", 0); /* nothing of it was sent: it waits again */
    wait_number(&stage, "orders", "held", 1);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    end_slow_write(fd, "", &stage.new_side);
}

static void test_stale__a_switch_without_hold_takes_it_to_the_new_owner(void **state)
{
    (void)state;
    int fd = begin_slow_write("");
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    end_slow_write(fd, "abcdef", &stage.new_side);
    stage_open(&stage, "");
    assert_int_equal(stage_give(&stage, 7, "new"), 200);
    assert_int_equal(stage_side(&stage, "POST", ""), 'n');
    assert_non_null(strstr(stage.new_side.last_head, "Ficus-Epoch: 7\r\n"));
    stage_close(&stage);
}

static void test_stale__after_a_release_it_goes_where_it_was_going(void **state)
{
    (void)state;
    int fd = begin_slow_write("abc");
    stage_hold(&stage, 3, 20000);
    wait_number(&stage, "orders", "held", 1);
    assert_int_equal(admin(&stage, "/v1/groups/orders/release", "{\"epoch\":3}"), 200);
    end_slow_write(fd, "def", &stage.old);
}

static void test_stale__it_keeps_its_place_in_the_queue(void **state)
{
    (void)state;
    struct writer writers[3];
    int fd = begin_slow_write("abcdef");
    stage_hold(&stage, 1, 20000);
    wait_number(&stage, "orders", "held", 1);
    for (int i = 0; i < 3; i++) {
        writers[i] = (struct writer){.id = i};
        pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]);
        wait_number(&stage, "orders", "held", i + 2);
    }
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    join_writers(writers, 3, 200, 'n');
    assert_string_equal(stage.new_side.seen[0], "POST /orders/slow");
    upstream_empty(&stage.old);
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    close(fd);
    stage_close(&stage);
}

static void test_stale__a_client_that_leaves_meanwhile_is_never_sent(void **state)
{
    (void)state;
    int fd = begin_slow_write("abcdef");
    client_reset(fd);
    wait_number(&stage, "orders", "in_flight", 0);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    upstream_empty(&stage.old);
    fx_sleep_ms(1500); /* longer than the kernel waits before it connects again */
    assert_int_equal(atomic_load(&stage.old.requests) + atomic_load(&stage.new_side.requests), 0);
    stage_close(&stage);
}

static void test_stale__a_read_is_not_taken_to_the_side_that_lost(void **state)
{
    (void)state;
    FX_AUTO(reply) struct reply reply = {0};
    stage_open(&stage, "  timeouts: {connect: 20s}\n");
    upstream_fill(&stage.old);
    FX_AUTO_FD int fd = client_open(stage.port);
    client_send(fd, "GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    fx_sleep_ms(100);
    assert_int_equal(stage_give(&stage, 2, "new"), 200);
    upstream_empty(&stage.old);
    client_read(fd, "GET", &reply);
    assert_true(reply_is_from(&reply, "\"new\""));
    assert_int_equal(atomic_load(&stage.old.requests), 0);
    stage_close(&stage);
}

/* --- many writers through many switches ------------------------------------------------------- */

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
    stage_open(&stage, "  hold: {release_per_second: 5000}\n");
    atomic_store(&is_over, false);
    for (int i = 0; i < N; i++) {
        customers[i] = (struct customer){.id = i};
        pthread_create(&customers[i].thread, NULL, run_customer, &customers[i]);
    }
    for (int i = 0; i < SWITCHES; i++) {
        struct upstream *loser = i % 2 == 0 ? &stage.old : &stage.new_side;
        fx_sleep_ms(20);
        stage_hold(&stage, 2 * i + 1, 5000);
        wait_number(&stage, "orders", "in_flight", 0);
        int before = atomic_load(&loser->requests);
        fx_sleep_ms(10);
        assert_int_equal(atomic_load(&loser->requests), before); /* drained means drained */
        assert_int_equal(stage_give(&stage, 2 * i + 2, i % 2 == 0 ? "new" : "old"), 200);
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
    stage_open(&stage, "");
    atomic_store(&stage.old.delay_ms, 400);
    pthread_create(&running.thread, NULL, run_writer, &running);
    wait_number(&stage, "orders", "in_flight", 1);
    stage_hold(&stage, 1, 20000);
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

/* logrotate, an operator with the habits of other daemons, a closed terminal. */
static void test_signals__of_other_daemons_end_nothing(void **state)
{
    (void)state;
    static const int numbers[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    stage_open(&stage, "");
    for (size_t i = 0; i < FX_ARRAY_LEN(numbers); i++) {
        kill(stage.pid, numbers[i]);
        assert_int_equal(stage_side(&stage, "POST", ""), 'o');
    }
    char command[256];
    snprintf(command, sizeof command, "grep -q 'nothing is reloaded' %s/log", stage.dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(stage_stop_facade(&stage, SIGTERM), 0);
    stage_close(&stage);
}

static void test_drain__refuses_a_write_that_becomes_whole_while_the_group_holds(void **state)
{
    (void)state;
    stage_open(&stage, "");
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
        stage_open(&stage, "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold__a_switch_sends_held_writes_to_the_new_owner_in_order),
        cmocka_unit_test(test_hold__a_release_sends_held_writes_to_the_old_owner),
        cmocka_unit_test(test_hold__ends_at_its_deadline_by_itself),
        cmocka_unit_test(test_hold__a_full_queue_answers_503_with_retry_after),
        cmocka_unit_test(test_hold__a_client_that_leaves_is_never_sent),
        cmocka_unit_test(test_hold__waits_for_the_body_and_expect_until_released),
        cmocka_unit_test(test_hold__does_not_wait_for_a_client_that_drips),
        cmocka_unit_test(test_hold__does_not_wait_for_a_client_that_does_not_read),
        cmocka_unit_test(test_hold__an_upload_that_ends_in_time_is_served),
        cmocka_unit_test(test_hold__survives_sigkill_and_ends_at_the_same_deadline),
        cmocka_unit_test(test_hold__state_that_cannot_be_saved_changes_nothing),
        cmocka_unit_test(
            test_stale__a_write_that_waits_for_its_connection_is_not_in_flight_of_a_hold),
        cmocka_unit_test(test_stale__a_switch_without_hold_takes_it_to_the_new_owner),
        cmocka_unit_test(test_stale__after_a_release_it_goes_where_it_was_going),
        cmocka_unit_test(test_stale__it_keeps_its_place_in_the_queue),
        cmocka_unit_test(test_stale__a_client_that_leaves_meanwhile_is_never_sent),
        cmocka_unit_test(test_stale__a_read_is_not_taken_to_the_side_that_lost),
        cmocka_unit_test(test_switch__loses_and_doubles_no_write_under_load),
        cmocka_unit_test(test_signals__of_other_daemons_end_nothing),
        cmocka_unit_test(test_drain__ends_what_runs_and_refuses_what_waits),
        cmocka_unit_test(test_drain__refuses_a_write_that_becomes_whole_while_the_group_holds),
        cmocka_unit_test(test_drain__waits_for_writes_whose_client_left),
    };
    return STAGE_RUN(tests);
}
