/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The databases come first: from then on the other controller is refused wherever it acts. The rest
 * is repeated by the same command when it was cut off.
 */
#include "plans/run/adopt.h"

#include "cdc/cdc.h"
#include "lib/io/flock.h"
#include "lib/ownership/holder.h"
#include "plans/cutover/cutover.h"
#include "plans/run/lock.h"

/*
 * The facade refuses the other one's commands after this. One that does not answer is told by the
 * next run, which claims it as well.
 */
static void claim_facade(const struct fx_project *project, struct fx_buf *out)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_err err = FX_ERR_INIT;
    struct fcd_endpoint at;
    struct fcd_status *status = NULL;
    fx_arena_init(&arena, 0);
    if (pln_endpoint_read(project, &arena, &at, &err) &&
        fcd_control_status(&at, &arena, &status, &err) &&
        fcd_control_claim(&at, status->controller_epoch + 1, &err))
        fx_buf_printf(out, "the facade at %s takes commands of this controller only\n", at.address);
    else
        fx_buf_printf(out,
                      "the facade could not be told and may still take commands of the other "
                      "controller: %s\n",
                      err.message);
}

bool pln_adopt(struct fx_project *project, struct fx_context *ctx, const char *from,
               struct fx_buf *out, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_flock *lock = NULL;
    struct cdc_ref ref = {
        .project_path = project->path, .state_dir = project->state_dir, .context = ctx->name};
    fx_arena_init(&arena, 0);
    if (!fx_controller_take(project, "run adopt", "", &arena, err) ||
        !pln_lock_context(project->state_dir, ctx->name, "run adopt", &lock, err))
        return false;
    bool ok = fx_holder_adopt(ctx, from, err) && cdc_adopt(&ref, ctx, err);
    if (ok) {
        fx_buf_printf(out, "context %s is held by this controller, %.8s\n", ctx->name,
                      ctx->controller->id);
        claim_facade(project, out);
    }
    for (size_t i = 0; i < project->n_contexts; i++)
        project->contexts[i].controller = NULL; /* it lives in this call's arena */
    fx_flock_release(lock);
    return ok;
}
