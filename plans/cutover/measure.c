/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What single calls cost now, on the real group and without changing anything. A cost that cannot
 * be measured makes no forecast; the cut-over itself will say why.
 */
#include "lib/base/clock.h"
#include "plans/cutover/environment.h"

enum { LOOKS = 8, RATE_LOOKS = 10, RATE_LOOK_MS = 50 };

static int64_t since_us(struct fx_mono began)
{
    return fx_mono_since_us(began, fx_mono_now());
}

/* The mean, without the first one, which opens a session: many calls add up to it. */
static bool statement_us(struct pln_environment *en, enum pln_cut_side side, int64_t *ret,
                         struct fx_err *err)
{
    struct fx_mono began = fx_mono_now();
    for (size_t i = 0; i <= LOOKS; i++) {
        struct fx_own own = {0};
        if (!pln_effect_own(en, side, false, &own, err))
            return false;
        if (i == 0)
            began = fx_mono_now();
    }
    *ret = since_us(began) / LOOKS;
    return true;
}

struct counted {
    int64_t writes, write_us, call_us;
    double release_per_s;
};

static void add_route(struct pln_environment *en, const struct fcd_route_status *route,
                      struct counted *all)
{
    if (!route->is_write || strcmp(route->group, en->sides.group) != 0)
        return;
    double p50_ms = en->new_wins ? route->p50_old_ms : route->p50_new_ms;
    all->writes += route->requests_old + route->requests_new;
    all->write_us = FX_MAX(all->write_us, (int64_t)(p50_ms * 1000));
}

/* Writes of the group that all facades have counted so far. */
static bool count_writes(struct pln_environment *en, struct counted *ret, struct fx_err *err)
{
    *ret = (struct counted){0};
    for (size_t i = 0; i < en->env->n_facades; i++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        fx_arena_init(&arena, 0);
        struct fcd_status *status = NULL;
        struct fx_mono began = fx_mono_now();
        if (!fcd_control_status(&en->env->facades[i], &arena, &status, err))
            return false;
        ret->call_us = FX_MAX(ret->call_us, since_us(began));
        ret->release_per_s += (double)status->release_per_s;
        for (size_t r = 0; r < status->n_routes; r++)
            add_route(en, &status->routes[r], ret);
    }
    return true;
}

/*
 * While writes are counted: for how long the oldest writer is open, and the lag, both as the mean
 * of all looks. One look, or the worst of them, would make a passing moment the forecast.
 */
static bool watch(struct pln_environment *en, struct pln_measured *m, struct fx_err *err)
{
    int64_t lag_ms = 0, open_ms = 0;
    for (size_t i = 0; i < RATE_LOOKS; i++) {
        int64_t age_ms = 0, now_ms = -1;
        if (!fx_fence_of(en->losing)->writer_age(en->losing, &age_ms, err) ||
            !pln_effect_lag(en, false, &now_ms, err))
            return false;
        open_ms += age_ms;
        lag_ms += FX_MAX(now_ms, (int64_t)0);
        fx_sleep_ms(RATE_LOOK_MS);
    }
    m->lag_us = lag_ms * 1000 / RATE_LOOKS;
    m->open_us = open_ms * 1000 / RATE_LOOKS;
    return true;
}

static bool measure_facades(struct pln_environment *en, struct pln_measured *m, struct fx_err *err)
{
    struct counted before, after;
    struct fx_mono began = fx_mono_now();
    if (!count_writes(en, &before, err))
        return false;
    if (!watch(en, m, err) || !count_writes(en, &after, err))
        return false;
    int64_t us = since_us(began), writes = after.writes - before.writes;
    m->facade_us = (before.call_us + after.call_us) / 2;
    m->write_us = after.write_us;
    m->release_per_s = after.release_per_s;
    m->writes_per_s =
        writes > 0 ? (double)writes * 1e6 / (double)us : 0; /* 0: counters were reset */
    return true;
}

static bool measure_streams(struct pln_environment *en, struct pln_measured *m, struct fx_err *err)
{
    int64_t towards_ms = -1, back_ms = -1;
    struct fx_mono began = fx_mono_now();
    if (!pln_effect_lag(en, false, &towards_ms, err) || !pln_effect_lag(en, true, &back_ms, err))
        return false;
    m->stream_us = since_us(began) / 2;
    return true;
}

bool pln_effect_measure(void *arg, struct pln_measured *ret, bool *ret_known, struct fx_err *err)
{
    struct pln_environment *en = arg;
    *ret_known = false;
    *ret = (struct pln_measured){.n_tables = en->sides.ctx.n_tables,
                                 .lock_wait_us = en->opt->lock_wait_ms * 1000,
                                 .fence_attempts = en->opt->fence_attempts};
    if (en->sides.is_canary) /* nobody waits for it */
        return true;
    if (!statement_us(en, PLN_LOSING, &ret->losing_us, err) ||
        !statement_us(en, PLN_WINNING, &ret->winning_us, err) || !measure_streams(en, ret, err) ||
        !measure_facades(en, ret, err))
        return false;
    struct fx_mono began = fx_mono_now();
    pln_env_practise_verify(en);
    ret->verify_us = since_us(began);
    *ret_known = true;
    return true;
}
