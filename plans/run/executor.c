/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step:
 *
 *   pending --gates BEFORE pass, check--> [INTENT] running --act--> verifying --gates AFTER pass--> [DONE] done
 *      |  closed: waits, then HELD           |  away: tries again (probe first), then stops; resume goes on
 *      |                                     |  fails
 *      v                                     v
 *    held  <------- on_fail: hold ------- [FAIL] --on_fail: rollback--> [ROLLBACK]
 *
 * The run:  forward --> finished     back: for each step of the undo list  [COMPENSATE] act(undo) [COMPENSATED]
 *              \--> back --> rolled back | stuck
 *
 * What is in brackets is a record, durable before the machine goes on. An error is classed once, in react():
 * a server that is away is no reason to roll back (the undo would need it too), a row that differs is.
 */
#include "plans/run/executor.h"

#include <stdarg.h>

#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "plans/run/undo.h"

enum { SLICE_MS = 50, TICK_MS = 250, RETRY_PAUSE_MS = 500, ABORT_PAUSE_MS = 1000 };

enum reaction {
    TRY_AGAIN, /* away for a moment: until policy.retry */
    HOLD_ON,   /* not yet possible: until policy.gate_wait, then HELD */
    ATTEMPT,   /* given up by itself: policy.attempts times */
    STOP,      /* leave everything as it is */
    FAIL_STEP, /* on_fail decides */
};

static enum reaction react(const struct fx_err *err, enum pln_kind kind)
{
    switch (err->code) {
    case FX_E_SOURCE_CONNECT:
    case FX_E_TARGET_CONNECT:
    case FX_E_DB_CONNECT:
    case FX_E_FACADE_CONNECT:
    case FX_E_STREAM:
    case FX_E_DB_CONFLICT:
    case FX_E_TIMEOUT:
    case FX_E_INTERRUPTED: return TRY_AGAIN;
    case FX_E_ABORTED: return ATTEMPT;
    case FX_E_GATE_CLOSED: return pln_kind_is_cut(kind) ? HOLD_ON : FAIL_STEP;
    case FX_E_INCONCLUSIVE: return HOLD_ON;
    case FX_E_HELD:
    case FX_E_USAGE:
    case FX_E_STUCK:
    case FX_E_DRIFT:
    case FX_E_JOURNAL:
    case FX_E_IO:
    case FX_E_SECRET:
    case FX_E_STALE_EPOCH:
    case FX_E_LOCKED:
    case FX_E_BUG: return STOP;
    case FX_E_NONE:
    case FX_E_DIVERGED:
    case FX_E_ROLLED_BACK:
    case FX_E_CONFIG:
    case FX_E_MAPPING:
    case FX_E_SOURCE:
    case FX_E_SOURCE_DATA:
    case FX_E_TARGET:
    case FX_E_TARGET_CONFLICT:
    case FX_E_FACADE:
    case FX_E_DB:
    case FX_E_PROTOCOL:
    case FX_E_HTTP:
    case FX_E_NO_KEY:
    case FX_E_UNSUPPORTED:
    case FX_E_LIMIT:
    case FX_E_COUNT: break;
    }
    return FAIL_STEP;
}

void pln_exec_say(struct pln_exec *ex, const struct pln_step *step, const char *fmt, ...)
{
    if (ex->env->on_event == NULL)
        return;
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(4096);
    if (step != NULL)
        fx_buf_printf(&line, "step %d/%zu %s: ", step->index + 1, ex->plan->n_steps, step->id);
    va_list ap;
    va_start(ap, fmt);
    fx_buf_vprintf(&line, fmt, ap);
    va_end(ap);
    ex->env->on_event(ex->env->arg, fx_buf_cstr(&line));
}

static bool stop_asked(const struct pln_exec *ex)
{
    return ex->env->should_stop != NULL && ex->env->should_stop(ex->env->arg);
}

bool pln_exec_safe_point(struct pln_exec *ex, struct fx_err *err)
{
    if (!stop_asked(ex))
        return true;
    int i = ex->state->current;
    fx_fail(err, FX_E_INTERRUPTED, "stopped at a safe point, in step \"%s\"",
            i >= 0 ? ex->plan->steps[i].id : ex->plan->steps[0].id);
    return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", ex->plan->name,
                   ex->plan->name);
}

/* A stream or its database that is away for less than policy.retry does not end a step that only waits. */
static bool tick(struct pln_exec *ex, struct fx_mono now, struct fx_err *err)
{
    if (ex->hands->tick(ex->hands->arg, ex, err)) {
        ex->tick_failed.us = 0;
        return true;
    }
    if (react(err, PLN_WAIT) != TRY_AGAIN)
        return false;
    if (ex->tick_failed.us == 0) {
        ex->tick_failed = now;
        pln_exec_say(ex, NULL, "waiting: %s [%s]", err->message, fx_code_name(err->code));
    }
    if (fx_mono_reached(fx_mono_add_ms(ex->tick_failed, ex->plan->policy.retry_ms), now))
        return false;
    fx_err_clear(err);
    return true;
}

bool pln_exec_pause(struct pln_exec *ex, int64_t ms, struct fx_err *err)
{
    struct fx_mono end = fx_mono_add_ms(fx_mono_now(), ms);
    struct fx_mono next = fx_mono_now();
    for (;;) {
        struct fx_mono now = fx_mono_now();
        if (!pln_exec_safe_point(ex, err))
            return false;
        if (fx_mono_reached(next, now)) {
            if (!tick(ex, now, err))
                return false;
            next = fx_mono_add_ms(now, TICK_MS);
        }
        int64_t left_ms = fx_mono_since_us(fx_mono_now(), end) / 1000;
        if (left_ms <= 0)
            return true;
        fx_sleep_ms(FX_MIN(left_ms, (int64_t)SLICE_MS));
    }
}

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
        pln_exec_say(ex, step, "%s", text);
    return true;
}

static enum pln_verdict ask_gates(struct pln_exec *ex, const struct pln_step *step,
                                  struct fx_buf *why)
{
    struct pln_facts facts = pln_facts_none;
    facts.now = fx_wall_now();
    fx_buf_clear(why);
    if (step->n_gates == 0)
        return PLN_PASS;
    ex->hands->facts(ex->hands->arg, step, &facts);
    return pln_gates_eval(step, &facts, why);
}

static bool gate_closed(const struct pln_step *step, struct fx_buf *why, struct fx_err *err)
{
    return fx_fail(err, FX_E_GATE_CLOSED, "gate of step \"%s\" failed: %s", step->id,
                   fx_buf_cstr(why));
}

static bool gate_held(struct pln_exec *ex, const struct pln_step *step, struct fx_buf *why,
                      struct fx_err *err)
{
    fx_fail(err, FX_E_HELD, "step \"%s\" waits: %s", step->id, fx_buf_cstr(why));
    return fx_hint(err, "When it can be measured, run: ficus run resume %s", ex->plan->name);
}

/* The words before the first number: a reason whose numbers move is the same reason. */
static bool is_new_reason(const char *why, char *said, size_t size)
{
    size_t n = FX_MIN(strcspn(why, "0123456789"), size - 1);
    if (strncmp(said, why, n) == 0 && said[n] == '\0')
        return false;
    memcpy(said, why, n);
    said[n] = '\0';
    return true;
}

bool pln_exec_watch(struct pln_exec *ex, const struct pln_step *step, int64_t ms,
                    struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    struct fx_mono enough = fx_mono_add_ms(fx_mono_now(), ms);
    struct fx_mono give_up = fx_mono_add_ms(enough, ex->plan->policy.gate_wait_ms);
    char said[64] = "";
    for (;;) {
        enum pln_verdict verdict = ask_gates(ex, step, &why);
        struct fx_mono now = fx_mono_now();
        if (verdict == PLN_FAIL)
            return gate_closed(step, &why, err);
        if (fx_mono_reached(enough, now)) {
            if (verdict == PLN_PASS) {
                if (why.len > 0)
                    pln_exec_say(ex, step, "%s", fx_buf_cstr(&why));
                return true;
            }
            if (is_new_reason(fx_buf_cstr(&why), said, sizeof said))
                pln_exec_say(ex, step, "waiting: %s", fx_buf_cstr(&why));
        }
        if (fx_mono_reached(give_up, now))
            return gate_held(ex, step, &why, err);
        int64_t left_ms = fx_mono_since_us(now, enough) / 1000;
        int64_t next = left_ms > 0 ? FX_MIN(left_ms, ex->poll_ms) : ex->poll_ms;
        if (!pln_exec_pause(ex, next, err))
            return false;
    }
}

/* Before a step acts nothing is at stake, so a gate that fails is waited for like one without an answer. */
static bool wait_before(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    struct fx_mono give_up = fx_mono_add_ms(fx_mono_now(), ex->plan->policy.gate_wait_ms);
    for (bool has_said = false;; has_said = true) {
        if (ask_gates(ex, step, &why) == PLN_PASS)
            return true;
        if (!has_said)
            pln_exec_say(ex, step, "waiting for its gate: %s", fx_buf_cstr(&why));
        if (fx_mono_reached(give_up, fx_mono_now()))
            return gate_held(ex, step, &why, err);
        if (!pln_exec_pause(ex, ex->poll_ms, err))
            return false;
    }
}

static bool append(struct pln_exec *ex, enum pln_rec type, const struct pln_step *step,
                   const char *text, const char *code, struct fx_err *err)
{
    struct pln_record rec = pln_record(type, step);
    rec.text = text;
    rec.code = code;
    return pln_journal_append(ex->journal, &rec, err);
}

struct patience {
    struct fx_mono since; /* of the first failure in a row; us 0: none */
    int64_t aborts;
    bool has_said;
};

/* May the same be tried again? Waits a little; false: no, *err is the verdict. */
static bool try_again(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                      struct patience *pat, struct fx_err *err)
{
    struct fx_err stop = FX_ERR_INIT;
    if (!pln_exec_safe_point(ex, &stop)) {
        *err = stop;
        return false;
    }
    struct fx_mono now = fx_mono_now();
    if (pat->since.us == 0)
        pat->since = now;
    int64_t waited_ms = fx_mono_since_us(pat->since, now) / 1000;
    enum reaction r = react(err, kind);
    bool again = (r == TRY_AGAIN && waited_ms < ex->plan->policy.retry_ms) ||
                 (r == HOLD_ON && waited_ms < ex->plan->policy.gate_wait_ms) ||
                 (r == ATTEMPT && ++pat->aborts < ex->plan->policy.attempts);
    if (!again) {
        if (r == HOLD_ON)
            fx_err_recode(err, FX_E_HELD);
        return false;
    }
    if (!pat->has_said || r == ATTEMPT)
        pln_exec_say(ex, step, "trying again: %s [%s]%s%s", err->message, fx_code_name(err->code),
                     err->detail[0] != '\0' ? ": " : "", err->detail);
    pat->has_said = true;
    /* Not pln_exec_pause: its tick would fail for the reason that is being waited out. */
    struct fx_mono end = fx_mono_add_ms(now, r == TRY_AGAIN ? RETRY_PAUSE_MS : ABORT_PAUSE_MS);
    while (!fx_mono_reached(end, fx_mono_now()) && !stop_asked(ex))
        fx_sleep_ms(SLICE_MS);
    return true;
}

/*
 * A cut-over cannot do without the streams. One that stopped by itself will not come back while this waits: *down says why,
 * and that is the verdict. One that is away for a moment is for the act to find out and to be tried again.
 */
static bool is_hopeless(enum pln_kind kind, const struct fx_err *down)
{
    return pln_kind_is_cut(kind) && fx_err_is(down) && react(down, PLN_WAIT) != TRY_AGAIN;
}

/*
 * act with its retries; after the first failure, or a crash before this process, probe comes first. A step that another
 * process began and that has not happened asks its gates anew: what they saw then may be days old.
 */
static bool act(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                bool is_resumed, struct fx_err *err)
{
    struct patience pat = {0};
    bool must_ask =
        is_resumed && kind == step->kind && pln_kind_info(step->kind)->gates == PLN_BEFORE;
    for (;;) {
        bool is_done = false;
        struct fx_err down = FX_ERR_INIT; /* streams that died are started before they are needed */
        (void)!ex->hands->tick(ex->hands->arg, ex, &down);
        fx_err_clear(err);
        bool ok = !is_resumed || ex->hands->probe(ex->hands->arg, ex, step, kind, &is_done, err);
        if (ok && !is_done && is_hopeless(kind, &down)) { /* only now: ownership is settled first */
            *err = down;
            return false;
        }
        if (ok && !is_done && must_ask) {
            ok = wait_before(ex, step, err);
            must_ask = !ok;
        }
        if (ok && (is_done || ex->hands->act(ex->hands->arg, ex, step, kind, err)))
            return true;
        is_resumed = true;
        if (!try_again(ex, step, kind, &pat, err))
            return false;
    }
}

static bool check(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    struct patience pat = {0};
    if (ex->checked == step->index)
        return true;
    for (;;) {
        fx_err_clear(err);
        if (ex->hands->check(ex->hands->arg, step, err))
            return true;
        if (!try_again(ex, step, step->kind, &pat, err))
            return false;
    }
}

static bool run_step(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    enum pln_step_state was = ex->state->steps[step->index].state;
    const struct pln_kind_info *info = pln_kind_info(step->kind);
    bool is_resumed = was == PLN_STEP_RUNNING || was == PLN_STEP_FAILED;
    if (!is_resumed) {
        if (info->gates == PLN_BEFORE && !wait_before(ex, step, err))
            return false;
        if (!check(ex, step, err))
            return false;
    }
    if (!append(ex, PLN_REC_INTENT, step, NULL, NULL, err))
        return false;
    pln_exec_say(ex, step, "%s%s", info->name, is_resumed ? " (resumed)" : "");
    if (!act(ex, step, step->kind, is_resumed, err))
        return false;
    if (info->gates == PLN_AFTER && !pln_exec_watch(ex, step, 0, err))
        return false;
    const char *note = ex->state->steps[step->index].note;
    char text[PLN_TEXT_MAX];
    snprintf(text, sizeof text, "%s", note);
    if (!append(ex, PLN_REC_DONE, step, text, NULL, err))
        return false;
    pln_exec_say(ex, step, "done");
    return true;
}

/* The message of an error with the first line of its detail, for the journal and the last words of a run. */
static void summary(const struct fx_err *err, char *out, size_t size)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    fx_buf_add_c(&text, err->message);
    if (err->detail[0] != '\0')
        fx_buf_printf(&text, ": %.*s", (int)strcspn(err->detail, "\n"), err->detail);
    struct fx_str fit = fx_utf8_clip(fx_buf_str(&text), size - 1);
    memcpy(out, fit.ptr, fit.len);
    out[fit.len] = '\0';
}

static bool rolled_back(struct pln_exec *ex, const struct pln_step *step, struct fx_err *cause,
                        struct fx_err *err)
{
    char reason[PLN_TEXT_MAX];
    summary(cause, reason, sizeof reason);
    if (!pln_exec_back(ex, reason, fx_code_name(cause->code), err))
        return false;
    struct fx_err out = *cause;
    out.code = FX_E_ROLLED_BACK;
    snprintf(out.message, sizeof out.message, "step \"%s\" failed and the run was rolled back",
             step->id);
    snprintf(out.detail, sizeof out.detail, "%s  [%s]", reason, fx_code_name(cause->code));
    snprintf(out.hint, sizeof out.hint, "Journal: ficus run journal show %s", ex->plan->name);
    *err = out;
    return false;
}

/* A step could not be carried out: stop, hold or turn round. Always false. */
static bool failed(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    struct fx_err cause = *err;
    char reason[PLN_TEXT_MAX];
    summary(&cause, reason, sizeof reason);
    const char *code = fx_code_name(cause.code);
    enum reaction r = react(&cause, step->kind);
    bool is_held = cause.code == FX_E_HELD || r == HOLD_ON;
    if (!is_held && (r == STOP || r == TRY_AGAIN)) {
        if (err->hint[0] == '\0')
            fx_hint(err, "Run: ficus run resume %s", ex->plan->name);
        return fx_ctx(err, "step \"%s\" of plan %s:%d", step->id, ex->plan->path, step->node->line);
    }
    if (is_held) {
        if (!append(ex, PLN_REC_HELD, step, reason, code, err))
            return false;
        *err = cause;
        return false;
    }
    if (!append(ex, PLN_REC_FAIL, step, reason, code, err))
        return false;
    pln_exec_say(ex, step, "failed: %s [%s]", reason, code);
    if (step->on_fail == PLN_FAIL_HOLD) {
        if (!append(ex, PLN_REC_HELD, step, reason, code, err))
            return false;
        *err = cause;
        fx_err_recode(err, FX_E_HELD);
        return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", ex->plan->name,
                       ex->plan->name);
    }
    return rolled_back(ex, step, &cause, err);
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
            return failed(ex, step, err);
    }
    return append(ex, PLN_REC_RUN_CLOSED, NULL, "finished", NULL, err);
}

/* --- the way back ------------------------------------------------------------------------------- */

/* A cut-over that stands half-way must be settled first: whether it is done decides what there is to undo. */
static bool settle(struct pln_exec *ex, struct fx_err *err)
{
    for (size_t i = 0; i < ex->plan->n_steps; i++) {
        const struct pln_step *step = &ex->plan->steps[i];
        enum pln_step_state is = ex->state->steps[i].state;
        if (!pln_kind_is_cut(step->kind) || (is != PLN_STEP_RUNNING && is != PLN_STEP_FAILED))
            continue;
        struct patience pat = {0};
        bool is_done = false;
        for (;;) {
            /* What has happened is confirmed over the streams: those that died are started, as in act. */
            (void)ex->hands->tick(ex->hands->arg, ex, err);
            fx_err_clear(err);
            if (ex->hands->probe(ex->hands->arg, ex, step, step->kind, &is_done, err))
                break;
            if (!try_again(ex, step, step->kind, &pat, err))
                return false;
        }
        /* DONE may follow a running step only; a failed one that had happened is taken up again for it. */
        if (is_done && is == PLN_STEP_FAILED && !append(ex, PLN_REC_INTENT, step, NULL, NULL, err))
            return false;
        if (is_done && !append(ex, PLN_REC_DONE, step, "settled before the rollback", NULL, err))
            return false;
    }
    return true;
}

/* The way on after a rollback that stopped: what the cause says, then resume. */
static bool hint_resume(const struct pln_exec *ex, const char *what, struct fx_err *err)
{
    char first[sizeof err->hint];
    snprintf(first, sizeof first, "%s", err->hint[0] != '\0' ? err->hint : what);
    return fx_hint(err, "%.240s   then: ficus run resume %.64s", first, ex->plan->name);
}

static bool stuck(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    struct fx_err cause = *err;
    char reason[PLN_TEXT_MAX];
    summary(&cause, reason, sizeof reason);
    if (react(&cause, PLN_WAIT) == TRY_AGAIN || react(&cause, PLN_WAIT) == STOP) {
        if (strstr(err->hint, "ficus run ") == NULL)
            (void)!hint_resume(ex, "The rollback stands here;", err);
        return fx_ctx(err, "rolling back step \"%s\"", step->id);
    }
    if (!append(ex, PLN_REC_RUN_CLOSED, NULL, "stuck", NULL, err))
        return false;
    fx_fail(err, FX_E_STUCK, "step \"%s\" could not be rolled back: %s", step->id, reason);
    snprintf(err->hint, sizeof err->hint, "%s", cause.hint);
    return hint_resume(ex, "Mend what the message names,", err);
}

static bool no_return(const struct pln_exec *ex, int blocked, struct fx_err *err)
{
    fx_fail(err, FX_E_STUCK,
            "step \"%s\" was the point of no return; nothing before it can be undone",
            ex->plan->steps[blocked].id);
    return fx_hint(err, "Mend what stopped the run, then: ficus run resume %s", ex->plan->name);
}

bool pln_exec_back(struct pln_exec *ex, const char *reason, const char *code, struct fx_err *err)
{
    int list[PLN_STEPS_MAX], blocked = -1;
    if (ex->state->phase == PLN_PHASE_FORWARD) {
        if (!settle(ex, err))
            return false;
        /* Turned round here a run could neither end nor go on again: it stays as it is, forward is the way. */
        (void)pln_undo_list(ex->plan, ex->state, list, &blocked);
        if (blocked >= 0)
            return no_return(ex, blocked, err);
        if (!append(ex, PLN_REC_ROLLBACK, NULL, reason, code, err))
            return false;
        pln_exec_say(ex, NULL, "rolling back: %s", reason);
    }
    /* Taken anew after each step: the journal, not a variable, says what is left. */
    while (pln_undo_list(ex->plan, ex->state, list, &blocked) > 0) {
        const struct pln_step *step = &ex->plan->steps[list[0]];
        enum pln_kind undo = pln_kind_info(step->kind)->undo;
        bool is_resumed = ex->state->steps[step->index].state == PLN_STEP_UNDOING;
        if (!append(ex, PLN_REC_COMPENSATE, step, NULL, NULL, err))
            return false;
        pln_exec_say(ex, step, "undo: %s", pln_kind_info(undo)->name);
        if (!act(ex, step, undo, is_resumed, err))
            return stuck(ex, step, err);
        if (!append(ex, PLN_REC_COMPENSATED, step, NULL, NULL, err))
            return false;
        pln_exec_say(ex, step, "undone");
    }
    if (blocked >= 0)
        return no_return(ex, blocked, err);
    return append(ex, PLN_REC_RUN_CLOSED, NULL, "rolled back", NULL, err);
}
