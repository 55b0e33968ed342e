/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the actions of a run share, made when the run is opened. Every action may be
 * repeated after a crash and then changes nothing twice.
 */
#include "lib/io/who.h"
#include "plans/steps/actions.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/ownership/sides.h"
#include "lib/ownership/holder.h"
#include "plans/cutover/cutover.h"
#include "plans/steps/context.h"

static bool read_sections(struct pln_action_ctx *ac, struct fx_err *err)
{
    struct fx_problems problems;
    const struct fx_root *root = &ac->env->project->root;
    fx_problems_init(&problems);
    cdc_options_read(root->cdc, &ac->cdc, &ac->arena, &problems);
    rec_options_read(root->reconcile, &ac->rec, &ac->arena, &problems);
    bool ok = fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    return ok && pln_endpoint_read(ac->env->project, &ac->arena, &ac->facade, err);
}

static void ctx_close(void *arg)
{
    struct pln_action_ctx *ac = arg;
    if (ac == NULL)
        return;
    fx_arena_done(&ac->report_arena);
    fx_arena_done(&ac->databases_arena);
    fx_arena_done(&ac->arena);
    free(ac);
}

static bool ctx_open(const struct pln_env *env, const struct pln_plan *plan, const char *run_dir,
                     struct fx_wall opened, void **ret, struct fx_err *err)
{
    struct pln_action_ctx *ac = FX_NEW(struct pln_action_ctx);
    fx_arena_init(&ac->arena, 0);
    fx_arena_init(&ac->report_arena, 0);
    fx_arena_init(&ac->databases_arena, 0);
    ac->env = env;
    ac->plan = plan;
    pln_paths_in(run_dir, &ac->arena, &ac->at);
    ac->ctx = fx_project_context(env->project, plan->context);
    ac->predicted_ms = -1;
    ac->leaks = -1;
    struct cdc_ref ref = {.project_path = env->project->path,
                          .state_dir = env->project->state_dir,
                          .context = plan->context,
                          .direction = FX_FORWARD};
    ac->forward = ac->reverse = ref;
    ac->reverse.direction = FX_REVERSE;
    char who[FX_WHO_TEXT];
    fx_who_text(who);
    snprintf(ac->operator_name, sizeof ac->operator_name, "%.100s run %s", who, plan->name);
    FX_ASSERT(ac->ctx != NULL);
    if (!read_sections(ac, err)) {
        ctx_close(ac);
        return false;
    }
    pln_action_load_report(ac, opened);
    *ret = ac;
    return true;
}

/* --- who holds the context -------------------------------------------------------------------- */

static bool claim(void *arg, bool is_taken, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    char what[96];
    snprintf(what, sizeof what, "run %.80s", ac->plan->name);
    if (ac->ctx->controller == NULL &&
        !fx_controller_take(ac->env->project, what, ac->plan->path, &ac->arena, err))
        return false;
    return is_taken ? fx_holder_claim(ac->ctx, cdc_has_copied(&ac->forward), err)
                    : fx_holder_check(ac->ctx, err);
}

/* --- the driver ------------------------------------------------------------------------------- */

/* Ownership that is not installed yet is an answer too. */
static bool look(void *arg, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    struct fx_own_look old_look, new_look;
    struct fx_controller we = {.plan = "", .state_dir = ac->env->project->state_dir};
    if (!fx_controller_id(we.state_dir, we.id, err))
        return false;
    if (ac->ctx->controller == NULL && we.id[0] != '\0')
        ac->ctx->controller = &we;
    bool ok = fx_holder_check(ac->ctx, err) && fx_own_look_both(ac->ctx, &old_look, &new_look, err);
    if (ac->ctx->controller == &we)
        ac->ctx->controller = NULL;
    return ok;
}

static bool has_check(const struct pln_step *step)
{
    return pln_action_of(step->kind)->check != NULL;
}

static bool check(void *arg, const struct pln_step *step, struct fx_err *err)
{
    const struct pln_action *action = pln_action_of(step->kind);
    return action->check == NULL || action->check(arg, step, err);
}

static bool act(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    ac->ex = ex;
    ac->step = step;
    return pln_action_of(kind)->act(ac, ex, step, err);
}

static bool probe(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  bool *ret_done, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    const struct pln_action *action = pln_action_of(kind);
    ac->ex = ex;
    ac->step = step;
    *ret_done = false;
    return action->probe == NULL || action->probe(ac, ex, step, ret_done, err);
}

const struct pln_driver pln_action_driver = {
    .open = ctx_open,
    .close = ctx_close,
    .claim = claim,
    .forget = pln_action_forget,
    .facade_epoch = pln_action_facade_epoch,
    .set_epoch = pln_action_set_epoch,
    .look = look,
    .has_check = has_check,
    .check = check,
    .act = act,
    .probe = probe,
    .facts = pln_action_facts,
    .tick = pln_action_tick,
};
