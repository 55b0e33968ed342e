/* SPDX-License-Identifier: Apache-2.0 */
/* Text about a run besides its picture: the price of a rollback, and the journal. Reads only. */
#include "plans/view/texts.h"

#include <inttypes.h>

#include "lib/io/file.h"
#include "plans/cutover/stream_stop.h"
#include "plans/plan/load.h"
#include "plans/run/find.h"
#include "plans/run/rollback_plan.h"
#include "plans/run/undo.h"
#include "plans/view/way_back.h"

bool pln_view_load(const struct pln_paths *at, struct fx_arena *arena, struct pln_plan **ret_plan,
                   struct pln_state *state, struct fx_err *err)
{
    return pln_journal_replay(at->journal, state, NULL, NULL, err) &&
           pln_load(at->plan, NULL, arena, ret_plan, err);
}

/* --- rollback --------------------------------------------------------------------------------- */

static size_t count_fences(const struct pln_plan *plan, const int *list, size_t n)
{
    size_t fences = 0;
    for (size_t i = 0; i < n; i++)
        fences += pln_action_of(pln_kind_info(plan->steps[list[i]].kind)->undo)->is_protocol;
    return fences;
}

static bool drops_streams(const struct pln_plan *plan, const int *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum pln_kind undo = pln_kind_info(plan->steps[list[i]].kind)->undo;
        if (pln_action_of(undo)->streams == PLN_STREAMS_END)
            return true;
    }
    return false;
}

/*
 * What the list costs now. `live` decides: a run that never moved the tables may find that somebody
 * else has, and a stream may have stopped since the last cut-over.
 */
static void show_cost(const struct pln_plan *plan, const struct pln_state *state, const int *list,
                      size_t n, const struct pln_live *live, struct fx_buf *out)
{
    struct pln_way_back back;
    size_t n_fences = count_fences(plan, list, n);
    int now = state->current;
    if (now >= 0 && pln_action_of(plan->steps[now].kind)->is_protocol &&
        state->steps[now].state == PLN_STEP_RUNNING)
        fx_buf_printf(out,
                      "     step \"%s\" is unfinished: it is recovered first, and undone too if it "
                      "was completed\n",
                      plan->steps[now].id);
    pln_way_back(live, plan->policy.fence_ttl_ms, &back);
    bool is_new = live->own_error == NULL && live->own_new.state == FX_OWN_HERE;
    if (n_fences == 0 && is_new && drops_streams(plan, list, n)) {
        fx_buf_printf(out,
                      "     not possible now: \"%s\" owns the tables and this run did not move "
                      "them; without the streams there is no way back\n",
                      live->new_name);
        return;
    }
    if (n_fences == 0) {
        fx_buf_add_c(out, "     cost: no fence needed, no write waits\n");
        return;
    }
    fx_buf_printf(out, "     cost: %s; now: %s\n", n_fences > 1 ? "several fences" : "one fence",
                  back.text);
    if (state->predicted_ms >= 0)
        fx_buf_printf(
            out, "     writes wait %lld ms or more (p99 of the forecast when it was rehearsed)\n",
            (long long)state->predicted_ms);
    else
        fx_buf_add_c(out, "     how long writes wait was never rehearsed\n");
}

/* What stands in the way of the rollback now, as an error whose hint leads on. */
static bool check_way(const struct pln_plan *plan, size_t n_fences,
                      const struct fx_project *project, const struct pln_live *live,
                      struct fx_err *err)
{
    struct pln_way_back back;
    struct cdc_ref ref = {.project_path = project->path,
                          .state_dir = project->state_dir,
                          .context = plan->context,
                          .direction = FX_REVERSE};
    pln_way_back(live, plan->policy.fence_ttl_ms, &back);
    if (n_fences == 0 || back.way != PLN_WAY_BLOCKED)
        return true;
    if (live->reverse_error == NULL)
        return pln_stream_stop_fail(&ref, &live->reverse, err);
    fx_fail(err, FX_E_STREAM, "the reverse stream of context \"%s\" does not answer: %s",
            plan->context, live->reverse_error);
    return fx_hint(err,
                   "Run: ficus cdc start --context %s --execute   then: ficus cdc status "
                   "--context %s",
                   plan->context, plan->context);
}

static void read_live(struct fx_project *project, const struct pln_plan *plan,
                      struct fx_arena *arena, struct pln_live *ret)
{
    struct fcd_endpoint facade = {0};
    struct fx_err ignored = FX_ERR_INIT;
    struct fx_context *ctx = fx_project_context(project, plan->context);
    *ret = (struct pln_live){.own_error = "ficus.yaml no longer has the context of this run"};
    if (ctx != NULL && pln_endpoint_read(project, arena, &facade, &ignored))
        pln_live_read(project, ctx, &facade, arena, ret);
}

bool pln_run_rollback_show(struct fx_project *project, const char *name, struct fx_buf *out,
                           struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_plan *plan = NULL;
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    struct pln_paths at;
    int list[PLN_STEPS_MAX], blocked = -1;
    pln_paths_of(project->state_dir, name, &arena, &at);
    if (!pln_view_load(&at, &arena, &plan, state, err))
        return false;
    size_t n = pln_undo_list(plan, state, list, &blocked);
    fx_buf_printf(out, "rollback of %s:\n", name);
    for (size_t i = 0; i < n; i++) {
        const struct pln_step *step = &plan->steps[list[i]];
        const struct pln_kind_info *undo = pln_kind_info(pln_kind_info(step->kind)->undo);
        const struct pln_action *action = pln_action_of(step->kind);
        const char *note = action->undo_note != NULL ? action->undo_note(at.dir) : NULL;
        fx_buf_printf(out, "%3zu  %-12s %s: %s\n", i + 1, step->id, undo->name,
                      note != NULL ? note : undo->text);
    }
    if (n == 0)
        fx_buf_add_c(out, "     nothing to undo\n");
    if (blocked >= 0)
        fx_buf_printf(
            out, "     step \"%s\" was the point of no return: steps before it are not undone\n",
            plan->steps[blocked].id);
    struct pln_live live;
    read_live(project, plan, &arena, &live);
    show_cost(plan, state, list, n, &live, out);
    return check_way(plan, count_fences(plan, list, n), project, &live, err);
}

/* --- the way back as a plan ------------------------------------------------------------------ */

static const char *cost_of(const struct pln_step *step, const struct pln_way_back *back,
                           struct fx_arena *arena)
{
    const struct pln_action *undo = pln_action_of(pln_kind_info(step->kind)->undo);
    if (undo->is_protocol && back->way == PLN_WAY_UNKNOWN)
        return "cost: one fence, writes wait for it";
    if (undo->is_protocol)
        return fx_arena_printf(arena, "cost: one fence, writes wait for it; now: %s", back->text);
    if (undo->streams == PLN_STREAMS_END)
        return "cost: no write waits; after this a way to the new side begins with a new copy";
    return "cost: no write waits; only reads are concerned";
}

/* A plan is taken back as if all its steps were done; of a run what its journal says. */
static bool write_way(struct fx_project *project, const struct pln_plan *plan,
                      const struct pln_state *state, const char *run_dir, struct fx_arena *arena,
                      struct fx_buf *out, struct fx_err *err)
{
    int list[PLN_STEPS_MAX], blocked = -1;
    struct pln_rollback_notes *notes = FX_ARENA_NEW(arena, struct pln_rollback_notes);
    struct pln_way_back back;
    struct pln_live live;
    char at[FX_WALL_TEXT];
    size_t n = pln_undo_list(plan, state, list, &blocked), n_left_out = 0;
    read_live(project, plan, arena, &live);
    pln_way_back(&live, plan->policy.fence_ttl_ms, &back);
    for (size_t i = 0; i < n; i++) {
        const struct pln_step *step = &plan->steps[list[i]];
        const struct pln_action *action = pln_action_of(step->kind);
        const char *nothing =
            run_dir != NULL && action->undo_note != NULL ? action->undo_note(run_dir) : NULL;
        notes->is_left_out[i] = nothing != NULL;
        n_left_out += nothing != NULL;
        notes->costs[i] = nothing == NULL
                              ? cost_of(step, &back, arena)
                              : fx_arena_printf(arena, "step %s: %s", step->id, nothing);
    }
    if (n == n_left_out) {
        bool is_blocked = blocked >= 0;
        fx_fail(err, FX_E_USAGE, "%s \"%s\" has nothing to take back%s%s%s",
                run_dir != NULL ? "run" : "plan", plan->name, is_blocked ? ": step \"" : "",
                is_blocked ? plan->steps[blocked].id : "",
                is_blocked ? "\" is its point of no return" : "");
        return fx_hint(err, "%s Its steps: ficus plan show %s",
                       is_blocked ? "What was done up to that step stays."
                                  : "There is nothing to do: no step of it has changed anything.",
                       plan->path);
    }
    fx_wall_text(fx_wall_now(), at);
    notes->head = fx_arena_printf(arena,
                                  "The way back of %s %s, as of %.19s. Now: %s. Carry it out "
                                  "with: ficus run start FILE --execute",
                                  run_dir != NULL ? "run" : "plan", plan->name, at, back.text);
    pln_rollback_write(plan, list, n, notes, out);
    return true;
}

bool pln_rollback_print(struct fx_project *project, const char *word, struct fx_buf *out,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_plan *plan = NULL;
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    struct pln_paths at;
    const char *name = NULL;
    if (fx_file_exists(word)) {
        if (!pln_load(word, project, &arena, &plan, err))
            return false;
        pln_rollback_all_done(plan, state);
        return write_way(project, plan, state, NULL, &arena, out, err);
    }
    if (!pln_run_find(project, word, false, &arena, &name, err)) {
        fx_hint(err,
                "\"%s\" is neither the path of a plan nor the name of a run. See the runs: "
                "ficus run list",
                word);
        return false;
    }
    pln_paths_of(project->state_dir, name, &arena, &at);
    return pln_view_load(&at, &arena, &plan, state, err) &&
           write_way(project, plan, state, at.dir, &arena, out, err);
}

/* --- journal ---------------------------------------------------------------------------------- */

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
        fx_buf_printf(show->out, "  %s: %s %s", rec->group != NULL ? rec->group : "",
                      pln_cutover_step_name((enum pln_cutover_step)rec->cut_step),
                      pln_cutover_event_name((enum pln_cutover_event)rec->cut_event));
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
    struct pln_paths at;
    struct show show = {out, is_json};
    pln_paths_of(project->state_dir, name, &arena, &at);
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    return pln_journal_replay(at.journal, state, show_record, &show, err);
}

bool pln_journal_verify(const struct fx_project *project, const char *name, const char *anchor,
                        struct pln_verified *ret, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_paths at;
    pln_paths_of(project->state_dir, name, &arena, &at);
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    struct fx_chain chain;
    if (!pln_journal_check(at.journal, state, anchor, &chain, err))
        return false;
    ret->n_records = chain.n_keyed + chain.n_unkeyed;
    ret->n_unkeyed = chain.n_unkeyed;
    fx_chain_anchor(&chain, ret->anchor);
    return true;
}
