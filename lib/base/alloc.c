/* SPDX-License-Identifier: Apache-2.0 */
/* The aborting and the trying allocators over malloc, with the fail-nth hook of the tests. */
#include "lib/base/alloc.h"

#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/panic.h"

/* lib/fmt is on a higher level than lib/base, so digits are read here. -1: not a count. */
static long read_count(const char *text)
{
    long count = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || count > LONG_MAX / 10 - 1)
            return -1;
        count = count * 10 + (*c - '0');
    }
    return count;
}

static bool should_fail(void)
{
    static _Atomic long countdown = -2; /* -2: not read yet, -1: never fail */
    long now = atomic_load(&countdown);
    if (now == -2) {
        const char *text = getenv("FX_FAIL_ALLOC");
        now = text != NULL ? read_count(text) : -1;
        atomic_store(&countdown, now > 0 ? now : -1);
        now = atomic_load(&countdown);
    }
    if (now <= 0)
        return false;
    return atomic_fetch_sub(&countdown, 1) == 1;
}

void *fx_alloc(size_t size)
{
    void *ptr = calloc(1, size > 0 ? size : 1);
    if (ptr == NULL)
        FX_BUG("out of memory: %zu bytes", size);
    return ptr;
}

void *fx_alloc_array(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        FX_BUG("allocation of %zu times %zu bytes overflows", n, size);
    return fx_alloc(total);
}

void *fx_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size > 0 ? size : 1);
    if (grown == NULL)
        FX_BUG("out of memory: %zu bytes", size);
    return grown;
}

void *fx_try_alloc(size_t size)
{
    return should_fail() ? NULL : calloc(1, size > 0 ? size : 1);
}

void *fx_try_realloc(void *ptr, size_t size)
{
    return should_fail() ? NULL : realloc(ptr, size > 0 ? size : 1);
}

char *fx_strndup(const char *text, size_t len)
{
    char *copy = fx_alloc(len + 1);
    memcpy(copy, text, len);
    return copy;
}

char *fx_strdup(const char *text)
{
    return text != NULL ? fx_strndup(text, strlen(text)) : NULL;
}

char *fx_asprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        FX_BUG("out of memory while formatting");
    return text;
}

void fx_free_str(char **text)
{
    free(*text);
}

void fx_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

int fx_fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
