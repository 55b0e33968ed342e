/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream over a socket pair: edges, full blocks, a
 * peer that does not read, both ends of a connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/io/stream.h"

struct scene {
    struct fx_loop *loop;
    struct fx_block_cache cache;
    struct fx_stream stream;
    int peer;
};

static void on_event(struct fx_watch *watch, unsigned events)
{
    fx_stream_note(FX_CONTAINER_OF(watch, struct fx_stream, watch), events);
}

static void open_scene(struct scene *scene)
{
    struct fx_err err = FX_ERR_INIT;
    int fds[2], small = 4096;
    *scene = (struct scene){0};
    assert_true(fx_loop_new(&scene->loop, &err));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    fx_stream_init(&scene->stream, scene->loop, &scene->cache, on_event);
    assert_true(fx_stream_open(&scene->stream, fds[0], true, &err));
    scene->peer = fds[1];
}

static void close_scene(struct scene *scene)
{
    fx_stream_close(&scene->stream);
    fx_loop_free(scene->loop);
    fx_block_cache_done(&scene->cache);
    if (scene->peer >= 0)
        close(scene->peer);
}

static void peer_sends(struct scene *scene, const char *text)
{
    assert_int_equal(write(scene->peer, text, strlen(text)), strlen(text));
    fx_loop_turn(scene->loop, 0);
}

static void test_stream__reads_once_for_each_edge(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_LATER);
    peer_sends(&scene, "hello");
    assert_false(fx_stream_is_quiet(&scene.stream));
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_SOME);
    assert_true(fx_str_eq_c(fx_iobuf_str(&scene.stream.in), "hello"));
    assert_false(scene.stream.may_read); /* a short read used the edge up */
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_LATER);
    assert_true(fx_stream_is_quiet(&scene.stream));
    close_scene(&scene);
}

static void test_stream__a_full_block_leaves_the_rest_in_the_kernel(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    static char bytes[FX_BLOCK_BYTES + 100];
    assert_int_equal(write(scene.peer, bytes, sizeof bytes), sizeof bytes);
    fx_loop_turn(scene.loop, 0);
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_SOME);
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_LATER);
    assert_int_equal(fx_iobuf_len(&scene.stream.in), FX_BLOCK_BYTES);
    fx_iobuf_consume(&scene.stream.in, FX_BLOCK_BYTES);
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_SOME);
    assert_int_equal(fx_iobuf_len(&scene.stream.in), 100);
    close_scene(&scene);
}

static void test_stream__reads_what_came_before_the_end(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    peer_sends(&scene, "bye");
    shutdown(scene.peer, SHUT_WR);
    fx_loop_turn(scene.loop, 0);
    assert_true(scene.stream.has_hup);
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_SOME);
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_END);
    assert_false(scene.stream.may_read);
    close_scene(&scene);
}

static void test_stream__sends_as_the_peer_takes_it(void **state)
{
    (void)state;
    struct scene scene;
    static char bytes[FX_BLOCK_BYTES], sink[FX_BLOCK_BYTES];
    size_t sent = 0, total = 0, taken = 0;
    open_scene(&scene);
    fx_stream_take_out(&scene.stream);
    fx_buf_add_bytes(&scene.stream.out.buf, bytes, sizeof bytes);
    for (int rounds = 0; rounds < 1000 && taken < sizeof bytes; rounds++) {
        assert_true(fx_stream_flush(&scene.stream, &sent));
        total += sent;
        assert_int_equal(total + fx_iobuf_len(&scene.stream.out), sizeof bytes);
        ssize_t n = read(scene.peer, sink, sizeof sink);
        taken += n > 0 ? (size_t)n : 0;
        fx_loop_turn(scene.loop, 0);
    }
    assert_int_equal(taken, sizeof bytes);
    close_scene(&scene);
}

static void test_stream__says_when_nobody_will_read_any_more(void **state)
{
    (void)state;
    struct scene scene;
    size_t sent;
    open_scene(&scene);
    close(scene.peer);
    scene.peer = -1;
    fx_loop_turn(scene.loop, 0);
    fx_stream_take_out(&scene.stream);
    fx_buf_add_c(&scene.stream.out.buf, "hello");
    assert_false(fx_stream_flush(&scene.stream, &sent));
    assert_int_equal(sent, 0);
    close_scene(&scene);
}

/* Blocks come from the cache and go back to it; an idle stream holds none. */
static void test_stream__idle_holds_no_block(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    peer_sends(&scene, "x");
    assert_int_equal(fx_stream_read(&scene.stream), FX_STREAM_SOME);
    fx_stream_drop_empty(&scene.stream);
    assert_non_null(scene.stream.in.buf.ptr); /* it holds a byte */
    fx_iobuf_consume(&scene.stream.in, 1);
    fx_stream_drop_empty(&scene.stream);
    assert_null(scene.stream.in.buf.ptr);
    assert_int_equal(scene.cache.n, 1);
    close_scene(&scene);
}

/* With many connections there are many blocks to keep; when they have gone, the memory goes too. */
static void test_stream__the_cache_keeps_as_many_blocks_as_it_is_told(void **state)
{
    (void)state;
    enum { MANY = FX_BLOCK_CACHE_MIN + 44 };
    struct fx_block_cache cache = {0};
    static struct fx_iobuf all[MANY];
    fx_block_cache_limit(&cache, MANY);
    for (size_t i = 0; i < MANY; i++)
        fx_iobuf_take(&all[i], &cache);
    for (size_t i = 0; i < MANY; i++)
        fx_iobuf_drop(&all[i], &cache);
    assert_int_equal(cache.n, MANY);
    fx_iobuf_take(&all[0], &cache);
    assert_int_equal(cache.n, MANY - 1);
    assert_int_equal(fx_iobuf_len(&all[0]), 0);
    assert_int_equal(fx_iobuf_room(&all[0]), FX_BLOCK_BYTES);
    fx_block_cache_limit(&cache, 1);
    assert_int_equal(cache.n, FX_BLOCK_CACHE_MIN);
    fx_iobuf_drop(&all[0], &cache);
    assert_int_equal(cache.n, FX_BLOCK_CACHE_MIN);
    fx_block_cache_done(&cache);
    assert_int_equal(cache.n, 0);
}

/* After a burst connections may stay idle: their blocks go back, and what is in use does not. */
static void test_block_cache__gives_back_what_a_burst_left(void **state)
{
    (void)state;
    enum { BURST = 4000 };
    static struct fx_iobuf io[BURST];
    struct fx_block_cache cache = {0};
    fx_block_cache_limit(&cache, BURST);
    for (size_t i = 0; i < BURST; i++)
        fx_iobuf_take(&io[i], &cache);
    for (size_t i = 0; i < BURST; i++)
        fx_iobuf_drop(&io[i], &cache);
    assert_true(cache.n == BURST);
    fx_block_cache_trim(&cache); /* all were in use since the last one */
    assert_true(cache.n == BURST);
    for (int second = 0; second < 20; second++)
        fx_block_cache_trim(&cache);
    assert_true(cache.n == FX_BLOCK_CACHE_MIN);
    fx_block_cache_done(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_cache__gives_back_what_a_burst_left),
        cmocka_unit_test(test_stream__reads_once_for_each_edge),
        cmocka_unit_test(test_stream__a_full_block_leaves_the_rest_in_the_kernel),
        cmocka_unit_test(test_stream__reads_what_came_before_the_end),
        cmocka_unit_test(test_stream__sends_as_the_peer_takes_it),
        cmocka_unit_test(test_stream__says_when_nobody_will_read_any_more),
        cmocka_unit_test(test_stream__idle_holds_no_block),
        cmocka_unit_test(test_stream__the_cache_keeps_as_many_blocks_as_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
