/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks double in size up to 1 MiB; a request larger than that gets a block of its own. */
#include "lib/base/arena.h"

#include <stdarg.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

struct fx_arena_block {
    struct fx_arena_block *older;
    size_t size; /* of data */
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

struct fx_arena_cleanup {
    struct fx_arena_cleanup *older;
    void (*fn)(void *object);
    void *object;
};

enum { BLOCK_MIN = 4096 - (int)sizeof(struct fx_arena_block), BLOCK_MAX = 1 << 20 };

void fx_arena_init(struct fx_arena *arena, size_t max_bytes)
{
    *arena = (struct fx_arena){.max_bytes = max_bytes};
}

static bool add_block(struct fx_arena *arena, size_t need)
{
    size_t size = arena->block != NULL ? FX_MIN(arena->block->size * 2, (size_t)BLOCK_MAX)
                                       : (size_t)BLOCK_MIN;
    size = FX_MAX(size, need);
    struct fx_arena_block *block = fx_try_alloc(sizeof *block + size);
    if (block == NULL)
        return false;
    block->size = size;
    block->older = arena->block;
    arena->block = block;
    return true;
}

void *fx_arena_try(struct fx_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t need = (size + align - 1) / align * align;
    if (need == 0)
        need = align;
    if (arena->max_bytes != 0 &&
        need > arena->max_bytes - FX_MIN(arena->used_bytes, arena->max_bytes))
        return NULL;
    struct fx_arena_block *block = arena->block;
    if (block == NULL || block->size - block->used < need) {
        if (!add_block(arena, need))
            return NULL;
        block = arena->block;
    }
    FX_INVARIANT(block->used <= block->size && block->size - block->used >= need,
                 "arena at %p: block of %zu bytes, %zu used, %zu needed", (const void *)arena,
                 block->size, block->used, need);
    void *ptr = block->data + block->used;
    block->used += need;
    arena->used_bytes += need;
    memset(ptr, 0, need);
    return ptr;
}

void *fx_arena_alloc(struct fx_arena *arena, size_t size)
{
    void *ptr = fx_arena_try(arena, size);
    if (ptr == NULL)
        FX_BUG("arena: %zu bytes asked, %zu used, cap %zu", size, arena->used_bytes,
               arena->max_bytes);
    return ptr;
}

void *fx_arena_array(struct fx_arena *arena, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        FX_BUG("arena array of %zu times %zu bytes overflows", n, size);
    return fx_arena_alloc(arena, total);
}

struct fx_str fx_arena_str(struct fx_arena *arena, struct fx_str s)
{
    char *copy = fx_arena_alloc(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return (struct fx_str){copy, s.len};
}

char *fx_arena_strdup(struct fx_arena *arena, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t len = strlen(text);
    char *copy = fx_arena_alloc(arena, len + 1);
    memcpy(copy, text, len + 1);
    return copy;
}

char *fx_arena_printf(struct fx_arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    FX_ASSERT(n >= 0);
    char *text = fx_arena_alloc(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void fx_arena_on_clear(struct fx_arena *arena, void (*fn)(void *object), void *object)
{
    FX_ASSERT(fn != NULL);
    struct fx_arena_cleanup *node = fx_arena_alloc(arena, sizeof *node);
    *node = (struct fx_arena_cleanup){.older = arena->cleanup, .fn = fn, .object = object};
    arena->cleanup = node;
}

static void run_cleanups(struct fx_arena *arena)
{
    while (arena->cleanup != NULL) {
        struct fx_arena_cleanup *node = arena->cleanup;
        arena->cleanup = node->older;
        node->fn(node->object);
    }
}

void fx_arena_clear(struct fx_arena *arena)
{
    run_cleanups(arena);
    while (arena->block != NULL && arena->block->older != NULL) {
        struct fx_arena_block *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    if (arena->block != NULL)
        arena->block->used = 0;
    arena->used_bytes = 0;
}

void fx_arena_done(struct fx_arena *arena)
{
    run_cleanups(arena);
    while (arena->block != NULL) {
        struct fx_arena_block *older = arena->block->older;
        free(arena->block);
        arena->block = older;
    }
    arena->used_bytes = 0;
}
