/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol's effects on the two streams: what they have read, whether they run, unfenced
 * writes.
 */
#include <inttypes.h>

#include "plans/cutover/environment.h"
#include "plans/cutover/stream_stop.h"

struct cdc_ref pln_env_stream(const struct pln_environment *en, bool is_reverse)
{
    bool is_forward = en->new_wins != is_reverse;
    return (struct cdc_ref){.project_path = en->env->project->path,
                            .state_dir = en->env->project->state_dir,
                            .context = en->env->context->name,
                            .direction = is_forward ? FX_FORWARD : FX_REVERSE};
}

bool pln_env_stream_status(struct pln_environment *en, bool is_reverse, struct cdc_status *ret,
                           struct fx_err *err)
{
    struct cdc_ref ref = pln_env_stream(en, is_reverse);
    return cdc_status(&ref, ret, err);
}

/* In another phase than STREAM it is not known: a stream that is held for a comparison, or that has
 * just begun, may be any time late. */
bool pln_effect_lag(void *arg, bool is_reverse, int64_t *ret_ms, struct fx_err *err)
{
    struct pln_environment *en = arg;
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    struct cdc_ref ref = pln_env_stream(en, is_reverse);
    if (!cdc_status(&ref, &status, err))
        return false;
    if (status.phase == CDC_PHASE_STOPPED)
        return pln_stream_stop_fail(&ref, &status, err);
    bool is_live = status.phase == CDC_PHASE_STREAM || status.phase == CDC_PHASE_CATCHUP;
    *ret_ms = is_live ? status.lag_ms : -1;
    return true;
}

bool pln_effect_barrier_read(void *arg, bool is_reverse, int64_t epoch, bool *ret,
                             struct fx_err *err)
{
    struct pln_environment *en = arg;
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    struct cdc_ref ref = pln_env_stream(en, is_reverse);
    if (!cdc_status(&ref, &status, err))
        return false;
    if (status.phase == CDC_PHASE_STOPPED)
        return pln_stream_stop_fail(&ref, &status, err);
    if (status.phase == CDC_PHASE_COPY) {
        char name[128];
        cdc_stream_name(&ref, name, sizeof name);
        return fx_fail(err, FX_E_STREAM, "stream \"%s\" is still copying", name) ||
               fx_hint(err,
                       "Ownership did not change. Wait until its phase is stream (ficus cdc status "
                       "--context %s), then run " PLN_CUT_GO_ON ".",
                       ref.context);
    }
    *ret = strcmp(status.barrier_group, en->sides.group) == 0 && status.barrier_epoch >= epoch;
    return true;
}

bool pln_env_no_leaks(struct pln_environment *en, struct fx_err *err)
{
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    if (!pln_env_stream_status(en, false, &status, err))
        return false;
    if (en->leaks_before < 0) /* a resume: since when they would count, nobody wrote down */
        return true;
    en->result->leaks = status.leaks - en->leaks_before;
    if (en->result->leaks == 0)
        return true;
    fx_fail(err, FX_E_DIVERGED,
            "database \"%s\" (the %s side) accepted %" PRId64 " write%s after the fence",
            en->losing->conf->name, en->new_wins ? "old" : "new", en->result->leaks,
            en->result->leaks == 1 ? "" : "s");
    fx_detail(err, "The newest: %s", status.leak_last);
    return fx_hint(
        err,
        "A superuser wrote there, or a fence trigger was disabled. Table ficus.leak of database "
        "\"%s\" has those rows. Stop that writer, then run " PLN_CUT_GO_ON ".",
        en->winning->conf->name);
}

/* A stream that has died meanwhile is the caller's to
 * start again; waiting for it here would only be longer. */
bool pln_env_reverse_lives(struct pln_environment *en, struct fx_err *err)
{
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    struct cdc_ref ref = pln_env_stream(en, true);
    if (!cdc_status(&ref, &status, err))
        return false;
    if (status.phase != CDC_PHASE_STOPPED)
        return true;
    (void)!pln_stream_stop_fail(&ref, &status, err);
    fx_err_recode(err, FX_E_STREAM); /* the group has moved: no finding about the step any more */
    return false;
}
