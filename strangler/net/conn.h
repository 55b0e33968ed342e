/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of clients and the listeners that accept them: what does not depend on the protocol.
 * A connection is a stream, a timer, and the protocol that drives it; the protocol's own object
 * begins with it.
 *
 *     listener --accept--> connection --events--> protocol (net/call.h) --calls--> service
 *
 * Everything funnels into the protocol's `drive`. fcd_conn_close may be called at any depth: the
 * memory stays until the loop's turn has ended. Thread: the loop's.
 */
#ifndef FCD_NET_CONN_H
#define FCD_NET_CONN_H

#include "lib/io/stream.h"
#include "strangler/shared/local.h"

struct fcd_protocol;
struct fcd_service;
struct fcd_net;

struct fcd_conn;
struct fcd_listener;

/* The part of a protocol that drives connections. */
struct fcd_conn_ops {
    size_t bytes; /* of the protocol's connection, which begins with a struct fcd_conn */
    void (*start)(struct fcd_conn *conn); /* accepted */
    /* does what can be done; the connection may be gone afterwards */
    void (*drive)(struct fcd_conn *conn);
    void (*late)(struct fcd_conn *conn);    /* its timer ran out */
    void (*drain)(struct fcd_conn *conn);   /* the present answer is the last */
    void (*closing)(struct fcd_conn *conn); /* tells its calls that the client is gone */
};

struct fcd_conn {
    struct fx_stream stream;
    struct fx_timer timer;
    struct fx_task again; /* drives it in the next turn */
    struct fx_task release;
    FX_LINK(fcd_conn) link;
    struct fcd_net *net;
    struct fcd_local *local;
    const struct fcd_conn_ops *ops;
    const struct fcd_protocol *protocol;
    struct fcd_service *service;
    bool is_closed;
    char peer[48]; /* address without port, or "uid 1000" */
    bool is_unix;  /* a Unix socket */
    uid_t uid;     /* of its other end */
};

struct fcd_listener {
    struct fx_watch watch;
    int fd;
    /* set: there was no descriptor for a connection, so it does not accept for a while */
    struct fx_timer back_off;
    struct fcd_net *net;
    struct fx_addr addr; /* as bound */
    const struct fcd_protocol *protocol;
    struct fcd_service *service;
    bool is_limited; /* counts against limits.connections; the operator's listener does not */
};

/* All listeners and connections of one worker. */
struct fcd_net {
    struct fcd_local *local;
    FX_LIST(fcd_conn) conns;
    struct fcd_listener *listeners; /* room for n_listeners_max, which does not change */
    size_t n_listeners, n_listeners_max;
    void (*on_closed)(struct fcd_net *net); /* a connection has gone */
};

void fcd_net_init(struct fcd_net *net, struct fcd_local *local, size_t n_listeners_max,
                  void (*on_closed)(struct fcd_net *net));
bool fcd_net_listen(struct fcd_net *net, const struct fx_addr *addr, bool is_limited,
                    const struct fcd_protocol *protocol, struct fcd_service *service,
                    struct fx_err *err) FX_MUST_CHECK;
void fcd_net_close_listeners(struct fcd_net *net);
/* Idle connections close, the others after the answer that they are waiting for. */
void fcd_net_drain(struct fcd_net *net);
void fcd_net_close(struct fcd_net *net); /* listeners and connections */
void fcd_net_free(struct fcd_net *net);  /* after the loop's turn in which it was closed */

/* An accepted descriptor becomes a connection. False: the
 * loop cannot watch one more; `fd` is still the caller's. */
bool fcd_conn_open(struct fcd_listener *listener, const struct fcd_conn_ops *ops, int fd,
                   const struct fx_addr *peer) FX_MUST_CHECK;
void fcd_conn_drive(struct fcd_conn *conn);
/* Drives it again in the next turn, so that other connections get theirs before. */
void fcd_conn_again(struct fcd_conn *conn);
void fcd_conn_timer(struct fcd_conn *conn, int64_t after_ms);
void fcd_conn_close(struct fcd_conn *conn); /* does nothing the second time */

#endif
