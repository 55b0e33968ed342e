/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream of the facade's benchmark: answers every request with as many bytes as its target
 * says (`?size=N`) and swallows bodies that have a Content-Length. Nothing of libficus is in it: it
 * must not change with what it measures. It trusts its clients, which are three proxies on the same
 * machine.
 *
 *     origin PORT         serves on 127.0.0.1 until it is killed
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_MAX = 64 * 1024, BODY_MAX = 2 << 20, EVENTS_MAX = 256 };

struct peer {
    int fd;
    size_t in_len;    /* bytes of a head that is not complete */
    size_t body_left; /* of the request's body */
    size_t answer;    /* bytes of the body that this request asked for */
    size_t head_at, head_len;
    size_t out_left; /* of the answer's body */
    char head[160];
    char in[IN_MAX + 1];
};

static char body[BODY_MAX];

static int listen_on(unsigned short port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(fd, 1024) != 0) {
        perror("origin: listen");
        exit(1);
    }
    return fd;
}

static void watch(int epoll, int fd, void *ptr, unsigned events, int op)
{
    struct epoll_event event = {.events = events, .data.ptr = ptr};
    epoll_ctl(epoll, op, fd, &event);
}

static void accept_all(int epoll, int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *peer = calloc(1, sizeof *peer);
        if (peer == NULL)
            abort();
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peer->fd = fd;
        watch(epoll, fd, peer, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void drop(struct peer *peer)
{
    close(peer->fd);
    free(peer);
}

static size_t number_after(const char *text, const char *what)
{
    const char *at = strcasestr(text, what);
    return at != NULL ? strtoul(at + strlen(what), NULL, 10) : 0;
}

/* What was read may hold the end of one body and the
 * start of the next head, but proxies do not pipeline. */
static void take_head(struct peer *peer, const char *end)
{
    size_t used = (size_t)(end - peer->in) + 4, rest = peer->in_len - used;
    *strstr(peer->in, "\r\n\r\n") = '\0';
    size_t size = number_after(peer->in, "size=");
    peer->answer = size == 0 ? 48 : size < BODY_MAX ? size : BODY_MAX;
    peer->body_left = number_after(peer->in, "\r\ncontent-length:");
    peer->body_left -= rest < peer->body_left ? rest : peer->body_left;
    peer->in_len = 0;
}

static void answer(struct peer *peer)
{
    peer->head_at = 0;
    peer->out_left = peer->answer;
    peer->head_len = (size_t)snprintf(
        peer->head, sizeof peer->head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", peer->answer);
    peer->answer = 0;
}

/* false: the peer is gone. */
static int write_some(struct peer *peer)
{
    while (peer->head_len > 0 || peer->out_left > 0) {
        struct iovec parts[2] = {{peer->head + peer->head_at, peer->head_len},
                                 {body, peer->out_left}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t n = sendmsg(peer->fd, &message, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        size_t of_head = (size_t)n < peer->head_len ? (size_t)n : peer->head_len;
        peer->head_at += of_head;
        peer->head_len -= of_head;
        peer->out_left -= (size_t)n - of_head;
    }
    return 1;
}

static int read_some(struct peer *peer)
{
    static char sink[256 * 1024];
    for (;;) {
        int is_body = peer->body_left > 0;
        char *to = is_body ? sink : peer->in + peer->in_len;
        ssize_t n = recv(peer->fd, to, is_body ? sizeof sink : IN_MAX - peer->in_len, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (is_body) {
            peer->body_left -= (size_t)n < peer->body_left ? (size_t)n : peer->body_left;
        } else {
            peer->in_len += (size_t)n;
            peer->in[peer->in_len] = '\0';
            const char *end = strstr(peer->in, "\r\n\r\n");
            if (end != NULL)
                take_head(peer, end);
        }
        if (peer->body_left == 0 && peer->answer > 0) {
            answer(peer);
            return 1;
        }
    }
}

static void on_event(int epoll, struct peer *peer, unsigned events)
{
    if ((events & EPOLLIN) != 0 && !read_some(peer)) {
        drop(peer);
        return;
    }
    if (!write_some(peer)) {
        drop(peer);
        return;
    }
    int is_writing = peer->head_len > 0 || peer->out_left > 0;
    unsigned wanted = is_writing ? EPOLLOUT : EPOLLIN;
    if ((events & wanted) == 0)
        watch(epoll, peer->fd, peer, wanted, EPOLL_CTL_MOD);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    if (argc != 2) {
        fprintf(stderr, "usage: origin PORT\n");
        return 2;
    }
    memset(body, 'x', sizeof body);
    int listener = listen_on((unsigned short)strtoul(argv[1], NULL, 10));
    int epoll = epoll_create1(0);
    watch(epoll, listener, NULL, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr == NULL)
                accept_all(epoll, listener);
            else
                on_event(epoll, events[i].data.ptr, events[i].events);
    }
}
