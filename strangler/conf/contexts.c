/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections under `contexts` that concern the facade: sides, routes, keys and what the shadow
 * overlooks. Names of upstreams are resolved here, and the routes end up as one sorted table over
 * all contexts.
 */
#include "lib/fmt/json_diff.h"
#include "strangler/conf/read.h"

struct context_section {
    struct fx_node *old, *new_side, *tables, *routes, *sticky, *shadow;
};
static const struct fx_rule context_rules[] = {
    FX_RULE_NODE(struct context_section, old, "old", .is_required = true,
                 .help = "{upstream, database}"),
    FX_RULE_NODE(struct context_section, new_side, "new", .is_required = true,
                 .help = "{upstream, database}"),
    FX_RULE_NODE(struct context_section, tables, "tables", .help = "tables that move together"),
    FX_RULE_NODE(struct context_section, routes, "routes", .help = "list of {id, match, kind}"),
    FX_RULE_NODE(struct context_section, sticky, "sticky",
                 .help = "{by: [header:, cookie:, issue]}"),
    FX_RULE_NODE(struct context_section, shadow, "shadow", .help = "{ignore: [JSON pointers]}"),
    FX_RULE_END};
struct side_section {
    const char *upstream, *database;
};
static const struct fx_rule side_rules[] = {
    FX_RULE_TEXT(struct side_section, upstream, "upstream", .help = "name under `upstreams`"),
    FX_RULE_TEXT(struct side_section, database, "database", .help = "name under `databases`"),
    FX_RULE_END};

static const char *const kinds[] = {"read", "write", NULL};
struct route_section {
    const char *id;
    struct fx_node *match;
    int kind;
};
static const struct fx_rule route_rules[] = {
    FX_RULE_TEXT(struct route_section, id, "id", .is_required = true,
                 .help = "name in the admin API and in metrics"),
    FX_RULE_NODE(struct route_section, match, "match", .is_required = true,
                 .help = "{path, methods}"),
    FX_RULE_ENUM(
        struct route_section, kind, "kind", .is_required = true, .names = kinds,
        .help = "read: split by weight, can be shadowed; write: goes to the owner, can be held"),
    FX_RULE_END};
struct match_section {
    const char *path;
    struct fx_node *methods;
};
static const struct fx_rule match_rules[] = {
    FX_RULE_TEXT(struct match_section, path, "path", .is_required = true,
                 .help = "/orders, /orders/*, /orders/**"),
    FX_RULE_NODE(struct match_section, methods, "methods", .help = "list; default: all"),
    FX_RULE_END};
struct sticky_section {
    struct fx_node *by;
};
static const struct fx_rule sticky_rules[] = {
    FX_RULE_NODE(struct sticky_section, by, "by", .is_required = true,
                 .help =
                     "key sources, in order: the first that a request carries is the user's key"),
    FX_RULE_END};
static const struct fx_rule shadow_rules[] = {
    FX_RULE_NODE(struct fcd_conf_shadow, ignore, "ignore",
                 .help = "JSON pointers whose difference does not count"),
    FX_RULE_END};

static size_t read_side(struct fcd_reader *r, struct fx_node *node)
{
    struct side_section side = {0};
    if (node == NULL)
        return SIZE_MAX;
    fcd_read_section(r, node, side_rules, &side);
    return side.upstream != NULL
               ? fcd_read_upstream_name(r, fx_node_get(node, "upstream"), side.upstream)
               : SIZE_MAX;
}

static unsigned read_methods(struct fcd_reader *r, struct fx_node *list)
{
    if (list == NULL)
        return FCD_METHODS_ALL;
    unsigned methods = 0;
    for (struct fx_node *item = fcd_read_children(r, list, FX_NODE_LIST); item != NULL;
         item = item->next) {
        if (!fcd_read_is_text(r, item))
            continue;
        unsigned bit = fcd_method_bit(item->text);
        if (bit == FCD_M_OTHER || bit == FCD_M_CONNECT)
            fx_problem(r->problems, item,
                       "a route cannot take method \"%.*s\": write GET, HEAD, POST, PUT, PATCH, "
                       "DELETE, OPTIONS or TRACE, in upper case",
                       FX_STR_FMT(item->text));
        methods |= bit;
    }
    return methods;
}

static void read_route(struct fcd_reader *r, struct fx_node *node, size_t context)
{
    struct route_section section = {0};
    struct match_section match = {0};
    struct fx_err err = FX_ERR_INIT;
    struct fcd_config *conf = r->conf;
    size_t index = conf->n_routes;
    fcd_read_section(r, node, route_rules, &section);
    if (section.match != NULL)
        fcd_read_section(r, section.match, match_rules, &match);
    if (section.id == NULL || match.path == NULL)
        return;
    struct fcd_conf_route *route = &conf->routes[index];
    *route = (struct fcd_conf_route){.id = section.id,
                                     .path = match.path,
                                     .context = context,
                                     .methods = read_methods(r, match.methods),
                                     .is_write = section.kind};
    if (!fcd_read_is_name(section.id))
        fx_problem(r->problems, fx_node_get(node, "id"),
                   "route id \"%s\" is not valid: use 1 to 64 letters, digits and \"_.-\"",
                   section.id);
    for (size_t i = 0; i < index; i++) {
        const struct fcd_conf_route *other = &conf->routes[i];
        if (strcmp(other->id, route->id) == 0)
            fx_problem(r->problems, fx_node_get(node, "id"), "duplicate route id \"%s\"",
                       route->id);
        else if (strcmp(other->path, route->path) == 0 && (other->methods & route->methods) != 0)
            fx_problem(r->problems, section.match,
                       "route \"%s\" matches the same requests as route \"%s\": change the path or "
                       "the methods of one of them",
                       route->id, other->id);
    }
    const unsigned changing = FCD_M_POST | FCD_M_PUT | FCD_M_PATCH | FCD_M_DELETE;
    if (!route->is_write && match.methods != NULL && (route->methods & changing) != 0)
        fx_problem(r->problems, match.methods,
                   "route \"%s\": a read route cannot take POST, PUT, PATCH or DELETE: remove "
                   "these methods, or set kind: write",
                   route->id);
    if (!fcd_pattern_compile(match.path, &conf->rules[index].pattern, &err))
        fx_problem(r->problems, fx_node_get(section.match, "path"), "%s", err.message);
    if (!route->is_write && match.methods == NULL)
        route->methods = FCD_M_GET | FCD_M_HEAD;
    conf->rules[index].methods = route->methods;
    conf->rules[index].route = index;
    conf->rules[index].group = context;
    conf->n_routes++;
}

static void read_key_source(struct fcd_reader *r, struct fx_node *item,
                            struct fcd_conf_context *ctx)
{
    if (!fcd_read_is_text(r, item))
        return;
    struct fx_str name, kind = fx_str_cut(item->text, ':', &name);
    struct fcd_key_source *source = &ctx->keys[ctx->n_keys++];
    char *copy = fx_arena_printf(r->arena, "%.*s", FX_STR_FMT(name));
    if (fx_str_eq_c(item->text, "issue")) {
        *source = (struct fcd_key_source){FCD_KEY_ISSUE, FCD_ISSUED_COOKIE};
        if (item->next != NULL)
            fx_problem(r->problems, item->next,
                       "this key source is never used: `issue` before it always yields a key; "
                       "write `issue` last");
    } else if (fx_str_eq_c(kind, "header") && name.len > 0) {
        for (char *c = copy; *c != '\0'; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        *source = (struct fcd_key_source){FCD_KEY_HEADER, copy};
    } else if (fx_str_eq_c(kind, "cookie") && name.len > 0) {
        *source = (struct fcd_key_source){FCD_KEY_COOKIE, copy};
    } else {
        fx_problem(r->problems, item,
                   "key source \"%.*s\" is not header:NAME, cookie:NAME or issue",
                   FX_STR_FMT(item->text));
    }
}

static void read_sticky(struct fcd_reader *r, struct fx_node *node, struct fcd_conf_context *ctx)
{
    struct sticky_section section = {0};
    if (node == NULL)
        return;
    fcd_read_section(r, node, sticky_rules, &section);
    if (section.by == NULL)
        return;
    ctx->keys = fx_arena_array(r->arena, section.by->len, sizeof *ctx->keys);
    for (struct fx_node *item = fcd_read_children(r, section.by, FX_NODE_LIST); item != NULL;
         item = item->next)
        read_key_source(r, item, ctx);
}

static void read_shadow(struct fcd_reader *r, struct fx_node *node, struct fcd_conf_context *ctx)
{
    if (node == NULL)
        return;
    fcd_read_section(r, node, shadow_rules, &ctx->shadow);
    struct fx_node *list = ctx->shadow.ignore;
    ctx->shadow.pointers = fx_arena_array(r->arena, list != NULL ? list->len : 0, sizeof(char *));
    for (struct fx_node *item = fcd_read_children(r, list, FX_NODE_LIST); item != NULL;
         item = item->next) {
        if (!fcd_read_is_text(r, item))
            continue;
        if (item->text.len == 0 || item->text.ptr[0] != '/')
            fx_problem(r->problems, item,
                       "\"%.*s\" is not a JSON pointer: it must begin with \"/\"",
                       FX_STR_FMT(item->text));
        else if (!fx_json_ignore_check(item->text.ptr))
            fx_problem(r->problems, item, "JSON pointer \"%.*s\": \"~\" must be written \"~0\"",
                       FX_STR_FMT(item->text));
        ctx->shadow.pointers[ctx->shadow.n_pointers++] = item->text.ptr;
    }
}

static size_t count_routes(const struct fx_node *contexts)
{
    size_t n = 0;
    for (const struct fx_node *ctx = contexts != NULL ? contexts->first : NULL; ctx != NULL;
         ctx = ctx->next) {
        const struct fx_node *routes = fx_node_get(ctx, "routes");
        n += routes != NULL ? routes->len : 0;
    }
    return n;
}

void fcd_read_contexts(struct fcd_reader *r, struct fx_node *map)
{
    struct fcd_config *conf = r->conf;
    size_t n_routes = count_routes(map);
    conf->contexts = fx_arena_array(r->arena, map != NULL ? map->len : 0, sizeof *conf->contexts);
    conf->routes = fx_arena_array(r->arena, n_routes, sizeof *conf->routes);
    conf->rules = fx_arena_array(r->arena, n_routes, sizeof *conf->rules);
    for (struct fx_node *item = fcd_read_children(r, map, FX_NODE_MAP); item != NULL;
         item = item->next) {
        struct context_section section = {0};
        size_t index = conf->n_contexts++;
        struct fcd_conf_context *ctx = &conf->contexts[index];
        ctx->name = item->key;
        if (!fcd_read_is_name(item->key))
            fx_problem_key(
                r->problems, item,
                "context name \"%s\" is not valid: use 1 to 64 letters, digits and \"_.-\"",
                item->key);
        fcd_read_section(r, item, context_rules, &section);
        ctx->old_upstream = read_side(r, section.old);
        ctx->new_upstream = read_side(r, section.new_side);
        if (section.routes != NULL && section.routes->len > 0 &&
            (ctx->old_upstream == SIZE_MAX || ctx->new_upstream == SIZE_MAX))
            fx_problem(r->problems, section.routes,
                       "context \"%s\" has routes: it needs `upstream` in `old` and in `new`",
                       item->key);
        for (struct fx_node *route = fcd_read_children(r, section.routes, FX_NODE_LIST);
             route != NULL; route = route->next)
            read_route(r, route, index);
        read_sticky(r, section.sticky, ctx);
        read_shadow(r, section.shadow, ctx);
    }
    fcd_rules_sort(conf->rules, conf->n_routes);
}

void fcd_contexts_table(struct fx_buf *out)
{
    fx_schema_markdown("contexts.NAME.routes[]", route_rules, out);
    fx_schema_markdown("contexts.NAME.routes[].match", match_rules, out);
    fx_schema_markdown("contexts.NAME.sticky", sticky_rules, out);
    fx_schema_markdown("contexts.NAME.shadow", shadow_rules, out);
}
