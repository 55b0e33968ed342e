/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where changes go: a vtable with one adapter today, a database (db.c).
 *
 *     begin(txn); { row | barrier | delete_rows };
 *     commit(is_more)                                       one source transaction; several may
 *                                                           share a target transaction (group.h)
 *                                    | abort()              the source rolled it back: nothing of
 *                                                           it stays on the target
 *     flush()                                               what commit(is_more = true) left
 *                                                           pending
 *     progress_only(pos, phase)                             a progress-only transaction
 *     leak(n, what)                                         inside a transaction, or as one of its
 *                                                           own
 *
 * The first statement of each target transaction is the compare-and-set of ficus.progress:
 * position, exactly-once and loop marker in one. commit(is_more = true) lets the transaction wait
 * for others that join it, for some milliseconds and only as far as more is buffered; `durable`
 * moves only when the server has confirmed it. Rows go out as they come once a transaction is
 * larger than the options allow, so memory stays bounded; nothing is visible before COMMIT.
 *
 * Errors: TARGET_CONNECT, DB_CONFLICT, TARGET of a full disk (all retriable: close, open, read the
 *         position again);
 *         STALE_EPOCH (another applier has claimed the stream: stop); TARGET_CONFLICT (a row is not
 *         what the stream left there: an inserted key exists, a changed row is missing); TARGET,
 *         SOURCE_DATA.
 *         After any error the adapter must be closed, which rolls back. `is_exact` false means that
 *         the error could not name the row: open again with it set, go on up to `reach`, and the
 *         same transaction fails with the row's name.
 * Thread: one.
 */
#ifndef CDC_SINK_H
#define CDC_SINK_H

#include "cdc/sink/progress.h"

struct cdc_sink {
    const struct cdc_sink_ops *ops;
    struct cdc_progress progress; /* as the server has confirmed it */
    int64_t durable_commit_us;    /* source commit time of the newest durable transaction */
    int64_t oldest_waiting_us;    /* of the oldest whose commit is not durable; 0: none waits */
    bool is_coarse_time;
    int64_t leaks; /* what ficus.leak held for the stream when the sink was opened */
    char leak_last[CDC_LEAK_TEXT];
    bool is_pending;       /* a commit or part of a transaction waits to be sent */
    bool is_exact;         /* each change is a text of its own; no groups */
    int64_t members_max;   /* source transactions in a group at most; 0: no limit */
    int64_t group_members; /* how many the newest group had */
    struct fx_pos reach;   /* of the newest transaction that was begun */
};

struct cdc_sink_ops {
    bool (*begin)(struct cdc_sink *sink, const struct cdc_txn *txn, struct fx_err *err);
    bool (*row)(struct cdc_sink *sink, const struct cdc_row *row, struct fx_err *err);
    /* Deletes up to `limit` rows of a table of the binding in the open transaction, whatever they
     * are; *ret_n went. Fewer than `limit`: none is left. */
    bool (*delete_rows)(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                        struct fx_err *err);
    bool (*barrier)(struct cdc_sink *sink, const struct cdc_barrier *barrier, struct fx_err *err);
    /* Records `n` unfenced writes in the open transaction,
     * or in one of its own that leaves the position. */
    bool (*leak)(struct cdc_sink *sink, int64_t n, const char *what, struct fx_err *err);
    bool (*commit)(struct cdc_sink *sink, bool is_more, struct fx_err *err);
    bool (*abort)(struct cdc_sink *sink, struct fx_err *err);
    bool (*flush)(struct cdc_sink *sink, struct fx_err *err);
    bool (*progress_only)(struct cdc_sink *sink, const struct fx_pos *pos,
                          enum cdc_progress_phase phase, struct fx_err *err);
    /* Copying: opens a transaction that adds rows to `ordinal` and keeps position and phase. */
    bool (*begin_copy)(struct cdc_sink *sink, int64_t n_rows, struct fx_err *err);
    /* Deletes up to `limit` rows of a table of the binding, marked; *ret_n rows went. */
    bool (*clean)(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                  struct fx_err *err);
    bool (*is_empty)(struct cdc_sink *sink, size_t table, bool *ret_is_empty, struct fx_err *err);
    /* Nothing is pending: does this applier still hold the stream? Errors: STALE_EPOCH. */
    bool (*look)(struct cdc_sink *sink, struct fx_err *err);
    /* Between transactions: what made the sink exact, or its groups small, was left behind. */
    void (*relax)(struct cdc_sink *sink);
    void (*close)(struct cdc_sink *sink);
};

struct cdc_sink_spec {
    const struct cdc_binding *binding;
    const struct cdc_options *options;
    int64_t epoch; /* 0: claim the stream (a new process); else the epoch this process claimed */
    bool is_exact; /* check each change by itself, to name the row that fails */
    int64_t members_max; /* see struct cdc_sink */
};
bool cdc_sink_db_open(const struct cdc_sink_spec *spec, struct cdc_sink **ret_sink,
                      struct fx_err *err) FX_MUST_CHECK;

#endif
