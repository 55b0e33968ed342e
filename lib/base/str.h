/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed piece of text or bytes, passed by value. Not NUL-terminated; may hold NUL bytes.
 * The owner is whoever made it; the slice is valid as long as that object is neither changed nor
 * freed.
 */
#ifndef FX_BASE_STR_H
#define FX_BASE_STR_H

#include "lib/base/fx.h"

struct fx_str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

#define FX_STR(literal) ((struct fx_str){"" literal, sizeof(literal) - 1})
/* printf("%.*s", FX_STR_FMT(s)) */
#define FX_STR_FMT(s) ((int)(s).len), ((s).ptr != NULL ? (s).ptr : "")

struct fx_str fx_str_from(const char *text); /* NULL gives the empty slice */
bool fx_str_eq(struct fx_str a, struct fx_str b);
bool fx_str_eq_c(struct fx_str a, const char *b);
bool fx_str_eq_ci(struct fx_str a, struct fx_str b); /* ASCII case folded */
int fx_str_cmp(struct fx_str a, struct fx_str b);    /* bytewise, shorter first */
bool fx_str_starts(struct fx_str s, struct fx_str prefix);
bool fx_str_ends(struct fx_str s, struct fx_str suffix);
struct fx_str fx_str_sub(struct fx_str s, size_t from, size_t len); /* clipped to s */
struct fx_str fx_str_trim(struct fx_str s);                         /* spaces and tabs, both ends */
ptrdiff_t fx_str_find(struct fx_str s, char c);                     /* -1: not there */
/* Splits at the first `c`: returns the part before, *rest gets the part after (or empty). */
struct fx_str fx_str_cut(struct fx_str s, char c, struct fx_str *rest);
/* The longest prefix of at most `max_bytes` that does not cut a code point. */
struct fx_str fx_utf8_clip(struct fx_str s, size_t max_bytes);

#endif
