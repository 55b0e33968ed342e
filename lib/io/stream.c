/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that reads and writes the sockets of the data path. */
#include "lib/io/stream.h"

#include <unistd.h>

#include "lib/base/panic.h"
#include "lib/io/sock.h"

void fx_stream_init(struct fx_stream *stream, struct fx_loop *loop, struct fx_block_cache *cache,
                    fx_watch_fn on_event)
{
    *stream = (struct fx_stream){.watch = {on_event, -1}, .loop = loop, .cache = cache};
}

bool fx_stream_open(struct fx_stream *stream, int fd, bool is_connected, struct fx_err *err)
{
    FX_ASSERT(stream->watch.fd < 0);
    stream->may_write = is_connected;
    return fx_loop_add(stream->loop, &stream->watch, fd, FX_LOOP_EDGE, err);
}

void fx_stream_close(struct fx_stream *stream)
{
    int fd = stream->watch.fd;
    FX_ASSERT(fd >= 0);
    fx_loop_remove(stream->loop, &stream->watch);
    close(fd);
    fx_iobuf_drop(&stream->in, stream->cache);
    fx_iobuf_drop(&stream->out, stream->cache);
    stream->may_read = stream->may_write = false;
}

void fx_stream_reset_on_close(struct fx_stream *stream)
{
    fx_sock_reset_on_close(stream->watch.fd);
}

void fx_stream_shut(struct fx_stream *stream)
{
    shutdown(stream->watch.fd, SHUT_WR);
}

void fx_stream_note(struct fx_stream *stream, unsigned events)
{
    if ((events & FX_LOOP_OUT) != 0)
        stream->may_write = true;
    if ((events & (FX_LOOP_IN | FX_LOOP_HUP | FX_LOOP_ERROR)) != 0)
        stream->may_read = true;
    if ((events & (FX_LOOP_HUP | FX_LOOP_ERROR)) != 0)
        stream->has_hup = true;
}

enum fx_stream_read fx_stream_read(struct fx_stream *stream)
{
    struct fx_iobuf *in = &stream->in;
    if (!stream->may_read)
        return FX_STREAM_LATER;
    fx_iobuf_take(in, stream->cache);
    fx_iobuf_compact(in);
    size_t room = fx_iobuf_room(in), n = 0;
    if (room == 0)
        return FX_STREAM_LATER;
    enum fx_io outcome = fx_sock_read(stream->watch.fd, in->buf.ptr + in->buf.len, room, &n);
    if (outcome == FX_IO_OK) {
        in->buf.len += n;
        /* A short read used the edge up; but an end that was announced must still be read. */
        if (n < room && !stream->has_hup)
            stream->may_read = false;
        return FX_STREAM_SOME;
    }
    stream->may_read = false;
    if (outcome == FX_IO_AGAIN)
        return FX_STREAM_LATER;
    stream->has_hup = true;
    return outcome == FX_IO_EOF ? FX_STREAM_END : FX_STREAM_BROKEN;
}

bool fx_stream_flush(struct fx_stream *stream, size_t *ret_sent)
{
    *ret_sent = 0;
    while (fx_iobuf_len(&stream->out) > 0 && stream->may_write) {
        struct fx_str bytes = fx_iobuf_str(&stream->out);
        size_t n = 0;
        switch (fx_sock_write(stream->watch.fd, bytes.ptr, bytes.len, &n)) {
        case FX_IO_OK:
            fx_iobuf_consume(&stream->out, n);
            stream->may_write = n == bytes.len;
            *ret_sent += n;
            break;
        case FX_IO_AGAIN: stream->may_write = false; break;
        case FX_IO_EOF:
        case FX_IO_ERROR: return false;
        }
    }
    return true;
}

void fx_stream_take_out(struct fx_stream *stream)
{
    fx_iobuf_take(&stream->out, stream->cache);
}

void fx_stream_drop_empty(struct fx_stream *stream)
{
    if (fx_iobuf_len(&stream->in) == 0)
        fx_iobuf_drop(&stream->in, stream->cache);
    if (fx_iobuf_len(&stream->out) == 0)
        fx_iobuf_drop(&stream->out, stream->cache);
}

bool fx_stream_is_quiet(const struct fx_stream *stream)
{
    return fx_sock_is_quiet(stream->watch.fd);
}

int fx_stream_connect_error(struct fx_stream *stream)
{
    return fx_sock_error(stream->watch.fd);
}
