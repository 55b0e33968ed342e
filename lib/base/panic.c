/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says where and why, prints a backtrace, aborts. Allocates nothing: memory may be what is broken.
 */
#include "lib/base/panic.h"

#include <execinfo.h>
#include <stdarg.h>
#include <unistd.h>

void fx_panic(const char *file, int line, const char *fmt, ...)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "ficus: bug: %s:%d: ", file, line);
    va_list ap;
    va_start(ap, fmt);
    if (n > 0 && (size_t)n < sizeof text)
        n += vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    va_end(ap);
    size_t len = n > 0 ? FX_MIN((size_t)n, sizeof text - 2) : 0;
    text[len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, text, len);
    void *frames[32];
    backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
    static const char report[] =
        "If memory was not exhausted, this is a defect in Ficus: please report the message and "
        "the backtrace above.\n";
    ignored = write(STDERR_FILENO, report, sizeof report - 1);
    (void)ignored;
    abort();
}
