/* SPDX-License-Identifier: Apache-2.0 */
/* See position.h. */
#include "lib/db/position.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

const char *fx_pos_text(const struct fx_pos *pos)
{
    return pos->text != NULL ? pos->text : "";
}

struct fx_str fx_pos_str(const struct fx_pos *pos)
{
    return fx_str_from(fx_pos_text(pos));
}

bool fx_pos_is_empty(const struct fx_pos *pos)
{
    return fx_pos_text(pos)[0] == '\0';
}

bool fx_pos_equal(const struct fx_pos *a, const struct fx_pos *b)
{
    return strcmp(fx_pos_text(a), fx_pos_text(b)) == 0;
}

void fx_pos_set(struct fx_pos *pos, struct fx_str text)
{
    FX_ASSERT(text.len <= FX_POS_MAX && (text.len == 0 || memchr(text.ptr, 0, text.len) == NULL));
    if (text.len + 1 <= pos->cap) {
        char *own = (char *)(uintptr_t)pos->text;
        if (text.len > 0)
            memmove(own, text.ptr, text.len);
        own[text.len] = '\0';
        return;
    }
    size_t cap = FX_MAX((text.len + 1) * 2, (size_t)64);
    char *memory = fx_alloc(cap);
    if (text.len > 0)
        memcpy(memory, text.ptr, text.len);
    memory[text.len] = '\0';
    fx_pos_done(pos); /* after the copy: `text` may lie in it */
    *pos = (struct fx_pos){.text = memory, .cap = cap};
}

void fx_pos_copy(struct fx_pos *to, const struct fx_pos *from)
{
    fx_pos_set(to, fx_pos_str(from));
}

void fx_pos_done(struct fx_pos *pos)
{
    if (pos->cap > 0)
        free((char *)(uintptr_t)pos->text);
    *pos = (struct fx_pos){0};
}

struct fx_pos fx_pos_view(const struct fx_pos *pos)
{
    return (struct fx_pos){.text = pos->text};
}

struct fx_pos fx_pos_in(struct fx_arena *arena, struct fx_str text)
{
    return (struct fx_pos){.text = fx_arena_str(arena, text).ptr};
}
