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

enum cdc_rewrite {
    CDC_REWRITE_KEPT, /* its rows are proven to be those of then */
    /* What gave it its present file kept the rows that were there (VACUUM FULL, CLUSTER), or it has
     * none and was counted as empty when it got it. It may have been truncated before. */
    CDC_REWRITE_PACKED,
    CDC_REWRITE_UNKNOWN,
};
/*
 * The file of table `oid` is another than at a moment when every transaction before `old_xid`
 * (64 bits, 0: unknown) had ended. *ret_name: what the table is called; "" when it has gone.
 */
bool cdc_rewrite_look(struct fx_db *db, struct fx_str oid, int64_t old_xid, enum cdc_rewrite *ret,
                      struct fx_buf *ret_name, struct fx_err *err) FX_MUST_CHECK;
/*
 * `leaf` is a partition of `root` since a moment ago. Has it rows that were written before it, or
 * a partition above it, was attached? *ret_name: what it is called; "" when it has gone.
 */
bool cdc_attached_with_rows(struct fx_db *db, struct fx_str leaf, struct fx_str root,
                            bool *ret_had_rows, struct fx_buf *ret_name,
                            struct fx_err *err) FX_MUST_CHECK;

#endif
