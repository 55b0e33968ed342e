/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of `resume`: made of the moves alone (moves.h),
 * so a second controller changes nothing by running it.
 */
#include "plans/cutover/recover.h"

#include <inttypes.h>

#include "plans/cutover/journal.h"
#include "plans/cutover/moves.h"

static bool own_pair(struct pln_cutover *cut, struct fx_own *ret_losing, struct fx_own *ret_winning,
                     struct fx_err *err)
{
    /*
     * Under lock: a statement of a dead controller that the server still executes finishes first.
     */
    return cut->fx->own(cut->en, PLN_LOSING, true, ret_losing, err) &&
           cut->fx->own(cut->en, PLN_WINNING, true, ret_winning, err);
}

/* One look at both rows, one move. *ret_recovered: one side is HERE and no fence can still land. */
static bool recover_once(struct pln_cutover *cut, const struct fx_own_resume *plan,
                         bool *ret_recovered, struct fx_err *err)
{
    enum pln_cut_state next = PLN_CUT_ABORT;
    bool new_loses = !cut->new_wins, has_won = false;
    switch (plan->action) {
    case FX_OWN_RESUME_ABORT:
        if (plan->is_new != new_loses)
            return fx_fail(err, FX_E_STALE_EPOCH,
                           "group \"%s\" cannot be moved now: another operator is moving it in the "
                           "other direction",
                           cut->group) ||
                   fx_hint(err, "Nothing was changed. When that cut-over has ended (see: ficus "
                                "status), run " PLN_CUT_GO_ON ".");
        cut->e = plan->epoch;
        return pln_cut_abort(cut, &next, err);
    case FX_OWN_RESUME_OPEN:
        cut->e = plan->epoch - 2;
        if (plan->is_new == cut->new_wins)
            return pln_cut_open_once(cut, plan->epoch, err);
        return fx_fail(err, FX_E_STALE_EPOCH,
                       "group \"%s\" cannot be moved now: a cut-over in the other direction was "
                       "committed and is unfinished",
                       cut->group) ||
               fx_hint(
                   err,
                   "Nothing was changed. Finish that one first: ficus cutover %s --context NAME "
                   "--execute --confirm=NAME, or in its run (ficus run list): ficus run resume "
                   "RUN. Then run " PLN_CUT_GO_ON ".",
                   plan->is_new ? "start" : "fallback");
    case FX_OWN_RESUME_SERVES:
        cut->e = plan->epoch;
        if (plan->is_new == new_loses) { /* a fence may be in flight still */
            if (!cut->fx->invalidate(cut->en, cut->e, &has_won, err))
                return false;
            if (!has_won)
                return true;
            cut->e += 2;
        }
        *ret_recovered = true;
        return true;
    case FX_OWN_RESUME_STUCK: break;
    }
    return fx_fail(err, FX_E_STUCK, "group \"%s\": %s", cut->group, plan->why) ||
           fx_hint(err, "Only a database restored from a backup, or a change of ficus.own by hand, "
                        "leads here. Stop all writes of the group, restore the database that was "
                        "changed, then run " PLN_CUT_GO_ON ".");
}

/* Errors that no further look can change. */
static bool is_final(const struct fx_err *err)
{
    return err->code == FX_E_STALE_EPOCH || err->code == FX_E_STUCK || err->code == FX_E_DRIFT;
}

static void show_rows(const struct pln_cutover *cut, const struct fx_own *losing,
                      const struct fx_own *winning, struct fx_err *err)
{
    const struct fx_own *old_row = cut->new_wins ? losing : winning;
    const struct fx_own *new_row = cut->new_wins ? winning : losing;
    fx_detail(err, "ficus.own: old side %s at epoch %" PRId64 ", new side %s at epoch %" PRId64,
              fx_own_state_name(old_row->state), old_row->epoch, fx_own_state_name(new_row->state),
              new_row->epoch);
}

static bool recover_rows(struct pln_cutover *cut, bool *ret_new_serves, struct fx_err *err)
{
    struct pln_retry retry = pln_cut_retry_for(cut, cut->opt->abort_ms);
    bool ok = false;
    do {
        struct fx_own losing = {0}, winning = {0};
        struct fx_own_resume plan = {0};
        bool is_recovered = false;
        fx_err_clear(err);
        ok = own_pair(cut, &losing, &winning, err);
        if (ok) {
            plan = cut->new_wins ? fx_own_resume_decide(&losing, &winning)
                                 : fx_own_resume_decide(&winning, &losing);
            ok = recover_once(cut, &plan, &is_recovered, err);
            if (plan.action == FX_OWN_RESUME_STUCK)
                show_rows(cut, &losing, &winning, err);
        }
        if (ok && is_recovered) {
            *ret_new_serves = plan.is_new;
            cut->result->epoch = cut->e;
            return true;
        }
    } while ((ok || !is_final(err)) && pln_retry_again(&retry));
    if (!ok)
        return false;
    /* every try was answered, and somebody else changed the rows in between */
    return fx_fail(err, FX_E_TIMEOUT,
                   "another operator changes the ownership of group \"%s\" again and again: it did "
                   "not stay the same in %" PRId64 " ms",
                   cut->group, cut->opt->abort_ms) ||
           fx_hint(err, "Find that run (ficus run list) or command (ficus audit). When it has "
                        "ended, run " PLN_CUT_GO_ON ".");
}

bool pln_cutover_recover(struct pln_cutover *cut, struct fx_err *err)
{
    bool new_serves = false;
    pln_cut_begin(cut, PLN_CUT_IN_OPEN); /* journal failures are kept for the end */
    if (!recover_rows(cut, &new_serves, err)) {
        cut->result->outcome = PLN_CUT_UNFINISHED;
        return fx_ctx(err, "recovering group \"%s\"", cut->group);
    }
    bool is_won = new_serves == cut->new_wins;
    enum pln_cut_side serves = is_won ? PLN_WINNING : PLN_LOSING;
    cut->result->new_serves = new_serves;
    cut->result->outcome = is_won ? PLN_CUT_COMMITTED : PLN_CUT_ABORTED;
    pln_cut_pass(cut, "resume", "settled");
    pln_cut_set_state(cut, PLN_CUT_IN_ROUTE);
    if (!pln_cut_route_all(cut, serves, cut->result->epoch, err)) {
        if (err->code == FX_E_FACADE_CONNECT)
            (void)pln_cut_fail_unrouted(cut, err);
        else if (err->code != FX_E_STALE_EPOCH)
            fx_err_recode(err, FX_E_INTERRUPTED);
        return fx_ctx(err, "routing group \"%s\" after the recovery", cut->group);
    }
    pln_cut_disarm(cut, serves, PLN_CUT_ROUTE);
    cut->e = cut->result->epoch - 2;
    if (fx_err_is(&cut->late)) {
        *err = cut->late;
        return false;
    }
    return true;
}
