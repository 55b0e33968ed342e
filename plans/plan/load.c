/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML -> plan. Every problem of the file is collected and shown at once, at its line and column:
 * what the rule tables find, then what only the whole plan can say (undo, order of times, routes,
 * duplicate ids).
 */
#include "plans/plan/load.h"

#include "lib/io/file.h"
#include "plans/plan/action.h"

const struct fx_rule pln_policy_rules[] = {
    FX_RULE_DURATION(struct pln_policy, fence_ttl_ms, "fence_ttl", .def = "15s", .min = 500,
                     .max = 600000,
                     .help = "a fence expires after this and its side accepts writes again"),
    FX_RULE_DURATION(struct pln_policy, hold_ms, "hold", .def = "25s", .min = 500, .max = 600000,
                     .help = "longest time that a facade holds a write"),
    FX_RULE_DURATION(struct pln_policy, client_timeout_ms, "client_timeout", .def = "40s",
                     .min = 500, .max = 3600000, .help = "shortest request timeout of the clients"),
    FX_RULE_DURATION(struct pln_policy, drain_ms, "drain", .def = "5s", .min = 100, .max = 600000,
                     .help = "longest wait for writes that are in flight"),
    FX_RULE_DURATION(struct pln_policy, drain_before_ms, "drain_before", .def = "200ms", .min = 1,
                     .max = 600000,
                     .help = "writes are held only when the lag of both streams stays below this"),
    FX_RULE_DURATION(struct pln_policy, drain_wait_ms, "drain_wait", .def = "60s", .min = 0,
                     .max = 86400000,
                     .help = "longest wait for that; then the run is held, no write has waited"),
    FX_RULE_DURATION(
        struct pln_policy, gate_wait_ms, "gate_wait", .def = "10m", .min = 100, .max = 2592000000,
        .help = "how long a step waits for a gate that cannot be measured; then the run is held"),
    FX_RULE_DURATION(struct pln_policy, retry_ms, "retry", .def = "30s", .min = 0, .max = 3600000,
                     .help = "how long an unreachable server is retried"),
    FX_RULE_INT(struct pln_policy, attempts, "attempts", .def = "3", .min = 1, .max = 100,
                .help = "attempts at a cut-over that aborts"),
    FX_RULE_END,
};

struct plan_head {
    const char *api, *kind, *context, *rolls_back;
    const struct fx_node *metadata, *policy, *steps;
};

static const struct fx_rule head_rules[] = {
    FX_RULE_TEXT(struct plan_head, api, "apiVersion", .is_required = true, .help = "ficus/v1"),
    FX_RULE_TEXT(struct plan_head, kind, "kind", .is_required = true,
                 .help = "Migration, or Rollback: a way back, as `ficus plan rollback` writes it"),
    FX_RULE_NODE(struct plan_head, metadata, "metadata", .is_required = true,
                 .help = "name, owner, adr"),
    FX_RULE_TEXT(struct plan_head, context, "context", .is_required = true,
                 .help = "a context of ficus.yaml"),
    FX_RULE_TEXT(struct plan_head, rolls_back, "rolls_back",
                 .help = "of a Rollback: the run whose steps it takes back"),
    FX_RULE_NODE(struct plan_head, policy, "policy", .help = "times; see below"),
    FX_RULE_NODE(struct plan_head, steps, "steps", .is_required = true, .help = "a list"),
    FX_RULE_END,
};

static const struct fx_rule metadata_rules[] = {
    FX_RULE_TEXT(struct pln_plan, name, "name", .is_required = true, .help = "name of the run"),
    FX_RULE_TEXT(struct pln_plan, owner, "owner", .help = "responsible person or team"),
    FX_RULE_TEXT(struct pln_plan, adr, "adr", .help = "decision record of the migration"),
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
    FX_RULE_TEXT(struct step_head, undo, "undo", .help = "kind of step that undoes it"),
    FX_RULE_NODE(struct step_head, gate, "gate", .help = "conditions of the step"),
    FX_RULE_BOOL(struct step_head, is_ponr, "point_of_no_return",
                 .help = "after this step nothing before it can be undone"),
    FX_RULE_ENUM(struct step_head, on_fail, "on_fail", .names = on_fail_names, .def = "rollback",
                 .help = "what to do when the step fails"),
    FX_RULE_END,
};

static enum pln_kind kind_from(struct pln_reader *rd, const struct fx_node *at, const char *name,
                               bool at_key)
{
    for (int i = 0; i < PLN_KIND_COUNT; i++) {
        if (strcmp(pln_kind_names[i], name) == 0)
            return (enum pln_kind)i;
    }
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(1024);
    (void)fx_suggest_end(name, pln_kind_names, &known);
    if (at_key)
        fx_problem_key(rd->problems, at, "unknown step kind \"%s\"%s", name, fx_buf_cstr(&known));
    else
        fx_problem(rd->problems, at, "unknown step kind \"%s\"%s", name, fx_buf_cstr(&known));
    return PLN_NONE;
}

/* Without options a missing one is reported at the step's own `do`. */
static void read_options(struct pln_reader *rd, struct pln_step *step, const struct fx_node *at,
                         const struct fx_node *options)
{
    static const struct fx_rule no_rules[] = {FX_RULE_END};
    const struct pln_action *action = pln_action_of(step->kind);
    const char *name = pln_kind_info(step->kind)->name;
    size_t before = rd->problems->count;
    if (action->value != NULL && options == NULL)
        fx_problem(rd->problems, at, "%s needs %s", name, action->value);
    else if (action->read != NULL)
        action->read(rd, step, options);
    else
        fx_schema_read(options, no_rules, NULL, rd->arena, rd->problems);
    if (action->value == NULL && options == NULL && rd->problems->count > before)
        fx_problem(rd->problems, at, "step kind \"%s\" needs options", name);
}

static void read_action(struct pln_reader *rd, struct pln_step *step, const struct fx_node *node)
{
    const struct fx_node *options = NULL;
    if (node->kind == FX_NODE_SCALAR) {
        step->kind = kind_from(rd, node, node->text.ptr, false);
    } else if (node->kind == FX_NODE_MAP && node->len == 1) {
        options = node->first;
        step->kind = kind_from(rd, options, options->key, true);
    } else {
        fx_problem(rd->problems, node, "do: expected one kind, or {kind: {options}}");
    }
    if (step->kind != PLN_NONE)
        read_options(rd, step, node, options);
}

static void read_gates(struct pln_reader *rd, struct pln_step *step, const struct fx_node *node)
{
    bool is_known = step->kind != PLN_NONE;
    step->n_gates =
        pln_gates_read(node, is_known ? pln_kind_info(step->kind)->name : NULL,
                       is_known ? pln_action_of(step->kind)->measures : PLN_MEASURES_NOTHING,
                       step->gates, rd->arena, rd->problems);
}

static void check_undo(struct pln_reader *rd, struct pln_step *step, const struct step_head *head)
{
    const struct pln_kind_info *info = pln_kind_info(step->kind);
    const struct fx_node *undo = fx_node_get(step->node, "undo");
    if (head->undo != NULL && undo != NULL) {
        enum pln_kind kind = kind_from(rd, undo, head->undo, false);
        if (kind != PLN_NONE && info->undo == PLN_NONE)
            fx_problem(rd->problems, undo, "a step of kind \"%s\" has no undo: remove the key",
                       info->name);
        else if (kind != PLN_NONE && kind != info->undo)
            fx_problem(rd->problems, undo,
                       "a step of kind \"%s\" is not undone by \"%s\" but by \"%s\"", info->name,
                       head->undo, pln_kind_info(info->undo)->name);
        step->has_undo = true;
    } else if (info->changes && !step->is_point_of_no_return && !rd->plan->is_rollback) {
        const struct fx_node *at = fx_node_get(step->node, "do");
        if (info->undo != PLN_NONE)
            fx_problem_key(rd->problems, at,
                           "step \"%s\" changes something: add `undo: %s` or "
                           "`point_of_no_return: true`",
                           step->id, pln_kind_info(info->undo)->name);
        else
            fx_problem_key(rd->problems, at,
                           "step \"%s\" cannot be undone: add `point_of_no_return: true`",
                           step->id);
    }
}

static void read_step(struct pln_reader *rd, const struct fx_node *node)
{
    struct pln_plan *plan = rd->plan;
    struct step_head head = {0};
    if (plan->n_steps == PLN_STEPS_MAX) {
        fx_problem(rd->problems, node, "a plan has at most %d steps", PLN_STEPS_MAX);
        return;
    }
    struct pln_step *step = &plan->steps[plan->n_steps];
    *step = (struct pln_step){.index = (int)plan->n_steps, .kind = PLN_NONE, .node = node};
    plan->n_steps++;
    fx_schema_read(node, step_rules, &head, rd->arena, rd->problems);
    step->id = head.id != NULL ? head.id : "";
    step->is_point_of_no_return = head.is_ponr;
    step->on_fail = (enum pln_on_fail)head.on_fail;
    if (rd->plan->is_rollback && fx_node_get(node, "on_fail") == NULL)
        step->on_fail = PLN_FAIL_HOLD;
    for (size_t i = 0; i + 1 < plan->n_steps && head.id != NULL; i++) {
        if (strcmp(plan->steps[i].id, head.id) == 0)
            fx_problem(rd->problems, fx_node_get(node, "id"),
                       "step id \"%s\" is already used in line %d", head.id,
                       plan->steps[i].node->line);
    }
    if (head.action != NULL)
        read_action(rd, step, head.action);
    if (step->kind != PLN_NONE)
        check_undo(rd, step, &head);
    if (head.gate != NULL)
        read_gates(rd, step, head.gate);
}

static void check_policy(struct pln_reader *rd, const struct fx_node *node)
{
    const struct pln_policy *p = &rd->plan->policy;
    if (p->drain_ms + p->fence_ttl_ms > p->hold_ms)
        fx_problem(rd->problems, node,
                   "policy: drain + fence_ttl (%lld ms) must not be longer than hold (%lld ms)",
                   (long long)(p->drain_ms + p->fence_ttl_ms), (long long)p->hold_ms);
    if (p->hold_ms > p->client_timeout_ms)
        fx_problem(rd->problems, node,
                   "policy: hold (%lld ms) must not be longer than client_timeout (%lld ms)",
                   (long long)p->hold_ms, (long long)p->client_timeout_ms);
}

/* Steps that need the streams must come after the step that starts them. */
static void check_order(struct pln_reader *rd)
{
    bool has_stream = rd->plan->is_rollback;
    for (size_t i = 0; i < rd->plan->n_steps; i++) {
        const struct pln_step *step = &rd->plan->steps[i];
        if (step->kind == PLN_NONE)
            continue;
        enum pln_streams streams = pln_action_of(step->kind)->streams;
        if (streams == PLN_STREAMS_START || streams == PLN_STREAMS_END)
            has_stream = streams == PLN_STREAMS_START;
        else if (streams == PLN_STREAMS_NEEDED && !has_stream)
            fx_problem(rd->problems, step->node,
                       "step \"%s\" needs running streams, but no earlier step does stream.start",
                       step->id);
    }
}

/* Checks of a step that need the whole plan, by its kind. */
static void lint_steps(struct pln_reader *rd)
{
    for (size_t i = 0; i < rd->plan->n_steps; i++) {
        const struct pln_step *step = &rd->plan->steps[i];
        if (step->kind != PLN_NONE && pln_action_of(step->kind)->lint != NULL)
            pln_action_of(step->kind)->lint(rd->plan, step, rd->problems);
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

static void find_context(struct pln_reader *rd, const struct fx_node *root, const char *name)
{
    rd->plan->context = name != NULL ? name : "";
    const struct fx_node *at = fx_node_get(root, "context");
    if (name == NULL || rd->project == NULL)
        return;
    const char *names[65] = {0};
    for (size_t i = 0; i < rd->project->n_contexts; i++) {
        if (strcmp(rd->project->contexts[i].name, name) == 0)
            rd->context = &rd->project->contexts[i];
        if (i < 64)
            names[i] = rd->project->contexts[i].name;
    }
    if (rd->context != NULL)
        return;
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
    fx_problem(rd->problems, at, "%s has no context \"%s\"%s", rd->project->path, name,
               fx_suggest_end(name, names, &known));
}

static void read_kind(struct pln_reader *rd, const struct fx_node *root,
                      const struct plan_head *head)
{
    const struct fx_node *of = fx_node_get(root, "rolls_back");
    rd->plan->is_rollback = head->kind != NULL && strcmp(head->kind, "Rollback") == 0;
    rd->plan->rolls_back = head->rolls_back;
    if (head->kind != NULL && !rd->plan->is_rollback && strcmp(head->kind, "Migration") != 0)
        fx_problem(rd->problems, fx_node_get(root, "kind"),
                   "kind: \"%s\" is not Migration or Rollback", head->kind);
    if (of != NULL && !rd->plan->is_rollback)
        fx_problem_key(rd->problems, of, "rolls_back belongs to a plan of kind Rollback");
    if (head->rolls_back != NULL && !is_plain_name(head->rolls_back))
        fx_problem(rd->problems, of, "rolls_back: at most 63 letters, digits, '-', '_' and '.'");
}

static void read_plan(struct pln_reader *rd, const struct fx_node *root)
{
    struct plan_head head = {0};
    fx_schema_read(root, head_rules, &head, rd->arena, rd->problems);
    if (head.api != NULL && strcmp(head.api, "ficus/v1") != 0)
        fx_problem(rd->problems, fx_node_get(root, "apiVersion"),
                   "apiVersion: \"%s\" is not ficus/v1", head.api);
    read_kind(rd, root, &head);
    if (head.metadata != NULL)
        fx_schema_read(head.metadata, metadata_rules, rd->plan, rd->arena, rd->problems);
    if (rd->plan->name != NULL && !is_plain_name(rd->plan->name))
        fx_problem(rd->problems, fx_node_get(head.metadata, "name"),
                   "name: at most 63 letters, digits, '-', '_' and '.'");
    fx_schema_read(head.policy, pln_policy_rules, &rd->plan->policy, rd->arena, rd->problems);
    check_policy(rd, head.policy != NULL ? head.policy : root);
    find_context(rd, root, head.context);
    if (head.steps != NULL && (head.steps->kind != FX_NODE_LIST || head.steps->len == 0))
        fx_problem(rd->problems, head.steps, "steps: expected a list of steps");
    else if (head.steps != NULL) {
        for (const struct fx_node *n = head.steps->first; n != NULL; n = n->next)
            read_step(rd, n);
        check_order(rd);
        lint_steps(rd);
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
    struct pln_reader rd = {.plan = plan, .project = project, .arena = arena, .problems = problems};
    read_plan(&rd, root);
    if (!fx_problems_ok(problems, err)) {
        if (problems->count > 1)
            snprintf(err->message, sizeof err->message, "plan \"%s\" has %zu problems", name,
                     problems->count);
        return false;
    }
    *ret_plan = plan;
    return true;
}

bool pln_load_all(const char *path, const struct fx_project *project, struct fx_arena *arena,
                  struct pln_plan **ret_plan, struct fx_problems *problems, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    if (!fx_file_read(path, 1 << 20, &text, err)) {
        fx_err_recode(err, FX_E_CONFIG);
        return fx_ctx(err, "reading the plan \"%s\"", path);
    }
    return pln_parse(path, fx_buf_str(&text), project, arena, ret_plan, problems, err);
}

bool pln_load(const char *path, const struct fx_project *project, struct fx_arena *arena,
              struct pln_plan **ret_plan, struct fx_err *err)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    return pln_load_all(path, project, arena, ret_plan, &problems, err);
}

static const char *when_text(enum pln_when when)
{
    switch (when) {
    case PLN_BEFORE: return "before it acts";
    case PLN_DURING: return "while it runs";
    case PLN_AFTER: return "after it has acted";
    }
    return "";
}

static void kinds_markdown(struct fx_buf *out)
{
    fx_buf_add_c(out, "## plan: kinds of steps\n\n`do: KIND` or `do: {KIND: {options}}`.");
    for (int i = 0; i < PLN_KIND_COUNT; i++) {
        if (pln_action_of((enum pln_kind)i)->value != NULL)
            fx_buf_printf(out, " `%s` takes %s.", pln_kind_names[i],
                          pln_action_of((enum pln_kind)i)->value);
    }
    fx_buf_add_c(out, "\n\n| kind | undo | gates are asked | what it does |\n|---|---|---|---|\n");
    for (int i = 0; i < PLN_KIND_COUNT; i++) {
        const struct pln_kind_info *info = pln_kind_info((enum pln_kind)i);
        const char *undo = info->undo != PLN_NONE ? pln_kind_info(info->undo)->name : "";
        const char *tick = undo[0] != '\0' ? "`" : "";
        fx_buf_printf(out, "| `%s` | %s%s%s | %s | %s |\n", info->name, tick, undo, tick,
                      when_text(info->gates), info->text);
    }
    fx_buf_add_char(out, '\n');
}

/* Kinds that share their rules share their table. */
static void options_markdown(int first, struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf heading = FX_BUF(1024);
    const struct fx_rule *rules = pln_action_of((enum pln_kind)first)->rules;
    for (int i = 0; i < first; i++) {
        if (pln_action_of((enum pln_kind)i)->rules == rules)
            return;
    }
    fx_buf_printf(&heading, "plan: options of %s", pln_kind_names[first]);
    for (int i = first + 1; i < PLN_KIND_COUNT; i++) {
        if (pln_action_of((enum pln_kind)i)->rules == rules)
            fx_buf_printf(&heading, " and %s", pln_kind_names[i]);
    }
    fx_schema_markdown(fx_buf_cstr(&heading), rules, out);
}

void pln_config_markdown(struct fx_buf *out)
{
    fx_schema_markdown("plan: the file", head_rules, out);
    fx_schema_markdown("plan: metadata", metadata_rules, out);
    fx_schema_markdown("plan: policy", pln_policy_rules, out);
    fx_schema_markdown("plan: steps[]", step_rules, out);
    kinds_markdown(out);
    for (int i = 0; i < PLN_KIND_COUNT; i++) {
        if (pln_action_of((enum pln_kind)i)->rules != NULL)
            options_markdown(i, out);
    }
    pln_gates_markdown(out);
}
