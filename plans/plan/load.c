/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML -> plan. Every problem of the file is collected and shown at once, at its line and column: what the
 * rule tables find, then what only the whole plan can say (undo, order of times, routes, duplicate ids).
 */
#include "lib/io/file.h"
#include "plans/plan.h"

const struct fx_rule pln_policy_rules[] = {
    FX_RULE_DURATION(struct pln_policy, fence_ttl_ms, "fence_ttl", .def = "15s", .min = 500,
                     .max = 600000, .help = "a dead controller's fence reopens after this"),
    FX_RULE_DURATION(struct pln_policy, hold_ms, "hold", .def = "25s", .min = 500, .max = 600000,
                     .help = "longest time a facade holds a write"),
    FX_RULE_DURATION(struct pln_policy, client_timeout_ms, "client_timeout", .def = "40s",
                     .min = 500, .max = 3600000, .help = "shortest time-out of the clients"),
    FX_RULE_DURATION(struct pln_policy, drain_ms, "drain", .def = "5s", .min = 100, .max = 600000,
                     .help = "longest wait for writes that are in flight"),
    FX_RULE_DURATION(struct pln_policy, gate_wait_ms, "gate_wait", .def = "10m", .min = 100,
                     .max = 2592000000, .help = "how long a gate without an answer holds a step"),
    FX_RULE_DURATION(struct pln_policy, retry_ms, "retry", .def = "30s", .min = 0, .max = 3600000,
                     .help = "how long a server that is away is tried again"),
    FX_RULE_INT(struct pln_policy, attempts, "attempts", .def = "3", .min = 1, .max = 100,
                .help = "how often a cut-over that aborts is tried"),
    FX_RULE_END,
};

struct plan_head {
    const char *api, *kind, *context;
    const struct fx_node *metadata, *policy, *steps;
};

static const struct fx_rule head_rules[] = {
    FX_RULE_TEXT(struct plan_head, api, "apiVersion", .is_required = true, .help = "ficus/v1"),
    FX_RULE_TEXT(struct plan_head, kind, "kind", .is_required = true, .help = "Migration"),
    FX_RULE_NODE(struct plan_head, metadata, "metadata", .is_required = true,
                 .help = "name, owner, adr"),
    FX_RULE_TEXT(struct plan_head, context, "context", .is_required = true,
                 .help = "a context of ficus.yaml"),
    FX_RULE_NODE(struct plan_head, policy, "policy", .help = "times; see below"),
    FX_RULE_NODE(struct plan_head, steps, "steps", .is_required = true, .help = "a list"),
    FX_RULE_END,
};

static const struct fx_rule metadata_rules[] = {
    FX_RULE_TEXT(struct pln_plan, name, "name", .is_required = true, .help = "name of the run"),
    FX_RULE_TEXT(struct pln_plan, owner, "owner", .help = "who answers for it"),
    FX_RULE_TEXT(struct pln_plan, adr, "adr", .help = "the decision record behind it"),
    FX_RULE_END,
};

static const char *const on_fail_names[] = {"rollback", "hold", NULL};

struct step_head {
    const char *id, *undo;
    const struct fx_node *action, *gate;
    bool is_ponr;
    int on_fail;
};

static const struct fx_rule step_rules[] = {
    FX_RULE_TEXT(struct step_head, id, "id", .is_required = true, .help = "unique in the plan"),
    FX_RULE_NODE(struct step_head, action, "do", .is_required = true, .help = "what it does"),
    FX_RULE_TEXT(struct step_head, undo, "undo", .help = "the kind that takes it back"),
    FX_RULE_NODE(struct step_head, gate, "gate", .help = "what must hold"),
    FX_RULE_BOOL(struct step_head, is_ponr, "point_of_no_return",
                 .help = "nothing before this step can be taken back afterwards"),
    FX_RULE_ENUM(struct step_head, on_fail, "on_fail", .names = on_fail_names, .def = "rollback",
                 .help = "when it fails"),
    FX_RULE_END,
};

struct action {
    const struct fx_node *routes, *through;
    double percent;
    int64_t recheck_ms, every_ms, rounds;
};

static const struct fx_rule shadow_rules[] = {
    FX_RULE_NODE(struct action, routes, "routes", .is_required = true, .help = "route ids"),
    FX_RULE_PERCENT(struct action, percent, "percent", .def = "100%", .help = "of the reads"),
    FX_RULE_DURATION(struct action, recheck_ms, "recheck", .def = "2s", .min = 0, .max = 600000,
                     .help = "a difference is asked again after this. While the stream's lag is "
                             "not below it, the gate `mismatch` waits and counts nothing; 0: "
                             "the lag is not looked at"),
    FX_RULE_END,
};
static const struct fx_rule ramp_rules[] = {
    FX_RULE_NODE(struct action, routes, "routes", .is_required = true, .help = "route ids"),
    FX_RULE_NODE(struct action, through, "through", .is_required = true,
                 .help = "growing percentages"),
    FX_RULE_DURATION(struct action, every_ms, "every", .is_required = true, .min = 100,
                     .max = 2592000000, .help = "length of a stage"),
    FX_RULE_END,
};
static const struct fx_rule routes_rules[] = {
    FX_RULE_NODE(struct action, routes, "routes", .is_required = true, .help = "route ids"),
    FX_RULE_END,
};
static const struct fx_rule rehearse_rules[] = {
    FX_RULE_INT(struct action, rounds, "rounds", .def = "3", .min = 1, .max = 32,
                .help = "there and back again, so often"),
    FX_RULE_END,
};
static const struct fx_rule no_rules[] = {FX_RULE_END};

struct loader {
    struct pln_plan *plan;
    const struct fx_project *project;
    struct fx_context *context; /* NULL: unknown */
    struct fx_arena *arena;
    struct fx_problems *problems;
};

static const struct fx_rule *action_rules(enum pln_kind kind)
{
    switch (kind) {
    case PLN_ROUTE_SHADOW: return shadow_rules;
    case PLN_ROUTE_RAMP: return ramp_rules;
    case PLN_ROUTE_UNSHADOW:
    case PLN_ROUTE_RESET: return routes_rules;
    case PLN_CUTOVER_REHEARSE: return rehearse_rules;
    case PLN_STREAM_START:
    case PLN_STREAM_DROP:
    case PLN_RECONCILE:
    case PLN_CUTOVER:
    case PLN_CUTOVER_FALLBACK:
    case PLN_WAIT:
    case PLN_FINISH:
    case PLN_NONE: break;
    }
    return no_rules;
}

static const struct fx_node *find_route(const struct loader *ld, const char *id)
{
    const struct fx_node *routes =
        ld->context != NULL ? fx_node_get(ld->context->node, "routes") : NULL;
    for (const struct fx_node *r = routes != NULL ? routes->first : NULL; r != NULL; r = r->next) {
        const struct fx_node *rid = fx_node_get(r, "id");
        if (rid != NULL && rid->kind == FX_NODE_SCALAR && fx_str_eq_c(rid->text, id))
            return r;
    }
    return NULL;
}

static void check_route(struct loader *ld, const struct fx_node *node)
{
    if (ld->context == NULL)
        return; /* said already */
    const struct fx_node *route = find_route(ld, node->text.ptr);
    if (route == NULL) {
        const char *names[65] = {0};
        size_t n = 0;
        const struct fx_node *routes = fx_node_get(ld->context->node, "routes");
        for (const struct fx_node *r = routes != NULL ? routes->first : NULL; r != NULL && n < 64;
             r = r->next) {
            const struct fx_node *id = fx_node_get(r, "id");
            if (id != NULL && id->kind == FX_NODE_SCALAR)
                names[n++] = id->text.ptr;
        }
        const char *near = fx_suggest(node->text.ptr, names);
        fx_problem(ld->problems, node, "context \"%s\" has no route \"%s\"%s%s%s",
                   ld->context->name, node->text.ptr, near != NULL ? "; did you mean \"" : "",
                   near != NULL ? near : "", near != NULL ? "\"?" : "");
        return;
    }
    const struct fx_node *kind = fx_node_get(route, "kind");
    if (kind != NULL && kind->kind == FX_NODE_SCALAR && fx_str_eq_c(kind->text, "write"))
        fx_problem(ld->problems, node, "route \"%s\" takes writes; only the cut-over moves writes",
                   node->text.ptr);
}

static void read_routes(struct loader *ld, struct pln_step *step, const struct fx_node *list)
{
    if (list == NULL)
        return;
    if (list->kind != FX_NODE_LIST || list->len == 0) {
        fx_problem(ld->problems, list, "routes: expected a list of route ids");
        return;
    }
    step->routes = fx_arena_array(ld->arena, list->len, sizeof *step->routes);
    for (const struct fx_node *n = list->first; n != NULL; n = n->next) {
        if (n->kind != FX_NODE_SCALAR) {
            fx_problem(ld->problems, n, "routes: expected a route id");
            continue;
        }
        step->routes[step->n_routes++] = n->text.ptr;
        check_route(ld, n);
    }
}

static void read_through(struct loader *ld, struct pln_step *step, const struct fx_node *list)
{
    if (list == NULL)
        return;
    if (list->kind != FX_NODE_LIST || list->len == 0 || list->len > PLN_STAGES_MAX) {
        fx_problem(ld->problems, list, "through: expected a list of 1 to %d percentages",
                   PLN_STAGES_MAX);
        return;
    }
    double last = 0;
    for (const struct fx_node *n = list->first; n != NULL; n = n->next) {
        double percent = 0;
        if (!fx_scalar_percent(n, &percent, ld->problems))
            continue;
        if (percent <= last)
            fx_problem(ld->problems, n, "through: %.*s does not grow", FX_STR_FMT(n->text));
        last = percent;
        step->through[step->n_through++] = percent;
    }
}

static enum pln_kind kind_from(struct loader *ld, const struct fx_node *at, const char *name,
                               bool at_key)
{
    for (int i = 0; i < PLN_KIND_COUNT; i++) {
        if (strcmp(pln_kind_names[i], name) == 0)
            return (enum pln_kind)i;
    }
    const char *near = fx_suggest(name, pln_kind_names);
    char text[160];
    snprintf(text, sizeof text, "unknown step kind \"%s\"%s%s%s", name,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
             near != NULL ? "\"?" : "");
    if (at_key)
        fx_problem_key(ld->problems, at, "%s", text);
    else
        fx_problem(ld->problems, at, "%s", text);
    return PLN_NONE;
}

static void read_action(struct loader *ld, struct pln_step *step, const struct fx_node *node)
{
    const struct fx_node *options = NULL;
    struct action action = {0};
    if (node->kind == FX_NODE_SCALAR) {
        step->kind = kind_from(ld, node, node->text.ptr, false);
    } else if (node->kind == FX_NODE_MAP && node->len == 1) {
        options = node->first;
        step->kind = kind_from(ld, options, options->key, true);
    } else {
        fx_problem(ld->problems, node, "do: expected one kind, or {kind: {options}}");
    }
    if (step->kind == PLN_NONE)
        return;
    if (step->kind == PLN_WAIT) {
        if (options == NULL)
            fx_problem(ld->problems, node, "wait needs a duration: {wait: 14d}");
        else
            (void)fx_scalar_duration(options, &step->wait_ms, ld->problems);
        return;
    }
    /* Without options the place to complain about a missing one is the step's own `do`. */
    size_t before = ld->problems->count;
    const struct fx_rule *rules = action_rules(step->kind);
    fx_schema_read(options, rules, &action, ld->arena, ld->problems);
    if (options == NULL && ld->problems->count > before)
        fx_problem(ld->problems, node, "step kind \"%s\" needs options", node->text.ptr);
    step->percent = action.percent;
    step->recheck_ms = action.recheck_ms;
    step->every_ms = action.every_ms;
    step->rounds = action.rounds;
    read_routes(ld, step, action.routes);
    read_through(ld, step, action.through);
}

static void check_undo(struct loader *ld, struct pln_step *step, const struct step_head *head)
{
    const struct pln_kind_info *info = pln_kind_info(step->kind);
    const struct fx_node *undo = fx_node_get(step->node, "undo");
    if (head->undo != NULL && undo != NULL) {
        enum pln_kind kind = kind_from(ld, undo, head->undo, false);
        if (kind != PLN_NONE && info->undo == PLN_NONE)
            fx_problem(ld->problems, undo, "\"%s\" has no undo", info->name);
        else if (kind != PLN_NONE && kind != info->undo)
            fx_problem(ld->problems, undo, "\"%s\" is not undone by \"%s\" but by \"%s\"",
                       info->name, head->undo, pln_kind_info(info->undo)->name);
        step->has_undo = true;
    } else if (info->changes && !step->is_point_of_no_return) {
        const struct fx_node *at = fx_node_get(step->node, "do");
        if (info->undo != PLN_NONE)
            fx_problem_key(ld->problems, at,
                           "step \"%s\" changes something: add `undo: %s` or "
                           "`point_of_no_return: true`",
                           step->id, pln_kind_info(info->undo)->name);
        else
            fx_problem_key(ld->problems, at,
                           "step \"%s\" cannot be taken back: it must say "
                           "`point_of_no_return: true`",
                           step->id);
    }
}

static void read_step(struct loader *ld, const struct fx_node *node)
{
    struct pln_plan *plan = ld->plan;
    struct step_head head = {0};
    if (plan->n_steps == PLN_STEPS_MAX) {
        fx_problem(ld->problems, node, "a plan has at most %d steps", PLN_STEPS_MAX);
        return;
    }
    struct pln_step *step = &plan->steps[plan->n_steps];
    *step = (struct pln_step){.index = (int)plan->n_steps, .kind = PLN_NONE, .node = node};
    plan->n_steps++;
    fx_schema_read(node, step_rules, &head, ld->arena, ld->problems);
    step->id = head.id != NULL ? head.id : "";
    step->is_point_of_no_return = head.is_ponr;
    step->on_fail = (enum pln_on_fail)head.on_fail;
    for (size_t i = 0; i + 1 < plan->n_steps && head.id != NULL; i++) {
        if (strcmp(plan->steps[i].id, head.id) == 0)
            fx_problem(ld->problems, fx_node_get(node, "id"),
                       "step id \"%s\" is taken by the step in line %d", head.id,
                       plan->steps[i].node->line);
    }
    if (head.action != NULL)
        read_action(ld, step, head.action);
    if (step->kind != PLN_NONE)
        check_undo(ld, step, &head);
    if (head.gate != NULL)
        pln_gates_read(step, head.gate, ld->arena, ld->problems);
}

static void check_policy(struct loader *ld, const struct fx_node *node)
{
    const struct pln_policy *p = &ld->plan->policy;
    if (p->drain_ms + p->fence_ttl_ms > p->hold_ms)
        fx_problem(ld->problems, node,
                   "policy: drain + fence_ttl (%lld ms) must not be longer than hold (%lld ms)",
                   (long long)(p->drain_ms + p->fence_ttl_ms), (long long)p->hold_ms);
    if (p->hold_ms > p->client_timeout_ms)
        fx_problem(ld->problems, node,
                   "policy: hold (%lld ms) must not be longer than client_timeout (%lld ms)",
                   (long long)p->hold_ms, (long long)p->client_timeout_ms);
}

/* What needs the streams must come after the step that starts them. */
static void check_order(struct loader *ld)
{
    bool has_stream = false;
    for (size_t i = 0; i < ld->plan->n_steps; i++) {
        const struct pln_step *step = &ld->plan->steps[i];
        bool needs = step->kind == PLN_RECONCILE || step->kind == PLN_CUTOVER ||
                     step->kind == PLN_CUTOVER_FALLBACK || step->kind == PLN_CUTOVER_REHEARSE ||
                     step->kind == PLN_ROUTE_SHADOW || step->kind == PLN_ROUTE_RAMP ||
                     step->kind == PLN_FINISH;
        if (step->kind == PLN_STREAM_START)
            has_stream = true;
        else if (step->kind == PLN_STREAM_DROP)
            has_stream = false;
        else if (needs && !has_stream)
            fx_problem(ld->problems, step->node,
                       "step \"%s\" needs running streams: no step before it does stream.start",
                       step->id);
    }
}

/*
 * Ownership moves to and fro: each move needs the tables where the one before has left them. Where the first finds them
 * is not the plan's: a plan may fall back from what an earlier one has cut over.
 */
static void check_moves(struct loader *ld)
{
    const struct pln_step *last = NULL;
    for (size_t i = 0; i < ld->plan->n_steps; i++) {
        const struct pln_step *step = &ld->plan->steps[i];
        if (step->kind != PLN_CUTOVER && step->kind != PLN_CUTOVER_FALLBACK)
            continue;
        if (last != NULL && last->kind == step->kind)
            fx_problem(ld->problems, fx_node_get(step->node, "do"),
                       "step \"%s\" %s, but step \"%s\" in line %d has done so already, and no "
                       "step between them does %s",
                       step->id, step->kind == PLN_CUTOVER ? "cuts over" : "falls back", last->id,
                       last->node->line,
                       step->kind == PLN_CUTOVER ? "cutover.fallback" : "cutover");
        last = step;
    }
}

static bool is_plain_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= 63 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-_.") == len &&
           name[0] != '.';
}

static void find_context(struct loader *ld, const struct fx_node *root, const char *name)
{
    ld->plan->context = name != NULL ? name : "";
    const struct fx_node *at = fx_node_get(root, "context");
    if (name == NULL || ld->project == NULL)
        return;
    const char *names[65] = {0};
    for (size_t i = 0; i < ld->project->n_contexts; i++) {
        if (strcmp(ld->project->contexts[i].name, name) == 0)
            ld->context = &ld->project->contexts[i];
        if (i < 64)
            names[i] = ld->project->contexts[i].name;
    }
    if (ld->context != NULL)
        return;
    const char *near = fx_suggest(name, names);
    fx_problem(ld->problems, at, "%s has no context \"%s\"%s%s%s", ld->project->path, name,
               near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
               near != NULL ? "\"?" : "");
}

static void read_plan(struct loader *ld, const struct fx_node *root)
{
    struct plan_head head = {0};
    fx_schema_read(root, head_rules, &head, ld->arena, ld->problems);
    if (head.api != NULL && strcmp(head.api, "ficus/v1") != 0)
        fx_problem(ld->problems, fx_node_get(root, "apiVersion"),
                   "apiVersion: \"%s\" is not ficus/v1", head.api);
    if (head.kind != NULL && strcmp(head.kind, "Migration") != 0)
        fx_problem(ld->problems, fx_node_get(root, "kind"), "kind: \"%s\" is not Migration",
                   head.kind);
    if (head.metadata != NULL)
        fx_schema_read(head.metadata, metadata_rules, ld->plan, ld->arena, ld->problems);
    if (ld->plan->name != NULL && !is_plain_name(ld->plan->name))
        fx_problem(ld->problems, fx_node_get(head.metadata, "name"),
                   "name: at most 63 letters, digits, '-', '_' and '.'");
    fx_schema_read(head.policy, pln_policy_rules, &ld->plan->policy, ld->arena, ld->problems);
    check_policy(ld, head.policy != NULL ? head.policy : root);
    find_context(ld, root, head.context);
    if (head.steps != NULL && (head.steps->kind != FX_NODE_LIST || head.steps->len == 0))
        fx_problem(ld->problems, head.steps, "steps: expected a list of steps");
    else if (head.steps != NULL) {
        for (const struct fx_node *n = head.steps->first; n != NULL; n = n->next)
            read_step(ld, n);
        check_order(ld);
        check_moves(ld);
    }
}

bool pln_parse(const char *name, struct fx_str text, const struct fx_project *project,
               struct fx_arena *arena, struct pln_plan **ret_plan, struct fx_problems *problems,
               struct fx_err *err)
{
    struct fx_node *root = NULL;
    if (!fx_doc_parse(name, text, arena, &root, err))
        return false;
    struct pln_plan *plan = FX_ARENA_NEW(arena, struct pln_plan);
    plan->path = fx_arena_strdup(arena, name);
    plan->text = fx_arena_str(arena, text);
    fx_hash128_hex(text, plan->digest);
    struct loader ld = {.plan = plan, .project = project, .arena = arena, .problems = problems};
    read_plan(&ld, root);
    if (!fx_problems_ok(problems, err)) {
        if (problems->count > 1)
            snprintf(err->message, sizeof err->message, "plan \"%s\" has %zu problems", name,
                     problems->count);
        return false;
    }
    *ret_plan = plan;
    return true;
}

bool pln_load(const char *path, const struct fx_project *project, struct fx_arena *arena,
              struct pln_plan **ret_plan, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    if (!fx_file_read(path, 1 << 20, &text, err)) {
        fx_err_recode(err, FX_E_CONFIG);
        return fx_ctx(err, "reading the plan \"%s\"", path);
    }
    struct fx_problems problems;
    fx_problems_init(&problems);
    bool ok = pln_parse(path, fx_buf_str(&text), project, arena, ret_plan, &problems, err);
    fx_problems_done(&problems);
    return ok;
}

void pln_config_markdown(struct fx_buf *out)
{
    fx_schema_markdown("plan: the file", head_rules, out);
    fx_schema_markdown("plan: metadata", metadata_rules, out);
    fx_schema_markdown("plan: policy", pln_policy_rules, out);
    fx_schema_markdown("plan: steps[]", step_rules, out);
    fx_buf_add_c(out, "## plan: kinds of steps\n\n`do: KIND` or `do: {KIND: {options}}`; `wait` "
                      "takes its duration: "
                      "`do: {wait: 14d}`.\n\n| kind | undo | gates are asked | what it does "
                      "|\n|---|---|---|---|\n");
    for (int i = 0; i < PLN_KIND_COUNT; i++) {
        const struct pln_kind_info *info = pln_kind_info((enum pln_kind)i);
        const char *undo = info->undo != PLN_NONE ? pln_kind_info(info->undo)->name : "";
        fx_buf_printf(out, "| `%s` | %s%s%s | %s | %s |\n", info->name, undo[0] != '\0' ? "`" : "",
                      undo, undo[0] != '\0' ? "`" : "",
                      info->gates == PLN_BEFORE   ? "before it acts"
                      : info->gates == PLN_DURING ? "while it runs"
                                                  : "after it has acted",
                      info->text);
    }
    fx_buf_add_char(out, '\n');
    fx_schema_markdown("plan: options of route.shadow", shadow_rules, out);
    fx_schema_markdown("plan: options of route.ramp", ramp_rules, out);
    fx_schema_markdown("plan: options of route.unshadow and route.reset", routes_rules, out);
    fx_schema_markdown("plan: options of cutover.rehearse", rehearse_rules, out);
    pln_gates_markdown(out);
}
