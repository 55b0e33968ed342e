/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which controller holds a context: one row of ficus.controller in each of its two databases. The
 * databases decide, and each decides for itself: a change in a database is made under a share lock
 * on its row, which an adoption waits for. docs/protocols/controllers.md has the invariants;
 * tests/models/controller.py explores them.
 *
 *     nobody --claim (insert)--> A --adopt (compare-and-set, by a person)--> B
 *                                |  drop of the last thing of the context
 *                                +--> nobody
 *
 * A context that no controller has claimed is nobody's, and whoever changes it passes: so a
 * database of an older schema version, which has no such table, is used as it always was. A caller
 * whose context names no controller (ctx->controller NULL) passes only there.
 *
 * Errors: STALE_EPOCH (another controller holds the context; message and hint say who, where and
 * the command), SOURCE*, TARGET*, those of lib/db.   Thread: one.
 */
#ifndef FX_OWNERSHIP_HOLDER_H
#define FX_OWNERSHIP_HOLDER_H

#include "lib/ownership/controller.h"
#include "lib/ownership/own.h"

struct fx_side; /* side.h */

struct fx_holder {
    bool has_table; /* false: schema version 2 or older, or nothing installed */
    bool is_known;  /* there is a row */
    char id[FX_CONTROLLER_ID + 32];
    char host[64], login[64], run[128];
    char since[40];          /* by the server's clock, its time zone */
    int64_t since_us;        /* the same, microseconds since 1970 */
    int64_t since_s, seen_s; /* seconds ago: claimed or adopted; last command that looked */
};

/* The row of `context`, as committed now. */
bool fx_holder_read(struct fx_db *db, const char *context, struct fx_holder *ret,
                    struct fx_err *err) FX_MUST_CHECK;
/* Both of them; a database that cannot be asked is an error. */
bool fx_holder_read_both(const struct fx_context *ctx, struct fx_holder *ret_old,
                         struct fx_holder *ret_new, struct fx_err *err) FX_MUST_CHECK;
/* "controller 3f2a9c01 of joe@host1 (run orders, last seen 12 s ago)" */
const char *fx_holder_text(const struct fx_holder *holder, struct fx_arena *arena);
/* Does the context name this holder? Nobody is everybody's. */
bool fx_holder_is_ours(const struct fx_holder *holder, const struct fx_context *ctx);
/* Raises STALE_EPOCH: who holds it, where, and what to do. */
bool fx_holder_fail(const struct fx_holder *holder, const struct fx_context *ctx,
                    const struct fx_db_conf *conf, struct fx_err *err);

/* Refuses when another controller holds the context in either database. Changes nothing. */
bool fx_holder_check(const struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;
/*
 * The same, and claims it where nobody holds it: on the old side first, so that of two controllers
 * that start at the same moment one wins both. `is_maker`: the caller is about to make something
 * there, or has made what is there; otherwise a context that has streams and no holder (a database
 * upgraded from version 2) is refused, and one that has none stays nobody's.
 */
bool fx_holder_claim(const struct fx_context *ctx, bool is_maker, struct fx_err *err) FX_MUST_CHECK;

/*
 * Appends a condition to a statement of this database: true while `ctx`'s controller holds the
 * context, or nobody does. It takes a share lock on the row until the transaction ends.
 */
void fx_holder_condition(const struct fx_context *ctx, struct fx_db *db, struct fx_buf *sql);

/* --- guard.c: for acts that no transaction covers --------------------------------------------- */

/*
 * Share locks on the rows of ficus.controller and ficus.own in both databases, each in a session
 * and transaction of its own: until the guard ends nobody adopts the context, and no cut-over
 * commits.
 */
struct fx_guard;
enum fx_guard_for {
    /* streams go: refused unless the old side is HERE and the new one AWAY, or nobody owns */
    FX_GUARD_UNDO,
    FX_GUARD_END, /* the migration ends: also allowed when the new side is HERE */
};
/*
 * Errors: also DRIFT: the new side owns the tables, or a cut-over is unfinished; says the way on.
 */
bool fx_guard_begin(const struct fx_context *ctx, enum fx_guard_for what, struct fx_guard **ret,
                    struct fx_err *err) FX_MUST_CHECK;
/* Its session with the old (0) or the new (1) side, in the transaction that has the locks. */
struct fx_side *fx_guard_side(struct fx_guard *guard, int i);
/* Does either database have a row of ownership for the context? */
bool fx_guard_has_ownership(const struct fx_guard *guard);
bool fx_guard_old_owns(const struct fx_guard *guard);
/* Do both sessions still have their locks? Asked after the act. */
bool fx_guard_check(struct fx_guard *guard, struct fx_err *err) FX_MUST_CHECK;
/* Deletes the rows of ficus.controller in the guard's own transactions; the context is nobody's. */
bool fx_guard_forget(struct fx_guard *guard, struct fx_err *err) FX_MUST_CHECK;
void fx_guard_end(struct fx_guard *guard); /* NULL is fine */

/* --- adopt.c ---------------------------------------------------------------------------------- */

/*
 * Takes the context over from the controller whose id begins with `from` (FX_CONTROLLER_SHORT hex
 * digits; "nobody" where streams exist and no row says whose), on the old side first. Each database
 * is one transaction that waits for guards and compare-and-sets, changes the row and raises the
 * epoch in ficus.progress, so that an applier of the old one finds no row and stops. It may be
 * repeated: what it has done already it finds done.
 * Errors: also LOCKED: a fence that has not expired; USAGE: `from` is not who holds it.
 */
bool fx_holder_adopt(const struct fx_context *ctx, const char *from,
                     struct fx_err *err) FX_MUST_CHECK;

#endif
