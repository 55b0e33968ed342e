/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares two answers. Status first, then the body: as JSON documents when both are declared as
 * JSON (key order, white space and the context's ignored pointers do not count), else byte by byte.
 * Header fields are not compared, because they carry dates, server names and cookies. Pure. Thread:
 * any.
 */
#ifndef FCD_SHADOW_COMPARE_H
#define FCD_SHADOW_COMPARE_H

#include "lib/base/buf.h"

enum { FCD_DIFFERENCE_MAX = 240 };

struct fcd_answer {
    int status; /* 0: none */
    bool is_json;
    bool is_encoded; /* a Content-Encoding: bytes only */
    struct fx_buf body;
};
struct fcd_compare_rules {
    const char *const *ignore; /* JSON pointers */
    size_t n_ignore;
};

/* true: equal. Else `out` says where they differ first
 * ("status: old 200, new 500", "/total: 17.5 and 17.50"). */
bool fcd_compare(const struct fcd_answer *old, const struct fcd_answer *new_side,
                 const struct fcd_compare_rules *rules, char out[FCD_DIFFERENCE_MAX]);

#endif
