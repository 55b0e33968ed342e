/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cut-over of one context and its fall-back: moves the ownership of a group of tables from the side
 * that has it (A) to the other one (B). The steps and their numbers stand below; cutover.c draws where each failure leads.
 *
 * Safety rests on one row per side, ficus.own, and on triggers that read it; not on the facade, not on a clock,
 * not on this process staying alive. So every function below may be killed anywhere and followed by
 * pln_cutover_resume, and nothing here needs to be undone by hand.
 *
 *     struct pln_cutover_env env = {.project = …, .context = …, .facades = …, .n_facades = 1, .operator = "run orders"};
 *     fx_own_install(ctx, 1, err)                              once, at stream.start, *before* cdc_install
 *     pln_cutover_rehearse(&env, &opt, 5, &rehearsal, err)   the whole protocol both ways on the canary table
 *     pln_cutover_run(&env, FX_FORWARD, &opt, &result, err)  cut-over: old -> new
 *     pln_cutover_run(&env, FX_REVERSE, &opt, &result, err)  fall-back: new -> old, the same protocol
 *     pln_cutover_resume(&env, FX_FORWARD, &opt, &result, err)   after a crash, before anything else
 *
 * Errors of run, rehearse and resume:
 *   ABORTED        given up before the commit (retriable); A serves, triggers are being removed; err says at which step and why
 *   GATE_CLOSED    preflight found something; nothing was touched. err.detail lists all findings
 *   DRIFT          A is not HERE or B not AWAY (something was begun and not finished: the hint), or leftovers of somebody
 *                  else's fence; err.detail has the command that removes them
 *   STALE_EPOCH    another operator owns the group; nothing more was touched
 *   STUCK          the own rows say what the protocol cannot produce, or an abort could not reach A
 *   INTERRUPTED    result.outcome ABORTED: should_stop asked before the commit, A serves. Else the commit is done, but
 *                  something after it is not (B or a facade unreachable): call resume
 * Thread: one.
 */
#ifndef PLN_CUTOVER_H
#define PLN_CUTOVER_H

#include "lib/map/map.h"
#include "strangler/control.h"

/* The steps of the protocol, in order: X(NAME, number, "what the picture shows"). */
#define PLN_CUTOVER_STEPS(X)                                                    \
    X(PREFLIGHT, 0, "preflight: check databases, streams and facades")          \
    X(PREPARE, 1, "prepare: reserve hold slots, create fence triggers")         \
    X(HOLD, 2, "hold: facades hold writes and wait for those in flight")        \
    X(FENCE, 3, "fence: the losing side refuses writes")                        \
    X(BARRIER, 4, "barrier: the stream reads up to the barrier marker")         \
    X(APPLIED, 5, "applied: the winning side has the barrier marker")           \
    X(VERIFY, 6, "verify: newest changes are equal, no unfenced write")         \
    X(IDENTITY, 7, "identity: raise sequences and counters")                    \
    X(WAY_BACK, 8, "fall-back: the stream back has read the barrier marker")    \
    X(COMMIT, 9, "commit: the losing side gives up ownership")                  \
    X(OPEN, 10, "open: the winning side accepts writes")                        \
    X(ROUTE, 11, "route: facades send held and new writes to the winning side") \
    X(CONFIRM, 12, "confirm: a barrier marker travels back, no unfenced write")

enum pln_cutover_step {
#define X(name, number, text) PLN_CUT_##name,
    PLN_CUTOVER_STEPS(X)
#undef X
        PLN_CUT_STEP_COUNT
};
const char *pln_cutover_step_name(enum pln_cutover_step step); /* "fence" */
const char *pln_cutover_step_text(enum pln_cutover_step step);

/* All limits in milliseconds. Begin with pln_cutover_options_default(). */
struct pln_cutover_options {
    int64_t fence_ttl_ms; /* after this the fence lets itself be reopened; steps 3 to 9 must fit */
    int64_t hold_ms;      /* deadline that the facades are given for held writes */
    int64_t prepare_ms;   /* step 1, all facades */
    int64_t drain_ms;     /* step 2 */
    int64_t lock_wait_ms; /* step 3, one attempt */
    int64_t fence_attempts; /* step 3 */
    int64_t barrier_ms;     /* steps 4 and 5 together */
    int64_t verify_ms;      /* step 6 */
    int64_t statement_ms;   /* steps 7, 8, 9 each, and the abort's statement */
    int64_t open_ms;        /* step 10 is retried this long, then INTERRUPTED */
    int64_t route_ms;       /* step 11: unreached facades are retried this long, then INTERRUPTED */
    int64_t confirm_ms;     /* step 12 */
    int64_t abort_ms;       /* abort is retried this long (server restarting), then STUCK */
    int64_t lag_max_ms;     /* preflight: both streams below this */
    int64_t old_txn_ms;     /* preflight: no transaction on the group older than this */
    int64_t identity_gap;   /* added to the highest id seen on either side */
    /* of a fresh rehearsal; preflight wants it below fence_ttl / 2; -1: not asked */
    int64_t predicted_p99_ms;
};
struct pln_cutover_options pln_cutover_options_default(void);

/* What is journalled of a step. */
enum pln_cutover_event {
    PLN_CUT_BEGIN,  /* about to act: written before the effect */
    PLN_CUT_DONE,   /* the effect is there */
    PLN_CUT_FAILED, /* detail: the reason */
    PLN_CUT_NOTE,   /* something worth keeping (an attempt, a wait, the 2 s alarm of step 10) */
    PLN_CUT_EVENT_COUNT
};
const char *pln_cutover_event_name(enum pln_cutover_event event); /* "begin", as in the journal */

/*
 * The journal. Called before and after each step; must be durable when it returns. `detail` is a short text without
 * newlines ("epoch=4 attempt=2"). False before the commit aborts the cut-over; after the commit it
 * is remembered, the protocol goes on to its end (nobody may accept writes otherwise), and then fails.
 */
typedef bool (*pln_cutover_log)(void *arg, enum pln_cutover_step step, enum pln_cutover_event event,
                                const char *group, const char *detail, struct fx_err *err);

struct pln_cutover_env {
    const struct fx_project *project;
    struct fx_context *context;         /* mappings are bound by the calls below */
    const struct fcd_endpoint *facades; /* all of them; 0 is allowed (nobody to hold) */
    size_t n_facades;
    const char *operator_name; /* into own.operator: "user@host run orders-extract" */
    pln_cutover_log log;       /* NULL: no journal */
    bool (*should_stop)(
        void *arg); /* NULL: never. Asked before the commit only: then the cut-over aborts */
    void *arg;      /* for log and should_stop */
};

/* facade.admin of the project file, for `facades`. Errors: CONFIG, SECRET. */
bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err) FX_MUST_CHECK;

enum pln_cutover_outcome {
    PLN_CUT_NOTHING, /* failed before the rows of ownership were as they must be, or could be read */
    PLN_CUT_COMMITTED, /* B serves; after a failure what follows step 10 may not be done */
    PLN_CUT_ABORTED,   /* A serves */
    PLN_CUT_UNFINISHED, /* committed and B not open yet, or nobody could learn whether it is: resume */
};

struct pln_cutover_result {
    enum pln_cutover_outcome outcome;
    int64_t epoch;   /* of the side that serves now; not of UNFINISHED */
    bool new_serves; /* which side that is; not of UNFINISHED */
    /* step 2 began until step 11 done (or the release of an abort): what a held write feels */
    int64_t pause_ms;
    int64_t fenced_ms;   /* fence committed until opened: what a direct writer feels */
    int64_t held_max_ms; /* longest wait of a held write, as the facades say; -1 unknown */
    int64_t leaks;       /* writes accepted on the losing side since the fence */
    int64_t keys_compared;
    int fence_attempts;
    int64_t step_ms[PLN_CUT_STEP_COUNT]; /* -1: not reached */
};

/* FX_FORWARD: cut-over (A = old, B = new); FX_REVERSE: fall-back. Filled also on failure. */
bool pln_cutover_run(const struct pln_cutover_env *env, enum fx_direction direction,
                     const struct pln_cutover_options *opt, struct pln_cutover_result *result,
                     struct fx_err *err) FX_MUST_CHECK;

/*
 * Looks at both own rows of the context's group and of its canary group and finishes what was begun: FENCED is
 * aborted, AWAY on both sides is opened and routed, leftovers are removed. `direction` is the one that the journal
 * says was being run; it decides between COMMITTED and ABORTED in the result and whether step 12 is repeated.
 */
bool pln_cutover_resume(const struct pln_cutover_env *env, enum fx_direction direction,
                        const struct pln_cutover_options *opt, struct pln_cutover_result *result,
                        struct fx_err *err) FX_MUST_CHECK;

/* Step 0 alone, all of it: what a dry run says is what the real run would find. */
bool pln_cutover_preflight(const struct pln_cutover_env *env, enum fx_direction direction,
                           const struct pln_cutover_options *opt, struct fx_err *err) FX_MUST_CHECK;

enum { PLN_REHEARSAL_ROUNDS_MAX = 32 };
struct pln_rehearsal {
    int rounds; /* each: forward, canary write, back, canary write */
    int64_t pause_ms[2 * PLN_REHEARSAL_ROUNDS_MAX]; /* forward and back alternate */
    size_t n_pauses;
    int64_t predicted_p50_ms, predicted_p99_ms; /* of pause_ms, nearest rank */
    int64_t step_max_ms[PLN_CUT_STEP_COUNT];
};
/* The complete protocol and the fall-back, `rounds` times, on group "<context>.canary"; leaves it as it was. */
bool pln_cutover_rehearse(const struct pln_cutover_env *env, const struct pln_cutover_options *opt,
                          int rounds, struct pln_rehearsal *ret, struct fx_err *err) FX_MUST_CHECK;

/* The smallest sample that at least `percent` of them do not exceed; -1 without samples. */
int64_t pln_nearest_rank(const int64_t *samples, size_t n, int percent);

#endif
