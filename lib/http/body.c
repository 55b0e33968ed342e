/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each framing that has bytes; each
 * says how much it used and what of that is data.
 */
#include "lib/http/body.h"

#include "lib/base/panic.h"

void fx_body_start(struct fx_body *body, enum fx_framing framing, uint64_t length)
{
    body->framing = framing;
    body->is_ended = false;
    body->left = framing == FX_FRAME_LENGTH ? length : 0;
    body->total = 0;
    body->chunked = (struct fx_chunked){0};
}

static enum fx_body_result take(struct fx_body *body, struct fx_str in, size_t len,
                                size_t *ret_used, struct fx_str *ret_data)
{
    *ret_data = fx_str_sub(in, 0, len);
    *ret_used = len;
    body->total += len;
    return len > 0 ? FX_BODY_DATA : FX_BODY_MORE;
}

static enum fx_body_result next_of_chunked(struct fx_body *body, struct fx_str in, size_t *ret_used,
                                           struct fx_str *ret_data)
{
    switch (fx_chunked_next(&body->chunked, in, ret_used, ret_data)) {
    case FX_CHUNKED_MORE: return FX_BODY_MORE;
    case FX_CHUNKED_DATA: body->total += ret_data->len; return FX_BODY_DATA;
    case FX_CHUNKED_DONE: return FX_BODY_DONE;
    case FX_CHUNKED_BAD: return FX_BODY_BAD;
    }
    return FX_BODY_BAD;
}

static enum fx_body_result next_piece(struct fx_body *body, struct fx_str in, size_t *ret_used,
                                      struct fx_str *ret_data)
{
    switch (body->framing) {
    case FX_FRAME_NONE: return FX_BODY_DONE;
    case FX_FRAME_LENGTH: {
        size_t len = (size_t)FX_MIN((uint64_t)in.len, body->left);
        body->left -= len;
        return take(body, in, len, ret_used, ret_data);
    }
    case FX_FRAME_CHUNKED: return next_of_chunked(body, in, ret_used, ret_data);
    case FX_FRAME_CLOSE: return take(body, in, in.len, ret_used, ret_data);
    }
    FX_BUG("body with framing %d", (int)body->framing);
}

enum fx_body_result fx_body_next(struct fx_body *body, struct fx_str in, size_t *ret_used,
                                 struct fx_str *ret_data)
{
    *ret_used = 0;
    *ret_data = (struct fx_str){0};
    if (fx_body_is_complete(body))
        return FX_BODY_DONE;
    enum fx_body_result result = next_piece(body, in, ret_used, ret_data);
    if (*ret_used > in.len || ret_data->len > *ret_used)
        FX_BUG("body: %zu of %zu bytes used, %zu of them data, framing %d", *ret_used, in.len,
               ret_data->len, (int)body->framing);
    return result;
}

bool fx_body_end(struct fx_body *body)
{
    body->is_ended = true;
    return fx_body_is_complete(body);
}

const char *fx_body_problem(const struct fx_body *body)
{
    bool is_bad = body->framing == FX_FRAME_CHUNKED && body->chunked.state == FX_CHUNKED_FAILED;
    FX_ASSERT(is_bad);
    return body->chunked.what;
}
