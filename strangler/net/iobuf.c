/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks and their stock. A block is an fx_buf at its full capacity, so appending never allocates. */
#include "strangler/net/iobuf.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

void fcd_stock_done(struct fcd_stock *stock)
{
    while (stock->n > 0)
        free(stock->blocks[--stock->n]);
}

void fcd_iobuf_take(struct fcd_iobuf *io, struct fcd_stock *stock)
{
    if (io->buf.ptr != NULL)
        return;
    io->buf = FX_BUF(FCD_BLOCK);
    io->buf.cap = FCD_BLOCK + 1;
    io->buf.ptr = stock->n > 0 ? stock->blocks[--stock->n] : fx_alloc(FCD_BLOCK + 1);
    io->buf.ptr[0] = '\0';
    io->at = 0;
}

void fcd_iobuf_drop(struct fcd_iobuf *io, struct fcd_stock *stock)
{
    if (io->buf.ptr == NULL)
        return;
    if (stock->n < FCD_STOCK_MAX)
        stock->blocks[stock->n++] = io->buf.ptr;
    else
        free(io->buf.ptr);
    *io = (struct fcd_iobuf){0};
}

void fcd_iobuf_consume(struct fcd_iobuf *io, size_t len)
{
    FX_ASSERT(len <= fcd_iobuf_len(io));
    io->at += len;
    if (io->at == io->buf.len && io->buf.ptr != NULL) {
        io->at = 0;
        fx_buf_clear(&io->buf);
    }
}

void fcd_iobuf_compact(struct fcd_iobuf *io)
{
    if (io->at == 0)
        return;
    fx_buf_consume(&io->buf, io->at);
    io->at = 0;
}
