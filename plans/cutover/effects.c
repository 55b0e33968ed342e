/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real effects: one function each, without order and without retries; those are the machine's.
 */
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "plans/cutover/environment.h"

static int64_t now_ms(void *arg)
{
    (void)arg;
    return fx_mono_now().us / 1000;
}

static void pause_ms(void *arg, int64_t ms)
{
    (void)arg;
    fx_sleep_ms(ms);
}

const struct pln_effects pln_real_effects = {
    .preflight = pln_effect_preflight,
    .own = pln_effect_own,
    .arm = pln_effect_arm,
    .prepare = pln_effect_prepare,
    .lag = pln_effect_lag,
    .measure = pln_effect_measure,
    .hold = pln_effect_hold,
    .drained = pln_effect_drained,
    .release = pln_effect_release,
    .move = pln_effect_move,
    .fence = pln_effect_fence,
    .barrier_read = pln_effect_barrier_read,
    .barrier_applied = pln_effect_barrier_applied,
    .verify = pln_effect_verify,
    .raise_ids = pln_effect_raise_ids,
    .armed = pln_effect_armed,
    .commit = pln_effect_commit,
    .abort = pln_effect_abort,
    .invalidate = pln_effect_invalidate,
    .open = pln_effect_open,
    .route = pln_effect_route,
    .disarm = pln_effect_disarm,
    .confirm = pln_effect_confirm,
    .now_ms = now_ms,
    .sleep_ms = pause_ms,
};

bool pln_env_open(const struct pln_cutover_env *env, bool is_canary,
                  const struct pln_cutover_options *opt, struct pln_environment **ret,
                  struct fx_err *err)
{
    struct pln_environment *en = FX_NEW(struct pln_environment);
    en->fx = &pln_real_effects;
    en->env = env;
    en->opt = opt;
    fx_arena_init(&en->arena, 0);
    en->routed = fx_arena_array(&en->arena, env->n_facades + 1, sizeof *en->routed);
    if (!fx_sides_open(env->context, is_canary, opt->statement_ms, &en->arena, &en->sides, err)) {
        fx_arena_done(&en->arena);
        free(en);
        return false;
    }
    *ret = en;
    return true;
}

void pln_env_close(struct pln_environment *en)
{
    if (en == NULL)
        return;
    fx_sides_done(&en->sides);
    fx_arena_done(&en->arena);
    free(en);
}

struct pln_cutover pln_env_cutover(struct pln_environment *en, enum fx_direction direction,
                                   struct pln_cutover_result *result)
{
    en->new_wins = direction == FX_FORWARD;
    en->losing = en->new_wins ? &en->sides.old_side : &en->sides.new_side;
    en->winning = en->new_wins ? &en->sides.new_side : &en->sides.old_side;
    en->result = result;
    en->leaks_before = -1;
    for (size_t i = 0; i < en->env->n_facades; i++)
        en->routed[i] = false;
    return (struct pln_cutover){.fx = en->fx,
                                .en = en,
                                .group = en->sides.group,
                                .is_canary = en->sides.is_canary,
                                .new_wins = en->new_wins,
                                .opt = en->opt,
                                .log = en->env->log,
                                .should_stop = en->env->should_stop,
                                .arg = en->env->arg,
                                .result = result};
}
