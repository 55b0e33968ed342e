/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a context that must not change during a run; lib/map/config_snapshot compares it. */
#include "plans/run/drift.h"

#include "lib/io/file.h"
#include "lib/map/config_snapshot.h"

static const char *const kept[] = {"old", "new", "tables", "routes", NULL};

void pln_drift_text(const struct fx_context *ctx, struct fx_buf *out)
{
    fx_config_snapshot_text(ctx, kept, out);
}

bool pln_drift_keep(const char *path, const struct fx_context *ctx, struct fx_err *err)
{
    return fx_config_snapshot_write(path, ctx, kept, err);
}

bool pln_drift_check(const char *path, struct fx_project *project, const char *context,
                     struct fx_err *err)
{
    const struct fx_context *ctx = fx_project_context(project, context);
    if (ctx == NULL && fx_file_exists(path)) {
        fx_fail(err, FX_E_DRIFT, "project file \"%s\" no longer has context \"%s\"", project->path,
                context);
        return fx_hint(
            err,
            "Restore the context there as it was when the run began (its copy: %s), then "
            "run the same command again.",
            path);
    }
    if (ctx == NULL || fx_config_snapshot_check(path, ctx, kept, "the run began", err))
        return true;
    if (err->code == FX_E_DRIFT)
        fx_hint(err,
                "Restore the context in the project file as it was when the run began (its copy: "
                "%s), then run the same command again. Change the context after the run has ended.",
                path);
    return false;
}
