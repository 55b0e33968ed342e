/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of a run: started and dropped by steps, kept alive by the tick meanwhile. They outlive a controller; the
 * next one adopts them, or starts what died. A stream that stopped by itself is never started again from here: what it
 * refuses is for a person.
 */
#include <limits.h>

#include "lib/io/file.h"
#include "lib/ownership/sides.h"
#include "plans/steps/actions_priv.h"
#include "plans/steps/stream_stop.h"

enum { RESTART_PAUSE_MS = 2000, COPY_SAY_MS = 2000 };

static bool keep_alive(struct pln_real *real, struct pln_exec *ex, const struct cdc_ref *ref,
                       struct cdc_status *ret, struct fx_err *err)
{
    if (cdc_status(ref, ret, err)) {
        if (ret->phase == CDC_PHASE_STOPPED)
            return pln_stream_stop_fail(ref, ret, err);
        return true;
    }
    if (err->code != FX_E_STREAM)
        return false;
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    struct fx_mono now = fx_mono_now();
    ret->lag_ms = -1;
    if (!fx_mono_reached(fx_mono_add_ms(real->restarted, RESTART_PAUSE_MS), now))
        return true;
    real->restarted = now;
    pln_exec_say(ex, NULL, "stream %s is not running: starting it", name);
    fx_err_clear(err);
    return cdc_start(ref, real->env->argv0, &real->cdc, err) && cdc_status(ref, ret, err);
}

static void sample(struct pln_real *real, int64_t forward_ms, int64_t reverse_ms)
{
    if (real->n_lag == PLN_LAG_SAMPLES) {
        size_t keep = PLN_LAG_SAMPLES / 2;
        memmove(real->lag_ms, real->lag_ms + keep, keep * sizeof *real->lag_ms);
        memmove(real->forward_lag_ms, real->forward_lag_ms + keep,
                keep * sizeof *real->forward_lag_ms);
        memmove(real->lag_at_ms, real->lag_at_ms + keep, keep * sizeof *real->lag_at_ms);
        real->n_lag = keep;
    }
    bool is_known = forward_ms >= 0 && reverse_ms >= 0;
    real->lag_ms[real->n_lag] = is_known ? FX_MAX(forward_ms, reverse_ms) : -1;
    real->forward_lag_ms[real->n_lag] = forward_ms;
    real->lag_at_ms[real->n_lag++] = fx_mono_now().us / 1000;
}

static bool tick(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    struct pln_real *real = arg;
    struct cdc_status forward = {0}, reverse = {0};
    if (!real->wants_streams)
        return true;
    if (!keep_alive(real, ex, &real->forward, &forward, err) ||
        !keep_alive(real, ex, &real->reverse, &reverse, err)) {
        sample(real, -1, -1);
        return false;
    }
    sample(real, forward.lag_ms, reverse.lag_ms);
    real->leaks = forward.leaks + reverse.leaks;
    return true;
}

static bool wait_live(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                      const struct cdc_ref *ref, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    struct fx_mono say = fx_mono_now();
    for (;;) {
        struct cdc_status status = {0};
        if (!keep_alive(real, ex, ref, &status, err))
            return false;
        if (status.phase == CDC_PHASE_STREAM) {
            if (ref->direction == FX_REVERSE)
                return true;
            char text[160];
            snprintf(text, sizeof text, "%lld rows copied", (long long)status.copied_rows);
            return pln_exec_effect(ex, step, -1, -1, text, err);
        }
        if (fx_mono_reached(say, fx_mono_now())) {
            pln_exec_say(ex, step, "stream %s: %s, %lld of about %lld rows", name,
                         cdc_phase_name(status.phase), (long long)status.copied_rows,
                         (long long)status.copy_total_rows);
            say = fx_mono_add_ms(fx_mono_now(), COPY_SAY_MS);
        }
        if (!pln_exec_pause(ex, 200, err))
            return false;
    }
}

static const char *maker_path(const char *run_dir, char *out, size_t size)
{
    snprintf(out, size, "%s/made-streams", run_dir);
    return out;
}

bool pln_real_made_streams(const char *run_dir)
{
    char path[PATH_MAX];
    return fx_file_exists(maker_path(run_dir, path, sizeof path));
}

bool pln_real_forget_streams(const char *run_dir, struct fx_err *err)
{
    char path[PATH_MAX];
    return fx_file_remove(maker_path(run_dir, path, sizeof path), err);
}

/* Written before anything is made: a crash between leaves streams that are ours, never a file that is not there. */
static bool claim(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                  struct fx_err *err)
{
    char path[PATH_MAX];
    maker_path(real->run_dir, path, sizeof path);
    if (fx_file_exists(path))
        return true;
    if (cdc_has_copied(&real->forward)) {
        pln_exec_say(ex, step, "the streams are there already: a rollback of this run leaves them");
        return true;
    }
    return fx_file_write_atomic(path, fx_str_from("made by this run\n"), 0644, err);
}

bool pln_real_stream_start(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                           struct fx_err *err)
{
    int64_t epoch = 1;
    if (!claim(real, ex, step, err) || !pln_real_group_epoch(real, &epoch, err) ||
        !fx_own_install(real->ctx, epoch, err) || !cdc_install(real->ctx, err))
        return fx_ctx(err, "installing what the streams need");
    if (!cdc_start(&real->forward, real->env->argv0, &real->cdc, err) ||
        !cdc_start(&real->reverse, real->env->argv0, &real->cdc, err))
        return fx_ctx(err, "starting the streams");
    if (!wait_live(real, ex, step, &real->forward, err) ||
        !wait_live(real, ex, step, &real->reverse, err))
        return false;
    real->wants_streams = true;
    return true;
}

bool pln_real_stream_drop(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                          struct fx_err *err)
{
    char path[PATH_MAX];
    maker_path(real->run_dir, path, sizeof path);
    real->wants_streams = false;
    if (step->kind == PLN_STREAM_START && !fx_file_exists(path)) {
        pln_exec_say(ex, step, "the streams were there before this run, and stay");
        return true;
    }
    return cdc_drop(real->ctx, &real->forward, err) && fx_own_drop(real->ctx, err) &&
           fx_file_remove(path, err);
}

static bool streams_started(const struct pln_plan *plan, const struct pln_state *state)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].kind == PLN_STREAM_START && state->steps[i].state == PLN_STEP_DONE)
            return true;
    }
    return false;
}

/* Streams outlive a controller; the next one adopts them, or starts what died meanwhile. */
bool pln_real_tick(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    struct pln_real *real = arg;
    if (!real->wants_streams && streams_started(real->plan, ex->state))
        real->wants_streams = true;
    if (real->predicted_ms < 0)
        real->predicted_ms = ex->state->predicted_ms;
    return tick(arg, ex, err);
}
