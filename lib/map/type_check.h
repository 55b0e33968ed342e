/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two column declarations prove before any row is read: a value that `from` may hold and `to`
 * cannot.
 *
 * Only certainties are reported. A column without declared limits (text, numeric) may hold anything
 * and proves nothing: its values are checked one by one (fx_value_check). Digits after the point
 * are judged in both directions, sizes (range, length) only on the way there: a wider column on the
 * new side is common, and whether the new application ever uses the width shows in its values.
 * Thread: any.
 */
#ifndef FX_MAP_TYPE_CHECK_H
#define FX_MAP_TYPE_CHECK_H

#include "lib/map/expr.h"
#include "lib/map/map.h"

/*
 * false: *ret_why says what would be lost, with an example ("0.001 becomes 0.1, ..."). `expr` is
 * applied on the way from `from` to `to`, NULL: none. Both kinds must be of one family (fx_map_bind
 * checks that first).
 */
bool fx_type_check(const struct fx_type *from, const struct fx_expr *expr, const struct fx_type *to,
                   enum fx_direction dir, struct fx_arena *arena,
                   const char **ret_why) FX_MUST_CHECK;

#endif
