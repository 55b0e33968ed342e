/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the protocol does to the world, one function each, so that the protocol's own file holds only order, limits
 * and what a failure means. The real ones talk to two databases, two streams and the facades
 * (cutover_world.c); the unit test has a world of plain variables.
 *
 * A is the side that has the group, B the one that shall have it. `e` is A's HERE epoch when it began.
 */
#ifndef PLN_CUTOVER_EFFECTS_H
#define PLN_CUTOVER_EFFECTS_H

#include "lib/ownership/own.h"
#include "plans/cutover/cutover.h"

enum pln_place { PLN_A, PLN_B };

struct pln_effects {
    /* Step 0, all findings in one error. */
    bool (*preflight)(void *world, struct fx_err *err);
    bool (*own)(void *world, enum pln_place place, bool is_locked, struct fx_own *ret,
                struct fx_err *err);
    /* Step 1. arm: DB_CONFLICT means try again. */
    bool (*arm)(void *world, int64_t epoch, struct fx_err *err);
    bool (*prepare)(void *world, int64_t epoch, struct fx_err *err);
    /* Step 2. */
    bool (*hold)(void *world, int64_t epoch, struct fx_err *err);
    bool (*drained)(void *world, bool *ret, struct fx_err *err);
    bool (*release)(void *world, int64_t epoch, struct fx_err *err); /* tries all facades */
    /* Step 3. DB_CONFLICT: rolled back, try again. DB_CONNECT: unknown. *ret_taken false: not HERE at e. */
    bool (*fence)(void *world, int64_t e, bool *ret_taken, struct fx_err *err);
    /* Steps 4, 8: has the stream from (is_reverse: to) A read the barrier? */
    bool (*barrier_read)(void *world, bool is_reverse, int64_t epoch, bool *ret,
                         struct fx_err *err);
    bool (*barrier_applied)(void *world, int64_t epoch, bool *ret, struct fx_err *err); /* 5 */
    bool (*verify)(void *world, struct fx_err *err);                                    /* 6 */
    bool (*raise_ids)(void *world, int64_t epoch, struct fx_err *err);                  /* 7 */
    bool (*armed)(void *world, int64_t epoch, struct fx_err *err);                      /* 8 */
    /* The compare-and-sets. commit uses the session that fenced, abort always a new one. */
    bool (*commit)(void *world, int64_t e, bool *ret_won, struct fx_err *err);
    bool (*abort)(void *world, int64_t e, bool *ret_won, struct fx_err *err);
    bool (*burn)(void *world, int64_t e, bool *ret_won, struct fx_err *err);
    bool (*open)(void *world, int64_t epoch, bool *ret_won, struct fx_err *err);
    /* Step 11: *ret_all: every facade has acknowledged; call again for those that have not. */
    bool (*route)(void *world, enum pln_place to, int64_t epoch, bool *ret_all, struct fx_err *err);
    /* Best effort; what stays is harmless. DB_CONFLICT: try again. */
    bool (*disarm)(void *world, enum pln_place place, struct fx_err *err);
    /* Step 12. */
    bool (*confirm)(void *world, int64_t epoch, struct fx_err *err);
    int64_t (*now_ms)(void *world);
    void (*sleep_ms)(void *world, int64_t ms);
};

/* The machine's input. `result` is reset by the calls below. */
struct pln_cutover {
    const struct pln_effects *fx;
    void *world;
    const char *group;
    bool b_is_new; /* FX_FORWARD */
    const struct pln_cutover_options *opt;
    pln_cutover_log log; /* as in struct pln_cutover_env */
    bool (*should_stop)(void *arg);
    void *arg;
    struct pln_cutover_result *result;
    /* The machine's own: */
    int state;           /* enum pln_cut_state */
    int64_t e;           /* A's epoch */
    int64_t fence_at_ms; /* when the fence was asked for; -1: not yet */
    int64_t hold_at_ms;  /* when step 2 began; -1: not yet */
    bool is_fence_known; /* false: the fence's commit may be in flight */
    struct fx_err late;  /* first failure to journal after the commit */
};

bool pln_cutover_machine(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;
/* Looks at both rows, finishes what was begun, routes; the machine of `resume`. */
bool pln_cutover_settle(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;

/* After a settle that found B serving: step 12 once more. */
bool pln_cutover_confirm(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;
/* Step 0 alone, not journalled. */
bool pln_cutover_check(struct pln_cutover *cut, struct fx_err *err) FX_MUST_CHECK;

/* Tests check that what they fake is what the protocol may do: is `to` a legal successor of `from`? */
bool pln_cut_state_may_follow(int from, int to);

#endif
