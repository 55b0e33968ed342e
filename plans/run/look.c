/* SPDX-License-Identifier: Apache-2.0 */
#include "plans/run/look.h"

#include "lib/fmt/findings.h"
#include "lib/io/file.h"
#include "plans/plan/load.h"
#include "plans/run/find.h"
#include "plans/run/lock.h"
#include "plans/run/paths.h"
#include "plans/run/rollback_plan.h"

struct look {
    const struct pln_env *env;
    const struct pln_driver *driver;
    const struct pln_plan *plan;
    struct pln_paths at;
    struct fx_arena arena;
    struct fx_findings *findings; /* the caller's */
    struct fx_err first;          /* kept whole: when it is the only one it is the result */
    struct fx_buf *out;
};

/* One question was answered with no: kept, and the next one is asked. */
static void keep(struct look *look, const char *where, const struct fx_err *err)
{
    if (!fx_err_is(&look->first))
        look->first = *err;
    fx_findings_add(look->findings, where, err->hint, "%s%s%s  [%s]", err->message,
                    err->detail[0] != '\0' ? "\n" : "", err->detail, fx_code_name(err->code));
}

static bool ask(struct look *look, const char *where, bool ok, struct fx_err *err)
{
    if (ok)
        fx_buf_printf(look->out, "  ready  %s\n", where);
    else
        keep(look, where, err);
    fx_err_clear(err);
    return ok;
}

/* The run that the plan takes back: nobody is at work on it, and the plan covers it. */
static bool ask_covered(struct look *look, struct fx_err *err)
{
    const struct fx_project *project = look->env->project;
    struct pln_state *state = FX_ARENA_NEW(&look->arena, struct pln_state);
    struct pln_plan *plan = NULL;
    struct pln_paths at;
    pln_paths_of(project->state_dir, look->plan->rolls_back, &look->arena, &at);
    return pln_journal_replay(at.journal, state, NULL, NULL, err) &&
           pln_load(at.plan, NULL, &look->arena, &plan, err) &&
           pln_lock_look(project->state_dir, plan->context, err) &&
           pln_rollback_covers(look->plan, plan, state, err) &&
           pln_runs_at_end_since(project, plan->context, plan->name, &state->opened, err);
}

/* The run itself: not begun already, nobody else at work, no other run in the way. */
static bool ask_run(struct look *look, struct fx_err *err)
{
    const struct pln_plan *plan = look->plan;
    const char *state_dir = look->env->project->state_dir;
    if (pln_run_taken_back(look->env->project, plan) != NULL)
        return ask_covered(look, err);
    struct pln_state *state = FX_ARENA_NEW(&look->arena, struct pln_state);
    pln_state_init(state);
    if (fx_file_exists(look->at.journal) &&
        !pln_journal_replay(look->at.journal, state, NULL, NULL, err))
        return false;
    if (pln_state_is_open(state) && pln_state_has_begun(state)) {
        fx_fail(err, FX_E_USAGE, "run \"%s\" was already started", plan->name);
        return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", plan->name,
                       plan->name);
    }
    return pln_lock_look(state_dir, plan->context, err) &&
           pln_runs_at_end(look->env->project, plan->context, plan->name, err);
}

static void ask_servers(struct look *look, void *driver_arg, struct fx_err *err)
{
    const struct pln_plan *plan = look->plan;
    char where[160];
    int64_t epoch = 0;
    (void)ask(look, "facade", look->driver->facade_epoch(driver_arg, &epoch, err), err);
    snprintf(where, sizeof where, "databases of context %s", plan->context);
    bool has_databases = ask(look, where, look->driver->look(driver_arg, err), err);
    if (pln_run_taken_back(look->env->project, plan) != NULL) {
        fx_buf_printf(look->out,
                      "  run \"%s\" goes back as far as it came: ficus run rollback %s\n",
                      plan->rolls_back, plan->rolls_back);
        return; /* which of the steps are left, its journal says */
    }
    if (plan->rolls_back != NULL)
        fx_buf_printf(look->out,
                      "  run \"%s\" is not in this state directory: the steps of this file are "
                      "carried out as they stand\n",
                      plan->rolls_back);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct pln_step *step = &plan->steps[i];
        snprintf(where, sizeof where, "step %s: %s", step->id, pln_kind_info(step->kind)->name);
        if (has_databases && look->driver->has_check(step))
            (void)ask(look, where, look->driver->check(driver_arg, step, err), err);
    }
}

static bool result(struct look *look, struct fx_err *err)
{
    if (look->findings->n == 0)
        return true;
    if (look->findings->n == 1) {
        *err = look->first;
        return fx_ctx(err, "looking whether run \"%s\" could start", look->plan->name);
    }
    fx_findings_fail(look->findings, err, look->first.code, "run \"%s\" could not start now",
                     look->plan->name);
    if (err->hint[0] == '\0' && look->first.hint[0] != '\0')
        fx_hint(err, "%s", look->first.hint);
    return false;
}

bool pln_open_look(const struct pln_env *env, const struct pln_driver *driver,
                   const struct pln_plan *plan, struct fx_findings *f, struct fx_buf *out,
                   struct fx_err *err)
{
    struct look look = {.env = env,
                        .driver = driver,
                        .plan = plan,
                        .findings = f,
                        .first = FX_ERR_INIT,
                        .out = out};
    void *driver_arg = NULL;
    fx_arena_init(&look.arena, 0);
    fx_findings_topic(f, "not-ready", "what the run needs first", NULL);
    pln_paths_of(env->project->state_dir, plan->name, &look.arena, &look.at);
    (void)ask(&look, "run", ask_run(&look, err), err);
    if (driver->open(env, plan, look.at.dir, fx_wall_now(), &driver_arg, err))
        ask_servers(&look, driver_arg, err);
    else
        (void)ask(&look, "project file", false, err);
    bool ok = result(&look, err);
    driver->close(driver_arg);
    fx_arena_done(&look.arena);
    return ok;
}
