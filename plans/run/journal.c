/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON, and the one function that turns a record into state. */
#include "plans/run/journal.h"

#include <errno.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/io/failpoint.h"

struct pln_journal {
    struct fx_recordlog *log;
    struct pln_state *state;
};

static const char *const rec_names[] = {
#define X(name) #name,
    PLN_RECORDS(X)
#undef X
};

const char *pln_rec_name(enum pln_rec type)
{
    FX_ASSERT(type < PLN_REC_COUNT);
    return rec_names[type];
}

struct pln_record pln_record(enum pln_rec type, const struct pln_step *step)
{
    return (struct pln_record){
        .type = type,
        .step = step != NULL ? step->index : -1,
        .id = step != NULL ? step->id : NULL,
        .weight = -1,
        .predicted_ms = -1,
        .cut_step = -1,
        .cut_event = -1,
    };
}

/* --- JSON --------------------------------------------------------------------------------------- */

static void put(struct fx_json_w *w, const char *key, const char *text)
{
    if (text != NULL)
        fx_json_w_kv_text(w, key, text);
}

void pln_record_write(const struct pln_record *rec, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "t", pln_rec_name(rec->type));
    fx_json_w_kv_i64(&w, "at_us", rec->at.us);
    if (rec->step >= 0) {
        fx_json_w_kv_i64(&w, "i", rec->step);
        put(&w, "step", rec->id);
    }
    if (rec->type == PLN_REC_RUN_OPENED) {
        fx_json_w_kv_i64(&w, "v", fx_form_current(FX_FORM_JOURNAL));
        fx_json_w_kv_i64(&w, "epoch", rec->epoch);
        put(&w, "digest", rec->digest);
        put(&w, "plan", rec->plan);
        put(&w, "operator", rec->operator_name);
    }
    put(&w, "text", rec->text);
    put(&w, "code", rec->code);
    if (rec->weight >= 0)
        fx_json_w_kv_double(&w, "weight", rec->weight);
    if (rec->predicted_ms >= 0)
        fx_json_w_kv_i64(&w, "predicted_ms", rec->predicted_ms);
    if (rec->cut_step >= 0) {
        fx_json_w_kv_text(&w, "cut", pln_cutover_step_name((enum pln_cutover_step)rec->cut_step));
        fx_json_w_kv_i64(&w, "cut_step", rec->cut_step);
        fx_json_w_kv_text(&w, "moment",
                          pln_cutover_event_name((enum pln_cutover_event)rec->cut_event));
        put(&w, "group", rec->group);
    }
    fx_json_w_end(&w);
}

static const char *take(const struct fx_json *root, const char *key, struct fx_arena *arena)
{
    return fx_arena_strdup(arena, fx_json_get_str(root, key, NULL));
}

static int name_index(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; name != NULL && i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

static int event_index(const char *name)
{
    for (int i = 0; name != NULL && i < PLN_CUT_EVENT_COUNT; i++) {
        if (strcmp(pln_cutover_event_name((enum pln_cutover_event)i), name) == 0)
            return i;
    }
    return -1;
}

static bool fail_record(struct fx_err *err, const char *why)
{
    fx_fail(err, FX_E_JOURNAL, "journal has a record that this version cannot read: %s", why);
    return fx_hint(err, "A newer version may have written it. See: ficus run journal show");
}

/* By its name: the number is that of the build which wrote it, and is there for what reads journals without Ficus. */
static bool read_cut_step(const struct fx_json *root, int *ret)
{
    const char *name = fx_json_get_str(root, "cut", NULL);
    if (name == NULL)
        return true;
    for (int step = 0; step < PLN_CUT_STEP_COUNT; step++)
        if (strcmp(name, pln_cutover_step_name((enum pln_cutover_step)step)) == 0) {
            *ret = step;
            return true;
        }
    return false;
}

bool pln_record_read(struct fx_str json, struct fx_arena *arena, struct pln_record *ret,
                     struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(json, &doc, err)) {
        fx_err_recode(err, FX_E_JOURNAL);
        return fx_ctx(err, "reading a record of the journal");
    }
    const struct fx_json *root = fx_json_root(doc);
    int64_t version = fx_json_get_i64(root, "v", FX_FORM_UNSAID);
    if (!fx_form_check(FX_FORM_JOURNAL, version, "the journal of the run", err))
        return false;
    int type = name_index(fx_json_get_str(root, "t", NULL), rec_names, PLN_REC_COUNT);
    if (type < 0)
        return fail_record(err, "unknown type");
    *ret = pln_record((enum pln_rec)type, NULL);
    ret->version = version;
    ret->at.us = fx_json_get_i64(root, "at_us", 0);
    int64_t step = fx_json_get_i64(root, "i", -1);
    if (step < -1 || step >= PLN_STEPS_MAX)
        return fail_record(err, "step number out of range");
    int cut = -1;
    if (!read_cut_step(root, &cut))
        return fail_record(err, "unknown step of a cut-over");
    ret->step = (int)step;
    ret->id = take(root, "step", arena);
    ret->epoch = fx_json_get_i64(root, "epoch", 0);
    ret->digest = take(root, "digest", arena);
    ret->plan = take(root, "plan", arena);
    ret->operator_name = take(root, "operator", arena);
    ret->text = take(root, "text", arena);
    ret->code = take(root, "code", arena);
    ret->weight = fx_json_get_double(root, "weight", -1);
    ret->predicted_ms = fx_json_get_i64(root, "predicted_ms", -1);
    ret->cut_step = cut;
    ret->cut_event = event_index(fx_json_get_str(root, "moment", NULL));
    if (ret->cut_step >= 0 && ret->cut_event < 0)
        return fail_record(err, "unknown event of a cut-over");
    ret->group = take(root, "group", arena);
    return true;
}

/* --- state -------------------------------------------------------------------------------------- */

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

/* --- the two setters: a record that may not follow is refused before (may_follow), so here it is a defect -------- */

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

/* --- records --- */

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

/* --- the file ----------------------------------------------------------------------------------- */

struct replay {
    struct pln_state *state;
    bool (*on_record)(void *arg, uint64_t seq, const struct pln_record *rec, struct fx_str json);
    void *arg;
};

static bool replay_one(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err)
{
    struct replay *re = arg;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_record rec;
    if (!pln_record_read(payload, &arena, &rec, err) || !pln_state_apply(re->state, &rec, err))
        return fx_ctx(err, "replaying record %llu", (unsigned long long)seq);
    return re->on_record == NULL || re->on_record(re->arg, seq, &rec, payload);
}

/* The journal records what the run did; ownership never depends on it. */
static bool fail_damaged(struct fx_err *err)
{
    if (err->code != FX_E_JOURNAL || err->hint[0] != '\0')
        return false;
    return fx_hint(
        err, "Restore it from a backup. Its readable part: ficus run journal show. An unfinished "
             "cut-over is recorded in the databases: ficus cutover start or fallback finishes it.");
}

bool pln_journal_open(const char *path, struct pln_state *state, struct pln_journal **ret,
                      struct fx_err *err)
{
    struct replay re = {.state = state};
    pln_state_init(state);
    struct fx_recordlog *log = NULL;
    if (!fx_recordlog_open(path, replay_one, &re, &log, err)) {
        fail_damaged(err);
        return fx_ctx(err, "opening the journal \"%s\"", path);
    }
    *ret = FX_NEW(struct pln_journal);
    (*ret)->log = log;
    (*ret)->state = state;
    return true;
}

static void pass(enum pln_rec type, const char *when)
{
    char name[64];
    snprintf(name, sizeof name, "journal.%s.%s", pln_rec_name(type), when);
    fx_failpoint(name);
}

bool pln_journal_append(struct pln_journal *journal, struct pln_record *rec, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    rec->at = fx_wall_now();
    struct pln_state next = *journal->state;
    if (!pln_state_apply(&next, rec, err))
        return false;
    pln_record_write(rec, &out);
    pass(rec->type, "before");
    if (fx_failpoint_error("journal.append"))
        return fx_fail_errno(err, FX_E_JOURNAL, ENOSPC, "could not write the journal");
    if (!fx_recordlog_append(journal->log, fx_buf_str(&out), err)) {
        bool is_full = err->cause_number == ENOSPC || err->cause_number == EDQUOT;
        if (err->hint[0] == '\0')
            fx_hint(err, "%s, then run: ficus run resume",
                    is_full ? "Free space for the state directory"
                            : "Check the disk of the state directory");
        return fx_ctx(err, "writing %s to the journal", pln_rec_name(rec->type));
    }
    *journal->state = next;
    pass(rec->type, "after");
    return true;
}

void pln_journal_close(struct pln_journal *journal)
{
    if (journal == NULL)
        return;
    fx_recordlog_close(journal->log);
    free(journal);
}

bool pln_journal_replay(const char *path, struct pln_state *state,
                        bool (*on_record)(void *arg, uint64_t seq, const struct pln_record *rec,
                                          struct fx_str json),
                        void *arg, struct fx_err *err)
{
    struct replay re = {.state = state, .on_record = on_record, .arg = arg};
    pln_state_init(state);
    return fx_recordlog_read(path, replay_one, &re, err) || fail_damaged(err);
}
