/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a slot does not show: that it was confirmed beyond what the target has, and some DDL.
 *
 * pgoutput describes a table again before its next row, by name and columns. It says nothing of a
 * table that was renamed and replaced (the publication follows the old one), that left the
 * publication, whose column was dropped and added again, whose rows were rewritten (ALTER COLUMN …
 * TYPE … USING), or of partitions that come with rows, go with them, or are truncated. So the
 * schema of each carried table is recorded in ficus.shape before the slot is made, and compared
 * when a session opens, from time to time, and before a barrier is delivered.
 *
 * A table whose file is new is not one whose rows are: VACUUM FULL, CLUSTER and SET TABLESPACE move
 * them as they are. rewrite.h tells the two apart; what cannot be told apart counts as changed.
 *
 * What pgoutput does show is not checked here: a stream that is started again after a column was
 * added, or widened on both sides without a rewrite, takes the new schema.
 * Thread: one per db.
 */
#ifndef CDC_SHAPE_PG_H
#define CDC_SHAPE_PG_H

#include "cdc/source.h"

/* Forgets what was recorded for the stream, so that
 * the next check records the schemas as they are. */
bool cdc_table_schema_forget(struct fx_db *db, const struct cdc_binding *binding,
                             struct fx_err *err) FX_MUST_CHECK;
enum { CDC_STATE_MAX = 16 };
/* What is kept from one look at the catalog to the next. */
struct cdc_table_watch {
    /* Every transaction before it had ended when nothing was new yet; 0: unknown. */
    int64_t old_xid;
    /* "public.orders@1f00c3d2,…", tables and their states as an error has named them, which are
     * taken as they are; NULL: none. */
    const char *accepted;
    /* One for each table of the binding: its state that was passed and is not recorded yet, because
     * what was passed must be durable on the target before; "": none. Borrowed; NULL: nothing is
     * passed. */
    char (*pending)[CDC_STATE_MAX];
    struct cdc_passed_ddl *passed; /* gets what is passed; borrowed */
    /* A change could not be applied: a partition that came since the last look, maybe with rows, is
     * why, also when its rows look as if they had been written later. */
    bool is_explaining;
    const struct fx_table *attached; /* got a partition in an earlier look, which passed; or NULL */
    char attached_name[300];         /* the newest that it got */
    bool is_keeping; /* what is pending is durable: record it; false when more was passed */
    /* The oid of each table of the binding, which a
     * name does not stand for; borrowed; NULL: nobody asks. */
    uint32_t *oids;
};
/*
 * Compares the schema of every table with the one recorded; records it where there is none.
 * `session` is for it alone, see cdc_table_session. Errors: DRIFT; DB_CONFLICT and TIMEOUT while a
 * lock keeps it from reading a table that it must read to know.
 */
bool cdc_table_schema_check(struct fx_db *session, const struct cdc_binding *binding,
                            struct cdc_table_watch *watch, struct fx_err *err) FX_MUST_CHECK;
/*
 * Is every table still exactly as it was recorded and as it was bound? Asked while locks keep the
 * tables from being changed. *ret_changed: the first one that is not; NULL: none.
 */
bool cdc_table_schema_is_same(struct fx_db *session, const struct cdc_binding *binding,
                              const struct fx_table **ret_changed,
                              struct fx_err *err) FX_MUST_CHECK;
/* A session that waits for nobody's lock for long. */
bool cdc_table_session(const struct fx_db_conf *conf, struct fx_db **ret_db,
                       struct fx_err *err) FX_MUST_CHECK;
/*
 * Asked for an older position, the server silently begins at what the slot was confirmed. Errors:
 * DRIFT when `from` is older: the target has lost what it had.
 */
bool cdc_slot_check(struct fx_db *db, const struct cdc_binding *binding, const struct fx_pos *from,
                    struct fx_err *err) FX_MUST_CHECK;

#endif
