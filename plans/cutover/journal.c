/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cut-over says and what it is given: the names of its steps, the limits of the protocol's table, its journal,
 * and the failpoints that it passes. Nothing here decides anything.
 */
#include <ctype.h>
#include <stdarg.h>

#include "lib/io/failpoint.h"
#include "plans/cutover/machine.h"

const char *pln_cutover_step_name(enum pln_cutover_step step)
{
    static const char *const names[] = {"preflight", "prepare", "hold",     "fence",    "barrier",
                                        "applied",   "verify",  "identity", "way-back", "commit",
                                        "open",      "route",   "confirm"};
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

struct pln_cutover_options pln_cutover_options_default(void)
{
    return (struct pln_cutover_options){
        .fence_ttl_ms = 15000,
        .hold_ms = 25000,
        .prepare_ms = 2000,
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

bool pln_cut_is_committed(const struct pln_cutover *cut)
{
    return cut->state >= PLN_CUT_OPEN && cut->state <= PLN_CUT_CONFIRM;
}

bool pln_cut_journal(struct pln_cutover *cut, enum pln_cutover_step step,
                     enum pln_cutover_moment moment, struct fx_err *err, const char *fmt, ...)
{
    char detail[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    for (char *p = detail; *p != '\0'; p++)
        if (*p == '\n')
            *p = ';';
    struct fx_err own = FX_ERR_INIT;
    if (cut->log == NULL || cut->log(cut->arg, step, moment, cut->group, detail, &own))
        return true;
    if (moment == PLN_CUT_FAILED || moment == PLN_CUT_NOTE || pln_cut_is_committed(cut)) {
        if (!fx_err_is(&cut->late))
            cut->late = own;
        return true;
    }
    *err = own;
    return fx_ctx(err, "journalling step %s of the cut-over", pln_cutover_step_name(step));
}

void pln_cut_note(struct pln_cutover *cut, enum pln_cutover_step step, const char *what,
                  const struct fx_err *why)
{
    struct fx_err ignored = FX_ERR_INIT;
    (void)!pln_cut_journal(cut, step, PLN_CUT_NOTE, &ignored, "%s%s%s", what,
                           why != NULL ? ": " : "", why != NULL ? why->message : "");
}

/* A rehearsal passes moments of its own, so that a drill can name the real cut-over's. */
void pln_cut_pass(const struct pln_cutover *cut, const char *step, const char *moment)
{
    char name[64];
    bool is_canary = fx_str_ends(fx_str_from(cut->group), FX_STR(".canary"));
    (void)snprintf(name, sizeof name, "%s.step.%s.%s", is_canary ? "rehearse" : "cutover", step,
                   moment);
    fx_failpoint(name);
}

int64_t pln_cut_now_ms(struct pln_cutover *cut)
{
    return cut->fx->now_ms(cut->world);
}
