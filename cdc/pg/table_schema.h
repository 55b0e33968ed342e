/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a slot does not show: that it was confirmed beyond what the target has, and some DDL.
 *
 * pgoutput describes a table again before its next row, by name and columns. It says nothing of a
 * table that was renamed and replaced (the publication follows the old one), that left the
 * publication, whose column was dropped and added again, or whose partition was dropped, detached
 * or truncated with its rows. So the schema of each carried table is recorded in ficus.shape before
 * the slot is made, and compared when a session opens and from time to time. (A partition that is
 * truncated, filled and analyzed before anybody looks is not seen.)
 *
 * What pgoutput does show is not checked here: a stream that is started again after a column was
 * added, or widened on both sides, takes the new schema. A rewrite that leaves every column as it
 * was (ALTER COLUMN … TYPE the same USING …) is not seen; a comparison sees it.
 * Thread: one per db.
 */
#ifndef CDC_SHAPE_PG_H
#define CDC_SHAPE_PG_H

#include "cdc/change.h"

/* Forgets what was recorded for the stream, so that
 * the next check records the schemas as they are. */
bool cdc_table_schema_forget(struct fx_db *db, const struct cdc_binding *binding,
                             struct fx_err *err) FX_MUST_CHECK;
/* Compares the schema of every table with the one
 * recorded; records it where there is none. Errors: DRIFT. */
bool cdc_table_schema_check(struct fx_db *db, const struct cdc_binding *binding,
                            struct fx_err *err) FX_MUST_CHECK;
/*
 * Asked for an older position, the server silently begins at what the slot was confirmed. Errors:
 * DRIFT when `from` is older: the target has lost what it had.
 */
bool cdc_slot_check(struct fx_db *db, const struct cdc_binding *binding, const struct fx_pos *from,
                    struct fx_err *err) FX_MUST_CHECK;

#endif
