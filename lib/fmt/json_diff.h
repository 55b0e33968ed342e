/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do two JSON documents mean the same? Order of members does not count, order of array items does,
 * numbers compare exactly (1.0 equals 1, 0.1 does not equal 0.10000000000000001).
 *
 *     static const char *const ignore[] = {"/generated_at", "/lines/" "*" "/cached"};
 *     if (!fx_json_equal(a, b, ignore, 2, &why)) … "/lines/0/qty: 1 and 2"
 *
 * An ignore rule is a JSON pointer (RFC 6901, "" is the whole document) whose segment "*" stands
 * for any key or index; what it names is not looked at, with everything below, on whichever side it
 * exists. Thread: any.
 */
#ifndef FX_FMT_JSON_DIFF_H
#define FX_FMT_JSON_DIFF_H

#include "lib/fmt/json_doc.h"

/* False: they differ, and the first difference is appended to `why` (may be NULL). */
bool fx_json_equal(const struct fx_json *a, const struct fx_json *b, const char *const *ignore,
                   size_t n_ignore, struct fx_buf *why);
/* Two number texts of JSON: the same number? */
bool fx_json_number_equal(struct fx_str a, struct fx_str b);
/* Is it a pointer as above? For the check of a configuration. */
bool fx_json_ignore_check(const char *rule);

#endif
