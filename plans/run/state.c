/* SPDX-License-Identifier: Apache-2.0 */
/* The one function that turns a record into state, and the two setters that it uses. */
#include "plans/run/state.h"

#include "lib/base/panic.h"
#include "plans/plan/action.h"

void pln_state_init(struct pln_state *state)
{
    *state = (struct pln_state){.current = -1, .predicted_ms = -1, .cut_step = -1};
    for (size_t i = 0; i < PLN_STEPS_MAX; i++)
        state->steps[i].weight = -1;
}

bool pln_state_is_open(const struct pln_state *state)
{
    return state->phase == PLN_PHASE_FORWARD || state->phase == PLN_PHASE_BACK ||
           state->phase == PLN_PHASE_STUCK;
}

bool pln_state_has_begun(const struct pln_state *state)
{
    for (size_t i = 0; i < PLN_STEPS_MAX; i++) {
        if (state->steps[i].state != PLN_STEP_PENDING)
            return true;
    }
    return false;
}

bool pln_state_has_streams(const struct pln_state *state, const struct pln_plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (pln_action_of(plan->steps[i].kind)->streams == PLN_STREAMS_START &&
            state->steps[i].state == PLN_STEP_DONE)
            return true;
    }
    return false;
}

const char *pln_phase_name(enum pln_phase phase)
{
    switch (phase) {
    case PLN_PHASE_NEW: return "new";
    case PLN_PHASE_FORWARD: return "forward";
    case PLN_PHASE_BACK: return "rolling back";
    case PLN_PHASE_FINISHED: return "finished";
    case PLN_PHASE_ROLLED_BACK: return "rolled back";
    case PLN_PHASE_STUCK: return "stuck";
    }
    return "?";
}

const char *pln_step_state_name(enum pln_step_state state)
{
    switch (state) {
    case PLN_STEP_PENDING: return "pending";
    case PLN_STEP_RUNNING: return "running";
    case PLN_STEP_DONE: return "done";
    case PLN_STEP_FAILED: return "failed";
    case PLN_STEP_UNDOING: return "undoing";
    case PLN_STEP_UNDONE: return "undone";
    }
    return "?";
}

void pln_state_show(const struct pln_state *state, size_t n_steps, struct fx_buf *out)
{
    fx_buf_printf(out, "%s, epoch %lld, %llu records, current step %d",
                  pln_phase_name(state->phase), (long long)state->epoch,
                  (unsigned long long)state->n_records, state->current);
    for (size_t i = 0; i < n_steps; i++)
        fx_buf_printf(out, ", %s %s", state->steps[i].id[0] != '\0' ? state->steps[i].id : "-",
                      pln_step_state_name(state->steps[i].state));
}

/* --- the two setters: a record that may not follow is refused
 * before (may_follow), so here it is a defect -------- */

static bool phase_may_follow(enum pln_phase from, enum pln_phase to)
{
    switch (to) {
    case PLN_PHASE_NEW: return false;
    case PLN_PHASE_FORWARD: return from == PLN_PHASE_NEW || from == PLN_PHASE_FINISHED;
    case PLN_PHASE_BACK: return from == PLN_PHASE_FORWARD || from == PLN_PHASE_STUCK;
    case PLN_PHASE_FINISHED: return from == PLN_PHASE_FORWARD;
    case PLN_PHASE_ROLLED_BACK:
    case PLN_PHASE_STUCK: return from == PLN_PHASE_BACK;
    }
    return false;
}

static void set_phase(struct pln_state *state, enum pln_phase to)
{
    if (!phase_may_follow(state->phase, to))
        FX_BUG("run, record %llu: phase \"%s\" cannot follow \"%s\"",
               (unsigned long long)state->n_records, pln_phase_name(to),
               pln_phase_name(state->phase));
    state->phase = to;
}

static bool step_may_follow(enum pln_step_state from, enum pln_step_state to)
{
    switch (to) {
    case PLN_STEP_PENDING: return false;
    case PLN_STEP_RUNNING: return from != PLN_STEP_UNDOING;
    case PLN_STEP_DONE:
    case PLN_STEP_FAILED: return from == PLN_STEP_RUNNING;
    case PLN_STEP_UNDOING: return from != PLN_STEP_PENDING;
    case PLN_STEP_UNDONE: return from == PLN_STEP_UNDOING;
    }
    return false;
}

static void set_step(struct pln_step_status *step, enum pln_step_state to)
{
    if (!step_may_follow(step->state, to))
        FX_BUG("step \"%s\": state \"%s\" cannot follow \"%s\"", step->id, pln_step_state_name(to),
               pln_step_state_name(step->state));
    step->state = to;
}

/* --- records ---------------------------------------------------------------------------------- */

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static void apply_opened(struct pln_state *state, const struct pln_record *rec)
{
    if (rec->text != NULL && strcmp(rec->text, "start") == 0) {
        uint64_t n = state->n_records;
        pln_state_init(state);
        state->n_records = n;
        set_phase(state, PLN_PHASE_FORWARD);
        state->opened = rec->at;
        state->last =
            rec->at; /* a run that was stopped before its first step is the newest all the same */
        copy_text(state->digest, sizeof state->digest, rec->digest);
        copy_text(state->plan_path, sizeof state->plan_path, rec->plan);
    }
    /* A finished run keeps its streams, so it can still be rolled back. */
    if (state->phase == PLN_PHASE_FINISHED && rec->text != NULL &&
        strcmp(rec->text, "rollback") == 0)
        set_phase(state, PLN_PHASE_FORWARD);
    if (state->phase == PLN_PHASE_STUCK)
        set_phase(state, PLN_PHASE_BACK);
    state->epoch = rec->epoch;
    state->is_held = false;
    state->cut_step = -1;
}

static void apply_cut(struct pln_state *state, const struct pln_record *rec)
{
    state->cut_step = rec->cut_step;
    enum pln_cutover_event event = (enum pln_cutover_event)rec->cut_event;
    if (rec->cut_step == PLN_CUT_FENCE && event == PLN_CUT_DONE)
        state->fenced = rec->at;
    bool is_open = rec->cut_step == PLN_CUT_OPEN && event == PLN_CUT_DONE;
    if (is_open || event == PLN_CUT_FAILED)
        state->fenced.us = 0;
    if (rec->cut_step == PLN_CUT_CONFIRM && event == PLN_CUT_DONE)
        state->cut_step = -1;
}

static void end_step(struct pln_state *state, struct pln_step_status *step,
                     const struct pln_record *rec, enum pln_step_state to)
{
    set_step(step, to);
    step->ended = rec->at;
    if (rec->text != NULL)
        copy_text(step->note, sizeof step->note, rec->text);
    state->cut_step = -1;
    state->fenced.us = 0;
}

static void begin_step(struct pln_state *state, struct pln_step_status *step,
                       const struct pln_record *rec, enum pln_step_state to)
{
    if (step->state != to)
        step->began = rec->at;
    copy_text(step->id, sizeof step->id, rec->id);
    set_step(step, to);
    state->current = rec->step;
    state->is_held = false;
}

/* The phase that a run is closed in; what is neither "finished" nor "rolled back" is stuck. */
static enum pln_phase closed_phase(const struct pln_record *rec)
{
    if (rec->text != NULL && strcmp(rec->text, "finished") == 0)
        return PLN_PHASE_FINISHED;
    bool is_back = rec->text != NULL && strcmp(rec->text, "rolled back") == 0;
    return is_back ? PLN_PHASE_ROLLED_BACK : PLN_PHASE_STUCK;
}

static void apply_closed(struct pln_state *state, const struct pln_record *rec)
{
    state->closed = rec->at;
    state->current = -1;
    set_phase(state, closed_phase(rec));
}

static void set_reason(struct pln_state *state, const struct pln_record *rec)
{
    copy_text(state->reason, sizeof state->reason, rec->text);
    copy_text(state->reason_code, sizeof state->reason_code, rec->code);
}

static bool run_record_may_follow(const struct pln_state *state, const struct pln_record *rec)
{
    if (rec->type == PLN_REC_ROLLBACK)
        return phase_may_follow(state->phase, PLN_PHASE_BACK);
    if (rec->type == PLN_REC_RUN_CLOSED)
        return phase_may_follow(state->phase, closed_phase(rec));
    return rec->type == PLN_REC_HELD;
}

/*
 * May this record come next? In an older or damaged journal a wrong order is an error, not a bug.
 */
static bool may_follow(const struct pln_state *state, const struct pln_record *rec)
{
    if (rec->type == PLN_REC_RUN_OPENED)
        return rec->epoch > state->epoch;
    if (state->phase == PLN_PHASE_NEW)
        return false;
    if (rec->step < 0)
        return run_record_may_follow(state, rec);
    enum pln_step_state is = state->steps[rec->step].state;
    switch (rec->type) {
    case PLN_REC_INTENT:
        return state->phase == PLN_PHASE_FORWARD && step_may_follow(is, PLN_STEP_RUNNING);
    case PLN_REC_DONE: return step_may_follow(is, PLN_STEP_DONE);
    case PLN_REC_COMPENSATED: return step_may_follow(is, PLN_STEP_UNDONE);
    case PLN_REC_COMPENSATE:
        return state->phase == PLN_PHASE_BACK && step_may_follow(is, PLN_STEP_UNDOING);
    case PLN_REC_EFFECT:
    case PLN_REC_FAIL:
    case PLN_REC_CUT:
    case PLN_REC_HELD: return true;
    case PLN_REC_RUN_OPENED:
    case PLN_REC_ROLLBACK:
    case PLN_REC_RUN_CLOSED:
    case PLN_REC_COUNT: break;
    }
    return false;
}

bool pln_state_apply(struct pln_state *state, const struct pln_record *rec, struct fx_err *err)
{
    if (!may_follow(state, rec))
        return fx_fail(err, FX_E_JOURNAL,
                       "journal record %llu (%s) cannot follow the records before it",
                       (unsigned long long)state->n_records + 1, pln_rec_name(rec->type));
    struct pln_step_status *step = rec->step >= 0 ? &state->steps[rec->step] : NULL;
    state->last = rec->at;
    state->n_records++;
    switch (rec->type) {
    case PLN_REC_RUN_OPENED: apply_opened(state, rec); break;
    case PLN_REC_INTENT: begin_step(state, step, rec, PLN_STEP_RUNNING); break;
    case PLN_REC_EFFECT:
        if (rec->weight >= 0) {
            step->weight = rec->weight;
            step->set = rec->at;
        }
        if (rec->predicted_ms >= 0)
            state->predicted_ms = rec->predicted_ms;
        if (rec->text != NULL)
            copy_text(step->note, sizeof step->note, rec->text);
        break;
    case PLN_REC_DONE: end_step(state, step, rec, PLN_STEP_DONE); break;
    case PLN_REC_FAIL:
        if (step->state == PLN_STEP_RUNNING)
            end_step(state, step, rec, PLN_STEP_FAILED);
        set_reason(state, rec);
        break;
    case PLN_REC_ROLLBACK:
        set_phase(state, PLN_PHASE_BACK);
        set_reason(state, rec);
        break;
    case PLN_REC_COMPENSATE: begin_step(state, step, rec, PLN_STEP_UNDOING); break;
    case PLN_REC_COMPENSATED: end_step(state, step, rec, PLN_STEP_UNDONE); break;
    case PLN_REC_CUT: apply_cut(state, rec); break;
    case PLN_REC_HELD:
        state->is_held = true;
        set_reason(state, rec);
        break;
    case PLN_REC_RUN_CLOSED: apply_closed(state, rec); break;
    case PLN_REC_COUNT: break;
    }
    return true;
}
