/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ficus/project.h"

#include <stdio.h>

#include "cmd/ficus/audit.h"
#include "cmd/whole.h"
#include "lib/io/private.h"
#include "plans/plan.h"

bool cmd_project_load(const struct cmd_call *call, struct fx_project **ret_project,
                      struct fx_err *err)
{
    struct fx_project *project = NULL;
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    if (!cmd_whole_read(call->project_path, call->arena, &problems, &project, err) ||
        !cmd_problems_ok(&problems, false, err))
        return false;
    /* Who reads a plan needs no state; everybody else would believe what is in it. */
    if (strcmp(call->cmd->noun, "plan") != 0 && project->state_dir != NULL &&
        !fx_dir_is_secure(project->state_dir, err))
        return fx_ctx(err, "looking at the state directory of \"%s\"", project->path);
    cmd_audit_begin(call, project->state_dir);
    *ret_project = project;
    return true;
}

bool cmd_plan_load(const struct cmd_call *call, const struct fx_project *project,
                   struct pln_plan **ret, struct fx_err *err)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    if (pln_load_all(call->words[0], project, call->arena, ret, &problems, err))
        return true;
    if (problems.count > 1) {
        char message[sizeof err->message];
        (void)snprintf(message, sizeof message, "%s", err->message);
        if (!cmd_problems_ok(&problems, false, err))
            (void)snprintf(err->message, sizeof err->message, "%s", message);
    }
    if (err->cause_kind == FX_CAUSE_ERRNO) /* the file itself, not its content */
        fx_hint(err, "PLAN is the path of a plan file. To see a run: ficus run status");
    return false;
}

static void list_contexts(const struct fx_project *project, struct fx_buf *out)
{
    for (size_t i = 0; i < project->n_contexts; i++)
        fx_buf_printf(out, "%s%s", i > 0 ? ", " : "", project->contexts[i].name);
}

bool cmd_context(struct cmd_call *call, struct fx_project *project, const char *name,
                 struct fx_context **ret, struct fx_err *err)
{
    struct fx_context *only = project->n_contexts == 1 ? &project->contexts[0] : NULL;
    *ret = name != NULL ? fx_project_context(project, name) : only;
    if (*ret != NULL) {
        call->context = (*ret)->name;
        return true;
    }
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(512);
    list_contexts(project, &names);
    if (name == NULL)
        (void)fx_fail(err, FX_E_USAGE,
                      "project file \"%s\" has %zu contexts, and no --context was given",
                      project->path, project->n_contexts);
    else
        (void)fx_fail(err, FX_E_USAGE, "project file \"%s\" has no context \"%s\"", project->path,
                      name);
    if (project->n_contexts == 0)
        return fx_hint(err,
                       "Add a context to the file, under the key contexts. Then run: ficusd "
                       "--check -f %s",
                       project->path);
    return fx_hint(err, "Choose one with --context: %s.", fx_buf_cstr(&names));
}
