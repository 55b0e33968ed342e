/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of a cut-over as a state machine; A has the group at epoch e, B shall have it at e+2.
 *
 *   PREFLIGHT -> PREPARE -> HOLD -> FENCE -> BARRIER -> APPLIED -> VERIFY -> IDENTITY -> WAY_BACK -> COMMIT
 *       |           |        |        | \        |         |          |          |           |          |
 *       |           +--------+--------+  \       +---------+----------+----------+-----------+----------+
 *       |                    |       unknown                          |                        0 rows, unknown,
 *       v                    v             \                          v                        any failure
 *     ENDED  <----------- RELEASE           +---------------------> ABORT --> (the commit had won) --> OPEN
 *       ^                                                             |
 *       +----------------------------- A serves ----------------------+
 *
 *   COMMIT -> OPEN -> ROUTE -> CONFIRM -> ENDED          forward only: neither side accepts between COMMIT and OPEN
 *
 * The commit is one row on A. Before it everything may be given up, and every way of giving up
 * is one compare-and-set on the same row; after it nothing may. Which of the two it was is never read from
 * a SELECT after a lost connection, but always decided by the abort's compare-and-set, which waits for what is in flight.
 */
#include "plans/engine/cutover_effects.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>

#include "lib/base/panic.h"
#include "lib/io/failpoint.h"

enum pln_cut_state { /* the steps come first and keep their numbers */
                     CUT_RELEASE =
                         PLN_CUT_STEP_COUNT, /* nothing was fenced: facades send held writes to A */
                     CUT_ABORT, /* a fence may stand: reopen A, or learn that it has committed */
                     CUT_ENDED,
};

enum { POLL_MS = 5, WATCH_MS = 500, RETRY_MS = 100, ALARM_MS = 2000 };

/* X(step, function, where a failure leads) */
#define CUT_TABLE(X)                        \
    X(PREFLIGHT, step_preflight, CUT_ENDED) \
    X(PREPARE, step_prepare, CUT_RELEASE)   \
    X(HOLD, step_hold, CUT_RELEASE)         \
    X(FENCE, step_fence, CUT_RELEASE)       \
    X(BARRIER, step_barrier, CUT_ABORT)     \
    X(APPLIED, step_applied, CUT_ABORT)     \
    X(VERIFY, step_verify, CUT_ABORT)       \
    X(IDENTITY, step_identity, CUT_ABORT)   \
    X(WAY_BACK, step_way_back, CUT_ABORT)   \
    X(COMMIT, step_commit, CUT_ABORT)       \
    X(OPEN, step_open, CUT_ENDED)           \
    X(ROUTE, step_route, CUT_ENDED)         \
    X(CONFIRM, step_confirm, CUT_ENDED)

#define X(name, function, on_failure) \
    static bool function(struct pln_cutover *cut, struct fx_err *err);
CUT_TABLE(X)
#undef X

static const struct {
    bool (*run)(struct pln_cutover *cut, struct fx_err *err);
    int on_failure;
} steps[PLN_CUT_STEP_COUNT] = {
#define X(name, function, on_failure) [PLN_CUT_##name] = {function, on_failure},
    CUT_TABLE(X)
#undef X
};

/* --- names and defaults ------------------------------------------------------------------------ */

const char *pln_cutover_step_name(enum pln_cutover_step step)
{
    static const char *const names[] = {"preflight", "prepare", "hold",     "fence",    "barrier",
                                        "applied",   "verify",  "identity", "way-back", "commit",
                                        "open",      "route",   "confirm"};
    _Static_assert(FX_ARRAY_LEN(names) == PLN_CUT_STEP_COUNT, "one name a step");
    return step < PLN_CUT_STEP_COUNT ? names[step] : "?";
}

const char *pln_cutover_step_text(enum pln_cutover_step step)
{
    static const char *const texts[] = {
#define X(name, number, text) text,
        PLN_CUTOVER_STEPS(X)
#undef X
    };
    return step < PLN_CUT_STEP_COUNT ? texts[step] : "?";
}

struct pln_cutover_options pln_cutover_options_default(void)
{
    return (struct pln_cutover_options){
        .fence_ttl_ms = 15000,
        .hold_ms = 25000,
        .prepare_ms = 2000,
        .drain_ms = 5000,
        .lock_wait_ms = 800,
        .fence_attempts = 5,
        .barrier_ms = 6000,
        .verify_ms = 2000,
        .statement_ms = 1000,
        .open_ms = 60000,
        .route_ms = 60000,
        .confirm_ms = 60000,
        .abort_ms = 60000,
        .lag_max_ms = 5000,
        .old_txn_ms = 2000,
        .identity_gap = 1000,
        .predicted_p99_ms = -1,
    };
}

/* --- the machine's own doings ------------------------------------------------------------------ */

bool pln_cut_state_may_follow(int from, int to)
{
    if (from == CUT_ENDED)
        return false;
    if (from == CUT_RELEASE)
        return to == CUT_ENDED;
    if (from == CUT_ABORT)
        return to == CUT_ENDED || to == PLN_CUT_OPEN;
    if (from == PLN_CUT_CONFIRM)
        return to == CUT_ENDED;
    bool is_unknown_fence = from == PLN_CUT_FENCE && to == CUT_ABORT;
    return to == from + 1 || to == steps[from].on_failure || is_unknown_fence;
}

static void set_state(struct pln_cutover *cut, int to)
{
    if (!pln_cut_state_may_follow(cut->state, to))
        FX_BUG("cut-over of group \"%s\": state %d cannot follow %d", cut->group, to, cut->state);
    cut->state = to;
}

static bool is_committed(const struct pln_cutover *cut)
{
    return cut->state >= PLN_CUT_OPEN && cut->state <= PLN_CUT_CONFIRM;
}

/* Journals. After the commit a failure is kept for the end: stopping would leave both sides closed. */
static bool journal(struct pln_cutover *cut, enum pln_cutover_step step,
                    enum pln_cutover_moment moment, struct fx_err *err, const char *fmt, ...)
    FX_PRINTF(5, 6);
static bool journal(struct pln_cutover *cut, enum pln_cutover_step step,
                    enum pln_cutover_moment moment, struct fx_err *err, const char *fmt, ...)
{
    char detail[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    for (char *p = detail; *p != '\0'; p++)
        if (*p == '\n')
            *p = ';';
    struct fx_err own = FX_ERR_INIT;
    if (cut->log == NULL || cut->log(cut->arg, step, moment, cut->group, detail, &own))
        return true;
    if (moment == PLN_CUT_FAILED || moment == PLN_CUT_NOTE || is_committed(cut)) {
        if (!fx_err_is(&cut->late))
            cut->late = own;
        return true;
    }
    *err = own;
    return fx_ctx(err, "journalling step %s of the cut-over", pln_cutover_step_name(step));
}

static void note(struct pln_cutover *cut, enum pln_cutover_step step, const char *what,
                 const struct fx_err *why)
{
    struct fx_err ignored = FX_ERR_INIT;
    (void)!journal(cut, step, PLN_CUT_NOTE, &ignored, "%s%s%s", what, why != NULL ? ": " : "",
                   why != NULL ? why->message : "");
}

/* A rehearsal passes moments of its own, so that a drill can name the real cut-over's. */
static void pass(const struct pln_cutover *cut, const char *step, const char *moment)
{
    char name[64];
    bool is_canary = fx_str_ends(fx_str_from(cut->group), FX_STR(".canary"));
    (void)snprintf(name, sizeof name, "%s.step.%s.%s", is_canary ? "rehearse" : "cutover", step,
                   moment);
    fx_failpoint(name);
}

static int64_t now_ms(struct pln_cutover *cut)
{
    return cut->fx->now_ms(cut->world);
}

/* Not a fx_fail of its own code: a step has failed and the group stays with A. */
static bool stopped(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->should_stop == NULL || !cut->should_stop(cut->arg))
        return true;
    return fx_fail(err, FX_E_INTERRUPTED, "asked to stop before the commit");
}

/* A side is not as the fence left it: forgotten by a failover, healed, or taken by somebody else. */
static bool fence_gone(struct pln_cutover *cut, const char *side, const struct pln_own *own,
                       struct fx_err *err)
{
    return fx_fail(err, FX_E_ABORTED,
                   "the fence has gone: group \"%s\" is %s at epoch %" PRId64 " on the %s side",
                   cut->group, pln_own_state_name(own->state), own->epoch, side);
}

/* The fence must still be ours, nobody may have opened B, and there must be time left. */
static bool fence_stands(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_own a = {0}, b = {0};
    if (now_ms(cut) - cut->fence_at_ms >= cut->opt->fence_ttl_ms)
        return fx_fail(err, FX_E_TIMEOUT, "the fence's time of %" PRId64 " ms is used up",
                       cut->opt->fence_ttl_ms);
    if (!stopped(cut, err) || !cut->fx->own(cut->world, PLN_A, false, &a, err) ||
        !cut->fx->own(cut->world, PLN_B, false, &b, err))
        return false;
    if (a.state != PLN_FENCED || a.epoch != cut->e + 1)
        return fence_gone(cut, "losing", &a, err);
    if (b.state != PLN_AWAY || b.epoch >= cut->e + 2)
        return fence_gone(cut, "winning", &b, err);
    return true;
}

typedef bool (*probe_fn)(struct pln_cutover *cut, bool *ret, struct fx_err *err);

/* Asks until yes, watching the fence; `what` completes "… within 6000 ms". */
static bool wait_until(struct pln_cutover *cut, probe_fn probe, int64_t limit_ms, const char *what,
                       struct fx_err *err)
{
    int64_t began = now_ms(cut), watched = began;
    for (;;) {
        bool is_there = false;
        if (!probe(cut, &is_there, err))
            return false;
        if (is_there)
            return true;
        int64_t now = now_ms(cut);
        if (now - began >= limit_ms)
            return fx_fail(err, FX_E_TIMEOUT, "%s within %" PRId64 " ms", what, limit_ms);
        if (cut->fence_at_ms >= 0 && now - watched >= WATCH_MS) {
            watched = now;
            if (!fence_stands(cut, err))
                return false;
        }
        cut->fx->sleep_ms(cut->world, POLL_MS);
    }
}

/* --- steps 0 to 3: nothing is fenced ----------------------------------------------------------- */

static bool step_preflight(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_own a = {0}, b = {0};
    if (!cut->fx->own(cut->world, PLN_A, false, &a, err) ||
        !cut->fx->own(cut->world, PLN_B, false, &b, err))
        return false;
    if (a.state != PLN_HERE || b.state != PLN_AWAY || b.epoch > a.epoch) {
        fx_fail(err, FX_E_DRIFT,
                "group \"%s\" is %s at epoch %" PRId64 " on the side that shall give it away and "
                "%s at epoch %" PRId64 " on the other",
                cut->group, pln_own_state_name(a.state), a.epoch, pln_own_state_name(b.state),
                b.epoch);
        return fx_hint(err, "Run ficus run resume to finish what was begun.");
    }
    cut->e = a.epoch;
    cut->result->epoch = a.epoch;
    return cut->fx->preflight(cut->world, err);
}

static bool step_prepare(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t attempt = 0;
    while (!cut->fx->arm(cut->world, cut->e + 1, err)) { /* waits for readers and writers */
        if (err->code != FX_E_DB_CONFLICT || ++attempt >= cut->opt->fence_attempts)
            return fx_ctx(err, "arming the fence");
        note(cut, PLN_CUT_PREPARE, "arming again", err);
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
    return stopped(cut, err) && cut->fx->prepare(cut->world, cut->e + 1, err);
}

static bool probe_drained(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->drained(cut->world, ret, err);
}

static bool step_hold(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->hold_at_ms < 0)
        cut->hold_at_ms = now_ms(cut);
    return stopped(cut, err) && cut->fx->hold(cut->world, cut->e + 1, err) &&
           wait_until(cut, probe_drained, cut->opt->drain_ms,
                      "writes in flight were not answered by the losing side", err);
}

/* Between attempts the customers go on; a longer pause each time, so that they get something done. */
static bool try_again_later(struct pln_cutover *cut, int attempt, const struct fx_err *why,
                            struct fx_err *err)
{
    note(cut, PLN_CUT_FENCE, "released, trying again", why);
    if (!cut->fx->release(cut->world, cut->e + 1, err))
        return false;
    cut->hold_at_ms = -1;
    cut->fx->sleep_ms(cut->world, RETRY_MS * (attempt + 1));
    struct fx_err armed = FX_ERR_INIT; /* a partition may have been added */
    if (!cut->fx->arm(cut->world, cut->e + 1, &armed) && armed.code != FX_E_DB_CONFLICT) {
        *err = armed;
        return false;
    }
    return cut->fx->prepare(cut->world, cut->e + 1, err) && step_hold(cut, err);
}

static bool step_fence(struct pln_cutover *cut, struct fx_err *err)
{
    for (int attempt = 1;; attempt++) {
        bool is_taken = false;
        cut->result->fence_attempts = attempt;
        cut->fence_at_ms = now_ms(cut);
        cut->is_fence_known = false;
        if (cut->fx->fence(cut->world, cut->e, &is_taken, err)) {
            cut->is_fence_known = true;
            if (is_taken)
                return true;
            cut->fence_at_ms = -1;
            return fx_fail(err, FX_E_STALE_EPOCH,
                           "group \"%s\" is no longer HERE at epoch %" PRId64, cut->group, cut->e);
        }
        if (err->code != FX_E_DB_CONFLICT)
            return false; /* unknown: the commit may be in flight */
        cut->is_fence_known = true;
        cut->fence_at_ms = -1;
        struct fx_err why = *err;
        if (attempt >= cut->opt->fence_attempts)
            return fx_ctx(err, "fencing, attempt %d of %" PRId64, attempt,
                          cut->opt->fence_attempts);
        if (!try_again_later(cut, attempt, &why, err))
            return fx_ctx(err, "holding again after attempt %d", attempt);
    }
}

/* --- steps 4 to 9: the fence stands ------------------------------------------------------------ */

static bool probe_barrier(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->barrier_read(cut->world, false, cut->e + 1, ret, err);
}

static bool step_barrier(struct pln_cutover *cut, struct fx_err *err)
{
    return wait_until(cut, probe_barrier, cut->opt->barrier_ms,
                      "the stream did not read the fence's mark", err);
}

static bool probe_applied(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->barrier_applied(cut->world, cut->e + 1, ret, err);
}

static bool step_applied(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t left = cut->opt->barrier_ms - cut->result->step_ms[PLN_CUT_BARRIER];
    return wait_until(cut, probe_applied, left > 0 ? left : 0,
                      "the fence's mark did not arrive on the winning side", err);
}

static bool step_verify(struct pln_cutover *cut, struct fx_err *err)
{
    return fence_stands(cut, err) && cut->fx->verify(cut->world, err);
}

static bool step_identity(struct pln_cutover *cut, struct fx_err *err)
{
    return fence_stands(cut, err) && cut->fx->raise_ids(cut->world, cut->e + 2, err);
}

static bool probe_reverse(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->barrier_read(cut->world, true, cut->e + 1, ret, err);
}

static bool step_way_back(struct pln_cutover *cut, struct fx_err *err)
{
    return wait_until(cut, probe_reverse, cut->opt->statement_ms,
                      "the reverse stream did not read past the fence's mark", err) &&
           cut->fx->armed(cut->world, cut->e + 1, err);
}

static bool step_commit(struct pln_cutover *cut, struct fx_err *err)
{
    bool has_won = false;
    if (!fence_stands(cut, err) || !cut->fx->commit(cut->world, cut->e, &has_won, err))
        return false;
    return has_won || fx_fail(err, FX_E_ABORTED, "the fence has healed before the commit");
}

/* --- steps 10 to 12: forward only -------------------------------------------------------------- */

/* 0 rows: B is HERE at least at this epoch (opened by another try of ours, or superseded), or it is not ours. */
static bool open_decide(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    struct pln_own b = {0};
    if (!cut->fx->own(cut->world, PLN_B, true, &b, err))
        return false;
    if (b.epoch == epoch && b.state == PLN_HERE)
        return true;
    return fx_fail(err, FX_E_STALE_EPOCH,
                   "group \"%s\" is %s at epoch %" PRId64 " on the winning side: somebody else "
                   "has gone on from epoch %" PRId64,
                   cut->group, pln_own_state_name(b.state), b.epoch, epoch);
}

static bool open_once(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    bool has_won = false;
    return cut->fx->open(cut->world, epoch, &has_won, err) &&
           (has_won || open_decide(cut, epoch, err));
}

static bool step_open(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t began = now_ms(cut), epoch = cut->e + 2;
    bool is_alarmed = false;
    while (!open_once(cut, epoch, err)) {
        if (err->code == FX_E_STALE_EPOCH)
            return false;
        int64_t waited = now_ms(cut) - began;
        if (waited >= cut->opt->open_ms)
            return fx_ctx(err, "opening the winning side at epoch %" PRId64, epoch);
        if (waited >= ALARM_MS && !is_alarmed) {
            note(cut, PLN_CUT_OPEN, "ALARM: neither side accepts writes", err);
            is_alarmed = true;
        }
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
    cut->result->epoch = epoch;
    cut->result->new_serves = cut->b_is_new;
    cut->result->outcome = PLN_CUT_COMMITTED;
    if (cut->fence_at_ms >= 0)
        cut->result->fenced_ms = now_ms(cut) - cut->fence_at_ms;
    return true;
}

static bool route_all(struct pln_cutover *cut, enum pln_place to, int64_t epoch, struct fx_err *err)
{
    int64_t began = now_ms(cut);
    for (;;) {
        bool is_all = false;
        if (!cut->fx->route(cut->world, to, epoch, &is_all, err) && err->code == FX_E_STALE_EPOCH)
            return false;
        if (is_all)
            return true;
        if (now_ms(cut) - began >= cut->opt->route_ms)
            return fx_err_is(err) ? false
                                  : fx_fail(err, FX_E_FACADE_CONNECT,
                                            "a facade did not acknowledge epoch %" PRId64, epoch);
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
}

static bool step_route(struct pln_cutover *cut, struct fx_err *err)
{
    if (!route_all(cut, PLN_B, cut->e + 2, err))
        return fx_ctx(err, "routing group \"%s\" to the winning side", cut->group);
    if (cut->hold_at_ms >= 0)
        cut->result->pause_ms = now_ms(cut) - cut->hold_at_ms;
    return true;
}

/* Triggers follow the state in transactions of their own; what stays is harmless. */
static void disarm(struct pln_cutover *cut, enum pln_place place, enum pln_cutover_step step)
{
    struct fx_err err = FX_ERR_INIT;
    for (int64_t attempt = 0; attempt < cut->opt->fence_attempts; attempt++) {
        if (cut->fx->disarm(cut->world, place, &err))
            return;
        if (err.code != FX_E_DB_CONFLICT && err.code != FX_E_DB_CONNECT)
            break;
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
    note(cut, step, "fence triggers stay until the next cut-over", &err);
}

/* A server that is being restarted is waited for; a stream that is down is for the caller to start again. */
static bool step_confirm(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t began = now_ms(cut);
    disarm(cut, PLN_B, PLN_CUT_CONFIRM);
    while (!cut->fx->confirm(cut->world, cut->e + 2, err)) {
        bool is_passing = err->code == FX_E_DB_CONNECT || err->code == FX_E_DB_CONFLICT;
        if (!is_passing || now_ms(cut) - began >= cut->opt->confirm_ms)
            return false;
        note(cut, PLN_CUT_CONFIRM, "confirming again", err);
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
    return true;
}

/* --- giving up --------------------------------------------------------------------------------- */

/* One try. *ret_end: the state after it, or CUT_ABORT when it must be repeated. */
static bool abort_once(struct pln_cutover *cut, int *ret_state, struct fx_err *err)
{
    bool has_won = false;
    struct pln_own a = {0};
    *ret_state = CUT_ABORT;
    if (!cut->fx->abort(cut->world, cut->e, &has_won, err))
        return false;
    if (has_won) {
        cut->result->epoch = cut->e + 2;
        *ret_state = CUT_ENDED;
        return true;
    }
    if (!cut->fx->own(cut->world, PLN_A, true, &a, err))
        return false;
    switch (pln_abort_decide(&a, cut->e)) {
    case PLN_ABORT_DONE:
        cut->result->epoch = a.epoch;
        *ret_state = CUT_ENDED;
        return true;
    case PLN_ABORT_COMMITTED: *ret_state = PLN_CUT_OPEN; return true;
    case PLN_ABORT_AGAIN: return true;
    case PLN_ABORT_BURN:
        if (!cut->fx->burn(cut->world, cut->e, &has_won, err))
            return false;
        if (has_won) {
            cut->result->epoch = cut->e + 2;
            *ret_state = CUT_ENDED;
        }
        return true;
    case PLN_ABORT_FOREIGN: break;
    }
    return fx_fail(err, FX_E_STALE_EPOCH,
                   "group \"%s\" is %s at epoch %" PRId64 ": another operator (%s) owns it",
                   cut->group, pln_own_state_name(a.state), a.epoch, a.operator_name);
}

/* Its own limit; repeated until A has answered. On success *ret_state is where to go on. */
static bool abort_until_known(struct pln_cutover *cut, int *ret_state, struct fx_err *err)
{
    int64_t began = now_ms(cut);
    for (;;) {
        bool ok = abort_once(cut, ret_state, err);
        if (ok && *ret_state != CUT_ABORT)
            return true;
        if (!ok && err->code == FX_E_STALE_EPOCH)
            return false;
        if (now_ms(cut) - began >= cut->opt->abort_ms)
            break;
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
    struct fx_err why = *err;
    fx_fail(err, FX_E_STUCK, "could not learn from the losing side whether group \"%s\" committed",
            cut->group);
    fx_detail(err, "%s", why.message);
    return fx_hint(err, "Bring that database back and run ficus run resume.");
}

/* Facades that cannot be told release by themselves at their deadline; A accepts anyway. */
static void release(struct pln_cutover *cut, int64_t epoch)
{
    struct fx_err err = FX_ERR_INIT;
    if (!cut->fx->release(cut->world, epoch, &err))
        note(cut, PLN_CUT_HOLD, "a facade did not release; it will at its deadline", &err);
    if (cut->hold_at_ms >= 0)
        cut->result->pause_ms = now_ms(cut) - cut->hold_at_ms;
}

/* Turns the step's failure into "aborted, because …"; codes that mean something else to the caller stay. */
static void aborted(const struct fx_err *why, enum pln_cutover_step step, struct fx_err *err)
{
    *err = *why;
    if (why->code != FX_E_STALE_EPOCH && why->code != FX_E_BUG && why->code != FX_E_INTERRUPTED) {
        (void)fx_fail(err, FX_E_ABORTED, "cut-over aborted at step %s: %s",
                      pln_cutover_step_name(step), why->message);
        (void)snprintf(err->detail, sizeof err->detail, "%s", why->detail);
        (void)snprintf(err->hint, sizeof err->hint, "%s", why->hint);
        (void)snprintf(err->context, sizeof err->context, "%s", why->context);
        err->cause_kind = why->cause_kind;
        err->cause_number = why->cause_number;
        (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", why->sqlstate);
    }
}

/* --- the machine ------------------------------------------------------------------------------- */

static void result_reset(struct pln_cutover *cut)
{
    *cut->result = (struct pln_cutover_result){
        .outcome = PLN_CUT_ABORTED, .new_serves = !cut->b_is_new, .held_max_ms = -1};
    for (size_t i = 0; i < PLN_CUT_STEP_COUNT; i++)
        cut->result->step_ms[i] = -1;
    cut->fence_at_ms = cut->hold_at_ms = -1;
    cut->is_fence_known = true;
    cut->late = FX_ERR_INIT;
}

static bool run_step(struct pln_cutover *cut, enum pln_cutover_step step, struct fx_err *err)
{
    const char *name = pln_cutover_step_name(step);
    if (!journal(cut, step, PLN_CUT_BEGIN, err, "epoch=%" PRId64, cut->e))
        return false;
    pass(cut, name, "begin");
    int64_t began = now_ms(cut);
    bool ok = steps[step].run(cut, err);
    cut->result->step_ms[step] = now_ms(cut) - began;
    pass(cut, name, "end");
    if (!ok) {
        struct fx_err ignored = FX_ERR_INIT;
        (void)!journal(cut, step, PLN_CUT_FAILED, &ignored, "%s", err->message);
        return false;
    }
    return journal(cut, step, PLN_CUT_DONE, err, "epoch=%" PRId64 " ms=%" PRId64, cut->e,
                   cut->result->step_ms[step]);
}

static int after_failure(const struct pln_cutover *cut)
{
    if (cut->state == PLN_CUT_FENCE && (!cut->is_fence_known || cut->fence_at_ms >= 0))
        return CUT_ABORT; /* it stands, or may */
    return steps[cut->state].on_failure;
}

/* What the caller learns about a failure after the commit. */
static bool forward_failed(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->state == PLN_CUT_CONFIRM || err->code == FX_E_STALE_EPOCH)
        return false;
    fx_err_recode(err, FX_E_INTERRUPTED);
    return fx_hint(err, "The commit is done and only forward is safe: run ficus run resume.");
}

static bool finish_abort(struct pln_cutover *cut, const struct fx_err *why,
                         enum pln_cutover_step at, struct fx_err *err)
{
    release(cut, cut->result->epoch > cut->e ? cut->result->epoch : cut->e + 1);
    disarm(cut, PLN_A, at);
    note(cut, at, "aborted; the losing side serves", why);
    aborted(why, at, err);
    set_state(cut, CUT_ENDED);
    return false;
}

/* Leads a failed step to its end; true: the commit had won, go on forward. */
static bool give_up(struct pln_cutover *cut, struct fx_err *err)
{
    enum pln_cutover_step at = (enum pln_cutover_step)cut->state;
    struct fx_err why = *err;
    set_state(cut, after_failure(cut));
    if (cut->state == CUT_ENDED)
        return false; /* preflight: nothing was touched */
    if (cut->state == CUT_RELEASE)
        return finish_abort(cut, &why, at, err);
    int next = CUT_ABORT;
    pass(cut, "abort", "begin");
    bool is_known = abort_until_known(cut, &next, err);
    pass(cut, "abort", "end");
    if (!is_known) {
        set_state(cut, CUT_ENDED);
        return false;
    }
    if (next == CUT_ENDED)
        return finish_abort(cut, &why, at, err);
    if (why.code == FX_E_JOURNAL && !fx_err_is(&cut->late))
        cut->late = why;
    note(cut, PLN_CUT_COMMIT, "the commit had won", &why);
    set_state(cut, PLN_CUT_OPEN);
    return true;
}

static bool run_from(struct pln_cutover *cut, struct fx_err *err)
{
    while (cut->state != CUT_ENDED) {
        if (run_step(cut, (enum pln_cutover_step)cut->state, err)) {
            set_state(cut, cut->state == PLN_CUT_CONFIRM ? CUT_ENDED : cut->state + 1);
            continue;
        }
        if (is_committed(cut))
            return forward_failed(cut, err);
        if (!give_up(cut, err))
            return false;
    }
    if (fx_err_is(&cut->late)) {
        *err = cut->late;
        return fx_ctx(err, "journalling after the commit (the cut-over itself is done)");
    }
    return true;
}

bool pln_cutover_machine(struct pln_cutover *cut, struct fx_err *err)
{
    result_reset(cut);
    cut->state = PLN_CUT_PREFLIGHT;
    return run_from(cut, err);
}

bool pln_cutover_check(struct pln_cutover *cut, struct fx_err *err)
{
    result_reset(cut);
    cut->state = PLN_CUT_PREFLIGHT;
    return step_preflight(cut, err);
}

/* --- resume ------------------------------------------------------------------------------------ */

static bool own_pair(struct pln_cutover *cut, struct pln_own *ret_a, struct pln_own *ret_b,
                     struct fx_err *err)
{
    /* Under lock: what a dead controller's server session is still doing comes first. */
    return cut->fx->own(cut->world, PLN_A, true, ret_a, err) &&
           cut->fx->own(cut->world, PLN_B, true, ret_b, err);
}

/* Turns A and B round so that `a_is_new` holds; the world follows through b_is_new. */
static bool settle_once(struct pln_cutover *cut, const struct pln_resume_plan *plan,
                        bool *ret_settled, struct fx_err *err)
{
    int next = CUT_ABORT;
    bool a_is_new = !cut->b_is_new, has_won = false;
    switch (plan->action) {
    case PLN_RESUME_ABORT:
        if (plan->is_new != a_is_new)
            return fx_fail(err, FX_E_STALE_EPOCH,
                           "group \"%s\" is fenced on the side that this run was to open: "
                           "another operator is at work",
                           cut->group);
        cut->e = plan->epoch;
        return abort_until_known(cut, &next, err);
    case PLN_RESUME_OPEN:
        cut->e = plan->epoch - 2;
        if (plan->is_new == cut->b_is_new)
            return open_once(cut, plan->epoch, err);
        return fx_fail(err, FX_E_STALE_EPOCH,
                       "group \"%s\" was given away by the other side: resume in that direction",
                       cut->group);
    case PLN_RESUME_SERVES:
        cut->e = plan->epoch;
        if (plan->is_new == a_is_new) { /* a fence may be in flight still */
            if (!cut->fx->burn(cut->world, cut->e, &has_won, err))
                return false;
            if (!has_won)
                return true;
            cut->e += 2;
        }
        *ret_settled = true;
        return true;
    case PLN_RESUME_STUCK: break;
    }
    return fx_fail(err, FX_E_STUCK, "group \"%s\": %s", cut->group, plan->why);
}

static bool settle_rows(struct pln_cutover *cut, bool *ret_new_serves, struct fx_err *err)
{
    int64_t began = now_ms(cut);
    for (;;) {
        struct pln_own a = {0}, b = {0};
        struct pln_resume_plan plan = {0};
        bool is_settled = false;
        bool ok = own_pair(cut, &a, &b, err);
        if (ok) {
            plan = cut->b_is_new ? pln_resume_decide(&a, &b) : pln_resume_decide(&b, &a);
            ok = settle_once(cut, &plan, &is_settled, err);
        }
        if (ok && is_settled) {
            *ret_new_serves = plan.is_new;
            cut->result->epoch = cut->e;
            return true;
        }
        bool is_final = !ok && (err->code == FX_E_STALE_EPOCH || err->code == FX_E_STUCK ||
                                err->code == FX_E_DRIFT);
        if (is_final || now_ms(cut) - began >= cut->opt->abort_ms)
            return false;
        cut->fx->sleep_ms(cut->world, RETRY_MS);
    }
}

bool pln_cutover_settle(struct pln_cutover *cut, struct fx_err *err)
{
    bool new_serves = false;
    result_reset(cut);
    cut->state = PLN_CUT_OPEN; /* journal failures are kept for the end */
    if (!settle_rows(cut, &new_serves, err))
        return fx_ctx(err, "finishing what was begun with group \"%s\"", cut->group);
    bool is_b = new_serves == cut->b_is_new;
    enum pln_place serves = is_b ? PLN_B : PLN_A;
    cut->result->new_serves = new_serves;
    cut->result->outcome = is_b ? PLN_CUT_COMMITTED : PLN_CUT_ABORTED;
    pass(cut, "resume", "settled");
    if (!route_all(cut, serves, cut->result->epoch, err)) {
        if (err->code != FX_E_STALE_EPOCH)
            fx_err_recode(err, FX_E_INTERRUPTED);
        return fx_ctx(err, "routing group \"%s\" after a resume", cut->group);
    }
    disarm(cut, serves, PLN_CUT_ROUTE);
    cut->e = cut->result->epoch - 2;
    if (fx_err_is(&cut->late)) {
        *err = cut->late;
        return false;
    }
    return true;
}

bool pln_cutover_confirm(struct pln_cutover *cut, struct fx_err *err)
{
    cut->state = PLN_CUT_CONFIRM;
    return run_from(cut, err);
}
