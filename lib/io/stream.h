/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One byte stream between this process and a peer: a socket that is watched edge-triggered, the
 * bytes that have arrived, the bytes that wait to be sent, and what is known about both directions.
 * Connections of clients and of upstreams are built on it. TLS belongs in here, so that no caller
 * knows whether the connection is encrypted.
 *
 *     struct fx_stream stream;
 *     fx_stream_init(&stream, loop, &cache, on_event);
 *     fx_stream_open(&stream, fd, true, &err);          the descriptor belongs to the stream from
 *                                                       here on
 *     static void on_event(struct fx_watch *watch, unsigned events)
 *     {
 *         fx_stream_note(stream, events);               then read until LATER and flush until
 *                                                       nothing is left
 *     }
 *     fx_stream_close(&stream);                         once; the memory stays until the loop's
 *                                                       turn has ended
 *
 * `in` and `out` hold at most one block each; bytes that are not read stay in the kernel, and the
 * peer must wait.
 * Invariant: fd >= 0 exactly between open and close. Thread: the loop's.
 */
#ifndef FX_IO_STREAM_H
#define FX_IO_STREAM_H

#include "lib/io/iobuf.h"
#include "lib/io/loop.h"

struct fx_stream {
    struct fx_watch watch;
    struct fx_loop *loop;
    struct fx_block_cache *cache;
    struct fx_iobuf in, out;
    bool may_read, may_write; /* an edge was seen and is not used up */
    bool has_hup;             /* the peer will send no more */
};

enum fx_stream_read {
    FX_STREAM_SOME,   /* bytes were added to `in` */
    FX_STREAM_LATER,  /* nothing has arrived, or `in` is full */
    FX_STREAM_END,    /* the peer has finished sending */
    FX_STREAM_BROKEN, /* the connection was reset */
};

void fx_stream_init(struct fx_stream *stream, struct fx_loop *loop, struct fx_block_cache *cache,
                    fx_watch_fn on_event);
/* Takes `fd` on success only. `is_connected`: else the
 * first FX_LOOP_OUT says that it may be written to. */
bool fx_stream_open(struct fx_stream *stream, int fd, bool is_connected,
                    struct fx_err *err) FX_MUST_CHECK;
/* Removes the watch, closes the descriptor and gives the blocks back. */
void fx_stream_close(struct fx_stream *stream);
/* The close that follows resets the connection, so that
 * the peer does not take what it got for everything. */
void fx_stream_reset_on_close(struct fx_stream *stream);
/* Our side sends no more. */
void fx_stream_shut(struct fx_stream *stream);

/* Remembers what the loop reported. */
void fx_stream_note(struct fx_stream *stream, unsigned events);
enum fx_stream_read fx_stream_read(struct fx_stream *stream);
/* Sends what is in `out`, as far as the peer takes it;
 * *ret_sent: how many bytes. False: broken for writing. */
bool fx_stream_flush(struct fx_stream *stream, size_t *ret_sent) FX_MUST_CHECK;
/* Makes sure that there is a block to append to in `out`. */
void fx_stream_take_out(struct fx_stream *stream);
/* Gives empty blocks back: an idle connection has none. */
void fx_stream_drop_empty(struct fx_stream *stream);
/* True while the peer neither closed nor sent anything that has not been read. */
bool fx_stream_is_quiet(const struct fx_stream *stream);
/* After fx_sock_connect: 0, or the errno with which connecting failed. Taken: asks once. */
int fx_stream_connect_error(struct fx_stream *stream);

#endif
