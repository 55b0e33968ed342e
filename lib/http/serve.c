/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One dispatcher thread watches the listening socket and all idle connections (epoll, one-shot); a
 * connection with bytes to read goes through a queue to a worker, which serves requests until the
 * connection is quiet and gives it back. So idle keep-alive connections cost no thread, and a
 * callback may block.
 *
 *   IDLE (in epoll) --readable--> READY (in the queue) --worker--> BUSY --quiet--> IDLE
 *     |  idle too long                                               | close, error
 *     v                                                              v
 *   closed                                                         closed
 */
#include "lib/http/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "lib/http/body.h"
#include "lib/http/h1_parse.h"
#include "lib/http/h1_write.h"
#include "lib/io/private.h"
#include "lib/io/sock.h"
#include "lib/log/log.h"

enum {
    CONNECTIONS_MAX = 1024,
    BODY_DEFAULT = 1 << 20,
    IDLE_DEFAULT_MS = 15000,
    BACKLOG = 256,
    ACCEPT_BACK_OFF_MS = 20
};

enum conn_state { CONN_IDLE, CONN_READY, CONN_BUSY };

struct conn {
    struct conn *prev, *next; /* all connections */
    struct conn *next_ready;
    int fd;
    enum conn_state state;
    struct fx_mono since; /* in this state */
    struct fx_buf in;
};

struct fx_serve {
    fx_serve_fn fn;
    void *arg;
    size_t body_max;
    int64_t idle_ms;
    int listen_fd, epoll_fd, wake_fd;
    int port;
    char *unix_path;
    pthread_t dispatcher;
    pthread_t *workers;
    int n_workers;
    atomic_bool is_stopping;
    pthread_mutex_t mutex; /* guards what follows and the state of every connection */
    pthread_cond_t ready;
    struct conn *first; /* all */
    size_t n_conns;
    struct conn *ready_first, *ready_last;
};

/* --- connections; the mutex is held ---------------------------------------------------------- */

static const char *const conn_states[] = {
    [CONN_IDLE] = "IDLE", [CONN_READY] = "READY", [CONN_BUSY] = "BUSY"};

static bool may_follow(enum conn_state from, enum conn_state to)
{
    switch (to) {
    case CONN_IDLE: return from == CONN_BUSY;
    case CONN_READY: return from == CONN_IDLE;
    case CONN_BUSY: return from == CONN_READY;
    }
    return false;
}

static void conn_set_state(struct conn *conn, enum conn_state to)
{
    if (!may_follow(conn->state, to))
        FX_BUG("served connection %d cannot go from %s to %s, in=%zu", conn->fd,
               conn_states[conn->state], conn_states[to], conn->in.len);
    conn->state = to;
    conn->since = fx_mono_now();
}

static void conn_close(struct fx_serve *serve, struct conn *conn)
{
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        serve->first = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    serve->n_conns--;
    close(conn->fd);
    fx_buf_done(&conn->in);
    free(conn);
}

static void conn_add(struct fx_serve *serve, int fd)
{
    struct timeval limit = {.tv_sec = serve->idle_ms / 1000,
                            .tv_usec = serve->idle_ms % 1000 * 1000};
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct conn *conn = FX_NEW(struct conn);
    conn->fd = fd;
    conn->since = fx_mono_now();
    /* Twice: a head and a chunked body are decoded beside each other. */
    fx_buf_init(&conn->in, serve->body_max * 2 + 256 * 1024);
    conn->next = serve->first;
    if (conn->next != NULL)
        conn->next->prev = conn;
    serve->first = conn;
    serve->n_conns++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = conn};
    if (epoll_ctl(serve->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        conn_close(serve, conn);
}

static void conn_make_ready(struct fx_serve *serve, struct conn *conn)
{
    conn_set_state(conn, CONN_READY);
    conn->next_ready = NULL;
    if (serve->ready_last != NULL)
        serve->ready_last->next_ready = conn;
    else
        serve->ready_first = conn;
    serve->ready_last = conn;
    pthread_cond_signal(&serve->ready);
}

static void close_idle(struct fx_serve *serve, struct fx_mono now)
{
    for (struct conn *conn = serve->first; conn != NULL;) {
        struct conn *next = conn->next;
        if (conn->state == CONN_IDLE &&
            fx_mono_reached(fx_mono_add_ms(conn->since, serve->idle_ms), now))
            conn_close(serve, conn);
        conn = next;
    }
}

/* --- dispatcher ------------------------------------------------------------------------------- */

static void accept_all(struct fx_serve *serve)
{
    for (;;) {
        int fd = accept4(serve->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0 && errno != EAGAIN)
            /* no descriptor or memory: epoll would call again at once */
            fx_sleep_ms(ACCEPT_BACK_OFF_MS);
        if (fd < 0)
            return;
        int uid = 0;
        if (serve->unix_path != NULL && !fx_peer_is_ours(fd, &uid)) {
            fx_log(FX_LOG_WARN, "http", NULL, "refused a connection of another user",
                   "socket=%s uid=%d", serve->unix_path, uid);
            close(fd);
            continue;
        }
        pthread_mutex_lock(&serve->mutex);
        if (serve->n_conns < CONNECTIONS_MAX)
            conn_add(serve, fd);
        else
            close(fd);
        pthread_mutex_unlock(&serve->mutex);
    }
}

static void *dispatch(void *arg)
{
    struct fx_serve *serve = arg;
    while (!atomic_load(&serve->is_stopping)) {
        struct epoll_event events[64];
        int n = epoll_wait(serve->epoll_fd, events, FX_ARRAY_LEN(events), 1000);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &serve->listen_fd) {
                accept_all(serve);
            } else if (events[i].data.ptr != &serve->wake_fd) {
                pthread_mutex_lock(&serve->mutex);
                conn_make_ready(serve, events[i].data.ptr);
                pthread_mutex_unlock(&serve->mutex);
            }
        }
        /* After this round's events: an event of a connection closed here would dangle. */
        pthread_mutex_lock(&serve->mutex);
        close_idle(serve, fx_mono_now());
        pthread_mutex_unlock(&serve->mutex);
    }
    return NULL;
}

/* --- one request; in a worker, without the mutex ---------------------------------------------- */

static bool read_more(struct conn *conn)
{
    char chunk[16384];
    ssize_t n;
    do
        n = recv(conn->fd, chunk, sizeof chunk, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    fx_buf_add_bytes(&conn->in, chunk, (size_t)n);
    return !conn->in.has_failed;
}

static bool send_all(struct conn *conn, struct fx_str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(conn->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = fx_str_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static bool send_refusal(struct conn *conn, int status, const char *what)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    fx_h1_write_response(&out, status, "text/plain", fx_str_from(what), false, true);
    (void)send_all(conn, fx_buf_str(&out));
    return false; /* and close */
}

static bool read_head(struct conn *conn, struct fx_head *head, size_t *ret_used)
{
    struct fx_h1_scan scan = {0};
    struct fx_h1_limits limits = FX_H1_LIMITS;
    struct fx_h1_problem problem;
    for (;;) {
        switch (
            fx_h1_parse_request(fx_buf_str(&conn->in), &scan, &limits, head, ret_used, &problem)) {
        case FX_H1_DONE: return true;
        case FX_H1_BAD: return send_refusal(conn, problem.status, problem.what);
        case FX_H1_MORE:
            if (!read_more(conn))
                return false;
        }
    }
}

static bool refuse_large(const struct fx_serve *serve, struct conn *conn)
{
    char what[64];
    snprintf(what, sizeof what, "the body is larger than %zu bytes", (size_t)serve->body_max);
    return send_refusal(conn, 413, what);
}

static bool decode_body(struct fx_serve *serve, struct conn *conn, struct fx_body *decoder,
                        size_t from, struct fx_buf *body, size_t *ret_end)
{
    for (size_t at = from;;) {
        struct fx_str data, in = fx_str_sub(fx_buf_str(&conn->in), at, conn->in.len);
        size_t used;
        enum fx_body_result result = fx_body_next(decoder, in, &used, &data);
        at += used;
        if (result == FX_BODY_BAD)
            return send_refusal(conn, 400, fx_body_problem(decoder));
        if (decoder->total > serve->body_max)
            return refuse_large(serve, conn);
        fx_buf_add(body, data);
        *ret_end = at;
        if (result == FX_BODY_DONE)
            return !body->has_failed;
        if (result == FX_BODY_MORE && !read_more(conn))
            return false;
    }
}

/* The head's slices point into conn->in, which may move
 * while the body is read: hence offsets and a re-parse. */
static bool read_body(struct fx_serve *serve, struct conn *conn, const struct fx_head *head,
                      size_t from, struct fx_buf *body, size_t *ret_end)
{
    struct fx_body decoder;
    fx_body_start(&decoder, head->framing, head->content_length);
    if (head->framing != FX_FRAME_NONE && head->is_expecting_100 && conn->in.len == from &&
        !send_all(conn, FX_STR("HTTP/1.1 100 Continue\r\n\r\n")))
        return false;
    if (decoder.left > serve->body_max)
        return refuse_large(serve, conn);
    return decode_body(serve, conn, &decoder, from, body, ret_end);
}

/* Translated into our own PID namespace by the kernel; 0 from one that we cannot see into. */
static int peer_pid(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? (int)peer.pid : 0;
}

static bool answer(struct fx_serve *serve, struct conn *conn, const struct fx_head *head,
                   struct fx_str body)
{
    struct fx_serve_request request = {head->method, head->path, head->query,
                                       body,         head,       peer_pid(conn->fd)};
    struct fx_serve_reply reply = {.status = 200, .content_type = "application/json"};
    fx_buf_init(&reply.body, (size_t)64 << 20);
    fx_buf_init(&reply.fields, 64 * 1024);
    serve->fn(serve->arg, &request, &reply);
    if (reply.body.has_failed || reply.fields.has_failed) {
        reply.status = 500;
        fx_buf_clear(&reply.body);
        fx_buf_clear(&reply.fields);
    }
    bool is_keeping = head->is_keep_alive && !reply.is_closing && !atomic_load(&serve->is_stopping);
    bool has_body = reply.status >= 200 && reply.status != 204 && reply.status != 304;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF((size_t)65 << 20);
    fx_h1_write_status_line(&out, reply.status, (struct fx_str){0});
    fx_h1_write_date(&out, fx_wall_now().us / 1000000);
    if (has_body) {
        fx_h1_write_field(&out, FX_STR("Content-Type"), fx_str_from(reply.content_type));
        fx_h1_write_field_u64(&out, "Content-Length", reply.body.len);
    }
    fx_buf_add(&out, fx_buf_str(&reply.fields));
    if (!is_keeping)
        fx_h1_write_field(&out, FX_STR("Connection"), FX_STR("close"));
    else if (head->minor == 0)
        fx_h1_write_field(&out, FX_STR("Connection"), FX_STR("keep-alive"));
    fx_h1_write_end(&out);
    if (has_body && !fx_str_eq(head->method, FX_STR("HEAD")))
        fx_buf_add(&out, fx_buf_str(&reply.body));
    bool is_sent = !reply.is_aborting && !out.has_failed && send_all(conn, fx_buf_str(&out));
    fx_buf_done(&reply.body);
    fx_buf_done(&reply.fields);
    return is_sent && is_keeping;
}

/* True: the connection goes on. */
static bool serve_one(struct fx_serve *serve, struct conn *conn)
{
    struct fx_head head;
    size_t used, end;
    struct fx_h1_scan scan = {0};
    struct fx_h1_limits limits = FX_H1_LIMITS;
    struct fx_h1_problem problem;
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(serve->body_max + 1);
    if (!read_head(conn, &head, &used) || !read_body(serve, conn, &head, used, &body, &end))
        return false;
    if (fx_h1_parse_request(fx_buf_str(&conn->in), &scan, &limits, &head, &used, &problem) !=
        FX_H1_DONE)
        return false;
    if (!answer(serve, conn, &head, fx_buf_str(&body)))
        return false;
    fx_buf_consume(&conn->in, end);
    return true;
}

/* A half-closed peer must still get its last answer, and a reset must not overtake it. */
static void hang_up(struct conn *conn)
{
    char sink[4096];
    struct timeval limit = {.tv_usec = 200 * 1000};
    shutdown(conn->fd, SHUT_WR);
    setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (int i = 0; i < 16 && recv(conn->fd, sink, sizeof sink, 0) > 0; i++)
        ;
}

static void *work(void *arg)
{
    struct fx_serve *serve = arg;
    pthread_mutex_lock(&serve->mutex);
    for (;;) {
        while (serve->ready_first == NULL && !atomic_load(&serve->is_stopping))
            pthread_cond_wait(&serve->ready, &serve->mutex);
        struct conn *conn = serve->ready_first;
        if (conn == NULL)
            break;
        serve->ready_first = conn->next_ready;
        if (serve->ready_first == NULL)
            serve->ready_last = NULL;
        conn_set_state(conn, CONN_BUSY);
        pthread_mutex_unlock(&serve->mutex);
        bool is_open = serve_one(serve, conn);
        while (is_open && conn->in.len > 0)
            is_open = serve_one(serve, conn);
        if (!is_open)
            hang_up(conn);
        pthread_mutex_lock(&serve->mutex);
        if (!is_open || atomic_load(&serve->is_stopping)) {
            conn_close(serve, conn);
            continue;
        }
        conn_set_state(conn, CONN_IDLE);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                                    .data.ptr = conn};
        if (epoll_ctl(serve->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event) != 0)
            conn_close(serve, conn);
    }
    pthread_mutex_unlock(&serve->mutex);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

static bool listen_unix(struct fx_serve *serve, const char *path, struct fx_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fx_fail(err, FX_E_IO, "the socket path \"%s\" is longer than %zu bytes", path,
                sizeof address.sun_path - 1);
        return fx_hint(err, "Use a shorter state directory: state: {dir: …} in ficus.yaml.");
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = serve->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create a socket for \"%s\"", path);
    const struct sockaddr *generic = (const struct sockaddr *)(const void *)&address;
    if (connect(fd, generic, sizeof address) == 0) {
        fx_fail(err, FX_E_IO, "another process already listens on \"%s\"", path);
        return fx_hint(err, "Find the process and stop it. Run: ss -xlp | grep -F '%s'", path);
    }
    if (errno == ECONNREFUSED)
        unlink(path); /* left by a process that was killed */
    /* Linux gives the file the mode of its socket, before anybody can connect. */
    if (fchmod(fd, FX_PRIVATE_FILE) != 0)
        return fx_fail_errno(err, FX_E_IO, errno,
                             "could not give socket \"%s\" the mode 0600 (no other user)", path);
    if (bind(fd, generic, sizeof address) != 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not listen on \"%s\"", path);
    serve->unix_path = fx_strdup(path);
    return true;
}

static bool bind_any(struct fx_serve *serve, const struct addrinfo *info)
{
    int on = 1;
    serve->listen_fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (serve->listen_fd < 0)
        return false;
    setsockopt(serve->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(serve->listen_fd, info->ai_addr, info->ai_addrlen) == 0;
}

static bool listen_tcp(struct fx_serve *serve, const char *text, struct fx_err *err)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || !fx_parse_u64(fx_str_from(colon + 1), 65535, &port))
        return fx_fail(err, FX_E_CONFIG, "\"%s\" is not an address", text) ||
               fx_hint(err, "Write host:port, for example 127.0.0.1:8080 or [::1]:8080.");
    FX_AUTO_STR char *host = fx_strndup(text, (size_t)(colon - text));
    struct addrinfo *info = NULL,
                    wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char *bare = host[0] == '[' ? host + 1 : host;
    if (host[0] == '[' && strchr(bare, ']') != NULL)
        *strchr(bare, ']') = '\0';
    int failure = getaddrinfo(bare[0] != '\0' ? bare : NULL, colon + 1, &wanted, &info);
    if (failure != 0)
        return fx_fail(err, FX_E_CONFIG, "cannot listen on \"%s\": the host cannot be resolved: %s",
                       text, gai_strerror(failure)) ||
               fx_hint(err, "Use an address of this machine, such as 127.0.0.1:8080.");
    bool is_bound = bind_any(serve, info);
    int failed_with = errno;
    freeaddrinfo(info);
    if (!is_bound)
        return fx_fail_errno(err, FX_E_IO, failed_with, "could not listen on \"%s\"", text) ||
               fx_sock_hint_listen(failed_with, text, err);
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char service[16];
    if (getsockname(serve->listen_fd, (struct sockaddr *)&bound, &size) != 0 ||
        getnameinfo((struct sockaddr *)&bound, size, NULL, 0, service, sizeof service,
                    NI_NUMERICSERV) != 0 ||
        !fx_parse_u64(fx_str_from(service), 65535, &port))
        return fx_fail(err, FX_E_IO, "could not find out which port the system chose for \"%s\"",
                       text) ||
               fx_hint(err, "Write a port of your choice in that address instead of 0, then start "
                            "it again.");
    serve->port = (int)port;
    return true;
}

static bool start_watching(struct fx_serve *serve, struct fx_err *err)
{
    serve->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    serve->wake_fd = eventfd(0, EFD_CLOEXEC);
    struct epoll_event on_listen = {.events = EPOLLIN, .data.ptr = &serve->listen_fd};
    struct epoll_event on_wake = {.events = EPOLLIN, .data.ptr = &serve->wake_fd};
    if (listen(serve->listen_fd, BACKLOG) != 0 ||
        fcntl(serve->listen_fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(serve->epoll_fd, EPOLL_CTL_ADD, serve->listen_fd, &on_listen) != 0 ||
        epoll_ctl(serve->epoll_fd, EPOLL_CTL_ADD, serve->wake_fd, &on_wake) != 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not wait for requests on \"%s\"",
                             serve->unix_path != NULL ? serve->unix_path : "TCP");
    return true;
}

static void free_all(struct fx_serve *serve)
{
    while (serve->first != NULL)
        conn_close(serve, serve->first);
    fx_fd_close(&serve->listen_fd);
    fx_fd_close(&serve->epoll_fd);
    fx_fd_close(&serve->wake_fd);
    if (serve->unix_path != NULL)
        unlink(serve->unix_path);
    pthread_mutex_destroy(&serve->mutex);
    pthread_cond_destroy(&serve->ready);
    free(serve->unix_path);
    free(serve->workers);
    free(serve);
}

/* Joins the workers. A worker that waits for a request is woken; answers still go out. */
static void stop_workers(struct fx_serve *serve)
{
    pthread_mutex_lock(&serve->mutex);
    for (struct conn *conn = serve->first; conn != NULL; conn = conn->next)
        shutdown(conn->fd, SHUT_RD);
    pthread_cond_broadcast(&serve->ready);
    pthread_mutex_unlock(&serve->mutex);
    for (int i = 0; i < serve->n_workers; i++)
        pthread_join(serve->workers[i], NULL);
    serve->n_workers = 0;
}

/* Fewer workers than wanted are enough; none, or no dispatcher, is an error. */
static bool start_threads(struct fx_serve *serve, int wanted, struct fx_err *err)
{
    int failure = 0;
    serve->workers = fx_alloc_array((size_t)wanted, sizeof *serve->workers);
    while (serve->n_workers < wanted && failure == 0) {
        failure = pthread_create(&serve->workers[serve->n_workers], NULL, work, serve);
        serve->n_workers += failure == 0;
    }
    if (serve->n_workers > 0)
        failure = pthread_create(&serve->dispatcher, NULL, dispatch, serve);
    if (failure == 0)
        return true;
    atomic_store(&serve->is_stopping, true);
    stop_workers(serve);
    fx_fail_errno(err, FX_E_IO, failure, "could not start a thread to serve requests on \"%s\"",
                  serve->unix_path != NULL ? serve->unix_path : "TCP");
    return fx_hint(err, "Raise the limits of processes and of memory of this user (ulimit -u, "
                        "ulimit -v), then start it again.");
}

bool fx_serve_start(const struct fx_serve_options *options, fx_serve_fn fn, void *arg,
                    struct fx_serve **ret_serve, struct fx_err *err)
{
    struct fx_serve *serve = FX_NEW(struct fx_serve);
    serve->fn = fn;
    serve->arg = arg;
    serve->body_max = options->body_max_bytes > 0 ? options->body_max_bytes : BODY_DEFAULT;
    serve->idle_ms = options->idle_ms > 0 ? options->idle_ms : IDLE_DEFAULT_MS;
    serve->listen_fd = serve->epoll_fd = serve->wake_fd = -1;
    pthread_mutex_init(&serve->mutex, NULL);
    pthread_cond_init(&serve->ready, NULL);
    bool is_ok = options->unix_path != NULL ? listen_unix(serve, options->unix_path, err)
                                            : listen_tcp(serve, options->address, err);
    if (!is_ok || !start_watching(serve, err)) {
        free_all(serve);
        return false;
    }
    if (!start_threads(serve, options->n_threads > 0 ? options->n_threads : 1, err)) {
        free_all(serve);
        return false;
    }
    *ret_serve = serve;
    return true;
}

int fx_serve_port(const struct fx_serve *serve)
{
    return serve->port;
}

void fx_serve_stop(struct fx_serve *serve)
{
    if (serve == NULL)
        return;
    atomic_store(&serve->is_stopping, true);
    uint64_t one = 1;
    (void)!write(serve->wake_fd, &one, sizeof one);
    pthread_join(serve->dispatcher, NULL);
    stop_workers(serve);
    free_all(serve);
}
