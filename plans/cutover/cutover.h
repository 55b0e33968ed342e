/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cut-over of one context and its fall-back: both move the ownership of a group of tables from
 * the side that has it (the losing side) to the other one (the winning side). The steps and their
 * numbers are listed below; the diagram at the top of machine.c shows where each failure leads.
 *
 * Safety depends on one row on each side, ficus.own, and on triggers that read it; not on the
 * facade, not on a clock, not on this process staying alive. So every function below may be killed
 * at any point and followed by pln_cutover_resume; nothing needs to be undone by hand.
 *
 *     struct pln_cutover_env env = {.project = …, .context = …, .facades = …, .n_facades = 1,
 *                                   .operator = "run orders"};
 *     fx_own_install(ctx, 1, err)                                once, before cdc_install
 *     pln_cutover_rehearse(&env, &opt, 5, &rehearsal, err)       both directions, on the canary
 *     pln_cutover_run(&env, FX_FORWARD, &opt, &result, err)      cut-over: old -> new
 *     pln_cutover_run(&env, FX_REVERSE, &opt, &result, err)      fall-back: new -> old
 *     pln_cutover_resume(&env, FX_FORWARD, &opt, &result, err)   after a crash, before all else
 *
 * Errors of run, rehearse and resume:
 *   ABORTED        given up before the commit (retriable); the losing side still owns the group,
 *                  triggers are being removed; the message names the step and the reason
 *   GATE_CLOSED    preflight failed; nothing was changed. err.detail lists all findings
 *   DRIFT          the losing side is not HERE or the winning side is not AWAY (an earlier cut-over
 *                  is unfinished: see the hint), or another cut-over left fence triggers;
 *                  err.detail has the commands that remove them
 *   HELD           step 1b: a stream did not catch up within drain_wait_ms; no write was held,
 *                  ownership did not change; err.detail has the lag of both streams and its trend
 *   STALE_EPOCH    another operator owns the group; nothing more was changed
 *   STUCK          the rows in ficus.own have values that the protocol cannot produce, or an abort
 *                  could not reach the losing side
 *   FACADE_CONNECT the commit is done and the winning side serves, but a facade could not be told
 *                  within route_ms: start it and call resume
 *   INTERRUPTED    outcome ABORTED: should_stop returned true before the commit. Any other outcome:
 *                  the commit is done, but a later step is not (a database could not be
 *                  reached): call resume
 * Thread: one.
 */
#ifndef PLN_CUTOVER_H
#define PLN_CUTOVER_H

#include "lib/map/map.h"
#include "strangler/control.h"

/*
 * The steps of the protocol, in order: X(NAME, number, "what the picture shows"). The number is the
 * one that journals have; a step that came later has the next free one, wherever it stands.
 */
#define PLN_CUTOVER_STEPS(X)                                                    \
    X(PREFLIGHT, 0, "preflight: check databases, streams and facades")          \
    X(PREPARE, 1, "prepare: reserve hold slots, create fence triggers")         \
    X(DRAIN, 13, "drain: both streams catch up before writes are held")         \
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
int pln_cutover_step_number(enum pln_cutover_step step); /* as stored in journals */

/* All limits in milliseconds. Begin with pln_cutover_options_default(). */
struct pln_cutover_options {
    int64_t fence_ttl_ms; /* the fence expires after this; steps 3 to 9 must fit */
    int64_t hold_ms;      /* how long the facades hold a write */
    int64_t prepare_ms;   /* step 1, all facades */
    /* step 1b: every sample of both lags is below drain_before_ms for drain_window_ms (0: one
     * sample), within drain_wait_ms; otherwise HELD */
    int64_t drain_before_ms, drain_window_ms, drain_wait_ms;
    int64_t drain_ms;       /* step 2 */
    int64_t lock_wait_ms;   /* step 3, one attempt */
    int64_t fence_attempts; /* step 3 */
    int64_t barrier_ms;     /* steps 4 and 5 together */
    int64_t verify_ms;      /* step 6 */
    int64_t statement_ms;   /* steps 7, 9 each, and the abort's statement */
    int64_t open_ms;        /* step 10 is retried this long, then INTERRUPTED */
    int64_t route_ms;   /* step 11: unreached facades are retried this long, then FACADE_CONNECT */
    int64_t confirm_ms; /* step 12 */
    int64_t abort_ms;   /* abort is retried this long (server restarting), then STUCK */
    int64_t lag_max_ms; /* preflight: both streams below this */
    int64_t old_txn_ms; /* preflight: no transaction on the group older than this */
    int64_t identity_gap; /* added to the highest id seen on either side */
    /* of a recent rehearsal; preflight fails unless it is below fence_ttl / 2; -1: not checked */
    int64_t predicted_p99_ms;
};
struct pln_cutover_options pln_cutover_options_default(void);

/* What is journalled of a step. */
enum pln_cutover_event {
    PLN_CUT_BEGIN,  /* written before the step changes anything */
    PLN_CUT_DONE,   /* the step has succeeded */
    PLN_CUT_FAILED, /* detail: the reason */
    PLN_CUT_NOTE,   /* a further attempt, a wait, the alarm of step 10 after 2 s */
    PLN_CUT_EVENT_COUNT
};
const char *pln_cutover_event_name(enum pln_cutover_event event); /* "begin", as in the journal */

/*
 * The journal: called before and after each step; what it writes must be durable when it returns.
 * `detail` is a short text without newlines ("epoch=4 attempt=2"). When it fails before the commit,
 * the cut-over aborts. When it fails after the commit, the cut-over is finished first, because
 * otherwise neither side would accept writes, and then returns that error.
 */
typedef bool (*pln_cutover_log)(void *arg, enum pln_cutover_step step, enum pln_cutover_event event,
                                const char *group, const char *detail, struct fx_err *err);

struct pln_cutover_env {
    const struct fx_project *project;
    struct fx_context *context;         /* mappings are bound by the calls below */
    const struct fcd_endpoint *facades; /* all of them; there may be none */
    size_t n_facades;
    const char *operator_name; /* into own.operator: "user@host run orders-extract" */
    pln_cutover_log log;       /* NULL: no journal */
    bool (*should_stop)(
        void *arg); /* asked before the commit only; true aborts the cut-over. NULL: never */
    void *arg;      /* for log and should_stop */
    /* What the preflight found, also when it fails; NULL: only the error says it. */
    struct fx_findings *findings;
};

/* facade.admin of the project file, for `facades`. Errors: CONFIG, SECRET. */
bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err) FX_MUST_CHECK;

/* What a held write will wait, or would; plans/cutover/forecast.h. All -1: not known. */
struct pln_forecast {
    int64_t hold_ms;                    /* from the hold to the route */
    int64_t p50_ms, p99_ms, longest_ms; /* of the writes that wait */
    int64_t held, writes_per_s;         /* how many wait; how many come a second */
    bool is_too_slow; /* more come than hold.release_per_second lets go: the queue does not end */
    /* How long a transaction was open on the tables (longest_ms counts what the fence waits for),
     * and the limits of the fence: writes are released between attempts. */
    int64_t open_ms, lock_wait_ms, fence_attempts;
};
#define PLN_FORECAST_NONE                      \
    ((struct pln_forecast){.hold_ms = -1,      \
                           .p50_ms = -1,       \
                           .p99_ms = -1,       \
                           .longest_ms = -1,   \
                           .held = -1,         \
                           .writes_per_s = -1, \
                           .open_ms = -1})
/* "forecast 62 ms: a write waits up to that, …; at worst, …" */
void pln_forecast_text(const struct pln_forecast *forecast, struct fx_buf *out);

enum pln_cutover_outcome {
    PLN_CUT_NOTHING, /* failed before the rows of ownership had been read and checked */
    /* the winning side owns the group; after a failure, steps after 10 may be missing */
    PLN_CUT_COMMITTED,
    PLN_CUT_ABORTED,    /* the losing side owns the group */
    PLN_CUT_UNFINISHED, /* committed but not open yet, or the state is not known: call resume */
};

struct pln_cutover_result {
    enum pln_cutover_outcome outcome;
    int64_t epoch;   /* of the side that owns the group now; not set when UNFINISHED */
    bool new_serves; /* that side is the new one; not set when UNFINISHED */
    /*
     * What was measured; -1: was not, because it did not come to that step, or because another
     * process began what a resume finished. pause_ms: from the start of step 2 to the end of
     * step 11 (or of the abort): how long a held write waited.
     */
    int64_t pause_ms;
    int64_t fenced_ms; /* from the fence to the opening: how long a direct writer was refused */
    struct pln_forecast forecast; /* made before anything was held */
    int64_t held_max_ms; /* longest wait of a held write, measured by the facades; -1: unknown */
    int64_t leaks;       /* writes accepted on the losing side since the fence */
    int64_t keys_compared;
    int fence_attempts;
    int64_t step_ms[PLN_CUT_STEP_COUNT]; /* -1: not reached */
};

/* FX_FORWARD: cut-over, old to new; FX_REVERSE: fall-back,
 * new to old. *result is filled on failure too. */
bool pln_cutover_run(const struct pln_cutover_env *env, enum fx_direction direction,
                     const struct pln_cutover_options *opt, struct pln_cutover_result *result,
                     struct fx_err *err) FX_MUST_CHECK;

/*
 * Reads both rows of the context's group and of its canary group and finishes an unfinished
 * cut-over: FENCED is aborted, AWAY on both sides is opened and routed, left fence triggers are
 * removed. `direction` is that of the interrupted cut-over, from the journal; it decides between
 * COMMITTED and ABORTED in the result and whether step 12 is repeated.
 */
bool pln_cutover_resume(const struct pln_cutover_env *env, enum fx_direction direction,
                        const struct pln_cutover_options *opt, struct pln_cutover_result *result,
                        struct fx_err *err) FX_MUST_CHECK;

/* Step 0 alone: reports exactly what a real run would find, and what writes would wait. */
bool pln_cutover_preflight(const struct pln_cutover_env *env, enum fx_direction direction,
                           const struct pln_cutover_options *opt, struct pln_forecast *ret,
                           struct fx_err *err) FX_MUST_CHECK;

enum { PLN_REHEARSAL_ROUNDS_MAX = 32 };
struct pln_rehearsal {
    int rounds; /* each: forward, a canary write, back, a canary write */
    int64_t pause_ms[2 * PLN_REHEARSAL_ROUNDS_MAX]; /* forward and back alternate */
    size_t n_pauses;
    int64_t predicted_p50_ms, predicted_p99_ms; /* of pause_ms, nearest rank */
    struct pln_forecast forecast; /* the canary's pause and what the real group costs more */
    int64_t step_max_ms[PLN_CUT_STEP_COUNT];
};
/* The complete protocol in both directions, `rounds` times,
 * on group "<context>.canary", which ends on its old side. */
bool pln_cutover_rehearse(const struct pln_cutover_env *env, const struct pln_cutover_options *opt,
                          int rounds, struct pln_rehearsal *ret, struct fx_err *err) FX_MUST_CHECK;

/* The smallest sample that at least `percent` of them do not exceed; -1 without samples. */
int64_t pln_nearest_rank(const int64_t *samples, size_t n, int percent);

#endif
