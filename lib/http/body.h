/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes the body of one HTTP/1 message as it arrives, whatever its framing (RFC 9112, 6.3): none,
 * a length, the chunked coding, or everything until the peer closes.
 *
 *     struct fx_body body;
 *     fx_body_start(&body, head.framing, head.content_length);
 *     while (!fx_body_is_complete(&body)) {
 *         switch (fx_body_next(&body, in, &used, &data)) {
 *         case FX_BODY_MORE: read more;               all of `in` was used
 *         case FX_BODY_DATA: take(data);              a piece of the body, borrowed from `in`
 *         case FX_BODY_DONE: …                        the body ends at `used`; the next message
 *                                                     follows
 *         case FX_BODY_BAD:  fx_body_problem(&body)   the connection cannot be used any further
 *         }
 *         in = fx_str_sub(in, used, in.len);
 *     }
 *
 * A body that ends when the peer closes is ended by fx_body_end. The caller passes at most as many
 * bytes as it can take: a piece of data is never longer than `in`.
 * Thread: one.
 */
#ifndef FX_HTTP_BODY_H
#define FX_HTTP_BODY_H

#include "lib/http/chunked.h"
#include "lib/http/head.h"

struct fx_body {
    enum fx_framing framing;
    bool is_ended;             /* FX_FRAME_CLOSE: the peer has closed */
    uint64_t left;             /* FX_FRAME_LENGTH: bytes that have not arrived */
    uint64_t total;            /* bytes of data so far */
    struct fx_chunked chunked; /* FX_FRAME_CHUNKED */
};

enum fx_body_result { FX_BODY_MORE, FX_BODY_DATA, FX_BODY_DONE, FX_BODY_BAD };

/* `length` counts for FX_FRAME_LENGTH only. */
void fx_body_start(struct fx_body *body, enum fx_framing framing, uint64_t length);
enum fx_body_result fx_body_next(struct fx_body *body, struct fx_str in, size_t *ret_used,
                                 struct fx_str *ret_data);
/* The peer closed. True: the body is complete. False: it was cut short. */
bool fx_body_end(struct fx_body *body);
/* After FX_BODY_BAD: the reason, static text. */
const char *fx_body_problem(const struct fx_body *body);

static inline bool fx_body_is_complete(const struct fx_body *body)
{
    switch (body->framing) {
    case FX_FRAME_NONE: return true;
    case FX_FRAME_LENGTH: return body->left == 0;
    case FX_FRAME_CHUNKED: return body->chunked.state == FX_CHUNKED_COMPLETE;
    case FX_FRAME_CLOSE: return body->is_ended;
    }
    return false;
}

#endif
