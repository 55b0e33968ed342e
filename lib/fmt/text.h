/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to values and back: numbers with range and trailing-junk checks and no locale, UTF-8, hex.
 *
 * The parsers say only yes or no: the caller knows which key, column or header the text came from
 * and words the error. No leading or trailing space, no '+', no "0x" is accepted anywhere.
 * Thread: any.
 */
#ifndef FX_FMT_TEXT_H
#define FX_FMT_TEXT_H

#include "lib/base/buf.h"
#include "lib/base/fx.h"
#include "lib/base/str.h"

/* Decimal, optional '-'; false when it is not one or lies outside min…max; *ret untouched then. */
bool fx_parse_i64(struct fx_str s, int64_t min, int64_t max, int64_t *ret) FX_MUST_CHECK;
bool fx_parse_u64(struct fx_str s, uint64_t max, uint64_t *ret) FX_MUST_CHECK;
/* 0 to 15, either case; -1: no hex digit. */
int fx_hex_digit(char c);
/* 1 to 16 hex digits, either case. */
bool fx_parse_hex_u64(struct fx_str s, uint64_t max, uint64_t *ret) FX_MUST_CHECK;
/* Decimal with optional fraction and exponent, always with a '.' as point; finite. */
bool fx_parse_double(struct fx_str s, double *ret) FX_MUST_CHECK;
/* The float nearest to the text; by way of a double it would be rounded twice. */
bool fx_parse_float(struct fx_str s, float *ret) FX_MUST_CHECK;
/* The shortest text that reads back as the same double ("0.1", "1e+300", "nan", "inf"). */
void fx_text_double(double d, struct fx_buf *out);

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
bool fx_utf8_valid(struct fx_str s);
/* Number of bytes before the first one that is not well-formed UTF-8; s.len when all are. */
size_t fx_utf8_prefix(struct fx_str s);
/* Number of code points of well-formed text. */
size_t fx_utf8_length(struct fx_str s);

void fx_hex_encode(struct fx_str bytes, struct fx_buf *out); /* lower case */
/* "c2a91f00-…": lower case, with dashes. */
void fx_text_uuid(const uint8_t uuid[16], struct fx_buf *out);
bool fx_hex_decode(struct fx_str hex, struct fx_buf *out) FX_MUST_CHECK;

#endif
