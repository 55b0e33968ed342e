/* SPDX-License-Identifier: Apache-2.0 */
/* plan lint, plan show: read, never act. */
#include "cmd/ficus/project.h"
#include "lib/cli/print.h"
#include "plans/plan.h"

static bool load(struct cmd_call *call, struct pln_plan **ret, struct fx_err *err)
{
    struct fx_project *project = NULL;
    return cmd_project_load(call, &project, err) && cmd_plan_load(call, project, ret, err);
}

static bool run_lint(struct cmd_call *call, struct fx_err *err)
{
    struct pln_plan *plan = NULL;
    if (!load(call, &plan, err))
        return false;
    fx_print("%s: no problems, %zu steps\n", call->words[0], plan->n_steps);
    return true;
}

static bool run_show(struct cmd_call *call, struct fx_err *err)
{
    struct pln_plan *plan = NULL;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (!load(call, &plan, err))
        return false;
    pln_show(plan, &out);
    fx_print_text(fx_buf_str(&out));
    return true;
}

const struct cmd cmd_plan[] = {
    {.noun = "plan",
     .verb = "lint",
     .words = "PLAN",
     .words_min = 1,
     .words_max = 1,
     .summary = "check a plan against its project file and report all problems",
     .run = run_lint},
    {.noun = "plan",
     .verb = "show",
     .words = "PLAN",
     .words_min = 1,
     .words_max = 1,
     .summary = "list the steps with their gates and undos",
     .run = run_show},
    CMD_END,
};
