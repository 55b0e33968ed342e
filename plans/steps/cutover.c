/* SPDX-License-Identifier: Apache-2.0 */
/* The cut-over as a step: its options from the plan's policy, its journal in the run's, its result as an effect. */
#include "plans/steps/actions_priv.h"

static bool on_cut(void *arg, enum pln_cutover_step cut, enum pln_cutover_moment moment,
                   const char *group, const char *detail, struct fx_err *err)
{
    struct pln_real *real = arg;
    struct pln_record rec = pln_record(PLN_REC_CUT, real->step);
    rec.cut_step = (int)cut;
    rec.cut_moment = (int)moment;
    rec.group = group;
    rec.text = detail;
    if (!pln_journal_append(real->ex->journal, &rec, err))
        return false;
    /* The rounds of a rehearsal would be a page of lines; the journal has them all. */
    size_t len = strlen(group);
    bool is_canary = len > 7 && strcmp(group + len - 7, ".canary") == 0;
    if (moment == PLN_CUT_BEGIN || (is_canary && moment == PLN_CUT_DONE))
        return true;
    const char *words[] = {"begin", "done", "failed", "note"};
    pln_exec_say(real->ex, real->step, "%s %s %s%s%s", group, pln_cutover_step_name(cut),
                 words[moment], detail != NULL && detail[0] != '\0' ? ": " : "",
                 detail != NULL ? detail : "");
    return true;
}

static bool on_stop(void *arg)
{
    struct pln_real *real = arg;
    return real->env->should_stop != NULL && real->env->should_stop(real->env->arg);
}

static struct pln_cutover_env cut_env(struct pln_real *real)
{
    return (struct pln_cutover_env){
        .project = real->env->project,
        .context = real->ctx,
        .facades = &real->facade,
        .n_facades = 1,
        .operator_name = real->operator_name,
        .log = on_cut,
        .should_stop = on_stop,
        .arg = real,
    };
}

static struct pln_cutover_options cut_options(const struct pln_real *real)
{
    const struct pln_policy *p = &real->plan->policy;
    struct pln_cutover_options opt = pln_cutover_options_default();
    opt.fence_ttl_ms = p->fence_ttl_ms;
    opt.hold_ms = p->hold_ms;
    opt.drain_ms = p->drain_ms;
    opt.predicted_p99_ms = real->predicted_ms;
    return opt;
}

static bool cut_effect(struct pln_exec *ex, const struct pln_step *step,
                       const struct pln_cutover_result *r, struct fx_err *err)
{
    char text[160];
    const char *side = r->new_serves ? "new" : "old";
    if (r->fenced_ms > 0)
        snprintf(text, sizeof text, "writes paused %lld ms, fence %lld ms, epoch %lld, %s serves",
                 (long long)r->pause_ms, (long long)r->fenced_ms, (long long)r->epoch, side);
    else /* finished by another process than the one that began: nobody measured it whole */
        snprintf(text, sizeof text, "finished after an interruption, epoch %lld, %s serves",
                 (long long)r->epoch, side);
    return pln_exec_effect(ex, step, -1, -1, text, err);
}

bool pln_real_cut(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                  enum fx_direction direction, struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(real);
    struct pln_cutover_options opt = cut_options(real);
    struct pln_cutover_result result = {0};
    real->predicted_ms = ex->state->predicted_ms;
    opt.predicted_p99_ms = real->predicted_ms;
    if (!pln_cutover_run(&env, direction, &opt, &result, err))
        return false;
    return cut_effect(ex, step, &result, err);
}

bool pln_real_rehearse(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                       struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(real);
    struct pln_cutover_options opt = cut_options(real);
    struct pln_rehearsal rehearsal = {0};
    opt.predicted_p99_ms = -1;
    if (!pln_cutover_rehearse(&env, &opt, (int)step->rounds, &rehearsal, err))
        return false;
    real->predicted_ms = rehearsal.predicted_p99_ms;
    char text[160];
    /* Nobody writes to the canary: under load there is more to drain and to catch up. */
    snprintf(text, sizeof text, "pause p99 %lld ms on the idle canary, p50 %lld ms, %d rounds",
             (long long)rehearsal.predicted_p99_ms, (long long)rehearsal.predicted_p50_ms,
             rehearsal.rounds);
    return pln_exec_effect(ex, step, -1, rehearsal.predicted_p99_ms, text, err);
}

bool pln_real_probe(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                    bool *ret_done, struct fx_err *err)
{
    struct pln_real *real = arg;
    real->ex = ex;
    real->step = step;
    *ret_done = false;
    if (kind != PLN_CUTOVER && kind != PLN_CUTOVER_FALLBACK && kind != PLN_CUTOVER_REHEARSE)
        return true;
    struct pln_cutover_env env = cut_env(real);
    struct pln_cutover_options opt = cut_options(real);
    struct pln_cutover_result result = {0};
    enum fx_direction direction = kind == PLN_CUTOVER_FALLBACK ? FX_REVERSE : FX_FORWARD;
    if (!pln_cutover_resume(&env, direction, &opt, &result, err))
        return fx_ctx(err, "finishing what the cut-over of \"%s\" had begun", real->plan->context);
    *ret_done = kind != PLN_CUTOVER_REHEARSE && result.outcome == PLN_CUT_COMMITTED;
    return !*ret_done || cut_effect(ex, step, &result, err);
}
