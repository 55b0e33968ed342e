/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `facade`, and the order in which the sections are read. Each section is a rule table;
 * what a table cannot say (names that refer to each other, patterns, addresses) is checked here and
 * reported at its node, all at once. The root of the file, and with it the state directory, is
 * lib/map/root.h's.
 */
#include "strangler/conf/read.h"

#include "lib/map/root.h"

struct facade_section {
    struct fx_node *listen, *admin, *limits, *timeouts, *hold, *shadow;
    const char *default_upstream;
    int state;
};

static const char *const state_words[] = {"optional", "required", NULL};
static const struct fx_rule facade_rules[] = {
    FX_RULE_NODE(struct facade_section, listen, "listen", .is_required = true,
                 .help = "list of {address: host:port}"),
    FX_RULE_NODE(struct facade_section, admin, "admin", .help = "see facade.admin"),
    FX_RULE_TEXT(
        struct facade_section, default_upstream, "default",
        .help = "upstream of requests that no route takes; default: the only context's old side"),
    FX_RULE_ENUM(struct facade_section, state, "state", .names = state_words, .def = "optional",
                 .help = "required: a facade without facade.json in its state directory does not "
                         "know who owns its groups: reads go to the old side, writes get 503 until "
                         "ficus route sync. optional: so only if it has served there before"),
    FX_RULE_NODE(struct facade_section, limits, "limits", .help = "see facade.limits"),
    FX_RULE_NODE(struct facade_section, timeouts, "timeouts", .help = "see facade.timeouts"),
    FX_RULE_NODE(struct facade_section, hold, "hold", .help = "see facade.hold"),
    FX_RULE_NODE(struct facade_section, shadow, "shadow", .help = "see facade.shadow"),
    FX_RULE_END};

static const struct fx_rule limits_rules[] = {
    FX_RULE_INT(
        struct fcd_conf_limits, connections, "connections", .def = "10000", .min = 1,
        .max = 1000000,
        .help = "maximum number of client connections, and never more than half of the process's "
                "file descriptors; further connections get 503"),
    FX_RULE_INT(struct fcd_conf_limits, upstream_connections, "upstream_connections", .def = "1024",
                .min = 1, .max = 100000,
                .help = "maximum number of connections to one upstream; further requests get 503"),
    FX_RULE_SIZE(
        struct fcd_conf_limits, head_bytes, "head", .def = "16KiB", .min = 1024, .max = 24576,
        .help = "maximum size of request line and header fields together; larger ones get 431"),
    FX_RULE_SIZE(
        struct fcd_conf_limits, body_rate, "body_rate", .def = "1KiB", .min = 1, .max = 1ll << 30,
        .help = "minimum rate, in bytes a second, at which a client must send a request's body, on "
                "average over timeouts.stall; slower ones get 408. Waiting for the upstream does "
                "not count"),
    FX_RULE_END};

static const struct fx_rule timeouts_rules[] = {
    FX_RULE_DURATION(struct fcd_conf_timeouts, head_ms, "head", .def = "10s", .min = 10,
                     .max = 600000,
                     .help = "from the first byte of a request to the end of its head; then 408"),
    FX_RULE_DURATION(struct fcd_conf_timeouts, idle_ms, "idle", .def = "75s", .min = 10,
                     .max = 3600000,
                     .help = "between two requests of a client connection; then it is closed"),
    FX_RULE_DURATION(struct fcd_conf_timeouts, connect_ms, "connect", .def = "2s", .min = 1,
                     .max = 60000, .help = "connecting to an upstream; then 504"),
    FX_RULE_DURATION(struct fcd_conf_timeouts, response_ms, "response", .def = "60s", .min = 10,
                     .max = 3600000,
                     .help = "from the end of a request to the head of its response; then 504"),
    FX_RULE_DURATION(struct fcd_conf_timeouts, stall_ms, "stall", .def = "30s", .min = 10,
                     .max = 3600000,
                     .help = "without progress of a body; then the connection is closed"),
    FX_RULE_DURATION(
        struct fcd_conf_timeouts, stream_ms, "stream", .def = "1h", .min = 10, .max = 86400000,
        .help = "without a byte of a text/event-stream response, which may be quiet for "
                "longer than stall; then the connection is closed"),
    FX_RULE_DURATION(struct fcd_conf_timeouts, drain_ms, "drain", .def = "30s", .min = 0,
                     .max = 3600000, .help = "time that running requests have after SIGTERM"),
    FX_RULE_END};

static const struct fx_rule hold_rules[] = {
    FX_RULE_INT(struct fcd_conf_hold, requests, "requests", .def = "1000", .min = 0, .max = 1000000,
                .help = "maximum number of held writes of all groups together; further ones get "
                        "503 with Retry-After"),
    FX_RULE_SIZE(
        struct fcd_conf_hold, bytes, "bytes", .def = "64MiB", .min = 0, .max = 1ll << 36,
        .help =
            "maximum memory of held writes. Each counts a buffer of 32KiB and its record, whatever "
            "its body, so 64KiB is enough for one; further ones get 503 with Retry-After"),
    FX_RULE_INT(struct fcd_conf_hold, release_per_s, "release_per_second", .def = "2000", .min = 1,
                .max = 1000000, .help = "rate at which held writes are sent after a release"),
    FX_RULE_DURATION(
        struct fcd_conf_hold, unanswered_ms, "unanswered", .def = "60s", .min = 0, .max = 3600000,
        .help = "time that a write counts as in flight after its client got 504, or left while it "
                "sent: until its upstream answers or closes, so that a hold waits for it; then it "
                "is counted as lost"),
    FX_RULE_DURATION(
        struct fcd_conf_hold, body_ms, "body", .def = "1s", .min = 0, .max = 3600000,
        .help = "time that writes in flight have for the rest of their bodies when a hold begins; "
                "slower ones get 503 with Retry-After, so that no upload delays a cut-over"),
    FX_RULE_END};

static const struct fx_rule mirror_rules[] = {
    FX_RULE_INT(struct fcd_conf_mirror, connections, "connections", .def = "8", .min = 1,
                .max = 1000, .help = "maximum number of shadow connections to each upstream"),
    FX_RULE_INT(struct fcd_conf_mirror, queue, "queue", .def = "512", .min = 1, .max = 100000,
                .help = "maximum number of comparisons, waiting and running; further ones are "
                        "dropped and counted"),
    FX_RULE_SIZE(
        struct fcd_conf_mirror, bytes, "bytes", .def = "32MiB", .min = 65536, .max = 1ll << 36,
        .help = "maximum memory of all comparisons; beyond it they are dropped and counted"),
    FX_RULE_SIZE(
        struct fcd_conf_mirror, body_bytes, "body", .def = "256KiB", .min = 0, .max = 1ll << 28,
        .help = "maximum size of a response that is compared; larger ones are counted as dropped"),
    FX_RULE_DURATION(struct fcd_conf_mirror, timeout_ms, "timeout", .def = "5s", .min = 10,
                     .max = 600000, .help = "time limit for one shadow request"),
    FX_RULE_INT(struct fcd_conf_mirror, exemplars, "exemplars", .def = "10", .min = 0, .max = 1000,
                .help = "number of latest differences that the status shows for each route"),
    FX_RULE_BOOL(struct fcd_conf_mirror, shows_values, "show_values", .def = "false",
                 .help = "show in them what the two responses have there, which may be customers' "
                         "data; otherwise only where they differ"),
    FX_RULE_END};

struct address_section {
    const char *address;
};
static const struct fx_rule listen_rules[] = {FX_RULE_TEXT(struct address_section, address,
                                                           "address", .is_required = true,
                                                           .help = "host:port"),
                                              FX_RULE_END};
static void read_listen(struct fcd_reader *r, struct fx_node *list)
{
    struct fx_node *item = fcd_read_children(r, list, FX_NODE_LIST);
    if (list != NULL && list->kind == FX_NODE_LIST && list->len == 0)
        fx_problem(r->problems, list,
                   "facade.listen: at least one address is needed, such as [{address: "
                   "\"127.0.0.1:8080\"}]");
    r->conf->listen =
        fx_arena_array(r->arena, list != NULL ? list->len : 0, sizeof(struct fx_addr));
    for (; item != NULL; item = item->next) {
        struct address_section section = {0};
        fcd_read_section(r, item, listen_rules, &section);
        if (section.address != NULL)
            fcd_read_address(r, fx_node_get(item, "address"), section.address,
                             &r->conf->listen[r->conf->n_listen++]);
    }
}

/* Port 0: the system gives each its own. */
static bool is_address(const struct fx_node *at)
{
    return at != NULL && at->kind == FX_NODE_SCALAR &&
           !(at->text.len > 2 &&
             fx_str_eq(fx_str_sub(at->text, at->text.len - 2, 2), FX_STR(":0")));
}

/* Compared as written: that "localhost" is 127.0.0.1 is found out when the second one listens. */
static void check_doors(struct fcd_reader *r, const struct fx_node *listen,
                        const struct fx_node *admin)
{
    const struct fx_node *item = listen != NULL ? listen->first : NULL;
    const struct fx_node *door = fx_node_get(admin, "address");
    for (; item != NULL; item = item->next) {
        const struct fx_node *at = fx_node_get(item, "address"), *same = NULL;
        if (!is_address(at))
            continue;
        if (is_address(door) && fx_str_eq(door->text, at->text))
            fx_problem(r->problems, door,
                       "facade.admin: %.*s is the address for customers too (line %d); the admin "
                       "API needs its own",
                       FX_STR_FMT(at->text), at->line);
        for (const struct fx_node *next = item->next; next != NULL; next = next->next) {
            same = fx_node_get(next, "address");
            if (is_address(same) && fx_str_eq(same->text, at->text))
                fx_problem(r->problems, same, "facade.listen: %.*s is listed twice (line %d)",
                           FX_STR_FMT(at->text), at->line);
        }
    }
}

static void read_default(struct fcd_reader *r, const struct fx_node *facade, const char *name)
{
    struct fcd_config *conf = r->conf;
    conf->default_upstream = SIZE_MAX;
    if (name != NULL) {
        conf->default_upstream = fcd_read_upstream_name(r, fx_node_get(facade, "default"), name);
        return;
    }
    for (size_t i = 0; i < conf->n_contexts; i++) {
        size_t old = conf->contexts[i].old_upstream;
        if (old == SIZE_MAX || old == conf->default_upstream)
            continue;
        if (conf->default_upstream != SIZE_MAX) {
            fx_problem(r->problems, facade,
                       "facade: set `default` to the upstream of requests that match no route: the "
                       "contexts have different old upstreams");
            return;
        }
        conf->default_upstream = old;
    }
    if (conf->default_upstream == SIZE_MAX && r->problems->count == 0)
        fx_problem(r->problems, facade,
                   "facade: set `default`: there is no context that names the upstream of requests "
                   "that match no route");
}

static void read_facade(struct fcd_reader *r, const struct fx_root *root)
{
    struct fcd_config *conf = r->conf;
    struct facade_section section = {0};
    fcd_read_section(r, root->facade, facade_rules, &section);
    read_listen(r, section.listen);
    fcd_read_admin(r, root, section.admin, &conf->admin);
    check_doors(r, section.listen, section.admin);
    fcd_read_section(r, section.limits, limits_rules, &conf->limits);
    fcd_read_section(r, section.timeouts, timeouts_rules, &conf->timeouts);
    fcd_read_section(r, section.hold, hold_rules, &conf->hold);
    fcd_read_section(r, section.shadow, mirror_rules, &conf->mirror);
    fcd_read_upstreams(r, root->upstreams);
    fcd_read_contexts(r, root->contexts);
    read_default(r, root->facade, section.default_upstream);
    r->conf->is_state_required = section.state == 1; /* its place in state_words */
}

static void read_all(struct fcd_reader *r, const struct fx_root *root)
{
    r->conf = FX_ARENA_NEW(r->arena, struct fcd_config);
    r->conf->state_dir = root->state_dir;
    fx_root_need(root, "facade", r->problems);
    if (root->facade != NULL)
        read_facade(r, root);
}

bool fcd_config_load(const char *path, struct fx_arena *arena, struct fcd_config **ret_config,
                     struct fx_err *err)
{
    struct fx_root root;
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    if (!fx_root_load(path, arena, &problems, &root, err))
        return false;
    struct fcd_reader r = {.arena = arena, .problems = &problems};
    read_all(&r, &root);
    if (!fx_problems_ok(&problems, err))
        return false;
    if (fx_err_is(
            &r.secret_err)) { /* nothing wrong with the file: it keeps its own code and hint */
        *err = r.secret_err;
        return fx_ctx(err, "reading facade.admin.token");
    }
    *ret_config = r.conf;
    return true;
}

void fcd_config_problems(const struct fx_root *root, struct fx_arena *arena,
                         struct fx_problems *problems)
{
    struct fcd_reader r = {.arena = arena, .problems = problems, .is_check = true};
    if (root->facade != NULL)
        read_all(&r, root);
}

void fcd_config_table(struct fx_buf *out)
{
    fx_schema_markdown("facade", facade_rules, out);
    fx_schema_markdown("facade.listen[]", listen_rules, out);
    fcd_admin_table(out);
    fx_schema_markdown("facade.limits", limits_rules, out);
    fx_schema_markdown("facade.timeouts", timeouts_rules, out);
    fx_schema_markdown("facade.hold", hold_rules, out);
    fx_schema_markdown("facade.shadow", mirror_rules, out);
    fcd_upstreams_table(out);
    fcd_contexts_table(out);
}
