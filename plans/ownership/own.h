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
 * Not here: fencing itself (fence.h) and the order of it all (cutover.c).
 */
#ifndef PLN_OWN_H
#define PLN_OWN_H

#include "plans/cutover/cutover.h"

/* --- decisions ------------------------------------------------------------------------------- */

/* What an abort means once its compare-and-set found no row and the row was read under lock. */
enum pln_abort {
    PLN_ABORT_DONE,      /* HERE at e+2: healed or aborted; A serves */
    PLN_ABORT_COMMITTED, /* AWAY at e+2: the commit had won; go on at step 10 */
    PLN_ABORT_BURN,      /* HERE at e: a fence may still be in flight; burn its epoch */
    PLN_ABORT_AGAIN, /* FENCED at e+1: that fence has landed meanwhile; repeat the compare-and-set */
    PLN_ABORT_FOREIGN, /* another operator owns the group; touch nothing */
};
enum pln_abort pln_abort_decide(const struct pln_own *own, int64_t e);

/* What both rows, read after a crash of anything, ask for. */
enum pln_resume {
    PLN_RESUME_SERVES, /* one HERE, the other AWAY: routes may need to follow */
    PLN_RESUME_ABORT,  /* one FENCED: abort it, whose epoch e is the row's less one */
    PLN_RESUME_OPEN, /* both AWAY: the one with the higher epoch gave it away; open the other with that epoch */
    PLN_RESUME_STUCK, /* rows that the protocol cannot produce */
};
struct pln_resume_plan {
    enum pln_resume action;
    bool is_new;     /* SERVES: who; ABORT: whose fence; OPEN: whom to open */
    int64_t epoch;   /* SERVES: of the HERE row; ABORT: e; OPEN: with which epoch */
    const char *why; /* STUCK */
};
struct pln_resume_plan pln_resume_decide(const struct pln_own *old_row,
                                         const struct pln_own *new_row);

/* --- one side -------------------------------------------------------------------------------- */

struct pln_identity { /* a column that the server fills from a counter */
    const char *column;
    const char *sequence; /* PostgreSQL: "schema.name"; MariaDB: NULL */
};
struct pln_side_table {
    const char *schema, *name;
    struct pln_identity *identity; /* NULL: none that the other side fills as well */
};
struct pln_side {
    const struct fx_db_conf *conf;
    const char *group;
    struct pln_side_table *tables; /* in one fixed order: by schema and name */
    size_t n_tables;
    struct fx_db *db; /* NULL: not open. Whoever sees it broken closes it */
};

/* Opens the session if there is none or it is broken, and pins what the protocol relies on. */
bool pln_side_open(struct pln_side *side, int64_t statement_ms, struct fx_err *err) FX_MUST_CHECK;
void pln_side_close(struct pln_side *side);
/* Ends a transaction after a failure; a session that cannot even do that is closed. */
void pln_side_rollback(struct pln_side *side);

/* Plain read; with `is_locked` FOR UPDATE in a transaction of its own (waits for whoever is changing the row). */
bool pln_own_row(struct pln_side *side, bool is_locked, struct pln_own *ret,
                 struct fx_err *err) FX_MUST_CHECK;
bool pln_own_insert(struct pln_side *side, enum pln_own_state state, int64_t epoch,
                    struct fx_err *err) FX_MUST_CHECK; /* nothing if the row exists */

/* The compare-and-sets. *ret_won: it was one row. A lost connection leaves the result unknown. */
bool pln_own_commit(struct pln_side *side, int64_t e, bool *ret_won,
                    struct fx_err *err) FX_MUST_CHECK;
bool pln_own_abort(struct pln_side *side, int64_t e, bool *ret_won,
                   struct fx_err *err) FX_MUST_CHECK;
bool pln_own_burn(struct pln_side *side, int64_t e, bool *ret_won,
                  struct fx_err *err) FX_MUST_CHECK;
bool pln_own_open(struct pln_side *side, int64_t epoch, bool *ret_won,
                  struct fx_err *err) FX_MUST_CHECK; /* epoch: the new one, e+2 */

/* A number as a parameter; the text lives in `out`. */
enum { PLN_INT_TEXT = 24 };
fx_cell pln_int(int64_t value, char out[PLN_INT_TEXT]);

#endif
