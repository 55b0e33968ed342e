/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the head decides: the route, the side of a read,
 * and what the upstream is told about the client.
 */
#include <inttypes.h>

#include "lib/http/url.h"
#include "strangler/request/req.h"
#include "strangler/route/split.h"

struct fcd_route *fcd_req_find_route(struct fcd_req *req)
{
    struct fcd_groups *groups = req->requests->groups;
    struct fcd_local *local = req->requests->local;
    const char *why = NULL;
    char text[FCD_REASON_MAX];
    if (fx_str_eq_c(req->call.head.path, "*"))
        return &groups->default_route;
    fx_buf_clear(&local->scratch);
    if (!fx_url_path_normal(req->call.head.path, &local->scratch, &why)) {
        fcd_req_refuse(req, 400, fcd_call_malformed(why, text));
        return NULL;
    }
    size_t i = fcd_rules_find(local->conf->rules, local->conf->n_routes,
                              fx_buf_str(&local->scratch), req->method);
    return i != SIZE_MAX ? &groups->routes[i] : &groups->default_route;
}

/* The key of the user, or a fresh one: to be issued as
 * a cookie when the key order says so, else for once. */
static uint64_t split_point(struct fcd_req *req)
{
    const struct fcd_group *group = req->route->group;
    const struct fx_head *head = &req->call.head;
    struct fx_str key = {0};
    bool is_issued = false;
    for (size_t i = 0; i < group->conf->n_keys && key.len == 0 && !is_issued; i++) {
        const struct fcd_key_source *source = &group->conf->keys[i];
        switch (source->kind) {
        case FCD_KEY_HEADER: key = fx_head_value(head, source->name); break;
        case FCD_KEY_COOKIE: key = fx_head_cookie(head, source->name); break;
        case FCD_KEY_ISSUE:
            key = fx_head_cookie(head, source->name);
            is_issued = key.len == 0;
            break;
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

static enum fcd_owner side_of_read(struct fcd_req *req)
{
    uint64_t point = split_point(req);
    return fcd_split_is_new(point, fcd_route_setting(req->route)->weight_percent) ? FCD_NEW
                                                                                  : FCD_OLD;
}

void fcd_req_choose_side(struct fcd_req *req)
{
    const struct fcd_own *own = fcd_group_own(req->route->group);
    req->owner = own->owner;
    req->epoch = own->epoch;
    req->side = req->is_write || own->owner == FCD_NEW ? own->owner : side_of_read(req);
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
