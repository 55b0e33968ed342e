/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All groups and routes of a facade and the durable state behind them. A group exists when the
 * configuration has a context of its name, or when the facade was told of it (the state, or an
 * admin call).
 * Thread: the loop's.
 */
#ifndef FCD_GROUP_GROUPS_H
#define FCD_GROUP_GROUPS_H

#include "lib/base/vec.h"
#include "strangler/group/group.h"
#include "strangler/observe/stats.h"

struct fcd_route {
    const struct fcd_conf_route *conf;
    struct fcd_group *group;       /* NULL: the default route */
    size_t setting;                /* index in state.routes: weight, shadow */
    struct fcd_side_stats side[2]; /* by enum fcd_owner */
    struct fcd_shadow_stats shadow;
    struct fcd_exemplars exemplars;
    struct fx_series *requests[2][6]; /* by side and status class */
    struct fx_series *seconds[2];
};

struct fcd_groups {
    struct fcd_local *local;
    char *state_path;
    bool is_lost;           /* the state was missing at the start, although there had been one */
    struct fcd_state state; /* changed by admin/api, and by a group's deadline */
    struct fcd_hold_budget budget;
    FX_VEC(struct fcd_group *) list;
    struct fcd_route *routes;       /* as conf->routes */
    struct fcd_route default_route; /* of requests that no route takes; its group is NULL */
};

/* Reads the state, makes the groups and routes and applies
 * what the state says. Errors: IO, JOURNAL, LIMIT. */
bool fcd_groups_init(struct fcd_groups *groups, struct fcd_local *local,
                     struct fcd_upstream *upstreams, struct fx_err *err) FX_MUST_CHECK;
void fcd_groups_done(struct fcd_groups *groups);

struct fcd_group *fcd_groups_find(const struct fcd_groups *groups,
                                  const char *name); /* NULL: unknown */
/* The group of that name, made when the facade is told
 * of it for the first time; it must be in the state. */
struct fcd_group *fcd_groups_add(struct fcd_groups *groups, const char *name);
/* The state was replaced: every group of it exists and acts on it. */
void fcd_groups_apply(struct fcd_groups *groups);

static inline struct fcd_state_route *fcd_route_setting(const struct fcd_route *route)
{
    return &route->group->state->routes[route->setting];
}

#endif
