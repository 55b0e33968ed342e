/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of the facade's benchmark: CONNECTIONS kept alive, each with one request under way,
 * for so many milliseconds. The request is read whole from standard input, head and body; answers
 * must have a Content-Length. Nothing of libficus is in it: it must not change with what it
 * measures.
 *
 *     load PORT CONNECTIONS MILLISECONDS <request      prints "ANSWERS FAILURES MICROSECONDS"
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 4 << 20, HEAD_MAX = 16 * 1024, EVENTS_MAX = 256 };

struct client {
    int fd;
    size_t sent;
    size_t in_len;    /* of an incomplete head */
    size_t body_left; /* of the answer */
    char in[HEAD_MAX + 1];
};

static char request[REQUEST_MAX];
static size_t request_len;
static unsigned long n_answers, n_failures;
static unsigned short port;

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void watch(int epoll, struct client *client, unsigned events, int op)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(epoll, op, client->fd, &event);
}

static void dial(int epoll, struct client *client)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    client->sent = client->in_len = client->body_left = 0;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(client->fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        perror("load: connect");
        exit(1);
    }
    watch(epoll, client, EPOLLIN | EPOLLOUT | (unsigned)EPOLLET, EPOLL_CTL_ADD);
}

static int write_some(struct client *client)
{
    while (client->sent < request_len) {
        ssize_t n = send(client->fd, request + client->sent, request_len - client->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN;
        client->sent += (size_t)n;
    }
    return 1;
}

/* The whole head stands in ->in. */
static int take_head(struct client *client, const char *end)
{
    const char *length = strcasestr(client->in, "\r\ncontent-length:");
    size_t rest = client->in_len - (size_t)(end + 4 - client->in);
    int is_good = strncmp(client->in, "HTTP/1.1 200", 12) == 0 && length != NULL && length < end;
    client->in_len = 0;
    if (!is_good)
        return 0;
    client->body_left = strtoul(length + 17, NULL, 10);
    if (rest > client->body_left)
        return 0;
    client->body_left -= rest;
    return 1;
}

/* An answer is complete: at once the next request. */
static int again(struct client *client)
{
    n_answers++;
    client->sent = 0;
    return write_some(client);
}

static int read_some(struct client *client)
{
    static char sink[256 * 1024];
    for (;;) {
        int is_body = client->body_left > 0;
        ssize_t n = is_body ? recv(client->fd, sink, sizeof sink, MSG_DONTWAIT)
                            : recv(client->fd, client->in + client->in_len,
                                   HEAD_MAX - client->in_len, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (is_body && (size_t)n > client->body_left)
            return 0;
        client->body_left -= is_body ? (size_t)n : 0;
        client->in_len += is_body ? 0 : (size_t)n;
        client->in[client->in_len] = '\0';
        const char *end = is_body ? NULL : strstr(client->in, "\r\n\r\n");
        if (end != NULL && !take_head(client, end))
            return 0;
        if ((end != NULL || is_body) && client->body_left == 0 && !again(client))
            return 0;
    }
}

static void on_event(int epoll, struct client *client, unsigned events)
{
    int is_well = 1;
    if ((events & EPOLLOUT) != 0)
        is_well = write_some(client);
    if (is_well && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        is_well = read_some(client);
    if (is_well)
        return;
    n_failures++;
    close(client->fd);
    dial(epoll, client);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    if (argc != 4) {
        fprintf(stderr, "usage: load PORT CONNECTIONS MILLISECONDS <request\n");
        return 2;
    }
    port = (unsigned short)strtoul(argv[1], NULL, 10);
    size_t n_clients = strtoul(argv[2], NULL, 10);
    long long us = strtoll(argv[3], NULL, 10) * 1000;
    request_len = fread(request, 1, sizeof request, stdin);
    struct client *clients = calloc(n_clients, sizeof *clients);
    int epoll = epoll_create1(0);
    if (clients == NULL || request_len == 0)
        return 1;
    long long start = now_us();
    for (size_t i = 0; i < n_clients; i++)
        dial(epoll, &clients[i]);
    while (now_us() - start < us) {
        int n = epoll_wait(epoll, events, EVENTS_MAX, 100);
        for (int i = 0; i < n; i++)
            on_event(epoll, events[i].data.ptr, events[i].events);
    }
    printf("%lu %lu %lld\n", n_answers, n_failures, now_us() - start);
    return 0;
}
