/* SPDX-License-Identifier: Apache-2.0 */
/* What people read of plans and runs: the steps, the picture, the journal, the price of a rollback. Reads only. */
#include <dirent.h>

#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "plans/steps/actions.h"
#include "plans/view/picture.h"
#include "plans/run/undo.h"

/* In the largest unit in which it is a whole number. */
static void add_duration(struct fx_buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (i + 1 < FX_ARRAY_LEN(units) && (ms < units[i].ms || ms % units[i].ms != 0))
        i++;
    fx_buf_printf(out, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
}

static void show_step(const struct pln_step *step, struct fx_buf *out)
{
    const struct pln_kind_info *info = pln_kind_info(step->kind);
    fx_buf_printf(out, "%3d  %-12s %s: %s\n", step->index + 1, step->id, info->name, info->text);
    if (step->n_routes > 0) {
        fx_buf_add_c(out, "       routes:");
        for (size_t i = 0; i < step->n_routes; i++)
            fx_buf_printf(out, " %s", step->routes[i]);
        if (step->kind == PLN_ROUTE_SHADOW)
            fx_buf_printf(out, " (%g %%)", step->percent);
        for (size_t i = 0; i < step->n_through; i++)
            fx_buf_printf(out, "%s%g %%", i == 0 ? "  through " : ", ", step->through[i]);
        if (step->n_through > 0) {
            fx_buf_add_c(out, ", each for ");
            add_duration(out, step->every_ms);
        }
        fx_buf_add_char(out, '\n');
    }
    if (step->kind == PLN_WAIT) {
        fx_buf_add_c(out, "       for ");
        add_duration(out, step->wait_ms);
        fx_buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < step->n_gates; i++) {
        fx_buf_printf(out, "       gate%s: ",
                      info->gates == PLN_BEFORE   ? " before"
                      : info->gates == PLN_DURING ? " while it runs"
                                                  : " after");
        pln_gate_show(&step->gates[i], out);
        fx_buf_add_char(out, '\n');
    }
    if (step->is_point_of_no_return)
        fx_buf_add_c(out, "       point of no return\n");
    else if (step->has_undo)
        fx_buf_printf(out, "       undo: %s\n", pln_kind_info(info->undo)->name);
    if (step->on_fail == PLN_FAIL_HOLD)
        fx_buf_add_c(out, "       on failure: hold\n");
}

void pln_show(const struct pln_plan *plan, struct fx_buf *out)
{
    fx_buf_printf(out, "plan %s, context %s, %zu steps\n", plan->name, plan->context,
                  plan->n_steps);
    for (size_t i = 0; i < plan->n_steps; i++)
        show_step(&plan->steps[i], out);
}

/* --- finding runs ------------------------------------------------------------------------------- */

static const char *journal_of(const struct fx_project *project, const char *name,
                              struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/runs/%s/journal", project->state_dir, name);
}

struct found {
    const char *name, *context;
    int64_t last_us;
    bool is_open, has_begun, is_running;
};

/* A journal that cannot be read is that of a run in progress, until somebody has looked. */
static struct found look_at(const struct fx_project *project, const char *name,
                            struct fx_arena *arena)
{
    struct pln_state *state = FX_ARENA_NEW(arena, struct pln_state);
    struct pln_plan *plan = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    const char *dir = fx_arena_printf(arena, "%s/runs/%s", project->state_dir, name);
    bool is_whole =
        pln_journal_replay(journal_of(project, name, arena), state, NULL, NULL, &ignored);
    bool has_plan =
        pln_load(fx_arena_printf(arena, "%s/plan.yaml", dir), NULL, arena, &plan, &ignored);
    return (struct found){
        .name = fx_arena_strdup(arena, name),
        .context = has_plan ? plan->context : "?",
        .last_us = state->last.us,
        .is_open = !is_whole || pln_state_is_open(state),
        .has_begun = !is_whole || pln_state_has_begun(state),
        .is_running = fx_flock_is_held(fx_arena_printf(arena, "%s/lock", dir), NULL),
    };
}

/* All runs; *ret_newest is the one that wrote last. */
static struct found *all_runs(const struct fx_project *project, struct fx_arena *arena,
                              size_t *ret_n, size_t *ret_newest)
{
    const char *runs = fx_arena_printf(arena, "%s/runs", project->state_dir);
    struct found *list = NULL;
    size_t n = 0, room = 0;
    *ret_newest = 0;
    DIR *dir = opendir(runs);
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.' || !fx_file_exists(journal_of(project, e->d_name, arena)))
            continue;
        if (n == room) {
            room = 2 * room + 16;
            struct found *more = fx_arena_array(arena, room, sizeof *more);
            if (n > 0)
                memcpy(more, list, n * sizeof *list);
            list = more;
        }
        list[n] = look_at(project, e->d_name, arena);
        if (list[n].last_us > list[*ret_newest].last_us)
            *ret_newest = n;
        n++;
    }
    if (dir != NULL)
        closedir(dir);
    *ret_n = n;
    return list;
}

static bool refuse_choice(const struct found *list, size_t n, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    for (size_t i = 0; i < n; i++) {
        if (list[i].is_open)
            fx_buf_printf(&text, "%s%s (context %s%s)", text.len > 0 ? ", " : "", list[i].name,
                          list[i].context, list[i].is_running ? ", running" : "");
    }
    fx_fail(err, FX_E_USAGE, "several runs are not at their end: say which one");
    fx_detail(err, "%s", fx_buf_cstr(&text));
    return fx_hint(err, "Say its name: ficus run resume RUN   or look first: ficus status RUN");
}

/* Without a name an unfinished run is meant, rather than one at its end that was heard of later. */
static bool choose(struct found *list, size_t n, size_t newest, bool must_be_one,
                   const char **ret_name, struct fx_err *err)
{
    size_t n_open = 0, best = newest;
    for (size_t i = 0; i < n; i++) {
        /* opened, stopped before its first step, and left at that: nothing of it waits for anybody */
        list[i].is_open = list[i].is_open && (list[i].has_begun || i == newest);
        if (!list[i].is_open)
            continue;
        bool is_better =
            !list[best].is_open || (list[i].is_running && !list[best].is_running) ||
            (list[i].is_running == list[best].is_running && list[i].last_us > list[best].last_us);
        best = is_better ? i : best;
        n_open++;
    }
    if (must_be_one && n_open > 1)
        return refuse_choice(list, n, err);
    *ret_name = list[best].name;
    return true;
}

bool pln_run_find(const struct fx_project *project, const char *name, bool will_act,
                  struct fx_arena *arena, const char **ret_name, struct fx_err *err)
{
    size_t n = 0, newest = 0;
    bool is_plain = name != NULL && name[0] != '.' && strchr(name, '/') == NULL && name[0] != '\0';
    if (is_plain && fx_file_exists(journal_of(project, name, arena))) {
        *ret_name = name;
        return true;
    }
    struct found *list = all_runs(project, arena, &n, &newest);
    if (name == NULL && n > 0)
        return choose(list, n, newest, will_act, ret_name, err);
    if (name == NULL)
        fx_fail(err, FX_E_CONFIG, "there is no run in %s/runs", project->state_dir);
    else
        fx_fail(err, FX_E_CONFIG, "there is no run \"%s\" in %s/runs", name, project->state_dir);
    if (n > 0)
        return fx_hint(err, "The newest run is called \"%s\".", list[newest].name);
    return fx_hint(err, "Run: ficus run start PLAN --execute");
}

static bool load_run(const struct fx_project *project, const char *name, struct fx_arena *arena,
                     struct pln_plan **ret_plan, struct pln_state *state, struct fx_err *err)
{
    const char *path = fx_arena_printf(arena, "%s/runs/%s/plan.yaml", project->state_dir, name);
    return pln_journal_replay(journal_of(project, name, arena), state, NULL, NULL, err) &&
           pln_load(path, NULL, arena, ret_plan, err); /* shown also when ficus.yaml has changed */
}

/* --- the picture -------------------------------------------------------------------------------- */

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

static const char *outcome_of(const struct pln_state *state, struct fx_arena *arena)
{
    switch (state->phase) {
    case PLN_PHASE_FINISHED: return "migrated";
    case PLN_PHASE_ROLLED_BACK: return fx_arena_printf(arena, "rolled back: %s", state->reason);
    case PLN_PHASE_STUCK: return fx_arena_printf(arena, "stuck: %s", state->reason);
    case PLN_PHASE_NEW:
    case PLN_PHASE_FORWARD:
    case PLN_PHASE_BACK: break;
    }
    return state->is_held ? fx_arena_printf(arena, "held: %s", state->reason) : NULL;
}

static const char *equal_line(const struct fx_project *project, const char *name,
                              struct fx_arena *arena, struct fx_wall now)
{
    const char *path =
        fx_arena_printf(arena, "%s/runs/%s/reports/latest/report.json", project->state_dir, name);
    struct rec_report *report = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    if (!fx_file_exists(path) || !rec_report_load(path, arena, &report, &ignored))
        return NULL;
    int64_t age_s = (now.us - report->finished.us) / 1000000;
    const char *age = age_s < 120 ? fx_arena_printf(arena, "%lld s ago", (long long)age_s)
                                  : fx_arena_printf(arena, "%lld min ago", (long long)age_s / 60);
    return fx_arena_printf(arena, "%s   %lld rows, %lld divergent, %.0f %% coverage", age,
                           (long long)report->rows_compared, (long long)report->divergent,
                           report->coverage_percent);
}

/* What the journal cannot know beforehand: how long the present stage or wait still takes. */
static const char *running_note(const struct pln_step *step, const struct pln_step_status *status,
                                struct fx_wall now, struct fx_arena *arena)
{
    const char *note = status->note[0] != '\0' ? status->note : NULL;
    if (status->state != PLN_STEP_RUNNING)
        return note;
    if (step->kind == PLN_WAIT) {
        int64_t left_s = step->wait_ms / 1000 - (now.us - status->began.us) / 1000000;
        return left_s > 0 ? fx_arena_printf(arena, "%lld s left", (long long)left_s) : note;
    }
    for (size_t i = 0; step->kind == PLN_ROUTE_RAMP && i + 1 < step->n_through; i++) {
        if (step->through[i] < status->weight || step->through[i] > status->weight)
            continue;
        int64_t left_s = step->every_ms / 1000 - (now.us - status->set.us) / 1000000;
        return fx_arena_printf(arena, "%g %%   next: %g %% in %lld s", step->through[i],
                               step->through[i + 1], (long long)FX_MAX(left_s, (int64_t)0));
    }
    return note;
}

/* Before stream.start and after its undo nothing is there to answer; that is no failure. */
static void say_not_yet(const struct pln_plan *plan, const struct pln_state *state,
                        struct pln_live *live)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].kind == PLN_STREAM_START && state->steps[i].state == PLN_STEP_DONE)
            return;
    }
    const char **errors[] = {&live->forward_error, &live->reverse_error, &live->own_error};
    for (size_t i = 0; i < FX_ARRAY_LEN(errors); i++) {
        const char *text = *errors[i];
        if (text != NULL && (strstr(text, "[STREAM]") != NULL || strstr(text, "[DRIFT]") != NULL ||
                             strstr(text, "exist") != NULL))
            *errors[i] = "not installed";
    }
}

bool pln_run_picture(struct fx_project *project, const char *name, bool is_live,
                     struct fx_arena *arena, struct pln_picture *ret, struct fx_err *err)
{
    struct pln_plan *plan = NULL;
    struct pln_state *state = FX_ARENA_NEW(arena, struct pln_state);
    if (!load_run(project, name, arena, &plan, state, err))
        return fx_ctx(err, "reading the run \"%s\"", name);
    struct fx_wall now = fx_wall_now();
    bool is_over = state->phase == PLN_PHASE_FINISHED || state->phase == PLN_PHASE_ROLLED_BACK ||
                   state->phase == PLN_PHASE_STUCK;
    bool is_abandoned =
        !is_over && !fx_flock_is_held(
                        fx_arena_printf(arena, "%s/runs/%s/lock", project->state_dir, name), NULL);
    struct pln_picture_step *steps = fx_arena_array(arena, plan->n_steps, sizeof *steps);
    for (size_t i = 0; i < plan->n_steps; i++) {
        steps[i] = (struct pln_picture_step){
            .id = plan->steps[i].id,
            .what = pln_kind_info(plan->steps[i].kind)->name,
            .mark = mark_of(state, i),
            .elapsed_ms = elapsed_ms(&state->steps[i], now),
            .note = running_note(&plan->steps[i], &state->steps[i], now, arena),
        };
        bool is_at_rest = is_abandoned || state->phase == PLN_PHASE_STUCK;
        if (is_at_rest && steps[i].mark == PLN_MARK_RUNNING) {
            steps[i].mark = PLN_MARK_STOPPED;
            steps[i].elapsed_ms = -1; /* when it ended is not known */
        }
    }
    *ret = (struct pln_picture){
        .name = plan->name,
        .context = plan->context,
        .outcome = outcome_of(state, arena),
        .is_abandoned = is_abandoned,
        .steps = steps,
        .n_steps = plan->n_steps,
        .current = state->current >= 0 ? (size_t)state->current : plan->n_steps,
        /* a stuck run is not at its end: somebody has yet to take it there */
        .elapsed_ms =
            ((pln_state_is_open(state) ? now.us : state->closed.us) - state->opened.us) / 1000,
        .equal = equal_line(project, name, arena, now),
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
        say_not_yet(plan, state, &ret->live);
    }
    fx_err_clear(err);
    return true;
}

/* --- rollback ----------------------------------------------------------------------------------- */

/* Ownership moves back under a fence, however little else there is to undo. */
static void show_cost(const struct pln_plan *plan, const struct pln_state *state, const int *list,
                      size_t n, struct fx_buf *out)
{
    size_t n_fences = 0;
    for (size_t i = 0; i < n; i++)
        n_fences += pln_kind_is_cut(pln_kind_info(plan->steps[list[i]].kind)->undo) ? 1 : 0;
    int at = state->current;
    if (at >= 0 && pln_kind_is_cut(plan->steps[at].kind) &&
        state->steps[at].state == PLN_STEP_RUNNING)
        fx_buf_printf(out,
                      "     step \"%s\" stands half-way: it is settled first, and taken back too "
                      "if it turns out to be done\n",
                      plan->steps[at].id);
    if (n_fences == 0)
        fx_buf_add_c(out, "     cost: no fence needed, 0 acknowledged writes at stake\n");
    else if (state->predicted_ms >= 0)
        fx_buf_printf(out,
                      "     cost: one fence; writes wait %lld ms or more (p99 of the rehearsal on "
                      "the idle canary); "
                      "0 acknowledged writes at stake\n",
                      (long long)state->predicted_ms);
    else
        fx_buf_add_c(out, "     cost: one fence; how long writes wait was never rehearsed; 0 "
                          "acknowledged writes at stake\n");
}

bool pln_run_rollback_show(const struct fx_project *project, const char *name, struct fx_buf *out,
                           struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_plan *plan = NULL;
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    int list[PLN_STEPS_MAX], blocked = -1;
    if (!load_run(project, name, &arena, &plan, state, err))
        return false;
    size_t n = pln_undo_list(plan, state, list, &blocked);
    fx_buf_printf(out, "rollback of %s:\n", name);
    for (size_t i = 0; i < n; i++) {
        const struct pln_step *step = &plan->steps[list[i]];
        const struct pln_kind_info *undo = pln_kind_info(pln_kind_info(step->kind)->undo);
        bool stays =
            step->kind == PLN_STREAM_START &&
            !pln_real_made_streams(fx_arena_printf(&arena, "%s/runs/%s", project->state_dir, name));
        fx_buf_printf(out, "%3zu  %-12s %s: %s\n", i + 1, step->id, undo->name,
                      stays ? "nothing, the streams were there before this run" : undo->text);
    }
    if (n == 0)
        fx_buf_add_c(out, "     nothing to undo\n");
    if (blocked >= 0)
        fx_buf_printf(out,
                      "     step \"%s\" was the point of no return: what came before it stays\n",
                      plan->steps[blocked].id);
    show_cost(plan, state, list, n, out);
    return true;
}

/* --- journal ------------------------------------------------------------------------------------ */

struct show {
    struct fx_buf *out;
    bool is_json;
};

static bool show_record(void *arg, uint64_t seq, const struct pln_record *rec, struct fx_str json)
{
    struct show *show = arg;
    char at[FX_WALL_TEXT];
    if (show->is_json) {
        fx_buf_printf(show->out, "%.*s\n", FX_STR_FMT(json));
        return true;
    }
    fx_wall_text(rec->at, at);
    fx_buf_printf(show->out, "%5llu  %s  %-11s", (unsigned long long)seq, at,
                  pln_rec_name(rec->type));
    if (rec->step >= 0)
        fx_buf_printf(show->out, "  %-10s", rec->id != NULL ? rec->id : "");
    if (rec->type == PLN_REC_RUN_OPENED)
        fx_buf_printf(show->out, "  epoch %lld by %s", (long long)rec->epoch,
                      rec->operator_name != NULL ? rec->operator_name : "?");
    if (rec->cut_step >= 0) {
        const char *const moments[] = {"begin", "done", "failed", "note"};
        fx_buf_printf(show->out, "  %s: %s %s", rec->group != NULL ? rec->group : "",
                      pln_cutover_step_name((enum pln_cutover_step)rec->cut_step),
                      moments[rec->cut_moment]);
    }
    if (rec->code != NULL && rec->code[0] != '\0')
        fx_buf_printf(show->out, "  [%s]", rec->code);
    if (rec->text != NULL && rec->text[0] != '\0')
        fx_buf_printf(show->out, "  %s", rec->text);
    fx_buf_add_char(show->out, '\n');
    return true;
}

bool pln_journal_show(const struct fx_project *project, const char *name, bool is_json,
                      struct fx_buf *out, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct show show = {out, is_json};
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    return pln_journal_replay(journal_of(project, name, &arena), state, show_record, &show, err);
}

bool pln_journal_verify(const struct fx_project *project, const char *name, uint64_t *ret_records,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    if (!pln_journal_replay(journal_of(project, name, &arena), state, NULL, NULL, err))
        return false;
    *ret_records = state->n_records;
    return true;
}
