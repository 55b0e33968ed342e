/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of calls. Every call that changes something does the same: parse, apply to a copy of
 * the state, save the copy, make it the state, let the groups act. An error before the copy is
 * saved leaves everything as it was.
 */
#include "strangler/admin/api.h"

#include "lib/base/alloc.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/suggest.h"
#include "lib/io/failpoint.h"
#include "lib/log/log.h"
#include "lib/obs/prom_text.h"
#include "strangler/conf/read.h"

struct change {
    struct fcd_groups *groups;
    struct fcd_state next; /* the copy */
    char name[FCD_NAME_MAX + 1];
    const struct fx_json *body;
};
typedef bool (*change_fn)(struct change *change, struct fx_err *err);

static const char see_protocol[] =
    "The commands ficus route and ficus cutover make these calls rightly. By "
    "hand: docs/protocols/admin.md describes each call.";

static bool need_epoch(const struct change *change, int64_t *ret_epoch, struct fx_err *err)
{
    if (fx_json_i64(fx_json_get(change->body, "epoch"), ret_epoch) && *ret_epoch >= 0)
        return true;
    fx_fail(err, FX_E_FACADE,
            "the body of the admin call has no \"epoch\" that is a whole number of at least 0");
    return fx_hint(err, "%s", see_protocol);
}

static bool need_percent(const struct change *change, double *ret_percent, struct fx_err *err)
{
    double percent = -1;
    if (!fx_json_double(fx_json_get(change->body, "percent"), &percent) || !(percent >= 0) ||
        percent > 100) {
        fx_fail(err, FX_E_FACADE,
                "the body of the admin call for route \"%s\" has no \"percent\" between 0 and 100",
                change->name);
        return fx_hint(err, "%s", see_protocol);
    }
    *ret_percent = percent;
    return true;
}

static bool take_controller(struct change *change, struct fx_err *err)
{
    int64_t epoch;
    if (!need_epoch(change, &epoch, err))
        return false;
    if (epoch < change->next.controller_epoch) {
        fx_fail(err, FX_E_STALE_EPOCH,
                "the facade refused a request of controller epoch %lld: a later controller, of "
                "epoch %lld, has it now",
                (long long)epoch, (long long)change->next.controller_epoch);
        return fx_hint(err, "Nothing was changed. Go on with the run that has it: ficus run list");
    }
    if (!fcd_own_check_jump(change->next.controller_epoch, epoch, "the controller", "controller",
                            err))
        return false;
    change->next.controller_epoch = epoch;
    return true;
}

static struct fcd_route *need_route(struct change *change, struct fx_err *err)
{
    struct fcd_groups *groups = change->groups;
    for (size_t i = 0; i < groups->local->conf->n_routes; i++)
        if (strcmp(groups->routes[i].conf->id, change->name) == 0)
            return &groups->routes[i];
    fx_fail(err, FX_E_FACADE, "the facade has no route \"%s\"", change->name);
    fx_err_set_http(err, 404);
    fx_hint(err, "The routes that it knows: ficus route list. It reads ficus.yaml only when it "
                 "starts: if the route was added since, restart it after: ficusd -f ficus.yaml "
                 "--check");
    return NULL;
}

static bool change_claim(struct change *change, struct fx_err *err)
{
    return take_controller(change, err);
}

static void reset_stats(struct fcd_route *route)
{
    route->side[FCD_OLD] = route->side[FCD_NEW] = (struct fcd_side_stats){0};
    route->shadow = (struct fcd_shadow_stats){0};
    route->exemplars.len = route->exemplars.next = 0;
}

static bool change_weight(struct change *change, struct fx_err *err)
{
    struct fcd_route *route = need_route(change, err);
    double percent;
    if (route == NULL || !take_controller(change, err) || !need_percent(change, &percent, err))
        return false;
    if (route->conf->is_write)
        return fx_fail(err, FX_E_FACADE,
                       "cannot set a weight for route \"%s\": it carries writes, which all go to "
                       "the owner",
                       change->name) ||
               fx_hint(err,
                       "A cut-over moves the writes. Run: ficus cutover start --context %s   (a "
                       "dry run; "
                       "then add --execute --confirm=%s)",
                       route->group->name, route->group->name);
    struct fcd_state_route *setting = &change->next.routes[route->setting];
    bool owner_is_new = change->next.groups[route->group->index].own.owner == FCD_NEW;
    if (owner_is_new && percent < 100) {
        fx_fail(err, FX_E_FACADE,
                "cannot send reads of route \"%s\" to the old side: the new side owns group \"%s\"",
                change->name, route->group->name);
        fx_err_set_http(err, 409);
        return fx_hint(
            err,
            "Move the group back first: ficus run rollback, or without a run: ficus cutover "
            "fallback --context %s --execute --confirm=%s",
            route->group->name, route->group->name);
    }
    if (setting->weight_percent != percent)
        reset_stats(route);
    setting->weight_percent = percent;
    return true;
}

static bool change_shadow(struct change *change, struct fx_err *err)
{
    struct fcd_route *route = need_route(change, err);
    double percent;
    if (route == NULL || !take_controller(change, err) || !need_percent(change, &percent, err))
        return false;
    if (route->conf->is_write && percent > 0)
        return fx_fail(err, FX_E_FACADE,
                       "cannot shadow route \"%s\": it carries writes, which are never shadowed",
                       change->name) ||
               fx_hint(err, "Shadow a route of kind read. Run: ficus route list");
    int64_t recheck_ms = fx_json_get_i64(change->body, "recheck_ms", 1000);
    if (recheck_ms < 0 || recheck_ms > 600000)
        return fx_fail(err, FX_E_FACADE,
                       "cannot shadow route \"%s\": \"recheck_ms\" must be between 0 and 600000 "
                       "ms, not %lld",
                       change->name, (long long)recheck_ms) ||
               fx_hint(err,
                       "It is --recheck of ficus route set, and recheck of a plan's step: give 0s "
                       "to 10m. %s",
                       see_protocol);
    struct fcd_state_route *setting = &change->next.routes[route->setting];
    if (setting->shadow_percent != percent)
        reset_stats(route);
    setting->shadow_percent = percent;
    setting->recheck_ms = recheck_ms;
    return true;
}

static bool fail_group(struct change *change, struct fx_err *err)
{
    const struct fcd_config *conf = change->groups->local->conf;
    const char **names = fx_alloc_array(conf->n_contexts + 1, sizeof *names);
    for (size_t i = 0; i < conf->n_contexts; i++)
        names[i] = conf->contexts[i].name;
    const char *near = fx_suggest(change->name, names);
    (void)fx_fail(err, FX_E_FACADE, "the facade has no group \"%s\"%s%s%s", change->name,
                  near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                  near != NULL ? "\"?" : "");
    free(names);
    fx_err_set_http(err, 404);
    return fx_hint(err,
                   "A group is named as its context in ficus.yaml, which ficusd reads only when it "
                   "starts: if the context was added since, restart it after: ficusd -f "
                   "ficus.yaml --check");
}

/* A context of the file, the canary of one (a rehearsal's group without routes), or a group of
 * which the state knows. Any other name is a mistake, and must not become a group. */
static bool is_group(const struct change *change)
{
    const struct fcd_config *conf = change->groups->local->conf;
    for (size_t i = 0; i < change->next.n_groups; i++)
        if (strcmp(change->next.groups[i].name, change->name) == 0)
            return true;
    struct fx_str name = fx_str_from(change->name), canary = FX_STR(".canary");
    if (fx_str_ends(name, canary))
        name.len -= canary.len;
    for (size_t i = 0; i < conf->n_contexts; i++)
        if (fx_str_eq_c(name, conf->contexts[i].name))
            return true;
    return false;
}

static struct fcd_own *find_own(struct change *change, struct fx_err *err)
{
    if (fcd_read_is_name(change->name) && !is_group(change)) {
        (void)fail_group(change, err);
        return NULL;
    }
    size_t i = fcd_state_group(&change->next, change->name);
    if (i != SIZE_MAX)
        return &change->next.groups[i].own;
    if (!fcd_read_is_name(change->name))
        (void)(fx_fail(
                   err, FX_E_FACADE,
                   "\"%s\" is not the name of a group: it must have 1 to %d letters, digits and "
                   "\"_.-\"",
                   change->name, FCD_NAME_MAX) ||
               fx_hint(err, "A group is a context of ficus.yaml. The groups of the facade: ficus "
                            "route list"));
    else
        (void)(fx_fail(err, FX_E_FACADE,
                       "cannot add group \"%s\": the facade has %d groups, the most "
                       "it can have",
                       change->name, FCD_GROUPS_MAX) ||
               fx_hint(err,
                       "Stop the facade, remove from facade.json in its state directory the groups "
                       "that ficus.yaml no longer names, and start it: ficusd -f ficus.yaml"));
    return NULL;
}

static struct fcd_own *need_own(struct change *change, int64_t *ret_epoch, struct fx_err *err)
{
    return need_epoch(change, ret_epoch, err) ? find_own(change, err) : NULL;
}

static bool change_prepare(struct change *change, struct fx_err *err)
{
    int64_t epoch;
    struct fcd_own *own = need_own(change, &epoch, err);
    if (own == NULL || !fcd_own_prepare(own, change->name, epoch, err))
        return false;
    struct fcd_group *group = fcd_groups_find(change->groups, change->name);
    if (group != NULL)
        group->held_max_ms = 0;
    return true;
}

static bool change_hold(struct change *change, struct fx_err *err)
{
    int64_t epoch;
    struct fcd_own *own = need_own(change, &epoch, err);
    return own != NULL &&
           fcd_own_hold(own, change->name, epoch, fx_json_get_i64(change->body, "deadline_ms", 0),
                        fx_loop_wall(change->groups->local->loop), err);
}

static bool change_release(struct change *change, struct fx_err *err)
{
    int64_t epoch;
    struct fcd_own *own = need_own(change, &epoch, err);
    return own != NULL && fcd_own_release(own, change->name, epoch, err);
}

static bool change_move(struct change *change, struct fx_err *err)
{
    int64_t epoch;
    struct fcd_own *own = need_own(change, &epoch, err);
    return own != NULL && fcd_own_move(own, change->name, epoch, err);
}

static bool change_switch(struct change *change, struct fx_err *err)
{
    int64_t epoch;
    enum fcd_owner owner;
    struct fcd_groups *groups = change->groups;
    struct fcd_own *own = need_own(change, &epoch, err);
    if (own == NULL)
        return false;
    if (!fcd_owner_from(fx_json_get_str(change->body, "owner", NULL), &owner))
        return fx_fail(err, FX_E_FACADE,
                       "the body of the admin call for group \"%s\" has no \"owner\" that is "
                       "\"old\" or \"new\"",
                       change->name) ||
               fx_hint(err, "%s", see_protocol);
    bool is_new_owner = own->owner != owner;
    if (!fcd_own_switch(own, change->name, epoch, owner, err))
        return false;
    for (size_t i = 0; is_new_owner && i < groups->local->conf->n_routes; i++) {
        struct fcd_route *route = &groups->routes[i];
        if (route->conf->is_write || strcmp(route->group->name, change->name) != 0)
            continue;
        change->next.routes[route->setting].weight_percent = owner == FCD_NEW ? 100 : 0;
        reset_stats(route);
    }
    return true;
}

/* --- an epoch that is wrong ------------------------------------------------------------------- */

/* No cut-over comes near; above it a JSON reader may round. */
enum { EPOCH_BITS = 53 };

static bool need_known(const struct change *change, int64_t *ret_known, int64_t *ret_epoch,
                       struct fx_err *err)
{
    if (!need_epoch(change, ret_epoch, err))
        return false;
    if (*ret_epoch >= (int64_t)1 << EPOCH_BITS)
        return fx_fail(err, FX_E_FACADE, "epoch %lld is not below 2^53, the limit of an epoch",
                       (long long)*ret_epoch) ||
               fx_hint(err, "Give the epoch that the databases have: ficus status");
    if (fx_json_i64(fx_json_get(change->body, "known"), ret_known))
        return true;
    fx_fail(err, FX_E_FACADE,
            "the body of the admin call has no \"known\" that is a whole number: the epoch that "
            "the facade has now");
    return fx_hint(err, "%s", see_protocol);
}

static bool change_epoch(struct change *change, struct fx_err *err)
{
    int64_t known, epoch;
    if (!need_known(change, &known, &epoch, err))
        return false;
    struct fcd_own *own = find_own(change, err);
    return own != NULL && fcd_own_repair(own, change->name, known, epoch, err);
}

static bool change_controller_epoch(struct change *change, struct fx_err *err)
{
    int64_t known, epoch;
    if (!need_known(change, &known, &epoch, err))
        return false;
    if (known != change->next.controller_epoch)
        return fx_fail(
                   err, FX_E_STALE_EPOCH,
                   "another run took over the facade meanwhile: its controller epoch is %lld, no "
                   "longer %lld",
                   (long long)change->next.controller_epoch, (long long)known) ||
               fx_hint(err, "Nothing was changed. See that run: ficus run list. If the epoch is "
                            "still wrong, run the same command again: it shows the present one.");
    change->next.controller_epoch = epoch;
    return true;
}

/* --- what was changed, for the log ------------------------------------------------------------ */

static void describe_own(const char *name, const struct fcd_own *a, const struct fcd_own *b,
                         struct fx_buf *out)
{
    if (a->owner == b->owner && a->hold == b->hold && a->epoch == b->epoch &&
        a->is_moving == b->is_moving && a->is_unknown == b->is_unknown)
        return;
    fx_buf_printf(out, "%s%s: owner %s to %s, epoch %lld to %lld, hold %s to %s%s",
                  out->len > 0 ? "; " : "", name, fcd_owner_name(a->owner),
                  fcd_owner_name(b->owner), (long long)a->epoch, (long long)b->epoch,
                  fcd_hold_name(a->hold), fcd_hold_name(b->hold),
                  b->is_moving ? ", about to move" : "");
}

static void describe_route(const struct fcd_state_route *a, const struct fcd_state_route *b,
                           struct fx_buf *out)
{
    bool same = a->weight_percent >= b->weight_percent && a->weight_percent <= b->weight_percent &&
                a->shadow_percent >= b->shadow_percent && a->shadow_percent <= b->shadow_percent;
    if (!same)
        fx_buf_printf(out, "%s%s: weight %g to %g, shadow %g to %g", out->len > 0 ? "; " : "",
                      b->id, a->weight_percent, b->weight_percent, a->shadow_percent,
                      b->shadow_percent);
}

/* Entries are never removed, so those of `before` have the same place in `after`. */
static void describe(const struct fcd_state *before, const struct fcd_state *after,
                     struct fx_buf *out)
{
    static const struct fcd_own none = {0};
    static const struct fcd_state_route unset = {0};
    if (before->controller_epoch != after->controller_epoch)
        fx_buf_printf(out, "controller epoch %lld to %lld", (long long)before->controller_epoch,
                      (long long)after->controller_epoch);
    for (size_t i = 0; i < after->n_groups; i++)
        describe_own(after->groups[i].name, i < before->n_groups ? &before->groups[i].own : &none,
                     &after->groups[i].own, out);
    for (size_t i = 0; i < after->n_routes; i++)
        describe_route(i < before->n_routes ? &before->routes[i] : &unset, &after->routes[i], out);
}

static bool commit(struct change *change, struct fx_err *err)
{
    struct fcd_groups *groups = change->groups;
    if (!fcd_state_save(groups->state_path, &change->next, err))
        return false;
    fcd_state_done(&groups->state);
    groups->state = change->next;
    change->next = (struct fcd_state){0};
    fcd_groups_apply(groups);
    return true;
}

static bool run_change(struct fcd_api_call *call, const char *name, change_fn fn,
                       struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(call->body, &doc, err)) {
        fx_err_recode(err, FX_E_FACADE);
        (void)fx_hint(err, "%s", see_protocol);
        return fx_ctx(err, "parsing the body of the admin call");
    }
    struct change change = {.groups = call->view->groups, .body = fx_json_root(doc)};
    snprintf(change.name, sizeof change.name, "%s", name);
    change.next = fcd_state_copy(&call->view->groups->state);
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(16 * 1024);
    bool ok = fn(&change, err);
    if (ok)
        describe(&call->view->groups->state, &change.next, &what);
    ok = ok && commit(&change, err);
    fcd_state_done(&change.next);
    if (ok)
        fx_log(FX_LOG_INFO, "strangler", "admin", "admin call done",
               "peer=\"%s\" path=%.*s what=\"%s\"", call->peer, FX_STR_FMT(call->path),
               what.len > 0 ? fx_buf_cstr(&what) : "no change");
    return ok;
}

static const struct {
    const char *prefix, *suffix; /* around the name; suffix NULL: no name */
    change_fn fn;
} changes[] = {
    {"/v1/claim", NULL, change_claim},           {"/v1/routes/", "/weight", change_weight},
    {"/v1/routes/", "/shadow", change_shadow},   {"/v1/groups/", "/prepare", change_prepare},
    {"/v1/groups/", "/hold", change_hold},       {"/v1/groups/", "/move", change_move},
    {"/v1/groups/", "/release", change_release}, {"/v1/groups/", "/switch", change_switch},
    {"/v1/groups/", "/epoch", change_epoch},     {"/v1/epoch", NULL, change_controller_epoch},
};

static change_fn find_change(struct fx_str path, char name[FCD_NAME_MAX + 1])
{
    for (size_t i = 0; i < FX_ARRAY_LEN(changes); i++) {
        struct fx_str prefix = fx_str_from(changes[i].prefix);
        struct fx_str suffix = fx_str_from(changes[i].suffix);
        name[0] = '\0';
        if (changes[i].suffix == NULL) {
            if (fx_str_eq(path, prefix))
                return changes[i].fn;
            continue;
        }
        if (!fx_str_starts(path, prefix) || !fx_str_ends(path, suffix) ||
            path.len <= prefix.len + suffix.len)
            continue;
        struct fx_str middle = fx_str_sub(path, prefix.len, path.len - prefix.len - suffix.len);
        if (middle.len > FCD_NAME_MAX || fx_str_find(middle, '/') >= 0)
            continue;
        snprintf(name, FCD_NAME_MAX + 1, "%.*s", FX_STR_FMT(middle));
        return changes[i].fn;
    }
    return NULL;
}

static int http_status(const struct fx_err *err)
{
    if (err->cause_kind == FX_CAUSE_HTTP)
        return err->cause_number;
    switch (err->code) {
    case FX_E_STALE_EPOCH: return 409;
    case FX_E_FACADE: return 400;
    case FX_E_NONE: return 200;
    default: return 500;
    }
}

static void answer_error(struct fcd_api_call *call, const struct fx_err *err)
{
    call->status = http_status(err);
    fx_buf_clear(&call->out);
    fx_err_render_json(err, &call->out);
    fx_buf_add_char(&call->out, '\n');
    char object[64];
    snprintf(object, sizeof object, "admin %.50s", call->peer);
    fx_log_err(call->status >= 500 ? FX_LOG_ERROR : FX_LOG_INFO, "strangler", object,
               "admin call refused", err);
}

static void refuse(struct fcd_api_call *call, int status, const char *what)
{
    struct fx_err err = FX_ERR_INIT;
    fx_fail(&err, FX_E_FACADE, "%s \"%.*s\"", what, FX_STR_FMT(call->path));
    fx_err_set_http(&err, status);
    fx_hint(&err, "%s", see_protocol);
    answer_error(call, &err);
}

static void answer_read(struct fcd_api_call *call)
{
    if (fx_str_eq_c(call->path, "/v1/status")) {
        fcd_status_json(call->view, &call->out);
    } else if (fx_str_eq_c(call->path, "/health")) {
        call->status = fcd_status_health(call->view, &call->out) ? 200 : 503;
    } else if (fx_str_eq_c(call->path, "/metrics")) {
        fcd_status_gauges(call->view);
        call->content_type = FX_PROM_CONTENT_TYPE;
        fx_prom_text(call->view->local->shared->metrics, &call->out);
    } else {
        refuse(call, 404, "unknown admin path");
    }
}

static bool is_read_path(struct fx_str path)
{
    return fx_str_eq_c(path, "/v1/status") || fx_str_eq_c(path, "/metrics") ||
           fx_str_eq_c(path, "/health");
}

void fcd_api_answer(struct fcd_api_call *call)
{
    struct fx_err err = FX_ERR_INIT;
    char name[FCD_NAME_MAX + 1];
    change_fn fn = find_change(call->path, name);
    if (fn == NULL && (call->method & (FCD_M_GET | FCD_M_HEAD)) != 0) {
        answer_read(call);
    } else if (fn == NULL && is_read_path(call->path)) {
        call->allow = "GET, HEAD";
        refuse(call, 405, "only GET is allowed for");
    } else if (fn == NULL) {
        refuse(call, 404, "unknown admin call");
    } else if (call->method != FCD_M_POST) {
        call->allow = "POST";
        refuse(call, 405, "only POST is allowed for");
    } else if (!run_change(call, name, fn, &err)) {
        answer_error(call, &err);
    } else {
        fx_buf_add_c(&call->out, "{\"ok\":true}\n");
    }
}
