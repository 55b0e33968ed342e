/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the protocol does outside its own memory, one function each, so that the protocol's
 * files hold only order, limits and what a failure means. The real ones (effects.c) act on two
 * databases, two streams and the facades; the unit test has an environment of plain variables.
 *
 * The losing side has the group, the winning side shall have it. `e` is the losing side's HERE
 * epoch when it began. `en` is what the effects act on, as struct pln_cutover names it.
 */
#ifndef PLN_CUTOVER_EFFECTS_H
#define PLN_CUTOVER_EFFECTS_H

#include "lib/ownership/own.h"
#include "plans/cutover/cutover.h"
#include "plans/cutover/forecast.h"

enum pln_cut_side { PLN_LOSING, PLN_WINNING };

struct pln_effects {
    /* Step 0, all findings in one error. */
    bool (*preflight)(void *en, struct fx_err *err);
    bool (*own)(void *en, enum pln_cut_side side, bool is_locked, struct fx_own *ret,
                struct fx_err *err);
    /* Step 1. arm: DB_CONFLICT means try again. */
    bool (*arm)(void *en, int64_t epoch, struct fx_err *err);
    bool (*prepare)(void *en, int64_t epoch, struct fx_err *err);
    /* Step 1b: how late is the stream from (is_reverse: to) the losing side now; -1: unknown. */
    bool (*lag)(void *en, bool is_reverse, int64_t *ret_ms, struct fx_err *err);
    /* Before the hold: what single calls cost now. *ret_known false: nobody waits here. */
    bool (*measure)(void *en, struct pln_measured *ret, bool *ret_known, struct fx_err *err);
    /* Step 2. */
    bool (*hold)(void *en, int64_t epoch, struct fx_err *err);
    bool (*drained)(void *en, bool *ret, struct fx_err *err);
    bool (*release)(void *en, int64_t epoch, struct fx_err *err); /* tries all facades */
    /* Step 3. DB_CONFLICT: rolled back, try again.
     * DB_CONNECT: unknown. *ret_taken false: not HERE at e. */
    bool (*fence)(void *en, int64_t e, bool *ret_taken, struct fx_err *err);
    /* Steps 4, 8: has the stream from (is_reverse: to) the losing side read the barrier? */
    bool (*barrier_read)(void *en, bool is_reverse, int64_t epoch, bool *ret, struct fx_err *err);
    bool (*barrier_applied)(void *en, int64_t epoch, bool *ret, struct fx_err *err); /* 5 */
    bool (*verify)(void *en, struct fx_err *err);                                    /* 6 */
    bool (*raise_ids)(void *en, int64_t epoch, struct fx_err *err);                  /* 7 */
    bool (*armed)(void *en, int64_t epoch, struct fx_err *err);                      /* 8 */
    /* Right before the commit: facades may no longer end their hold by themselves. */
    bool (*move)(void *en, int64_t epoch, struct fx_err *err);
    /* The compare-and-sets. commit uses the session that fenced, abort always a new one. */
    bool (*commit)(void *en, int64_t e, bool *ret_won, struct fx_err *err);
    bool (*abort)(void *en, int64_t e, bool *ret_won, struct fx_err *err);
    bool (*invalidate)(void *en, int64_t e, bool *ret_won, struct fx_err *err);
    bool (*open)(void *en, int64_t epoch, bool *ret_won, struct fx_err *err);
    /* Step 11: *ret_all: every facade has acknowledged; call again for those that have not. */
    bool (*route)(void *en, enum pln_cut_side to, int64_t epoch, bool *ret_all, struct fx_err *err);
    /* Best effort; what stays is harmless. DB_CONFLICT: try again. */
    bool (*disarm)(void *en, enum pln_cut_side side, struct fx_err *err);
    /* Step 12. */
    bool (*confirm)(void *en, int64_t epoch, struct fx_err *err);
    int64_t (*now_ms)(void *en);
    void (*sleep_ms)(void *en, int64_t ms);
};

#endif
