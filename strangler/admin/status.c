/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the document is the one that
 * docs/protocols/admin.md shows and strangler/control.c reads.
 */
#include "strangler/admin/status.h"

#include "lib/fmt/form.h"
#include "lib/fmt/json_write.h"

static void write_group(const struct fcd_group *group, struct fx_json_w *w)
{
    const struct fcd_own *own = fcd_group_own(group);
    int64_t waiting_ms = fcd_group_longest_wait_ms(group); /* who still waits may be the longest */
    int64_t held_max_ms = FX_MAX(group->held_max_ms, waiting_ms);
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "group", group->name);
    fx_json_w_kv_text(w, "owner", fcd_owner_name(own->owner));
    fx_json_w_kv_bool(w, "owner_unknown", fcd_own_is_unknown(own));
    fx_json_w_kv_bool(w, "moving", own->is_moving);
    fx_json_w_kv_i64(w, "epoch", own->epoch);
    fx_json_w_kv_text(w, "hold", fcd_hold_name(own->hold));
    fx_json_w_kv_u64(w, "held", group->held.len);
    fx_json_w_kv_i64(w, "in_flight", (int64_t)group->in_flight.len);
    fx_json_w_kv_i64(w, "lost", group->n_lost);
    fx_json_w_kv_i64(w, "hold_left_ms", fcd_group_hold_left_ms(group));
    fx_json_w_kv_i64(w, "held_max_ms", held_max_ms);
    fx_json_w_end(w);
}

/* Oldest first: in a full ring the oldest is where the next one will be written. */
static void write_exemplars(const struct fcd_exemplars *kept, struct fx_json_w *w)
{
    size_t first = kept->len == kept->max ? kept->next : 0;
    fx_json_w_key(w, "exemplars");
    fx_json_w_array(w);
    for (size_t i = 0; i < kept->len; i++) {
        const struct fcd_exemplar *one = &kept->items[(first + i) % kept->max];
        char at[FX_WALL_TEXT];
        fx_wall_text(one->at, at);
        fx_json_w_object(w);
        fx_json_w_kv_text(w, "at", at);
        fx_json_w_kv_text(w, "request", one->request);
        fx_json_w_kv_text(w, "difference", one->difference);
        fx_json_w_end(w);
    }
    fx_json_w_end(w);
}

static double shown_weight(const struct fcd_route *route)
{
    bool is_new = fcd_group_own(route->group)->owner == FCD_NEW;
    if (is_new || route->conf->is_write)
        return is_new ? 100 : 0;
    return fcd_route_setting(route)->weight_percent;
}

static void write_side(const char *side, const struct fcd_side_stats *stats, struct fx_json_w *w)
{
    char key[24];
    snprintf(key, sizeof key, "requests_%s", side);
    fx_json_w_kv_i64(w, key, stats->requests);
    snprintf(key, sizeof key, "errors_%s", side);
    fx_json_w_kv_i64(w, key, stats->errors);
    snprintf(key, sizeof key, "p50_%s_ms", side);
    fx_json_w_kv_double(w, key, fcd_stats_quantile_ms(stats, 0.5));
    snprintf(key, sizeof key, "p99_%s_ms", side);
    fx_json_w_kv_double(w, key, fcd_stats_quantile_ms(stats, 0.99));
}

static void write_route(const struct fcd_route *route, struct fx_json_w *w)
{
    const struct fcd_state_route *setting = fcd_route_setting(route);
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "id", route->conf->id);
    fx_json_w_kv_text(w, "group", route->group->name);
    fx_json_w_kv_text(w, "kind", route->conf->is_write ? "write" : "read");
    fx_json_w_kv_text(w, "path", route->conf->path);
    fx_json_w_kv_double(w, "weight_percent", shown_weight(route));
    fx_json_w_kv_double(w, "shadow_percent", setting->shadow_percent);
    write_side("old", &route->side[FCD_OLD], w);
    write_side("new", &route->side[FCD_NEW], w);
    fx_json_w_kv_i64(w, "shadow_compared", route->shadow.compared);
    fx_json_w_kv_i64(w, "shadow_mismatch", route->shadow.mismatch);
    fx_json_w_kv_i64(w, "shadow_stale", route->shadow.stale);
    fx_json_w_kv_i64(w, "shadow_dropped", route->shadow.dropped);
    fx_json_w_kv_i64(w, "shadow_failed", route->shadow.failed);
    write_exemplars(&route->exemplars, w);
    fx_json_w_end(w);
}

static void write_upstreams(const struct fcd_view *view, struct fx_json_w *w)
{
    fx_json_w_key(w, "upstreams");
    fx_json_w_array(w);
    for (size_t i = 0; i < view->local->conf->n_upstreams; i++) {
        const struct fcd_pool *pool = &view->upstreams[i].customers;
        struct fx_mono now = fcd_local_now(view->local);
        fx_json_w_object(w);
        fx_json_w_kv_text(w, "name", pool->conf->name);
        fx_json_w_kv_u64(w, "connections", pool->n_connections);
        fx_json_w_kv_u64(w, "busy", pool->busy.len);
        fx_json_w_key(w, "endpoints");
        fx_json_w_array(w);
        for (size_t e = 0; e < pool->n_endpoints; e++) {
            fx_json_w_object(w);
            fx_json_w_kv_text(w, "url", pool->endpoints[e].conf->url);
            fx_json_w_kv_bool(w, "is_up", fcd_endpoint_is_usable(&pool->endpoints[e], now));
            fx_json_w_end(w);
        }
        fx_json_w_end(w);
        fx_json_w_end(w);
    }
    fx_json_w_end(w);
}

void fcd_status_json(const struct fcd_view *view, struct fx_buf *out)
{
    struct fcd_groups *groups = view->groups;
    struct fcd_local *local = view->local;
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "api", fx_form_current(FX_FORM_ADMIN_API));
    fx_json_w_kv_i64(&w, "controller_epoch", groups->state.controller_epoch);
    fx_json_w_kv_i64(&w, "uptime_ms",
                     fx_mono_since_us(local->shared->started, fcd_local_now(local)) / 1000);
    fx_json_w_kv_i64(&w, "requests", local->n_requests);
    fx_json_w_kv_i64(&w, "requests_per_s", local->requests_per_s);
    fx_json_w_kv_i64(&w, "release_per_s", local->conf->hold.release_per_s);
    fx_json_w_kv_u64(&w, "client_connections", view->net->conns.len);
    fx_json_w_kv_bool(&w, "is_draining", local->is_draining);
    fx_json_w_key(&w, "groups");
    fx_json_w_array(&w);
    for (size_t i = 0; i < groups->list.len; i++)
        write_group(groups->list.items[i], &w);
    fx_json_w_end(&w);
    fx_json_w_key(&w, "routes");
    fx_json_w_array(&w);
    for (size_t i = 0; i < view->local->conf->n_routes; i++)
        write_route(&groups->routes[i], &w);
    fx_json_w_end(&w);
    write_upstreams(view, &w);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
}

static void write_problem(struct fx_json_w *w, const char *group, const char *problem)
{
    fx_json_w_object(w);
    if (group != NULL)
        fx_json_w_kv_text(w, "group", group);
    fx_json_w_kv_text(w, "problem", problem);
    fx_json_w_end(w);
}

static bool is_healthy(const struct fcd_view *view)
{
    const struct fcd_groups *groups = view->groups;
    for (size_t i = 0; i < groups->list.len; i++)
        if (fcd_own_is_unknown(fcd_group_own(groups->list.items[i])))
            return false;
    return !view->local->is_draining;
}

bool fcd_status_health(const struct fcd_view *view, struct fx_buf *out)
{
    const struct fcd_groups *groups = view->groups;
    bool ok = is_healthy(view);
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_bool(&w, "ok", ok);
    fx_json_w_key(&w, "problems");
    fx_json_w_array(&w);
    if (view->local->is_draining)
        write_problem(&w, NULL, "draining");
    for (size_t i = 0; i < groups->list.len; i++)
        if (fcd_own_is_unknown(fcd_group_own(groups->list.items[i])))
            write_problem(&w, groups->list.items[i]->name, "owner_unknown");
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
    return ok;
}

static void set_pool_gauges(struct fx_metrics *m, const struct fcd_pool *pool, const char *name)
{
    const char *upstream = pool->conf->name;
    fx_series_set(fx_metric(m, FCD_MT_UPSTREAM_CONNECTIONS, upstream, name, "idle"),
                  (double)pool->idle.len);
    fx_series_set(fx_metric(m, FCD_MT_UPSTREAM_CONNECTIONS, upstream, name, "busy"),
                  (double)pool->busy.len);
}

void fcd_status_gauges(const struct fcd_view *view)
{
    struct fx_metrics *m = view->local->shared->metrics;
    const struct fcd_groups *groups = view->groups;
    fx_series_set(fx_metric(m, FCD_MT_CLIENTS), (double)view->net->conns.len);
    for (size_t i = 0; i < view->local->conf->n_upstreams; i++) {
        set_pool_gauges(m, &view->upstreams[i].customers, "customers");
        set_pool_gauges(m, &view->upstreams[i].shadow, "shadow");
    }
    for (size_t i = 0; i < groups->list.len; i++) {
        const struct fcd_group *group = groups->list.items[i];
        const struct fcd_own *own = fcd_group_own(group);
        fx_series_set(fx_metric(m, FCD_MT_HELD, group->name), (double)group->held.len);
        fx_series_set(fx_metric(m, FCD_MT_IN_FLIGHT, group->name), (double)group->in_flight.len);
        fx_series_set(fx_metric(m, FCD_MT_OWNER_IS_NEW, group->name), own->owner == FCD_NEW);
        fx_series_set(fx_metric(m, FCD_MT_OWNER_UNKNOWN, group->name), fcd_own_is_unknown(own));
        fx_series_set(fx_metric(m, FCD_MT_EPOCH, group->name), (double)own->epoch);
    }
    for (size_t i = 0; i < view->local->conf->n_routes; i++)
        fx_series_set(fx_metric(m, FCD_MT_WEIGHT, groups->routes[i].conf->id),
                      shown_weight(&groups->routes[i]));
}
