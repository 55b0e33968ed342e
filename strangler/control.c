/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admin calls as function calls. An error that the facade reports keeps its message. It keeps its
 * code only where a caller handles it (STALE_EPOCH); all others become FACADE.
 */
#include "strangler/control.h"

#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/http/client.h"
#include "lib/map/root.h"
#include "strangler/conf/admin.h"

enum { BODY_MAX = 4096, TIMEOUT_DEFAULT_MS = 2000 };

/* The body of an error answer is the error object of the facade, as lib/err renders it. */
static bool raise_answer(const struct fcd_endpoint *at, const struct fx_http_reply *reply,
                         struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    enum fx_code code = FX_E_FACADE;
    const struct fx_json *root = NULL;
    if (fx_json_parse(fx_buf_str(&reply->body), &doc, &ignored))
        root = fx_json_root(doc);
    const char *name = fx_json_get_str(root, "code", "FACADE");
    if (strcmp(name, fx_code_name(FX_E_STALE_EPOCH)) == 0)
        code = FX_E_STALE_EPOCH;
    fx_fail(err, code, "%s",
            fx_json_get_str(root, "message", "the facade refused the call and gave no reason"));
    fx_err_set_http(err, reply->status);
    const char *hint = fx_json_get_str(root, "hint", NULL);
    if (reply->status == 401)
        fx_hint(err, "Set facade.admin.token in ficus.yaml to the token that the facade was "
                     "started with, or "
                     "start ficusd again with the present one.");
    else if (hint != NULL)
        fx_hint(err, "%s", hint);
    else if (root == NULL)
        fx_hint(err, "Another program may listen there (see: ss -lntxp). Stop it, or correct "
                     "facade.admin.address in ficus.yaml, then run the same command again.");
    else
        fx_hint(err,
                "The facade logs why: journalctl -u ficusd, or where its stderr goes. Remove that "
                "cause, then run the same command again.");
    return fx_ctx(err, "calling the facade at %s", at->address);
}

bool fcd_endpoint_read(const struct fx_root *root, struct fx_arena *arena, struct fcd_endpoint *ret,
                       struct fx_err *err)
{
    const struct fx_node *token = fx_node_get(fx_node_get(root->facade, "admin"), "token");
    *ret = (struct fcd_endpoint){.address = fcd_admin_address(root, arena)};
    return token == NULL || fcd_admin_token(token, arena, &ret->token, err) ||
           fx_ctx(err, "reading facade.admin.token");
}

static bool call(const struct fcd_endpoint *at, const char *method, const char *path,
                 struct fx_str body, struct fx_http_reply *ret_reply, struct fx_err *err)
{
    char url[512];
    bool is_unix = strncmp(at->address, "unix:", 5) == 0;
    int len = snprintf(url, sizeof url, "http://%s%s", is_unix ? "localhost" : at->address, path);
    if (len < 0 || (size_t)len >= sizeof url)
        return fx_fail(err, FX_E_FACADE, "the address of the facade, \"%.200s…\", is too long",
                       at->address) ||
               fx_hint(err, "Set facade.admin.address in ficus.yaml to host:port.");
    const struct fx_http_request request = {.method = method,
                                            .url = url,
                                            .unix_socket = is_unix ? at->address + 5 : NULL,
                                            .bearer = at->token,
                                            .body = body,
                                            .timeout_ms = at->timeout_ms > 0 ? at->timeout_ms
                                                                             : TIMEOUT_DEFAULT_MS};
    struct fx_http_reply reply = {0};
    if (!fx_http_call(&request, &reply, err)) {
        if (err->hint[0] == '\0')
            fx_hint(err, "Check that ficusd runs and listens there: ss -lntxp. If it does not, "
                         "start it: ficusd -f ficus.yaml");
        return fx_ctx(err, "calling the facade at %s", at->address);
    }
    bool ok = reply.status < 400 || raise_answer(at, &reply, err);
    if (ok && ret_reply != NULL)
        *ret_reply = reply;
    else
        fx_buf_done(&reply.body);
    return ok;
}

static bool post(const struct fcd_endpoint *at, const char *path, const struct fx_buf *body,
                 struct fx_err *err)
{
    return call(at, "POST", path, fx_buf_str(body), NULL, err);
}

static void begin_body(struct fx_json_w *w, struct fx_buf *body, int64_t epoch)
{
    fx_json_w_init(w, body);
    fx_json_w_object(w);
    fx_json_w_kv_i64(w, "epoch", epoch);
}

/* A call of which the epoch is all. */
static bool post_epoch(const struct fcd_endpoint *at, const char *path, int64_t epoch,
                       struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(BODY_MAX);
    struct fx_json_w w;
    begin_body(&w, &body, epoch);
    fx_json_w_end(&w);
    return post(at, path, &body, err);
}

bool fcd_control_claim(const struct fcd_endpoint *at, int64_t controller_epoch, struct fx_err *err)
{
    return post_epoch(at, "/v1/claim", controller_epoch, err);
}

/* `recheck_ms` below 0: the call has none. */
static bool post_percent(const struct fcd_endpoint *at, int64_t controller_epoch, const char *route,
                         const char *verb, double percent, int64_t recheck_ms, struct fx_err *err)
{
    char path[160];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(BODY_MAX);
    struct fx_json_w w;
    snprintf(path, sizeof path, "/v1/routes/%.64s/%s", route, verb);
    begin_body(&w, &body, controller_epoch);
    fx_json_w_kv_double(&w, "percent", percent);
    if (recheck_ms >= 0)
        fx_json_w_kv_i64(&w, "recheck_ms", recheck_ms);
    fx_json_w_end(&w);
    return post(at, path, &body, err);
}

bool fcd_control_weight(const struct fcd_endpoint *at, int64_t controller_epoch, const char *route,
                        double percent, struct fx_err *err)
{
    return post_percent(at, controller_epoch, route, "weight", percent, -1, err);
}

bool fcd_control_shadow(const struct fcd_endpoint *at, int64_t controller_epoch, const char *route,
                        double percent, int64_t recheck_ms, struct fx_err *err)
{
    return post_percent(at, controller_epoch, route, "shadow", percent, recheck_ms, err);
}

enum { GROUP_PATH_MAX = 160 };

static const char *group_path(char path[GROUP_PATH_MAX], const char *group, const char *verb)
{
    snprintf(path, GROUP_PATH_MAX, "/v1/groups/%.64s/%s", group, verb);
    return path;
}

bool fcd_control_prepare(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                         struct fx_err *err)
{
    char path[GROUP_PATH_MAX];
    return post_epoch(at, group_path(path, group, "prepare"), epoch, err);
}

bool fcd_control_hold(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                      int64_t deadline_ms, struct fx_err *err)
{
    char path[GROUP_PATH_MAX];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(BODY_MAX);
    struct fx_json_w w;
    begin_body(&w, &body, epoch);
    fx_json_w_kv_i64(&w, "deadline_ms", deadline_ms);
    fx_json_w_end(&w);
    return post(at, group_path(path, group, "hold"), &body, err);
}

bool fcd_control_move(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                      struct fx_err *err)
{
    char path[GROUP_PATH_MAX];
    return post_epoch(at, group_path(path, group, "move"), epoch, err);
}

bool fcd_control_release(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                         struct fx_err *err)
{
    char path[GROUP_PATH_MAX];
    return post_epoch(at, group_path(path, group, "release"), epoch, err);
}

bool fcd_control_switch(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                        enum fcd_owner owner, struct fx_err *err)
{
    char path[GROUP_PATH_MAX];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(BODY_MAX);
    struct fx_json_w w;
    begin_body(&w, &body, epoch);
    fx_json_w_kv_text(&w, "owner", fcd_owner_name(owner));
    fx_json_w_end(&w);
    return post(at, group_path(path, group, "switch"), &body, err);
}

bool fcd_control_repair(const struct fcd_endpoint *at, const char *group, int64_t known,
                        int64_t epoch, struct fx_err *err)
{
    char path[GROUP_PATH_MAX];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(BODY_MAX);
    struct fx_json_w w;
    begin_body(&w, &body, epoch);
    fx_json_w_kv_i64(&w, "known", known);
    fx_json_w_end(&w);
    return post(at, group != NULL ? group_path(path, group, "epoch") : "/v1/epoch", &body, err);
}

/* --- status ----------------------------------------------------------------------------------- */

static const char other_program[] =
    "Another program may listen on facade.admin.address (see: ss -lntxp). Stop it, or correct "
    "that address in ficus.yaml, then run the same command again.";

static bool fail_status(struct fx_err *err, const char *what)
{
    (void)fx_fail(err, FX_E_FACADE, "the facade's status does not contain %s", what);
    return fx_hint(err, "%s", other_program);
}

static bool read_group(const struct fx_json *node, struct fx_arena *arena,
                       struct fcd_group_status *group, struct fx_err *err)
{
    group->group = fx_arena_strdup(arena, fx_json_get_str(node, "group", ""));
    if (!fcd_owner_from(fx_json_get_str(node, "owner", NULL), &group->owner) ||
        !fcd_hold_from(fx_json_get_str(node, "hold", NULL), &group->hold) ||
        !fx_json_i64(fx_json_get(node, "epoch"), &group->epoch) ||
        !fx_json_i64(fx_json_get(node, "in_flight"), &group->in_flight))
        return fail_status(err, "owner, hold, epoch or in_flight of a group");
    group->is_unknown = fx_json_get_bool(node, "owner_unknown", false);
    group->is_moving = fx_json_get_bool(node, "moving", false);
    group->can_move = fx_json_get(node, "moving") != NULL;
    group->held = fx_json_get_i64(node, "held", 0);
    group->hold_left_ms = fx_json_get_i64(node, "hold_left_ms", 0);
    group->held_max_ms = fx_json_get_i64(node, "held_max_ms", 0);
    return true;
}

static void read_route(const struct fx_json *node, struct fx_arena *arena,
                       struct fcd_route_status *route)
{
    route->id = fx_arena_strdup(arena, fx_json_get_str(node, "id", ""));
    route->group = fx_arena_strdup(arena, fx_json_get_str(node, "group", ""));
    route->path = fx_arena_strdup(arena, fx_json_get_str(node, "path", ""));
    route->is_write = strcmp(fx_json_get_str(node, "kind", ""), "write") == 0;
    route->weight_percent = fx_json_get_double(node, "weight_percent", 0);
    route->shadow_percent = fx_json_get_double(node, "shadow_percent", 0);
    route->requests_old = fx_json_get_i64(node, "requests_old", 0);
    route->requests_new = fx_json_get_i64(node, "requests_new", 0);
    route->errors_old = fx_json_get_i64(node, "errors_old", 0);
    route->errors_new = fx_json_get_i64(node, "errors_new", 0);
    route->p50_old_ms = fx_json_get_double(node, "p50_old_ms", -1);
    route->p50_new_ms = fx_json_get_double(node, "p50_new_ms", -1);
    route->p99_old_ms = fx_json_get_double(node, "p99_old_ms", -1);
    route->p99_new_ms = fx_json_get_double(node, "p99_new_ms", -1);
    route->shadow_compared = fx_json_get_i64(node, "shadow_compared", 0);
    route->shadow_mismatch = fx_json_get_i64(node, "shadow_mismatch", 0);
    route->shadow_stale = fx_json_get_i64(node, "shadow_stale", 0);
    route->shadow_dropped = fx_json_get_i64(node, "shadow_dropped", 0);
    route->shadow_failed = fx_json_get_i64(node, "shadow_failed", 0);
    const struct fx_json *exemplars = fx_json_get(node, "exemplars");
    size_t n = fx_json_len(exemplars);
    if (n == 0)
        return;
    const struct fx_json *last = fx_json_at(exemplars, n - 1);
    route->exemplar = fx_arena_printf(arena, "%s: %s", fx_json_get_str(last, "request", ""),
                                      fx_json_get_str(last, "difference", ""));
}

static bool read_status(const struct fx_json *root, struct fx_arena *arena,
                        struct fcd_status *status, struct fx_err *err)
{
    const struct fx_json *groups = fx_json_get(root, "groups");
    const struct fx_json *routes = fx_json_get(root, "routes");
    if (!fx_form_read(FX_FORM_ADMIN_API, fx_json_get(root, "api"), "the facade", &status->api, err))
        return false;
    if (!fx_json_i64(fx_json_get(root, "controller_epoch"), &status->controller_epoch) ||
        fx_json_kind(groups) != FX_JSON_ARRAY || fx_json_kind(routes) != FX_JSON_ARRAY)
        return fail_status(err, "controller_epoch, groups or routes");
    status->uptime_ms = fx_json_get_i64(root, "uptime_ms", 0);
    status->requests = fx_json_get_i64(root, "requests", 0);
    status->requests_per_s = fx_json_get_i64(root, "requests_per_s", 0);
    status->release_per_s = fx_json_get_i64(root, "release_per_s", 2000);
    status->n_groups = fx_json_len(groups);
    status->n_routes = fx_json_len(routes);
    status->groups = fx_arena_array(arena, status->n_groups, sizeof *status->groups);
    status->routes = fx_arena_array(arena, status->n_routes, sizeof *status->routes);
    for (size_t i = 0; i < status->n_groups; i++)
        if (!read_group(fx_json_at(groups, i), arena, &status->groups[i], err))
            return false;
    for (size_t i = 0; i < status->n_routes; i++)
        read_route(fx_json_at(routes, i), arena, &status->routes[i]);
    return true;
}

bool fcd_control_status(const struct fcd_endpoint *at, struct fx_arena *arena,
                        struct fcd_status **ret, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_http_reply reply = {0};
    if (!call(at, "GET", "/v1/status", (struct fx_str){0}, &reply, err))
        return false;
    struct fcd_status *status = FX_ARENA_NEW(arena, struct fcd_status);
    bool ok = fx_json_parse(fx_buf_str(&reply.body), &doc, err);
    if (!ok) {
        fx_err_recode(err, FX_E_FACADE);
        fx_hint(err, "%s", other_program);
    }
    ok = ok && read_status(fx_json_root(doc), arena, status, err);
    fx_buf_done(&reply.body);
    if (ok)
        *ret = status;
    return ok || fx_ctx(err, "reading the status of the facade at %s", at->address);
}
