/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cli/print.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/visible.h"

void fx_print_text(struct fx_str text)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF((size_t)1 << 30);
    fx_visible_add(&out, text, FX_VISIBLE_LINES);
    (void)fwrite(out.ptr, 1, out.len, stdout); /* main looks at ferror */
}

void fx_print(const char *fmt, ...)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF((size_t)64 << 20);
    va_list args;
    va_start(args, fmt);
    fx_buf_vprintf(&text, fmt, args);
    va_end(args);
    fx_print_text(fx_buf_str(&text));
}
