/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: whole and byte by byte give the same data, the same end and the same verdict. */
#include "lib/base/buf.h"
#include "lib/base/panic.h"
#include "lib/http/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum fx_chunked_result decode(struct fx_str all, size_t step, struct fx_buf *out,
                                     size_t *ret_used)
{
    struct fx_chunked chunked = {0};
    size_t at = 0, end = 0;
    for (;;) {
        struct fx_str piece;
        size_t used;
        enum fx_chunked_result result =
            fx_chunked_next(&chunked, fx_str_sub(all, at, end - at), &used, &piece);
        at += used;
        *ret_used = at;
        fx_buf_add(out, piece);
        if (result == FX_CHUNKED_DONE || result == FX_CHUNKED_BAD)
            return result;
        if (result == FX_CHUNKED_MORE) {
            if (end == all.len)
                return FX_CHUNKED_MORE;
            end = FX_MIN(end + step, all.len);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str all = {(const char *)data, size};
    FX_AUTO(fx_buf) struct fx_buf one = FX_BUF(size + 1), two = FX_BUF(size + 1);
    size_t used_one, used_two;
    enum fx_chunked_result whole = decode(all, size + 1, &one, &used_one);
    enum fx_chunked_result bytewise = decode(all, 1, &two, &used_two);
    FX_ASSERT(whole == bytewise && used_one == used_two && used_one <= size);
    FX_ASSERT(fx_str_eq(fx_buf_str(&one), fx_buf_str(&two)));
    return 0;
}
