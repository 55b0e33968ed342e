/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step:
 *
 *   pending --gates BEFORE, check--> [INTENT] running --act--> verifying --gates AFTER--> [DONE]
 *   done
 *      |  closed: waits, then HELD                 |  away: tries again (probe first), then stops;
 *      |                                           |  resume goes on. It fails:
 *      v                                           v
 *    held  <------- on_fail: hold ------------- [FAIL] --on_fail: rollback--> [ROLLBACK]
 *
 * The run:  forward --> finished    back: each step of the undo list [COMPENSATE] [COMPENSATED]
 *              \--> back --> rolled back | stuck
 *
 * What is in brackets is a record, durable before the machine goes on. An error is classed once, in
 * react.c: a server that is away is no reason to roll back (the undo would need it too), a row that
 * differs is.
 */
#include "plans/run/react.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

bool pln_exec_effect(struct pln_exec *ex, const struct pln_step *step, double weight,
                     int64_t predicted_ms, const char *text, struct fx_err *err)
{
    struct pln_record rec = pln_record(PLN_REC_EFFECT, step);
    rec.weight = weight;
    rec.predicted_ms = predicted_ms;
    rec.text = text;
    if (!pln_journal_append(ex->journal, &rec, err))
        return false;
    if (text != NULL)
        pln_exec_report(ex, step, "%s", text);
    return true;
}

bool pln_exec_append(struct pln_exec *ex, enum pln_rec type, const struct pln_step *step,
                     const char *text, const char *code, struct fx_err *err)
{
    struct pln_record rec = pln_record(type, step);
    rec.text = text;
    rec.code = code;
    return pln_journal_append(ex->journal, &rec, err);
}

/*
 * A cut-over needs the streams. One that stopped by itself does not come back: its error (*down) is
 * the result. One that is only unreachable is retried by `act`.
 */
static bool is_hopeless(enum pln_kind kind, const struct fx_err *down)
{
    return pln_action_of(kind)->is_protocol && fx_err_is(down) &&
           pln_react(down, false) != PLN_TRY_AGAIN;
}

/*
 * Calls act with retries; after the first failure, or when an earlier process had begun the step,
 * probe comes first. A resumed step that has not happened evaluates its gates again: their last
 * values may be days old.
 */
bool pln_exec_act(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  bool is_resumed, struct fx_err *err)
{
    struct pln_tries tries = {0};
    bool must_ask =
        is_resumed && kind == step->kind && pln_kind_info(step->kind)->gates == PLN_BEFORE;
    for (;;) {
        bool is_done = false;
        struct fx_err down =
            FX_ERR_INIT; /* streams that died are restarted before they are needed */
        (void)!ex->driver->tick(ex->driver_arg, ex, &down);
        fx_err_clear(err);
        bool ok = !is_resumed || ex->driver->probe(ex->driver_arg, ex, step, kind, &is_done, err);
        if (ok && !is_done &&
            is_hopeless(kind, &down)) { /* only now: the recovery of ownership comes first */
            *err = down;
            return false;
        }
        if (ok && !is_done && must_ask) {
            ok = pln_exec_wait_gates(ex, step, err);
            must_ask = !ok;
        }
        if (ok && (is_done || ex->driver->act(ex->driver_arg, ex, step, kind, err)))
            return true;
        is_resumed = true;
        if (!pln_try_again(ex, step, kind, &tries, err))
            return false;
    }
}

static bool check(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    struct pln_tries tries = {0};
    if (ex->checked == step->index)
        return true;
    for (;;) {
        fx_err_clear(err);
        if (ex->driver->check(ex->driver_arg, step, err))
            return true;
        if (!pln_try_again(ex, step, step->kind, &tries, err))
            return false;
    }
}

/* A step may begin only when the steps before it are done and no later one has begun. */
static void assert_next(const struct pln_exec *ex, const struct pln_step *step)
{
    const struct pln_state *state = ex->state;
    bool is_sound = state->phase == PLN_PHASE_FORWARD;
    for (int i = 0; i < (int)ex->plan->n_steps; i++) {
        enum pln_step_state is = state->steps[i].state;
        is_sound &= i < step->index ? is == PLN_STEP_DONE
                                    : i == step->index || is == PLN_STEP_PENDING ||
                                          is == PLN_STEP_UNDONE || is == PLN_STEP_DONE;
    }
    if (is_sound)
        return;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(8192);
    pln_state_show(state, ex->plan->n_steps, &text);
    FX_BUG("step \"%s\" of run \"%s\" cannot be next: %s", step->id, ex->plan->name,
           fx_buf_cstr(&text));
}

static bool run_step(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    enum pln_step_state was = ex->state->steps[step->index].state;
    const struct pln_kind_info *info = pln_kind_info(step->kind);
    bool is_resumed = was == PLN_STEP_RUNNING || was == PLN_STEP_FAILED;
    assert_next(ex, step);
    if (!is_resumed) {
        if (info->gates == PLN_BEFORE && !pln_exec_wait_gates(ex, step, err))
            return false;
        if (!check(ex, step, err))
            return false;
    }
    if (!pln_exec_append(ex, PLN_REC_INTENT, step, NULL, NULL, err))
        return false;
    pln_exec_report(ex, step, "%s%s", info->name, is_resumed ? " (resumed)" : "");
    if (!pln_exec_act(ex, step, step->kind, is_resumed, err))
        return false;
    if (info->gates == PLN_AFTER && !pln_exec_watch(ex, step, 0, err))
        return false;
    const char *note = ex->state->steps[step->index].note;
    char text[PLN_TEXT_MAX];
    snprintf(text, sizeof text, "%s", note);
    if (!pln_exec_append(ex, PLN_REC_DONE, step, text, NULL, err))
        return false;
    pln_exec_report(ex, step, "done");
    return true;
}

/* The length of what `hint` advises apart from resuming: a run that was rolled back cannot be. */
static size_t advice_len(const char *hint)
{
    const char *resume = strstr(hint, "ficus run resume");
    if (resume == NULL)
        return strlen(hint);
    for (const char *at = resume; at > hint; at--)
        if (strncmp(at, "; ", 2) == 0 || strncmp(at, ". ", 2) == 0 || strncmp(at, ", then", 6) == 0)
            return (size_t)(at - hint);
    return 0;
}

/* What the cause advises comes first: it names the file or the command that says more. */
static bool hint_again(const struct pln_exec *ex, const struct fx_err *cause, struct fx_err *err)
{
    FX_AUTO_STR char *again =
        fx_asprintf("Journal: ficus run journal show %s. After the cause is fixed, start it again: "
                    "ficus run start %s --execute",
                    ex->plan->name, ex->state->plan_path);
    size_t n = advice_len(cause->hint);
    if (n == 0 || n + strlen(again) + 4 >= sizeof err->hint)
        return fx_hint(err, "%s", again);
    return fx_hint(err, "%.*s%s%s", (int)n, cause->hint, cause->hint[n - 1] == '.' ? " " : ". ",
                   again);
}

static bool fail_rolled_back(struct pln_exec *ex, const struct pln_step *step,
                             const struct fx_err *cause, struct fx_err *err)
{
    char reason[PLN_TEXT_MAX];
    const char *code = fx_code_name(cause->code);
    fx_err_brief(cause, reason, sizeof reason);
    if (!pln_exec_back(ex, reason, code, err))
        return false;
    fx_fail(err, FX_E_ROLLED_BACK, "step \"%s\" failed and the run was rolled back", step->id);
    size_t n = strlen(cause->context);
    if (n > 0)
        fx_ctx(err, "%.*s", (int)n - 1, cause->context); /* the frames, without the last newline */
    fx_detail(err, "%s  [%s]", reason, code);
    return hint_again(ex, cause, err);
}

/* A step failed: stop, hold or roll back. */
static bool fail_step(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    (void)fx_err_name_context(err, ex->plan->context);
    struct fx_err cause = *err;
    char reason[PLN_TEXT_MAX];
    fx_err_brief(&cause, reason, sizeof reason);
    const char *code = fx_code_name(cause.code);
    enum pln_reaction r = pln_react(&cause, pln_action_of(step->kind)->is_protocol);
    bool is_held = cause.code == FX_E_HELD || r == PLN_HOLD_ON;
    if (!is_held && (r == PLN_STOP || r == PLN_TRY_AGAIN)) {
        pln_exec_hint(ex, "", false, err);
        return fx_ctx(err, "step \"%s\" of plan %s:%d", step->id, ex->plan->path, step->node->line);
    }
    if (is_held) {
        if (!pln_exec_append(ex, PLN_REC_HELD, step, reason, code, err))
            return false;
        *err = cause;
        pln_exec_hint(ex, "", true, err);
        return false;
    }
    if (!pln_exec_append(ex, PLN_REC_FAIL, step, reason, code, err))
        return false;
    pln_exec_report(ex, step, "failed: %s [%s]", reason, code);
    if (step->on_fail == PLN_FAIL_HOLD) {
        if (!pln_exec_append(ex, PLN_REC_HELD, step, reason, code, err))
            return false;
        *err = cause;
        fx_err_recode(err, FX_E_HELD);
        pln_exec_hint(ex, "", true, err);
        return false;
    }
    return fail_rolled_back(ex, step, &cause, err);
}

bool pln_exec_forward(struct pln_exec *ex, struct fx_err *err)
{
    for (size_t i = 0; i < ex->plan->n_steps; i++) {
        const struct pln_step *step = &ex->plan->steps[i];
        if (ex->state->steps[i].state == PLN_STEP_DONE)
            continue;
        if (!pln_exec_safe_point(ex, err))
            return false;
        if (!run_step(ex, step, err))
            return fail_step(ex, step, err);
    }
    return pln_exec_append(ex, PLN_REC_RUN_CLOSED, NULL, "finished", NULL, err);
}
