/* SPDX-License-Identifier: Apache-2.0 */
/* From the socket's event to the protocol; closing is the one way out. */
#include "strangler/net/conn.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

void fcd_conn_timer(struct fcd_conn *conn, int64_t after_ms)
{
    fx_loop_timer(conn->local->loop, &conn->timer, after_ms);
}

void fcd_conn_drive(struct fcd_conn *conn)
{
    if (!conn->is_closed)
        conn->ops->drive(conn);
}

void fcd_conn_again(struct fcd_conn *conn)
{
    fx_loop_defer(conn->local->loop, &conn->again);
}

static void on_release(struct fx_task *task)
{
    free(FX_CONTAINER_OF(task, struct fcd_conn, release));
}

/* A request has two blocks with its client and two with its upstream at most. */
static void fit_blocks(struct fcd_net *net)
{
    fx_block_cache_limit(&net->local->blocks, 4 * net->conns.len);
}

void fcd_conn_close(struct fcd_conn *conn)
{
    struct fcd_net *net = conn->net;
    if (conn->is_closed)
        return;
    conn->is_closed = true;
    conn->ops->closing(conn);
    fx_stream_close(&conn->stream);
    fx_loop_timer_remove(conn->local->loop, &conn->timer);
    FX_LIST_REMOVE(&net->conns, conn, link);
    fit_blocks(net);
    fx_loop_defer(conn->local->loop, &conn->release);
    net->on_closed(net);
}

static void on_event(struct fx_watch *watch, unsigned events)
{
    struct fcd_conn *conn = FX_CONTAINER_OF(watch, struct fcd_conn, stream.watch);
    fx_stream_note(&conn->stream, events);
    if ((events & FX_LOOP_ERROR) != 0)
        fcd_conn_close(conn);
    else
        conn->ops->drive(conn);
}

static void on_timer(struct fx_timer *timer)
{
    struct fcd_conn *conn = FX_CONTAINER_OF(timer, struct fcd_conn, timer);
    conn->ops->late(conn);
}

static void on_again(struct fx_task *task)
{
    fcd_conn_drive(FX_CONTAINER_OF(task, struct fcd_conn, again));
}

static void name_peer(struct fcd_conn *conn, int fd, const struct fx_addr *peer)
{
    char text[FX_ADDR_TEXT];
    conn->is_unix = peer->storage.ss_family == AF_UNIX;
    if (conn->is_unix && fx_sock_peer_uid(fd, &conn->uid)) {
        snprintf(conn->peer, sizeof conn->peer, "uid %u", (unsigned)conn->uid);
        return;
    }
    fx_addr_host(peer, text);
    snprintf(conn->peer, sizeof conn->peer, "%.47s", text);
}

bool fcd_conn_open(struct fcd_listener *listener, const struct fcd_conn_ops *ops, int fd,
                   const struct fx_addr *peer)
{
    struct fcd_net *net = listener->net;
    struct fx_err err = FX_ERR_INIT;
    FX_ASSERT(ops->bytes >= sizeof(struct fcd_conn));
    struct fcd_conn *conn = fx_alloc_array(1, ops->bytes);
    fx_stream_init(&conn->stream, net->local->loop, &net->local->blocks, on_event);
    conn->timer.fn = on_timer;
    conn->again.fn = on_again;
    conn->release.fn = on_release;
    conn->net = net;
    conn->local = net->local;
    conn->ops = ops;
    conn->protocol = listener->protocol;
    conn->service = listener->service;
    name_peer(conn, fd, peer);
    if (!fx_stream_open(&conn->stream, fd, false, &err)) {
        free(conn);
        return false;
    }
    FX_LIST_PUSH(&net->conns, conn, link);
    fit_blocks(net);
    conn->ops->start(conn);
    return true;
}
