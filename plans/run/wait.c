/* SPDX-License-Identifier: Apache-2.0 */
/* Every wait of a run checks for a stop request and keeps the streams alive. */
#include <stdarg.h>

#include "plans/run/react.h"

enum { SLICE_MS = 50, TICK_MS = 250 };

void pln_exec_report(struct pln_exec *ex, const struct pln_step *step, const char *fmt, ...)
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

bool pln_exec_stop_asked(const struct pln_exec *ex)
{
    return ex->env->should_stop != NULL && ex->env->should_stop(ex->env->arg);
}

bool pln_exec_safe_point(struct pln_exec *ex, struct fx_err *err)
{
    if (!pln_exec_stop_asked(ex))
        return true;
    int i = ex->state->current;
    fx_fail(err, FX_E_INTERRUPTED, "run \"%s\" was stopped as requested, in step \"%s\"",
            ex->plan->name, i >= 0 ? ex->plan->steps[i].id : ex->plan->steps[0].id);
    return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", ex->plan->name,
                   ex->plan->name);
}

/*
 * A stream or database that is unreachable for less than policy.retry does not end a waiting step.
 */
static bool tick(struct pln_exec *ex, struct fx_mono now, struct fx_err *err)
{
    if (ex->driver->tick(ex->driver_arg, ex, err)) {
        ex->tick_failed.us = 0;
        return true;
    }
    if (pln_react(err, false) != PLN_TRY_AGAIN)
        return false;
    if (ex->tick_failed.us == 0) {
        ex->tick_failed = now;
        pln_exec_report(ex, NULL, "waiting: %s [%s]", err->message, fx_code_name(err->code));
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

static enum pln_verdict ask_gates(struct pln_exec *ex, const struct pln_step *step,
                                  struct fx_buf *why)
{
    struct pln_facts facts = pln_facts_none;
    facts.now = fx_wall_now();
    fx_buf_clear(why);
    if (step->n_gates == 0)
        return PLN_PASS;
    ex->driver->facts(ex->driver_arg, step, &facts);
    return pln_gates_eval(step->gates, step->n_gates, &facts, why);
}

static bool fail_gate_closed(const struct pln_step *step, struct fx_buf *why, struct fx_err *err)
{
    return fx_fail(err, FX_E_GATE_CLOSED, "gate of step \"%s\" failed: %s", step->id,
                   fx_buf_cstr(why)) ||
           fx_hint(err, "Bring the measured value within the limit of the gate.");
}

static bool fail_gate_held(struct pln_exec *ex, const struct pln_step *step, struct fx_buf *why,
                           struct fx_err *err)
{
    fx_fail(err, FX_E_HELD, "step \"%s\" is held: %s", step->id, fx_buf_cstr(why));
    return fx_hint(err,
                   "When the gate can be measured again, run: ficus run resume %s   To undo the "
                   "run: ficus run rollback %s",
                   ex->plan->name, ex->plan->name);
}

/* Compares the text before the first number: a reason whose numbers change is the same reason. */
static bool is_new_reason(const char *why, char *last, size_t size)
{
    size_t n = FX_MIN(strcspn(why, "0123456789"), size - 1);
    if (strncmp(last, why, n) == 0 && last[n] == '\0')
        return false;
    memcpy(last, why, n);
    last[n] = '\0';
    return true;
}

bool pln_exec_watch(struct pln_exec *ex, const struct pln_step *step, int64_t ms,
                    struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    struct fx_mono enough = fx_mono_add_ms(fx_mono_now(), ms);
    struct fx_mono give_up = fx_mono_add_ms(enough, ex->plan->policy.gate_wait_ms);
    char last[64] = "";
    for (;;) {
        enum pln_verdict verdict = ask_gates(ex, step, &why);
        struct fx_mono now = fx_mono_now();
        if (verdict == PLN_FAIL)
            return fail_gate_closed(step, &why, err);
        if (fx_mono_reached(enough, now)) {
            if (verdict == PLN_PASS) {
                if (why.len > 0)
                    pln_exec_report(ex, step, "%s", fx_buf_cstr(&why));
                return true;
            }
            if (is_new_reason(fx_buf_cstr(&why), last, sizeof last))
                pln_exec_report(ex, step, "waiting: %s", fx_buf_cstr(&why));
        }
        if (fx_mono_reached(give_up, now))
            return fail_gate_held(ex, step, &why, err);
        int64_t left_ms = fx_mono_since_us(now, enough) / 1000;
        int64_t next = left_ms > 0 ? FX_MIN(left_ms, ex->poll_ms) : ex->poll_ms;
        if (!pln_exec_pause(ex, next, err))
            return false;
    }
}

bool pln_exec_wait_gates(struct pln_exec *ex, const struct pln_step *step, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    struct fx_mono give_up = fx_mono_add_ms(fx_mono_now(), ex->plan->policy.gate_wait_ms);
    for (bool is_reported = false;; is_reported = true) {
        if (ask_gates(ex, step, &why) == PLN_PASS)
            return true;
        if (!is_reported)
            pln_exec_report(ex, step, "waiting for its gates: %s", fx_buf_cstr(&why));
        if (fx_mono_reached(give_up, fx_mono_now()))
            return fail_gate_held(ex, step, &why, err);
        if (!pln_exec_pause(ex, ex->poll_ms, err))
            return false;
    }
}
