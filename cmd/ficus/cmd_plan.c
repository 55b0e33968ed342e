/* SPDX-License-Identifier: Apache-2.0 */
/* plan lint, plan show: read, never act. */
#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "cmd/whole.h"
#include "lib/cli/print.h"
#include "plans/plan.h"

static bool load(struct cmd_call *call, struct pln_plan **ret, struct fx_err *err)
{
    struct fx_project *project = NULL;
    return cmd_project_load(call, &project, err) && cmd_plan_load(call, project, ret, err);
}

struct lint_options {
    bool json;
};

static const struct fx_opt lint_options[] = {CMD_OPT_JSON(struct lint_options), FX_OPT_END};

/* "plan.yaml:42:7: …", a line a problem. */
static void print_lint_json(struct cmd_call *call, const struct pln_plan *plan,
                            const struct fx_problems *problems)
{
    struct cmd_json json;
    struct fx_str rest = fx_buf_str(&problems->text);
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "plan", call->words[0]);
    fx_json_w_kv_bool(&json.w, "passed", plan != NULL);
    cmd_json_known(&json, "steps", plan != NULL ? (int64_t)plan->n_steps : -1);
    fx_json_w_kv_u64(&json.w, "count", problems->count);
    fx_json_w_key(&json.w, "problems");
    fx_json_w_array(&json.w);
    while (rest.len > 0)
        fx_json_w_str(&json.w, fx_str_cut(rest, '\n', &rest));
    fx_json_w_end(&json.w);
    cmd_json_print(&json);
}

static bool lint_json(struct cmd_call *call, struct fx_err *err)
{
    struct fx_project *project = NULL;
    struct pln_plan *plan = NULL;
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    if (!cmd_project_load(call, &project, err))
        return false;
    bool ok = pln_load_all(call->words[0], project, call->arena, &plan, &problems, err);
    if (!ok && problems.count == 0)
        return false;
    print_lint_json(call, ok ? plan : NULL, &problems);
    return ok;
}

static bool run_lint(struct cmd_call *call, struct fx_err *err)
{
    const struct lint_options *opts = call->options;
    struct pln_plan *plan = NULL;
    if (opts->json)
        return lint_json(call, err);
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

struct rollback_options {
    bool print;
};

static const struct fx_opt rollback_options[] = {
    FX_OPT_FLAG(struct rollback_options, print, "print", 0,
                "print it (the default, and all that this command does)"),
    FX_OPT_END,
};

static bool run_rollback(struct cmd_call *call, struct fx_err *err)
{
    struct fx_project *project = NULL;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (!cmd_project_load(call, &project, err) ||
        !pln_rollback_print(project, call->words[0], &out, err))
        return false;
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
     .options = lint_options,
     .options_size = sizeof(struct lint_options),
     .run = run_lint},
    {.noun = "plan",
     .verb = "show",
     .words = "PLAN",
     .words_min = 1,
     .words_max = 1,
     .summary = "list the steps with their gates and undos",
     .run = run_show},
    {.noun = "plan",
     .verb = "rollback",
     .words = "PLAN|RUN",
     .words_min = 1,
     .words_max = 1,
     .summary = "print the way back as a plan of its own, with what each step costs now",
     .more =
         "Of a plan: as if all its steps were done. Of a run: what its journal leaves to undo, "
         "which is exactly what `run rollback` does. Keep the file beside the plan; `run start` "
         "carries it out, and refuses when the run has gone on since and the file does not "
         "cover it.",
     .options = rollback_options,
     .options_size = sizeof(struct rollback_options),
     .run = run_rollback},
    CMD_END,
};
