/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cut-over as a kind of step, and its rehearsal: options from the plan's policy, events into
 * the run's journal, the result as an effect.
 */
#include "lib/ownership/holder.h"
#include "lib/ownership/sides.h"
#include "plans/steps/context.h"

struct rehearse_options {
    int64_t rounds;
};

static const struct fx_rule rehearse_rules[] = {
    FX_RULE_INT(struct rehearse_options, rounds, "rounds", .def = "3", .min = 1, .max = 32,
                .help = "number of rounds, each a cut-over and a fall-back"),
    FX_RULE_END,
};

static bool on_cut(void *arg, enum pln_cutover_step cut, enum pln_cutover_event event,
                   const char *group, const char *detail, struct fx_err *err)
{
    struct pln_action_ctx *ac = arg;
    struct pln_record rec = pln_record(PLN_REC_CUT, ac->step);
    rec.cut_step = (int)cut;
    rec.cut_event = (int)event;
    rec.group = group;
    rec.text = detail;
    if (!pln_journal_append(ac->ex->journal, &rec, err))
        return false;
    /* The journal has every event of a rehearsal; reporting them all would fill pages. */
    size_t len = strlen(group);
    bool is_canary = len > 7 && strcmp(group + len - 7, ".canary") == 0;
    if (event == PLN_CUT_BEGIN || (is_canary && event == PLN_CUT_DONE))
        return true;
    pln_exec_report(ac->ex, ac->step, "%s %s %s%s%s", group, pln_cutover_step_name(cut),
                    pln_cutover_event_name(event), detail != NULL && detail[0] != '\0' ? ": " : "",
                    detail != NULL ? detail : "");
    return true;
}

static bool on_stop(void *arg)
{
    struct pln_action_ctx *ac = arg;
    return ac->env->should_stop != NULL && ac->env->should_stop(ac->env->arg);
}

static struct pln_cutover_env cut_env(struct pln_action_ctx *ac)
{
    return (struct pln_cutover_env){
        .project = ac->env->project,
        .context = ac->ctx,
        .facades = &ac->facade,
        .n_facades = 1,
        .operator_name = ac->operator_name,
        .log = on_cut,
        .should_stop = on_stop,
        .arg = ac,
    };
}

static struct pln_cutover_options cut_options(const struct pln_action_ctx *ac)
{
    const struct pln_policy *p = &ac->plan->policy;
    struct pln_cutover_options opt = pln_cutover_options_default();
    opt.fence_ttl_ms = p->fence_ttl_ms;
    opt.hold_ms = p->hold_ms;
    opt.drain_ms = p->drain_ms;
    opt.drain_before_ms = p->drain_before_ms;
    opt.drain_wait_ms = p->drain_wait_ms;
    opt.predicted_p99_ms = ac->predicted_ms;
    opt.route_ms = p->retry_ms;
    return opt;
}

static bool cut_effect(struct pln_exec *ex, const struct pln_step *step,
                       const struct pln_cutover_result *r, struct fx_err *err)
{
    char text[240];
    const char *side = r->new_serves ? "new" : "old";
    if (r->fenced_ms >= 0 && r->forecast.longest_ms >= 0 && r->held_max_ms >= 0)
        snprintf(
            text, sizeof text,
            "writes paused %lld ms, fence %lld ms, forecast %lld ms, longest write waited %lld "
            "ms, epoch %lld, %s serves",
            (long long)r->pause_ms, (long long)r->fenced_ms, (long long)r->forecast.longest_ms,
            (long long)r->held_max_ms, (long long)r->epoch, side);
    else if (r->fenced_ms >= 0)
        snprintf(text, sizeof text, "writes paused %lld ms, fence %lld ms, epoch %lld, %s serves",
                 (long long)r->pause_ms, (long long)r->fenced_ms, (long long)r->epoch, side);
    else /* finished by another process than the one that began it: its times were not measured */
        snprintf(text, sizeof text, "finished after an interruption, epoch %lld, %s serves",
                 (long long)r->epoch, side);
    return pln_exec_effect(ex, step, -1, -1, text, err);
}

static bool cut(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                enum fx_direction direction, struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(ac);
    struct pln_cutover_options opt = cut_options(ac);
    struct pln_cutover_result result = {0};
    ac->predicted_ms = ex->state->predicted_ms;
    opt.predicted_p99_ms = ac->predicted_ms;
    if (!pln_cutover_run(&env, direction, &opt, &result, err))
        return false;
    return cut_effect(ex, step, &result, err);
}

static bool act_rehearse(struct pln_action_ctx *ac, struct pln_exec *ex,
                         const struct pln_step *step, struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(ac);
    struct pln_cutover_options opt = cut_options(ac);
    struct pln_rehearsal rehearsal = {0};
    const struct rehearse_options *given = step->options;
    opt.predicted_p99_ms = -1;
    if (!pln_cutover_rehearse(&env, &opt, (int)given->rounds, &rehearsal, err))
        return false;
    bool is_known = rehearsal.forecast.p99_ms >= 0;
    ac->predicted_ms = is_known ? rehearsal.forecast.p99_ms : rehearsal.predicted_p99_ms;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
    fx_buf_printf(&text, "pause p99 %lld ms on the idle canary, p50 %lld ms, %d rounds; ",
                  (long long)rehearsal.predicted_p99_ms, (long long)rehearsal.predicted_p50_ms,
                  rehearsal.rounds);
    pln_forecast_text(&rehearsal.forecast, &text);
    return pln_exec_effect(ex, step, -1, ac->predicted_ms, fx_buf_cstr(&text), err);
}

static bool act_cutover(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                        struct fx_err *err)
{
    return cut(ac, ex, step, FX_FORWARD, err);
}

static bool act_fallback(struct pln_action_ctx *ac, struct pln_exec *ex,
                         const struct pln_step *step, struct fx_err *err)
{
    return cut(ac, ex, step, FX_REVERSE, err);
}

static bool recover(struct pln_action_ctx *ac, enum fx_direction direction,
                    struct pln_cutover_result *result, struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(ac);
    struct pln_cutover_options opt = cut_options(ac);
    return pln_cutover_resume(&env, direction, &opt, result, err) ||
           fx_ctx(err, "recovering the cut-over of context \"%s\"", ac->plan->context);
}

/* --- whose work it is ------------------------------------------------------------------------- */

/* What is said of a side that has the tables already: since when, by whom, and who holds them. */
static bool fail_moved(struct pln_action_ctx *ac, const struct fx_own *serves,
                       const struct fx_own *gave, enum fx_direction direction, struct fx_err *err)
{
    struct fx_holder old_holder = {0}, new_holder = {0};
    struct fx_err ignored = FX_ERR_INIT;
    bool is_known = fx_holder_read_both(ac->ctx, &old_holder, &new_holder, &ignored);
    bool is_forward = direction == FX_FORWARD;
    const char *context = ac->plan->context;
    fx_fail(err, FX_E_DRIFT,
            "context \"%s\" is already %s: the %s side owns its tables at epoch %lld", context,
            is_forward ? "cut over" : "on its old side", is_forward ? "new" : "old",
            (long long)serves->epoch);
    fx_detail(err, "Moved by: %s. Held by: %s.",
              gave->operator_name[0] != '\0' ? gave->operator_name : "nobody so far",
              is_known ? fx_holder_text(&old_holder, &ac->arena) : "(could not be read)");
    return fx_hint(err,
                   "Nothing was changed. To go on from here, take the cutover step out of the plan "
                   "and run: ficus run start PLAN --execute. To move the context back first: ficus "
                   "cutover %s --context %s --execute --confirm=%s",
                   is_forward ? "fallback" : "start", context, context);
}

/* The operator of a fence is written by the protocol: "ann@host run orders-extract". */
static bool is_by_this_run(const struct pln_action_ctx *ac, const struct fx_own *gave)
{
    char run[128];
    int n = snprintf(run, sizeof run, " run %s", ac->plan->name);
    size_t len = strlen(gave->operator_name);
    return n > 0 && len >= (size_t)n && strcmp(gave->operator_name + len - (size_t)n, run) == 0;
}

/* The first step of a plan that moves; any later one once the run is on its way. */
static bool must_check(const struct pln_action_ctx *ac, const struct pln_step *step)
{
    for (int i = 0; i < step->index; i++) {
        if (pln_action_of(ac->plan->steps[i].kind)->is_move)
            return ac->ex != NULL;
    }
    return true;
}

static bool check_move(struct pln_action_ctx *ac, const struct pln_step *step,
                       enum fx_direction direction, struct fx_err *err)
{
    struct fx_own_look old_look, new_look;
    if (!must_check(ac, step))
        return true;
    if (!fx_own_look_both(ac->ctx, &old_look, &new_look, err))
        return fx_ctx(err, "before step \"%s\"", step->id);
    bool is_forward = direction == FX_FORWARD;
    const struct fx_own *gains = is_forward ? &new_look.own : &old_look.own;
    const struct fx_own *loses = is_forward ? &old_look.own : &new_look.own;
    bool is_moved = gains->state == FX_OWN_HERE && loses->state == FX_OWN_AWAY;
    return !is_moved || fail_moved(ac, gains, loses, direction, err) ||
           fx_ctx(err, "before step \"%s\"", step->id);
}

static bool check_cutover(struct pln_action_ctx *ac, const struct pln_step *step,
                          struct fx_err *err)
{
    return check_move(ac, step, FX_FORWARD, err);
}

static bool check_fallback(struct pln_action_ctx *ac, const struct pln_step *step,
                           struct fx_err *err)
{
    return check_move(ac, step, FX_REVERSE, err);
}

/* Done, but by whom? What another run or a command by hand has moved is not this run's to undo. */
static bool check_mine(struct pln_action_ctx *ac, enum fx_direction direction, struct fx_err *err)
{
    struct fx_own old_side, new_side;
    if (!fx_own_read(ac->ctx, &old_side, &new_side, err))
        return false;
    bool is_forward = direction == FX_FORWARD;
    const struct fx_own *gave = is_forward ? &old_side : &new_side;
    return is_by_this_run(ac, gave) ||
           fail_moved(ac, is_forward ? &new_side : &old_side, gave, direction, err);
}

static bool probe_cut(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                      enum fx_direction direction, bool *ret_done, struct fx_err *err)
{
    struct pln_cutover_result result = {0};
    if (!recover(ac, direction, &result, err))
        return false;
    /* As the undo of a step, all that counts is where the tables are. */
    bool is_undo = step->kind != (direction == FX_FORWARD ? PLN_CUTOVER : PLN_CUTOVER_FALLBACK);
    *ret_done = result.outcome == PLN_CUT_COMMITTED && (is_undo || check_mine(ac, direction, err));
    if (fx_err_is(err))
        return false;
    return !*ret_done || cut_effect(ex, step, &result, err);
}

static bool probe_cutover(struct pln_action_ctx *ac, struct pln_exec *ex,
                          const struct pln_step *step, bool *ret_done, struct fx_err *err)
{
    return probe_cut(ac, ex, step, FX_FORWARD, ret_done, err);
}

static bool probe_fallback(struct pln_action_ctx *ac, struct pln_exec *ex,
                           const struct pln_step *step, bool *ret_done, struct fx_err *err)
{
    return probe_cut(ac, ex, step, FX_REVERSE, ret_done, err);
}

/* An interrupted rehearsal is recovered and then made again. */
static bool probe_rehearse(struct pln_action_ctx *ac, struct pln_exec *ex,
                           const struct pln_step *step, bool *ret_done, struct fx_err *err)
{
    struct pln_cutover_result ignored = {0};
    (void)ex;
    (void)step;
    *ret_done = false;
    return recover(ac, FX_FORWARD, &ignored, err);
}

/* --- the plan --------------------------------------------------------------------------------- */

static void read_rehearse(struct pln_reader *rd, struct pln_step *step, const struct fx_node *node)
{
    struct rehearse_options *opt = FX_ARENA_NEW(rd->arena, struct rehearse_options);
    fx_schema_read(node, rehearse_rules, opt, rd->arena, rd->problems);
    step->options = opt;
}

static bool moves(const struct pln_step *step)
{
    return step->kind == PLN_CUTOVER || step->kind == PLN_CUTOVER_FALLBACK;
}

/*
 * A cut-over and a fall-back must alternate. Which one comes first is not checked: a plan may fall
 * back from what an earlier plan has cut over.
 */
static void lint_move(const struct pln_plan *plan, const struct pln_step *step,
                      struct fx_problems *problems)
{
    const struct pln_step *last = NULL;
    for (int i = 0; i < step->index; i++) {
        if (moves(&plan->steps[i]))
            last = &plan->steps[i];
    }
    if (last == NULL || last->kind != step->kind)
        return;
    fx_problem(problems, fx_node_get(step->node, "do"),
               "step \"%s\" %s, but step \"%s\" in line %d has done so already, and no step "
               "between them does %s",
               step->id, step->kind == PLN_CUTOVER ? "cuts over" : "falls back", last->id,
               last->node->line, pln_kind_info(pln_kind_info(step->kind)->undo)->name);
}

/* --- the kinds -------------------------------------------------------------------------------- */

const struct pln_action pln_action_cutover_rehearse = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_PAUSE,
    .is_protocol = true,
    .rules = rehearse_rules,
    .read = read_rehearse,
    .act = act_rehearse,
    .probe = probe_rehearse,
};

const struct pln_action pln_action_cutover = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_PAUSE,
    .is_protocol = true,
    .is_move = true,
    .all_or_nothing = true,
    .lint = lint_move,
    .check = check_cutover,
    .act = act_cutover,
    .probe = probe_cutover,
};

const struct pln_action pln_action_cutover_fallback = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_PAUSE,
    .is_protocol = true,
    .is_move = true,
    .all_or_nothing = true,
    .lint = lint_move,
    .check = check_fallback,
    .act = act_fallback,
    .probe = probe_fallback,
};
