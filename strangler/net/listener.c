/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts connections, refuses those that are too many, and
 * stops accepting for a while when descriptors run out.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/io/sock.h"
#include "lib/log/log.h"
#include "strangler/net/call.h"

enum { BACKLOG = 1024, BACK_OFF_MS = 100, ACCEPT_ROUNDS = 64 };

void fcd_net_init(struct fcd_net *net, struct fcd_local *local, size_t n_listeners_max,
                  void (*on_closed)(struct fcd_net *net))
{
    *net = (struct fcd_net){.local = local,
                            .listeners = fx_alloc_array(n_listeners_max, sizeof *net->listeners),
                            .n_listeners_max = n_listeners_max,
                            .on_closed = on_closed};
}

static void refuse(int fd)
{
    static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                               "Retry-After: 1\r\nConnection: close\r\n\r\n";
    size_t n;
    enum fx_io ignored = fx_sock_write(fd, busy, sizeof busy - 1, &n);
    (void)ignored;
    close(fd);
}

/* The listener is level-triggered: it would be called
 * again at once. The kernel's queue keeps the clients. */
static void back_off(struct fcd_listener *listener)
{
    struct fx_loop *loop = listener->net->local->loop;
    fx_loop_remove(loop, &listener->watch);
    fx_loop_timer(loop, &listener->back_off, BACK_OFF_MS);
}

static void on_back_off_over(struct fx_timer *timer)
{
    struct fx_err err = FX_ERR_INIT;
    struct fcd_listener *listener = FX_CONTAINER_OF(timer, struct fcd_listener, back_off);
    struct fx_loop *loop = listener->net->local->loop;
    if (!fx_loop_add(loop, &listener->watch, listener->fd, FX_LOOP_IN, &err))
        fx_loop_timer(loop, timer, BACK_OFF_MS);
}

static bool is_full(const struct fcd_listener *listener)
{
    const struct fcd_local *local = listener->net->local;
    size_t most = FX_MIN((size_t)local->conf->limits.connections, local->shared->sockets_max);
    return listener->is_limited && listener->net->conns.len >= most;
}

static void on_event(struct fx_watch *watch, unsigned events)
{
    struct fcd_listener *listener = FX_CONTAINER_OF(watch, struct fcd_listener, watch);
    struct fx_addr peer;
    (void)events;
    for (int rounds = 0; rounds < ACCEPT_ROUNDS; rounds++) {
        int fd = fx_sock_accept(listener->fd, &peer);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0 && errno != EAGAIN)
            back_off(listener);
        if (fd < 0)
            return;
        if (is_full(listener) || !fcd_conn_open(listener, &listener->protocol->conn, fd, &peer))
            refuse(fd);
    }
}

bool fcd_net_listen(struct fcd_net *net, const struct fx_addr *addr, bool is_limited,
                    const struct fcd_protocol *protocol, struct fcd_service *service,
                    struct fx_err *err)
{
    FX_ASSERT(net->n_listeners < net->n_listeners_max);
    struct fcd_listener *listener = &net->listeners[net->n_listeners];
    FX_AUTO_FD int fd = -1;
    *listener = (struct fcd_listener){.watch = {on_event, -1},
                                      .back_off.fn = on_back_off_over,
                                      .net = net,
                                      .protocol = protocol,
                                      .service = service,
                                      .is_limited = is_limited};
    if (!fx_sock_listen(addr, BACKLOG, &fd, &listener->addr, err) ||
        !fx_loop_add(net->local->loop, &listener->watch, fd, FX_LOOP_IN, err)) {
        char text[FX_ADDR_TEXT];
        fx_addr_text(addr, text);
        return fx_ctx(err, "listening on \"%s\"", text);
    }
    listener->fd = fx_fd_take(&fd);
    net->n_listeners++;
    return true;
}

static void remove_socket(const struct fcd_listener *listener)
{
    const char *path = fx_addr_path(&listener->addr);
    if (path != NULL)
        unlink(path);
}

void fcd_net_close_listeners(struct fcd_net *net)
{
    for (size_t i = 0; i < net->n_listeners; i++) {
        struct fcd_listener *listener = &net->listeners[i];
        fx_loop_remove(net->local->loop, &listener->watch);
        fx_loop_timer_remove(net->local->loop, &listener->back_off);
        close(listener->fd);
        remove_socket(listener);
    }
    net->n_listeners = 0;
}

void fcd_net_drain(struct fcd_net *net)
{
    fcd_net_close_listeners(net);
    FX_LIST_EACH_SAFE (&net->conns, conn, link)
        conn->ops->drain(conn);
}

void fcd_net_close(struct fcd_net *net)
{
    fcd_net_close_listeners(net);
    FX_LIST_EACH_SAFE (&net->conns, conn, link)
        fcd_conn_close(conn);
}

void fcd_net_free(struct fcd_net *net)
{
    free(net->listeners);
}
