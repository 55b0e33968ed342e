/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session that applies to a database, which the parts of the sink share. Each includes this
 * one:
 *
 *     db.c       opens the session; begin, row, commit, abort: what a source transaction becomes
 *     group.c    which source transactions share a target transaction (pure)
 *     own_rows.c the first statement of a target transaction, and rows of Ficus's own tables
 *     exact.c    change by change, so that an error names the row
 *     truncate.c all rows of a table, a part at a time
 *     copying.c  batches of the initial copy
 *     send.c     texts to the server, matched rows counted, commit points
 *     errors.c   what the server's refusals mean to the stream
 *     session.c  the state
 *
 * Of the source transaction that is being received:
 *
 *     ┌──────┐  begin   ┌────────┐ commit: joins the group; abort: forgotten
 *     │ NONE │ ───────► │ MEMBER │ ─────────────────────────────────────────► NONE
 *     └──────┘          └────────┘
 *        │ begin of a copy's   │ too large for a group
 *        │ batch, of progress  ▼
 *        │ alone, or exact  ┌──────────────────┐ commit, abort
 *        └────────────────► │ ALONE or COPYING │ ─────────────► NONE
 *                           └──────────────────┘
 *
 * A text is built in three places: `member` (the open transaction, while it may still join),
 * `batch` (the group, or the transaction that goes alone) and `head` (what goes before it: the
 * "commit" of the target transaction before, "begin", the compare-and-set).
 *
 * Thread: one.
 */
#ifndef CDC_SINK_SESSION_H
#define CDC_SINK_SESSION_H

#include "cdc/engine.h"
#include "cdc/sink/batch.h"
#include "cdc/sink/group.h"
#include "cdc/sink/sink.h"

enum cdc_apply_state {
    CDC_APPLY_NONE,    /* no source transaction is open */
    CDC_APPLY_MEMBER,  /* one is open, nothing of it was sent, it may join the group */
    CDC_APPLY_ALONE,   /* one is open and has a target transaction of its own */
    CDC_APPLY_COPYING, /* a batch of the initial copy is open */
};

/* What is durable once a "commit" has been executed. */
struct cdc_commit_point {
    bool is_set; /* false: there is no "commit" */
    struct cdc_progress progress;
    int64_t us;        /* source commit time of the newest member */
    int64_t oldest_us; /* and of the oldest */
    bool is_coarse;
};

struct cdc_db_sink {
    struct cdc_sink sink; /* first member */
    const struct cdc_binding *binding;
    const struct cdc_options *options;
    const struct cdc_engine_target *target;
    struct fx_db *db;
    size_t text_max; /* bytes that the server takes in one text; 0: no limit of its own */
    enum cdc_apply_state state;
    struct cdc_txn txn; /* the open one, or the last */
    struct fx_mono begun;
    struct cdc_batch member, batch, head;
    bool *has_unique;       /* of each table: a unique key besides the primary one; owned */
    struct cdc_group group; /* what `batch` holds, unless one goes alone */
    struct cdc_commit_point grouped; /* of its newest member; progress: where the group ends */
    struct cdc_commit_point due;     /* counted on the server; its "commit" is in no text yet */
    struct cdc_commit_point in_head; /* its "commit" is in `head` */
    struct cdc_commit_point in_sent; /* its "commit" is in the text that the server works on */
    bool has_failed;                 /* nothing is sent any more: a "begin" would commit */
    bool is_sent;                    /* the server works on a text; its rows are not counted */
    struct fx_counts expected;       /* of that text */
    struct fx_counts found;
    struct cdc_progress next;   /* as written by the newest compare-and-set, confirmed or not */
    struct cdc_progress before; /* what stood in `next` when the transaction alone began */
};

static inline struct cdc_db_sink *cdc_db_sink_of(struct cdc_sink *sink)
{
    return FX_CONTAINER_OF(sink, struct cdc_db_sink, sink);
}

/* Checks the transition. */
void cdc_apply_set_state(struct cdc_db_sink *s, enum cdc_apply_state to);
/* A bug unless a transaction is open. */
void cdc_apply_need_open(const struct cdc_db_sink *s);
/* Whether anything waits to be sent or committed, and since when, as the streamer sees it. */
void cdc_apply_note_waiting(struct cdc_db_sink *s);
void cdc_commit_point_set(struct cdc_commit_point *to, const struct cdc_commit_point *from);
/* Where the changes of the open transaction go. */
struct cdc_batch *cdc_apply_batch(struct cdc_db_sink *s);
struct cdc_group_limits cdc_apply_limits(const struct cdc_db_sink *s);

/* --- send.c ----------------------------------------------------------------------------------- */

/* Executes all that is complete, with its "commit", and what there is of a transaction that goes
 * alone; what was sent before is counted first. A member stays. */
bool cdc_send_all(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* Executes the group and counts its rows; its "commit" is due then. */
bool cdc_send_group(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* Executes what there is of the transaction that goes alone. A copy's text is left to be counted
 * before the next one goes out. */
bool cdc_send_part(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* When the sink is exact, executes what there is; else it waits for the rest. */
bool cdc_send_if_exact(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* Waits for what was sent and counts its rows. */
bool cdc_send_wait(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;

/* --- own_rows.c --------------------------------------------------------------------------- */

/* Adds to `head`: the "commit" that is due, if one is. */
void cdc_apply_add_commit(struct cdc_db_sink *s);
/* Adds to `head`: the "commit" that is due, "begin", and the compare-and-set that moves progress
 * from s->next to `to`. */
void cdc_apply_add_begin(struct cdc_db_sink *s, const struct cdc_progress *to);
/* Opens a transaction of progress alone; the caller commits. */
bool cdc_apply_begin_progress_only(struct cdc_db_sink *s, const struct fx_pos *pos,
                                   enum cdc_progress_phase phase, struct fx_err *err) FX_MUST_CHECK;
void cdc_apply_add_leak(struct cdc_db_sink *s, int64_t n, const char *what);
void cdc_apply_add_barrier(struct cdc_db_sink *s, const struct cdc_barrier *barrier);

/* --- exact.c ---------------------------------------------------------------------------------- */

/* Applies one change in the open transaction and checks it before it returns. */
bool cdc_exact_row(struct cdc_db_sink *s, const struct cdc_row *row,
                   struct fx_err *err) FX_MUST_CHECK;

/* --- db.c ------------------------------------------------------------------------------------- */

/* MEMBER: the group before it is sent, and the open transaction gets one of its own on the target.
 */
bool cdc_apply_go_alone(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;

/* --- truncate.c ------------------------------------------------------------------------------- */

bool cdc_truncate_rows(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                       struct fx_err *err) FX_MUST_CHECK;

/* --- copying.c -------------------------------------------------------------------------------- */

bool cdc_copying_begin(struct cdc_sink *sink, int64_t n_rows, struct fx_err *err) FX_MUST_CHECK;
bool cdc_copying_clean(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                       struct fx_err *err) FX_MUST_CHECK;
bool cdc_copying_is_empty(struct cdc_sink *sink, size_t table, bool *ret_is_empty,
                          struct fx_err *err) FX_MUST_CHECK;

/* --- errors.c --------------------------------------------------------------------------------- */

/* The server refused a statement: what that means to the stream. Always false. */
bool cdc_apply_fail_server(const struct cdc_db_sink *s, struct fx_err *err);
/* The same, naming the transaction. */
bool cdc_apply_fail_txn(struct cdc_db_sink *s, struct fx_err *err);
/* A statement has matched other rows than it must. Rolls back. Always false. */
bool cdc_apply_fail_count(struct cdc_db_sink *s, int64_t n_rows, int64_t expected,
                          struct fx_err *err);
/* The disk is full: tried again when there is room. Always false. */
bool cdc_apply_wait_for_room(const struct cdc_binding *binding, struct fx_err *err);

#endif
