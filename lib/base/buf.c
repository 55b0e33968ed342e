/* SPDX-License-Identifier: Apache-2.0 */
/* Growth by doubling up to the maximum; the latch makes one check at the end enough. */
#include "lib/base/buf.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

/* Callers of fx_buf_reserve write after `len` themselves; one that wrote too far is found here. */
static void check(const struct fx_buf *buf)
{
    FX_INVARIANT(buf->ptr != NULL ? buf->len < buf->cap : buf->len == 0 && buf->cap == 0,
                 "buffer at %p: %zu of %zu bytes, maximum %zu, memory at %p", (const void *)buf,
                 buf->len, buf->cap, buf->max_bytes, (const void *)buf->ptr);
}

void fx_buf_init(struct fx_buf *buf, size_t max_bytes)
{
    *buf = FX_BUF(max_bytes);
}

void fx_buf_done(struct fx_buf *buf)
{
    free(buf->ptr);
    *buf = FX_BUF(buf->max_bytes);
}

void fx_buf_clear(struct fx_buf *buf)
{
    buf->len = 0;
    buf->has_failed = false;
    if (buf->ptr != NULL)
        buf->ptr[0] = '\0';
}

/* No object of C is larger than PTRDIFF_MAX, and sums up to twice that do not overflow. */
static size_t limit(const struct fx_buf *buf)
{
    return FX_MIN(buf->max_bytes, (size_t)PTRDIFF_MAX - 1);
}

bool fx_buf_reserve(struct fx_buf *buf, size_t len)
{
    check(buf);
    if (buf->has_failed)
        return false;
    size_t max_bytes = limit(buf);
    if (len > max_bytes || buf->len > max_bytes - len) {
        buf->has_failed = true;
        return false;
    }
    size_t need = buf->len + len + 1;
    if (need <= buf->cap)
        return true;
    size_t cap = FX_MAX(buf->cap * 2, (size_t)64);
    cap = FX_MAX(cap, need);
    cap = FX_MIN(cap, max_bytes + 1);
    char *grown = fx_try_realloc(buf->ptr, cap);
    if (grown == NULL) {
        buf->has_failed = true;
        return false;
    }
    buf->ptr = grown;
    buf->cap = cap;
    buf->ptr[buf->len] = '\0';
    return true;
}

void fx_buf_add_bytes(struct fx_buf *buf, const void *bytes, size_t len)
{
    if (!fx_buf_reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void fx_buf_add(struct fx_buf *buf, struct fx_str s)
{
    fx_buf_add_bytes(buf, s.ptr, s.len);
}

void fx_buf_add_c(struct fx_buf *buf, const char *text)
{
    fx_buf_add_bytes(buf, text, strlen(text));
}

void fx_buf_add_char(struct fx_buf *buf, char c)
{
    fx_buf_add_bytes(buf, &c, 1);
}

static void add_digits(struct fx_buf *buf, bool is_negative, uint64_t n)
{
    char text[21];
    size_t at = sizeof text;
    do
        text[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    if (is_negative)
        text[--at] = '-';
    fx_buf_add_bytes(buf, text + at, sizeof text - at);
}

void fx_buf_add_u64(struct fx_buf *buf, uint64_t n)
{
    add_digits(buf, false, n);
}

void fx_buf_add_i64(struct fx_buf *buf, int64_t n)
{
    add_digits(buf, n < 0, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

/* Written straight into what room there is; only what does not fit is written a second time. */
void fx_buf_vprintf(struct fx_buf *buf, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    size_t room = buf->has_failed || buf->cap == 0 ? 0 : buf->cap - buf->len;
    int n = vsnprintf(room > 0 ? buf->ptr + buf->len : NULL, room, fmt, ap);
    FX_ASSERT(n >= 0);
    bool is_written = (size_t)n < room;
    if (room > 0 && !is_written)
        buf->ptr[buf->len] = '\0';
    if (fx_buf_reserve(buf, (size_t)n)) {
        if (!is_written)
            vsnprintf(buf->ptr + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

void fx_buf_printf(struct fx_buf *buf, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fx_buf_vprintf(buf, fmt, ap);
    va_end(ap);
}

void fx_buf_consume(struct fx_buf *buf, size_t len)
{
    check(buf);
    FX_INVARIANT(len <= buf->len, "%zu bytes consumed of %zu", len, buf->len);
    if (len == 0)
        return;
    buf->len -= len;
    memmove(buf->ptr, buf->ptr + len, buf->len);
    buf->ptr[buf->len] = '\0';
}

struct fx_str fx_buf_str(const struct fx_buf *buf)
{
    return (struct fx_str){buf->ptr != NULL ? buf->ptr : "", buf->len};
}

const char *fx_buf_cstr(const struct fx_buf *buf)
{
    return buf->ptr != NULL ? buf->ptr : "";
}
