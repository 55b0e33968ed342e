/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths for routing: one normal form; patterns over it are in strangler/route/match.
 *
 * The facade routes on the normal form but forwards the original bytes. So whatever an upstream
 * could read differently from us is refused: %2F and %5C, encoded or literal NUL and controls, '\',
 * dot segments in any encoding, "//", bad escapes, '#'.
 * Thread: any.
 */
#ifndef FX_HTTP_URL_H
#define FX_HTTP_URL_H

#include "lib/base/buf.h"
#include "lib/base/str.h"

/*
 * Appends the normal form of `raw` (starts with '/', no query): unreserved %XX decoded, other
 * escapes in upper case. False: ambiguous, answer 400; *ret_why is static text.
 */
bool fx_url_path_normal(struct fx_str raw, struct fx_buf *out, const char **ret_why) FX_MUST_CHECK;

#endif
