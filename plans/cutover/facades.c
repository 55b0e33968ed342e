/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol's effects on the facades. Facades only shorten the pause that clients see: one that
 * cannot be reached before the commit aborts the cut-over, one that cannot be reached after it is
 * told later; correctness never depends on them.
 */
#include "plans/cutover/environment.h"

enum { FACADE_TIMEOUT_MS = 3000 };

bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err)
{
    if (!fcd_endpoint_read(&project->root, arena, ret, err))
        return false;
    ret->timeout_ms = FACADE_TIMEOUT_MS;
    return true;
}

static struct fcd_endpoint facade_at(struct pln_environment *en, size_t i)
{
    struct fcd_endpoint at = en->env->facades[i];
    int64_t limit_ms = en->opt->prepare_ms;
    if (at.timeout_ms <= 0 || at.timeout_ms > limit_ms)
        at.timeout_ms = limit_ms;
    return at;
}

static bool fail_in_facade(struct pln_environment *en, size_t i, struct fx_err *err)
{
    return fx_ctx(err, "asking the facade at %s", en->env->facades[i].address);
}

bool pln_env_facade_group(struct pln_environment *en, size_t facade, struct fcd_group_status *ret,
                          bool *ret_known, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_endpoint at = facade_at(en, facade);
    struct fcd_status *status = NULL;
    if (!fcd_control_status(&at, &arena, &status, err))
        return fail_in_facade(en, facade, err);
    *ret_known = false;
    *ret = (struct fcd_group_status){.can_move = true};
    for (size_t g = 0; g < status->n_groups && !*ret_known; g++) {
        ret->can_move = status->groups[g].can_move; /* as every group of this facade */
        if (strcmp(status->groups[g].group, en->sides.group) == 0) {
            *ret = status->groups[g];
            ret->group = en->sides.group; /* the arena ends here */
            *ret_known = true;
        }
    }
    return true;
}

bool pln_effect_prepare(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    for (size_t i = 0; i < en->env->n_facades; i++) {
        struct fcd_endpoint at = facade_at(en, i);
        if (!fcd_control_prepare(&at, en->sides.group, epoch, err))
            return fail_in_facade(en, i, err);
    }
    return true;
}

bool pln_effect_hold(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    for (size_t i = 0; i < en->env->n_facades; i++) {
        struct fcd_endpoint at = facade_at(en, i);
        if (!fcd_control_hold(&at, en->sides.group, epoch, en->opt->hold_ms, err))
            return fail_in_facade(en, i, err);
    }
    return true;
}

bool pln_effect_drained(void *arg, bool *ret, struct fx_err *err)
{
    struct pln_environment *en = arg;
    bool is_drained = true;
    for (size_t i = 0; i < en->env->n_facades && is_drained; i++) {
        struct fcd_group_status group = {0};
        bool is_known = false;
        if (!pln_env_facade_group(en, i, &group, &is_known, err))
            return false;
        if (!is_known || group.hold != FCD_HOLDING) {
            fx_fail(err, FX_E_FACADE,
                    "the facade no longer holds the writes of group \"%s\": the hold expired, or "
                    "the facade was restarted",
                    en->sides.group);
            return fail_in_facade(en, i, err);
        }
        is_drained = group.in_flight == 0;
    }
    *ret = is_drained;
    return true;
}

bool pln_effect_move(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    for (size_t i = 0; i < en->env->n_facades; i++) {
        struct fcd_endpoint at = facade_at(en, i);
        if (!fcd_control_move(&at, en->sides.group, epoch, err))
            return fail_in_facade(en, i, err);
    }
    return true;
}

/* Of several facades one may have a higher epoch, from another controller: the others count. */
bool pln_effect_release(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    bool ok = true;
    for (size_t i = 0; i < en->env->n_facades; i++) {
        struct fcd_endpoint at = facade_at(en, i);
        struct fx_err one = FX_ERR_INIT;
        if (fcd_control_release(&at, en->sides.group, epoch, &one))
            continue;
        if (ok || one.code != FX_E_STALE_EPOCH) {
            *err = one;
            (void)fail_in_facade(en, i, err);
        }
        ok = false;
    }
    return ok;
}

/*
 * Asks first: a switch to the old side resets the weights of reads, so a facade that already routes
 * as it should is only released (a resume after an abort in the middle of a canary).
 */
static bool route_one(struct pln_environment *en, size_t i, enum fcd_owner owner, int64_t epoch,
                      struct fx_err *err)
{
    struct fcd_endpoint at = facade_at(en, i);
    struct fcd_group_status group = {0};
    bool is_known = false;
    const char *name = en->sides.group;
    if (!pln_env_facade_group(en, i, &group, &is_known, err))
        return false;
    bool is_there =
        (!is_known && owner == FCD_OLD) || (is_known && group.owner == owner && !group.is_unknown);
    if (is_there && (!is_known || group.hold == FCD_OPEN))
        return true;
    bool ok = is_there ? fcd_control_release(&at, name, epoch, err)
                       : fcd_control_switch(&at, name, epoch, owner, err);
    return ok || fail_in_facade(en, i, err);
}

bool pln_effect_route(void *arg, enum pln_cut_side to, int64_t epoch, bool *ret_all,
                      struct fx_err *err)
{
    struct pln_environment *en = arg;
    bool is_new = (to == PLN_WINNING) == en->new_wins;
    bool *routed = en->routed, is_all = true, ok = true;
    for (size_t i = 0; i < en->env->n_facades; i++) {
        struct fx_err one = FX_ERR_INIT;
        if (!routed[i])
            routed[i] = route_one(en, i, is_new ? FCD_NEW : FCD_OLD, epoch, &one);
        if (!routed[i]) {
            *err = one;
            is_all = ok = false;
        }
    }
    *ret_all = is_all;
    return ok;
}
