/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One form for every JSON text that means the same, so that documents compare by their bytes.
 *
 * Members sorted bytewise by key (duplicates kept, in order: engines differ on which wins, so
 * hiding them would call unequal documents equal), no white space, strings as UTF-8 with the fewest
 * escapes, numbers exact: 2.50 and 25e-1 become 25e-1, and 1e400 stays what it is. Nothing passes
 * through a double, which is why this is not done on a tree of lib/fmt/json_doc.
 *
 * Errors: SOURCE_DATA with the byte offset when the text is not JSON or nests deeper than 512.
 * Thread: any.
 */
#ifndef FX_VALUE_JSON_CANON_H
#define FX_VALUE_JSON_CANON_H

#include "lib/base/buf.h"
#include "lib/err/err.h"

/* Appends the canonical form of `text` to `out`. */
bool fx_json_canon(struct fx_str text, struct fx_buf *out, struct fx_err *err) FX_MUST_CHECK;
/* The same; *ret_duplicates: an object has two members of one name. */
bool fx_json_canon_names(struct fx_str text, struct fx_buf *out, bool *ret_duplicates,
                         struct fx_err *err) FX_MUST_CHECK;

#endif
