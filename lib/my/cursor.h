/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads little- and big-endian numbers and slices from bytes that someone else wrote. A read beyond
 * the end latches `has_failed` and yields zeros, so a parser reads a whole structure and asks once.
 */
#ifndef FX_MY_CURSOR_H
#define FX_MY_CURSOR_H

#include "lib/base/str.h"

struct fx_cursor {
    const uint8_t *at, *end;
    bool has_failed;
};

static inline struct fx_cursor fx_cursor_of(struct fx_str s)
{
    const uint8_t *at = (const uint8_t *)(s.ptr != NULL ? s.ptr : "");
    return (struct fx_cursor){.at = at, .end = at + s.len};
}

static inline size_t fx_cursor_left(const struct fx_cursor *cur)
{
    return (size_t)(cur->end - cur->at);
}

/* `len` bytes, or NULL (latched). */
static inline const uint8_t *fx_cursor_take(struct fx_cursor *cur, uint64_t len)
{
    if (cur->has_failed || len > fx_cursor_left(cur)) {
        cur->has_failed = true;
        return NULL;
    }
    const uint8_t *taken = cur->at;
    cur->at += len;
    return taken;
}

static inline struct fx_str fx_cursor_str(struct fx_cursor *cur, uint64_t len)
{
    const uint8_t *taken = fx_cursor_take(cur, len);
    return (struct fx_str){(const char *)taken, taken != NULL ? (size_t)len : 0};
}

static inline uint64_t fx_cursor_le(struct fx_cursor *cur, unsigned n)
{
    const uint8_t *taken = fx_cursor_take(cur, n);
    uint64_t value = 0;
    for (unsigned i = 0; taken != NULL && i < n; i++)
        value |= (uint64_t)taken[i] << (8 * i);
    return value;
}

static inline uint64_t fx_cursor_be(struct fx_cursor *cur, unsigned n)
{
    const uint8_t *taken = fx_cursor_take(cur, n);
    uint64_t value = 0;
    for (unsigned i = 0; taken != NULL && i < n; i++)
        value = value << 8 | taken[i];
    return value;
}

/* MySQL's length-encoded integer; 0xfb (NULL) and 0xff are not lengths. */
static inline uint64_t fx_cursor_lenenc(struct fx_cursor *cur)
{
    uint64_t first = fx_cursor_le(cur, 1);
    if (first < 0xfb)
        return first;
    if (first == 0xfb || first == 0xff) {
        cur->has_failed = true;
        return 0;
    }
    return fx_cursor_le(cur, first == 0xfc ? 2 : first == 0xfd ? 3 : 8);
}

#endif
