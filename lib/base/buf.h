/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An owned, growing byte buffer with a maximum fixed at its birth.
 *
 * Invariants: `ptr` is never NULL after the first append and always NUL-terminated at ptr[len]; the
 * buffer may hold NUL bytes. Going beyond `max_bytes`, or running out of memory, latches
 * `has_failed`: later appends do nothing, so a writer appends freely and asks once, at the end:
 *
 *     FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
 *     fx_buf_add(&out, FX_STR("a="));
 *     fx_buf_printf(&out, "%d", a);
 *     if (out.has_failed) …
 *
 * Not for: sharing between threads; borrowing (see fx_str).
 */
#ifndef FX_BASE_BUF_H
#define FX_BASE_BUF_H

#include <stdarg.h>

#include "lib/base/fx.h"
#include "lib/base/str.h"

struct fx_buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max_bytes; /* without the terminating NUL; SIZE_MAX: as much as memory allows */
    bool has_failed;
};

#define FX_BUF(max) ((struct fx_buf){.max_bytes = (max)})

void fx_buf_init(struct fx_buf *buf, size_t max_bytes);
void fx_buf_done(struct fx_buf *buf);  /* frees; the buffer may be used again */
void fx_buf_clear(struct fx_buf *buf); /* empty, memory and maximum kept, the latch is reset */

void fx_buf_add(struct fx_buf *buf, struct fx_str s);
void fx_buf_add_c(struct fx_buf *buf, const char *text); /* NUL-terminated text */
void fx_buf_add_bytes(struct fx_buf *buf, const void *bytes, size_t len);
void fx_buf_add_char(struct fx_buf *buf, char c);
/* What "%" PRIu64 and "%" PRId64 would write, for places where printf is too slow. */
void fx_buf_add_u64(struct fx_buf *buf, uint64_t n);
void fx_buf_add_i64(struct fx_buf *buf, int64_t n);
void fx_buf_printf(struct fx_buf *buf, const char *fmt, ...) FX_PRINTF(2, 3);
void fx_buf_vprintf(struct fx_buf *buf, const char *fmt, va_list ap) FX_PRINTF(2, 0);

/* Room for `len` more bytes at ptr + buf->len; false (latched) when that is beyond the maximum. */
bool fx_buf_reserve(struct fx_buf *buf, size_t len);
/* Drops the first `len` bytes: what a parser has consumed. */
void fx_buf_consume(struct fx_buf *buf, size_t len);

struct fx_str fx_buf_str(const struct fx_buf *buf); /* borrowed until the next change */
const char *fx_buf_cstr(const struct fx_buf *buf);  /* "" when nothing was added */

#endif
