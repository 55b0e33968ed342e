/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and commands to the facade that several actions share. */
#include "lib/ownership/sides.h"
#include "plans/steps/context.h"

static bool facade_status(struct pln_action_ctx *ac, struct fx_arena *arena,
                          struct fcd_status **ret, struct fx_err *err)
{
    if (fcd_control_status(&ac->facade, arena, ret, err))
        return true;
    if (err->code == FX_E_FACADE_CONNECT && err->hint[0] == '\0')
        fx_hint(err, "Start the facade: ficusd -f %s", ac->env->project->path);
    return fx_ctx(err, "asking the facade at %s", ac->facade.address);
}

bool pln_action_facade_epoch(void *arg, int64_t *ret_epoch, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    if (!facade_status(ac, &arena, &status, err))
        return false;
    *ret_epoch = status->controller_epoch;
    return true;
}

bool pln_action_group_epoch(struct pln_action_ctx *ac, int64_t *ret_epoch, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    if (!facade_status(ac, &arena, &status, err))
        return false;
    const char *canary = fx_sides_canary_group(ac->ctx, &arena);
    *ret_epoch = 1;
    for (size_t i = 0; i < status->n_groups; i++) {
        const struct fcd_group_status *group = &status->groups[i];
        if (strcmp(group->group, ac->ctx->name) == 0 || strcmp(group->group, canary) == 0)
            *ret_epoch = FX_MAX(*ret_epoch, group->epoch);
    }
    return true;
}

void pln_action_set_epoch(void *arg, int64_t epoch)
{
    struct pln_action_ctx *ac = arg;
    ac->epoch = epoch;
    ac->has_claimed = false;
}

bool pln_action_claim(struct pln_action_ctx *ac, struct fx_err *err)
{
    if (ac->has_claimed)
        return true;
    if (!fcd_control_claim(&ac->facade, ac->epoch, err))
        return fx_ctx(err, "claiming control of the facade at %s", ac->facade.address);
    ac->has_claimed = true;
    return true;
}
