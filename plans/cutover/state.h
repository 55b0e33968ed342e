/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one cut-over: what the machine (machine.c) and the recovery (recover.c) work on. The
 * diagram of the states is at the top of machine.c.
 */
#ifndef PLN_CUTOVER_STATE_H
#define PLN_CUTOVER_STATE_H

#include "plans/cutover/effects.h"
#include "plans/cutover/retry.h"

/* The steps come first, as in enum pln_cutover_step. */
enum pln_cut_state {
#define X(name, number, text) PLN_CUT_IN_##name,
    PLN_CUTOVER_STEPS(X)
#undef X
    /* nothing was fenced: facades send held writes to the losing side */
    PLN_CUT_RELEASE,
    /* a fence may be in force: reopen the losing side, or learn that it has committed */
    PLN_CUT_ABORT,
    PLN_CUT_ENDED,
};

enum pln_cut_fence {
    PLN_FENCE_NONE,     /* this cut-over has no fence */
    PLN_FENCE_UNKNOWN,  /* asked for, and its commit may be in flight */
    PLN_FENCE_IN_FORCE, /* committed */
};

enum { PLN_CUT_RETRY_MS = 100 }; /* between two tries of what has a limit of its own */

/*
 * The next command, for hints. A cut-over without a plan has no run: its command finishes what is
 * unfinished first.
 */
#define PLN_CUT_GO_ON "ficus run resume, or the same ficus cutover command again"
/* After the name of a key of policy. Its command comes before any other of a run. */
#define PLN_CUT_KEPT "(a started run keeps its copy of the plan: first run ficus run rollback RUN)"

/* Somebody else moved the group while this cut-over ran. */
#define PLN_CUT_OTHER                                                                           \
    "This cut-over stopped and changes nothing more: go on with the run or command that moved " \
    "the group. Runs: ficus run list; commands: ficus audit. The side that owns the tables "    \
    "now: ficus status"

/* The caller fills the first part. `result` is reset when a cut-over begins. */
struct pln_cutover {
    const struct pln_effects *fx;
    void *en;
    const char *group;
    bool is_canary; /* its group has no writes: no facade can be in doubt where they go */
    bool new_wins;  /* FX_FORWARD: the winning side is the new one */
    const struct pln_cutover_options *opt;
    pln_cutover_log log; /* as in struct pln_cutover_env */
    bool (*should_stop)(void *arg);
    void *arg;
    struct pln_cutover_result *result;
    /* The machine's own: */
    enum pln_cut_state state;
    enum pln_cut_fence fence;
    int64_t e;           /* epoch of the losing side when it began */
    int64_t fence_at_ms; /* when that fence was asked for; -1: not yet */
    int64_t hold_at_ms;  /* when step 2 began; -1: not yet */
    bool is_moving;      /* facades were told that the commit comes */
    struct fx_err late;  /* first failure to journal after the commit */
};

/* Begins at `state` with an empty result. */
void pln_cut_begin(struct pln_cutover *cut, enum pln_cut_state state);
/* The only place that changes the state; a change that the diagram does not have is a defect. */
void pln_cut_set_state(struct pln_cutover *cut, enum pln_cut_state to);
/* Is `to` a successor of `from` in the diagram? */
bool pln_cut_state_may_follow(enum pln_cut_state from, enum pln_cut_state to);
const char *pln_cut_state_name(enum pln_cut_state state); /* "fence" */

/* "old" or "new": the losing and the winning side as ficus.yaml calls them. */
const char *pln_cut_losing(const struct pln_cutover *cut);
const char *pln_cut_winning(const struct pln_cutover *cut);
bool pln_cut_is_committed(const struct pln_cutover *cut);
/* The step of a state that is one. */
enum pln_cutover_step pln_cut_step(const struct pln_cutover *cut);
int64_t pln_cut_now_ms(const struct pln_cutover *cut);
/* Retries every PLN_CUT_RETRY_MS, until a time limit, or a number of tries. */
struct pln_retry pln_cut_retry_for(const struct pln_cutover *cut, int64_t limit_ms);
struct pln_retry pln_cut_retry_times(const struct pln_cutover *cut, int64_t tries);

#endif
