/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.shadow and route.ramp, and the two kinds that undo them: which side the facade sends reads
 * to.
 */
#include "plans/plan/load.h"
#include "plans/steps/context.h"
#include "plans/steps/routes.h"

struct options {
    const struct fx_node *routes, *through;
    double percent;
    int64_t recheck_ms, every_ms;
};

static const struct fx_rule shadow_rules[] = {
    FX_RULE_NODE(struct options, routes, "routes", .is_required = true, .help = "route ids"),
    FX_RULE_PERCENT(struct options, percent, "percent", .def = "100%",
                    .help = "share of the reads"),
    FX_RULE_DURATION(
        struct options, recheck_ms, "recheck", .def = "2s", .min = 0, .max = 600000,
        .help =
            "an answer that differs is compared again after this. While the lag of the stream is "
            "not below it, the gate `mismatch` waits and does not count; 0: the lag is ignored"),
    FX_RULE_END,
};
static const struct fx_rule ramp_rules[] = {
    FX_RULE_NODE(struct options, routes, "routes", .is_required = true, .help = "route ids"),
    FX_RULE_NODE(struct options, through, "through", .is_required = true,
                 .help = "increasing percentages"),
    FX_RULE_DURATION(struct options, every_ms, "every", .is_required = true, .min = 100,
                     .max = 2592000000, .help = "duration of a stage"),
    FX_RULE_END,
};
static const struct fx_rule routes_rules[] = {
    FX_RULE_NODE(struct options, routes, "routes", .is_required = true, .help = "route ids"),
    FX_RULE_END,
};

/* --- reading ---------------------------------------------------------------------------------- */

static const struct fx_node *find_route(const struct pln_reader *rd, const char *id)
{
    const struct fx_node *routes =
        rd->context != NULL ? fx_node_get(rd->context->node, "routes") : NULL;
    for (const struct fx_node *r = routes != NULL ? routes->first : NULL; r != NULL; r = r->next) {
        const struct fx_node *rid = fx_node_get(r, "id");
        if (rid != NULL && rid->kind == FX_NODE_SCALAR && fx_str_eq_c(rid->text, id))
            return r;
    }
    return NULL;
}

static void check_route(struct pln_reader *rd, const struct fx_node *node)
{
    if (rd->context == NULL)
        return; /* reported already */
    const struct fx_node *route = find_route(rd, node->text.ptr);
    if (route == NULL) {
        const char *names[65] = {0};
        size_t n = 0;
        const struct fx_node *routes = fx_node_get(rd->context->node, "routes");
        for (const struct fx_node *r = routes != NULL ? routes->first : NULL; r != NULL && n < 64;
             r = r->next) {
            const struct fx_node *id = fx_node_get(r, "id");
            if (id != NULL && id->kind == FX_NODE_SCALAR)
                names[n++] = id->text.ptr;
        }
        FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
        fx_problem(rd->problems, node, "context \"%s\" has no route \"%s\"%s", rd->context->name,
                   node->text.ptr, fx_suggest_end(node->text.ptr, names, &known));
        return;
    }
    const struct fx_node *kind = fx_node_get(route, "kind");
    if (kind != NULL && kind->kind == FX_NODE_SCALAR && fx_str_eq_c(kind->text, "write"))
        fx_problem(rd->problems, node, "route \"%s\" takes writes; only the cut-over moves writes",
                   node->text.ptr);
}

static void read_routes(struct pln_reader *rd, struct pln_step *step, const struct fx_node *list)
{
    if (list == NULL)
        return;
    if (list->kind != FX_NODE_LIST || list->len == 0) {
        fx_problem(rd->problems, list, "routes: expected a list of route ids");
        return;
    }
    step->routes = fx_arena_array(rd->arena, list->len, sizeof *step->routes);
    for (const struct fx_node *n = list->first; n != NULL; n = n->next) {
        if (n->kind != FX_NODE_SCALAR) {
            fx_problem(rd->problems, n, "routes: expected a route id");
            continue;
        }
        step->routes[step->n_routes++] = n->text.ptr;
        check_route(rd, n);
    }
}

static void read_through(struct pln_reader *rd, struct pln_ramp *ramp, const struct fx_node *list)
{
    if (list == NULL)
        return;
    if (list->kind != FX_NODE_LIST || list->len == 0 || list->len > PLN_STAGES_MAX) {
        fx_problem(rd->problems, list, "through: expected a list of 1 to %d percentages",
                   PLN_STAGES_MAX);
        return;
    }
    double last = 0;
    for (const struct fx_node *n = list->first; n != NULL; n = n->next) {
        double percent = 0;
        if (!fx_scalar_percent(n, &percent, rd->problems))
            continue;
        if (percent <= last)
            fx_problem(rd->problems, n,
                       "through: %.*s is not greater than the percentage before it",
                       FX_STR_FMT(n->text));
        last = percent;
        ramp->through[ramp->n_through++] = percent;
    }
}

static void read_shadow(struct pln_reader *rd, struct pln_step *step, const struct fx_node *node)
{
    struct options opt = {0};
    struct pln_shadow *shadow = FX_ARENA_NEW(rd->arena, struct pln_shadow);
    fx_schema_read(node, shadow_rules, &opt, rd->arena, rd->problems);
    *shadow = (struct pln_shadow){.percent = opt.percent, .recheck_ms = opt.recheck_ms};
    step->options = shadow;
    read_routes(rd, step, opt.routes);
}

static void read_ramp(struct pln_reader *rd, struct pln_step *step, const struct fx_node *node)
{
    struct options opt = {0};
    struct pln_ramp *ramp = FX_ARENA_NEW(rd->arena, struct pln_ramp);
    fx_schema_read(node, ramp_rules, &opt, rd->arena, rd->problems);
    ramp->every_ms = opt.every_ms;
    step->options = ramp;
    read_routes(rd, step, opt.routes);
    read_through(rd, ramp, opt.through);
}

static void read_only_routes(struct pln_reader *rd, struct pln_step *step,
                             const struct fx_node *node)
{
    struct options opt = {0};
    fx_schema_read(node, routes_rules, &opt, rd->arena, rd->problems);
    read_routes(rd, step, opt.routes);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void show_routes(const struct pln_step *step, struct fx_buf *out)
{
    fx_buf_add_c(out, "       routes:");
    for (size_t i = 0; i < step->n_routes; i++)
        fx_buf_printf(out, " %s", step->routes[i]);
}

static void show_only_routes(const struct pln_step *step, struct fx_buf *out)
{
    show_routes(step, out);
    fx_buf_add_char(out, '\n');
}

static void show_shadow(const struct pln_step *step, struct fx_buf *out)
{
    const struct pln_shadow *shadow = step->options;
    show_routes(step, out);
    fx_buf_printf(out, " (%g %%)\n", shadow->percent);
}

static void show_ramp(const struct pln_step *step, struct fx_buf *out)
{
    const struct pln_ramp *ramp = step->options;
    show_routes(step, out);
    for (size_t i = 0; i < ramp->n_through; i++)
        fx_buf_printf(out, "%s%g %%", i == 0 ? "  through " : ", ", ramp->through[i]);
    fx_buf_add_c(out, ", each for ");
    pln_show_duration(out, ramp->every_ms);
    fx_buf_add_char(out, '\n');
}

/* --- acting ----------------------------------------------------------------------------------- */

static bool set_weight(struct pln_action_ctx *ac, const struct pln_step *step, double percent,
                       struct fx_err *err)
{
    if (!pln_action_claim(ac, err))
        return false;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (!fcd_control_weight(&ac->facade, ac->epoch, step->routes[i], percent, err))
            return fx_ctx(err, "setting route \"%s\" to %.0f %%", step->routes[i], percent);
    }
    return true;
}

static bool set_shadow(struct pln_action_ctx *ac, const struct pln_step *step, double percent,
                       int64_t recheck_ms, struct fx_err *err)
{
    if (!pln_action_claim(ac, err))
        return false;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (!fcd_control_shadow(&ac->facade, ac->epoch, step->routes[i], percent, recheck_ms, err))
            return fx_ctx(err, "shadowing route \"%s\"", step->routes[i]);
    }
    return true;
}

static bool act_shadow(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                       struct fx_err *err)
{
    const struct pln_shadow *shadow = step->options;
    return set_shadow(ac, step, shadow->percent, shadow->recheck_ms, err) &&
           pln_exec_watch(ex, step, 0, err);
}

static bool act_unshadow(struct pln_action_ctx *ac, struct pln_exec *ex,
                         const struct pln_step *step, struct fx_err *err)
{
    const struct pln_shadow *shadow = step->kind == PLN_ROUTE_SHADOW ? step->options : NULL;
    (void)ex;
    return set_shadow(ac, step, 0, shadow != NULL ? shadow->recheck_ms : 0, err);
}

static bool act_ramp(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                     struct fx_err *err)
{
    const struct pln_ramp *ramp = step->options;
    /*
     * A resumed ramp continues with the stage that had begun: its customers stay on the new side.
     */
    double reached = ex->state->steps[step->index].weight;
    for (size_t i = 0; i < ramp->n_through; i++) {
        double percent = ramp->through[i];
        if (percent < reached)
            continue;
        char text[64];
        snprintf(text, sizeof text, "%g %%", percent);
        if (!set_weight(ac, step, percent, err) ||
            !pln_exec_effect(ex, step, percent, -1, text, err) ||
            !pln_exec_watch(ex, step, ramp->every_ms, err))
            return false;
    }
    return true;
}

static bool act_reset(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                      struct fx_err *err)
{
    (void)ex;
    return set_weight(ac, step, 0, err);
}

/* --- the picture ------------------------------------------------------------------------------ */

/* The percentage and how long the stage still takes. NULL in the last stage. */
static const char *note_ramp(const struct pln_step *step, const struct pln_step_status *status,
                             struct fx_wall now, struct fx_arena *arena)
{
    const struct pln_ramp *ramp = step->options;
    for (size_t i = 0; i + 1 < ramp->n_through; i++) {
        if (ramp->through[i] < status->weight || ramp->through[i] > status->weight)
            continue;
        int64_t left_s = ramp->every_ms / 1000 - (now.us - status->set.us) / 1000000;
        return fx_arena_printf(arena, "%g %%   next: %g %% in %lld s", ramp->through[i],
                               ramp->through[i + 1], (long long)FX_MAX(left_s, (int64_t)0));
    }
    return NULL;
}

/* --- the kinds -------------------------------------------------------------------------------- */

const struct pln_action pln_action_route_shadow = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_SHADOW,
    .rules = shadow_rules,
    .read = read_shadow,
    .show = show_shadow,
    .act = act_shadow,
};

const struct pln_action pln_action_route_unshadow = {
    .measures = PLN_MEASURES_STREAMS,
    .rules = routes_rules,
    .read = read_only_routes,
    .show = show_only_routes,
    .act = act_unshadow,
};

const struct pln_action pln_action_route_ramp = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_SHADOW | PLN_MEASURES_TRAFFIC,
    .rules = ramp_rules,
    .read = read_ramp,
    .show = show_ramp,
    .act = act_ramp,
    .note = note_ramp,
};

const struct pln_action pln_action_route_reset = {
    .measures = PLN_MEASURES_STREAMS,
    .rules = routes_rules,
    .read = read_only_routes,
    .show = show_only_routes,
    .act = act_reset,
};
