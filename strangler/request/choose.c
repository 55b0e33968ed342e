/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the head decides: the route, the side of a read,
 * and what the upstream is told about the client.
 */
#include <inttypes.h>

#include "lib/http/url.h"
#include "strangler/request/req.h"
#include "strangler/route/owner.h"
#include "strangler/route/split.h"

/* Some frameworks take the method from here: what looks like a read is then a write. */
static bool has_override(const struct fx_head *head)
{
    for (size_t i = 0; i < head->n_fields; i++)
        if (fcd_forward_is_override(head->fields[i].name))
            return true;
    struct fx_str rest = head->has_query ? head->query : (struct fx_str){0};
    while (rest.len > 0)
        if (fx_str_starts(fx_str_cut(rest, '&', &rest), FX_STR("_method=")))
            return true;
    return false;
}

/*
 * A method that no route of the group lists is a write: it must not pass the hold. A read whose
 * path is a route's only in another reading goes to the owner, as nobody knows what it means.
 */
static void decide_kind(struct fcd_req *req, const struct fcd_found *found)
{
    req->is_odd = !found->is_plain;
    req->is_write =
        !found->is_listed || req->route->conf->is_write || has_override(&req->call.head);
}

struct fcd_route *fcd_req_find_route(struct fcd_req *req)
{
    struct fcd_groups *groups = req->requests->groups;
    struct fcd_local *local = req->requests->local;
    const char *why = NULL;
    char text[FCD_REASON_MAX];
    struct fx_str path = req->call.head.path;
    if (fx_str_eq_c(path, "*"))
        return &groups->default_route;
    fx_buf_clear(&local->scratch);
    if (!fx_url_path_normal(path, &local->scratch, &why)) {
        fcd_req_refuse(req, 400, fcd_call_malformed(why, text));
        return NULL;
    }
    struct fcd_found found = fcd_route_owner(local->conf->rules, local->conf->n_routes, path,
                                             fx_buf_str(&local->scratch), req->method);
    switch (found.verdict) {
    case FCD_FOREIGN: return &groups->default_route;
    case FCD_AMBIGUOUS: break;
    case FCD_OWNED:
        req->route = &groups->routes[found.route];
        decide_kind(req, &found);
        return req->route;
    }
    fcd_req_refuse(req, 400, fcd_call_malformed(found.why, text));
    return NULL;
}

/* A cookie that was issued goes before everything else: who logs in gets a session cookie, and must
 * not change the side by that. Empty: none. */
static struct fx_str issued_key(const struct fcd_req *req)
{
    const struct fcd_conf_context *conf = req->route->group->conf;
    for (size_t i = 0; i < conf->n_keys; i++)
        if (conf->keys[i].kind == FCD_KEY_ISSUE)
            return fx_head_cookie(&req->call.head, conf->keys[i].name);
    return (struct fx_str){0};
}

/* The key of the user, or a fresh one: to be issued as
 * a cookie when the key order says so, else for once. */
static uint64_t split_point(struct fcd_req *req)
{
    const struct fcd_group *group = req->route->group;
    const struct fx_head *head = &req->call.head;
    struct fx_str key = issued_key(req);
    bool is_issued = false;
    for (size_t i = 0; i < group->conf->n_keys && key.len == 0 && !is_issued; i++) {
        const struct fcd_key_source *source = &group->conf->keys[i];
        switch (source->kind) {
        case FCD_KEY_HEADER: key = fx_head_value(head, source->name); break;
        case FCD_KEY_COOKIE: key = fx_head_cookie(head, source->name); break;
        case FCD_KEY_ISSUE: is_issued = true; break;
        }
    }
    if (key.len > 0)
        return fcd_split_point(group->salt, key);
    char fresh[20];
    snprintf(fresh, sizeof fresh, "%016" PRIx64, fx_rand_u64(&req->requests->local->rnd));
    if (is_issued)
        memcpy(req->issued, fresh, sizeof fresh);
    return fcd_split_point(group->salt, fx_str_from(fresh));
}

/* With a weight of 0 or 100 nobody is split, so nobody needs a key. */
static enum fcd_owner side_of_read(struct fcd_req *req)
{
    double percent = fcd_route_setting(req->route)->weight_percent;
    req->issued[0] = '\0';
    if (!(percent > 0) || percent >= 100)
        return percent > 0 ? FCD_NEW : FCD_OLD;
    return fcd_split_is_new(split_point(req), percent) ? FCD_NEW : FCD_OLD;
}

void fcd_req_choose_side(struct fcd_req *req)
{
    const struct fcd_own *own = fcd_group_own(req->route->group);
    req->owner = own->owner;
    req->epoch = own->epoch;
    req->side =
        req->is_write || req->is_odd || own->owner == FCD_NEW ? own->owner : side_of_read(req);
}

struct fcd_forward fcd_req_forward(const struct fcd_req *req)
{
    return (struct fcd_forward){.head = &req->call.head,
                                .method = req->method,
                                .peer = req->call.conn->peer,
                                .scheme = "http",
                                .version = fcd_call_version(&req->call),
                                .pseudonym = req->requests->local->shared->pseudonym,
                                .epoch = req->is_write ? req->epoch : -1};
}
