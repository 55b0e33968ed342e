/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two snapshots of a comparison. Customers write all the time, so both sides must be seen at
 * the same point of the stream:
 *
 *   0. connect; note where each table is stored; wait for the transactions that run now, of which
 *      the source's snapshot would have to wait. The applier runs meanwhile
 *   1. pause the applier at a transaction boundary: it is at A
 *   2. take the source's snapshot; it is exactly at P, and P covers A, because A was committed
 *      before
 *   3. advance the applier to exactly P and pause it there
 *   4. take the target's snapshot; ficus.progress inside it says where it is: it must be P
 *   5. release the applier; customers saw nothing, the stream lagged for some milliseconds
 *   6. lock each table against being altered. Whose storage or columns are no longer as noted in 0
 *      was altered or truncated in between, and its rows of P may be gone
 *   7. read both snapshots for as long as it takes
 *
 * When a transaction that 2 has to wait for begins between 0 and 2, the applier is released and all
 * begins anew, as long as there is time. Whatever goes wrong between 1 and 5, the applier is
 * released; should this process die, its pause ends with it. A step that cannot show what it must
 * makes the run, or the table, INCONCLUSIVE, never equal.
 */
#ifndef REC_SNAPSHOTS_H
#define REC_SNAPSHOTS_H

#include "reconcile/reconcile.h"

struct rec_side {
    const struct fx_db_conf *conf;
    struct fx_db *db;    /* inside the snapshot; borrowed */
    struct fx_db *watch; /* beside it: sees the catalog of the present */
    const char **marks;  /* of each table, before the snapshot: fx_db_table_mark */
};

struct rec_snapshots {
    const struct fx_context *ctx;
    const struct cdc_ref *ref;
    const struct rec_options *options;
    struct rec_report *report; /* gets both positions, the date, and how long the applier waited */
    struct fx_arena *arena;
    struct rec_side source, target;
    struct fx_snapshot *snapshot; /* the source's */
    struct fx_db *target_db;
    bool was_busy; /* the last attempt had to wait for a transaction of the source */
};

/* 0: the sessions and the marks. In any case to be closed. */
bool rec_snapshots_prepare(struct rec_snapshots *s, struct fx_err *err) FX_MUST_CHECK;
/* 0 to 5. */
bool rec_snapshots_take(struct rec_snapshots *s, struct fx_err *err) FX_MUST_CHECK;
/*
 * 6, of one table. Errors: those for which this table cannot be compared. *ret_doubt: NULL, or why
 * its comparison proves nothing (rows that neither the stream nor we see); the arena's.
 */
bool rec_snapshots_lock(struct rec_snapshots *s, size_t table, const char **ret_doubt,
                        struct fx_err *err) FX_MUST_CHECK;
/* The sessions of the old and of the new side, inside the snapshots or beside them. */
struct fx_db *rec_snapshots_old(const struct rec_snapshots *s, bool is_inside);
struct fx_db *rec_snapshots_new(const struct rec_snapshots *s, bool is_inside);
void rec_snapshots_close(struct rec_snapshots *s);

#endif
