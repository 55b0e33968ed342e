/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     chunked-body = *chunk last-chunk trailer-section CRLF               RFC 9112, 7.1
 *     chunk        = 1*HEXDIG [ chunk-ext ] CRLF chunk-data CRLF
 *     last-chunk   = 1*("0") [ chunk-ext ] CRLF
 *     chunk-ext    = *( BWS ";" BWS name … )           not used, but counted; quotes must be closed
 *     trailer      = *( field-name ":" field-value CRLF )
 *
 *   SIZE -> SIZE_MORE -> (EXT) -> SIZE_LF -> BODY -> BODY_CR -> BODY_LF -> SIZE
 *                                    | size 0
 *                                    v
 *                       TRAILER -> NAME -> VALUE -> TRAILER_LF -> TRAILER
 *                          | CR
 *                          v
 *                       LAST_LF -> COMPLETE             any state -> FAILED
 *
 * Bare LF ends nothing (erratum 7633 of RFC 9112); no "0x", no sign, no spaces before a size.
 * Behind a size they are taken from old servers only (is_lenient): they cannot be read in two ways
 * there.
 */
#include "lib/http/chunked.h"

#include "lib/fmt/text.h"
#include "lib/http/head.h"

static bool fail(struct fx_chunked *chunked, const char *what)
{
    chunked->state = FX_CHUNKED_FAILED;
    chunked->what = what;
    return false;
}

static bool count_extra(struct fx_chunked *chunked)
{
    if (++chunked->extra > FX_CHUNKED_EXTRA_MAX)
        return fail(chunked, "chunk extensions and trailers are too large");
    return true;
}

static bool take_digit(struct fx_chunked *chunked, char c)
{
    int digit = fx_hex_digit(c);
    if (digit < 0)
        return fail(chunked, "a chunk size that is not hexadecimal");
    if (++chunked->n_digits > 16 || chunked->left > (uint64_t)INT64_MAX >> 4)
        return fail(chunked, "a chunk size that is too large");
    chunked->left = chunked->left << 4 | (uint64_t)digit;
    chunked->state = FX_CHUNKED_SIZE_MORE;
    return true;
}

/* Behind at least one digit. */
static bool take_size(struct fx_chunked *chunked, char c)
{
    if (c == '\r')
        chunked->state = FX_CHUNKED_SIZE_LF;
    else if (c == ';')
        chunked->state = FX_CHUNKED_EXT;
    else if (chunked->is_lenient && (c == ' ' || c == '\t'))
        return count_extra(chunked) && (chunked->is_padded = true);
    else if (chunked->is_padded)
        return fail(chunked, "a chunk size with a space in it");
    else
        return take_digit(chunked, c);
    chunked->is_padded = false;
    chunked->is_ext_begun = chunked->is_in_quotes = false;
    return true;
}

static bool take_extension(struct fx_chunked *chunked, char c)
{
    if (c == '\r' && (!chunked->is_ext_begun || chunked->is_in_quotes))
        return fail(chunked, "a chunk extension without a name or an end");
    if (c == '\r') {
        chunked->state = FX_CHUNKED_SIZE_LF;
        return true;
    }
    chunked->is_ext_begun |= c != ' ' && c != '\t' && c != ';';
    chunked->is_in_quotes ^= c == '"';
    if (!fx_http_is_field_value((struct fx_str){&c, 1}))
        return fail(chunked, "a control character in a chunk extension");
    return count_extra(chunked);
}

static bool take_trailer(struct fx_chunked *chunked, char c)
{
    struct fx_str byte = {&c, 1};
    if (chunked->state == FX_CHUNKED_TRAILER && c == '\r') {
        chunked->state = FX_CHUNKED_LAST_LF;
        return true;
    }
    if (chunked->state == FX_CHUNKED_VALUE) {
        if (c == '\r')
            chunked->state = FX_CHUNKED_TRAILER_LF;
        else if (!fx_http_is_field_value(byte))
            return fail(chunked, "a control character in a trailer");
        return count_extra(chunked);
    }
    if (chunked->state == FX_CHUNKED_NAME && c == ':') {
        chunked->state = FX_CHUNKED_VALUE;
        return count_extra(chunked);
    }
    if (!fx_http_is_token(byte))
        return fail(chunked, "a trailer name that is not a token");
    chunked->state = FX_CHUNKED_NAME;
    return count_extra(chunked);
}

static bool expect(struct fx_chunked *chunked, char c, char wanted, enum fx_chunked_state next)
{
    if (c != wanted)
        return fail(chunked, "a line of the chunked body that does not end with CR LF");
    chunked->state = next;
    return true;
}

/* One byte of everything but chunk data. */
static bool take_byte(struct fx_chunked *chunked, char c)
{
    switch (chunked->state) {
    case FX_CHUNKED_SIZE: return take_digit(chunked, c);
    case FX_CHUNKED_SIZE_MORE: return take_size(chunked, c);
    case FX_CHUNKED_EXT: return take_extension(chunked, c);
    case FX_CHUNKED_SIZE_LF:
        chunked->n_digits = 0;
        return expect(chunked, c, '\n', chunked->left > 0 ? FX_CHUNKED_BODY : FX_CHUNKED_TRAILER);
    case FX_CHUNKED_BODY_CR: return expect(chunked, c, '\r', FX_CHUNKED_BODY_LF);
    case FX_CHUNKED_BODY_LF: return expect(chunked, c, '\n', FX_CHUNKED_SIZE);
    case FX_CHUNKED_TRAILER:
    case FX_CHUNKED_NAME:
    case FX_CHUNKED_VALUE: return take_trailer(chunked, c);
    case FX_CHUNKED_TRAILER_LF: return expect(chunked, c, '\n', FX_CHUNKED_TRAILER);
    case FX_CHUNKED_LAST_LF: return expect(chunked, c, '\n', FX_CHUNKED_COMPLETE);
    case FX_CHUNKED_BODY:
    case FX_CHUNKED_COMPLETE:
    case FX_CHUNKED_FAILED: break;
    }
    return false;
}

enum fx_chunked_result fx_chunked_next(struct fx_chunked *chunked, struct fx_str in,
                                       size_t *ret_used, struct fx_str *ret_data)
{
    *ret_data = (struct fx_str){0};
    *ret_used = 0;
    for (size_t i = 0;;) {
        *ret_used = i;
        if (chunked->state == FX_CHUNKED_COMPLETE)
            return FX_CHUNKED_DONE;
        if (chunked->state == FX_CHUNKED_FAILED)
            return FX_CHUNKED_BAD;
        if (i == in.len)
            return FX_CHUNKED_MORE;
        if (chunked->state == FX_CHUNKED_BODY) {
            *ret_data = fx_str_sub(in, i, (size_t)FX_MIN((uint64_t)(in.len - i), chunked->left));
            *ret_used = i + ret_data->len;
            chunked->left -= ret_data->len;
            chunked->total += ret_data->len;
            if (chunked->left == 0)
                chunked->state = FX_CHUNKED_BODY_CR;
            return FX_CHUNKED_DATA;
        }
        if (take_byte(chunked, in.ptr[i]))
            i++;
    }
}
