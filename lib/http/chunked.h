/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a chunked body (RFC 9112, 7.1) as it arrives; grammar on top of chunked.c.
 *
 *     struct fx_chunked chunked = {0};
 *     while (in.len > 0) {
 *         switch (fx_chunked_next(&chunked, in, &used, &data)) {
 *         case FX_CHUNKED_MORE: break;              all of `in` was used, more is needed
 *         case FX_CHUNKED_DATA: take(data); break;  a piece of the body, borrowed from `in`
 *         case FX_CHUNKED_DONE: …                   the body is complete; what follows `used` is
 *                                                   the next message
 *         case FX_CHUNKED_BAD:  …                   chunked.what says why; the connection is lost
 *         }
 *         in = fx_str_sub(in, used, in.len);
 *     }
 *
 * Sizes are 1 to 16 hex digits. Chunk extensions and trailers are checked, counted against a limit
 * and dropped: they are never merged into the head (RFC 9110, 6.5.1; docs/adr/0041). Thread: one.
 */
#ifndef FX_HTTP_CHUNKED_H
#define FX_HTTP_CHUNKED_H

#include "lib/base/str.h"

enum fx_chunked_state {
    FX_CHUNKED_SIZE,       /* first digit of a chunk size */
    FX_CHUNKED_SIZE_MORE,  /* further digits, or the end of the size */
    FX_CHUNKED_EXT,        /* chunk extension, until CR */
    FX_CHUNKED_SIZE_LF,    /* LF after the size line */
    FX_CHUNKED_BODY,       /* `left` bytes of data */
    FX_CHUNKED_BODY_CR,    /* CR after the data */
    FX_CHUNKED_BODY_LF,    /* LF after the data */
    FX_CHUNKED_TRAILER,    /* first byte of a trailer line, or CR of the last line */
    FX_CHUNKED_NAME,       /* a trailer's name, until the colon */
    FX_CHUNKED_VALUE,      /* a trailer's value, until CR */
    FX_CHUNKED_TRAILER_LF, /* LF after a trailer */
    FX_CHUNKED_LAST_LF,    /* LF of the last, empty line */
    FX_CHUNKED_COMPLETE,
    FX_CHUNKED_FAILED,
};

enum { FX_CHUNKED_EXTRA_MAX = 16 * 1024 }; /* extensions and trailers of one body, in bytes */

struct fx_chunked { /* all zero: at the start */
    enum fx_chunked_state state;
    uint64_t left; /* of the chunk, while its size is read and its data passes */
    int n_digits;
    bool is_ext_begun, is_in_quotes; /* of the chunk extension being read */
    bool is_lenient;  /* set by the caller, for responses: old servers put spaces behind a size */
    bool is_padded;   /* one was seen: no more digits may come */
    uint64_t total;   /* bytes of data so far */
    size_t extra;     /* bytes of extensions and trailers so far */
    const char *what; /* FX_CHUNKED_FAILED: the reason, static text */
};

enum fx_chunked_result { FX_CHUNKED_MORE, FX_CHUNKED_DATA, FX_CHUNKED_DONE, FX_CHUNKED_BAD };

enum fx_chunked_result fx_chunked_next(struct fx_chunked *chunked, struct fx_str in,
                                       size_t *ret_used, struct fx_str *ret_data);

#endif
