/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session that applies to a database, which the parts of the sink share. Each includes this
 * one:
 *
 *     db.c       opens the session; begin, row, commit, abort: what a source transaction becomes
 *     own_rows.c the first statement of a target transaction, and rows of Ficus's own tables
 *     exact.c    change by change, so that an error names the row
 *     copying.c  batches of the initial copy
 *     send.c     texts to the server, matched rows counted, commit points
 *     errors.c   what the server's refusals mean to the stream
 *     session.c  the state
 *
 *     ┌──────┐    begin     ┌─────────────────┐commit, abort ┌────────────┐
 *     │ NONE │ ───────────► │ OPEN or COPYING │ ───────────► │   ENDING   │
 *     └──────┘              └─────────────────┘ ◄─────────── └────────────┘
 *         ▲                                          begin          │
 *         └─────────────────────────────────────────────────────────┘ the text was executed
 *
 * Thread: one.
 */
#ifndef CDC_SINK_SESSION_H
#define CDC_SINK_SESSION_H

#include "cdc/engine.h"
#include "cdc/sink/batch.h"
#include "cdc/sink/sink.h"

enum cdc_apply_state {
    CDC_APPLY_NONE,    /* no transaction is open, and no "commit" is in the text */
    CDC_APPLY_OPEN,    /* a source transaction is open */
    CDC_APPLY_COPYING, /* a batch of the initial copy is open */
    CDC_APPLY_ENDING,  /* none is open; the last one's "commit" or "rollback" is in the text */
};

/* What is durable once a "commit" has been executed. */
struct cdc_commit_point {
    bool is_set; /* false: the text has no "commit" */
    struct cdc_progress progress;
    int64_t us; /* source commit time */
    bool is_coarse;
};

/* A text that the server works on; its rows are not counted yet. */
struct cdc_sent_text {
    bool is_waiting; /* false: there is none */
    int64_t expected;
    struct cdc_commit_point commit;
};

struct cdc_db_sink {
    struct cdc_sink sink; /* first member */
    const struct cdc_binding *binding;
    const struct cdc_options *options;
    const struct cdc_engine_target *target;
    struct fx_db *db;
    size_t text_max; /* bytes that the server takes in one text; 0: no limit of its own */
    enum cdc_apply_state state;
    struct cdc_txn txn;             /* the open one, or the last */
    struct cdc_batch batch;         /* the text that is being built */
    struct cdc_commit_point commit; /* of the "commit" in that text */
    struct cdc_sent_text sent;
    struct cdc_progress next;   /* as written by the newest compare-and-set, confirmed or not */
    struct cdc_progress before; /* what stood in `next` when the open transaction began */
    bool is_exact;              /* each change is a text of its own */
    int64_t exact_txns;         /* applied so by this session */
};

static inline struct cdc_db_sink *cdc_db_sink_of(struct cdc_sink *sink)
{
    return FX_CONTAINER_OF(sink, struct cdc_db_sink, sink);
}

/* Checks the transition. */
void cdc_apply_set_state(struct cdc_db_sink *s, enum cdc_apply_state to);
/* OPEN or COPYING: what comes belongs to the transaction. */
bool cdc_apply_is_open(const struct cdc_db_sink *s);
/* A bug unless it is. */
void cdc_apply_need_open(const struct cdc_db_sink *s);

/* --- send.c ----------------------------------------------------------------------------------- */

/* Executes what was built and counts its rows; what was sent before is counted first. */
bool cdc_send_all(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* As cdc_send_all when the sink is exact; else the statement waits for the others. */
bool cdc_send_if_exact(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* The same, but a copy's text is left to be counted before the next one goes out. */
bool cdc_send_ahead(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* Waits for what was sent and counts its rows. */
bool cdc_send_wait(struct cdc_db_sink *s, struct fx_err *err) FX_MUST_CHECK;
/* Is the text long enough to go out before its transaction has ended? */
bool cdc_send_is_long(const struct cdc_db_sink *s);

/* --- own_rows.c --------------------------------------------------------------------------- */

/* Adds "begin" and the compare-and-set that moves progress from s->next to `to`; opens `state`. */
void cdc_apply_add_begin(struct cdc_db_sink *s, const struct cdc_progress *to,
                         enum cdc_apply_state state);
/* A transaction of progress alone; the caller commits. */
void cdc_apply_begin_progress_only(struct cdc_db_sink *s, const struct fx_pos *pos,
                                   enum cdc_progress_phase phase);
void cdc_apply_add_leak(struct cdc_db_sink *s, int64_t n, const char *what);
void cdc_apply_add_barrier(struct cdc_db_sink *s, const struct cdc_barrier *barrier);

/* --- exact.c ---------------------------------------------------------------------------------- */

/* Applies one change in the open transaction and checks it before it returns. */
bool cdc_exact_row(struct cdc_db_sink *s, const struct cdc_row *row,
                   struct fx_err *err) FX_MUST_CHECK;
/* A transaction was committed: the failure that made the sink exact may have been left behind. */
void cdc_exact_end_txn(struct cdc_db_sink *s);

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
bool cdc_apply_fail_txn(const struct cdc_db_sink *s, struct fx_err *err);
/* A text has matched other rows than it must. Rolls back. Always false. */
bool cdc_apply_fail_count(struct cdc_db_sink *s, int64_t n_rows, int64_t expected,
                          struct fx_err *err);
/* The disk is full: tried again when there is room. Always false. */
bool cdc_apply_wait_for_room(const struct cdc_binding *binding, struct fx_err *err);

#endif
