/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools' HTTP server and client against each other, and the server against raw bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/http/client.h"
#include "lib/http/h1_write.h"
#include "lib/http/serve.h"
#include "tests/unit/tmp.h"

/* Replaces the C library's: as many threads as a test allows, then EAGAIN, as at a limit. */
static int threads_left = INT_MAX;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    typedef int (*create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    create_fn create;
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&create, &found, sizeof create);
    return threads_left-- > 0 ? create(thread, attr, fn, arg) : EAGAIN;
}

static void echo(void *arg, const struct fx_serve_request *request, struct fx_serve_reply *reply)
{
    (void)arg;
    if (fx_str_eq(request->path, FX_STR("/missing")))
        reply->status = 404;
    if (fx_str_eq(request->path, FX_STR("/crash")))
        reply->is_aborting = true;
    fx_h1_write_field(&reply->fields, FX_STR("X-Seen"), request->method);
    fx_buf_add(&reply->body, request->method);
    fx_buf_add(&reply->body, FX_STR(" "));
    fx_buf_add(&reply->body, request->path);
    fx_buf_add(&reply->body, FX_STR(" "));
    fx_buf_add(&reply->body, request->body);
}

static struct fx_serve *start(void)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_serve *serve = NULL;
    struct fx_serve_options options = {
        .address = "127.0.0.1:0", .n_threads = 2, .body_max_bytes = 1000, .idle_ms = 3000};
    assert_true(fx_serve_start(&options, echo, NULL, &serve, &err));
    return serve;
}

static void test_serve__answers_the_client(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_serve *serve = start();
    FX_AUTO_STR char *url = fx_asprintf("http://127.0.0.1:%d/a/b", fx_serve_port(serve));
    struct fx_http_request request = {"POST", url, NULL, "token", FX_STR("{\"x\":1}"), 5000};
    struct fx_http_reply reply;
    assert_true(fx_http_call(&request, &reply, &err));
    assert_int_equal(reply.status, 200);
    assert_string_equal(fx_buf_cstr(&reply.body), "POST /a/b {\"x\":1}");
    fx_buf_done(&reply.body);
    fx_serve_stop(serve);
}

static void test_client__refused_connection_is_retriable(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_http_request request = {.method = "GET",
                                      .url = "http://localhost/status",
                                      .unix_socket = "/nonexistent/socket",
                                      .timeout_ms = 1000};
    struct fx_http_reply reply;
    assert_false(fx_http_call(&request, &reply, &err));
    assert_int_equal(err.code, FX_E_FACADE_CONNECT);
    assert_true(err.is_retriable);
}

static void test_serve__unix_socket_is_replaced_when_stale_and_refused_when_alive(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_serve *serve = NULL, *second = NULL;
    FX_AUTO_STR char *path = fx_asprintf("%s/fx-serve-%d.sock", test_tmp(), (int)getpid());
    struct fx_serve_options options = {.unix_path = path};
    assert_true(fx_serve_start(&options, echo, NULL, &serve, &err));
    assert_false(fx_serve_start(&options, echo, NULL, &second, &err));
    assert_int_equal(err.code, FX_E_IO);
    struct fx_http_request request = {
        .method = "GET", .url = "http://localhost/x", .unix_socket = path, .timeout_ms = 5000};
    struct fx_http_reply reply;
    assert_true(fx_http_call(&request, &reply, &err));
    assert_string_equal(fx_buf_cstr(&reply.body), "GET /x ");
    fx_buf_done(&reply.body);
    fx_serve_stop(serve);
    assert_int_equal(access(path, F_OK), -1);

    char long_path[200];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    options.unix_path = long_path;
    assert_false(fx_serve_start(&options, echo, NULL, &serve, &err));
    assert_true(err.hint[0] != '\0');
}

static int dial(const struct fx_serve *serve)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)fx_serve_port(serve)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)(void *)&address, sizeof address), 0);
    return fd;
}

/* Sends, then reads until the server closes. */
static void talk(const struct fx_serve *serve, const char *sent, struct fx_buf *out)
{
    char chunk[4096];
    ssize_t n;
    FX_AUTO_FD int fd = dial(serve);
    assert_int_equal(write(fd, sent, strlen(sent)), strlen(sent));
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        fx_buf_add_bytes(out, chunk, (size_t)n);
}

static size_t count(const struct fx_buf *out, const char *wanted)
{
    size_t n = 0;
    for (const char *at = fx_buf_cstr(out); (at = strstr(at, wanted)) != NULL; at++)
        n++;
    return n;
}

static void test_serve__pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct fx_serve *serve = start();
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    talk(serve,
         "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
         "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
         "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         &out);
    assert_int_equal(count(&out, "HTTP/1.1 200 OK\r\n"), 3);
    assert_non_null(strstr(fx_buf_cstr(&out), "POST /2 abc"));
    assert_true(strstr(fx_buf_cstr(&out), "GET /1") < strstr(fx_buf_cstr(&out), "GET /3"));
    fx_serve_stop(serve);
}

static void test_serve__bad_requests_get_their_status_and_the_connection_ends(void **state)
{
    (void)state;
    struct fx_serve *serve = start();
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    talk(serve, "GET / HTTP/1.1\r\n\r\n", &out);
    assert_int_equal(count(&out, "HTTP/1.1 400 "), 1);
    fx_buf_clear(&out);
    talk(serve, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", &out);
    assert_int_equal(count(&out, "HTTP/1.1 413 "), 1);
    fx_buf_clear(&out);
    talk(serve, "GET /crash HTTP/1.1\r\nHost: h\r\n\r\n", &out);
    assert_int_equal(out.len, 0);
    fx_serve_stop(serve);
}

static void test_serve__many_idle_connections_do_not_starve_a_new_one(void **state)
{
    (void)state;
    int idle[20];
    char chunk[1024];
    struct fx_serve *serve = start();
    for (size_t i = 0; i < FX_ARRAY_LEN(idle); i++) {
        idle[i] = dial(serve);
        assert_true(write(idle[i], "GET /i HTTP/1.1\r\nHost: h\r\n\r\n", 28) == 28);
        assert_true(read(idle[i], chunk, sizeof chunk) > 0);
    }
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    talk(serve, "GET /new HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &out);
    assert_int_equal(count(&out, "GET /new"), 1);
    for (size_t i = 0; i < FX_ARRAY_LEN(idle); i++)
        close(idle[i]);
    fx_serve_stop(serve);
}

static int64_t cpu_ms(void)
{
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

static void test_serve__accepting_without_descriptors_does_not_spin(void **state)
{
    (void)state;
    struct fx_serve *serve = start();
    struct rlimit before, none_left;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)fx_serve_port(serve)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    FX_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    none_left = before;
    none_left.rlim_cur = (rlim_t)fd + 1; /* the lowest free number was taken just now */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    int64_t used_ms = cpu_ms();
    fx_sleep_ms(400);
    assert_true(cpu_ms() - used_ms < 100);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    static const char request[] = "GET /late HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char answer[32] = "";
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 12);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    fx_serve_stop(serve);
}

/* No thread at all, or none for the dispatcher: an error that names the limits. */
static void test_serve__without_threads_is_an_error(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 3; allowed++) {
        struct fx_err err = FX_ERR_INIT;
        struct fx_serve *serve = NULL;
        struct fx_serve_options options = {.address = "127.0.0.1:0", .n_threads = 2};
        threads_left = allowed;
        bool is_started = fx_serve_start(&options, echo, NULL, &serve, &err);
        threads_left = INT_MAX;
        assert_false(is_started);
        assert_int_equal(err.code, FX_E_IO);
        assert_non_null(strstr(err.message, "thread"));
        assert_non_null(strstr(err.hint, "ulimit -u"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serve__answers_the_client),
        cmocka_unit_test(test_client__refused_connection_is_retriable),
        cmocka_unit_test(test_serve__unix_socket_is_replaced_when_stale_and_refused_when_alive),
        cmocka_unit_test(test_serve__pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_serve__bad_requests_get_their_status_and_the_connection_ends),
        cmocka_unit_test(test_serve__many_idle_connections_do_not_starve_a_new_one),
        cmocka_unit_test(test_serve__accepting_without_descriptors_does_not_spin),
        cmocka_unit_test(test_serve__without_threads_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
