/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of a cut-over as a state machine. The losing side has the group at epoch e, the
 * winning side shall have it at e+2.
 *
 * PREFLIGHT -> PREPARE -> DRAIN -> HOLD -> FENCE -> BARRIER -> APPLIED -> VERIFY -> IDENTITY
 *     |           |          |        |      |  \        |          |          |         |
 *     |           +----------+--------+------+   \       |          |          |         v
 *     |                      |                 unknown   |          |          |      WAY_BACK
 *     |                      |                     \     |          |          |         v
 *     v                      v                      \    v          v          v       COMMIT
 *   ENDED <--------------- RELEASE                   +-> ABORT <- any failure, 0 rows, unknown
 *     ^                                                    |  \
 *     +------------- the losing side serves ---------------+   +-> (it had committed) -> OPEN
 *
 *   COMMIT -> OPEN -> ROUTE -> CONFIRM -> ENDED    forward only: neither side accepts until OPEN
 *
 * The commit is one row on the losing side. Before it everything may be given up, and every way of
 * giving up is one compare-and-set on the same row; after it nothing may. Which of the two it was
 * is never read from a SELECT after a lost connection, but always decided by the abort's
 * compare-and-set, which waits for what is in flight.
 */
#include "plans/cutover/machine.h"

#include <inttypes.h>

#include "plans/cutover/drain.h"
#include "plans/cutover/journal.h"
#include "plans/cutover/moves.h"

enum { POLL_MS = 5, WATCH_MS = 500, ALARM_MS = 2000 };
enum { RELEASE_MS = 5000 }; /* a facade that is being restarted is told when it is back */

/* X(step, function, where a failure leads) */
#define CUT_TABLE(X)                            \
    X(PREFLIGHT, step_preflight, PLN_CUT_ENDED) \
    X(PREPARE, step_prepare, PLN_CUT_RELEASE)   \
    X(DRAIN, step_drain, PLN_CUT_RELEASE)       \
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
    enum pln_cut_state on_failure;
} steps[PLN_CUT_STEP_COUNT] = {
#define X(name, function, on_failure) [PLN_CUT_##name] = {function, on_failure},
    CUT_TABLE(X)
#undef X
};

/* --- waiting ---------------------------------------------------------------------------------- */

/* Asked before the commit only. A stop is a step that failed:
 * the group stays where it is, the code stays INTERRUPTED. */
static bool may_go_on(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->should_stop == NULL || !cut->should_stop(cut->arg))
        return true;
    fx_fail(err, FX_E_INTERRUPTED,
            "the cut-over of group \"%s\" was stopped before its commit, as requested (Ctrl-C or "
            "SIGTERM)",
            cut->group);
    return fx_hint(err, "Ownership did not change. To start over, run " PLN_CUT_GO_ON ".");
}

/*
 * The row of a side is not as the fence left it: lost in a failover, expired and reopened, or
 * changed by another operator.
 */
static bool fail_fence_gone(struct pln_cutover *cut, const char *side, const struct fx_own *own,
                            struct fx_err *err)
{
    return fx_fail(err, FX_E_ABORTED,
                   "the fence is no longer in force: group \"%s\" is %s at epoch %" PRId64
                   " on the %s side",
                   cut->group, fx_own_state_name(own->state), own->epoch, side) ||
           fx_hint(err,
                   "Ownership did not change. The database of the %s side failed over, the fence "
                   "expired, or another operator changed the row. See who owns the group: ficus "
                   "status. To try again, run " PLN_CUT_GO_ON ".",
                   side);
}

/* The fence must still be in force, the winning side still AWAY, and fence_ttl not over. */
static bool fence_holds(struct pln_cutover *cut, struct fx_err *err)
{
    struct fx_own losing = {0}, winning = {0};
    if (pln_cut_now_ms(cut) - cut->fence_at_ms >= cut->opt->fence_ttl_ms)
        return fx_fail(err, FX_E_TIMEOUT,
                       "the fence of group \"%s\" expired after %" PRId64 " ms (fence_ttl)",
                       cut->group, cut->opt->fence_ttl_ms) ||
               fx_hint(err,
                       "Ownership did not change. See the lag of both streams: ficus cdc status "
                       "--context NAME. To allow more time, raise fence_ttl: --fence-ttl, or "
                       "policy.fence_ttl of the plan " PLN_CUT_KEPT
                       ". To try again, run " PLN_CUT_GO_ON ".");
    if (!may_go_on(cut, err) || !cut->fx->own(cut->en, PLN_LOSING, false, &losing, err) ||
        !cut->fx->own(cut->en, PLN_WINNING, false, &winning, err))
        return false;
    if (losing.state != FX_OWN_FENCED || losing.epoch != cut->e + 1)
        return fail_fence_gone(cut, pln_cut_losing(cut), &losing, err);
    if (winning.state != FX_OWN_AWAY || winning.epoch >= cut->e + 2)
        return fail_fence_gone(cut, pln_cut_winning(cut), &winning, err);
    return true;
}

typedef bool (*probe_fn)(struct pln_cutover *cut, bool *ret, struct fx_err *err);

/* Polls until true, checking the fence meanwhile; `what` completes "… within 6000 ms". */
static bool wait_until(struct pln_cutover *cut, probe_fn probe, int64_t limit_ms, const char *what,
                       struct fx_err *err)
{
    struct pln_retry retry = pln_retry_for(cut->fx, cut->en, limit_ms, POLL_MS);
    int64_t watched_ms = 0;
    for (;;) {
        bool is_there = false;
        if (!probe(cut, &is_there, err))
            return false;
        if (is_there)
            return true;
        if (!may_go_on(cut, err))
            return false;
        if (!pln_retry_again(&retry))
            return fx_fail(err, FX_E_TIMEOUT, "%s within %" PRId64 " ms", what, limit_ms);
        int64_t elapsed_ms = pln_retry_elapsed_ms(&retry);
        if (cut->fence != PLN_FENCE_IN_FORCE || elapsed_ms - watched_ms < WATCH_MS)
            continue;
        watched_ms = elapsed_ms;
        if (!fence_holds(cut, err))
            return false;
    }
}

/* --- steps 0 to 3: nothing is fenced ---------------------------------------------------------- */

/* The rows do not allow a cut-over: the everyday case is that it was made already. */
static bool fail_owned(const struct pln_cutover *cut, const struct fx_own *losing,
                       const struct fx_own *winning, struct fx_err *err)
{
    const char *back = cut->new_wins ? "fallback" : "start";
    if (losing->state == FX_OWN_AWAY && winning->state == FX_OWN_HERE) {
        fx_fail(err, FX_E_DRIFT,
                "group \"%s\" is owned by the %s side already (epoch %" PRId64
                "): there is nothing to do",
                cut->group, pln_cut_winning(cut), winning->epoch);
        return fx_hint(err,
                       "Nothing was changed. To move it back to the %s side: ficus cutover %s "
                       "--context NAME --execute --confirm=NAME",
                       pln_cut_losing(cut), back);
    }
    if (losing->state == FX_OWN_HERE && winning->state != FX_OWN_FENCED) {
        fx_fail(err, FX_E_DRIFT,
                "the ownership rows of group \"%s\" contradict each other: the %s side is HERE at "
                "epoch %" PRId64 ", the %s side is %s at epoch %" PRId64,
                cut->group, pln_cut_losing(cut), losing->epoch, pln_cut_winning(cut),
                fx_own_state_name(winning->state), winning->epoch);
        return fx_hint(err, "Nothing was changed. A database was restored from a backup, or "
                            "ficus.own was changed by hand. Stop all writes of the group and "
                            "restore the database that was changed, then run " PLN_CUT_GO_ON ".");
    }
    fx_fail(err, FX_E_DRIFT,
            "an earlier cut-over of group \"%s\" is unfinished: the %s side is %s at epoch %" PRId64
            ", the %s side is %s at epoch %" PRId64,
            cut->group, pln_cut_losing(cut), fx_own_state_name(losing->state), losing->epoch,
            pln_cut_winning(cut), fx_own_state_name(winning->state), winning->epoch);
    return fx_hint(err, "Nothing was changed. See who owns it: ficus status. To finish the earlier "
                        "cut-over, run " PLN_CUT_GO_ON " (with --execute --confirm=NAME).");
}

static bool step_preflight(struct pln_cutover *cut, struct fx_err *err)
{
    struct fx_own losing = {0}, winning = {0};
    if (!cut->fx->own(cut->en, PLN_LOSING, false, &losing, err) ||
        !cut->fx->own(cut->en, PLN_WINNING, false, &winning, err))
        return false;
    if (losing.state != FX_OWN_HERE || winning.state != FX_OWN_AWAY || winning.epoch > losing.epoch)
        return fail_owned(cut, &losing, &winning, err);
    cut->e = losing.epoch;
    cut->result->epoch = losing.epoch;
    return cut->fx->preflight(cut->en, err);
}

static bool step_prepare(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_times(cut, cut->opt->fence_attempts);
    while (!cut->fx->arm(cut->en, cut->e + 1, err)) { /* waits for readers and writers */
        if (err->code != FX_E_DB_CONFLICT || !pln_retry_again(&retry))
            return fx_ctx(err, "creating the fence triggers");
        pln_cut_note(cut, PLN_CUT_PREPARE, "creating the fence triggers again", err);
    }
    return may_go_on(cut, err) && cut->fx->prepare(cut->en, cut->e + 1, err);
}

/* Told before anything is held; that it could not be made is no reason to stop. */
static void forecast(struct pln_cutover *cut, bool is_journalled)
{
    struct pln_measured measured = {0};
    struct fx_err ignored = FX_ERR_INIT;
    bool is_known = false;
    if (!cut->fx->measure(cut->en, &measured, &is_known, &ignored) || !is_known)
        return;
    cut->result->forecast = pln_forecast_waits(&measured, pln_forecast_hold_ms(&measured));
    if (!is_journalled)
        return;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
    pln_forecast_text(&cut->result->forecast, &text);
    pln_cut_note(cut, PLN_CUT_DRAIN, fx_buf_cstr(&text), NULL);
}

static bool step_drain(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_drain drain;
    pln_drain_begin(&drain, cut);
    while (!pln_drain_look(&drain, cut)) {
        if (!may_go_on(cut, err))
            return false;
        if (pln_drain_is_over(&drain, cut))
            return pln_drain_fail(&drain, cut, err);
        cut->fx->sleep_ms(cut->en, PLN_DRAIN_POLL_MS);
    }
    if (cut->result->forecast.longest_ms < 0)
        forecast(cut, true);
    return may_go_on(cut, err);
}

static bool probe_drained(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->drained(cut->en, ret, err);
}

static bool step_hold(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->hold_at_ms < 0)
        cut->hold_at_ms = pln_cut_now_ms(cut);
    return may_go_on(cut, err) && cut->fx->hold(cut->en, cut->e + 1, err) &&
           wait_until(cut, probe_drained, cut->opt->drain_ms,
                      cut->new_wins
                          ? "the old side did not answer all writes in flight (limit: drain)"
                          : "the new side did not answer all writes in flight (limit: drain)",
                      err);
}

/* Between attempts writes are released; each pause is longer, so that clients make progress. */
static bool hold_again(struct pln_cutover *cut, int64_t attempt, const struct fx_err *why,
                       struct fx_err *err)
{
    pln_cut_note(cut, PLN_CUT_FENCE, "held writes released, fencing again", why);
    if (!cut->fx->release(cut->en, cut->e + 1, err))
        return false;
    cut->hold_at_ms = -1;
    cut->fx->sleep_ms(cut->en, PLN_CUT_RETRY_MS * (attempt + 1));
    struct fx_err armed = FX_ERR_INIT; /* a partition may have been added */
    if (!cut->fx->arm(cut->en, cut->e + 1, &armed) && armed.code != FX_E_DB_CONFLICT) {
        *err = armed;
        return false;
    }
    return cut->fx->prepare(cut->en, cut->e + 1, err) && step_drain(cut, err) &&
           step_hold(cut, err);
}

/* False and DB_CONFLICT: rolled back, nothing is
 * fenced. False otherwise: its commit may be in flight. */
static bool fence_once(struct pln_cutover *cut, bool *ret_taken, struct fx_err *err)
{
    cut->fence_at_ms = pln_cut_now_ms(cut);
    cut->fence = PLN_FENCE_UNKNOWN;
    bool ok = cut->fx->fence(cut->en, cut->e, ret_taken, err);
    if (ok && *ret_taken)
        cut->fence = PLN_FENCE_IN_FORCE;
    else if (ok || err->code == FX_E_DB_CONFLICT)
        cut->fence = PLN_FENCE_NONE;
    if (cut->fence == PLN_FENCE_NONE)
        cut->fence_at_ms = -1;
    return ok;
}

static bool step_fence(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_retry retry = pln_retry_times(cut->fx, cut->en, cut->opt->fence_attempts, 0);
    for (;;) {
        bool is_taken = false;
        cut->result->fence_attempts = (int)retry.tries + 1;
        if (fence_once(cut, &is_taken, err))
            return is_taken ||
                   fx_fail(
                       err, FX_E_STALE_EPOCH,
                       "another operator moved group \"%s\" during this cut-over: the %s side no "
                       "longer owns it at epoch %" PRId64,
                       cut->group, pln_cut_losing(cut), cut->e) ||
                   fx_hint(err, PLN_CUT_OTHER);
        if (err->code != FX_E_DB_CONFLICT)
            return false;
        struct fx_err why = *err;
        if (!pln_retry_again(&retry))
            return fx_ctx(err, "fencing, attempt %" PRId64 " of %" PRId64, retry.tries,
                          cut->opt->fence_attempts);
        if (!hold_again(cut, retry.tries, &why, err))
            return fx_ctx(err, "holding writes again after attempt %" PRId64, retry.tries);
    }
}

/* --- steps 4 to 9: the fence stands ----------------------------------------------------------- */

static bool probe_barrier(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->barrier_read(cut->en, false, cut->e + 1, ret, err);
}

static bool step_barrier(struct pln_cutover *cut, struct fx_err *err)
{
    return wait_until(cut, probe_barrier, cut->opt->barrier_ms,
                      cut->new_wins ? "the forward stream did not read the fence's barrier marker"
                                    : "the reverse stream did not read the fence's barrier marker",
                      err);
}

static bool probe_applied(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->barrier_applied(cut->en, cut->e + 1, ret, err);
}

static bool step_applied(struct pln_cutover *cut, struct fx_err *err)
{
    int64_t left = cut->opt->barrier_ms - cut->result->step_ms[PLN_CUT_BARRIER];
    return wait_until(cut, probe_applied, left > 0 ? left : 0,
                      cut->new_wins ? "the new side did not receive the fence's barrier marker"
                                    : "the old side did not receive the fence's barrier marker",
                      err);
}

static bool step_verify(struct pln_cutover *cut, struct fx_err *err)
{
    return fence_holds(cut, err) && cut->fx->verify(cut->en, err);
}

static bool step_identity(struct pln_cutover *cut, struct fx_err *err)
{
    return fence_holds(cut, err) && cut->fx->raise_ids(cut->en, cut->e + 2, err);
}

static bool probe_reverse(struct pln_cutover *cut, bool *ret, struct fx_err *err)
{
    return cut->fx->barrier_read(cut->en, true, cut->e + 1, ret, err);
}

/* What is left of the fence, less what the commit may need: a second, but not more than half. */
static int64_t fence_left_ms(const struct pln_cutover *cut)
{
    int64_t left_ms = cut->opt->fence_ttl_ms - (pln_cut_now_ms(cut) - cut->fence_at_ms);
    int64_t commit_ms = FX_MIN(cut->opt->statement_ms, left_ms / 2);
    return FX_MAX(left_ms - commit_ms, (int64_t)0);
}

static bool step_way_back(struct pln_cutover *cut, struct fx_err *err)
{
    return wait_until(cut, probe_reverse, fence_left_ms(cut),
                      cut->new_wins
                          ? "the reverse stream did not read past the fence's barrier marker"
                          : "the forward stream did not read past the fence's barrier marker",
                      err) &&
           cut->fx->armed(cut->en, cut->e + 1, err);
}

static bool step_commit(struct pln_cutover *cut, struct fx_err *err)
{
    bool has_won = false;
    cut->is_moving = !cut->is_canary; /* also when the answer does not arrive */
    if (!cut->fx->move(cut->en, cut->e + 1, err))
        return false;
    pln_cut_pass(cut, "move", "end");
    /* The triggers are looked at once more: telling the facades may have taken long enough for a
     * table to be swapped. */
    if (!fence_holds(cut, err) || !cut->fx->armed(cut->en, cut->e + 1, err) ||
        !cut->fx->commit(cut->en, cut->e, &has_won, err))
        return false;
    return has_won ||
           fx_fail(err, FX_E_ABORTED,
                   "the fence of group \"%s\" expired and was reopened before the commit",
                   cut->group);
}

/* --- steps 10 to 12: forward only ------------------------------------------------------------- */

static bool step_open(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_for(cut, cut->opt->open_ms);
    int64_t epoch = cut->e + 2;
    bool is_alarmed = false;
    while (!pln_cut_open_once(cut, epoch, err)) {
        if (err->code == FX_E_STALE_EPOCH)
            return false;
        if (pln_retry_elapsed_ms(&retry) >= ALARM_MS && !is_alarmed) {
            pln_cut_note(cut, PLN_CUT_OPEN, "ALARM: neither side accepts writes", err);
            is_alarmed = true;
        }
        if (!pln_retry_again(&retry))
            return fx_ctx(err, "opening the %s side at epoch %" PRId64, pln_cut_winning(cut),
                          epoch);
    }
    cut->result->epoch = epoch;
    cut->result->new_serves = cut->new_wins;
    cut->result->outcome = PLN_CUT_COMMITTED;
    if (cut->fence_at_ms >= 0)
        cut->result->fenced_ms = pln_cut_now_ms(cut) - cut->fence_at_ms;
    return true;
}

static bool step_route(struct pln_cutover *cut, struct fx_err *err)
{
    if (!pln_cut_route_all(cut, PLN_WINNING, cut->e + 2, err))
        return fx_ctx(err, "routing group \"%s\" to the %s side", cut->group, pln_cut_winning(cut));
    if (cut->hold_at_ms >= 0)
        cut->result->pause_ms = pln_cut_now_ms(cut) - cut->hold_at_ms;
    return true;
}

/* A server that is being restarted is waited for; a
 * stream that is down is for the caller to start again. */
static bool step_confirm(struct pln_cutover *cut, struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_for(cut, cut->opt->confirm_ms);
    pln_cut_disarm(cut, PLN_WINNING, PLN_CUT_CONFIRM);
    while (!cut->fx->confirm(cut->en, cut->e + 2, err)) {
        bool is_passing = err->code == FX_E_DB_CONNECT || err->code == FX_E_DB_CONFLICT;
        if (!is_passing || !pln_retry_again(&retry))
            return false;
        pln_cut_note(cut, PLN_CUT_CONFIRM, "confirming again", err);
    }
    return true;
}

/* --- giving up: the losing side serves -------------------------------------------------------- */

/*
 * The losing side accepts. Facades that cannot be told release by themselves at their deadline,
 * except for those that know that the commit was near: they have to be told.
 */
static bool release(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_for(cut, cut->is_moving ? RELEASE_MS : 0);
    bool ok;
    do { /* a higher epoch: another controller has told it */
        fx_err_clear(err);
        ok = cut->fx->release(cut->en, epoch, err) || err->code == FX_E_STALE_EPOCH;
    } while (!ok && pln_retry_again(&retry));
    if (!ok)
        pln_cut_note(cut, PLN_CUT_HOLD,
                     cut->is_moving
                         ? "a facade was not told that the cut-over is given up; it answers writes "
                           "with 503 until then"
                         : "a facade did not release held writes; it does so at its deadline",
                     err);
    if (cut->hold_at_ms >= 0)
        cut->result->pause_ms = pln_cut_now_ms(cut) - cut->hold_at_ms;
    return ok || !cut->is_moving;
}

/* What the operator can do about a limit that was reached in `step`. */
static const char *advice(enum fx_code why, enum pln_cutover_step step)
{
    if (why != FX_E_TIMEOUT)
        return "";
    switch (step) {
    case PLN_CUT_HOLD:
        return "Find the slow writes, or raise drain: --drain, or policy.drain of the "
               "plan " PLN_CUT_KEPT ". ";
    case PLN_CUT_BARRIER:
    case PLN_CUT_APPLIED:
    case PLN_CUT_WAY_BACK: return "See the lag of both streams: ficus cdc status --context NAME. ";
    default: return "";
    }
}

/* The step's error becomes ABORTED; codes that tell the caller something else stay. */
static void explain_abort(const struct fx_err *why, enum pln_cutover_step step, struct fx_err *err)
{
    *err = *why;
    if (why->code != FX_E_STALE_EPOCH && why->code != FX_E_BUG && why->code != FX_E_INTERRUPTED &&
        why->code != FX_E_HELD)
        (void)fx_err_wrap(err, FX_E_ABORTED, "cut-over aborted at step %s",
                          pln_cutover_step_name(step));
    if (err->code == FX_E_ABORTED && err->hint[0] == '\0')
        (void)fx_hint(err, "Ownership did not change. %sTo try again, run " PLN_CUT_GO_ON ".",
                      advice(why->code, step));
}

/* --- the machine ------------------------------------------------------------------------------ */

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

static enum pln_cut_state after_success(const struct pln_cutover *cut)
{
    bool is_last = cut->state == PLN_CUT_IN_CONFIRM;
    return is_last ? PLN_CUT_ENDED : (enum pln_cut_state)(cut->state + 1);
}

static enum pln_cut_state after_failure(const struct pln_cutover *cut)
{
    if (cut->state == PLN_CUT_IN_FENCE && cut->fence != PLN_FENCE_NONE)
        return PLN_CUT_ABORT;
    return steps[cut->state].on_failure;
}

/* What the caller learns about a failure after the commit. */
static bool fail_forward(struct pln_cutover *cut, struct fx_err *err)
{
    if (cut->state == PLN_CUT_IN_OPEN)
        cut->result->outcome = PLN_CUT_UNFINISHED;
    if (cut->state == PLN_CUT_IN_CONFIRM || err->code == FX_E_STALE_EPOCH)
        return false;
    if (err->code == FX_E_FACADE_CONNECT)
        return pln_cut_fail_unrouted(cut, err);
    fx_err_recode(err, FX_E_INTERRUPTED);
    return fx_hint(
        err, "The commit is done, so the cut-over can only be finished: run " PLN_CUT_GO_ON ".");
}

/* A facade stays in doubt: which command tells it, and what is to be done before that. */
static void explain_untold(const struct pln_cutover *cut, const struct fx_err *untold,
                           struct fx_err *err)
{
    struct fx_err why = *err;
    if (untold->code == FX_E_FACADE_CONNECT) {
        (void)fx_hint(err,
                      "Ownership did not change. A facade could not be told and answers writes of "
                      "group \"%s\" with 503: start it (ficusd), then run: ficus route sync %s "
                      "--execute",
                      cut->group, cut->group);
        return;
    }
    (void)fx_detail(err, "%s%sa facade was not told: %s%s%s", why.detail,
                    why.detail[0] != '\0' ? "; " : "", untold->message,
                    untold->hint[0] != '\0' ? "; " : "", untold->hint);
    (void)fx_hint(err,
                  "Ownership did not change. A facade runs and could not be told, so it answers "
                  "writes of group \"%s\" with 503. Remove the cause that the detail names, then "
                  "run: ficus route sync %s --execute",
                  cut->group, cut->group);
}

static bool fail_aborted(struct pln_cutover *cut, const struct fx_err *why,
                         enum pln_cutover_step at, struct fx_err *err)
{
    struct fx_err untold = FX_ERR_INIT;
    int64_t epoch = cut->result->epoch > cut->e ? cut->result->epoch : cut->e + 1;
    bool is_told = release(cut, epoch, &untold);
    pln_cut_disarm(cut, PLN_LOSING, at);
    pln_cut_note(cut, at,
                 why->code == FX_E_HELD ? "not begun; no write was held"
                 : cut->new_wins        ? "aborted; the old side still owns the group"
                                        : "aborted; the new side still owns the group",
                 why);
    explain_abort(why, at, err);
    if (!is_told)
        explain_untold(cut, &untold, err);
    pln_cut_set_state(cut, PLN_CUT_ENDED);
    return false;
}

/* Leads a failed step to its end; true: the commit had won, go on forward. */
static bool give_up(struct pln_cutover *cut, struct fx_err *err)
{
    enum pln_cutover_step at = pln_cut_step(cut);
    struct fx_err why = *err;
    pln_cut_set_state(cut, after_failure(cut));
    if (cut->state == PLN_CUT_ENDED) { /* preflight: nothing was touched */
        if (cut->result->epoch == 0)
            cut->result->outcome = PLN_CUT_NOTHING;
        return false;
    }
    if (cut->state == PLN_CUT_RELEASE)
        return fail_aborted(cut, &why, at, err);
    enum pln_cut_state next = PLN_CUT_ABORT;
    pln_cut_pass(cut, "abort", "begin");
    bool is_known = pln_cut_abort(cut, &next, err);
    pln_cut_pass(cut, "abort", "end");
    if (!is_known) {
        cut->result->outcome = PLN_CUT_UNFINISHED;
        pln_cut_set_state(cut, PLN_CUT_ENDED);
        return false;
    }
    if (next == PLN_CUT_ENDED)
        return fail_aborted(cut, &why, at, err);
    if (why.code == FX_E_JOURNAL && !fx_err_is(&cut->late))
        cut->late = why;
    pln_cut_note(cut, PLN_CUT_COMMIT, "the commit had succeeded", &why);
    pln_cut_set_state(cut, PLN_CUT_IN_OPEN);
    return true;
}

static bool run_from(struct pln_cutover *cut, struct fx_err *err)
{
    while (cut->state != PLN_CUT_ENDED) {
        if (run_step(cut, pln_cut_step(cut), err)) {
            pln_cut_set_state(cut, after_success(cut));
            continue;
        }
        if (pln_cut_is_committed(cut))
            return fail_forward(cut, err);
        if (!give_up(cut, err))
            return false;
    }
    if (fx_err_is(&cut->late)) {
        *err = cut->late;
        return fx_ctx(err,
                      "writing the journal after the commit (the cut-over itself is complete)");
    }
    return true;
}

bool pln_cutover_machine(struct pln_cutover *cut, struct fx_err *err)
{
    pln_cut_begin(cut, PLN_CUT_IN_PREFLIGHT);
    return run_from(cut, err);
}

bool pln_cutover_check(struct pln_cutover *cut, struct fx_err *err)
{
    pln_cut_begin(cut, PLN_CUT_IN_PREFLIGHT);
    if (!step_preflight(cut, err))
        return false;
    forecast(cut, false);
    return true;
}

bool pln_cutover_confirm(struct pln_cutover *cut, struct fx_err *err)
{
    pln_cut_set_state(cut, PLN_CUT_IN_CONFIRM);
    return run_from(cut, err);
}
