/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers of connections: one block of FCD_BLOCK bytes while there is something in it, none while it is empty.
 *
 * An idle connection therefore holds no buffer, and the memory of a busy one is fixed: what does not fit waits in
 * the kernel, and the peer feels it (backpressure). Blocks go back to the worker's stock, not to malloc.
 *
 * Invariant: at <= buf.len; the bytes that count are buf.ptr[at … len). buf.ptr is NULL or a whole block.
 * Thread: the loop's.
 */
#ifndef FCD_IOBUF_H
#define FCD_IOBUF_H

#include "lib/base/buf.h"

enum { FCD_BLOCK = 32 * 1024, FCD_STOCK_MAX = 256 };

struct fcd_stock {
    char *blocks[FCD_STOCK_MAX];
    size_t n;
};
void fcd_stock_done(struct fcd_stock *stock);

struct fcd_iobuf {
    struct fx_buf buf;
    size_t at;
};

/* Makes sure that there is a block; append to ->buf afterwards. */
void fcd_iobuf_take(struct fcd_iobuf *io, struct fcd_stock *stock);
void fcd_iobuf_drop(struct fcd_iobuf *io, struct fcd_stock *stock);
static inline size_t fcd_iobuf_len(const struct fcd_iobuf *io)
{
    return io->buf.len - io->at;
}
static inline size_t fcd_iobuf_room(const struct fcd_iobuf *io)
{
    return FCD_BLOCK - io->buf.len;
}
static inline struct fx_str fcd_iobuf_str(const struct fcd_iobuf *io)
{
    return (struct fx_str){io->buf.ptr + io->at, io->buf.len - io->at};
}
/* Forgets the first `len` bytes; empty: the next append starts at the front again. */
void fcd_iobuf_consume(struct fcd_iobuf *io, size_t len);
/* Moves what is there to the front. Slices into the buffer become invalid. */
void fcd_iobuf_compact(struct fcd_iobuf *io);

#endif
