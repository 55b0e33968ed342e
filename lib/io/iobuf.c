/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks and their cache. A block is an fx_buf at its full capacity, so appending never allocates.
 */
#include "lib/io/iobuf.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

/* The front of a block while it is free. */
struct fx_block {
    struct fx_block *next;
};

static void put(struct fx_block_cache *cache, char *bytes)
{
    struct fx_block *block = (void *)bytes;
    block->next = cache->first;
    cache->first = block;
    cache->n++;
}

/* NULL: none is free. */
static char *get(struct fx_block_cache *cache)
{
    struct fx_block *block = cache->first;
    if (block == NULL)
        return NULL;
    cache->first = block->next;
    cache->n--;
    cache->low = FX_MIN(cache->low, cache->n);
    return (char *)block;
}

static size_t limit_of(const struct fx_block_cache *cache)
{
    return FX_MAX(cache->max, (size_t)FX_BLOCK_CACHE_MIN);
}

void fx_block_cache_limit(struct fx_block_cache *cache, size_t max)
{
    cache->max = max;
    while (cache->n > limit_of(cache))
        free(get(cache));
}

void fx_block_cache_trim(struct fx_block_cache *cache)
{
    for (size_t give = (cache->low + 1) / 2; give > 0 && cache->n > FX_BLOCK_CACHE_MIN; give--)
        free(get(cache));
    cache->low = cache->n;
}

void fx_block_cache_done(struct fx_block_cache *cache)
{
    while (cache->n > 0)
        free(get(cache));
}

void fx_iobuf_take(struct fx_iobuf *io, struct fx_block_cache *cache)
{
    if (io->buf.ptr != NULL)
        return;
    io->buf = FX_BUF(FX_BLOCK_BYTES);
    io->buf.cap = FX_BLOCK_BYTES + 1;
    io->buf.ptr = get(cache);
    if (io->buf.ptr == NULL)
        io->buf.ptr = fx_realloc(NULL, FX_BLOCK_BYTES + 1);
    io->buf.ptr[0] = '\0';
    io->at = 0;
}

void fx_iobuf_drop(struct fx_iobuf *io, struct fx_block_cache *cache)
{
    if (io->buf.ptr == NULL)
        return;
    if (cache->n < limit_of(cache))
        put(cache, io->buf.ptr);
    else
        free(io->buf.ptr);
    *io = (struct fx_iobuf){0};
}

void fx_iobuf_consume(struct fx_iobuf *io, size_t len)
{
    if (len > fx_iobuf_len(io))
        FX_BUG("%zu bytes of a block are used up, at=%zu len=%zu", len, io->at, io->buf.len);
    io->at += len;
    if (io->at == io->buf.len && io->buf.ptr != NULL) {
        io->at = 0;
        fx_buf_clear(&io->buf);
    }
}

void fx_iobuf_swap(struct fx_iobuf *a, struct fx_iobuf *b)
{
    struct fx_iobuf kept = *a;
    *a = *b;
    *b = kept;
}

void fx_iobuf_compact(struct fx_iobuf *io)
{
    if (io->at == 0)
        return;
    fx_buf_consume(&io->buf, io->at);
    io->at = 0;
}
