/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The moves that are made by whoever comes, once or ten times: open B, route, take triggers away, abort; and the
 * machine of `resume`, which is made of them alone. Each is one compare-and-set on a row of its side, decided by what
 * the row answers (own.h), so a second controller, or the same one after a crash, changes nothing by repeating it.
 */
#include <inttypes.h>

#include "plans/cutover/machine.h"

/* --- forward: open, route, disarm ---------------------------------------------------------------- */

/* 0 rows: B is HERE at least at this epoch (opened by another try of ours, or superseded), or it is not ours. */
static bool open_decide(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    struct fx_own b = {0};
    if (!cut->fx->own(cut->world, PLN_B, true, &b, err))
        return false;
    if (b.epoch == epoch && b.state == FX_OWN_HERE)
        return true;
    return fx_fail(err, FX_E_STALE_EPOCH,
                   "group \"%s\" is %s at epoch %" PRId64 " on the winning side: somebody else "
                   "has gone on from epoch %" PRId64,
                   cut->group, fx_own_state_name(b.state), b.epoch, epoch);
}

bool pln_cut_open_once(struct pln_cutover *cut, int64_t epoch, struct fx_err *err)
{
    bool has_won = false;
    return cut->fx->open(cut->world, epoch, &has_won, err) &&
           (has_won || open_decide(cut, epoch, err));
}

bool pln_cut_route_all(struct pln_cutover *cut, enum pln_place to, int64_t epoch,
                       struct fx_err *err)
{
    int64_t began = pln_cut_now_ms(cut);
    for (;;) {
        bool is_all = false;
        if (!cut->fx->route(cut->world, to, epoch, &is_all, err) && err->code == FX_E_STALE_EPOCH)
            return false;
        if (is_all)
            return true;
        if (pln_cut_now_ms(cut) - began >= cut->opt->route_ms)
            return fx_err_is(err) ? false
                                  : fx_fail(err, FX_E_FACADE_CONNECT,
                                            "a facade did not acknowledge epoch %" PRId64, epoch);
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
    }
}

void pln_cut_disarm(struct pln_cutover *cut, enum pln_place place, enum pln_cutover_step step)
{
    struct fx_err err = FX_ERR_INIT;
    for (int64_t attempt = 0; attempt < cut->opt->fence_attempts; attempt++) {
        if (cut->fx->disarm(cut->world, place, &err))
            return;
        if (err.code != FX_E_DB_CONFLICT && err.code != FX_E_DB_CONNECT)
            break;
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
    }
    pln_cut_note(cut, step, "fence triggers stay until the next cut-over", &err);
}

/* --- giving up: abort ------------------------------------------------------------------------------ */

/* One try. *ret_state: the state after it, or PLN_CUT_ABORT when it must be repeated. */
static bool abort_once(struct pln_cutover *cut, int *ret_state, struct fx_err *err)
{
    bool has_won = false;
    struct fx_own a = {0};
    *ret_state = PLN_CUT_ABORT;
    if (!cut->fx->abort(cut->world, cut->e, &has_won, err))
        return false;
    if (has_won) {
        cut->result->epoch = cut->e + 2;
        *ret_state = PLN_CUT_ENDED;
        return true;
    }
    if (!cut->fx->own(cut->world, PLN_A, true, &a, err))
        return false;
    switch (fx_own_abort_decide(&a, cut->e)) {
    case FX_OWN_ABORT_DONE:
        cut->result->epoch = a.epoch;
        *ret_state = PLN_CUT_ENDED;
        return true;
    case FX_OWN_ABORT_COMMITTED: *ret_state = PLN_CUT_OPEN; return true;
    case FX_OWN_ABORT_AGAIN: return true;
    case FX_OWN_ABORT_INVALIDATE:
        if (!cut->fx->burn(cut->world, cut->e, &has_won, err))
            return false;
        if (has_won) {
            cut->result->epoch = cut->e + 2;
            *ret_state = PLN_CUT_ENDED;
        }
        return true;
    case FX_OWN_ABORT_FOREIGN: break;
    }
    return fx_fail(err, FX_E_STALE_EPOCH,
                   "group \"%s\" is %s at epoch %" PRId64 ": another operator (%s) owns it",
                   cut->group, fx_own_state_name(a.state), a.epoch, a.operator_name);
}

bool pln_cut_abort(struct pln_cutover *cut, int *ret_state, struct fx_err *err)
{
    int64_t began = pln_cut_now_ms(cut);
    for (;;) {
        bool ok = abort_once(cut, ret_state, err);
        if (ok && *ret_state != PLN_CUT_ABORT)
            return true;
        if (!ok && err->code == FX_E_STALE_EPOCH)
            return false;
        if (pln_cut_now_ms(cut) - began >= cut->opt->abort_ms)
            break;
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
    }
    struct fx_err why = *err;
    fx_fail(err, FX_E_STUCK, "could not learn from the losing side whether group \"%s\" committed",
            cut->group);
    fx_detail(err, "%s", why.message);
    return fx_hint(
        err, "Bring that database, or its synchronous standby, back and run " PLN_CUT_GO_ON ".");
}

/* --- resume ------------------------------------------------------------------------------------ */

static bool own_pair(struct pln_cutover *cut, struct fx_own *ret_a, struct fx_own *ret_b,
                     struct fx_err *err)
{
    /* Under lock: what a dead controller's server session is still doing comes first. */
    return cut->fx->own(cut->world, PLN_A, true, ret_a, err) &&
           cut->fx->own(cut->world, PLN_B, true, ret_b, err);
}

/* Turns A and B round so that `a_is_new` holds; the world follows through b_is_new. */
static bool settle_once(struct pln_cutover *cut, const struct fx_own_resume *plan,
                        bool *ret_settled, struct fx_err *err)
{
    int next = PLN_CUT_ABORT;
    bool a_is_new = !cut->b_is_new, has_won = false;
    switch (plan->action) {
    case FX_OWN_RESUME_ABORT:
        if (plan->is_new != a_is_new)
            return fx_fail(err, FX_E_STALE_EPOCH,
                           "group \"%s\" is fenced on the side that this run was to open: "
                           "another operator is at work",
                           cut->group);
        cut->e = plan->epoch;
        return pln_cut_abort(cut, &next, err);
    case FX_OWN_RESUME_OPEN:
        cut->e = plan->epoch - 2;
        if (plan->is_new == cut->b_is_new)
            return pln_cut_open_once(cut, plan->epoch, err);
        return fx_fail(err, FX_E_STALE_EPOCH,
                       "group \"%s\" was given away by the other side: resume in that direction",
                       cut->group);
    case FX_OWN_RESUME_SERVES:
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
    case FX_OWN_RESUME_STUCK: break;
    }
    return fx_fail(err, FX_E_STUCK, "group \"%s\": %s", cut->group, plan->why);
}

static bool settle_rows(struct pln_cutover *cut, bool *ret_new_serves, struct fx_err *err)
{
    int64_t began = pln_cut_now_ms(cut);
    for (;;) {
        struct fx_own a = {0}, b = {0};
        struct fx_own_resume plan = {0};
        bool is_settled = false;
        bool ok = own_pair(cut, &a, &b, err);
        if (ok) {
            plan = cut->b_is_new ? fx_own_resume_decide(&a, &b) : fx_own_resume_decide(&b, &a);
            ok = settle_once(cut, &plan, &is_settled, err);
        }
        if (ok && is_settled) {
            *ret_new_serves = plan.is_new;
            cut->result->epoch = cut->e;
            return true;
        }
        bool is_final = !ok && (err->code == FX_E_STALE_EPOCH || err->code == FX_E_STUCK ||
                                err->code == FX_E_DRIFT);
        bool is_late = pln_cut_now_ms(cut) - began >= cut->opt->abort_ms;
        if (is_late &&
            ok) /* every try was answered, and somebody else changed the rows in between */
            return fx_fail(err, FX_E_TIMEOUT,
                           "who owns group \"%s\" did not settle within %" PRId64 " ms", cut->group,
                           cut->opt->abort_ms);
        if (is_final || is_late)
            return false;
        fx_err_clear(err);
        cut->fx->sleep_ms(cut->world, PLN_CUT_RETRY_MS);
    }
}

bool pln_cutover_settle(struct pln_cutover *cut, struct fx_err *err)
{
    bool new_serves = false;
    pln_cut_reset(cut);
    cut->state = PLN_CUT_OPEN; /* journal failures are kept for the end */
    if (!settle_rows(cut, &new_serves, err)) {
        cut->result->outcome = PLN_CUT_UNSETTLED;
        return fx_ctx(err, "finishing what was begun with group \"%s\"", cut->group);
    }
    bool is_b = new_serves == cut->b_is_new;
    enum pln_place serves = is_b ? PLN_B : PLN_A;
    cut->result->new_serves = new_serves;
    cut->result->outcome = is_b ? PLN_CUT_COMMITTED : PLN_CUT_ABORTED;
    pln_cut_pass(cut, "resume", "settled");
    if (!pln_cut_route_all(cut, serves, cut->result->epoch, err)) {
        if (err->code != FX_E_STALE_EPOCH)
            fx_err_recode(err, FX_E_INTERRUPTED);
        return fx_ctx(err, "routing group \"%s\" after a resume", cut->group);
    }
    pln_cut_disarm(cut, serves, PLN_CUT_ROUTE);
    cut->e = cut->result->epoch - 2;
    if (fx_err_is(&cut->late)) {
        *err = cut->late;
        return false;
    }
    return true;
}
