/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rollback of a run: unfinished cut-overs are recovered first, then the undo list is carried
 * out, newest step first.
 */
#include "plans/run/react.h"

#include "lib/base/panic.h"
#include "lib/io/file.h"
#include "plans/run/rollback_plan.h"
#include "plans/run/undo.h"

/*
 * Whether an unfinished cut-over has happened decides what there is to undo, so it is recovered
 * first.
 */
static bool recover_cuts(struct pln_exec *ex, struct fx_err *err)
{
    for (size_t i = 0; i < ex->plan->n_steps; i++) {
        const struct pln_step *step = &ex->plan->steps[i];
        enum pln_step_state is = ex->state->steps[i].state;
        if (!pln_action_of(step->kind)->is_protocol ||
            (is != PLN_STEP_RUNNING && is != PLN_STEP_FAILED))
            continue;
        struct pln_tries tries = {0};
        bool is_done = false;
        for (;;) {
            /*
             * The recovery confirms over the streams: those that died are restarted, as in
             * pln_exec_act.
             */
            (void)ex->driver->tick(ex->driver_arg, ex, err);
            fx_err_clear(err);
            if (ex->driver->probe(ex->driver_arg, ex, step, step->kind, &is_done, err))
                break;
            if (!pln_try_again(ex, step, step->kind, &tries, err))
                return false;
        }
        /*
         * DONE may follow a running step only, so a failed step that had happened begins again
         * first.
         */
        if (is_done && is == PLN_STEP_FAILED &&
            !pln_exec_append(ex, PLN_REC_INTENT, step, NULL, NULL, err))
            return false;
        if (is_done &&
            !pln_exec_append(ex, PLN_REC_DONE, step, "recovered before the rollback", NULL, err))
            return false;
    }
    return true;
}

/* Does the hint name the command that continues this run, and not another one? */
static bool names_resume(const struct fx_err *err, const char *name)
{
    static const char command[] = "ficus run resume";
    size_t n = strlen(name);
    for (const char *at = strstr(err->hint, command); at != NULL; at = strstr(at, command)) {
        at += sizeof command - 1;
        if (*at != ' ')
            return true;
        if (strncmp(at + 1, name, n) == 0 && strchr(" .,;", at[n + 1]) != NULL)
            return true;
    }
    return false;
}

/* Half a command is worse than none: a text longer than max ends after a whole sentence. */
static void cut_sentences(char *text, size_t max)
{
    if (strlen(text) <= max)
        return;
    size_t n = max;
    while (n > 0 && !(text[n - 1] == '.' && text[n] == ' '))
        n--;
    text[n] = '\0';
}

void pln_exec_hint(const struct pln_exec *ex, const char *what, bool may_go_back,
                   struct fx_err *err)
{
    const char *name = ex->plan->name;
    char first[sizeof err->hint], next[256];
    if (names_resume(err, name))
        return;
    (void)snprintf(next, sizeof next, "ficus run resume %s%s%s", name,
                   may_go_back ? "   or: ficus run rollback " : "", may_go_back ? name : "");
    (void)snprintf(first, sizeof first, "%s", err->hint[0] != '\0' ? err->hint : what);
    cut_sentences(first, sizeof err->hint - sizeof "   Then run: " - strlen(next));
    if (first[0] == '\0')
        fx_hint(err, "Run: %s", next);
    else
        fx_hint(err, "%s   Then run: %s", first, next);
}

static bool fail_undo(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    (void)fx_err_name_context(err, ex->plan->context);
    struct fx_err cause = *err;
    enum pln_reaction reaction = pln_react(&cause, false);
    char reason[PLN_TEXT_MAX];
    if (reaction == PLN_TRY_AGAIN || reaction == PLN_STOP) {
        pln_exec_hint(ex, "The rollback stopped here.", false, err);
        return fx_ctx(err, "rolling back step \"%s\"", step->id);
    }
    fx_err_brief(&cause, reason, sizeof reason);
    if (!pln_exec_append(ex, PLN_REC_RUN_CLOSED, NULL, "stuck", NULL, err))
        return false;
    fx_fail(err, FX_E_STUCK, "step \"%s\" could not be rolled back: %s", step->id, reason);
    fx_hint(err, "%s", cause.hint);
    pln_exec_hint(ex, "Fix the cause.", false, err);
    return false;
}

/* `code`: of the error that led here; "" when an operator asked for the rollback. */
static bool fail_no_return(const struct pln_exec *ex, int blocked, const char *reason,
                           const char *code, struct fx_err *err)
{
    fx_fail(err, FX_E_STUCK,
            "run \"%s\" cannot be rolled back: step \"%s\" was its point of no return",
            ex->plan->name, ex->plan->steps[blocked].id);
    if (code[0] != '\0')
        fx_detail(err, "What stopped the run: %s  [%s]", reason, code);
    return fx_hint(err,
                   "Nothing was undone. Fix what stopped the run, then run: ficus run resume %s",
                   ex->plan->name);
}

/* What is about to be done, as a plan that can be read later. Without a run directory: a test. */
static bool keep_plan(const struct pln_exec *ex, const int *list, size_t n, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 18);
    if (ex->rollback_path == NULL || n == 0)
        return true;
    pln_rollback_write(ex->plan, list, n, NULL, &text);
    return fx_file_write_atomic(ex->rollback_path, fx_buf_str(&text), 0600, err) ||
           fx_ctx(err, "writing the rollback as a plan");
}

/* Whoever opened the run has brought a finished or stuck one back into one of these phases. */
static void assert_may_go_back(const struct pln_exec *ex)
{
    if (ex->state->phase == PLN_PHASE_FORWARD || ex->state->phase == PLN_PHASE_BACK)
        return;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(8192);
    pln_state_show(ex->state, ex->plan->n_steps, &text);
    FX_BUG("run \"%s\" cannot go back: %s", ex->plan->name, fx_buf_cstr(&text));
}

bool pln_exec_back(struct pln_exec *ex, const char *reason, const char *code, struct fx_err *err)
{
    int list[PLN_STEPS_MAX], blocked = -1;
    assert_may_go_back(ex);
    if (ex->state->phase == PLN_PHASE_FORWARD) {
        if (!recover_cuts(ex, err))
            return false;
        /*
         * Beyond a point of no return a run that went back could neither end nor continue: it stays
         * as it is.
         */
        size_t n = pln_undo_list(ex->plan, ex->state, list, &blocked);
        if (blocked >= 0)
            return fail_no_return(ex, blocked, reason, code, err);
        if ((ex->expect != NULL && !pln_rollback_covers(ex->expect, ex->plan, ex->state, err)) ||
            !keep_plan(ex, list, n, err) ||
            !pln_exec_append(ex, PLN_REC_ROLLBACK, NULL, reason, code, err))
            return false;
        pln_exec_report(ex, NULL, "rolling back: %s", reason);
    }
    /* Computed again after each step: the journal says what is left. */
    while (pln_undo_list(ex->plan, ex->state, list, &blocked) > 0) {
        const struct pln_step *step = &ex->plan->steps[list[0]];
        enum pln_kind undo = pln_kind_info(step->kind)->undo;
        bool is_resumed = ex->state->steps[step->index].state == PLN_STEP_UNDOING;
        if (!pln_exec_append(ex, PLN_REC_COMPENSATE, step, NULL, NULL, err))
            return false;
        pln_exec_report(ex, step, "undo: %s", pln_kind_info(undo)->name);
        if (!pln_exec_act(ex, step, undo, is_resumed, err))
            return fail_undo(ex, step, err);
        if (!pln_exec_append(ex, PLN_REC_COMPENSATED, step, NULL, NULL, err))
            return false;
        pln_exec_report(ex, step, "undone");
    }
    if (blocked >= 0)
        return fail_no_return(ex, blocked, reason, code, err);
    return pln_exec_append(ex, PLN_REC_RUN_CLOSED, NULL, "rolled back", NULL, err);
}
