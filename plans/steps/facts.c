/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurements for the gates of a step: from the run itself, and from the facade when a gate
 * needs it.
 */
#include "lib/fmt/text.h"
#include "plans/steps/context.h"
#include "plans/steps/routes.h"

/* SHADOW_SLACK: the longest time by which a comparison ends after its recheck time. */
enum { SHADOW_SLACK_MS = 2000 };

/*
 * The facade counts from its start. What it counted before, and while the stream was late, is
 * subtracted.
 */
struct pln_shadow_base {
    struct pln_shadow_base *next;
    const char *route;
    int64_t compared, mismatch;
    int64_t seen_compared, seen_mismatch; /* at the question before this one */
};

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

/*
 * The recheck time of the shadow that runs during `step`: the longest one so far; 0: there is none.
 */
static int64_t shadow_look_ms(const struct pln_plan *plan, const struct pln_step *step)
{
    int64_t look_ms = 0;
    for (int i = 0; i <= step->index; i++) {
        if (plan->steps[i].kind != PLN_ROUTE_SHADOW)
            continue;
        const struct pln_shadow *shadow = plan->steps[i].options;
        look_ms = FX_MAX(look_ms, shadow->recheck_ms);
    }
    return look_ms;
}

/*
 * Was the copy stale at a recheck that the counters may contain? The facade rechecks after a fixed
 * time; only the run knows the lag.
 */
static void judge_lag(const struct pln_action_ctx *ac, const struct pln_step *step,
                      struct pln_facts *facts)
{
    int64_t look_ms = shadow_look_ms(ac->plan, step);
    int64_t since_ms = fx_mono_now().us / 1000 - look_ms - SHADOW_SLACK_MS;
    if (look_ms == 0 || !ac->wants_streams)
        return;
    facts->shadow_look_ms = look_ms;
    facts->shadow_lag_ms = -1;
    facts->is_shadow_late = ac->n_lag == 0;
    for (size_t i = ac->n_lag; i-- > 0 && (ac->lag_at_ms[i] >= since_ms || i + 1 == ac->n_lag);) {
        int64_t lag_ms = ac->forward_lag_ms[i];
        facts->is_shadow_late |= lag_ms < 0 || lag_ms >= look_ms;
        facts->shadow_lag_ms = FX_MAX(facts->shadow_lag_ms, lag_ms);
    }
    if (facts->shadow_lag_ms <
        look_ms) /* the measured lag was fine, so an unknown lag is the reason */
        facts->shadow_lag_ms = -1;
}

/*
 * A difference is counted one question later than it was seen: by then the lag that may have caused
 * it has been measured.
 */
static void count_shadow(struct pln_action_ctx *ac, const struct fcd_route_status *r,
                         struct pln_facts *f)
{
    struct pln_shadow_base *base = ac->shadow_bases;
    while (base != NULL && strcmp(base->route, r->id) != 0)
        base = base->next;
    bool begins = base == NULL || f->is_shadow_late;
    if (base == NULL) {
        base = FX_ARENA_NEW(&ac->arena, struct pln_shadow_base);
        base->route = fx_arena_strdup(&ac->arena, r->id);
        base->next = ac->shadow_bases;
        ac->shadow_bases = base;
    }
    if (begins) {
        base->compared = base->seen_compared = r->shadow_compared;
        base->mismatch = base->seen_mismatch = r->shadow_mismatch;
    } else if (r->shadow_compared < base->seen_compared) { /* the facade was restarted */
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
            *c = (unsigned char)*c < ' ' || *c == 0x7f
                     ? '?'
                     : *c; /* the text comes from an HTTP response */
    }
    f->requests_old += r->requests_old;
    f->requests_new += r->requests_new;
    f->errors_old += r->errors_old;
    f->errors_new += r->errors_new;
    f->p99_old_ms = FX_MAX(f->p99_old_ms, r->p99_old_ms);
    f->p99_new_ms = FX_MAX(f->p99_new_ms, r->p99_new_ms);
}

void pln_action_facts(void *arg, const struct pln_step *step, struct pln_facts *facts)
{
    struct pln_action_ctx *ac = arg;
    facts->report = ac->report;
    facts->report_path = ac->report_path;
    facts->no_report = ac->no_report;
    facts->report_dir = ac->at.latest;
    facts->predicted_pause_ms = ac->predicted_ms;
    facts->leaks = ac->leaks;
    facts->lag_ms = ac->lag_ms;
    facts->lag_at_ms = ac->lag_at_ms;
    facts->n_lag = ac->n_lag;
    if (pln_gates_judge_report(step->gates, step->n_gates))
        pln_action_databases(ac, facts);
    unsigned needed = pln_gates_measure(step->gates, step->n_gates);
    if ((needed & (PLN_MEASURES_SHADOW | PLN_MEASURES_TRAFFIC)) == 0)
        return;
    judge_lag(ac, step, facts);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    struct fx_err ignored = FX_ERR_INIT; /* an unreachable facade makes the gate unknown */
    if (!fcd_control_status(&ac->facade, &arena, &status, &ignored))
        return;
    bool is_first = true;
    for (size_t i = 0; i < status->n_routes; i++) {
        if (!has_route(step, &status->routes[i], ac->plan->context))
            continue;
        add_route(facts, &status->routes[i], is_first);
        count_shadow(ac, &status->routes[i], facts);
        is_first = false;
    }
}
