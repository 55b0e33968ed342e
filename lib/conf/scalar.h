/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts with units -> numbers, without a node: for command-line options and for the defaults of rules.
 * The forms that complain at a node are in schema.h. All return false when the text does not fit; the
 * result is exact or refused ("1.5s" is 1500, "0.5ms" is refused).
 */
#ifndef FX_CONF_SCALAR_H
#define FX_CONF_SCALAR_H

#include "lib/base/str.h"

bool fx_scalar_parse_duration(struct fx_str text, int64_t *ret_ms); /* "0" needs no unit */
bool fx_scalar_parse_size(struct fx_str text, int64_t *ret_bytes);
bool fx_scalar_parse_percent(struct fx_str text, double *ret); /* "0.1%" or "0.1", 0 to 100 */
bool fx_scalar_parse_int(struct fx_str text, int64_t *ret);
bool fx_scalar_parse_number(struct fx_str text, double *ret); /* "1.2": thresholds, not money */

#endif
