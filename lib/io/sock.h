/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-blocking TCP and Unix sockets: addresses, listeners, connections, reads and writes with one
 * enum for the outcome.
 *
 * Addresses are numeric or resolved by fx_addr_parse, which may block and is called only at start;
 * the loop never resolves. Thread: any.
 */
#ifndef FX_IO_SOCK_H
#define FX_IO_SOCK_H

#include <sys/socket.h>

#include "lib/err/err.h"

struct fx_addr {
    struct sockaddr_storage storage;
    socklen_t len;
};
enum { FX_ADDR_TEXT = 80 };

/* "127.0.0.1:80", "[::1]:80", "localhost:80", ":80" (every interface). Errors: CONFIG. */
bool fx_addr_parse(const char *text, struct fx_addr *ret_addr, struct fx_err *err) FX_MUST_CHECK;
/* The form only: names are not resolved. */
bool fx_addr_check(const char *text, struct fx_err *err) FX_MUST_CHECK;
/* As fx_addr_parse, but only what needs no name service: numbers and "localhost". */
bool fx_addr_numeric(const char *text, struct fx_addr *ret_addr);
/* A Unix socket. Errors: CONFIG (the path is too long). */
bool fx_addr_unix(const char *path, struct fx_addr *ret_addr, struct fx_err *err) FX_MUST_CHECK;
const char *fx_addr_path(const struct fx_addr *addr); /* of a Unix socket; NULL: it is none */
/* Can only this machine reach it? Unix sockets, 127.0.0.0/8 and ::1. */
bool fx_addr_is_local(const struct fx_addr *addr);
void fx_addr_text(const struct fx_addr *addr, char out[FX_ADDR_TEXT]); /* "127.0.0.1:80" */
void fx_addr_host(const struct fx_addr *addr, char out[FX_ADDR_TEXT]); /* "127.0.0.1" */

/* Non-blocking, close-on-exec, SO_REUSEADDR. Port 0
 * picks a free one; *ret_addr (may be NULL) tells. A Unix socket has mode 0600 from the beginning,
 * and replaces one that nobody listens on. */
bool fx_sock_listen(const struct fx_addr *addr, int backlog, int *ret_fd, struct fx_addr *ret_addr,
                    struct fx_err *err) FX_MUST_CHECK;
/* What to do after bind or listen failed with `errnum`; false. */
bool fx_sock_hint_listen(int errnum, const char *text, struct fx_err *err);
/* -1 with errno as accept4(2). TCP_NODELAY is on. */
int fx_sock_accept(int listen_fd, struct fx_addr *ret_peer);
/* Starts a connection; *ret_is_connected tells when no waiting is needed. -1 with errno. */
int fx_sock_connect(const struct fx_addr *addr, bool *ret_is_connected);
int fx_sock_error(int fd); /* SO_ERROR, taken */
/* The user at the other end of a Unix socket; false: it is none. */
bool fx_sock_peer_uid(int fd, uid_t *ret_uid);

enum fx_io {
    FX_IO_OK,    /* some bytes moved */
    FX_IO_AGAIN, /* would block */
    FX_IO_EOF,   /* reading: the peer has finished */
    FX_IO_ERROR  /* reset, broken pipe, …: errno tells */
};
enum fx_io fx_sock_read(int fd, void *to, size_t room, size_t *ret_len);
enum fx_io fx_sock_write(int fd, const void *from, size_t len, size_t *ret_len); /* no SIGPIPE */
/* False when the peer has closed or sent something
 * unexpected: the connection cannot carry another request. */
bool fx_sock_is_quiet(int fd);
/* The close that follows resets the connection, so that
 * the peer does not take what it got for everything. */
void fx_sock_reset_on_close(int fd);

#endif
