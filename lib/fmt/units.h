/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts with units -> numbers, without a node: for command-line options and for the defaults of
 * rules. The forms that complain at a node are in lib/conf/schema.h. All return false when the text
 * does not fit; the result is exact or refused ("1.5s" is 1500, "0.5ms" is refused).
 */
#ifndef FX_FMT_UNITS_H
#define FX_FMT_UNITS_H

#include "lib/base/buf.h"
#include "lib/base/str.h"

bool fx_units_duration(struct fx_str text, int64_t *ret_ms); /* "0" needs no unit */
bool fx_units_size(struct fx_str text, int64_t *ret_bytes);
bool fx_units_percent(struct fx_str text, double *ret); /* "0.1%" or "0.1", 0 to 100 */
bool fx_units_int(struct fx_str text, int64_t *ret);
bool fx_units_number(struct fx_str text, double *ret); /* "1.2": thresholds, not money */
/* The way back, for people: "38 ms", "6.0 s", "1 min 05 s", "2 h 00 min". */
void fx_units_span(int64_t ms, struct fx_buf *out);

#endif
