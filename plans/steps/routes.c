/* SPDX-License-Identifier: Apache-2.0 */
/* What steps ask of the running facade, and what gates learn from it. */
#include "lib/fmt/text.h"
#include "lib/ownership/sides.h"
#include "plans/steps/actions_priv.h"

/* SHADOW_SLACK: a comparison that began late, its two questions included, ends within the recheck time and this. */
enum { FACADE_TIMEOUT_MS = 3000, SHADOW_SLACK_MS = 2000 };

/* The facade counts from its start. What it counted before, and while the stream was late, is not judged. */
struct pln_shadow_base {
    struct pln_shadow_base *next;
    const char *route;
    int64_t compared, mismatch;
    int64_t seen_compared, seen_mismatch; /* at the question before this one */
};

bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err)
{
    const struct fx_node *admin = fx_node_get(project->root.facade, "admin");
    const struct fx_node *address = fx_node_get(admin, "address");
    const struct fx_node *token = fx_node_get(admin, "token");
    *ret = (struct fcd_endpoint){.timeout_ms = FACADE_TIMEOUT_MS};
    if (address == NULL || address->kind != FX_NODE_SCALAR || address->text.len == 0) {
        fx_fail(err, FX_E_CONFIG, "%s: facade.admin.address is missing", project->path);
        return fx_hint(err, "Add  facade: {admin: {address: \"127.0.0.1:9901\"}}  to it.");
    }
    ret->address = address->text.ptr;
    return token == NULL || fx_secret_read(token, arena, &ret->token, err);
}

static bool facade_status(struct pln_real *real, struct fx_arena *arena, struct fcd_status **ret,
                          struct fx_err *err)
{
    if (fcd_control_status(&real->facade, arena, ret, err))
        return true;
    if (err->code == FX_E_FACADE_CONNECT && err->hint[0] == '\0')
        fx_hint(err, "Start the facade: ficusd -f %s", real->env->project->path);
    return fx_ctx(err, "asking the facade at %s", real->facade.address);
}

bool pln_real_facade_epoch(struct pln_real *real, int64_t *ret_epoch, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    if (!facade_status(real, &arena, &status, err))
        return false;
    *ret_epoch = status->controller_epoch;
    return true;
}

bool pln_real_group_epoch(struct pln_real *real, int64_t *ret_epoch, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    if (!facade_status(real, &arena, &status, err))
        return false;
    const char *canary = fx_sides_canary_group(real->ctx, &arena);
    *ret_epoch = 1;
    for (size_t i = 0; i < status->n_groups; i++) {
        const struct fcd_group_status *group = &status->groups[i];
        if (strcmp(group->group, real->ctx->name) == 0 || strcmp(group->group, canary) == 0)
            *ret_epoch = FX_MAX(*ret_epoch, group->epoch);
    }
    return true;
}

void pln_real_set_epoch(struct pln_real *real, int64_t epoch)
{
    real->epoch = epoch;
    real->has_claimed = false;
}

static bool claim(struct pln_real *real, struct fx_err *err)
{
    if (real->has_claimed)
        return true;
    if (!fcd_control_claim(&real->facade, real->epoch, err))
        return fx_ctx(err, "claiming control of the facade at %s", real->facade.address);
    real->has_claimed = true;
    return true;
}

bool pln_real_set_weight(struct pln_real *real, const struct pln_step *step, double percent,
                         struct fx_err *err)
{
    if (!claim(real, err))
        return false;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (!fcd_control_weight(&real->facade, real->epoch, step->routes[i], percent, err))
            return fx_ctx(err, "setting route \"%s\" to %.0f %%", step->routes[i], percent);
    }
    return true;
}

bool pln_real_set_shadow(struct pln_real *real, const struct pln_step *step, double percent,
                         struct fx_err *err)
{
    if (!claim(real, err))
        return false;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (!fcd_control_shadow(&real->facade, real->epoch, step->routes[i], percent,
                                step->recheck_ms, err))
            return fx_ctx(err, "shadowing route \"%s\"", step->routes[i]);
    }
    return true;
}

bool pln_real_shadow(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                     struct fx_err *err)
{
    return pln_real_set_shadow(real, step, step->percent, err) && pln_exec_watch(ex, step, 0, err);
}

bool pln_real_ramp(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                   struct fx_err *err)
{
    /* A resumed ramp takes up the stage that had begun: the customers on the new side stay there. */
    double reached = ex->state->steps[step->index].weight;
    for (size_t i = 0; i < step->n_through; i++) {
        double percent = step->through[i];
        if (percent < reached)
            continue;
        char text[64];
        snprintf(text, sizeof text, "%g %%", percent);
        if (!pln_real_set_weight(real, step, percent, err) ||
            !pln_exec_effect(ex, step, percent, -1, text, err) ||
            !pln_exec_watch(ex, step, step->every_ms, err))
            return false;
    }
    return true;
}

static bool has_route(const struct pln_step *step, const struct fcd_route_status *route,
                      const char *context)
{
    if (step->n_routes == 0)
        return strcmp(route->group, context) == 0;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (strcmp(step->routes[i], route->id) == 0)
            return true;
    }
    return false;
}

/* The second look of the shadow that runs during `step`: the longest so far; 0: there is none. */
static int64_t shadow_look_ms(const struct pln_plan *plan, const struct pln_step *step)
{
    int64_t look_ms = 0;
    for (int i = 0; i <= step->index; i++) {
        if (plan->steps[i].kind == PLN_ROUTE_SHADOW)
            look_ms = FX_MAX(look_ms, plan->steps[i].recheck_ms);
    }
    return look_ms;
}

/*
 * Was the copy late for a second look that the counters may hold? The facade has no client for databases and looks
 * again after a fixed time; the lag is known here.
 */
static void judge_lag(const struct pln_real *real, const struct pln_step *step,
                      struct pln_facts *facts)
{
    int64_t look_ms = shadow_look_ms(real->plan, step);
    int64_t since_ms = fx_mono_now().us / 1000 - look_ms - SHADOW_SLACK_MS;
    if (look_ms == 0 || !real->wants_streams)
        return;
    facts->shadow_look_ms = look_ms;
    facts->shadow_lag_ms = -1;
    facts->is_shadow_late = real->n_lag == 0;
    for (size_t i = real->n_lag;
         i-- > 0 && (real->lag_at_ms[i] >= since_ms || i + 1 == real->n_lag);) {
        int64_t lag_ms = real->forward_lag_ms[i];
        facts->is_shadow_late |= lag_ms < 0 || lag_ms >= look_ms;
        facts->shadow_lag_ms = FX_MAX(facts->shadow_lag_ms, lag_ms);
    }
    if (facts->shadow_lag_ms <
        look_ms) /* what was seen was fine, what was not seen is the reason */
        facts->shadow_lag_ms = -1;
}

/*
 * A difference is judged one question after it was counted: by then the lag that may have made it has been measured,
 * which always takes a moment.
 */
static void count_shadow(struct pln_real *real, const struct fcd_route_status *r,
                         struct pln_facts *f)
{
    struct pln_shadow_base *base = real->shadow_bases;
    while (base != NULL && strcmp(base->route, r->id) != 0)
        base = base->next;
    bool begins = base == NULL || f->is_shadow_late;
    if (base == NULL) {
        base = FX_ARENA_NEW(&real->arena, struct pln_shadow_base);
        base->route = fx_arena_strdup(&real->arena, r->id);
        base->next = real->shadow_bases;
        real->shadow_bases = base;
    }
    if (begins) {
        base->compared = base->seen_compared = r->shadow_compared;
        base->mismatch = base->seen_mismatch = r->shadow_mismatch;
    } else if (r->shadow_compared < base->seen_compared) { /* the facade began anew */
        base->compared = base->seen_compared = 0;
        base->mismatch = base->seen_mismatch = 0;
    }
    f->shadow_compared += base->seen_compared - base->compared;
    f->shadow_mismatch += base->seen_mismatch - base->mismatch;
    base->seen_compared = r->shadow_compared;
    base->seen_mismatch = r->shadow_mismatch;
}

static void add_route(struct pln_facts *f, const struct fcd_route_status *r, bool is_first)
{
    if (is_first) {
        f->shadow_compared = f->shadow_mismatch = 0;
        f->requests_old = f->requests_new = f->errors_old = f->errors_new = 0;
    }
    if (r->exemplar != NULL && r->shadow_mismatch > 0) {
        struct fx_str fit = fx_utf8_clip(fx_str_from(r->exemplar), sizeof f->mismatch_last - 1);
        memcpy(f->mismatch_last, fit.ptr, fit.len);
        f->mismatch_last[fit.len] = '\0';
        for (char *c = f->mismatch_last; *c != '\0'; c++)
            *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c; /* it comes out of an answer */
    }
    f->requests_old += r->requests_old;
    f->requests_new += r->requests_new;
    f->errors_old += r->errors_old;
    f->errors_new += r->errors_new;
    f->p99_old_ms = FX_MAX(f->p99_old_ms, r->p99_old_ms);
    f->p99_new_ms = FX_MAX(f->p99_new_ms, r->p99_new_ms);
}

static bool asks_facade(const struct pln_step *step)
{
    for (size_t i = 0; i < step->n_gates; i++) {
        enum pln_gate_kind kind = step->gates[i].kind;
        if (kind == PLN_GATE_MISMATCH || kind == PLN_GATE_ERROR_RATE || kind == PLN_GATE_P99)
            return true;
    }
    return false;
}

void pln_real_facts(void *arg, const struct pln_step *step, struct pln_facts *facts)
{
    struct pln_real *real = arg;
    facts->report = real->report;
    facts->report_path = real->report_path;
    facts->predicted_pause_ms = real->predicted_ms;
    facts->leaks = real->leaks;
    facts->lag_ms = real->lag_ms;
    facts->lag_at_ms = real->lag_at_ms;
    facts->n_lag = real->n_lag;
    if (!asks_facade(step))
        return;
    judge_lag(real, step, facts);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    struct fx_err ignored = FX_ERR_INIT; /* a facade that is away is a gate that is unknown */
    if (!fcd_control_status(&real->facade, &arena, &status, &ignored))
        return;
    bool is_first = true;
    for (size_t i = 0; i < status->n_routes; i++) {
        if (!has_route(step, &status->routes[i], real->plan->context))
            continue;
        add_route(facts, &status->routes[i], is_first);
        count_shadow(real, &status->routes[i], facts);
        is_first = false;
    }
}
