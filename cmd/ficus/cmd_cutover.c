/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cutover rehearse | start | fallback: the protocol without a plan. Each command first finishes
 * what an earlier one left unfinished, so after a crash the same command is repeated.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cdc/cdc.h"
#include "cmd/ficus/interrupt.h"
#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "lib/cli/print.h"
#include "lib/io/who.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/sides.h"
#include "plans/cutover/cutover.h"
#include "plans/run/lock.h"
#include "plans/plan.h"
#include "strangler/control.h"

struct cutover_options {
    const char *context, *confirm;
    int64_t fence_ttl_ms, hold_ms, drain_ms, drain_before_ms, drain_wait_ms, rounds;
    bool execute, json;
};

#define COMMON_OPTIONS                                                                      \
    FX_OPT_TEXT(struct cutover_options, context, "context", 'c', "NAME",                    \
                "the context of ficus.yaml (needed when there are several)"),               \
        FX_OPT_DURATION(struct cutover_options, fence_ttl_ms, "fence-ttl", 0, "TIME",       \
                        "the fence expires after this and its side accepts writes again",   \
                        .def = "15s"),                                                      \
        FX_OPT_DURATION(struct cutover_options, hold_ms, "hold", 0, "TIME",                 \
                        "longest time a facade holds a write", .def = "25s"),               \
        FX_OPT_DURATION(struct cutover_options, drain_ms, "drain", 0, "TIME",               \
                        "longest wait for writes in flight", .def = "5s"),                  \
        FX_OPT_DURATION(struct cutover_options, drain_before_ms, "drain-before", 0, "TIME", \
                        "hold writes only when the lag stays below this", .def = "200ms"),  \
        FX_OPT_DURATION(struct cutover_options, drain_wait_ms, "drain-wait", 0, "TIME",     \
                        "longest wait for that", .def = "60s"),                             \
        CMD_OPT_JSON(struct cutover_options),                                               \
        FX_OPT_FLAG(struct cutover_options, execute, "execute", 0,                          \
                    "execute; without it only the preflight checks run")

static const struct fx_opt rehearse_options[] = {
    COMMON_OPTIONS,
    FX_OPT_INT(struct cutover_options, rounds, "rounds", 0, "N", "cut over and fall back N times",
               .def = "5"),
    FX_OPT_END,
};
static const struct fx_opt move_options[] = {
    COMMON_OPTIONS,
    FX_OPT_TEXT(struct cutover_options, confirm, "confirm", 0, "NAME",
                "the context's name, required with --execute"),
    FX_OPT_END,
};

/* What a call works with; everything in the call's arena. */
struct scene {
    struct fx_project *project;
    struct pln_cutover_env env;
    struct pln_cutover_options opt;
    struct fcd_endpoint facade;
    char operator_name[128];
    bool is_json; /* standard output is for one object */
};

static bool print_step(void *arg, enum pln_cutover_step step, enum pln_cutover_event event,
                       const char *group, const char *detail, struct fx_err *err)
{
    const struct scene *scene = arg;
    (void)err;
    if (event != PLN_CUT_BEGIN && !scene->is_json)
        fx_print("%s  %-9s %s  %s\n", group, pln_cutover_step_name(step),
                 pln_cutover_event_name(event), detail);
    (void)fflush(stdout);
    return true;
}

static bool scene_open(struct cmd_call *call, struct scene *scene, struct fx_err *err)
{
    struct cutover_options *given = call->options;
    struct fx_context *ctx = NULL;
    if (!cmd_project_load(call, &scene->project, err) ||
        !cmd_context(call, scene->project, given->context, &ctx, err) ||
        !pln_endpoint_read(scene->project, call->arena, &scene->facade, err))
        return false;
    given->context = ctx->name;
    scene->is_json = given->json;
    if (given->hold_ms < 1 || given->hold_ms > FCD_HOLD_MAX_MS)
        return fx_fail(err, FX_E_USAGE,
                       "--hold must be between 1 ms and 1 h, not %" PRId64
                       " ms: a facade holds writes no longer",
                       given->hold_ms) ||
               fx_hint(err, "Give --hold 25s (the default), or as long as your clients wait.");
    char who[FX_WHO_TEXT];
    fx_who_text(who);
    (void)snprintf(scene->operator_name, sizeof scene->operator_name, "%.100s cutover %s", who,
                   call->cmd->verb);
    scene->env = (struct pln_cutover_env){.project = scene->project,
                                          .context = ctx,
                                          .facades = &scene->facade,
                                          .n_facades = 1,
                                          .operator_name = scene->operator_name,
                                          .log = print_step,
                                          .arg = scene,
                                          .should_stop = cmd_interrupt_asked};
    scene->opt = pln_cutover_options_default();
    scene->opt.fence_ttl_ms = given->fence_ttl_ms;
    scene->opt.hold_ms = given->hold_ms;
    scene->opt.drain_ms = given->drain_ms;
    scene->opt.drain_before_ms = given->drain_before_ms;
    scene->opt.drain_wait_ms = given->drain_wait_ms;
    return true;
}

/* Before anything is changed: this controller holds the context, or nobody does. */
static bool take(struct cmd_call *call, const struct scene *scene, struct fx_err *err)
{
    const char *what = fx_arena_printf(call->arena, "cutover %s", call->cmd->verb);
    struct cdc_ref ref = {.project_path = scene->project->path,
                          .state_dir = scene->project->state_dir,
                          .context = scene->env.context->name};
    return fx_controller_take(scene->project, what, "", call->arena, err) &&
           fx_holder_claim(scene->env.context, cdc_has_copied(&ref), err);
}

static void print_timings(const int64_t step_ms[PLN_CUT_STEP_COUNT])
{
    for (int i = 0; i < PLN_CUT_STEP_COUNT; i++)
        if (step_ms[i] >= 0)
            fx_print("  %-9s %6" PRId64 " ms\n", pln_cutover_step_name((enum pln_cutover_step)i),
                     step_ms[i]);
}

static void print_forecast(const struct pln_forecast *forecast)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
    pln_forecast_text(forecast, &text);
    fx_print("%s\n", fx_buf_cstr(&text));
}

static void json_forecast(struct cmd_json *json, const struct pln_forecast *forecast)
{
    fx_json_w_key(&json->w, "forecast");
    fx_json_w_object(&json->w);
    cmd_json_known(json, "hold_ms", forecast->hold_ms);
    cmd_json_known(json, "p50_ms", forecast->p50_ms);
    cmd_json_known(json, "p99_ms", forecast->p99_ms);
    cmd_json_known(json, "longest_ms", forecast->longest_ms);
    cmd_json_known(json, "held", forecast->held);
    cmd_json_known(json, "writes_per_s", forecast->writes_per_s);
    fx_json_w_kv_bool(&json->w, "is_too_slow", forecast->is_too_slow);
    fx_json_w_end(&json->w);
}

static void json_steps(struct cmd_json *json, const int64_t step_ms[PLN_CUT_STEP_COUNT])
{
    fx_json_w_key(&json->w, "steps");
    fx_json_w_object(&json->w);
    for (int i = 0; i < PLN_CUT_STEP_COUNT; i++)
        cmd_json_known(json, pln_cutover_step_name((enum pln_cutover_step)i), step_ms[i]);
    fx_json_w_end(&json->w);
}

static const char *outcome_word(enum pln_cutover_outcome outcome)
{
    switch (outcome) {
    case PLN_CUT_NOTHING: return "nothing";
    case PLN_CUT_COMMITTED: return "committed";
    case PLN_CUT_ABORTED: return "aborted";
    case PLN_CUT_UNFINISHED: break;
    }
    return "unfinished";
}

static void print_result_json(const char *group, const struct pln_cutover_result *r)
{
    struct cmd_json json;
    bool is_known = r->outcome == PLN_CUT_COMMITTED || r->outcome == PLN_CUT_ABORTED;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "context", group);
    fx_json_w_kv_text(&json.w, "outcome", outcome_word(r->outcome));
    fx_json_w_kv_text(&json.w, "owner", !is_known ? NULL : r->new_serves ? "new" : "old");
    cmd_json_known(&json, "epoch", is_known ? r->epoch : -1);
    cmd_json_known(&json, "pause_ms", is_known ? r->pause_ms : -1);
    cmd_json_known(&json, "fenced_ms", is_known ? r->fenced_ms : -1);
    cmd_json_known(&json, "longest_wait_ms", r->held_max_ms);
    cmd_json_known(&json, "keys_compared", r->keys_compared);
    cmd_json_known(&json, "unfenced_writes", r->leaks);
    json_forecast(&json, &r->forecast);
    json_steps(&json, r->step_ms);
    cmd_json_print(&json);
}

/* "; writes paused 12 ms, fenced 9 ms": nothing that was not measured. */
static void print_measured(const struct pln_cutover_result *r)
{
    const struct {
        int64_t value;
        const char *before, *after;
    } parts[] = {{r->pause_ms, "writes paused ", " ms"},
                 {r->fenced_ms, "fenced ", " ms"},
                 {r->keys_compared, "", " keys compared"},
                 {r->leaks, "", " unfenced writes"}};
    const char *before = "; ";
    for (size_t i = 0; i < FX_ARRAY_LEN(parts); i++) {
        if (parts[i].value < 0)
            continue;
        fx_print("%s%s%" PRId64 "%s", before, parts[i].before, parts[i].value, parts[i].after);
        before = ", ";
    }
    fx_print("\n");
}

static void print_result_text(const char *group, const struct pln_cutover_result *r)
{
    print_timings(r->step_ms);
    if (r->outcome == PLN_CUT_UNFINISHED) {
        fx_print(
            "%s: unfinished; possibly neither side accepts writes. Run the same command again.\n",
            group);
        return;
    }
    if (r->held_max_ms >= 0 && r->forecast.longest_ms >= 0)
        fx_print("%s: forecast %" PRId64 " ms, longest write waited %" PRId64 " ms\n", group,
                 r->forecast.longest_ms, r->held_max_ms);
    else if (r->held_max_ms >= 0)
        fx_print("%s: longest write waited %" PRId64 " ms\n", group, r->held_max_ms);
    fx_print("%s: the %s side owns the tables at epoch %" PRId64, group,
             r->new_serves ? "new" : "old", r->epoch);
    print_measured(r);
}

static void print_result(const struct scene *scene, const struct pln_cutover_result *r)
{
    (scene->is_json ? print_result_json : print_result_text)(scene->env.context->name, r);
}

/*
 * The facade still holds writes, has reserved hold slots, or was not told what became of the move:
 * an earlier cut-over is unfinished, also when the database has lost its fence in a failover.
 */
static bool facade_waits(struct cmd_call *call, const struct scene *scene)
{
    struct fcd_status *status = NULL;
    struct fx_err ignored = FX_ERR_INIT; /* the preflight reports it */
    if (!fcd_control_status(&scene->facade, call->arena, &status, &ignored))
        return false;
    for (size_t i = 0; i < status->n_groups; i++)
        if (strcmp(status->groups[i].group, scene->env.context->name) == 0)
            return status->groups[i].hold != FCD_OPEN || status->groups[i].is_unknown;
    return false;
}

/* People are told by an error of another controller's cut-over how to go on, and nothing else. */
static bool says_more(const struct scene *scene, const struct pln_cutover_result *result,
                      const struct fx_err *err)
{
    return result->outcome != PLN_CUT_NOTHING && (scene->is_json || err->code != FX_E_STALE_EPOCH);
}

/* Finishes an unfinished cut-over first. *ret_done: that has moved the group already. */
static bool finish_first(struct cmd_call *call, struct scene *scene, enum fx_direction direction,
                         bool *ret_done, struct fx_err *err)
{
    struct fx_own old_own = {0}, new_own = {0};
    struct pln_cutover_result result;
    *ret_done = false;
    if (!fx_own_read(scene->env.context, &old_own, &new_own, err))
        return false;
    const struct fx_own *a = direction == FX_FORWARD ? &old_own : &new_own;
    const struct fx_own *b = direction == FX_FORWARD ? &new_own : &old_own;
    bool is_clean = a->state == FX_OWN_HERE && b->state == FX_OWN_AWAY;
    if (is_clean && !facade_waits(call, scene))
        return true;
    if (!scene->is_json)
        fx_print("finishing the earlier cut-over first\n");
    bool ok = pln_cutover_resume(&scene->env, direction, &scene->opt, &result, err);
    *ret_done = ok && result.outcome == PLN_CUT_COMMITTED;
    if (*ret_done || (!ok && says_more(scene, &result, err)))
        print_result(scene, &result);
    return ok;
}

static void print_look_json(const struct scene *scene, enum fx_direction direction,
                            const struct pln_forecast *forecast)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "context", scene->env.context->name);
    fx_json_w_kv_text(&json.w, "to", direction == FX_FORWARD ? "new" : "old");
    cmd_json_findings(&json, scene->env.findings);
    json_forecast(&json, forecast);
    cmd_json_print(&json);
}

/* What is in the way is the answer; an error that is no finding leaves standard output empty. */
static bool look(struct scene *scene, enum fx_direction direction, struct fx_err *err)
{
    const char *context = scene->env.context->name;
    struct pln_forecast forecast;
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    scene->env.findings = &f;
    bool ok = pln_cutover_preflight(&scene->env, direction, &scene->opt, &forecast, err);
    if (scene->is_json && (ok || f.n > 0))
        print_look_json(scene, direction, &forecast);
    scene->env.findings = NULL;
    if (!ok || scene->is_json)
        return ok;
    print_forecast(&forecast);
    fx_print("preflight of context \"%s\" passed; nothing was changed. To execute, add --execute "
             "--confirm=%s.\n",
             context, context);
    return true;
}

static bool move(struct cmd_call *call, enum fx_direction direction, struct fx_err *err)
{
    const struct cutover_options *given = call->options;
    struct scene scene = {0};
    struct pln_cutover_result result;
    bool is_done = false;
    if (!scene_open(call, &scene, err))
        return false;
    if (!given->execute)
        return look(&scene, direction, err);
    if (given->confirm == NULL || strcmp(given->confirm, given->context) != 0) {
        fx_fail(err, FX_E_USAGE, "moving the writes of context \"%s\" must be confirmed",
                given->context);
        return fx_hint(err, "Run: ficus cutover %s --context %s --execute --confirm=%s",
                       call->cmd->verb, given->context, given->context);
    }
    struct fx_flock *lock = NULL;
    if (!pln_lock_context(scene.project->state_dir, given->context,
                          direction == FX_FORWARD ? "cutover start" : "cutover fallback", &lock,
                          err))
        return false;
    cmd_interrupt_catch(); /* writes are held meanwhile: Ctrl-C must release them */
    bool ok = take(call, &scene, err) && finish_first(call, &scene, direction, &is_done, err);
    if (ok && !is_done) {
        ok = pln_cutover_run(&scene.env, direction, &scene.opt, &result, err);
        if (ok || result.outcome != PLN_CUT_NOTHING)
            print_result(&scene, &result);
    }
    fx_flock_release(lock);
    return ok;
}

static bool cutover_start(struct cmd_call *call, struct fx_err *err)
{
    return move(call, FX_FORWARD, err);
}

static bool cutover_fallback(struct cmd_call *call, struct fx_err *err)
{
    return move(call, FX_REVERSE, err);
}

static void print_rehearsal_json(const char *context, const struct pln_rehearsal *rehearsal)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "context", context);
    fx_json_w_kv_i64(&json.w, "rounds", rehearsal->rounds);
    cmd_json_known(&json, "pause_p50_ms", rehearsal->predicted_p50_ms);
    cmd_json_known(&json, "pause_p99_ms", rehearsal->predicted_p99_ms);
    json_forecast(&json, &rehearsal->forecast);
    json_steps(&json, rehearsal->step_max_ms);
    cmd_json_print(&json);
}

static bool cutover_rehearse(struct cmd_call *call, struct fx_err *err)
{
    const struct cutover_options *given = call->options;
    struct scene scene = {0};
    struct pln_rehearsal rehearsal = {0};
    if (given->rounds < 1 || given->rounds > PLN_REHEARSAL_ROUNDS_MAX)
        return fx_fail(err, FX_E_USAGE, "--rounds must be between 1 and %d, not %" PRId64,
                       PLN_REHEARSAL_ROUNDS_MAX, given->rounds);
    if (!scene_open(call, &scene, err))
        return false;
    if (!given->execute && given->json)
        return fx_fail(err, FX_E_USAGE, "there is nothing to print as JSON before a rehearsal") ||
               fx_hint(err, "Run: ficus cutover rehearse --context %s --json --execute",
                       given->context);
    if (!given->execute) {
        fx_print("would rehearse %" PRId64
                 " rounds on group \"%s.canary\". To execute, add --execute.\n",
                 given->rounds, given->context);
        return true;
    }
    struct fx_flock *lock = NULL;
    if (!pln_lock_context(scene.project->state_dir, given->context, "cutover rehearse", &lock, err))
        return false;
    cmd_interrupt_catch();
    bool ok = take(call, &scene, err) &&
              pln_cutover_rehearse(&scene.env, &scene.opt, (int)given->rounds, &rehearsal, err);
    fx_flock_release(lock);
    if (!ok)
        return false;
    if (given->json) {
        print_rehearsal_json(given->context, &rehearsal);
        return true;
    }
    print_timings(rehearsal.step_max_ms);
    fx_print(
        "%d rounds of cut-over and fall-back on the idle canary: predicted write pause p50 %" PRId64
        " ms, p99 %" PRId64 " ms\n",
        rehearsal.rounds, rehearsal.predicted_p50_ms, rehearsal.predicted_p99_ms);
    print_forecast(&rehearsal.forecast);
    return true;
}

const struct cmd cmd_cutover[] = {
    {.noun = "cutover",
     .verb = "rehearse",
     .summary = "run the whole cut-over and fall-back on a canary table and measure it",
     .options = rehearse_options,
     .options_size = sizeof(struct cutover_options),
     .run = cutover_rehearse},
    {.noun = "cutover",
     .verb = "start",
     .summary = "move the writes of a context to its new side",
     .options = move_options,
     .options_size = sizeof(struct cutover_options),
     .run = cutover_start},
    {.noun = "cutover",
     .verb = "fallback",
     .summary = "move the writes of a context back to its old side",
     .options = move_options,
     .options_size = sizeof(struct cutover_options),
     .run = cutover_fallback},
    CMD_END,
};
