/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ficus route …`: shows and changes a running facade by hand, under the epochs that it knows. A
 * change takes the lock of the context: it is refused while another process has it, and possible
 * again as soon as that process has ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "lib/cli/print.h"
#include "lib/cli/table.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/units.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/sides.h"
#include "plans/run/lock.h"
#include "plans/plan.h"
#include "strangler/control.h"
#include "strangler/facade.h"

struct route_opts {
    bool execute, json, force;
    const char *weight, *shadow, *key;
    int64_t recheck_ms, hold_ms;
};

static const struct fx_opt list_options[] = {
    FX_OPT_FLAG(struct route_opts, json, "json", 0, "print JSON"), FX_OPT_END};
static const struct fx_opt explain_options[] = {
    FX_OPT_TEXT(
        struct route_opts, key, "key", 0, "TEXT",
        "value of the header or cookie that is the user's key: shows which side this user gets"),
    CMD_OPT_JSON(struct route_opts), FX_OPT_END};
static const struct fx_opt set_options[] = {
    FX_OPT_TEXT(struct route_opts, weight, "weight", 0, "P",
                "percentage of reads that go to the new side, for example 10%"),
    FX_OPT_TEXT(struct route_opts, shadow, "shadow", 0, "P",
                "percentage of reads that are shadowed, for example 100%"),
    FX_OPT_DURATION(struct route_opts, recheck_ms, "recheck", 0, "TIME",
                    "ask both sides again after this time before a difference counts", .def = "1s"),
    FX_OPT_FLAG(struct route_opts, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_END};
static const struct fx_opt hold_options[] = {
    FX_OPT_DURATION(struct route_opts, hold_ms, "for", 0, "TIME",
                    "release the writes after this time at the latest", .def = "25s"),
    FX_OPT_FLAG(struct route_opts, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_END};
static const struct fx_opt held_options[] = {
    FX_OPT_FLAG(
        struct route_opts, force, "force", 0,
        "also when no side is known to accept them: a cut-over that was interrupted holds them"),
    FX_OPT_FLAG(struct route_opts, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_END};
static const struct fx_opt release_options[] = {
    FX_OPT_FLAG(struct route_opts, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_END};

struct scene {
    struct fx_project *project;
    struct fcd_endpoint at;
    struct fcd_status *status;
};

static bool load(struct cmd_call *call, struct scene *ret, struct fx_err *err)
{
    return cmd_project_load(call, &ret->project, err) &&
           pln_endpoint_read(ret->project, call->arena, &ret->at, err) &&
           fcd_control_status(&ret->at, call->arena, &ret->status, err);
}

static const struct fcd_route_status *find_route(const struct fcd_status *status, const char *id)
{
    for (size_t i = 0; i < status->n_routes; i++)
        if (strcmp(status->routes[i].id, id) == 0)
            return &status->routes[i];
    return NULL;
}

static const struct fcd_group_status *find_group(const struct fcd_status *status, const char *name)
{
    for (size_t i = 0; i < status->n_groups; i++)
        if (strcmp(status->groups[i].group, name) == 0)
            return &status->groups[i];
    return NULL;
}

static const char *side_name(enum fcd_owner owner)
{
    return owner == FCD_NEW ? "new" : "old";
}

static void add_row(struct cmd_call *call, struct fx_grid *grid,
                    const struct fcd_route_status *route, const struct fcd_status *status)
{
    const struct fcd_group_status *group = find_group(status, route->group);
    const char *owner = group != NULL ? side_name(group->owner) : "?";
    fx_grid_row(grid, route->id, route->path, route->is_write ? "write" : "read", owner,
                fx_arena_printf(call->arena, "%g %%", route->weight_percent),
                fx_arena_printf(call->arena, "%g %%", route->shadow_percent),
                fx_arena_printf(call->arena, "%" PRId64, route->requests_old),
                fx_arena_printf(call->arena, "%" PRId64, route->errors_old),
                fx_arena_printf(call->arena, "%" PRId64, route->requests_new),
                fx_arena_printf(call->arena, "%" PRId64, route->errors_new));
}

static void write_route(struct fx_json_w *w, const struct fcd_route_status *route)
{
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "id", route->id);
    fx_json_w_kv_text(w, "group", route->group);
    fx_json_w_kv_text(w, "path", route->path);
    fx_json_w_kv_text(w, "kind", route->is_write ? "write" : "read");
    fx_json_w_kv_double(w, "weight_percent", route->weight_percent);
    fx_json_w_kv_double(w, "shadow_percent", route->shadow_percent);
    fx_json_w_kv_i64(w, "requests_old", route->requests_old);
    fx_json_w_kv_i64(w, "errors_old", route->errors_old);
    fx_json_w_kv_i64(w, "requests_new", route->requests_new);
    fx_json_w_kv_i64(w, "errors_new", route->errors_new);
    fx_json_w_kv_i64(w, "shadow_compared", route->shadow_compared);
    fx_json_w_kv_i64(w, "shadow_mismatch", route->shadow_mismatch);
    fx_json_w_end(w);
}

static void write_group(struct fx_json_w *w, const struct fcd_group_status *group)
{
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "group", group->group);
    fx_json_w_kv_text(w, "owner", group->is_unknown ? "unknown" : side_name(group->owner));
    fx_json_w_kv_i64(w, "epoch", group->epoch);
    fx_json_w_kv_bool(w, "holding", group->hold == FCD_HOLDING);
    fx_json_w_kv_i64(w, "held", group->held);
    fx_json_w_kv_i64(w, "hold_left_ms", group->hold_left_ms);
    fx_json_w_end(w);
}

static void print_json(const struct fcd_status *status)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4 << 20);
    struct fx_json_w w;
    fx_json_w_init(&w, &out);
    fx_json_w_object(&w);
    fx_json_w_key(&w, "routes");
    fx_json_w_array(&w);
    for (size_t i = 0; i < status->n_routes; i++)
        write_route(&w, &status->routes[i]);
    fx_json_w_end(&w);
    fx_json_w_key(&w, "groups");
    fx_json_w_array(&w);
    for (size_t i = 0; i < status->n_groups; i++)
        write_group(&w, &status->groups[i]);
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    fx_buf_add_char(&out, '\n');
    fx_print_text(fx_buf_str(&out));
}

static bool run_list(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opt = call->options;
    struct scene scene;
    if (!load(call, &scene, err))
        return false;
    const struct fcd_status *status = scene.status;
    if (opt->json) {
        print_json(status);
        return true;
    }
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    FX_AUTO(fx_grid) struct fx_grid grid;
    fx_grid_init(&grid, "route", "path", "kind", "owner", "new", "shadow", "old-requests",
                 "old-errors", "new-requests", "new-errors", NULL);
    for (size_t i = 0; i < status->n_routes; i++)
        add_row(call, &grid, &status->routes[i], status);
    fx_grid_render(&grid, &out);
    for (size_t i = 0; i < status->n_groups; i++)
        if (status->groups[i].is_unknown)
            fx_buf_printf(&out,
                          "group %s: the facade does not know which side owns it; reads go to the "
                          "%s side, writes get 503. Tell it: ficus route sync %s --execute, or "
                          "finish the cut-over that was interrupted: ficus run resume\n",
                          status->groups[i].group, side_name(status->groups[i].owner),
                          status->groups[i].group);
    for (size_t i = 0; i < status->n_groups; i++)
        if (status->groups[i].hold == FCD_HOLDING)
            fx_buf_printf(&out, "group %s holds %" PRId64 " writes; %.1f s left\n",
                          status->groups[i].group, status->groups[i].held,
                          (double)status->groups[i].hold_left_ms / 1000);
    fx_print_text(fx_buf_str(&out));
    return true;
}

static void explain_live(struct cmd_call *call, const struct fcd_explained *e, struct fx_buf *out)
{
    struct scene scene;
    struct fx_err ignored = FX_ERR_INIT;
    if (!load(call, &scene, &ignored)) {
        fx_buf_printf(out, "facade   could not be asked: %s\n", ignored.message);
        return;
    }
    const struct fcd_group_status *group = find_group(scene.status, e->group);
    const struct fcd_route_status *route = find_route(scene.status, e->route);
    if (group == NULL || route == NULL) {
        fx_buf_add_c(out,
                     "facade   does not know this route: it runs with another project file, or was "
                     "started before the route was added; restart it\n");
        return;
    }
    fx_buf_printf(out, "owner    %s, epoch %" PRId64 "\n",
                  group->is_unknown ? "unknown" : side_name(group->owner), group->epoch);
    if (e->is_write && group->is_unknown) {
        fx_buf_printf(out,
                      "goes to  no side: 503 until the facade is told the owner: ficus route sync "
                      "%s --execute\n",
                      group->group);
        return;
    }
    if (e->is_write || group->owner == FCD_NEW) {
        fx_buf_printf(out, "goes to  %s%s\n", group->owner == FCD_NEW ? e->new_side : e->old_side,
                      e->is_write && group->hold == FCD_HOLDING ? ", after the hold" : "");
        return;
    }
    fx_buf_printf(out, "weight   %g %% of the users go to %s\n", route->weight_percent,
                  e->new_side);
    if (e->key_percent >= 0)
        fx_buf_printf(out, "goes to  %s\n",
                      e->key_percent < route->weight_percent ? e->new_side : e->old_side);
}

/* What the facade says, null where it could not be asked or does not know the route. */
static void explain_live_json(struct cmd_call *call, const struct fcd_explained *e,
                              struct fx_json_w *w)
{
    struct scene scene;
    struct fx_err ignored = FX_ERR_INIT;
    const struct fcd_group_status *group = NULL;
    const struct fcd_route_status *route = NULL;
    const char *goes_to = NULL;
    if (e->route != NULL && load(call, &scene, &ignored)) {
        group = find_group(scene.status, e->group);
        route = find_route(scene.status, e->route);
    }
    bool is_known = group != NULL && route != NULL && !group->is_unknown;
    if (e->route == NULL)
        goes_to = e->old_side;
    else if (is_known && (e->is_write || group->owner == FCD_NEW))
        goes_to = group->owner == FCD_NEW ? e->new_side : e->old_side;
    else if (is_known && e->key_percent >= 0)
        goes_to = e->key_percent < route->weight_percent ? e->new_side : e->old_side;
    fx_json_w_kv_text(w, "owner", is_known ? side_name(group->owner) : NULL);
    fx_json_w_key(w, "epoch");
    is_known ? fx_json_w_i64(w, group->epoch) : fx_json_w_null(w);
    fx_json_w_key(w, "weight_percent");
    is_known ? fx_json_w_double(w, route->weight_percent) : fx_json_w_null(w);
    fx_json_w_kv_text(w, "goes_to", goes_to);
}

static void print_explain_json(struct cmd_call *call, const struct fcd_explained *e)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "method", call->words[0]);
    fx_json_w_kv_text(&json.w, "path", e->path);
    fx_json_w_kv_text(&json.w, "route", e->route);
    fx_json_w_kv_text(&json.w, "pattern", e->route != NULL ? e->pattern : NULL);
    fx_json_w_kv_text(&json.w, "group", e->route != NULL ? e->group : NULL);
    fx_json_w_kv_text(&json.w, "kind", e->route == NULL ? NULL : e->is_write ? "write" : "read");
    fx_json_w_kv_text(&json.w, "old", e->old_side);
    fx_json_w_kv_text(&json.w, "new", e->new_side);
    explain_live_json(call, e, &json.w);
    cmd_json_print(&json);
}

static bool run_explain(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    struct fcd_explained e;
    if (!fcd_facade_explain(call->project_path, call->words[0], call->words[1], opts->key,
                            call->arena, &e, err))
        return false;
    if (opts->json) {
        print_explain_json(call, &e);
        return true;
    }
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64 * 1024);
    fx_buf_printf(&out, "request  %s %s\n", call->words[0], e.path);
    if (e.route == NULL) {
        fx_buf_printf(&out, "route    none\ngoes to  %s (the default)\n", e.old_side);
    } else {
        fx_buf_printf(&out, "route    %s  %s  (%s)\ngroup    %s: old %s, new %s\n", e.route,
                      e.pattern,
                      e.is_write ? "write: follows the owner"
                      : e.is_odd ? "read in another spelling: at the owner"
                                 : "read: split by weight",
                      e.group, e.old_side, e.new_side);
        if (e.key_percent >= 0 && !e.is_write)
            fx_buf_printf(&out, "key      goes to the new side from a weight of %.2f %% on\n",
                          e.key_percent);
        explain_live(call, &e, &out);
    }
    fx_print_text(fx_buf_str(&out));
    return true;
}

static bool say_dry(const struct route_opts *opts)
{
    if (!opts->execute)
        fx_print("nothing was changed; add --execute to make the change\n");
    return !opts->execute;
}

/* A rehearsal's canary belongs to the context of the same name without the suffix. */
static const char *context_of(struct cmd_call *call, const char *group)
{
    static const char suffix[] = ".canary";
    size_t len = strlen(group), tail = sizeof suffix - 1;
    bool is_canary = len > tail && strcmp(group + len - tail, suffix) == 0;
    return fx_arena_printf(call->arena, "%.*s", (int)(is_canary ? len - tail : len), group);
}

/* Databases that cannot be asked refuse nothing here: a hold must end without them as well. */
static bool check_holder(struct cmd_call *call, const struct scene *scene, const char *context,
                         struct fx_err *err)
{
    const struct fx_context *ctx = fx_project_context(scene->project, context);
    const char *what = fx_arena_printf(call->arena, "route %s", call->cmd->verb);
    if (ctx == NULL || (fx_controller_take(scene->project, what, "", call->arena, err) &&
                        fx_holder_check(ctx, err)))
        return true;
    if (err->code == FX_E_STALE_EPOCH)
        return false;
    fx_err_clear(err);
    return true;
}

/* The controller's epoch is that of all contexts. */
static bool check_holders(struct cmd_call *call, const struct scene *scene, struct fx_err *err)
{
    for (size_t i = 0; i < scene->project->n_contexts; i++)
        if (!check_holder(call, scene, scene->project->contexts[i].name, err))
            return false;
    return true;
}

static bool take_group(struct cmd_call *call, const struct scene *scene, const char *group,
                       struct fx_flock **ret_lock, struct fx_err *err)
{
    const char *context = context_of(call, group);
    const char *what = fx_arena_printf(call->arena, "route %s", call->cmd->verb);
    return check_holder(call, scene, context, err) &&
           pln_lock_context(scene->project->state_dir, context, what, ret_lock, err);
}

/* NULL: not asked for, *ret stays -1. */
static bool read_percent(const char *name, const char *text, double *ret, struct fx_err *err)
{
    *ret = -1;
    return text == NULL || fx_units_percent(fx_str_from(text), ret) ||
           fx_fail(err, FX_E_USAGE, "--%s is a percentage from 0%% to 100%%, not \"%s\"", name,
                   text);
}

static bool apply(struct cmd_call *call, const struct scene *scene,
                  const struct fcd_route_status *route, double weight, double shadow,
                  struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    int64_t epoch = scene->status->controller_epoch; /* that of the run that was, not above it */
    struct fx_flock *lock = NULL;
    if (!take_group(call, scene, route->group, &lock, err))
        return false;
    bool ok = (weight < 0 || fcd_control_weight(&scene->at, epoch, route->id, weight, err)) &&
              (shadow < 0 ||
               fcd_control_shadow(&scene->at, epoch, route->id, shadow, opts->recheck_ms, err));
    fx_flock_release(lock);
    return ok;
}

/* Said before the change is: nothing of it will happen. */
static bool refuse_write(const struct fcd_route_status *route, struct fx_err *err)
{
    (void)fx_fail(err, FX_E_USAGE,
                  "cannot set route \"%s\" by hand: it carries writes, which all go to the owner",
                  route->id);
    return fx_hint(
        err,
        "A cut-over moves the writes. Run: ficus cutover start --context %s   (a dry run; "
        "then add --execute --confirm=%s)",
        route->group, route->group);
}

static bool run_set(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    struct scene scene = {0};
    const char *id = call->words[0];
    double weight, shadow;
    if (!read_percent("weight", opts->weight, &weight, err) ||
        !read_percent("shadow", opts->shadow, &shadow, err))
        return false;
    if (weight < 0 && shadow < 0)
        return fx_fail(err, FX_E_USAGE, "nothing to set: give --weight P or --shadow P") ||
               fx_hint(err, "For example: ficus route set %s --weight 10%%", id);
    if (!load(call, &scene, err))
        return false;
    const struct fcd_route_status *route = find_route(scene.status, id);
    if (route == NULL) {
        fx_fail(err, FX_E_USAGE, "the facade has no route \"%s\"", id);
        return fx_hint(err, "Run: ficus route list");
    }
    if (route->is_write)
        return refuse_write(route, err);
    if (weight >= 0)
        fx_print("%s: weight of the new side %g %% -> %g %%\n", id, route->weight_percent, weight);
    if (shadow >= 0)
        fx_print("%s: shadow %g %% -> %g %%\n", id, route->shadow_percent, shadow);
    return say_dry(opts) || apply(call, &scene, route, weight, shadow, err);
}

/* NULL with *err filled: the facade cannot be asked, or has no such group. */
static const struct fcd_group_status *need_group(struct cmd_call *call, struct scene *scene,
                                                 struct fx_err *err)
{
    if (!load(call, scene, err))
        return NULL;
    const struct fcd_group_status *group = find_group(scene->status, call->words[0]);
    if (group == NULL)
        (void)(fx_fail(err, FX_E_USAGE, "the facade has no group \"%s\"", call->words[0]) ||
               fx_hint(
                   err,
                   "A group is named as its context in ficus.yaml, which ficusd reads only when "
                   "it starts: if the context was added since, restart it after: ficusd "
                   "-f ficus.yaml --check"));
    return group;
}

static bool run_hold(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    struct scene scene = {0};
    if (opts->hold_ms < 1 || opts->hold_ms > FCD_HOLD_MAX_MS)
        return fx_fail(err, FX_E_USAGE, "--for must be between 1 ms and 1 h, not %" PRId64 " ms",
                       opts->hold_ms);
    const struct fcd_group_status *group = need_group(call, &scene, err);
    if (group == NULL)
        return false;
    fx_print("%s: hold its writes for at most %.1f s (epoch %" PRId64 ")\n", group->group,
             (double)opts->hold_ms / 1000, group->epoch);
    struct fx_flock *lock = NULL;
    if (say_dry(opts))
        return true;
    bool ok = take_group(call, &scene, group->group, &lock, err) &&
              fcd_control_hold(&scene.at, group->group, group->epoch, opts->hold_ms, err);
    fx_flock_release(lock);
    return ok;
}

static bool is_absent(const struct fx_own_look *look)
{
    return look->presence == FX_OWN_NO_TABLE || look->presence == FX_OWN_NO_ROW;
}

/* *ret: the side that accepts writes, and since which epoch. */
static bool read_owner(const struct fx_context *ctx, enum fcd_owner *ret, int64_t *ret_epoch,
                       struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    *ret = FCD_OLD;
    *ret_epoch = 0;
    if (!fx_own_look_both(ctx, &old_look, &new_look, err))
        return false;
    if (is_absent(&old_look) && is_absent(&new_look)) /* no writer was ever refused anywhere */
        return true;
    if (!fx_own_require_both(ctx, &old_look, &new_look, err))
        return false;
    struct fx_own old_side = old_look.own, new_side = new_look.own;
    struct fx_own_resume what = fx_own_resume_decide(&old_side, &new_side);
    if (what.action == FX_OWN_RESUME_SERVES) {
        *ret = what.is_new ? FCD_NEW : FCD_OLD;
        *ret_epoch = what.epoch;
        return true;
    }
    if (what.action == FX_OWN_RESUME_STUCK)
        return fx_fail(
                   err, FX_E_STUCK,
                   "the ownership rows of context \"%s\" contradict each other: %s (old is %s at "
                   "epoch %" PRId64 ", new is %s at epoch %" PRId64 ")",
                   ctx->name, what.why, fx_own_state_name(old_side.state), old_side.epoch,
                   fx_own_state_name(new_side.state), new_side.epoch) ||
               fx_hint(err,
                       "A database was restored from a backup, or ficus.own was changed by hand. "
                       "Stop all writes of the context and restore that database. Then run this "
                       "command again.");
    fx_fail(err, FX_E_DRIFT, "no side of context \"%s\" accepts writes: old is %s, new is %s",
            ctx->name, fx_own_state_name(old_side.state), fx_own_state_name(new_side.state));
    return fx_hint(
        err,
        "A cut-over is unfinished. Finish it, which also tells the facade: ficus run resume"
        "   or: ficus cutover %s --context %s --execute --confirm=%s",
        fx_own_finisher(&old_side, &new_side), ctx->name, ctx->name);
}

static bool fail_release(const char *group, const struct fx_err *why, struct fx_err *err)
{
    (void)fx_fail(err, why->code,
                  "the held writes of group \"%s\" may have no side that takes them: %.240s", group,
                  why->message);
    return fx_hint(
        err,
        "A cut-over that was interrupted holds them; its run releases them: ficus run "
        "resume. To send them now all the same: ficus route release %s --execute --force",
        group);
}

/* A cut-over that was interrupted may have closed the side to which the writes would go. */
static bool may_release(const struct scene *scene, const struct fcd_group_status *group,
                        struct fx_err *err)
{
    enum fcd_owner owner = FCD_OLD;
    int64_t epoch = 0;
    struct fx_err why = FX_ERR_INIT;
    const struct fx_context *ctx = NULL;
    for (size_t i = 0; i < scene->project->n_contexts; i++)
        if (strcmp(scene->project->contexts[i].name, group->group) == 0)
            ctx = &scene->project->contexts[i];
    if (ctx == NULL || (group->hold != FCD_HOLDING && !group->is_unknown))
        return true;
    if (!read_owner(ctx, &owner, &epoch, &why))
        return fail_release(group->group, &why, err);
    if (owner == group->owner)
        return true;
    (void)fx_fail(
        err, FX_E_DRIFT,
        "the %s side of context \"%s\" accepts writes, and the facade would send them to the "
        "%s side",
        side_name(owner), ctx->name, side_name(group->owner));
    return fx_hint(err,
                   "Tell the facade first, which also releases them: ficus route sync %s --execute",
                   ctx->name);
}

/* It would send the held writes to no side: only a switch tells the facade an owner. */
static bool fail_lost(struct cmd_call *call, const struct fcd_group_status *group,
                      struct fx_err *err)
{
    const char *context = context_of(call, group->group);
    (void)fx_fail(err, FX_E_DRIFT,
                  "cannot release group \"%s\": the facade has lost its state and does not know "
                  "to which side",
                  group->group);
    if (strcmp(context, group->group) != 0)
        return fx_hint(err,
                       "The next rehearsal tells it: ficus cutover rehearse --context %s "
                       "--execute",
                       context);
    return fx_hint(err, "Tell it what both databases say: ficus route sync %s --execute", context);
}

static bool run_release(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    struct scene scene = {0};
    const struct fcd_group_status *group = need_group(call, &scene, err);
    if (group == NULL)
        return false;
    if (group->is_unknown && !group->is_moving)
        return fail_lost(call, group, err);
    fx_print("%s: send %" PRId64 " held writes to the %s side (epoch %" PRId64 ")\n", group->group,
             group->held, side_name(group->owner), group->epoch);
    struct fx_flock *lock = NULL;
    if (say_dry(opts))
        return true;
    bool ok = take_group(call, &scene, group->group, &lock, err) &&
              (opts->force || may_release(&scene, group, err)) &&
              fcd_control_release(&scene.at, group->group, group->epoch, err);
    fx_flock_release(lock);
    return ok;
}

/* "controller", or a group. The present epoch goes along: a late command changes nothing. */
static bool run_epoch(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    struct scene scene = {0};
    const char *name = call->words[0];
    int64_t epoch;
    if (!fx_units_int(fx_str_from(call->words[1]), &epoch) || epoch < 0)
        return fx_fail(err, FX_E_USAGE, "an epoch is a whole number of at least 0, not \"%s\"",
                       call->words[1]);
    bool is_controller = strcmp(name, "controller") == 0;
    const struct fcd_group_status *group = NULL;
    if (is_controller ? !load(call, &scene, err) : (group = need_group(call, &scene, err)) == NULL)
        return false;
    int64_t known = is_controller ? scene.status->controller_epoch : group->epoch;
    fx_print("%s: epoch %" PRId64 " -> %" PRId64 "; owner and hold stay\n", name, known, epoch);
    if (say_dry(opts))
        return true;
    struct fx_flock *lock = NULL;
    bool ok = (is_controller ? check_holders(call, &scene, err)
                             : take_group(call, &scene, name, &lock, err)) &&
              fcd_control_repair(&scene.at, is_controller ? NULL : name, known, epoch, err);
    fx_flock_release(lock);
    return ok;
}

/* --- sync ------------------------------------------------------------------------------------- */

static const char *doubt_of(const struct fcd_group_status *group)
{
    if (group->is_unknown)
        return ", and does not know that it is so";
    if (group->is_moving)
        return ", and holds its writes for a cut-over that was about to commit";
    return "";
}

/* To the owner that the facade has already: ends a hold and a doubt, and leaves the weights. */
static bool tell_owner(const struct scene *scene, const struct fcd_group_status *group,
                       const char *name, enum fcd_owner owner, int64_t epoch, struct fx_err *err)
{
    bool ok = fcd_control_switch(&scene->at, name, epoch, owner, err);
    if (ok || err->code != FX_E_STALE_EPOCH || group == NULL || group->epoch <= epoch)
        return ok;
    return fx_hint(
        err,
        "The databases have a lower epoch: one of them failed over or was restored. Finish "
        "the cut-over that was interrupted, which tells the facade: ficus run resume, or "
        "the same ficus cutover command again. If there was none: ficus route epoch %s "
        "%" PRId64 " --execute, then this command again.",
        name, epoch);
}

static bool sync_one(struct cmd_call *call, const struct scene *scene, const struct fx_context *ctx,
                     struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    const struct fcd_group_status *group = find_group(scene->status, ctx->name);
    enum fcd_owner owner = FCD_OLD;
    int64_t epoch = 0;
    struct fx_flock *lock = NULL;
    if (!read_owner(ctx, &owner, &epoch, err))
        return false;
    fx_print("%s: the %s side owns it at epoch %" PRId64 "; ", ctx->name, side_name(owner), epoch);
    if (group == NULL)
        fx_print("the facade does not know the group\n");
    else
        fx_print("the facade has the %s side at epoch %" PRId64 "%s\n", side_name(group->owner),
                 group->epoch, doubt_of(group));
    bool is_sure = group != NULL && !group->is_unknown && !group->is_moving;
    if (!opts->execute || (is_sure && group->owner == owner))
        return true;
    bool ok = pln_lock_context(scene->project->state_dir, ctx->name, "route sync", &lock, err) &&
              tell_owner(scene, group, ctx->name, owner, epoch, err);
    fx_flock_release(lock);
    return ok;
}

/* The epoch is that of the databases: a facade in the middle of a cut-over has a higher one. */
static bool run_sync(struct cmd_call *call, struct fx_err *err)
{
    const struct route_opts *opts = call->options;
    struct scene scene = {0};
    if (!load(call, &scene, err))
        return false;
    struct fx_context *only = NULL;
    if (call->n_words > 0 && !cmd_context(call, scene.project, call->words[0], &only, err))
        return false;
    for (size_t i = 0; i < scene.project->n_contexts; i++) {
        const struct fx_context *ctx = &scene.project->contexts[i];
        if ((only == NULL || only == ctx) && !sync_one(call, &scene, ctx, err))
            return false;
    }
    (void)say_dry(opts);
    return true;
}

#define ROUTE_CMD(verb_, words_, n_words, options_, run_, ...)                                    \
    {                                                                                             \
        .noun = "route", .verb = (verb_), .words = (words_), .words_min = (n_words),              \
        .words_max = (n_words), .options = (options_), .options_size = sizeof(struct route_opts), \
        .run = (run_), __VA_ARGS__                                                                \
    }

const struct cmd cmd_route[] = {
    ROUTE_CMD("list", NULL, 0, list_options, run_list,
              .summary = "routes of the running facade: owner, weight, shadow, requests, errors"),
    ROUTE_CMD("explain", "METHOD PATH", 2, explain_options, run_explain,
              .summary = "which route takes a request, and where it goes now"),
    ROUTE_CMD("set", "ROUTE", 1, set_options, run_set,
              .summary = "set a route's weight or shadow by hand"),
    ROUTE_CMD("hold", "GROUP", 1, hold_options, run_hold,
              .summary = "hold the writes of a group until they are released or a deadline passes"),
    ROUTE_CMD("release", "GROUP", 1, held_options, run_release,
              .summary = "send the held writes of a group to its owner"),
    ROUTE_CMD("epoch", "GROUP EPOCH", 2, release_options, run_epoch,
              .summary =
                  "tell the facade a group's epoch (or that of the controller), when it knows a "
                  "wrong one"),
    {.noun = "route",
     .verb = "sync",
     .words = "[CONTEXT]",
     .words_max = 1,
     .options = release_options,
     .options_size = sizeof(struct route_opts),
     .run = run_sync,
     .summary = "tell the facade which side owns each context, as both databases say"},
    CMD_END};
