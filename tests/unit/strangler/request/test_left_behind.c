/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests whose client goes or takes its time, on a worker in this process with an upstream that
 * the test plays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/io/sock.h"
#include "strangler/worker/worker.h"
#include "tests/unit/tmp.h"

struct scene {
    char dir[200], conf_path[256];
    struct fx_arena arena;
    struct fcd_config *conf;
    struct fx_loop *loop;
    struct fcd_worker *worker;
    int upstream; /* listens */
};

static void open_scene(struct scene *scene)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_addr any, bound;
    char text[FX_ADDR_TEXT];
    snprintf(scene->dir, sizeof scene->dir, "%s/fcd-left-XXXXXX", test_tmp());
    assert_non_null(mkdtemp(scene->dir));
    assert_true(fx_addr_parse("127.0.0.1:0", &any, &err));
    assert_true(fx_sock_listen(&any, 8, &scene->upstream, &bound, &err));
    fx_addr_text(&bound, text);
    snprintf(scene->conf_path, sizeof scene->conf_path, "%s/ficus.yaml", scene->dir);
    FILE *f = fopen(scene->conf_path, "w");
    assert_non_null(f);
    fprintf(f,
            "apiVersion: ficus/v1\nkind: Project\nupstreams:\n"
            "  mono: {endpoints: [\"http://%s\"]}\nfacade:\n  default: mono\n"
            "  listen: [{address: \"127.0.0.1:0\"}]\n  admin: {address: \"unix:admin.sock\"}\n",
            text);
    fclose(f);
    fx_arena_init(&scene->arena, 0);
    assert_true(fcd_config_load(scene->conf_path, &scene->arena, &scene->conf, &err));
    scene->conf->state_dir = scene->dir;
    assert_true(fx_loop_new(&scene->loop, &err));
    assert_true(fcd_worker_new(scene->conf, scene->loop, &scene->worker, &err));
    assert_true(fcd_worker_listen(scene->worker, &err));
}

static void close_scene(struct scene *scene)
{
    fcd_worker_free(scene->worker);
    fx_loop_free(scene->loop);
    fx_arena_done(&scene->arena);
    close(scene->upstream);
    unlink(scene->conf_path);
    rmdir(scene->dir);
}

static void turn(struct scene *scene, int n)
{
    while (n-- > 0)
        fx_loop_turn(scene->loop, 1);
}

static void close_with_reset(int fd)
{
    fx_sock_reset_on_close(fd);
    close(fd);
}

/* `receives`: SO_RCVBUF; 0: as it is. */
static int connect_client(struct scene *scene, int receives)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct fx_addr *at =
        &scene->worker->net.listeners[scene->worker->net.n_listeners - 1].addr;
    if (receives > 0)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receives, sizeof receives), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at->storage, at->len), 0);
    return fd;
}

static int send_request(struct scene *scene, const char *text)
{
    int fd = connect_client(scene, 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn(scene, 5);
    return fd;
}

/* The upstream's end of the connection that a first
 * request opened; it is idle in the pool afterwards. */
static int pooled_connection(struct scene *scene)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    struct fx_addr peer;
    char bytes[1024];
    FX_AUTO_FD int client = send_request(scene, "DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n");
    int fd = fx_sock_accept(scene->upstream, &peer);
    assert_true(fd >= 0);
    turn(scene, 5);
    assert_true(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
    assert_int_equal(send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL), sizeof answer - 1);
    turn(scene, 5);
    assert_int_equal(scene->worker->upstreams[0].customers.idle.len, 1);
    return fd;
}

/*
 * No byte of it was sent when the pooled connection ended, so it might be sent again; but its head
 * went with its client.
 */
static void test_write__left_behind_is_not_sent_on_a_new_connection(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct fx_addr peer;
    open_scene(&scene);
    struct fcd_pool *pool = &scene.worker->upstreams[0].customers;
    int upstream = pooled_connection(&scene);
    pool->idle.last->stream.may_write = false;
    int client = send_request(&scene, "DELETE /b HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(pool->busy.len, 1);
    close_with_reset(client);
    turn(&scene, 5);
    assert_int_equal(scene.worker->requests.n_left_behind, 1);
    close_with_reset(upstream);
    turn(&scene, 5);
    assert_int_equal(scene.worker->requests.n_left_behind, 0);
    assert_int_equal(pool->n_connections, 0);
    assert_true(fx_sock_accept(scene.upstream, &peer) < 0);
    close_scene(&scene);
}

static const struct fcd_pool *pool_of(const struct scene *scene)
{
    return &scene->worker->upstreams[0].customers;
}

/*
 * The client asks to be told that it may send its body, which is empty, and is gone when it would
 * be told. No byte went to the upstream, so nothing is left behind.
 */
static void test_write__whose_client_goes_before_100_is_not_sent(void **state)
{
    static const char request[] = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                                  "Expect: 100-continue\r\n\r\n";
    (void)state;
    struct scene scene = {0};
    open_scene(&scene);
    int client = connect_client(&scene, 0);
    assert_int_equal(send(client, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    for (int i = 0; i < 20 && pool_of(&scene)->busy.len == 0; i++)
        turn(&scene, 1);
    assert_int_equal(pool_of(&scene)->busy.first->state, FCD_U_CONNECTING);
    close_with_reset(client); /* the connection to the upstream is ready before this */
    turn(&scene, 5);
    assert_int_equal(scene.worker->requests.n_left_behind, 0);
    assert_int_equal(pool_of(&scene)->n_connections, 0);
    close_scene(&scene);
}

/* Moves what fits from `text` to the upstream's peer. */
static size_t send_some(int fd, struct fx_str text)
{
    ssize_t n = send(fd, text.ptr, FX_MIN(text.len, (size_t)4096), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}

/* Small buffers in the kernel: what the client does not read stays with the facade. */
static int connect_slow_client(struct scene *scene, const char *request)
{
    int small = 4096, client = connect_client(scene, small);
    assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    turn(scene, 2);
    int served = scene->worker->net.conns.last->stream.watch.fd;
    assert_int_equal(setsockopt(served, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    turn(scene, 5);
    return client;
}

static void add_large_body(struct fx_buf *out)
{
    for (int i = 0; i < 8192; i++)
        fx_buf_add_c(out, "0123456789012345678901234567890123456789012345678901234567890123");
}

/* Two requests at once: the second one's answer is there
 * while the end of the first one's waits for the client. */
static void test_answer__behind_one_that_is_still_read_is_delivered(void **state)
{
    const struct fx_str second = FX_STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
    (void)state;
    struct scene scene = {0};
    struct fx_addr peer;
    char bytes[1024], last[8] = "";
    bool is_second_sent = false;
    FX_AUTO(fx_buf) struct fx_buf answer = FX_BUF(1 << 20);
    open_scene(&scene);
    int client = connect_slow_client(&scene, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
                                             "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    int upstream = fx_sock_accept(scene.upstream, &peer);
    assert_true(upstream >= 0);
    turn(&scene, 5);
    assert_true(recv(upstream, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
    fx_buf_add_c(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 524288\r\n\r\n");
    add_large_body(&answer);
    struct fx_str left = fx_buf_str(&answer);
    for (int i = 0; i < 20000 && strcmp(last, "second") != 0; i++) {
        size_t n = send_some(upstream, left);
        left = fx_str_sub(left, n, left.len);
        fx_loop_turn(scene.loop, 0);
        if (left.len == 0 && !is_second_sent &&
            recv(upstream, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
            is_second_sent = true;
            assert_true(send_some(upstream, second) > 0);
            turn(&scene, 5);
            assert_true(fx_iobuf_len(&scene.worker->net.conns.first->stream.out) > 0);
        }
        ssize_t got = recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got >= 6)
            memcpy(last, bytes + got - 6, 6);
    }
    assert_true(is_second_sent);
    assert_string_equal(last, "second");
    close(client);
    close(upstream);
    close_scene(&scene);
}

/* The end of an answer to HTTP/1.0 is the connection's: the client must not
 * take what it got for everything when the facade gives up waiting for it. */
static void test_answer__that_ends_with_the_connection_is_reset_when_not_taken(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct fx_addr peer;
    char bytes[512];
    FX_AUTO(fx_buf) struct fx_buf answer = FX_BUF(1 << 20);
    open_scene(&scene);
    scene.conf->timeouts.stall_ms = 200;
    int client = connect_slow_client(&scene, "GET /a HTTP/1.0\r\nHost: x\r\n\r\n");
    int upstream = fx_sock_accept(scene.upstream, &peer);
    assert_true(upstream >= 0);
    fx_buf_add_c(&answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    add_large_body(&answer);
    struct fx_str left = fx_buf_str(&answer);
    for (int i = 0; i < 20000 && pool_of(&scene)->n_connections > 0; i++) {
        size_t n = send_some(upstream, left);
        left = fx_str_sub(left, n, left.len);
        if (left.len == 0)
            shutdown(upstream, SHUT_WR);
        fx_loop_turn(scene.loop, 0);
        if (pool_of(&scene)->n_connections > 0)
            (void)!recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
    }
    assert_int_equal(pool_of(&scene)->n_connections, 0);
    assert_true(fx_iobuf_len(&scene.worker->net.conns.first->stream.out) > 0);
    for (int i = 0; i < 1000 && scene.worker->net.conns.len > 0; i++)
        fx_loop_turn(scene.loop, 5);
    assert_int_equal(scene.worker->net.conns.len, 0);
    ssize_t got;
    while ((got = recv(client, bytes, sizeof bytes, 0)) > 0)
        ;
    assert_int_equal(got, -1); /* reset, not ended */
    close(client);
    close(upstream);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write__left_behind_is_not_sent_on_a_new_connection),
        cmocka_unit_test(test_write__whose_client_goes_before_100_is_not_sent),
        cmocka_unit_test(test_answer__behind_one_that_is_still_read_is_delivered),
        cmocka_unit_test(test_answer__that_ends_with_the_connection_is_reset_when_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
