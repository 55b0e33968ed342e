/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of every framing: whole and in pieces give the same data, the same end and the same
 * verdict. The first byte chooses the framing, the second the length and the size of the pieces.
 */
#include "lib/base/buf.h"
#include "lib/base/panic.h"
#include "lib/http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum fx_body_result result;
    size_t used;
    bool is_complete;
};

static struct outcome decode(enum fx_framing framing, uint64_t length, struct fx_str all,
                             size_t step, struct fx_buf *out)
{
    struct fx_body body;
    size_t at = 0, end = 0;
    fx_body_start(&body, framing, length);
    for (;;) {
        struct fx_str piece;
        size_t used;
        enum fx_body_result result =
            fx_body_next(&body, fx_str_sub(all, at, end - at), &used, &piece);
        at += used;
        fx_buf_add(out, piece);
        if (result == FX_BODY_MORE && end < all.len)
            end = FX_MIN(end + step, all.len);
        else if (result != FX_BODY_DATA)
            return (struct outcome){result, at, fx_body_end(&body)};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum fx_framing framing = (enum fx_framing)(data[0] % 4);
    struct fx_str all = {(const char *)data + 2, size - 2};
    FX_AUTO(fx_buf) struct fx_buf one = FX_BUF(size + 1), two = FX_BUF(size + 1);
    struct outcome whole = decode(framing, data[1], all, size + 1, &one);
    struct outcome pieces = decode(framing, data[1], all, data[1] % 7u + 1, &two);
    FX_ASSERT(whole.result == pieces.result && whole.used == pieces.used);
    FX_ASSERT(whole.is_complete == pieces.is_complete && whole.used <= all.len);
    FX_ASSERT(fx_str_eq(fx_buf_str(&one), fx_buf_str(&two)));
    return 0;
}
