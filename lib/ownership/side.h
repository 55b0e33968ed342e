/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of a group: its database, its tables, one session for the protocol, and the
 * compare-and-sets on its row of ficus.own. own.h draws the states; `e` is always the epoch of the
 * HERE row that the losing side had when the cut-over began.
 *
 * Errors: those of lib/db. After DB_CONNECT nobody knows whether the statement took effect: read
 * the row, locked.
 * Thread: one a side.
 */
#ifndef FX_OWNERSHIP_SIDE_H
#define FX_OWNERSHIP_SIDE_H

#include "lib/ownership/engine.h"
#include "lib/ownership/own.h"

struct fx_side_identity { /* a column that the server fills from a counter */
    const char *column;
    const char *sequence; /* "schema.name"; NULL: a counter of the table itself */
};
struct fx_side_table {
    const char *schema, *name;
    struct fx_side_identity *identity; /* NULL: none that the other side fills as well */
};
struct fx_side {
    const struct fx_db_conf *conf;
    const char *group;
    /* Whose controller a change must be (holder.h); NULL: this side is only read. */
    const struct fx_context *ctx;
    struct fx_side_table *tables; /* in one fixed order: by schema and name */
    size_t n_tables;
    const struct fx_own_engine *engine; /* of the last session; NULL: there was none yet */
    bool has_controllers;               /* the schema records who holds a context */
    struct fx_db *db;                   /* NULL: not open. Whoever sees it broken closes it */
    int64_t limit_ms;                   /* the session's, of a statement; 0: not known, or none */
};

/*
 * Opens a session if there is none or it is broken, with the settings that the protocol relies on.
 */
bool fx_side_open(struct fx_side *side, int64_t statement_ms, struct fx_err *err) FX_MUST_CHECK;
void fx_side_close(struct fx_side *side);
/* Outside a transaction. Asks the server only when the session has another one. */
bool fx_side_limit(struct fx_side *side, int64_t statement_ms, struct fx_err *err) FX_MUST_CHECK;
/* Ends a transaction after a failure; closes the session if that fails too. */
void fx_side_rollback(struct fx_side *side);

/*
 * The row, which must exist (fx_own_require). A plain read; with `is_locked` FOR UPDATE in a
 * transaction of its own, which waits for whoever is changing the row.
 */
bool fx_own_row(struct fx_side *side, bool is_locked, struct fx_own *ret,
                struct fx_err *err) FX_MUST_CHECK;
bool fx_own_insert(struct fx_side *side, enum fx_own_state state, int64_t epoch,
                   struct fx_err *err) FX_MUST_CHECK; /* nothing if the row exists */

/*
 * The compare-and-sets. *ret_won: it was one row. A lost connection leaves the result unknown. No
 * row because another controller holds the context: STALE_EPOCH.
 */
bool fx_own_commit(struct fx_side *side, int64_t e, bool *ret_won,
                   struct fx_err *err) FX_MUST_CHECK;
bool fx_own_abort(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err) FX_MUST_CHECK;
bool fx_own_invalidate(struct fx_side *side, int64_t e, bool *ret_won,
                       struct fx_err *err) FX_MUST_CHECK;
bool fx_own_open(struct fx_side *side, int64_t epoch, bool *ret_won,
                 struct fx_err *err) FX_MUST_CHECK; /* epoch: the new one, e+2 */

/*
 * For the fences' compare-and-sets: appends " and …", true while the controller holds the context.
 */
void fx_side_add_condition(const struct fx_side *side, struct fx_buf *sql);
/* After a compare-and-set that found no row. Errors: STALE_EPOCH when another controller is why. */
bool fx_side_check_holder(struct fx_side *side, struct fx_err *err) FX_MUST_CHECK;

#endif
