/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills the picture of a run: from its journal, and from
 * what streams, facade and databases answer. Reads only.
 */
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "plans/plan/action.h"
#include "plans/view/picture.h"
#include "plans/view/runs.h"
#include "plans/view/texts.h"

/* --- the servers ------------------------------------------------------------------------------ */

static const char *keep_error(const struct fx_err *err, struct fx_arena *arena,
                              enum fx_code *ret_code)
{
    *ret_code = err->code;
    return fx_arena_printf(arena, "%s [%s]", err->message, fx_code_name(err->code));
}

static void status_done(void *status)
{
    cdc_status_done(status);
}

/* A view of a status that the arena owns. */
static bool read_status(const struct cdc_ref *ref, struct fx_arena *arena, struct cdc_status *ret,
                        struct fx_err *err)
{
    struct cdc_status *status = FX_ARENA_NEW(arena, struct cdc_status);
    fx_arena_on_clear(arena, status_done, status);
    if (!cdc_status(ref, status, err))
        return false;
    *ret = *status;
    return true;
}

const struct fcd_group_status *pln_live_group(const struct pln_live *live, const char *context)
{
    for (size_t i = 0; live->facade != NULL && i < live->facade->n_groups; i++)
        if (strcmp(live->facade->groups[i].group, context) == 0)
            return &live->facade->groups[i];
    return NULL;
}

void pln_live_read(const struct fx_project *project, struct fx_context *ctx,
                   const struct fcd_endpoint *facade, struct fx_arena *arena, struct pln_live *ret)
{
    *ret = (struct pln_live){.old_name = ctx->old_db->name, .new_name = ctx->new_db->name};
    struct cdc_ref ref = {
        .project_path = project->path, .state_dir = project->state_dir, .context = ctx->name};
    struct fx_err err = FX_ERR_INIT;
    enum fx_code ignored;
    ref.direction = FX_FORWARD;
    if (!read_status(&ref, arena, &ret->forward, &err))
        ret->forward_error = keep_error(&err, arena, &ret->forward_code);
    ref.direction = FX_REVERSE;
    if (!read_status(&ref, arena, &ret->reverse, &err))
        ret->reverse_error = keep_error(&err, arena, &ret->reverse_code);
    if (facade == NULL || facade->address == NULL)
        ret->facade_error = "ficus.yaml has no facade.admin.address";
    else if (!fcd_control_status(facade, arena, &ret->facade, &err))
        ret->facade_error = keep_error(&err, arena, &ignored);
    if (!fx_own_read(ctx, &ret->own_old, &ret->own_new, &err))
        ret->own_error = keep_error(&err, arena, &ret->own_code);
}

/* --- the journal ------------------------------------------------------------------------------ */

static enum pln_mark mark_of(const struct pln_state *state, size_t i)
{
    bool is_current = state->current == (int)i;
    switch (state->steps[i].state) {
    case PLN_STEP_PENDING: return is_current && state->is_held ? PLN_MARK_HELD : PLN_MARK_PENDING;
    case PLN_STEP_RUNNING:
    case PLN_STEP_UNDOING: return state->is_held ? PLN_MARK_HELD : PLN_MARK_RUNNING;
    case PLN_STEP_DONE: return PLN_MARK_DONE;
    case PLN_STEP_FAILED: return PLN_MARK_FAILED;
    case PLN_STEP_UNDONE: return PLN_MARK_UNDONE;
    }
    return PLN_MARK_PENDING;
}

static int64_t elapsed_ms(const struct pln_step_status *s, struct fx_wall now)
{
    if (s->state == PLN_STEP_PENDING)
        return -1;
    struct fx_wall end = s->ended.us >= s->began.us && s->ended.us > 0 ? s->ended : now;
    return (end.us - s->began.us) / 1000;
}

/* Whether the run's last move gave the tables to the new side. */
static bool left_new(const struct pln_plan *plan, const struct pln_state *state)
{
    bool is_new = false;
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (state->steps[i].state != PLN_STEP_DONE)
            continue;
        if (plan->steps[i].kind == PLN_CUTOVER)
            is_new = true;
        else if (plan->steps[i].kind == PLN_CUTOVER_FALLBACK)
            is_new = false;
    }
    return is_new;
}

/* A run that has finished says what it did; who serves now is what the databases say. */
static const char *finished(bool gave_new, const struct pln_live *live)
{
    bool is_known = live->own_error == NULL && live->old_name != NULL;
    bool is_new = is_known && live->own_new.state == FX_OWN_HERE;
    bool is_old = is_known && live->own_old.state == FX_OWN_HERE;
    if (gave_new && is_old)
        return "finished, but since then the tables were moved back: the old side serves";
    if (!gave_new && is_new)
        return "finished, but since then the tables were moved: the new side serves";
    if (is_known && !is_old && !is_new)
        return "finished, but a cut-over has begun since then: see owner";
    return gave_new ? "migrated" : "finished: the old side serves";
}

static const char *outcome_of(const struct pln_plan *plan, const struct pln_state *state,
                              const struct pln_live *live, struct fx_arena *arena)
{
    switch (state->phase) {
    case PLN_PHASE_FINISHED: return finished(left_new(plan, state), live);
    case PLN_PHASE_ROLLED_BACK: return fx_arena_printf(arena, "rolled back: %s", state->reason);
    case PLN_PHASE_STUCK: return fx_arena_printf(arena, "stuck: %s", state->reason);
    case PLN_PHASE_NEW:
    case PLN_PHASE_FORWARD:
    case PLN_PHASE_BACK: break;
    }
    return state->is_held ? fx_arena_printf(arena, "held: %s", state->reason) : NULL;
}

static const char *equal_line(const char *path, struct fx_arena *arena, struct fx_wall now)
{
    struct rec_report *report = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    const struct rec_trust any = {.allows_unsigned = true, .is_for_show = true};
    if (!fx_file_exists(path) || !rec_report_load(path, &any, arena, &report, &ignored))
        return NULL;
    if (report->inconclusive != NULL)
        return report->inconclusive;
    int64_t age_s = (now.us - report->cut.us) / 1000000;
    const char *age = age_s < 120 ? fx_arena_printf(arena, "%lld s ago", (long long)age_s)
                                  : fx_arena_printf(arena, "%lld min ago", (long long)age_s / 60);
    return fx_arena_printf(arena, "%s   %lld rows, %lld divergent, %.0f %% coverage", age,
                           (long long)report->rows_compared, (long long)report->divergent,
                           report->coverage_percent);
}

/* The note of the step's kind while it runs; else the note in the journal. */
static const char *note_of(const struct pln_step *step, const struct pln_step_status *status,
                           struct fx_wall now, struct fx_arena *arena)
{
    const struct pln_action *action = pln_action_of(step->kind);
    const char *note = NULL;
    if (status->state == PLN_STEP_RUNNING && action->note != NULL)
        note = action->note(step, status, now, arena);
    return note != NULL || status->note[0] == '\0' ? note : status->note;
}

/*
 * A stream that is not running, or ownership that is not installed; any other error stays an error.
 */
static void set_not_installed(const char **error, enum fx_code code)
{
    if (*error != NULL && (code == FX_E_STREAM || code == FX_E_DRIFT))
        *error = "not installed";
}

void pln_live_not_installed(struct pln_live *live)
{
    set_not_installed(&live->forward_error, live->forward_code);
    set_not_installed(&live->reverse_error, live->reverse_code);
    set_not_installed(&live->own_error, live->own_code);
}

bool pln_run_picture(struct fx_project *project, const char *name, bool is_live,
                     struct fx_arena *arena, struct pln_picture *ret, struct fx_err *err)
{
    struct pln_plan *plan = NULL;
    struct pln_state *state = FX_ARENA_NEW(arena, struct pln_state);
    struct pln_paths at;
    pln_paths_of(project->state_dir, name, arena, &at);
    if (!pln_view_load(&at, arena, &plan, state, err))
        return fx_ctx(err, "reading the run \"%s\"", name);
    struct fx_wall now = fx_wall_now();
    bool is_over = state->phase == PLN_PHASE_FINISHED || state->phase == PLN_PHASE_ROLLED_BACK ||
                   state->phase == PLN_PHASE_STUCK;
    bool is_running = fx_flock_is_held(at.lock, NULL);
    bool is_abandoned = !is_over && !is_running;
    struct pln_picture_step *steps = fx_arena_array(arena, plan->n_steps, sizeof *steps);
    for (size_t i = 0; i < plan->n_steps; i++) {
        steps[i] = (struct pln_picture_step){
            .id = plan->steps[i].id,
            .what = pln_kind_info(plan->steps[i].kind)->name,
            .mark = mark_of(state, i),
            .elapsed_ms = elapsed_ms(&state->steps[i], now),
            .note = note_of(&plan->steps[i], &state->steps[i], now, arena),
        };
        bool is_at_rest = is_abandoned || state->phase == PLN_PHASE_STUCK;
        if (is_at_rest && steps[i].mark == PLN_MARK_RUNNING) {
            steps[i].mark = PLN_MARK_STOPPED;
            steps[i].elapsed_ms = -1; /* its end time is not known */
        }
    }
    *ret = (struct pln_picture){
        .name = plan->name,
        .context = plan->context,
        .phase = pln_phase_word(state, is_running),
        .is_over = is_over,
        .is_abandoned = is_abandoned,
        .steps = steps,
        .n_steps = plan->n_steps,
        .current = state->current >= 0 ? (size_t)state->current : plan->n_steps,
        /* a stuck run has not ended: its time goes on */
        .elapsed_ms =
            ((pln_state_is_open(state) ? now.us : state->closed.us) - state->opened.us) / 1000,
        .equal = equal_line(at.latest_report, arena, now),
        .cutover_step = state->cut_step >= 0
                            ? pln_cutover_step_text((enum pln_cutover_step)state->cut_step)
                            : NULL,
        .fence_elapsed_ms = state->fenced.us > 0 ? (now.us - state->fenced.us) / 1000 : -1,
        .fence_ttl_ms = plan->policy.fence_ttl_ms,
    };
    struct fcd_endpoint facade;
    struct fx_context *ctx = fx_project_context(project, plan->context);
    if (is_live && ctx != NULL && pln_endpoint_read(project, arena, &facade, err)) {
        pln_live_read(project, ctx, &facade, arena, &ret->live);
        if (!plan->is_rollback && !pln_state_has_streams(state, plan))
            pln_live_not_installed(&ret->live);
    }
    ret->outcome = outcome_of(plan, state, &ret->live, arena);
    fx_err_clear(err);
    return true;
}
