/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step 0: is everything as the protocol needs it? Changes nothing. All findings are collected, each with
 * its mending command; a leftover of somebody else's fence is DRIFT, everything else closes the gate.
 */
#include <inttypes.h>

#include "lib/base/alloc.h"
#include "plans/cutover/environment.h"
#include "plans/cutover/stream_stop.h"

enum { FINDINGS_MAX = 64 * 1024, CHECK_MS = 10000 /* of a server's catalog */ };

static void check_stream(struct pln_environment *en, bool is_reverse, struct fx_fence_findings *f)
{
    struct cdc_ref ref = pln_env_stream(en, is_reverse);
    const struct pln_cutover_options *opt = en->opt;
    struct cdc_status status = {0};
    struct fx_err err = FX_ERR_INIT;
    char name[128];
    cdc_stream_name(&ref, name, sizeof name);
    if (!cdc_status(&ref, &status, &err)) {
        fx_fence_findings_add(f, "stream %s does not answer: %s", name, err.message);
        return;
    }
    if (status.phase == CDC_PHASE_STOPPED) {
        (void)!pln_stream_stop_fail(&ref, &status, &err);
        fx_fence_findings_add(f, "%s; %s", err.message, err.hint);
        return;
    }
    if (status.phase != CDC_PHASE_STREAM && status.phase != CDC_PHASE_CATCHUP)
        fx_fence_findings_add(f, "stream %s is in phase %s", name, cdc_phase_name(status.phase));
    if (status.lag_ms > opt->lag_max_ms)
        fx_fence_findings_add(f, "stream %s is %" PRId64 " ms behind, the limit is %" PRId64 " ms",
                              name, status.lag_ms, opt->lag_max_ms);
}

static void check_facade(struct pln_environment *en, size_t i, int64_t epoch,
                         struct fx_fence_findings *f)
{
    const char *address = en->env->facades[i].address;
    struct fcd_group_status group = {0};
    struct fx_err err = FX_ERR_INIT;
    bool is_known = false;
    if (!pln_env_facade_group(en, i, &group, &is_known, &err)) {
        fx_fence_findings_add(f, "facade %s does not answer: %s", address, err.message);
        return;
    }
    if (!is_known) {
        if (!en->sides.is_canary)
            fx_fence_findings_add(f, "facade %s does not know group \"%s\"", address,
                                  en->sides.group);
        return;
    }
    bool new_loses = !en->new_wins;
    if ((group.owner == FCD_NEW) != new_loses)
        fx_fence_findings_add(f, "facade %s routes group \"%s\" to the side that does not have it",
                              address, group.group);
    if (group.epoch > epoch + 1)
        fx_fence_findings_add(
            f, "facade %s stands at epoch %" PRId64 ", above the database's %" PRId64, address,
            group.epoch, epoch);
    if (group.hold == FCD_HOLDING)
        fx_fence_findings_add(f, "facade %s still holds writes; ficus route release %s --execute",
                              address, group.group);
}

static void check_prediction(const struct pln_cutover_options *opt, struct fx_fence_findings *f)
{
    if (opt->predicted_p99_ms >= 0 && opt->predicted_p99_ms * 2 >= opt->fence_ttl_ms)
        fx_fence_findings_add(f,
                              "predicted pause p99 of %" PRId64
                              " ms is not below half of fence_ttl "
                              "(%" PRId64 " ms)",
                              opt->predicted_p99_ms, opt->fence_ttl_ms);
    if (opt->drain_ms + opt->fence_ttl_ms > opt->hold_ms)
        fx_fence_findings_add(f,
                              "drain (%" PRId64 " ms) and fence_ttl (%" PRId64
                              " ms) together exceed hold (%" PRId64 " ms)",
                              opt->drain_ms, opt->fence_ttl_ms, opt->hold_ms);
}

static bool check_all(struct pln_environment *en, struct fx_fence_findings *f, struct fx_err *err)
{
    struct fx_side *losing = en->losing;
    struct cdc_ref ref = pln_env_stream(en, false);
    struct fx_own own = {0};
    /* A stream that runs has read the file as it was; the fence goes by what it is now. */
    if (!cdc_same_context(&ref, en->env->context, err))
        return false;
    if (!fx_side_open(losing, CHECK_MS, err) || !fx_own_row(losing, false, &own, err) ||
        !pln_env_fence(losing)->check(losing, en->opt->old_txn_ms, f, err))
        return false;
    check_stream(en, false, f);
    check_stream(en, true, f);
    for (size_t i = 0; i < en->env->n_facades; i++)
        check_facade(en, i, own.epoch, f);
    check_prediction(en->opt, f);
    return true;
}

bool pln_effect_preflight(void *arg, struct fx_err *err)
{
    struct pln_environment *en = arg;
    struct fx_fence_findings f = {.text = FX_BUF(FINDINGS_MAX)};
    bool ok = check_all(en, &f, err);
    if (ok && f.n > 0) {
        ok = fx_fail(err, f.has_foreign ? FX_E_DRIFT : FX_E_GATE_CLOSED,
                     "preflight of group \"%s\" found %zu reason(s) not to begin", en->sides.group,
                     f.n);
        fx_detail(err, "%s", fx_buf_cstr(&f.text));
        if (f.has_foreign)
            fx_hint(err,
                    "Make sure that nobody else is cutting over, then run what the detail says.");
    }
    fx_buf_done(&f.text);
    return ok;
}
