/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of a row event: from its bytes to the canonical form of the catalog's type. Used by
 * rowevent.c alone.
 */
#ifndef FX_MY_ROWVALUE_H
#define FX_MY_ROWVALUE_H

#include "lib/my/binlog_event.h"
#include "lib/my/cursor.h"
#include "lib/value/value.h"

/* One value being read: where, of what, and where its memory comes from. */
struct fx_bl_reading {
    struct fx_cursor *cur;
    const struct fx_bl_column *column;
    bool has_signedness;
    const struct fx_type *type; /* NULL: by the wire alone */
    struct fx_arena *arena;
    struct fx_value *ret;
    struct fx_err *err;
};

/*
 * Takes the value off the cursor. True with cur->has_failed: the row ends too early. Errors:
 * SOURCE_DATA (cannot be carried), DRIFT (the log and the catalog disagree).
 */
bool fx_bl_value_read(const struct fx_bl_reading *r) FX_MUST_CHECK;

#endif
