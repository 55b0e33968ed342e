/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error means for a run, and how often a step is retried. An unreachable server is no
 * reason to roll back, because the undo would need it too; a row that differs is.
 */
#include "plans/run/react.h"

enum { SLICE_MS = 50, RETRY_PAUSE_MS = 500, ABORT_PAUSE_MS = 1000 };

enum pln_reaction pln_react(const struct fx_err *err, bool is_protocol)
{
    switch (err->code) {
    case FX_E_SOURCE_CONNECT:
    case FX_E_TARGET_CONNECT:
    case FX_E_DB_CONNECT:
    case FX_E_STREAM:
    case FX_E_DB_CONFLICT:
    case FX_E_TIMEOUT:
    case FX_E_INTERRUPTED: return PLN_TRY_AGAIN;
    /* The protocol has retried for policy.retry already, and the rows say who serves. */
    case FX_E_FACADE_CONNECT: return is_protocol ? PLN_STOP : PLN_TRY_AGAIN;
    case FX_E_ABORTED: return PLN_ATTEMPT;
    case FX_E_GATE_CLOSED: return is_protocol ? PLN_HOLD_ON : PLN_FAIL_STEP;
    case FX_E_INCONCLUSIVE: return PLN_HOLD_ON;
    case FX_E_HELD:
    case FX_E_USAGE:
    case FX_E_STUCK:
    case FX_E_DRIFT:
    case FX_E_VERSION:
    case FX_E_JOURNAL:
    case FX_E_IO:
    case FX_E_SECRET:
    case FX_E_STALE_EPOCH:
    case FX_E_LOCKED:
    case FX_E_BUG: return PLN_STOP;
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
    return PLN_FAIL_STEP;
}

bool pln_try_again(struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                   struct pln_tries *tries, struct fx_err *err)
{
    struct fx_err stop = FX_ERR_INIT;
    if (!pln_exec_safe_point(ex, &stop)) {
        *err = stop;
        return false;
    }
    struct fx_mono now = fx_mono_now();
    if (tries->since.us == 0)
        tries->since = now;
    int64_t waited_ms = fx_mono_since_us(tries->since, now) / 1000;
    enum pln_reaction r = pln_react(err, pln_action_of(kind)->is_protocol);
    bool again = (r == PLN_TRY_AGAIN && waited_ms < ex->plan->policy.retry_ms) ||
                 (r == PLN_HOLD_ON && waited_ms < ex->plan->policy.gate_wait_ms) ||
                 (r == PLN_ATTEMPT && ++tries->aborts < ex->plan->policy.attempts);
    if (!again) {
        if (r == PLN_HOLD_ON)
            fx_err_recode(err, FX_E_HELD);
        return false;
    }
    if (!tries->is_reported || r == PLN_ATTEMPT)
        pln_exec_report(ex, step, "retrying: %s [%s]%s%s", err->message, fx_code_name(err->code),
                        err->detail[0] != '\0' ? ": " : "", err->detail);
    tries->is_reported = true;
    /* Not pln_exec_pause: its tick would fail for the same reason. */
    struct fx_mono end = fx_mono_add_ms(now, r == PLN_TRY_AGAIN ? RETRY_PAUSE_MS : ABORT_PAUSE_MS);
    while (!fx_mono_reached(end, fx_mono_now()) && !pln_exec_stop_asked(ex))
        fx_sleep_ms(SLICE_MS);
    return true;
}
