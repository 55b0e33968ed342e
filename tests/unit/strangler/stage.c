/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocking sockets and a thread for each connection: the
 * stage is simple so that the stories can be trusted.
 */
#define FX_STRTO_ALLOWED /* of numbers that the test knows */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "tests/unit/strangler/stage.h"
#include "tests/unit/tmp.h"

int64_t now_ms(void)
{
    return fx_mono_now().us / 1000;
}

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket that is bound to `port` of this machine, -1 when somebody else has it; 0 takes any. */
static int bound(int port)
{
    struct sockaddr_in addr = local(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
        return fd;
    close(fd);
    return -1;
}

static int listen_any(int *ret_port)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    int fd = bound(0);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 512), 0);
    getsockname(fd, (struct sockaddr *)&addr, &len);
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* --- a reader of HTTP messages, for both ends ------------------------------------------------- */

struct reader {
    int fd;
    size_t at, len;
    char bytes[65536];
};

static int next_byte(struct reader *r)
{
    if (r->at == r->len) {
        ssize_t n = recv(r->fd, r->bytes, sizeof r->bytes, 0);
        if (n <= 0)
            return -1;
        r->at = 0;
        r->len = (size_t)n;
    }
    return (unsigned char)r->bytes[r->at++];
}

static bool read_head(struct reader *r, char *head, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        int c = next_byte(r);
        if (c < 0)
            return false;
        head[len++] = (char)c;
        head[len] = '\0';
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static const char *field(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
            return line + 3 + len + strspn(line + 3 + len, " ");
    return NULL;
}

static bool take(struct reader *r, unsigned long long len, struct fx_buf *out)
{
    while (len > 0) {
        int c = next_byte(r);
        if (c < 0)
            return false;
        len--;
        if (out != NULL)
            fx_buf_add_char(out, (char)c);
        size_t more = FX_MIN((size_t)len, r->len - r->at);
        if (out != NULL)
            fx_buf_add_bytes(out, r->bytes + r->at, more);
        r->at += more;
        len -= more;
    }
    return true;
}

static bool read_chunks(struct reader *r, struct fx_buf *out, unsigned long long *total)
{
    for (;;) {
        char line[32];
        size_t n = 0;
        int c;
        while ((c = next_byte(r)) >= 0 && c != '\n')
            if (n + 1 < sizeof line)
                line[n++] = (char)c;
        line[n] = '\0';
        unsigned long long size = strtoull(line, NULL, 16);
        if (c < 0 || !take(r, size, out) || next_byte(r) != '\r' || next_byte(r) != '\n')
            return false;
        *total += size;
        if (size == 0)
            return true;
    }
}

static bool read_body(struct reader *r, const char *head, struct fx_buf *out,
                      unsigned long long *ret_total, bool until_close)
{
    const char *length = field(head, "Content-Length"), *coding = field(head, "Transfer-Encoding");
    unsigned long long total = 0;
    bool ok = true;
    if (coding != NULL)
        ok = read_chunks(r, out, &total);
    else if (length != NULL)
        ok = take(r, total = strtoull(length, NULL, 10), out);
    else if (until_close)
        for (int c; (c = next_byte(r)) >= 0; total++)
            fx_buf_add_char(out, (char)c);
    *ret_total = total;
    return ok;
}

/* --- upstreams -------------------------------------------------------------------------------- */

struct session {
    struct upstream *up;
    struct reader reader;
    bool has_served; /* a request: from now on it may be idle */
};

static int64_t arrived_ms(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    int64_t now = now_ms();
    bool is_known = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0;
    return is_known ? now - (int64_t)info.tcpi_last_data_recv : now;
}

/*
 * Each connection has a thread, and on a busy machine a thread sleeps for longer than it takes
 * until the next request arrives: its place is that of its arrival. KERNEL_MS: what is not told
 * apart.
 */
static int place_of(struct upstream *up, int n, int64_t at_ms)
{
    enum { KERNEL_MS = 20 };
    while (n > 0 && n < SEEN_MAX && up->arrived_ms[n - 1] > at_ms + KERNEL_MS) {
        memcpy(up->seen[n], up->seen[n - 1], sizeof up->seen[0]);
        up->arrived_ms[n] = up->arrived_ms[n - 1];
        n--;
    }
    return n % SEEN_MAX;
}

static void note(struct upstream *up, int fd, const char *head)
{
    int64_t at_ms = arrived_ms(fd);
    pthread_mutex_lock(&up->lock);
    int i = place_of(up, atomic_load(&up->requests), at_ms);
    up->arrived_ms[i] = at_ms;
    snprintf(up->seen[i], sizeof up->seen[0], "%.*s",
             (int)(strcspn(head, " ") + 1 + strcspn(strchr(head, ' ') + 1, " ")), head);
    snprintf(up->last_head, sizeof up->last_head, "%s", head);
    atomic_fetch_add(&up->requests, 1);
    pthread_mutex_unlock(&up->lock);
}

static bool answer_big(int fd, int bytes)
{
    static const char zeros[65536];
    bool ok = send_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 47);
    while (ok && bytes > 0) {
        char size[32];
        int n = FX_MIN(bytes, (int)sizeof zeros);
        int len = snprintf(size, sizeof size, "%x\r\n", (unsigned)n);
        ok = send_all(fd, size, (size_t)len) && send_all(fd, zeros, (size_t)n) &&
             send_all(fd, "\r\n", 2);
        bytes -= n;
    }
    return ok && send_all(fd, "0\r\n\r\n", 5);
}

static bool answer(struct upstream *up, int fd, const char *head)
{
    char text[8192], standard[64];
    const char *body = atomic_load(&up->body), *fields = atomic_load(&up->fields);
    int status = atomic_load(&up->status), big = atomic_load(&up->big_bytes);
    if (big > 0)
        return answer_big(fd, big);
    if (atomic_load(&up->cut_short) != 0) {
        static const char half[] =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
        send_all(fd, half, sizeof half - 1);
        fx_sleep_ms(50);
        return false;
    }
    snprintf(standard, sizeof standard, "{\"side\":\"%s\"}", up->name);
    if (body == NULL)
        body = standard;
    bool is_head = strncmp(head, "HEAD ", 5) == 0, no_length = atomic_load(&up->no_length) != 0;
    int len = snprintf(text, sizeof text, "HTTP/1.1 %d OK\r\n%s", status != 0 ? status : 200,
                       fields != NULL ? fields : "Content-Type: application/json\r\n");
    if (no_length)
        len += snprintf(text + len, sizeof text - (size_t)len, "\r\n%s", body);
    else
        len += snprintf(text + len, sizeof text - (size_t)len, "Content-Length: %zu\r\n\r\n%s",
                        strlen(body), is_head ? "" : body);
    int quiet_ms = atomic_load(&up->quiet_ms);
    if (quiet_ms > 0) {
        send_all(fd, text, (size_t)len - 5);
        fx_sleep_ms(quiet_ms);
        return send_all(fd, text + len - 5, 5);
    }
    return send_all(fd, text, (size_t)len) && !no_length;
}

static bool serve_one(struct session *s)
{
    static _Thread_local char head[16384];
    struct upstream *up = s->up;
    unsigned long long got = 0;
    int idle_ms = s->has_served ? atomic_load(&up->idle_ms) : 0;
    struct pollfd ready = {.fd = s->reader.fd, .events = POLLIN};
    if (s->reader.at == s->reader.len && poll(&ready, 1, idle_ms > 0 ? idle_ms : 10000) <= 0) {
        const char *parting = atomic_load(&up->parting);
        if (parting != NULL)
            send_all(s->reader.fd, parting, strlen(parting));
        return false;
    }
    if (!read_head(&s->reader, head, sizeof head))
        return false;
    if (field(head, "Expect") != NULL &&
        !send_all(s->reader.fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return false;
    note(up, s->reader.fd, head);
    s->has_served = true;
    while (atomic_load(&up->is_deaf) != 0)
        fx_sleep_ms(20);
    bool ok = read_body(&s->reader, head, NULL, &got, false);
    atomic_fetch_add(&up->body_bytes, (long long)got);
    int delay_ms = atomic_load(&up->delay_ms);
    if (delay_ms > 0)
        fx_sleep_ms(delay_ms);
    if (!ok || atomic_load(&up->drop) != 0)
        return false;
    while (atomic_load(&up->hang) != 0)
        fx_sleep_ms(20);
    return answer(up, s->reader.fd, head);
}

static void *run_session(void *arg)
{
    struct session *s = arg;
    while (serve_one(s))
        ;
    close(s->reader.fd);
    free(s);
    return NULL;
}

static void *run_upstream(void *arg)
{
    struct upstream *up = arg;
    for (;;) {
        int fd = accept4(up->listen_fd, NULL, NULL, SOCK_CLOEXEC), on = 1;
        if (fd < 0)
            return NULL;
        while (atomic_load(&up->is_full) != 0)
            fx_sleep_ms(5);
        pthread_t thread;
        struct session *s = calloc(1, sizeof *s);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        s->up = up;
        s->reader.fd = fd;
        atomic_fetch_add(&up->connections, 1);
        if (pthread_create(&thread, NULL, run_session, s) == 0)
            pthread_detach(thread);
    }
}

void upstream_start(struct upstream *up, const char *name)
{
    memset(up, 0, sizeof *up);
    up->name = name;
    pthread_mutex_init(&up->lock, NULL);
    up->listen_fd = listen_any(&up->port);
    assert_int_equal(pthread_create(&up->thread, NULL, run_upstream, up), 0);
}

/* One is taken by the thread, which then waits; a backlog of 0 takes one more; the others are sent
 * as SYNs that the kernel drops and the client repeats after a second. */
void upstream_fill(struct upstream *up)
{
    struct sockaddr_in addr = local(up->port);
    atomic_store(&up->is_full, 1);
    assert_int_equal(listen(up->listen_fd, 0), 0);
    for (size_t i = 0; i < FX_ARRAY_LEN(up->fillers); i++) {
        up->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(up->fillers[i], (struct sockaddr *)&addr, sizeof addr);
        fx_sleep_ms(20);
    }
}

void upstream_empty(struct upstream *up)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(up->fillers); i++)
        close(up->fillers[i]);
    listen(up->listen_fd, 512);
    atomic_store(&up->is_full, 0);
}

void upstream_stop(struct upstream *up)
{
    atomic_store(&up->hang, 0);
    atomic_store(&up->is_full, 0);
    shutdown(up->listen_fd, SHUT_RDWR);
    pthread_join(up->thread, NULL);
    close(up->listen_fd);
}

/* --- the facade ------------------------------------------------------------------------------- */

static void write_token(const struct stage *stage)
{
    char path[192];
    snprintf(path, sizeof path, "%s/token", stage->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, STAGE_TOKEN, sizeof STAGE_TOKEN - 1), sizeof STAGE_TOKEN - 1);
    close(fd);
}

static void write_conf(const struct stage *stage, const char *extra)
{
    char path[192];
    snprintf(path, sizeof path, "%s/ficus.yaml", stage->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "apiVersion: ficus/v1\nkind: Project\nupstreams:\n"
            "  monolith: {endpoints: [\"http://127.0.0.1:%d\"]}\n"
            "  orders: {endpoints: [\"http://127.0.0.1:%d\"]}\n"
            "facade:\n  listen: [{address: \"127.0.0.1:%d\"}]\n"
            "  admin: {address: \"127.0.0.1:%d\", token: {file: token}}\n%s"
            "contexts:\n  orders:\n    old: {upstream: monolith}\n    new: {upstream: orders}\n"
            "    routes:\n"
            "      - {id: orders-read, match: {path: \"/orders/**\", methods: [GET, HEAD]}, kind: "
            "read}\n"
            "      - {id: orders-write, match: {path: \"/orders/**\", methods: [POST, PUT, PATCH, "
            "DELETE]}, kind: write}\n"
            "      - {id: carts, match: {path: \"/carts/**\"}, kind: write}\n"
            "    sticky: {by: [\"header:x-customer\", \"cookie:sid\", issue]}\n"
            "    shadow: {ignore: [\"/generated_at\"]}\n",
            stage->old.port, stage->new_side.port, stage->port, stage->admin_port, extra);
    fclose(f);
}

/*
 * A port for the daemon, which is started later. It is taken as fx_free_port in
 * tests/harness/servers.sh takes it: from below the range of which the kernel gives a client its
 * own port, and from none that another script of this run has.
 */
static int free_port(void)
{
    const char *given = getenv("FX_PORTS"); /* NOLINT: tests have one thread here */
    for (;;) {
        unsigned dice = 0;
        assert_int_equal(getrandom(&dice, sizeof dice, 0), sizeof dice);
        int port = 12000 + (int)(dice % 20000);
        char path[256];
        snprintf(path, sizeof path, "%s/%d", given != NULL ? given : "", port);
        int fd = bound(port);
        if (fd < 0)
            continue;
        close(fd);
        if (given == NULL || mkdir(path, 0700) == 0)
            return port;
        assert_int_equal(errno, EEXIST);
    }
}

static bool is_listening(struct stage *stage)
{
    FX_AUTO_FD int fd = client_open(stage->port);
    return fd >= 0;
}

/* And it is not some other program that was quicker to take the port. */
static bool is_ours(struct stage *stage)
{
    return is_listening(stage) && status_number(stage, "orders", "epoch") >= 0;
}

static bool start_facade(struct stage *stage, bool (*is_up)(struct stage *stage))
{
    const char *binary = getenv("FX_FICUSD"); /* NOLINT: tests only */
    char conf[192], log[192];
    snprintf(conf, sizeof conf, "%s/ficus.yaml", stage->dir);
    snprintf(log, sizeof log, "%s/log", stage->dir);
    stage->pid = fork();
    if (stage->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves no daemon behind */
        struct rlimit limit = {(rlim_t)stage->descriptors, (rlim_t)stage->descriptors};
        if (stage->descriptors > 0)
            setrlimit(RLIMIT_NOFILE, &limit);
        FILE *f = freopen(log, "a", stderr);
        (void)f;
        execl(binary, binary, "-f", conf, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && waitpid(stage->pid, NULL, WNOHANG) == 0; i++) {
        if (is_up(stage))
            return true;
        fx_sleep_ms(10);
    }
    kill(stage->pid, SIGKILL);
    waitpid(stage->pid, NULL, 0);
    stage->pid = 0;
    return false;
}

void stage_open(struct stage *stage, const char *facade_extra)
{
    signal(SIGPIPE, SIG_IGN);
    snprintf(stage->dir, sizeof stage->dir, "%s/fcd-stage-XXXXXX", test_tmp());
    assert_non_null(mkdtemp(stage->dir));
    upstream_start(&stage->old, "old");
    upstream_start(&stage->new_side, "new");
    write_token(stage);
    /* Nobody knows the ports yet: if another run on this machine was quicker, there are others. */
    for (int tries = 0; tries < 5; tries++) {
        stage->port = free_port();
        stage->admin_port = free_port();
        write_conf(stage, facade_extra);
        if (start_facade(stage, is_ours))
            return;
    }
    fail_msg("ficusd did not start; see %s/log", stage->dir);
}

void stage_start_facade(struct stage *stage)
{
    if (!start_facade(stage, is_listening))
        fail_msg("ficusd did not start again; see %s/log", stage->dir);
}

int stage_stop_facade(struct stage *stage, int signal_number)
{
    int status = 0;
    kill(stage->pid, signal_number);
    waitpid(stage->pid, &status, 0);
    stage->pid = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void stage_close(struct stage *stage)
{
    if (stage->pid != 0)
        assert_int_equal(stage_stop_facade(stage, SIGTERM), 0);
    upstream_stop(&stage->old);
    upstream_stop(&stage->new_side);
    static const char *const files[] = {"ficus.yaml",
                                        "token",
                                        "log",
                                        ".ficus/facade.json",
                                        ".ficus/facade.json.served",
                                        ".ficus/facade.lock",
                                        ".ficus/admin.sock"};
    char path[160];
    for (size_t i = 0; i < FX_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", stage->dir, files[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/.ficus", stage->dir);
    rmdir(path);
    rmdir(stage->dir);
}

static void test_facade__needs_the_daemon(void **state)
{
    (void)state;
    print_message("SKIP: FX_FICUSD does not name the daemon (make integration ONLY=1002 does)\n");
    skip();
}

int stage_skip(void)
{
    const struct CMUnitTest none[] = {cmocka_unit_test(test_facade__needs_the_daemon)};
    return cmocka_run_group_tests(none, NULL, NULL);
}

long stage_rss_kb(const struct stage *stage)
{
    char path[64], line[256];
    long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", stage->pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kb;
}

long stage_cpu_ms(const struct stage *stage)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", stage->pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    char *at = strrchr(text, ')');
    for (int i = 0; i < 12 && at != NULL; i++)
        at = strchr(at + 1, ' ');
    assert_non_null(at);
    long ticks = strtol(at, &at, 10);
    ticks += strtol(at, NULL, 10);
    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

/* --- clients ---------------------------------------------------------------------------------- */

int client_open(int port)
{
    struct sockaddr_in addr = local(port);
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

void client_send(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

void client_reset(int fd)
{
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

void reply_done(struct reply *reply)
{
    fx_buf_done(&reply->body);
}

/* One byte at a time from the kernel: what belongs to the next answer must stay there. */
static bool read_head_unbuffered(int fd, char *head, size_t size)
{
    size_t len = 0;
    while (len + 1 < size && recv(fd, head + len, 1, 0) == 1) {
        head[++len] = '\0';
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

void client_read(int fd, const char *method, struct reply *reply)
{
    static _Thread_local struct reader r;
    fx_buf_done(&reply->body);
    *reply = (struct reply){.body = FX_BUF(64 << 20)};
    do {
        if (!read_head_unbuffered(fd, reply->head, sizeof reply->head))
            return;
        reply->status = (int)strtol(reply->head + 9, NULL, 10);
    } while (reply->status / 100 == 1);
    const char *connection = field(reply->head, "Connection");
    reply->is_kept = connection == NULL || strncmp(connection, "close", 5) != 0;
    bool has_body = strcmp(method, "HEAD") != 0 && reply->status != 204 && reply->status != 304;
    const char *length = field(reply->head, "Content-Length");
    unsigned long long total = 0;
    r = (struct reader){.fd = fd};
    if (has_body && length != NULL) { /* exactly that many, for the same reason */
        for (total = strtoull(length, NULL, 10); reply->body.len < total;) {
            char bytes[65536];
            ssize_t n = recv(fd, bytes, FX_MIN(sizeof bytes, (size_t)total - reply->body.len), 0);
            if (n <= 0)
                break;
            fx_buf_add_bytes(&reply->body, bytes, (size_t)n);
        }
    } else if (has_body && !read_body(&r, reply->head, &reply->body, &total, true)) {
        reply->status = -reply->status; /* cut */
    }
}

bool reply_is_from(const struct reply *reply, const char *side)
{
    return reply->body.len > 0 && strstr(reply->body.ptr, side) != NULL;
}

static void request_of(int port, const char *host, const char *line, const char *fields,
                       const char *body, struct reply *reply)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(64 << 20);
    FX_AUTO_FD int fd = client_open(port);
    char method[32];
    snprintf(method, sizeof method, "%.*s", (int)strcspn(line, " "), line);
    fx_buf_printf(&text, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s", line, host, fields);
    if (body != NULL)
        fx_buf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
    fx_buf_printf(&text, "\r\n%s", body != NULL ? body : "");
    fx_buf_done(&reply->body);
    *reply = (struct reply){0};
    if (fd < 0)
        return;
    client_send(fd, fx_buf_cstr(&text));
    client_read(fd, method, reply);
}

void request(int port, const char *method, const char *target, const char *fields, const char *body,
             struct reply *reply)
{
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(64 << 20);
    fx_buf_printf(&line, "%s %s", method, target);
    request_of(port, "shop", fx_buf_cstr(&line), fields, body, reply);
}

int request_status(int port, const char *method, const char *target, const char *body)
{
    FX_AUTO(reply) struct reply reply = {0};
    request(port, method, target, "", body, &reply);
    return reply.status;
}

void admin_reply(struct stage *stage, const char *method, const char *path, const char *fields,
                 const char *body, struct reply *reply)
{
    char all[512], line[256];
    snprintf(all, sizeof all, "Authorization: Bearer " STAGE_TOKEN "\r\n%s", fields);
    snprintf(line, sizeof line, "%s %s", method, path);
    request_of(stage->admin_port, "localhost", line, all, body, reply);
}

int admin(struct stage *stage, const char *path, const char *body)
{
    FX_AUTO(reply) struct reply reply = {0};
    admin_reply(stage, "POST", path, "", body, &reply);
    return reply.status;
}

double status_number(struct stage *stage, const char *name, const char *key)
{
    FX_AUTO(reply) struct reply reply = {0};
    char text[96];
    admin_reply(stage, "GET", "/v1/status", "", NULL, &reply);
    snprintf(text, sizeof text, "\"%s\"", name);
    const char *at = reply.body.len > 0 ? strstr(reply.body.ptr, text) : NULL;
    snprintf(text, sizeof text, "\"%s\":", key);
    at = at != NULL ? strstr(at, text) : NULL;
    return at != NULL ? strtod(at + strlen(text), NULL) : -12345;
}

char stage_side(struct stage *stage, const char *method, const char *fields)
{
    FX_AUTO(reply) struct reply reply = {0};
    request(stage->port, method, "/orders/1", fields, *method == 'P' ? "{}" : NULL, &reply);
    assert_int_equal(reply.status, 200);
    return reply_is_from(&reply, "\"old\"") ? 'o' : reply_is_from(&reply, "\"new\"") ? 'n' : '?';
}

int stage_weight(struct stage *stage, double percent)
{
    char body[64];
    snprintf(body, sizeof body, "{\"epoch\":1,\"percent\":%g}", percent);
    return admin(stage, "/v1/routes/orders-read/weight", body);
}

void stage_hold(struct stage *stage, int epoch, int deadline_ms)
{
    char body[96];
    snprintf(body, sizeof body, "{\"epoch\":%d}", epoch);
    assert_int_equal(admin(stage, "/v1/groups/orders/prepare", body), 200);
    snprintf(body, sizeof body, "{\"epoch\":%d,\"deadline_ms\":%d}", epoch, deadline_ms);
    assert_int_equal(admin(stage, "/v1/groups/orders/hold", body), 200);
}

int stage_give(struct stage *stage, int epoch, const char *owner)
{
    char body[96];
    snprintf(body, sizeof body, "{\"epoch\":%d,\"owner\":\"%s\"}", epoch, owner);
    return admin(stage, "/v1/groups/orders/switch", body);
}

void wait_number(struct stage *stage, const char *name, const char *key, double want)
{
    double got = 0;
    for (int64_t until = now_ms() + 8000; now_ms() < until; fx_sleep_ms(5)) {
        got = status_number(stage, name, key);
        if (got >= want - 1e-9 && got <= want + 1e-9)
            return;
    }
    fail_msg("%s of %s is %g, not %g", key, name, got, want);
}
