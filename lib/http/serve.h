/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server for tools: control sockets of streams, metrics, and the demo's shop.
 *
 *     static void answer(void *arg, const struct fx_serve_request *request,
 *                        struct fx_serve_reply *reply)
 *     {
 *         reply->status = 200;
 *         fx_buf_add(&reply->body, FX_STR("{}"));
 *     }
 *     struct fx_serve_options options = {.unix_path = path, .n_threads = 1};
 *     fx_serve_start(&options, answer, arg, &serve, err)
 *
 * One thread accepts, `n_threads` threads each serve one connection at a time with keep-alive;
 * further connections wait. Blocking I/O with time-outs. The callback may block; it runs in the
 * serving threads, so with n_threads > 1 it must be thread-safe. Not for the daemon's data path.
 *
 * Errors: IO (address in use, path too long: 107 bytes, no thread could be started), CONFIG (bad
 * address).
 */
#ifndef FX_HTTP_SERVE_H
#define FX_HTTP_SERVE_H

#include "lib/err/err.h"
#include "lib/http/head.h"

struct fx_serve_request {
    struct fx_str method;
    struct fx_str path, query; /* raw, as sent; without '?' */
    struct fx_str body;
    const struct fx_head *head;
    /* over a Unix socket: the process that connected, when this one can see it; else 0 */
    int peer_pid;
};

struct fx_serve_reply {
    int status;               /* 200 before the callback */
    const char *content_type; /* "application/json" before the callback */
    struct fx_buf body;       /* at most 64 MiB; freed by the server */
    struct fx_buf fields;     /* extra head lines, written with fx_h1_write_field */
    bool is_closing;          /* close the connection after this answer */
    bool is_aborting;         /* close without any answer (tests: a crash after the commit) */
};

typedef void (*fx_serve_fn)(void *arg, const struct fx_serve_request *request,
                            struct fx_serve_reply *reply);

struct fx_serve_options {
    const char *address;   /* "127.0.0.1:8081", port 0: any; or NULL */
    const char *unix_path; /* a socket file without a listener is replaced */
    int n_threads;         /* 0: 1 */
    size_t body_max_bytes; /* 0: 1 MiB */
    int64_t idle_ms;       /* a connection without a request is closed after this; 0: 15 s */
};

struct fx_serve;

bool fx_serve_start(const struct fx_serve_options *options, fx_serve_fn fn, void *arg,
                    struct fx_serve **ret_serve, struct fx_err *err) FX_MUST_CHECK;
int fx_serve_port(const struct fx_serve *serve); /* of a TCP address */
/* Stops accepting, lets running callbacks end, joins
 * all threads, removes the socket file. NULL is fine. */
void fx_serve_stop(struct fx_serve *serve);

#endif
