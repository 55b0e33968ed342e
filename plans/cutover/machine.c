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
#include "plans/cutover/machine.h"

#include <inttypes.h>

#include "lib/base/panic.h"

enum { POLL_MS = 5, WATCH_MS = 500, ALARM_MS = 2000 };

/* X(step, function, where a failure leads) */
#define CUT_TABLE(X)                            \
    X(PREFLIGHT, step_preflight, PLN_CUT_ENDED) \
    X(PREPARE, step_prepare, PLN_CUT_RELEASE)   \
    X(HOLD, step_hold, PLN_CUT_RELEASE)         \
    X(FENCE, step_fence, PLN_CUT_RELEASE)       \
    X(BARRIER, step_barrier, PLN_CUT_ABORT)     \
    X(APPLIED, step_applied, PLN_CUT_ABORT)     \
    X(VERIFY, step_verify, PLN_CUT_ABORT)       \
    X(IDENTITY, step_identity, PLN_CUT_ABORT)   \
    X(WAY_BACK, step_way_back, PLN_CUT_ABORT)   \
    X(COMMIT, step_commit, PLN_CUT_ABORT)       \
    X(OPEN, step_open, PLN_CUT_ENDED)           \
    X(ROUTE, step_route, PLN_CUT_ENDED)         \
    X(CONFIRM, step_confirm, PLN_CUT_ENDED)

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

/* --- states and waiting ------------------------------------------------------------------------- */

bool pln_cut_state_may_follow(int from, int to)
{
    if (from == PLN_CUT_ENDED)
        return false;
    if (from == PLN_CUT_RELEASE)
        return to == PLN_CUT_ENDED;
    if (from == PLN_CUT_ABORT)
        return to == PLN_CUT_ENDED || to == PLN_CUT_OPEN;
    if (from == PLN_CUT_CONFIRM)
        return to == PLN_CUT_ENDED;
    bool is_unknown_fence = from == PLN_CUT_FENCE && to == PLN_CUT_ABORT;
    return to == from + 1 || to == steps[from].on_failure || is_unknown_fence;
}

static void set_state(struct pln_cutover *cut, int to)
{
    if (!pln_cut_state_may_follow(cut->state, to))
        FX_BUG("cut-over of group \"%s\": state %d cannot follow %d", cut->group, to, cut->state);
    cut->state = to;
}

/* Asked before the commit only. A stop is a step that failed: the group stays with A, the code stays INTERRUPTED. */
static bool stopped(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->should_stop == NULL || !cut->should_stop(cut->arg))
        return true;
    fx_fail(err, FX_E_INTERRUPTED, "stopped before the commit, as asked");
    return fx_hint(err, "Nothing has moved; the same command begins anew.");
}

/* A side is not as the fence left it: forgotten by a failover, healed, or taken by somebody else. */
static bool fence_gone(struct pln_cutover *cut, const char *side, const struct fx_own *own,
                       struct fx_err *err)
{
    return fx_fail(err, FX_E_ABORTED,
                   "the fence has gone: group \"%s\" is %s at epoch %" PRId64 " on the %s side",
                   cut->group, fx_own_state_name(own->state), own->epoch, side);
}

/* The fence must still be ours, nobody may have opened B, and there must be time left. */
static bool fence_stands(struct pln_cutover *cut, struct fx_err *err)
{
    struct fx_own a = {0}, b = {0};
    if (pln_cut_now_ms(cut) - cut->fence_at_ms >= cut->opt->fence_ttl_ms)
        return fx_fail(err, FX_E_TIMEOUT, "the fence's time of %" PRId64 " ms is used up",
                       cut->opt->fence_ttl_ms);
    if (!stopped(cut, err) || !cut->fx->own(cut->world, PLN_A, false, &a, err) ||
        !cut->fx->own(cut->world, PLN_B, false, &b, err))
        return false;
    if (a.state != FX_OWN_FENCED || a.epoch != cut->e + 1)
        return fence_gone(cut, "losing", &a, err);
    if (b.state != FX_OWN_AWAY || b.epoch >= cut->e + 2)
        return fence_gone(cut, "winning", &b, err);
    return true;
}

typedef bool (*probe_fn)(struct pln_cutover *cut, bool *ret, struct fx_err *err);

/* Asks until yes, watching the fence; `what` completes "… within 6000 ms". */
static bool wait_until(struct pln_cutover *cut, probe_fn probe, int64_t limit_ms, const char *what,
                       struct fx_err *err)
{
    int64_t began = pln_cut_now_ms(cut), watched = began;
    for (;;) {
        bool is_there = false;
        if (!probe(cut, &is_there, err))
            return false;
        if (is_there)
            return true;
        if (!stopped(cut, err))
            return false;
        int64_t now = pln_cut_now_ms(cut);
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
    struct fx_own a = {0}, b = {0};
    if (!cut->fx->own(cut->world, PLN_A, false, &a, err) ||
        !cut->fx->own(cut->world, PLN_B, false, &b, err))
        return false;
    if (a.state != FX_OWN_HERE || b.state != FX_OWN_AWAY || b.epoch > a.epoch) {
        fx_fail(err, FX_E_DRIFT,
                "group \"%s\" is %s at epoch %" PRId64 " on the side that shall give it away and "
                "%s at epoch %" PRId64 " on the other",
                cut->group, fx_own_state_name(a.state), a.epoch, fx_own_state_name(b.state),
                b.epoch);
        return fx_hint(err, "To finish what was begun run " PLN_CUT_GO_ON ".");
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
        pln_cut_note(cut, PLN_CUT_PREPARE, "arming again", err);
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
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
        cut->hold_at_ms = pln_cut_now_ms(cut);
    return stopped(cut, err) && cut->fx->hold(cut->world, cut->e + 1, err) &&
           wait_until(cut, probe_drained, cut->opt->drain_ms,
                      "writes in flight were not answered by the losing side", err);
}

/* Between attempts the customers go on; a longer pause each time, so that they get something done. */
static bool try_again_later(struct pln_cutover *cut, int attempt, const struct fx_err *why,
                            struct fx_err *err)
{
    pln_cut_note(cut, PLN_CUT_FENCE, "released, trying again", why);
    if (!cut->fx->release(cut->world, cut->e + 1, err))
        return false;
    cut->hold_at_ms = -1;
    cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS * (attempt + 1));
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
        cut->fence_at_ms = pln_cut_now_ms(cut);
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
                      cut->b_is_new ? "the forward stream did not read the fence's mark"
                                    : "the reverse stream did not read the fence's mark",
                      err);
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
                      cut->b_is_new ? "the reverse stream did not read past the fence's mark"
                                    : "the forward stream did not read past the fence's mark",
                      err) &&
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

static bool step_open(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t began = pln_cut_now_ms(cut), epoch = cut->e + 2;
    bool is_alarmed = false;
    while (!pln_cut_open_once(cut, epoch, err)) {
        if (err->code == FX_E_STALE_EPOCH)
            return false;
        int64_t waited = pln_cut_now_ms(cut) - began;
        if (waited >= cut->opt->open_ms)
            return fx_ctx(err, "opening the winning side at epoch %" PRId64, epoch);
        if (waited >= ALARM_MS && !is_alarmed) {
            pln_cut_note(cut, PLN_CUT_OPEN, "ALARM: neither side accepts writes", err);
            is_alarmed = true;
        }
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
    }
    cut->result->epoch = epoch;
    cut->result->new_serves = cut->b_is_new;
    cut->result->outcome = PLN_CUT_COMMITTED;
    if (cut->fence_at_ms >= 0)
        cut->result->fenced_ms = pln_cut_now_ms(cut) - cut->fence_at_ms;
    return true;
}

static bool step_route(struct pln_cutover *cut, struct fx_err *err)
{
    if (!pln_cut_route_all(cut, PLN_B, cut->e + 2, err))
        return fx_ctx(err, "routing group \"%s\" to the winning side", cut->group);
    if (cut->hold_at_ms >= 0)
        cut->result->pause_ms = pln_cut_now_ms(cut) - cut->hold_at_ms;
    return true;
}

/* A server that is being restarted is waited for; a stream that is down is for the caller to start again. */
static bool step_confirm(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t began = pln_cut_now_ms(cut);
    pln_cut_disarm(cut, PLN_B, PLN_CUT_CONFIRM);
    while (!cut->fx->confirm(cut->world, cut->e + 2, err)) {
        bool is_passing = err->code == FX_E_DB_CONNECT || err->code == FX_E_DB_CONFLICT;
        if (!is_passing || pln_cut_now_ms(cut) - began >= cut->opt->confirm_ms)
            return false;
        pln_cut_note(cut, PLN_CUT_CONFIRM, "confirming again", err);
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
    }
    return true;
}

/* --- giving up: A serves ------------------------------------------------------------------------ */

/* Facades that cannot be told release by themselves at their deadline; A accepts anyway. */
static void release(struct pln_cutover *cut, int64_t epoch)
{
    struct fx_err err = FX_ERR_INIT;
    if (!cut->fx->release(cut->world, epoch, &err))
        pln_cut_note(cut, PLN_CUT_HOLD, "a facade did not release; it will at its deadline", &err);
    if (cut->hold_at_ms >= 0)
        cut->result->pause_ms = pln_cut_now_ms(cut) - cut->hold_at_ms;
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

void pln_cut_reset(struct pln_cutover *cut)
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
    if (!pln_cut_journal(cut, step, PLN_CUT_BEGIN, err, "epoch=%" PRId64, cut->e))
        return false;
    pln_cut_pass(cut, name, "begin");
    int64_t began = pln_cut_now_ms(cut);
    bool ok = steps[step].run(cut, err);
    cut->result->step_ms[step] = pln_cut_now_ms(cut) - began;
    pln_cut_pass(cut, name, "end");
    if (!ok) {
        struct fx_err ignored = FX_ERR_INIT;
        (void)!pln_cut_journal(cut, step, PLN_CUT_FAILED, &ignored, "%s%s%s", err->message,
                               err->detail[0] != '\0' ? ": " : "", err->detail);
        return false;
    }
    return pln_cut_journal(cut, step, PLN_CUT_DONE, err, "epoch=%" PRId64 " ms=%" PRId64, cut->e,
                           cut->result->step_ms[step]);
}

static int after_failure(const struct pln_cutover *cut)
{
    if (cut->state == PLN_CUT_FENCE && (!cut->is_fence_known || cut->fence_at_ms >= 0))
        return PLN_CUT_ABORT; /* it stands, or may */
    return steps[cut->state].on_failure;
}

/* What the caller learns about a failure after the commit. */
static bool forward_failed(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->state == PLN_CUT_OPEN)
        cut->result->outcome = PLN_CUT_UNSETTLED;
    if (cut->state == PLN_CUT_CONFIRM || err->code == FX_E_STALE_EPOCH)
        return false;
    fx_err_recode(err, FX_E_INTERRUPTED);
    return fx_hint(err, "The commit is done and only forward is safe: run " PLN_CUT_GO_ON ".");
}

static bool finish_abort(struct pln_cutover *cut, const struct fx_err *why,
                         enum pln_cutover_step at, struct fx_err *err)
{
    release(cut, cut->result->epoch > cut->e ? cut->result->epoch : cut->e + 1);
    pln_cut_disarm(cut, PLN_A, at);
    pln_cut_note(cut, at, "aborted; the losing side serves", why);
    aborted(why, at, err);
    set_state(cut, PLN_CUT_ENDED);
    return false;
}

/* Leads a failed step to its end; true: the commit had won, go on forward. */
static bool give_up(struct pln_cutover *cut, struct fx_err *err)
{
    enum pln_cutover_step at = (enum pln_cutover_step)cut->state;
    struct fx_err why = *err;
    set_state(cut, after_failure(cut));
    if (cut->state == PLN_CUT_ENDED) { /* preflight: nothing was touched */
        if (cut->result->epoch == 0)
            cut->result->outcome = PLN_CUT_NOTHING;
        return false;
    }
    if (cut->state == PLN_CUT_RELEASE)
        return finish_abort(cut, &why, at, err);
    int next = PLN_CUT_ABORT;
    pln_cut_pass(cut, "abort", "begin");
    bool is_known = pln_cut_abort(cut, &next, err);
    pln_cut_pass(cut, "abort", "end");
    if (!is_known) {
        cut->result->outcome = PLN_CUT_UNSETTLED;
        set_state(cut, PLN_CUT_ENDED);
        return false;
    }
    if (next == PLN_CUT_ENDED)
        return finish_abort(cut, &why, at, err);
    if (why.code == FX_E_JOURNAL && !fx_err_is(&cut->late))
        cut->late = why;
    pln_cut_note(cut, PLN_CUT_COMMIT, "the commit had won", &why);
    set_state(cut, PLN_CUT_OPEN);
    return true;
}

static bool run_from(struct pln_cutover *cut, struct fx_err *err)
{
    while (cut->state != PLN_CUT_ENDED) {
        if (run_step(cut, (enum pln_cutover_step)cut->state, err)) {
            set_state(cut, cut->state == PLN_CUT_CONFIRM ? PLN_CUT_ENDED : cut->state + 1);
            continue;
        }
        if (pln_cut_is_committed(cut))
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
    pln_cut_reset(cut);
    cut->state = PLN_CUT_PREFLIGHT;
    return run_from(cut, err);
}

bool pln_cutover_check(struct pln_cutover *cut, struct fx_err *err)
{
    pln_cut_reset(cut);
    cut->state = PLN_CUT_PREFLIGHT;
    return step_preflight(cut, err);
}

bool pln_cutover_confirm(struct pln_cutover *cut, struct fx_err *err)
{
    cut->state = PLN_CUT_CONFIRM;
    return run_from(cut, err);
}
