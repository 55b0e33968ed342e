/* SPDX-License-Identifier: Apache-2.0 */
/* Builds groups and routes from the configuration and the durable state. */
#include "strangler/group/groups.h"

#include "lib/base/alloc.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

struct fcd_group *fcd_groups_find(const struct fcd_groups *groups, const char *name)
{
    for (size_t i = 0; i < groups->list.len; i++)
        if (strcmp(groups->list.items[i]->name, name) == 0)
            return groups->list.items[i];
    return NULL;
}

struct fcd_group *fcd_groups_add(struct fcd_groups *groups, const char *name)
{
    struct fcd_group *group = fcd_groups_find(groups, name);
    if (group != NULL)
        return group;
    group = FX_NEW(struct fcd_group);
    fcd_group_init(group, groups->local, &groups->state, &groups->budget, name);
    FX_VEC_PUSH(&groups->list, group);
    return group;
}

void fcd_groups_apply(struct fcd_groups *groups)
{
    for (size_t i = 0; i < groups->state.n_groups; i++)
        fcd_group_apply(fcd_groups_add(groups, groups->state.groups[i].name));
}

static bool open_state(struct fcd_groups *groups, struct fx_err *err)
{
    const struct fcd_config *conf = groups->local->conf;
    const char *dir = conf->state_dir;
    groups->state_path = fx_asprintf("%s/facade.json", dir);
    groups->is_lost = !fx_file_exists(groups->state_path) &&
                      (conf->is_state_required || fcd_state_has_served(groups->state_path));
    return fx_dir_make(dir, err) && fcd_state_load(groups->state_path, &groups->state, err);
}

/* The state remembers every group and route it was ever
 * told of: what the file names now must still fit in. */
static bool check_room(struct fcd_groups *groups, struct fx_err *err)
{
    const struct fcd_config *conf = groups->local->conf;
    struct fcd_state *state = &groups->state;
    const char *missing = NULL;
    for (size_t i = 0; i < conf->n_contexts && missing == NULL; i++)
        if (fcd_state_group(state, conf->contexts[i].name) == SIZE_MAX)
            missing = conf->contexts[i].name;
    for (size_t i = 0; i < conf->n_routes && missing == NULL; i++)
        if (fcd_state_route(state, conf->routes[i].id) == SIZE_MAX)
            missing = conf->routes[i].id;
    if (missing == NULL)
        return true;
    fx_fail(err, FX_E_LIMIT,
            "context or route \"%s\" cannot be added to the facade's state \"%s\": it has %zu "
            "groups (at most %d) and %zu routes (at most %d)",
            missing, groups->state_path, state->n_groups, FCD_GROUPS_MAX, state->n_routes,
            FCD_ROUTES_MAX);
    return fx_hint(err, "Remove from that state file the groups and routes that ficus.yaml no "
                        "longer names. Then run: ficusd -f ficus.yaml");
}

static void add_series(struct fcd_groups *groups, struct fcd_route *route)
{
    struct fx_metrics *metrics = groups->local->shared->metrics;
    for (int side = 0; side < 2; side++)
        route->seconds[side] = fx_metric(metrics, FCD_MT_SECONDS, route->conf->id,
                                         fcd_owner_name((enum fcd_owner)side));
}

/* Nothing is saved: a restart finds the same. */
static void say_unknown(struct fcd_group *group)
{
    fcd_group_own(group)->is_unknown = true;
    fx_log(FX_LOG_ERROR, "strangler", group->name,
           "the state that says which side owns this group is missing: reads go to the old side, "
           "writes get 503 until the facade is told (ficus route sync --execute)",
           NULL);
}

static void add_contexts(struct fcd_groups *groups, struct fcd_upstream *upstreams)
{
    const struct fcd_config *conf = groups->local->conf;
    for (size_t i = 0; i < conf->n_contexts; i++) {
        const struct fcd_conf_context *ctx = &conf->contexts[i];
        struct fcd_group *group = fcd_groups_add(groups, ctx->name);
        group->conf = ctx;
        if (groups->is_lost)
            say_unknown(group);
        if (ctx->old_upstream != SIZE_MAX)
            group->side[FCD_OLD] = &upstreams[ctx->old_upstream];
        if (ctx->new_upstream != SIZE_MAX)
            group->side[FCD_NEW] = &upstreams[ctx->new_upstream];
    }
}

static void add_routes(struct fcd_groups *groups)
{
    static const struct fcd_conf_route unrouted = {.id = "default", .path = "/**"};
    const struct fcd_config *conf = groups->local->conf;
    groups->routes = fx_alloc_array(conf->n_routes, sizeof *groups->routes);
    for (size_t i = 0; i < conf->n_routes; i++) {
        struct fcd_route *route = &groups->routes[i];
        route->conf = &conf->routes[i];
        route->group = fcd_groups_find(groups, conf->contexts[route->conf->context].name);
        route->setting = fcd_state_route(&groups->state, route->conf->id);
        add_series(groups, route);
    }
    groups->default_route.conf = &unrouted;
    add_series(groups, &groups->default_route);
}

bool fcd_groups_init(struct fcd_groups *groups, struct fcd_local *local,
                     struct fcd_upstream *upstreams, struct fx_err *err)
{
    groups->local = local;
    if (!open_state(groups, err) || !check_room(groups, err))
        return false;
    add_contexts(groups, upstreams);
    add_routes(groups);
    fcd_groups_apply(groups);
    return true;
}

void fcd_groups_done(struct fcd_groups *groups)
{
    for (size_t i = 0; i < groups->list.len; i++) {
        fcd_group_done(groups->list.items[i]);
        free(groups->list.items[i]);
    }
    FX_VEC_DONE(&groups->list);
    for (size_t i = 0; groups->routes != NULL && i < groups->local->conf->n_routes; i++)
        free(groups->routes[i].exemplars.items);
    free(groups->routes);
    fcd_state_done(&groups->state);
    free(groups->state_path);
}
