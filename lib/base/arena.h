/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region of memory with one life time: everything taken from it goes at once.
 *
 * One root arena per command; a child arena per batch, chunk or request, cleared at its end. A cap
 * bounds what a peer can make us hold: beyond it fx_arena_try returns NULL and the *request* fails,
 * never the process. Cleanup callbacks close what is not memory (a PGresult, a descriptor), last
 * first.
 *
 *     FX_AUTO(fx_arena) struct fx_arena arena;
 *     fx_arena_init(&arena, 0);
 *     char *name = fx_arena_strdup(&arena, text);
 *
 * Not for: objects that outlive each other in no fixed order. Thread: one at a time.
 */
#ifndef FX_BASE_ARENA_H
#define FX_BASE_ARENA_H

#include "lib/base/fx.h"
#include "lib/base/str.h"

struct fx_arena_block;
struct fx_arena_cleanup;

struct fx_arena {
    struct fx_arena_block *block;     /* newest first */
    struct fx_arena_cleanup *cleanup; /* newest first */
    size_t used_bytes;                /* sum of what was asked for since init or clear */
    size_t max_bytes;                 /* 0: no cap */
};

void fx_arena_init(struct fx_arena *arena, size_t max_bytes);
void fx_arena_clear(struct fx_arena *arena); /* runs cleanups, keeps the first block for reuse */
void fx_arena_done(struct fx_arena *arena);

/* Zeroed, aligned for any type. fx_arena_alloc aborts beyond the cap, fx_arena_try returns NULL. */
void *fx_arena_alloc(struct fx_arena *arena, size_t size);
void *fx_arena_try(struct fx_arena *arena, size_t size) FX_MUST_CHECK;
void *fx_arena_array(struct fx_arena *arena, size_t n, size_t size);
char *fx_arena_strdup(struct fx_arena *arena, const char *text); /* NULL stays NULL */
char *fx_arena_printf(struct fx_arena *arena, const char *fmt, ...) FX_PRINTF(2, 3);
struct fx_str fx_arena_str(struct fx_arena *arena, struct fx_str s); /* copy; NUL-terminated */

/* `fn(object)` runs at clear and done, in reverse order of registration. */
void fx_arena_on_clear(struct fx_arena *arena, void (*fn)(void *object), void *object);

#define FX_ARENA_NEW(arena, type) ((type *)fx_arena_alloc((arena), sizeof(type)))

#endif
