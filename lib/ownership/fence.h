/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence of one side, whichever engine: one transaction that waits for the writers of the
 * group's tables, makes the tables refuse new ones, sets ficus.own to FENCED and writes the barrier
 * marker to the log.
 *
 * PostgreSQL refuses with statement triggers that the fence enables under its lock; MariaDB refuses
 * with row triggers that exist beforehand and read the write gate's row. So `arm` does much on one
 * engine and little on the other; the caller arms before every fence.
 *
 *     const struct fx_fence_ops *fence = fx_fence_of(side);           after fx_side_open
 *     fence->arm(side, e + 1, 800, err) && fence->fence(side, &request, &is_taken, err)
 *
 * Errors: those of lib/db. DB_CONFLICT from arm, refuse, fence and disarm: the locks could not be
 * had in time, nothing was changed, try again later.
 * Thread: that of the side.
 */
#ifndef FX_OWNERSHIP_FENCE_H
#define FX_OWNERSHIP_FENCE_H

#include "lib/fmt/findings.h"
#include "lib/ownership/side.h"

struct fx_fence_request {
    int64_t e;       /* the HERE epoch that is being fenced */
    int64_t ttl_ms;  /* from the server's clock at that moment */
    int64_t lock_ms; /* waiting for writers, in all */
    const char *operator_name;
};

struct fx_fence_ops {
    /* Schema objects of ficus on this side; idempotent. */
    bool (*install)(struct fx_side *side, struct fx_err *err);
    /*
     * Triggers for a fence at `epoch` (e+1) on all tables; while HERE they do not affect writers.
     */
    bool (*arm)(struct fx_side *side, int64_t epoch, int64_t lock_ms, struct fx_err *err);
    /* For a side that is AWAY at `epoch` and was never fenced: triggers that refuse from now on. */
    bool (*refuse)(struct fx_side *side, int64_t epoch, int64_t lock_ms, struct fx_err *err);
    /*
     * Triggers of this group that an older build made, or for another login of the applier's user:
     * *ret_n of them; with `is_executed` each is made again, at once for every writer.
     */
    bool (*renew)(struct fx_side *side, bool is_executed, size_t *ret_n, struct fx_err *err);
    /* *ret_taken false: own was not HERE at e. After DB_CONNECT nobody knows: read the row. */
    bool (*fence)(struct fx_side *side, const struct fx_fence_request *request, bool *ret_taken,
                  struct fx_err *err);
    /* The barrier marker without a fence: a probe that the other side must receive. Idempotent. */
    bool (*write_marker)(struct fx_side *side, int64_t epoch, struct fx_err *err);
    /*
     * Does every table, and every partition, have this fence's enabled trigger? Findings: which
     * not.
     */
    bool (*armed)(struct fx_side *side, int64_t epoch, struct fx_findings *f, struct fx_err *err);
    /*
     * Of a side that is AWAY: does every table, and every partition, have a trigger of ours that
     * refuses writers, whichever fence made it? A table that took the place of another has none.
     */
    bool (*refuses)(struct fx_side *side, struct fx_findings *f, struct fx_err *err);
    /*
     * Disables or drops the triggers, only while own is HERE at the epoch it reads; else *ret_done
     * false.
     */
    bool (*disarm)(struct fx_side *side, int64_t lock_ms, bool *ret_done, struct fx_err *err);
    /* Removes all triggers of the group, whatever own says (only for dropping the group). */
    bool (*remove)(struct fx_side *side, struct fx_err *err);
    /*
     * Highest id of each table that this side assigned or stored; -1: no identity. ret[n_tables].
     */
    bool (*ids_read)(struct fx_side *side, int64_t *ret, struct fx_err *err);
    /*
     * Raises each counter to at least ids[table], only while own is AWAY below `epoch`.
     * *ret_guarded false: it is not, nothing was changed.
     */
    bool (*ids_raise)(struct fx_side *side, const int64_t *ids, int64_t epoch, bool *ret_guarded,
                      struct fx_err *err);
    /*
     * Preflight of the losing side. *ret_foreign: one of the findings is another operator's fence.
     */
    bool (*check)(struct fx_side *side, int64_t old_txn_ms, struct fx_findings *f,
                  bool *ret_foreign, struct fx_err *err);
    /*
     * How long the oldest transaction that a fence would wait for now is open already, 0: there is
     * none. Of another user's only what the server tells this one; on MariaDB any writer's, in
     * whole seconds.
     */
    bool (*writer_age)(struct fx_side *side, int64_t *ret_ms, struct fx_err *err);
};
/* The operations of a side that has been opened once. */
const struct fx_fence_ops *fx_fence_of(const struct fx_side *side);

/* --- for the fences --------------------------------------------------------------------------- */

/* Each row of a query is a finding: where, what, and the command that removes it or ''. */
bool fx_fence_ask(struct fx_side *side, const char *sql, const fx_cell *params, size_t n_params,
                  struct fx_findings *f, struct fx_err *err) FX_MUST_CHECK;

/* Replaces {names[i]} in a statement's template by values[i]; `names` ends with NULL. */
void fx_fence_sql_fill(const char *template, const char *const *names, const char *const *values,
                       struct fx_buf *out);
/*
 * "ficus_fence_orders": the trigger of a group on PostgreSQL; with a hash if the name had to
 * change.
 */
void fx_fence_pg_name(const char *group, char out[64]);
/* "ficus_fence_orders_1a2b3c4d_12_i": epoch and event last, unique in the database; fits 64. */
void fx_fence_my_name(const char *group, const char *table, int64_t epoch, char event,
                      char out[65]);
/* The epoch in such a name, or -1 when the name is not one of this group and table. */
int64_t fx_fence_my_epoch(const char *group, const char *table, struct fx_str name);

#endif
