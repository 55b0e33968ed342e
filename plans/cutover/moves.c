/* SPDX-License-Identifier: Apache-2.0 */
/* Each function is one move; moves.h says why it may be repeated. */
#include "plans/cutover/moves.h"

#include <inttypes.h>

#include "plans/cutover/journal.h"

/* --- forward: open, route, disarm ------------------------------------------------------------- */

/* 0 rows: the winning side is HERE at least at this epoch (opened
 * by another try of ours, or superseded), or it is not ours. */
static bool open_decide(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    struct fx_own won = {0};
    if (!cut->fx->own(cut->en, PLN_WINNING, true, &won, err))
        return false;
    if (won.epoch == epoch && won.state == FX_OWN_HERE)
        return true;
    return fx_fail(err, FX_E_STALE_EPOCH,
                   "another operator moved group \"%s\" during this cut-over: the %s side is %s at "
                   "epoch %" PRId64 ", this cut-over had brought it to epoch %" PRId64,
                   cut->group, pln_cut_winning(cut), fx_own_state_name(won.state), won.epoch,
                   epoch) ||
           fx_hint(err, PLN_CUT_OTHER);
}

bool pln_cut_open_once(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    bool has_won = false;
    return cut->fx->open(cut->en, epoch, &has_won, err) &&
           (has_won || open_decide(cut, epoch, err));
}

bool pln_cut_route_all(struct pln_cutover *cut, enum pln_cut_side to, int64_t epoch,
                       struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_for(cut, cut->opt->route_ms);
    do {
        bool is_all = false;
        if (!cut->fx->route(cut->en, to, epoch, &is_all, err) && err->code == FX_E_STALE_EPOCH)
            return false;
        if (is_all)
            return true;
    } while (pln_retry_again(&retry));
    return !fx_err_is(err) &&
           fx_fail(err, FX_E_FACADE_CONNECT,
                   "a facade did not confirm within %" PRId64
                   " ms that it routes group \"%s\" to the %s side (epoch %" PRId64 ")",
                   cut->opt->route_ms, cut->group,
                   to == PLN_WINNING ? pln_cut_winning(cut) : pln_cut_losing(cut), epoch);
}

bool pln_cut_fail_unrouted(const struct pln_cutover *cut, struct fx_err *err)
{
    return fx_hint(
        err,
        "The %s side owns group \"%s\" and accepts its writes. Start the facade that "
        "does not answer (ficusd): until it is told it may answer writes with 503, and sends none "
        "to the other side. Then run " PLN_CUT_GO_ON ".",
        cut->result->new_serves ? "new" : "old", cut->group);
}

void pln_cut_disarm(struct pln_cutover *cut, enum pln_cut_side side, enum pln_cutover_step step)
{
    struct fx_err err = FX_ERR_INIT;
    struct pln_retry retry = pln_cut_retry_times(cut, cut->opt->fence_attempts);
    do {
        if (cut->fx->disarm(cut->en, side, &err))
            return;
    } while ((err.code == FX_E_DB_CONFLICT || err.code == FX_E_DB_CONNECT) &&
             pln_retry_again(&retry));
    pln_cut_note(cut, step, "fence triggers were not removed; they stay until the next cut-over",
                 &err);
}

/* --- giving up: abort ------------------------------------------------------------------------- */

/* One try. *ret_state: the state after it, or PLN_CUT_ABORT when it must be repeated. */
static bool abort_once(struct pln_cutover *cut, enum pln_cut_state *ret_state, struct fx_err *err)
{
    bool has_won = false;
    struct fx_own lost = {0};
    *ret_state = PLN_CUT_ABORT;
    if (!cut->fx->abort(cut->en, cut->e, &has_won, err))
        return false;
    if (has_won) {
        cut->result->epoch = cut->e + 2;
        *ret_state = PLN_CUT_ENDED;
        return true;
    }
    if (!cut->fx->own(cut->en, PLN_LOSING, true, &lost, err))
        return false;
    switch (fx_own_abort_decide(&lost, cut->e)) {
    case FX_OWN_ABORT_DONE:
        cut->result->epoch = lost.epoch;
        *ret_state = PLN_CUT_ENDED;
        return true;
    case FX_OWN_ABORT_COMMITTED: *ret_state = PLN_CUT_IN_OPEN; return true;
    case FX_OWN_ABORT_AGAIN: return true;
    case FX_OWN_ABORT_INVALIDATE:
        if (!cut->fx->invalidate(cut->en, cut->e, &has_won, err))
            return false;
        if (has_won) {
            cut->result->epoch = cut->e + 2;
            *ret_state = PLN_CUT_ENDED;
        }
        return true;
    case FX_OWN_ABORT_FOREIGN: break;
    }
    return fx_fail(
               err, FX_E_STALE_EPOCH,
               "another operator (%s) moved group \"%s\" during this cut-over: the %s side is %s "
               "at epoch %" PRId64,
               lost.operator_name, cut->group, pln_cut_losing(cut), fx_own_state_name(lost.state),
               lost.epoch) ||
           fx_hint(err, PLN_CUT_OTHER);
}

bool pln_cut_abort(struct pln_cutover *cut, enum pln_cut_state *ret_state, struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_for(cut, cut->opt->abort_ms);
    do {
        bool ok = abort_once(cut, ret_state, err);
        if (ok && *ret_state != PLN_CUT_ABORT)
            return true;
        if (!ok && err->code == FX_E_STALE_EPOCH)
            return false;
    } while (pln_retry_again(&retry));
    struct fx_err why = *err;
    fx_fail(err, FX_E_STUCK,
            "could not find out from the %s side whether the commit of group \"%s\" succeeded",
            pln_cut_losing(cut), cut->group);
    fx_detail(err, "%s", why.message);
    return fx_hint(err,
                   "Possibly neither side accepts writes. Start or restore that database or its "
                   "synchronous standby, then run " PLN_CUT_GO_ON ".");
}
