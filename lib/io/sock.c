/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket calls of the daemon in one place, with the options that every socket of ours has:
 * non-blocking, close-on-exec, no Nagle (a proxy writes whole messages), no SIGPIPE.
 */
#include "lib/io/sock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/fmt/text.h"

static bool split_host_port(const char *text, char host[256], char port[16])
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) >= 16)
        return false;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= 256)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    /* getaddrinfo would take 80800 for 15264. */
    uint64_t number;
    return port[0] == '\0' || fx_parse_u64(fx_str_from(port), 65535, &number);
}

bool fx_addr_check(const char *text, struct fx_err *err)
{
    char host[256], port[16];
    if (split_host_port(text, host, port))
        return true;
    fx_fail(err, FX_E_CONFIG, "\"%s\" is not an address with a port from 0 to 65535", text);
    return fx_hint(err, "Write host:port, for example 127.0.0.1:8080 or [::1]:8080.");
}

bool fx_addr_parse(const char *text, struct fx_addr *ret_addr, struct fx_err *err)
{
    char host[256], port[16];
    if (!fx_addr_check(text, err))
        return false;
    (void)split_host_port(text, host, port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (rc != 0)
        return fx_fail(err, FX_E_CONFIG, "could not resolve \"%s\": %s", text, gai_strerror(rc)) ||
               fx_hint(err, "Check the host's name. Run: getent hosts %s", host);
    *ret_addr = (struct fx_addr){.len = found->ai_addrlen};
    memcpy(&ret_addr->storage, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

bool fx_addr_numeric(const char *text, struct fx_addr *ret_addr)
{
    char host[256], port[16];
    if (!split_host_port(text, host, port))
        return false;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    const char *name = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (getaddrinfo(name[0] != '\0' ? name : NULL, port, &hints, &found) != 0)
        return false;
    *ret_addr = (struct fx_addr){.len = found->ai_addrlen};
    memcpy(&ret_addr->storage, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static struct sockaddr_un *unix_of(struct fx_addr *addr)
{
    return (struct sockaddr_un *)(void *)&addr->storage;
}

const char *fx_addr_path(const struct fx_addr *addr)
{
    if (addr->storage.ss_family != AF_UNIX)
        return NULL;
    return ((const struct sockaddr_un *)(const void *)&addr->storage)->sun_path;
}

bool fx_addr_unix(const char *path, struct fx_addr *ret_addr, struct fx_err *err)
{
    *ret_addr = (struct fx_addr){.len = sizeof(struct sockaddr_un)};
    struct sockaddr_un *to = unix_of(ret_addr);
    to->sun_family = AF_UNIX;
    if (path[0] == '\0')
        return fx_fail(err, FX_E_CONFIG, "the socket path is empty") ||
               fx_hint(err, "Write a path, for example /run/ficus/admin.sock.");
    if (strlen(path) >= sizeof to->sun_path)
        return fx_fail(err, FX_E_CONFIG, "the socket path \"%s\" is longer than %zu bytes", path,
                       sizeof to->sun_path - 1) ||
               fx_hint(err, "Use a shorter path, for example /run/ficus/admin.sock.");
    memcpy(to->sun_path, path, strlen(path) + 1);
    return true;
}

bool fx_addr_is_local(const struct fx_addr *addr)
{
    const void *at = &addr->storage;
    const struct sockaddr_in *four = at;
    const struct sockaddr_in6 *six = at;
    switch (addr->storage.ss_family) {
    case AF_UNIX: return true;
    case AF_INET: return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6: return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    default: return false;
    }
}

static bool addr_parts(const struct fx_addr *addr, char host[FX_ADDR_TEXT], char port[16])
{
    return getnameinfo((const struct sockaddr *)&addr->storage, addr->len, host, FX_ADDR_TEXT - 20,
                       port, 16, NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

void fx_addr_text(const struct fx_addr *addr, char out[FX_ADDR_TEXT])
{
    char host[FX_ADDR_TEXT], port[16];
    if (addr->storage.ss_family == AF_UNIX)
        snprintf(out, FX_ADDR_TEXT, "unix:%.70s", fx_addr_path(addr));
    else if (!addr_parts(addr, host, port))
        snprintf(out, FX_ADDR_TEXT, "?");
    else if (addr->storage.ss_family == AF_INET6)
        snprintf(out, FX_ADDR_TEXT, "[%.57s]:%.15s", host, port);
    else
        snprintf(out, FX_ADDR_TEXT, "%.57s:%.15s", host, port);
}

void fx_addr_host(const struct fx_addr *addr, char out[FX_ADDR_TEXT])
{
    char port[16];
    if (!addr_parts(addr, out, port))
        snprintf(out, FX_ADDR_TEXT, "unknown");
}

bool fx_sock_hint_listen(int errnum, const char *text, struct fx_err *err)
{
    const char *colon = strrchr(text, ':');
    if (strncmp(text, "unix:", 5) == 0)
        return fx_hint(
            err,
            "Its directory must exist, and this user must be able to write in it. Create it, "
            "or give this user the right. See: ls -ld \"$(dirname '%s')\"",
            text + 5);
    if (errnum == EADDRINUSE)
        return fx_hint(
            err,
            "Another process uses this port. See which: ss -ltnp 'sport = :%s'. Stop it, or "
            "use another port.",
            colon != NULL ? colon + 1 : "PORT");
    if (errnum == EADDRNOTAVAIL)
        return fx_hint(err,
                       "This machine does not have the address. Use one of its own: ip address");
    if (errnum == EACCES)
        return fx_hint(err, "Ports below 1024 need CAP_NET_BIND_SERVICE; use a higher port or "
                            "start the program with that capability.");
    return false;
}

/* A process that was killed leaves its socket behind: nobody answers there. */
static bool replace_dead_socket(const struct fx_addr *addr, struct fx_err *err)
{
    struct stat st;
    const char *path = fx_addr_path(addr);
    if (lstat(path, &st) != 0)
        return true;
    FX_AUTO_FD int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_alive = S_ISSOCK(st.st_mode) &&
                    (connect(probe, (const struct sockaddr *)&addr->storage, addr->len) == 0 ||
                     errno == EAGAIN);
    if (!S_ISSOCK(st.st_mode) || is_alive)
        return fx_fail(err, FX_E_IO, "could not listen on \"%s\": %s", path,
                       is_alive ? "another process listens there" : "it is not a socket") ||
               fx_hint(err,
                       "See what it is: ls -l '%s'; ss -xlp. Stop that process or move that file "
                       "away, or use another path.",
                       path);
    unlink(path);
    return true;
}

bool fx_sock_listen(const struct fx_addr *addr, int backlog, int *ret_fd, struct fx_addr *ret_addr,
                    struct fx_err *err)
{
    char text[FX_ADDR_TEXT];
    fx_addr_text(addr, text);
    FX_AUTO_FD int fd =
        socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create a socket for \"%s\"", text);
    if (addr->storage.ss_family == AF_UNIX) {
        if (!replace_dead_socket(addr, err))
            return false;
        fchmod(fd, 0600); /* before it has a name: at no time can others open it */
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&addr->storage, addr->len) != 0 ||
        listen(fd, backlog) != 0) {
        int errnum = errno;
        fx_fail_errno(err, FX_E_IO, errnum, "could not listen on \"%s\"", text);
        return fx_sock_hint_listen(errnum, text, err);
    }
    if (ret_addr != NULL) {
        ret_addr->len = sizeof ret_addr->storage;
        getsockname(fd, (struct sockaddr *)&ret_addr->storage, &ret_addr->len);
    }
    *ret_fd = fx_fd_take(&fd);
    return true;
}

int fx_sock_accept(int listen_fd, struct fx_addr *ret_peer)
{
    ret_peer->len = sizeof ret_peer->storage;
    int fd = accept4(listen_fd, (struct sockaddr *)&ret_peer->storage, &ret_peer->len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    int on = 1;
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int fx_sock_connect(const struct fx_addr *addr, bool *ret_is_connected)
{
    FX_AUTO_FD int fd =
        socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int rc = connect(fd, (const struct sockaddr *)&addr->storage, addr->len);
    if (rc != 0 && errno != EINPROGRESS)
        return -1;
    *ret_is_connected = rc == 0;
    return fx_fd_take(&fd);
}

bool fx_sock_peer_uid(int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.uid == (uid_t)-1)
        return false;
    *ret_uid = peer.uid;
    return true;
}

int fx_sock_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static enum fx_io outcome(ssize_t n, size_t *ret_len)
{
    if (n >= 0) {
        *ret_len = (size_t)n;
        return FX_IO_OK;
    }
    return errno == EAGAIN ? FX_IO_AGAIN : FX_IO_ERROR;
}

enum fx_io fx_sock_read(int fd, void *to, size_t room, size_t *ret_len)
{
    ssize_t n;
    do
        n = recv(fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    return n == 0 ? FX_IO_EOF : outcome(n, ret_len);
}

enum fx_io fx_sock_write(int fd, const void *from, size_t len, size_t *ret_len)
{
    ssize_t n;
    do
        n = send(fd, from, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return outcome(n, ret_len);
}

bool fx_sock_is_quiet(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void fx_sock_reset_on_close(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}
