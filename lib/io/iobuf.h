/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers of connections: one block of FX_BLOCK_BYTES while there is something in it, none while it
 * is empty.
 *
 * An idle connection therefore holds no buffer, and the memory of a busy one is fixed: what does
 * not fit waits in the kernel, and the peer feels it (backpressure). Freed blocks go to the loop's
 * block cache, not to malloc.
 *
 * Invariant: at <= buf.len; the bytes that count are buf.ptr[at … len). buf.ptr is NULL or a whole
 * block.
 * Thread: the loop's.
 */
#ifndef FX_IO_IOBUF_H
#define FX_IO_IOBUF_H

#include "lib/base/buf.h"

enum { FX_BLOCK_BYTES = 32 * 1024, FX_BLOCK_CACHE_MIN = 256 };

/*
 * Free blocks, the one freed last first: its bytes are the likeliest to be in the processor's
 * cache. Blocks are not zeroed, neither when they are made nor when they are used again; what
 * counts is between `at` and `len`.
 */
struct fx_block_cache { /* all zero: empty, keeps FX_BLOCK_CACHE_MIN */
    struct fx_block *first;
    size_t n;
    size_t low; /* the least that n has been since the last trim: so many were not needed */
    size_t max; /* more are given back to malloc; below FX_BLOCK_CACHE_MIN: that many */
};
/* How many to keep from now on: as many as the connections there are can use at once. */
void fx_block_cache_limit(struct fx_block_cache *cache, size_t max);
/* At regular times: gives back half of what was not needed since the last call, to the minimum. */
void fx_block_cache_trim(struct fx_block_cache *cache);
void fx_block_cache_done(struct fx_block_cache *cache);

struct fx_iobuf {
    struct fx_buf buf;
    size_t at;
};

/* Makes sure that there is a block; append to ->buf afterwards. */
void fx_iobuf_take(struct fx_iobuf *io, struct fx_block_cache *cache);
void fx_iobuf_drop(struct fx_iobuf *io, struct fx_block_cache *cache);
static inline size_t fx_iobuf_len(const struct fx_iobuf *io)
{
    return io->buf.len - io->at;
}
static inline size_t fx_iobuf_room(const struct fx_iobuf *io)
{
    return FX_BLOCK_BYTES - io->buf.len;
}
static inline struct fx_str fx_iobuf_str(const struct fx_iobuf *io)
{
    return (struct fx_str){io->buf.ptr + io->at, io->buf.len - io->at};
}
/* Forgets the first `len` bytes; empty: the next append starts at the front again. */
void fx_iobuf_consume(struct fx_iobuf *io, size_t len);
/* Exchanges the blocks and what is in them. */
void fx_iobuf_swap(struct fx_iobuf *a, struct fx_iobuf *b);
/* Moves what is there to the front. Slices into the buffer become invalid. */
void fx_iobuf_compact(struct fx_iobuf *io);

#endif
