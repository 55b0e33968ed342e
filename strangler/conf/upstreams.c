/* SPDX-License-Identifier: Apache-2.0 */
/* The section `upstreams`: HTTP services by name, their endpoints and health checks. */
#include "strangler/conf/read.h"

struct upstream_section {
    struct fx_node *endpoints, *health;
};
#define NO_TLS \
    "write http://HOST:PORT, for example of a TLS proxy on the facade's host that speaks https"

static const struct fx_rule upstream_rules[] = {
    FX_RULE_NODE(struct upstream_section, endpoints, "endpoints", .is_required = true,
                 .help = "list of http://host:port"),
    FX_RULE_NODE(struct upstream_section, health, "health", .help = "{path, interval}"),
    FX_RULE_NOT_SUPPORTED("tls", NO_TLS), FX_RULE_NOT_SUPPORTED("ssl", NO_TLS), FX_RULE_END};
struct health_section {
    const char *path;
    int64_t interval_ms;
};
static const struct fx_rule health_rules[] = {
    FX_RULE_TEXT(struct health_section, path, "path",
                 .help = "GET of this path must return 2xx or 3xx; after two failures in a row the "
                         "endpoint is passed over"),
    FX_RULE_DURATION(struct health_section, interval_ms, "interval", .def = "2s", .min = 50,
                     .max = 3600000, .help = "between two checks"),
    FX_RULE_END};

static void read_endpoint(struct fcd_reader *r, struct fx_node *item, struct fcd_conf_upstream *up)
{
    if (!fcd_read_is_text(r, item))
        return;
    if (fx_str_starts(item->text, FX_STR("https://"))) {
        fx_problem(r->problems, item, "endpoint \"%.*s\": https is not supported: " NO_TLS,
                   FX_STR_FMT(item->text));
        return;
    }
    if (fx_str_find(item->text, '@') >= 0) { /* not printed: it may hold a password */
        fx_problem(r->problems, item,
                   "an endpoint contains a user name or password, which is not sent: write "
                   "http://HOST:PORT only");
        return;
    }
    if (!fx_str_starts(item->text, FX_STR("http://"))) {
        fx_problem(r->problems, item,
                   "endpoint \"%.*s\" does not begin with http://: write http://HOST:PORT",
                   FX_STR_FMT(item->text));
        return;
    }
    struct fcd_conf_endpoint *end = &up->endpoints[up->n_endpoints];
    end->url = item->text.ptr;
    struct fx_str rest, host = fx_str_cut(fx_str_sub(item->text, 7, SIZE_MAX), '/', &rest);
    if (rest.len > 0) {
        fx_problem(r->problems, item, "endpoint \"%.*s\" has a path: write http://HOST:PORT only",
                   FX_STR_FMT(item->text));
        return;
    }
    end->host = fx_arena_printf(r->arena, "%.*s", FX_STR_FMT(host));
    bool has_port = fx_str_find(host, ':') >= 0;
    fcd_read_address(r, item, has_port ? end->host : fx_arena_printf(r->arena, "%s:80", end->host),
                     &end->addr);
    up->n_endpoints++;
}

void fcd_read_upstreams(struct fcd_reader *r, struct fx_node *map)
{
    struct fx_node *item = fcd_read_children(r, map, FX_NODE_MAP);
    r->conf->upstreams =
        fx_arena_array(r->arena, map != NULL ? map->len : 0, sizeof(struct fcd_conf_upstream));
    for (; item != NULL; item = item->next) {
        struct upstream_section section = {0};
        struct health_section health = {0};
        struct fcd_conf_upstream *up = &r->conf->upstreams[r->conf->n_upstreams++];
        up->name = item->key;
        if (!fcd_read_is_name(item->key))
            fx_problem_key(
                r->problems, item,
                "upstream name \"%s\" is not valid: use 1 to 64 letters, digits and \"_.-\"",
                item->key);
        fcd_read_section(r, item, upstream_rules, &section);
        if (section.health != NULL)
            fcd_read_section(r, section.health, health_rules, &health);
        up->health_path = health.path;
        up->health_ms = health.interval_ms;
        struct fx_node *list = section.endpoints;
        up->endpoints = fx_arena_array(r->arena, list != NULL ? list->len : 0,
                                       sizeof(struct fcd_conf_endpoint));
        for (struct fx_node *end = fcd_read_children(r, list, FX_NODE_LIST); end != NULL;
             end = end->next)
            read_endpoint(r, end, up);
        if (list != NULL && list->kind == FX_NODE_LIST && list->len == 0)
            fx_problem(r->problems, list,
                       "upstream \"%s\" needs at least one endpoint, such as http://127.0.0.1:8080",
                       item->key);
    }
}

size_t fcd_read_upstream_name(struct fcd_reader *r, const struct fx_node *at, const char *name)
{
    const struct fcd_config *conf = r->conf;
    for (size_t i = 0; i < conf->n_upstreams; i++)
        if (strcmp(conf->upstreams[i].name, name) == 0)
            return i;
    const char **names = fx_arena_array(r->arena, conf->n_upstreams + 1, sizeof *names);
    for (size_t i = 0; i < conf->n_upstreams; i++)
        names[i] = conf->upstreams[i].name;
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
    fx_problem(r->problems, at, "unknown upstream \"%s\"%s", name,
               fx_suggest_end(name, names, &known));
    return SIZE_MAX;
}

void fcd_upstreams_table(struct fx_buf *out)
{
    fx_schema_markdown("upstreams.NAME", upstream_rules, out);
    fx_schema_markdown("upstreams.NAME.health", health_rules, out);
}
