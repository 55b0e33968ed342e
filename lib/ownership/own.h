/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of ownership: reading it, the four compare-and-sets on it, and what its values mean after a
 * crash. Everything that decides is a pure function, so that each case is a unit test.
 *
 *     state   HERE    this side accepts writes of the group
 *             FENCED  refuses them until `until`, then the next writer reopens it
 *             AWAY    refuses them
 *     epoch   the operator's lock: each transition raises it, a statement that names a lower one finds no row
 *
 *     HERE e --fence--> FENCED e+1 --commit--> AWAY e+2        losing side (A)
 *                          |  abort, heal -> HERE e+2
 *     AWAY < e+2 --open--> HERE e+2                             winning side (B)
 *
 * Not here: fencing itself (fence.h) and the order of the steps (plans/cutover/machine.c).
 */
#ifndef FX_OWNERSHIP_OWN_H
#define FX_OWNERSHIP_OWN_H

#include "lib/db/db.h"

enum fx_own_state { FX_OWN_HERE, FX_OWN_FENCED, FX_OWN_AWAY };
struct fx_own {
    enum fx_own_state state;
    int64_t epoch;
    bool is_expired; /* FENCED and past `until`: the next writer reopens it */
    int64_t left_ms; /* FENCED: until then; else 0 */
    char operator_name[64];
};
const char *fx_own_state_name(enum fx_own_state state); /* "HERE" */

/* --- decisions ------------------------------------------------------------------------------- */

/* What an abort means once its compare-and-set found no row and the row was read under lock. */
enum fx_own_abort_next {
    FX_OWN_ABORT_DONE,       /* HERE at e+2: healed or aborted; A serves */
    FX_OWN_ABORT_COMMITTED,  /* AWAY at e+2: the commit had won; go on at step 10 */
    FX_OWN_ABORT_INVALIDATE, /* HERE at e: a fence may still be in flight; burn its epoch */
    FX_OWN_ABORT_AGAIN, /* FENCED at e+1: that fence has landed meanwhile; repeat the compare-and-set */
    FX_OWN_ABORT_FOREIGN, /* another operator owns the group; touch nothing */
};
enum fx_own_abort_next fx_own_abort_decide(const struct fx_own *own, int64_t e);

/* What both rows, read after a crash of anything, ask for. */
enum fx_own_resume_action {
    FX_OWN_RESUME_SERVES, /* one HERE, the other AWAY: routes may need to follow */
    FX_OWN_RESUME_ABORT,  /* one FENCED: abort it, whose epoch e is the row's less one */
    FX_OWN_RESUME_OPEN, /* both AWAY: the one with the higher epoch gave it away; open the other with that epoch */
    FX_OWN_RESUME_STUCK, /* rows that the protocol cannot produce */
};
struct fx_own_resume {
    enum fx_own_resume_action action;
    bool is_new;     /* SERVES: who; ABORT: whose fence; OPEN: whom to open */
    int64_t epoch;   /* SERVES: of the HERE row; ABORT: e; OPEN: with which epoch */
    const char *why; /* STUCK */
};
struct fx_own_resume fx_own_resume_decide(const struct fx_own *old_row,
                                          const struct fx_own *new_row);

/* --- one side -------------------------------------------------------------------------------- */

struct fx_side_identity { /* a column that the server fills from a counter */
    const char *column;
    const char *sequence; /* PostgreSQL: "schema.name"; MariaDB: NULL */
};
struct fx_side_table {
    const char *schema, *name;
    struct fx_side_identity *identity; /* NULL: none that the other side fills as well */
};
struct fx_side {
    const struct fx_db_conf *conf;
    const char *group;
    struct fx_side_table *tables; /* in one fixed order: by schema and name */
    size_t n_tables;
    struct fx_db *db; /* NULL: not open. Whoever sees it broken closes it */
};

/* Opens the session if there is none or it is broken, and pins what the protocol relies on. */
bool fx_side_open(struct fx_side *side, int64_t statement_ms, struct fx_err *err) FX_MUST_CHECK;
void fx_side_close(struct fx_side *side);
/* Ends a transaction after a failure; a session that cannot even do that is closed. */
void fx_side_rollback(struct fx_side *side);

/* Plain read; with `is_locked` FOR UPDATE in a transaction of its own (waits for whoever is changing the row). */
bool fx_own_row(struct fx_side *side, bool is_locked, struct fx_own *ret,
                struct fx_err *err) FX_MUST_CHECK;
bool fx_own_insert(struct fx_side *side, enum fx_own_state state, int64_t epoch,
                   struct fx_err *err) FX_MUST_CHECK; /* nothing if the row exists */

/* The compare-and-sets. *ret_won: it was one row. A lost connection leaves the result unknown. */
bool fx_own_commit(struct fx_side *side, int64_t e, bool *ret_won,
                   struct fx_err *err) FX_MUST_CHECK;
bool fx_own_abort(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err) FX_MUST_CHECK;
bool fx_own_invalidate(struct fx_side *side, int64_t e, bool *ret_won,
                       struct fx_err *err) FX_MUST_CHECK;
bool fx_own_open(struct fx_side *side, int64_t epoch, bool *ret_won,
                 struct fx_err *err) FX_MUST_CHECK; /* epoch: the new one, e+2 */

/* A number as a parameter; the text lives in `out`. */
enum { FX_OWN_INT_TEXT = 24 };
fx_cell fx_own_int(int64_t value, char out[FX_OWN_INT_TEXT]);

#endif
