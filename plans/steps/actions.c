/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run's view of the world: made once, then the table of what each kind of step does. The doing stands in
 * hands_streams.c, hands_compare.c, hands_routes.c and hands_cutover.c; all of it may be repeated after a crash and then
 * changes nothing twice.
 */
#include "plans/steps/actions.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "plans/steps/actions_priv.h"

static bool read_sections(struct pln_real *real, struct fx_err *err)
{
    struct fx_problems problems;
    const struct fx_root *root = &real->env->project->root;
    fx_problems_init(&problems);
    cdc_options_read(root->cdc, &real->cdc, &real->arena, &problems);
    rec_options_read(root->reconcile, &real->rec, &real->arena, &problems);
    bool ok = fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    return ok && pln_endpoint_read(real->env->project, &real->arena, &real->facade, err);
}

bool pln_real_new(const struct pln_env *env, const struct pln_plan *plan, const char *run_dir,
                  struct fx_wall opened, struct pln_real **ret, struct fx_err *err)
{
    struct pln_real *real = FX_NEW(struct pln_real);
    fx_arena_init(&real->arena, 0);
    fx_arena_init(&real->report_arena, 0);
    real->env = env;
    real->plan = plan;
    real->run_dir = fx_arena_strdup(&real->arena, run_dir);
    real->ctx = fx_project_context(env->project, plan->context);
    real->predicted_ms = -1;
    real->leaks = -1;
    struct cdc_ref ref = {.project_path = env->project->path,
                          .state_dir = env->project->state_dir,
                          .context = plan->context,
                          .direction = FX_FORWARD};
    real->forward = real->reverse = ref;
    real->reverse.direction = FX_REVERSE;
    char host[64] = "?";
    (void)gethostname(host, sizeof host - 1);
    const char *user = getenv("USER");
    snprintf(real->operator_name, sizeof real->operator_name, "%s@%s run %s",
             user != NULL ? user : "ficus", host, plan->name);
    FX_ASSERT(real->ctx != NULL);
    if (!read_sections(real, err)) {
        pln_real_free(real);
        return false;
    }
    pln_real_load_report(real, opened);
    *ret = real;
    return true;
}

void pln_real_free(struct pln_real *real)
{
    if (real == NULL)
        return;
    fx_arena_done(&real->report_arena);
    fx_arena_done(&real->arena);
    free(real);
}

/* --- the vtable --------------------------------------------------------------------------------- */

/* Both servers answer and the tables can be carried: found out before the first record is written. */
static bool check(void *arg, const struct pln_step *step, struct fx_err *err)
{
    struct pln_real *real = arg;
    if (step->kind != PLN_STREAM_START)
        return true;
    if (!cdc_preflight(real->ctx, &real->cdc, true, err))
        return fx_ctx(err, "before step \"%s\"", step->id);
    return true;
}

static bool act(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                struct fx_err *err)
{
    struct pln_real *real = arg;
    real->ex = ex;
    real->step = step;
    switch (kind) {
    case PLN_STREAM_START: return pln_real_stream_start(real, ex, step, err);
    case PLN_STREAM_DROP: return pln_real_stream_drop(real, ex, step, err);
    case PLN_RECONCILE:
    case PLN_FINISH: return pln_real_compare(real, ex, step, err);
    case PLN_ROUTE_SHADOW: return pln_real_shadow(real, ex, step, err);
    case PLN_ROUTE_UNSHADOW: return pln_real_set_shadow(real, step, 0, err);
    case PLN_ROUTE_RAMP: return pln_real_ramp(real, ex, step, err);
    case PLN_ROUTE_RESET: return pln_real_set_weight(real, step, 0, err);
    case PLN_CUTOVER_REHEARSE: return pln_real_rehearse(real, ex, step, err);
    case PLN_CUTOVER: return pln_real_cut(real, ex, step, FX_FORWARD, err);
    case PLN_CUTOVER_FALLBACK: return pln_real_cut(real, ex, step, FX_REVERSE, err);
    case PLN_WAIT: {
        /* A resumed wait counts from its beginning; a clock set back cannot make it longer than it is. */
        int64_t gone_ms = (fx_wall_now().us - ex->state->steps[step->index].began.us) / 1000;
        int64_t left_ms = step->wait_ms - FX_MAX(gone_ms, (int64_t)0);
        return pln_exec_watch(ex, step, FX_MAX(left_ms, (int64_t)0), err);
    }
    case PLN_NONE: break;
    }
    FX_BUG("step kind %d", (int)kind);
}

struct pln_hands pln_real_hands(struct pln_real *real)
{
    return (struct pln_hands){
        .arg = real,
        .check = check,
        .act = act,
        .probe = pln_real_probe,
        .facts = pln_real_facts,
        .tick = pln_real_tick,
    };
}
