/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol's effects on the facades. They only make the cut-over painless: a facade that cannot be reached
 * before the commit is a reason to give up, after it one that is still told later, and never a danger.
 */
#include "plans/cutover/world.h"

enum { FACADE_TIMEOUT_MS = 3000 };

bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err)
{
    const struct fx_node *admin = fx_node_get(project->root.facade, "admin");
    const struct fx_node *address = fx_node_get(admin, "address");
    const struct fx_node *token = fx_node_get(admin, "token");
    *ret = (struct fcd_endpoint){.timeout_ms = FACADE_TIMEOUT_MS};
    if (address == NULL || address->kind != FX_NODE_SCALAR || address->text.len == 0) {
        fx_fail(err, FX_E_CONFIG, "%s: facade.admin.address is missing", project->path);
        return fx_hint(err, "Add  facade: {admin: {address: \"127.0.0.1:9901\"}}  to it.");
    }
    ret->address = address->text.ptr;
    return token == NULL || fx_secret_read(token, arena, &ret->token, err);
}

static struct fcd_endpoint facade_at(struct pln_world *real, size_t i)
{
    struct fcd_endpoint at = pln_world_env(real)->facades[i];
    int64_t limit_ms = pln_world_options(real)->prepare_ms;
    if (at.timeout_ms <= 0 || at.timeout_ms > limit_ms)
        at.timeout_ms = limit_ms;
    return at;
}

static bool in_facade(struct pln_world *real, size_t i, struct fx_err *err)
{
    return fx_ctx(err, "asking the facade at %s", pln_world_env(real)->facades[i].address);
}

bool pln_world_facade_group(struct pln_world *real, size_t facade, struct fcd_group_status *ret,
                            bool *ret_known, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_endpoint at = facade_at(real, facade);
    struct fcd_status *status = NULL;
    if (!fcd_control_status(&at, &arena, &status, err))
        return in_facade(real, facade, err);
    *ret_known = false;
    for (size_t g = 0; g < status->n_groups; g++)
        if (strcmp(status->groups[g].group, pln_world_sides(real)->group) == 0) {
            *ret = status->groups[g];
            ret->group = pln_world_sides(real)->group; /* the arena ends here */
            *ret_known = true;
        }
    return true;
}

bool pln_world_prepare(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    for (size_t i = 0; i < pln_world_env(real)->n_facades; i++) {
        struct fcd_endpoint at = facade_at(real, i);
        if (!fcd_control_prepare(&at, pln_world_sides(real)->group, epoch, err))
            return in_facade(real, i, err);
    }
    return true;
}

bool pln_world_hold(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    for (size_t i = 0; i < pln_world_env(real)->n_facades; i++) {
        struct fcd_endpoint at = facade_at(real, i);
        if (!fcd_control_hold(&at, pln_world_sides(real)->group, epoch,
                              pln_world_options(real)->hold_ms, err))
            return in_facade(real, i, err);
    }
    return true;
}

bool pln_world_drained(void *world, bool *ret, struct fx_err *err)
{
    struct pln_world *real = world;
    bool is_drained = true;
    for (size_t i = 0; i < pln_world_env(real)->n_facades && is_drained; i++) {
        struct fcd_group_status group = {0};
        bool is_known = false;
        if (!pln_world_facade_group(real, i, &group, &is_known, err))
            return false;
        if (!is_known || group.hold != FCD_HOLDING) {
            fx_fail(err, FX_E_FACADE, "the facade does not hold group \"%s\" any more",
                    pln_world_sides(real)->group);
            return in_facade(real, i, err);
        }
        is_drained = group.in_flight == 0;
    }
    *ret = is_drained;
    return true;
}

bool pln_world_release(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    bool ok = true;
    for (size_t i = 0; i < pln_world_env(real)->n_facades; i++) {
        struct fcd_endpoint at = facade_at(real, i);
        struct fx_err one = FX_ERR_INIT;
        if (!fcd_control_release(&at, pln_world_sides(real)->group, epoch, &one)) {
            *err = one;
            ok = in_facade(real, i, err);
        }
    }
    return ok;
}

/*
 * Asks first: a switch to the old side resets the weights of reads, so a facade that already routes as it should
 * is only released (a resume after an abort in the middle of a canary).
 */
static bool route_one(struct pln_world *real, size_t i, enum fcd_owner owner, int64_t epoch,
                      struct fx_err *err)
{
    struct fcd_endpoint at = facade_at(real, i);
    struct fcd_group_status group = {0};
    bool is_known = false;
    const char *name = pln_world_sides(real)->group;
    if (!pln_world_facade_group(real, i, &group, &is_known, err))
        return false;
    bool is_there = (!is_known && owner == FCD_OLD) || (is_known && group.owner == owner);
    if (is_there && (!is_known || group.hold == FCD_OPEN))
        return true;
    bool ok = is_there ? fcd_control_release(&at, name, epoch, err)
                       : fcd_control_switch(&at, name, epoch, owner, err);
    return ok || in_facade(real, i, err);
}

bool pln_world_route(void *world, enum pln_place to, int64_t epoch, bool *ret_all,
                     struct fx_err *err)
{
    struct pln_world *real = world;
    bool is_new = (to == PLN_B) == pln_world_b_is_new(real);
    bool *routed = pln_world_routed(real), is_all = true, ok = true;
    for (size_t i = 0; i < pln_world_env(real)->n_facades; i++) {
        struct fx_err one = FX_ERR_INIT;
        if (!routed[i])
            routed[i] = route_one(real, i, is_new ? FCD_NEW : FCD_OLD, epoch, &one);
        if (!routed[i]) {
            *err = one;
            is_all = ok = false;
        }
    }
    *ret_all = is_all;
    return ok;
}
