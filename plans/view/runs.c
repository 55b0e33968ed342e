/* SPDX-License-Identifier: Apache-2.0 */
/* Lists runs, and writes runs and pictures as JSON. Reads only. */
#include "plans/view/runs.h"

#include "lib/fmt/json_write.h"
#include "lib/io/flock.h"
#include "plans/run/find.h"
#include "plans/run/journal.h"
#include "plans/run/paths.h"
#include "plans/view/texts.h"

const char *pln_phase_word(const struct pln_state *state, bool is_running)
{
    switch (state->phase) {
    case PLN_PHASE_FINISHED: return "finished";
    case PLN_PHASE_ROLLED_BACK: return "rolled_back";
    case PLN_PHASE_STUCK: return is_running ? "rolling_back" : "stuck";
    case PLN_PHASE_NEW:
    case PLN_PHASE_FORWARD:
    case PLN_PHASE_BACK: break;
    }
    if (state->is_held)
        return "held";
    if (!is_running)
        return "interrupted";
    return state->phase == PLN_PHASE_BACK ? "rolling_back" : "running";
}

/* --- the list --------------------------------------------------------------------------------- */

static const char *next_of(const char *phase, const char *run, struct fx_arena *arena)
{
    static const struct {
        const char *phase, *format;
    } all[] = {
        {"running", "ficus status -w %s"},      {"rolling_back", "ficus status -w %s"},
        {"held", "ficus run resume %s"},        {"interrupted", "ficus run resume %s"},
        {"stuck", "ficus run resume %s"},       {"finished", "ficus run status %s"},
        {"rolled_back", "ficus run status %s"}, {"unreadable", "ficus run journal verify %s"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(all); i++) {
        const char *mark = strstr(all[i].format, "%s");
        if (strcmp(all[i].phase, phase) == 0)
            return fx_arena_printf(arena, "%.*s%s", (int)(mark - all[i].format), all[i].format,
                                   run);
    }
    return NULL;
}

struct opener {
    struct fx_arena *arena;
    const char *by;
};

static bool see_record(void *arg, uint64_t seq, const struct pln_record *rec, struct fx_str json)
{
    struct opener *opener = arg;
    (void)seq;
    (void)json;
    if (rec->type == PLN_REC_RUN_OPENED && rec->operator_name != NULL)
        opener->by = fx_arena_strdup(opener->arena, rec->operator_name);
    return true;
}

static bool has_reason(const struct pln_state *state)
{
    return state->reason[0] != '\0' &&
           (state->is_held || state->phase == PLN_PHASE_BACK || state->phase == PLN_PHASE_STUCK ||
            state->phase == PLN_PHASE_ROLLED_BACK);
}

static struct pln_run_line line_of(const struct fx_project *project, const char *run,
                                   struct fx_arena *arena)
{
    struct pln_run_line line = {.run = run, .phase = "unreadable"};
    struct pln_state *state = FX_ARENA_NEW(arena, struct pln_state);
    struct pln_plan *plan = NULL;
    struct opener opener = {.arena = arena};
    struct fx_err err = FX_ERR_INIT;
    struct pln_paths at;
    pln_paths_of(project->state_dir, run, arena, &at);
    bool is_whole = pln_view_load(&at, arena, &plan, state, &err) &&
                    pln_journal_replay(at.journal, state, see_record, &opener, &err);
    if (plan != NULL)
        line.context = plan->context;
    line.by = opener.by;
    line.opened = state->opened;
    line.since = state->last;
    if (is_whole) {
        line.phase = pln_phase_word(state, fx_flock_is_held(at.lock, NULL));
        line.step = state->current >= 0 ? plan->steps[state->current].id : NULL;
        line.reason = has_reason(state) ? state->reason : NULL;
    } else {
        line.reason = fx_arena_printf(arena, "%s [%s]", err.message, fx_code_name(err.code));
    }
    line.next = next_of(line.phase, run, arena);
    return line;
}

static int newest_first(const void *a, const void *b)
{
    const struct pln_run_line *x = a, *y = b;
    if (x->since.us == y->since.us)
        return strcmp(x->run, y->run);
    return x->since.us < y->since.us ? 1 : -1;
}

void pln_runs_list(const struct fx_project *project, struct fx_arena *arena,
                   struct pln_run_line **ret, size_t *ret_n)
{
    const char **names = NULL;
    pln_run_names(project, arena, &names, ret_n);
    *ret = fx_arena_array(arena, *ret_n + 1, sizeof **ret);
    for (size_t i = 0; i < *ret_n; i++)
        (*ret)[i] = line_of(project, names[i], arena);
    qsort(*ret, *ret_n, sizeof **ret, newest_first);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void write_time(struct fx_json_w *w, const char *key, struct fx_wall at)
{
    char text[FX_WALL_TEXT];
    fx_wall_text(at, text);
    fx_json_w_kv_text(w, key, at.us > 0 ? text : NULL);
}

static void write_line(struct fx_json_w *w, const struct pln_run_line *line)
{
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "run", line->run);
    fx_json_w_kv_text(w, "context", line->context);
    fx_json_w_kv_text(w, "phase", line->phase);
    fx_json_w_kv_text(w, "step", line->step);
    write_time(w, "opened", line->opened);
    write_time(w, "since", line->since);
    fx_json_w_kv_text(w, "by", line->by);
    fx_json_w_kv_text(w, "reason", line->reason);
    fx_json_w_kv_text(w, "next", line->next);
    fx_json_w_end(w);
}

void pln_runs_json(const struct pln_run_line *lines, size_t n, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_key(&w, "runs");
    fx_json_w_array(&w);
    for (size_t i = 0; i < n; i++)
        write_line(&w, &lines[i]);
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
}

static const char *mark_word(enum pln_mark mark)
{
    switch (mark) {
    case PLN_MARK_PENDING: return "pending";
    case PLN_MARK_RUNNING: return "running";
    case PLN_MARK_DONE: return "done";
    case PLN_MARK_FAILED: return "failed";
    case PLN_MARK_UNDONE: return "undone";
    case PLN_MARK_HELD: return "held";
    case PLN_MARK_STOPPED: return "stopped";
    }
    return "pending";
}

static void write_steps(struct fx_json_w *w, const struct pln_picture *pic)
{
    fx_json_w_key(w, "steps");
    fx_json_w_array(w);
    for (size_t i = 0; i < pic->n_steps; i++) {
        const struct pln_picture_step *step = &pic->steps[i];
        fx_json_w_object(w);
        fx_json_w_kv_text(w, "id", step->id);
        fx_json_w_kv_text(w, "do", step->what);
        fx_json_w_kv_text(w, "state", mark_word(step->mark));
        fx_json_w_key(w, "elapsed_ms");
        if (step->elapsed_ms >= 0)
            fx_json_w_i64(w, step->elapsed_ms);
        else
            fx_json_w_null(w);
        fx_json_w_kv_text(w, "note", step->note);
        fx_json_w_end(w);
    }
    fx_json_w_end(w);
}

static void write_error(struct fx_json_w *w, const char *error)
{
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "error", error);
    fx_json_w_end(w);
}

static void write_stream(struct fx_json_w *w, const char *key, const struct cdc_status *status,
                         const char *error)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    fx_json_w_key(w, key);
    if (error != NULL) {
        write_error(w, error);
        return;
    }
    cdc_status_write(status, &text);
    fx_json_w_raw(w, fx_buf_str(&text));
}

static void write_own(struct fx_json_w *w, const char *key, const struct fx_own *own)
{
    fx_json_w_key(w, key);
    fx_json_w_object(w);
    fx_json_w_kv_text(w, "state", fx_own_state_name(own->state));
    fx_json_w_kv_i64(w, "epoch", own->epoch);
    fx_json_w_end(w);
}

static void write_ownership(struct fx_json_w *w, const struct pln_live *live)
{
    fx_json_w_key(w, "ownership");
    if (live->own_error != NULL) {
        write_error(w, live->own_error);
        return;
    }
    fx_json_w_object(w);
    write_own(w, "old", &live->own_old);
    write_own(w, "new", &live->own_new);
    fx_json_w_end(w);
}

static void write_facade(struct fx_json_w *w, const struct pln_live *live, const char *context)
{
    fx_json_w_key(w, "facade");
    if (live->facade == NULL) {
        write_error(w, live->facade_error != NULL ? live->facade_error : "not asked");
        return;
    }
    fx_json_w_object(w);
    fx_json_w_kv_i64(w, "requests", live->facade->requests);
    fx_json_w_kv_i64(w, "requests_per_s", live->facade->requests_per_s);
    fx_json_w_kv_i64(w, "uptime_ms", live->facade->uptime_ms);
    fx_json_w_key(w, "owner_unknown");
    const struct fcd_group_status *group = pln_live_group(live, context);
    group != NULL ? fx_json_w_bool(w, group->is_unknown) : fx_json_w_null(w);
    fx_json_w_end(w);
}

void pln_picture_json(const struct pln_picture *pic, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "run", pic->name);
    fx_json_w_kv_text(&w, "context", pic->context);
    fx_json_w_kv_text(&w, "phase", pic->phase);
    fx_json_w_kv_text(&w, "outcome", pic->outcome);
    fx_json_w_kv_i64(&w, "elapsed_ms", pic->elapsed_ms);
    fx_json_w_kv_text(&w, "step", pic->current < pic->n_steps ? pic->steps[pic->current].id : NULL);
    write_steps(&w, pic);
    fx_json_w_kv_text(&w, "equal", pic->equal);
    fx_json_w_key(&w, "streams");
    fx_json_w_object(&w);
    write_stream(&w, "forward", &pic->live.forward, pic->live.forward_error);
    write_stream(&w, "reverse", &pic->live.reverse, pic->live.reverse_error);
    fx_json_w_end(&w);
    write_facade(&w, &pic->live, pic->context);
    write_ownership(&w, &pic->live);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
}
