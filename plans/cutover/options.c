/* SPDX-License-Identifier: Apache-2.0 */
/* The names and texts of the protocol's steps, and its limits. */
#include "plans/cutover/cutover.h"

const char *pln_cutover_step_name(enum pln_cutover_step step)
{
    static const char *const names[] = {"preflight", "prepare", "drain",  "hold",     "fence",
                                        "barrier",   "applied", "verify", "identity", "way-back",
                                        "commit",    "open",    "route",  "confirm"};
    _Static_assert(FX_ARRAY_LEN(names) == PLN_CUT_STEP_COUNT, "one name a step");
    return step < PLN_CUT_STEP_COUNT ? names[step] : "?";
}

const char *pln_cutover_step_text(enum pln_cutover_step step)
{
    static const char *const texts[] = {
#define X(name, number, text) text,
        PLN_CUTOVER_STEPS(X)
#undef X
    };
    return step < PLN_CUT_STEP_COUNT ? texts[step] : "?";
}

int pln_cutover_step_number(enum pln_cutover_step step)
{
    static const int numbers[] = {
#define X(name, number, text) number,
        PLN_CUTOVER_STEPS(X)
#undef X
    };
    return step < PLN_CUT_STEP_COUNT ? numbers[step] : -1;
}

struct pln_cutover_options pln_cutover_options_default(void)
{
    return (struct pln_cutover_options){
        .fence_ttl_ms = 15000,
        .hold_ms = 25000,
        .prepare_ms = 2000,
        .drain_before_ms = 200,
        .drain_window_ms = 1000,
        .drain_wait_ms = 60000,
        .drain_ms = 5000,
        .lock_wait_ms = 800,
        .fence_attempts = 5,
        .barrier_ms = 6000,
        .verify_ms = 2000,
        .statement_ms = 1000,
        .open_ms = 60000,
        .route_ms = 60000,
        .confirm_ms = 60000,
        .abort_ms = 60000,
        .lag_max_ms = 5000,
        .old_txn_ms = 2000,
        .identity_gap = 1000,
        .predicted_p99_ms = -1,
    };
}

const char *pln_cutover_event_name(enum pln_cutover_event event)
{
    switch (event) {
    case PLN_CUT_BEGIN: return "begin";
    case PLN_CUT_DONE: return "done";
    case PLN_CUT_FAILED: return "failed";
    case PLN_CUT_NOTE: return "note";
    case PLN_CUT_EVENT_COUNT: break;
    }
    return "?";
}
