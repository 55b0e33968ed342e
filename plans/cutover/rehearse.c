/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of cutover.h: one run, a resume, and the rehearsal, which is nothing but the complete
 * protocol there and back on the canary group, several times, with every facade, stream and
 * database of the en one.
 */
#include <inttypes.h>

#include "lib/base/panic.h"
#include "plans/cutover/environment.h"
#include "plans/cutover/machine.h"
#include "plans/cutover/recover.h"

/* --- run and resume --------------------------------------------------------------------------- */

/* The context's own group, with an empty result. */
static bool open_group(const struct pln_cutover_env *env, const struct pln_cutover_options *opt,
                       struct pln_cutover_result *result, struct pln_environment **ret,
                       struct fx_err *err)
{
    *result = (struct pln_cutover_result){.outcome = PLN_CUT_NOTHING, .held_max_ms = -1};
    return pln_env_open(env, false, opt, ret, err);
}

/* What every error of a cut-over lacks: which database is which side, and the context's name. */
static bool fail_between(const struct pln_cutover_env *env, enum fx_direction direction,
                         struct fx_err *err)
{
    bool is_forward = direction == FX_FORWARD;
    const struct fx_context *ctx = env->context;
    (void)fx_err_name_context(err, ctx->name);
    return fx_ctx(
        err,
        "%s of context \"%s\": from the %s side (database \"%s\") to the %s side (database \"%s\")",
        is_forward ? "cut-over" : "fall-back", ctx->name, is_forward ? "old" : "new",
        (is_forward ? ctx->old_db : ctx->new_db)->name, is_forward ? "new" : "old",
        (is_forward ? ctx->new_db : ctx->old_db)->name);
}

bool pln_cutover_run(const struct pln_cutover_env *env, enum fx_direction direction,
                     const struct pln_cutover_options *opt, struct pln_cutover_result *result,
                     struct fx_err *err)
{
    struct pln_environment *en = NULL;
    if (!open_group(env, opt, result, &en, err))
        return false;
    struct pln_cutover cut = pln_env_cutover(en, direction, result);
    bool ok = pln_cutover_machine(&cut, err);
    pln_env_close(en);
    return ok || fail_between(env, direction, err);
}

bool pln_cutover_preflight(const struct pln_cutover_env *env, enum fx_direction direction,
                           const struct pln_cutover_options *opt, struct pln_forecast *ret,
                           struct fx_err *err)
{
    struct pln_environment *en = NULL;
    struct pln_cutover_result result;
    *ret = PLN_FORECAST_NONE;
    if (!open_group(env, opt, &result, &en, err))
        return false;
    struct pln_cutover cut = pln_env_cutover(en, direction, &result);
    bool ok = pln_cutover_check(&cut, err);
    if (ok)
        *ret = result.forecast;
    pln_env_close(en);
    return ok || fail_between(env, direction, err);
}

/* A rehearsal can have died in either direction: recover in that one. */
static bool recover_canary(struct pln_environment *en, struct fx_err *err)
{
    struct fx_own old_own = {0}, new_own = {0};
    struct pln_cutover_result ignored;
    struct fx_sides *sides = &en->sides;
    const struct pln_cutover_options *opt = en->opt;
    if (!fx_side_open(&sides->old_side, opt->statement_ms, err) ||
        !fx_side_open(&sides->new_side, opt->statement_ms, err) ||
        !fx_own_row(&sides->old_side, true, &old_own, err) ||
        !fx_own_row(&sides->new_side, true, &new_own, err))
        return false;
    struct fx_own_resume plan = fx_own_resume_decide(&old_own, &new_own);
    bool is_forward = plan.action == FX_OWN_RESUME_OPEN ? plan.is_new : !plan.is_new;
    struct pln_cutover cut = pln_env_cutover(en, is_forward ? FX_FORWARD : FX_REVERSE, &ignored);
    return pln_cutover_recover(&cut, err);
}

static bool resume_canary(const struct pln_cutover_env *env, const struct pln_cutover_options *opt,
                          struct fx_err *err)
{
    struct pln_environment *en = NULL;
    if (!pln_env_open(env, true, opt, &en, err))
        return false;
    bool ok = recover_canary(en, err);
    pln_env_close(en);
    return ok || fx_ctx(err, "recovering an unfinished rehearsal");
}

bool pln_cutover_resume(const struct pln_cutover_env *env, enum fx_direction direction,
                        const struct pln_cutover_options *opt, struct pln_cutover_result *result,
                        struct fx_err *err)
{
    struct pln_environment *en = NULL;
    if (!open_group(env, opt, result, &en, err))
        return false;
    struct pln_cutover cut = pln_env_cutover(en, direction, result);
    bool ok = pln_cutover_recover(&cut, err); /* first what customers wait for */
    if (ok && result->outcome == PLN_CUT_COMMITTED)
        ok = pln_cutover_confirm(&cut, err);
    pln_env_close(en);
    return ok && resume_canary(env, opt, err);
}

/* --- rehearsal -------------------------------------------------------------------------------- */

static void record(struct pln_rehearsal *out, const struct pln_cutover_result *result)
{
    out->pause_ms[out->n_pauses++] = result->pause_ms;
    for (size_t i = 0; i < PLN_CUT_STEP_COUNT; i++)
        out->step_max_ms[i] = FX_MAX(out->step_max_ms[i], result->step_ms[i]);
}

static int pause_cmp(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int64_t pln_nearest_rank(const int64_t *samples, size_t n, int percent)
{
    int64_t sorted[2 * PLN_REHEARSAL_ROUNDS_MAX];
    if (n == 0 || n > FX_ARRAY_LEN(sorted))
        return -1;
    memcpy(sorted, samples, n * sizeof *samples);
    qsort(sorted, n, sizeof *sorted, pause_cmp);
    size_t rank = (n * (size_t)percent + 99) / 100;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static bool one_way(struct pln_environment *en, enum fx_direction direction,
                    struct pln_rehearsal *out, struct fx_err *err)
{
    struct pln_cutover_result result;
    struct pln_cutover cut = pln_env_cutover(en, direction, &result);
    if (!pln_cutover_machine(&cut, err))
        return fx_ctx(err, "rehearsing %s",
                      direction == FX_FORWARD ? "the cut-over" : "the fall-back");
    record(out, &result);
    return true;
}

/* After a crash the new side may own the canary group: it is moved back first. */
static bool bring_home(struct pln_environment *en, struct fx_err *err)
{
    struct fx_own own = {0};
    struct pln_rehearsal ignored = {0};
    struct fx_sides *sides = &en->sides;
    if (!recover_canary(en, err) || !fx_side_open(&sides->new_side, en->opt->statement_ms, err) ||
        !fx_own_row(&sides->new_side, false, &own, err))
        return false;
    return own.state != FX_OWN_HERE || one_way(en, FX_REVERSE, &ignored, err);
}

/* The stream carries the deletes; the table is empty again on both sides. */
static bool sweep(struct pln_environment *en, struct fx_err *err)
{
    struct fx_sides *sides = &en->sides;
    fx_cell grp = fx_str_from(sides->group);
    return fx_side_open(&sides->old_side, en->opt->statement_ms, err) &&
           fx_db_exec(sides->old_side.db, "delete from ficus.canary where grp = ?", &grp, 1, NULL,
                      err);
}

/*
 * The canary has no customers: what the real group costs more is measured there. The side that
 * serves now loses.
 */
static struct pln_forecast forecast_real(const struct pln_cutover_env *env,
                                         const struct pln_cutover_options *opt, int64_t canary_ms)
{
    struct pln_environment *en = NULL;
    struct pln_cutover_result result;
    struct pln_measured m;
    struct fx_err ignored = FX_ERR_INIT;
    bool is_known = false;
    if (!open_group(env, opt, &result, &en, &ignored))
        return PLN_FORECAST_NONE;
    (void)pln_env_cutover(en, FX_FORWARD, &result);
    bool ok = pln_effect_measure(en, &m, &is_known, &ignored);
    pln_env_close(en);
    if (!ok || !is_known)
        return PLN_FORECAST_NONE;
    return pln_forecast_waits(&m, canary_ms + pln_forecast_more_ms(&m));
}

bool pln_cutover_rehearse(const struct pln_cutover_env *env, const struct pln_cutover_options *opt,
                          int rounds, struct pln_rehearsal *ret, struct fx_err *err)
{
    struct pln_environment *en = NULL;
    struct pln_cutover_options own = *opt;
    *ret = (struct pln_rehearsal){0};
    FX_ASSERT(rounds >= 1 && rounds <= PLN_REHEARSAL_ROUNDS_MAX); /* the callers' options say so */
    if (!pln_env_open(env, true, &own, &en, err))
        return false;
    bool ok = bring_home(en, err);
    for (; ok && ret->rounds < rounds; ret->rounds++) {
        ok = one_way(en, FX_FORWARD, ret, err);
        own.drain_window_ms =
            0; /* both streams have been watched; from now on one look is enough */
        ok = ok && one_way(en, FX_REVERSE, ret, err);
    }
    ok = ok && sweep(en, err);
    /* try to leave the canary group on its old side;
     * otherwise the next rehearsal or resume moves it */
    if (!ok) {
        struct fx_err ignored = FX_ERR_INIT;
        (void)!bring_home(en, &ignored);
    }
    pln_env_close(en);
    if (!ok)
        (void)fx_err_name_context(err, env->context->name);
    ret->predicted_p50_ms = pln_nearest_rank(ret->pause_ms, ret->n_pauses, 50);
    ret->predicted_p99_ms = pln_nearest_rank(ret->pause_ms, ret->n_pauses, 99);
    ret->forecast = ok ? forecast_real(env, opt, ret->predicted_p99_ms) : PLN_FORECAST_NONE;
    return ok;
}
