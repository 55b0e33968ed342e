/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.start and stream.drop, and the tick that keeps the streams alive meanwhile. Streams
 * outlive the process of a run; the next one adopts them, or restarts those that died. A stream
 * that stopped by itself is never restarted here: a person has to fix the cause.
 */
#include "lib/io/file.h"
#include "lib/io/private.h"
#include "lib/ownership/sides.h"
#include "plans/cutover/stream_stop.h"
#include "plans/steps/context.h"

enum { RESTART_PAUSE_MS = 2000, COPY_REPORT_MS = 2000 };

/* After cdc_status has failed. True: *ret is what
 * the stream says now, or has the lag -1: unknown. */
static bool restart(struct pln_action_ctx *ac, struct pln_exec *ex, const struct cdc_ref *ref,
                    struct cdc_status *ret, struct fx_err *err)
{
    char name[128];
    struct fx_mono now = fx_mono_now();
    struct fx_err ignored = FX_ERR_INIT;
    if (err->code != FX_E_STREAM)
        return false;
    ret->lag_ms = -1;
    if (!fx_mono_reached(fx_mono_add_ms(ac->restarted, RESTART_PAUSE_MS), now))
        return true;
    ac->restarted = now;
    cdc_stream_name(ref, name, sizeof name);
    pln_exec_report(ex, NULL, "stream \"%s\" is not running: starting it", name);
    fx_err_clear(err);
    if (cdc_start(ref, ac->env->argv0, &ac->cdc, err))
        return cdc_status(ref, ret, err);
    /* It was about to stop by itself when it did not answer: then its own error is the reason. */
    return cdc_status(ref, ret, &ignored) && ret->phase == CDC_PHASE_STOPPED;
}

static bool keep_alive(struct pln_action_ctx *ac, struct pln_exec *ex, const struct cdc_ref *ref,
                       struct cdc_status *ret, struct fx_err *err)
{
    if (!cdc_status(ref, ret, err) && !restart(ac, ex, ref, ret, err))
        return false;
    return ret->phase != CDC_PHASE_STOPPED || pln_stream_stop_fail(ref, ret, err);
}

static void sample(struct pln_action_ctx *ac, int64_t forward_ms, int64_t reverse_ms)
{
    if (ac->n_lag == PLN_LAG_SAMPLES) {
        size_t keep = PLN_LAG_SAMPLES / 2;
        memmove(ac->lag_ms, ac->lag_ms + keep, keep * sizeof *ac->lag_ms);
        memmove(ac->forward_lag_ms, ac->forward_lag_ms + keep, keep * sizeof *ac->forward_lag_ms);
        memmove(ac->lag_at_ms, ac->lag_at_ms + keep, keep * sizeof *ac->lag_at_ms);
        ac->n_lag = keep;
    }
    bool is_known = forward_ms >= 0 && reverse_ms >= 0;
    ac->lag_ms[ac->n_lag] = is_known ? FX_MAX(forward_ms, reverse_ms) : -1;
    ac->forward_lag_ms[ac->n_lag] = forward_ms;
    ac->lag_at_ms[ac->n_lag++] = fx_mono_now().us / 1000;
}

static bool tick(struct pln_action_ctx *ac, struct pln_exec *ex, struct fx_err *err)
{
    FX_AUTO(cdc_status) struct cdc_status forward = {0}, reverse = {0};
    if (!ac->wants_streams)
        return true;
    if (!keep_alive(ac, ex, &ac->forward, &forward, err) ||
        !keep_alive(ac, ex, &ac->reverse, &reverse, err)) {
        sample(ac, -1, -1);
        return false;
    }
    sample(ac, forward.lag_ms, reverse.lag_ms);
    ac->leaks = forward.leaks + reverse.leaks;
    return true;
}

static void report_wait(struct pln_exec *ex, const struct pln_step *step, const char *name,
                        const struct cdc_status *status)
{
    char why[256];
    if (status->error[0] == '\0') {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
        cdc_status_copy_text(status, &text);
        pln_exec_report(ex, step, "stream \"%s\": %s, %s", name, cdc_phase_name(status->phase),
                        fx_buf_cstr(&text));
        return;
    }
    (void)pln_stream_stop_read(status, why, sizeof why);
    pln_exec_report(ex, step, "stream \"%s\" tries again: %s", name, why);
}

static bool wait_live(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                      const struct cdc_ref *ref, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    struct fx_mono report_at = fx_mono_now();
    for (;;) {
        FX_AUTO(cdc_status) struct cdc_status status = {0};
        if (!keep_alive(ac, ex, ref, &status, err))
            return false;
        if (status.phase == CDC_PHASE_STREAM) {
            if (ref->direction == FX_REVERSE)
                return true;
            char text[160];
            snprintf(text, sizeof text, "%lld rows copied", (long long)status.copied_rows);
            return pln_exec_effect(ex, step, -1, -1, text, err);
        }
        if (fx_mono_reached(report_at, fx_mono_now())) {
            report_wait(ex, step, name, &status);
            report_at = fx_mono_add_ms(fx_mono_now(), COPY_REPORT_MS);
        }
        if (!pln_exec_pause(ex, 200, err))
            return false;
    }
}

bool pln_action_forget(void *arg, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    return fx_file_remove(ac->at.made_streams, err);
}

/* Written before anything is created: after a crash the streams are ours, and the file exists. */
static bool claim_streams(struct pln_action_ctx *ac, struct pln_exec *ex,
                          const struct pln_step *step, struct fx_err *err)
{
    if (fx_file_exists(ac->at.made_streams))
        return true;
    if (cdc_has_copied(&ac->forward)) {
        pln_exec_report(ex, step,
                        "the streams already exist: a rollback of this run does not drop them");
        return true;
    }
    return fx_file_write_atomic(ac->at.made_streams, fx_str_from("made by this run\n"),
                                FX_PRIVATE_FILE, err);
}

static bool act_start(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                      struct fx_err *err)
{
    int64_t epoch = 1;
    if (!claim_streams(ac, ex, step, err) || !pln_action_group_epoch(ac, &epoch, err) ||
        !fx_own_install(ac->ctx, epoch, err) || !cdc_install(ac->ctx, err))
        return fx_ctx(err, "installing the database objects of the streams");
    if (!cdc_start(&ac->forward, ac->env->argv0, &ac->cdc, err) ||
        !cdc_start(&ac->reverse, ac->env->argv0, &ac->cdc, err))
        return fx_ctx(err, "starting the streams");
    if (!wait_live(ac, ex, step, &ac->forward, err) || !wait_live(ac, ex, step, &ac->reverse, err))
        return false;
    ac->wants_streams = true;
    return true;
}

/*
 * As the undo of stream.start it keeps streams that existed before this run: an earlier run needs
 * them for its fall-back.
 */
static bool act_drop(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                     struct fx_err *err)
{
    ac->wants_streams = false;
    if (step->kind == PLN_STREAM_START && !fx_file_exists(ac->at.made_streams)) {
        pln_exec_report(ex, step, "the streams existed before this run and are not dropped");
        return true;
    }
    return cdc_drop(ac->ctx, &ac->forward, step->is_point_of_no_return, err) &&
           fx_own_drop(ac->ctx, err) && fx_file_remove(ac->at.made_streams, err);
}

/* A rollback plan finds them running; from the step that drops them on they must stay down. */
static bool streams_found(const struct pln_plan *plan, const struct pln_state *state)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (pln_action_of(plan->steps[i].kind)->streams == PLN_STREAMS_END &&
            state->steps[i].state != PLN_STEP_PENDING)
            return false;
    }
    return plan->is_rollback;
}

/* A resumed run adopts the streams of the process before it. */
bool pln_action_tick(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    if (!ac->wants_streams &&
        (pln_state_has_streams(ex->state, ac->plan) || streams_found(ac->plan, ex->state)))
        ac->wants_streams = true;
    if (ac->predicted_ms < 0)
        ac->predicted_ms = ex->state->predicted_ms;
    return tick(ac, ex, err);
}

/* --- the kinds -------------------------------------------------------------------------------- */

/*
 * Both servers answer and the tables can be streamed: checked before the first record is written.
 */
static bool check_start(struct pln_action_ctx *ac, const struct pln_step *step, struct fx_err *err)
{
    struct cdc_scan_how scan = {.state_dir = ac->forward.state_dir};
    return cdc_preflight(ac->ctx, &ac->cdc, &scan, err) ||
           fx_ctx(err, "before step \"%s\"", step->id);
}

/*
 * A plan that ends the migration says so at its step; any other, a rollback plan too, must not take
 * the way back away from a new side that owns. What a step before it moves back is not known yet.
 */
static bool check_drop(struct pln_action_ctx *ac, const struct pln_step *step, struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    for (int i = 0; i < step->index; i++)
        if (pln_action_of(ac->plan->steps[i].kind)->is_move)
            return true;
    if (step->is_point_of_no_return)
        return true;
    if (!fx_own_look_both(ac->ctx, &old_look, &new_look, err))
        return fx_ctx(err, "before step \"%s\"", step->id);
    if (old_look.own.state != FX_OWN_AWAY && old_look.own.state != FX_OWN_FENCED)
        return true;
    const char *context = ac->ctx->name;
    (void)fx_fail(err, FX_E_DRIFT,
                  "the new side owns the tables of context \"%s\", and without the streams there "
                  "is no way back",
                  context);
    (void)fx_hint(
        err,
        "Move them back first: ficus cutover fallback --context %s --execute --confirm=%s. "
        "To end the migration instead, write point_of_no_return: true at this step. Then: "
        "ficus run start %s --execute",
        context, context, ac->plan->path);
    return fx_ctx(err, "before step \"%s\"", step->id);
}

static const char *undo_note_start(const char *run_dir)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct pln_paths at;
    fx_arena_init(&arena, 0);
    pln_paths_in(run_dir, &arena, &at);
    return fx_file_exists(at.made_streams) ? NULL : "nothing: the streams existed before this run";
}

const struct pln_action pln_action_stream_start = {
    .streams = PLN_STREAMS_START,
    .measures = PLN_MEASURES_NOTHING,
    .check = check_start,
    .act = act_start,
    .undo_note = undo_note_start,
};

const struct pln_action pln_action_stream_drop = {
    .streams = PLN_STREAMS_END,
    .measures = PLN_MEASURES_STREAMS,
    .check = check_drop,
    .act = act_drop,
};
