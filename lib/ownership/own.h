/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of ficus.own: who may write a group of tables. One side's row, how it is read, and what
 * two rows mean after a crash. Everything that decides is a pure function, so that each case is a
 * unit test.
 *
 *     state   HERE    this side accepts writes of the group
 *             FENCED  refuses them until `until`, then the next writer reopens it
 *             AWAY    refuses them
 *     epoch   the operator's lock: each transition raises it, and a statement that names a lower
 *             one finds no row
 *
 *     HERE e --fence--> FENCED e+1 --commit--> AWAY e+2          losing side
 *                          |  abort, or expire and reopen -> HERE e+2
 *     HERE e --invalidate the epoch--> HERE e+2      a fence of e still in flight finds no row
 *     AWAY < e+2 --open--> HERE e+2                              winning side
 *
 *     struct fx_own_look look;
 *     if (!fx_own_look(db, "orders", &look, err)) return false;      the server did not answer
 *     if (look.presence == FX_OWN_PRESENT && look.own.state == FX_OWN_AWAY) …
 *
 * Not here: changing the row (side.h), fencing (fence.h), the order of the steps
 * (plans/cutover/machine.c).
 * Thread: any, one a session.
 */
#ifndef FX_OWNERSHIP_OWN_H
#define FX_OWNERSHIP_OWN_H

#include "lib/db/db.h"

/*
 * UNKNOWN: not known (yet), as in a log that does not say what a row was before. A row that was
 * read never is.
 */
enum fx_own_state { FX_OWN_UNKNOWN, FX_OWN_HERE, FX_OWN_FENCED, FX_OWN_AWAY };
const char *fx_own_state_name(enum fx_own_state state);   /* "HERE"; "unknown" */
enum fx_own_state fx_own_state_parse(struct fx_str text); /* UNKNOWN: it is none of the three */

/* Is it an arrow of the picture above? Whoever changes a row asserts it. */
bool fx_own_may_become(enum fx_own_state from, enum fx_own_state to);

struct fx_own {
    enum fx_own_state state;
    int64_t epoch;
    bool is_expired; /* FENCED and past `until`: the next writer reopens it */
    int64_t left_ms; /* FENCED: until then, by the server's clock; else 0 */
    char operator_name[192];
};

/* --- reading --------------------------------------------------------------------------------- */

enum fx_own_presence {
    FX_OWN_PRESENT,
    FX_OWN_NO_ROW,   /* ownership is installed, but not for this group */
    FX_OWN_NO_TABLE, /* nobody ever installed ownership in this database */
    FX_OWN_DENIED,   /* the user may not look: nobody can tell */
};
struct fx_own_look {
    enum fx_own_presence presence;
    struct fx_own own; /* of PRESENT; else state UNKNOWN */
};

/*
 * The row as committed now. Errors: DRIFT (the row is not one that this release writes), and those
 * of lib/db.
 */
bool fx_own_look(struct fx_db *db, const char *group, struct fx_own_look *ret,
                 struct fx_err *err) FX_MUST_CHECK;
/*
 * The same FOR UPDATE: waits for whoever is changing the row. The caller is in a transaction, and
 * ends it.
 */
bool fx_own_look_locked(struct fx_db *db, const char *group, struct fx_own_look *ret,
                        struct fx_err *err) FX_MUST_CHECK;
/* The same with a share lock: whoever changes the row waits; triggers that read it do not. */
bool fx_own_look_shared(struct fx_db *db, const char *group, struct fx_own_look *ret,
                        struct fx_err *err) FX_MUST_CHECK;
/*
 * For callers that cannot go on without the row: true when it is PRESENT, else raises DRIFT
 * (NO_ROW, NO_TABLE: not installed) or DB (DENIED) with a hint.
 */
bool fx_own_require(const struct fx_own_look *look, const struct fx_db_conf *conf,
                    const char *group, struct fx_err *err) FX_MUST_CHECK;

/* --- decisions ------------------------------------------------------------------------------- */

/* What an abort has to do once its compare-and-set found no row and the row was read under lock. */
enum fx_own_abort_next {
    FX_OWN_ABORT_DONE,       /* HERE at e+2: aborted, or reopened; the losing side serves */
    FX_OWN_ABORT_COMMITTED,  /* AWAY at e+2: the commit was faster; go on with the open step */
    FX_OWN_ABORT_INVALIDATE, /* HERE at e: a fence may be in flight; invalidate its epoch */
    FX_OWN_ABORT_AGAIN,      /* FENCED at e+1: that fence has committed meanwhile; abort it again */
    FX_OWN_ABORT_FOREIGN,    /* another operator owns the group; touch nothing */
};
enum fx_own_abort_next fx_own_abort_decide(const struct fx_own *own, int64_t e);

/* What has to be done, by what both rows say after a crash of anything. */
enum fx_own_resume_action {
    FX_OWN_RESUME_SERVES, /* one HERE, the other AWAY: routes may need to follow */
    FX_OWN_RESUME_ABORT,  /* one FENCED: abort it; its e is the row's epoch less one */
    FX_OWN_RESUME_OPEN, /* both AWAY: the higher epoch has committed; open the other side with it */
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
/* The verb of `ficus cutover` that can finish what those rows show:
 * under a fence, and after a commit, only the direction that was begun can. */
const char *fx_own_finisher(const struct fx_own *old_row, const struct fx_own *new_row);

/* A number as a parameter; the text lives in `out`. */
enum { FX_OWN_INT_TEXT = 24 };
fx_cell fx_own_int(int64_t value, char out[FX_OWN_INT_TEXT]);

#endif
