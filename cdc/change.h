/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event model: what a source hands to the streamer, whichever engine it reads.
 *
 * A source delivers whole, committed transactions, in commit order: BEGIN, then ROW, TRUNCATE, OWN
 * and BARRIER in the order in which they happened, then COMMIT; transactions do not interleave.
 * Between transactions there may be PASSED. Both servers send a transaction only once it has
 * committed (pgoutput protocol 1, the binary log), so no one needs to hold a transaction in memory:
 * the streamer passes changes on into one open transaction of the target. One exception: a MariaDB
 * that was killed while it wrote a transaction leaves its beginning in the binary log and rolls it
 * back when it starts; that becomes an ABORT in place of the COMMIT.
 *
 *     { PASSED }  BEGIN(is_loop = false)  { ROW | TRUNCATE | OWN | BARRIER }  COMMIT | ABORT
 *     { PASSED }  BEGIN(is_loop = true)   { BARRIER }              COMMIT | ABORT (no rows)
 *
 * Positions mean the same everywhere: "everything that committed before this is handled". For
 * PostgreSQL that is the LSN of the commit record plus one (which is also what START_REPLICATION
 * and the slot's feedback take), so it is known at BEGIN; for MariaDB the GTID position after the
 * transaction (all domains merged).
 *
 * Owns: everything an event points to, its positions' text included, belongs to the source and is
 * valid until its next `next` call. Who keeps a transaction longer makes a copy (cdc_txn_copy).
 */
#ifndef CDC_CHANGE_H
#define CDC_CHANGE_H

#include "lib/map/map.h"
#include "lib/ownership/own.h"

enum cdc_op { CDC_INSERT, CDC_UPDATE, CDC_DELETE };

enum cdc_event_kind {
    CDC_EV_NONE,     /* the time-out came first */
    CDC_EV_BEGIN,    /* a transaction starts; `txn` */
    CDC_EV_ROW,      /* one row changed in a table of the context or in ficus.canary; `row` */
    CDC_EV_TRUNCATE, /* all rows of a table of the context went; `truncated` */
    CDC_EV_OWN,      /* a row of ficus.own as it is after the change; `own` */
    /* a barrier was raised here, or (in a loop) the other applier wrote one; `barrier` */
    CDC_EV_BARRIER,
    CDC_EV_COMMIT, /* the transaction is complete; `txn` again */
    /* It never committed: undo what was delivered since
     * BEGIN. `txn` again, but its position is not reached. */
    CDC_EV_ABORT,
    /* nothing of ours up to `pos`: keepalive, heartbeat, another database's transaction */
    CDC_EV_PASSED,
};

struct cdc_txn {
    struct fx_pos pos; /* position once this transaction is handled */
    /* wall clock of its commit on the source, microseconds since 1970; 0: not known (a loop) */
    int64_t commit_us;
    bool is_coarse_time; /* commit_us is a whole second (binary log) */
    bool is_loop;        /* written by the other stream's applier: discard, count */
    char label[64];      /* for messages: "transaction 918277", "GTID 0-1-1000" */
};

void cdc_txn_copy(struct cdc_txn *to, const struct cdc_txn *from); /* *to owns its position */
void cdc_txn_done(struct cdc_txn *txn);

enum cdc_old_row {
    CDC_OLD_NONE, /* update whose key did not change, with replica identity default; insert */
    CDC_OLD_KEY,  /* only the key columns of `old` are valid; the others are UNCHANGED */
    CDC_OLD_FULL, /* the whole row before the change */
};

struct cdc_row {
    enum cdc_op op;
    size_t table; /* index into binding->ctx.tables (the canary is the last one) */
    enum cdc_old_row has_old;
    /* a value for each column of the source-side table (catalog order), or NULL */
    struct fx_value *old;
    /* The same; NULL for a delete; UNCHANGED: a TOASTed value that was not sent. */
    struct fx_value *new;
    int64_t ordinal; /* of the row inside its transaction, from 1 */
};

struct cdc_own {
    char group[64];
    enum fx_own_state state;
    enum fx_own_state was; /* before the change; UNKNOWN: a new row, or the log does not say */
    int64_t epoch;
};

struct cdc_barrier {
    char group[64];
    int64_t epoch;
};

struct cdc_event {
    enum cdc_event_kind kind;
    bool wants_confirm; /* PASSED: the server waits for it to be confirmed, as when it shuts down */
    union {
        struct cdc_txn txn;
        struct cdc_row row;
        struct cdc_own own;
        struct cdc_barrier barrier;
        size_t truncated;  /* index into binding->ctx.tables */
        struct fx_pos pos; /* PASSED */
    };
};

/* The file in which a context is kept from the end of its copy to the drop of its streams. */
bool cdc_context_keep(const char *path, const struct fx_context *ctx,
                      struct fx_err *err) FX_MUST_CHECK;
/* The forward stream keeps it for both, also when it is
 * older than the file or its state directory is new. */
struct cdc_binding;
bool cdc_context_go_on(const char *path, const struct cdc_binding *binding,
                       struct fx_err *err) FX_MUST_CHECK;
bool cdc_context_check(const char *path, const struct fx_context *ctx,
                       struct fx_err *err) FX_MUST_CHECK;
struct cdc_ref;
bool cdc_context_forget(const struct cdc_ref *ref, struct fx_err *err) FX_MUST_CHECK;

/*
 * What one stream moves: the context bound to both catalogs with ficus.canary appended as its last
 * table, and the names derived from the context. Made once per process by cdc_bind.
 */
struct cdc_binding {
    struct fx_context ctx; /* tables: those of ficus.yaml, then ficus.canary */
    enum fx_direction direction;
    const struct fx_db_conf *source, *target;
    const char *stream; /* "orders-forward" */
    /* "orders-reverse": MariaDB transactions that touch its progress row are loops */
    const char *other_stream;
    const char *slot; /* PostgreSQL source: slot and publication, "ficus_orders" */
    /* PostgreSQL target: replication origin of our applier;
     * source: that of the other one, whose transactions are loops */
    const char *origin, *other_origin;
    const char *canary_group; /* "orders.canary" */
    /* ficus.canary is shared by all contexts of a
     * database; this is the part of ours, on both engines. */
    const char *canary_where; /* "grp in ('orders', 'orders.canary')" */
    const char *accept_ddl;   /* see struct cdc_options */
};

/* Source-side and target-side catalog of one table of the binding. */
const struct fx_table *cdc_source_table(const struct cdc_binding *binding, size_t table);
const struct fx_table *cdc_target_table(const struct cdc_binding *binding, size_t table);
/* Index of the source-side table of that name, or -1 when the stream does not carry it. */
ptrdiff_t cdc_binding_find(const struct cdc_binding *binding, struct fx_str schema,
                           struct fx_str name);
bool cdc_binding_is_canary(const struct cdc_binding *binding, size_t table);
/* The group that owns the row: the context's name; for a canary row what it says itself, NULL when
 * that is
   another context's group: then the row is not for this stream. */
const char *cdc_row_group(const struct cdc_binding *binding, const struct cdc_row *row);
/* `table "public.orders" key (id)=(42)`: the source's name and key of a change, for messages; the
 * values are hidden without --show-values. */
void cdc_row_describe(const struct cdc_binding *binding, const struct cdc_row *row,
                      struct fx_buf *out);
/* The same, never hidden: for the customer's own database. */
void cdc_row_describe_whole(const struct cdc_binding *binding, const struct cdc_row *row,
                            struct fx_buf *out);
/* {"barrier":"orders","epoch":7}; false when the text is something else. */
bool cdc_barrier_parse(struct fx_str text, struct cdc_barrier *ret_barrier);

/* Binds the context of the project to both databases. Everything belongs to the arena. */
bool cdc_bind(const struct fx_context *ctx, enum fx_direction direction, struct fx_db *old_db,
              struct fx_db *new_db, struct fx_arena *arena, struct cdc_binding **ret_binding,
              struct fx_err *err) FX_MUST_CHECK;
/*
 * For the preflight, which runs before anything is installed: the forward stream without the canary
 * table. What is wrong is added to `f`; such tables are there too, with is_bound false in their
 * mapping (lib/map/map.h). Fails only when a database did not answer.
 */
bool cdc_bind_tables(const struct fx_context *ctx, struct fx_db *old_db, struct fx_db *new_db,
                     struct fx_arena *arena, struct fx_findings *f,
                     struct cdc_binding **ret_binding, struct fx_err *err) FX_MUST_CHECK;

#endif
