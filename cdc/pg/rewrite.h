/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rows of a PostgreSQL table tell about DDL that the log does not show.
 *
 * Each row holds the transaction that wrote it (xmin). VACUUM FULL, CLUSTER and SET TABLESPACE copy
 * rows into a new file as they are, xmin included. A rewriting ALTER TABLE writes all of them anew,
 * and after TRUNCATE all that is there was written later. So one visible row that is older than
 * anything that can have made the file proves that the rows were kept; that there is none proves
 * nothing, and counts as changed.
 * Errors: those of the session; DB_CONFLICT or TIMEOUT when the table is locked.
 * Thread: one per session.
 */
#ifndef CDC_PG_REWRITE_H
#define CDC_PG_REWRITE_H

#include "lib/db/db.h"

/*
 * The file of table `oid` is another than at a moment when every transaction before `old_xid`
 * (64 bits, 0: unknown) had ended: are its rows proven to be those of then?
 */
bool cdc_rewrite_kept_rows(struct fx_db *db, struct fx_str oid, int64_t old_xid, bool *ret_kept,
                           struct fx_err *err) FX_MUST_CHECK;
/*
 * `leaf` is a partition of `root` since a moment ago. Has it rows that were written before it, or
 * a partition above it, was attached?
 */
bool cdc_attached_with_rows(struct fx_db *db, struct fx_str leaf, struct fx_str root,
                            bool *ret_had_rows, struct fx_err *err) FX_MUST_CHECK;

#endif
