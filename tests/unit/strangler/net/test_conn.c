/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection of a worker in this process: what no
 * story can arrange with sockets of the kernel's choice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/io/sock.h"
#include "strangler/http1/http1.h"
#include "strangler/worker/worker.h"
#include "tests/unit/tmp.h"

enum { REQUESTS = 60, PATIENCE = 5000 };

static const char conf_text[] =
    "apiVersion: ficus/v1\nkind: Project\nupstreams:\n"
    "  mono: {endpoints: [\"http://127.0.0.1:1\"]}\nfacade:\n  default: mono\n"
    "  listen: [{address: \"127.0.0.1:0\"}]\n  admin: {address: \"unix:admin.sock\"}\n";

struct scene {
    char dir[200], conf_path[256];
    struct fx_arena arena;
    struct fcd_config *conf;
    struct fx_loop *loop;
    struct fcd_worker *worker;
};

static void open_scene(struct scene *scene)
{
    struct fx_err err = FX_ERR_INIT;
    snprintf(scene->dir, sizeof scene->dir, "%s/fcd-conn-XXXXXX", test_tmp());
    assert_non_null(mkdtemp(scene->dir));
    snprintf(scene->conf_path, sizeof scene->conf_path, "%s/ficus.yaml", scene->dir);
    FILE *f = fopen(scene->conf_path, "w");
    assert_non_null(f);
    fputs(conf_text, f);
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
    unlink(scene->conf_path);
    rmdir(scene->dir);
}

static void turn(struct scene *scene, int n)
{
    while (n-- > 0)
        fx_loop_turn(scene->loop, 1);
}

/* The kernel may hand over a connection or bytes late when the machine has much to do. */
static struct fcd_conn *accepted(struct scene *scene)
{
    for (int i = 0; i < PATIENCE && scene->worker->net.conns.first == NULL; i++)
        turn(scene, 1);
    return scene->worker->net.conns.first;
}

static void until_answered(struct scene *scene, struct fcd_conn *conn)
{
    for (int i = 0; i < PATIENCE && fx_iobuf_len(&conn->stream.out) == 0; i++)
        turn(scene, 1);
    turn(scene, 20);
}

/* Sends requests that the facade answers itself; small
 * buffers leave most of the answers in conn->out. */
static int send_requests(struct scene *scene)
{
    static const char text[] = "GET /%2f HTTP/1.1\r\nHost: x\r\n\r\n";
    int small = 2048;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct fx_addr *at =
        &scene->worker->net.listeners[scene->worker->net.n_listeners - 1].addr;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at->storage, at->len), 0);
    struct fcd_conn *conn = accepted(scene);
    assert_non_null(conn);
    setsockopt(conn->stream.watch.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(send(fd, text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
    until_answered(scene, conn);
    assert_int_equal(fcd_h1_of(conn)->state, FCD_H1_IDLE);
    assert_true(fx_iobuf_len(&conn->stream.out) > 0);
    return fd;
}

/* The client begins to read: everything it asked for, then an end that is not a reset. */
static void check_answers(struct scene *scene, int fd, int want)
{
    FX_AUTO(fx_buf) struct fx_buf got = FX_BUF(1 << 20);
    char bytes[4096];
    ssize_t n = -1;
    int answers = 0;
    for (int i = 0; i < 5000 && n != 0; i++) {
        turn(scene, 1);
        n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n > 0)
            fx_buf_add_bytes(&got, bytes, (size_t)n);
    }
    assert_int_equal(n, 0);
    for (const char *at = fx_buf_cstr(&got); (at = strstr(at, "ficus\"}\n")) != NULL; at++)
        answers++;
    assert_int_equal(answers, want);
    turn(scene, 3);
    assert_int_equal(scene->worker->net.conns.len, 0);
}

static void test_drain__an_answer_on_its_way_to_a_slow_client_arrives_whole(void **state)
{
    (void)state;
    struct scene scene = {0};
    open_scene(&scene);
    FX_AUTO_FD int fd = send_requests(&scene);
    fcd_worker_drain(scene.worker);
    check_answers(&scene, fd, REQUESTS);
    close_scene(&scene);
}

static void test_conn__a_client_that_shut_its_side_gets_all_of_its_answers(void **state)
{
    (void)state;
    static const char *const rests[] = {"", "GET /half HTT"};
    for (size_t i = 0; i < FX_ARRAY_LEN(rests); i++) {
        struct scene scene = {0};
        open_scene(&scene);
        FX_AUTO_FD int fd = send_requests(&scene);
        send(fd, rests[i], strlen(rests[i]), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        turn(&scene, 5);
        check_answers(&scene, fd, REQUESTS + (rests[i][0] != '\0')); /* 400 for the half one */
        close_scene(&scene);
    }
}

/* What it sends must not count for what it takes. */
static void test_conn__a_client_that_sends_and_never_reads_is_closed(void **state)
{
    (void)state;
    struct scene scene = {0};
    open_scene(&scene);
    scene.conf->timeouts.stall_ms = scene.conf->timeouts.head_ms = scene.conf->timeouts.idle_ms =
        80;
    FX_AUTO_FD int fd = send_requests(&scene);
    for (int i = 0; i < 60 && scene.worker->net.conns.len > 0; i++) {
        send(fd, "G", 1, MSG_NOSIGNAL);
        fx_sleep_ms(10);
        turn(&scene, 2);
    }
    assert_int_equal(scene.worker->net.conns.len, 0);
    close_scene(&scene);
}

/* It met its first customer with an index beyond the table. */
static void test_worker__refuses_a_state_without_room_for_its_contexts(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct fcd_state full = {0};
    struct fx_err err = FX_ERR_INIT;
    char name[16], path[256];
    open_scene(&scene);
    fcd_worker_free(scene.worker);
    scene.worker = NULL;
    for (int i = 0; i < FCD_GROUPS_MAX; i++) {
        snprintf(name, sizeof name, "g%d", i);
        assert_int_equal(fcd_state_group(&full, name), i);
    }
    snprintf(path, sizeof path, "%s/facade.json", scene.dir);
    assert_true(fcd_state_save(path, &full, &err));
    struct fcd_conf_context orders = {.name = "orders", .old_upstream = 0, .new_upstream = 0};
    scene.conf->contexts = &orders;
    scene.conf->n_contexts = 1;
    assert_false(fcd_worker_new(scene.conf, scene.loop, &scene.worker, &err));
    assert_int_equal(err.code, FX_E_LIMIT);
    assert_non_null(strstr(err.message, "\"orders\""));
    fcd_state_done(&full);
    unlink(path);
    snprintf(path, sizeof path, "%s/facade.json.served", scene.dir);
    unlink(path);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drain__an_answer_on_its_way_to_a_slow_client_arrives_whole),
        cmocka_unit_test(test_conn__a_client_that_shut_its_side_gets_all_of_its_answers),
        cmocka_unit_test(test_conn__a_client_that_sends_and_never_reads_is_closed),
        cmocka_unit_test(test_worker__refuses_a_state_without_room_for_its_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
