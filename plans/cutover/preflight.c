/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step 0: checks all that the protocol needs. Changes nothing. All findings are collected, each
 * with the command that fixes it; fence triggers of another cut-over are DRIFT, everything else is
 * GATE_CLOSED.
 */
#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "plans/cutover/environment.h"
#include "plans/cutover/stream_stop.h"

enum { CHECK_MS = 10000 /* of a server's catalog */, MOMENT_MS = 2000, LOOK_EACH_MS = 100 };

/* The hint of the error says more about this failure than any command that is known here. */
static void add_silent(struct fx_findings *f, const char *where, const struct fx_err *err)
{
    fx_findings_add(f, where, NULL, "does not answer: %s%s%s", err->message,
                    err->hint[0] != '\0' ? "; " : "", err->hint);
}

static bool is_ready(const struct cdc_status *status, int64_t lag_max_ms)
{
    return (status->phase == CDC_PHASE_STREAM || status->phase == CDC_PHASE_CATCHUP) &&
           status->lag_ms <= lag_max_ms;
}

/*
 * A hold that has just ended, or a transaction that was read late, is over a moment later: such a
 * stream is given that moment before it is a finding.
 */
static bool look(const struct cdc_ref *ref, int64_t lag_max_ms, struct cdc_status *ret,
                 struct fx_err *err)
{
    struct fx_mono began = fx_mono_now();
    for (;;) {
        if (!cdc_status(ref, ret, err))
            return false;
        if (is_ready(ret, lag_max_ms) || ret->phase == CDC_PHASE_STOPPED ||
            fx_mono_since_us(began, fx_mono_now()) >= MOMENT_MS * 1000)
            return true;
        fx_sleep_ms(LOOK_EACH_MS);
    }
}

static void check_stream(struct pln_environment *en, bool is_reverse, struct fx_findings *f)
{
    struct cdc_ref ref = pln_env_stream(en, is_reverse);
    const struct pln_cutover_options *opt = en->opt;
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    struct fx_err err = FX_ERR_INIT;
    char name[128], where[160], see[160];
    cdc_stream_name(&ref, name, sizeof name);
    (void)snprintf(where, sizeof where, "stream \"%s\"", name);
    (void)snprintf(see, sizeof see, "ficus cdc status --context %s", ref.context);
    if (!look(&ref, opt->lag_max_ms, &status, &err)) {
        add_silent(f, where, &err);
        return;
    }
    if (status.phase == CDC_PHASE_STOPPED) {
        (void)!pln_stream_stop_fail(&ref, &status, &err);
        fx_findings_add(f, "", NULL, "%s; %s", err.message, err.hint);
        return;
    }
    if (status.phase != CDC_PHASE_STREAM && status.phase != CDC_PHASE_CATCHUP)
        fx_findings_add(f, where, see, "is in phase %s: wait until it is in phase stream",
                        cdc_phase_name(status.phase));
    if (status.lag_ms > opt->lag_max_ms)
        fx_findings_add(f, where, see,
                        "has a lag of %" PRId64 " ms, the limit is %" PRId64
                        " ms: wait until it is below that",
                        status.lag_ms, opt->lag_max_ms);
}

/*
 * The move towards the side that owns the group already finds nothing to move: it routes the
 * facades there and ends. A rehearsal does so with its own group before each of its rounds.
 */
static void add_route(const struct pln_environment *en, const char *where, bool new_owns,
                      struct fx_findings *f)
{
    const char *context = en->env->context->name, *owner = new_owns ? "new" : "old";
    FX_AUTO(fx_buf) struct fx_buf fix = FX_BUF(1024);
    if (en->sides.is_canary)
        fx_buf_printf(&fix, "ficus cutover rehearse --context %s --execute", context);
    else
        fx_buf_printf(&fix, "ficus cutover %s --context %s --execute --confirm=%s",
                      new_owns ? "start" : "fallback", context, context);
    fx_findings_add(f, where, fx_buf_cstr(&fix),
                    "routes group \"%s\" to the %s side, but the %s side owns it: the command "
                    "routes it to the owner",
                    en->sides.group, new_owns ? "old" : "new", owner);
}

static void check_facade_group(const struct pln_environment *en, const char *where,
                               const struct fcd_group_status *group, int64_t epoch,
                               struct fx_findings *f)
{
    bool new_owns = !en->new_wins;
    if (group->is_unknown) {
        FX_AUTO(fx_buf) struct fx_buf fix = FX_BUF(1024);
        if (en->sides.is_canary)
            fx_buf_printf(&fix, "ficus cutover rehearse --context %s --execute",
                          en->env->context->name);
        else
            fx_buf_printf(&fix, "ficus route sync %s --execute", group->group);
        fx_findings_add(f, where, fx_buf_cstr(&fix),
                        "does not know which side owns group \"%s\" and refuses its writes",
                        group->group);
        return;
    }
    if ((group->owner == FCD_NEW) != new_owns)
        add_route(en, where, new_owns, f);
    if (group->epoch > epoch + 1)
        fx_findings_add(f, where, NULL,
                        "has seen epoch %" PRId64 " of group \"%s\", but table ficus.own of "
                        "database \"%s\" is at epoch %" PRId64
                        ": the database was probably restored from a backup. If its data is what "
                        "you want, stop ficusd, move facade.json out of the state directory, and "
                        "start ficusd again (it refuses writes), then tell it the owner: ficus "
                        "route sync --execute",
                        group->epoch, group->group, en->losing->conf->name, epoch);
    if (group->hold == FCD_HOLDING) {
        FX_AUTO(fx_buf) struct fx_buf fix = FX_BUF(1024);
        fx_buf_printf(&fix, "ficus route release %s --execute", group->group);
        fx_findings_add(f, where, fx_buf_cstr(&fix), "still holds writes of group \"%s\"",
                        group->group);
    }
}

static void check_facade(struct pln_environment *en, size_t i, int64_t epoch, struct fx_findings *f)
{
    struct fcd_group_status group = {0};
    struct fx_err err = FX_ERR_INIT;
    bool is_known = false;
    char where[160];
    (void)snprintf(where, sizeof where, "facade %s", en->env->facades[i].address);
    if (!pln_env_facade_group(en, i, &group, &is_known, &err)) {
        add_silent(f, where, &err);
        return;
    }
    if (!group.can_move)
        fx_findings_add(
            f, where, NULL,
            "was started by an older Ficus, which ends a hold by a guess; stop it, then "
            "run: ficusd -f %s",
            en->env->project->path);
    if (is_known)
        check_facade_group(en, where, &group, epoch, f);
    else if (!en->sides.is_canary)
        fx_findings_add(f, where, NULL,
                        "does not know group \"%s\": it was started with another project file, or "
                        "before the context was added to it; stop it, then run: ficusd -f %s",
                        en->sides.group, en->env->project->path);
}

static void check_prediction(const struct pln_cutover_options *opt, struct fx_findings *f)
{
    if (opt->predicted_p99_ms >= 0 && opt->predicted_p99_ms * 2 >= opt->fence_ttl_ms)
        fx_findings_add(
            f, "fence_ttl", NULL,
            "the predicted pause (p99) of %" PRId64 " ms is not below half of it (%" PRId64
            " ms); raise it with --fence-ttl, or policy.fence_ttl of the plan " PLN_CUT_KEPT,
            opt->predicted_p99_ms, opt->fence_ttl_ms);
    if (opt->drain_ms + opt->fence_ttl_ms > opt->hold_ms)
        fx_findings_add(
            f, "hold", NULL,
            "%" PRId64 " ms is shorter than drain (%" PRId64 " ms) plus fence_ttl (%" PRId64
            " ms); raise it with --hold, or lower these with --drain and --fence-ttl, or "
            "change policy of the plan " PLN_CUT_KEPT,
            opt->hold_ms, opt->drain_ms, opt->fence_ttl_ms);
}

/* The side that wins refuses writers until it does: a table that was swapped meanwhile does not. */
static bool check_refuses(struct pln_environment *en, struct fx_findings *f, struct fx_err *err)
{
    struct fx_side *winning = en->winning;
    struct fx_own own = {0};
    size_t first = f->n;
    if (!fx_side_open(winning, CHECK_MS, err) || !fx_own_row(winning, false, &own, err))
        return false;
    if (own.state != FX_OWN_AWAY)
        return true;
    if (!fx_fence_of(winning)->refuses(winning, f, err))
        return false;
    if (f->n > first)
        fx_findings_add(f, "ownership", "ficus upgrade --execute",
                        "database \"%s\" does not own the tables and accepts writes to those "
                        "above: a tool has replaced them, or somebody dropped their triggers. The "
                        "command makes them again; then compare the sides",
                        winning->conf->name);
    return true;
}

static bool check_all(struct pln_environment *en, struct fx_findings *f, bool *ret_foreign,
                      struct fx_err *err)
{
    struct fx_side *losing = en->losing;
    struct cdc_ref ref = pln_env_stream(en, false);
    struct fx_own own = {0};
    fx_findings_topic(f, "database", "databases and fences", NULL);
    /* A stream that runs has read the file as it was; the fence goes by what it is now. */
    if (!cdc_same_context(&ref, en->env->context, err))
        return false;
    if (!fx_side_open(losing, CHECK_MS, err) || !fx_own_row(losing, false, &own, err) ||
        !fx_fence_of(losing)->check(losing, en->opt->old_txn_ms, f, ret_foreign, err) ||
        !check_refuses(en, f, err))
        return false;
    fx_findings_topic(f, "stream", "streams", NULL);
    check_stream(en, false, f);
    check_stream(en, true, f);
    fx_findings_topic(f, "facade", "facades", NULL);
    for (size_t i = 0; i < en->env->n_facades; i++)
        check_facade(en, i, own.epoch, f);
    fx_findings_topic(f, "limit", "limits of the cut-over", NULL);
    check_prediction(en->opt, f);
    return true;
}

bool pln_effect_preflight(void *arg, struct fx_err *err)
{
    struct pln_environment *en = arg;
    FX_AUTO(fx_findings) struct fx_findings own;
    struct fx_findings *f = en->env->findings != NULL ? en->env->findings : &own;
    bool is_foreign = false;
    fx_findings_init(&own);
    if (!check_all(en, f, &is_foreign, err))
        return false;
    if (f->n == 0)
        return true;
    fx_findings_fail(f, err, is_foreign ? FX_E_DRIFT : FX_E_GATE_CLOSED,
                     "preflight of group \"%s\" failed", en->sides.group);
    if (is_foreign)
        fx_hint(err, "Make sure that no other operator is cutting over this group, then run the "
                     "commands in the detail.");
    else if (err->hint[0] == '\0')
        fx_hint(err, "Nothing was changed. Fix what the detail lists, then run " PLN_CUT_GO_ON ".");
    return false;
}
