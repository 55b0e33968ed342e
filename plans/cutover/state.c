/* SPDX-License-Identifier: Apache-2.0 */
/* Which state may follow which, and the one function that changes it. */
#include "plans/cutover/state.h"

#include <inttypes.h>

#include "lib/base/panic.h"

const char *pln_cut_state_name(enum pln_cut_state state)
{
    switch (state) {
    case PLN_CUT_RELEASE: return "release";
    case PLN_CUT_ABORT: return "abort";
    case PLN_CUT_ENDED: return "ended";
#define X(name, number, text) case PLN_CUT_IN_##name:
        PLN_CUTOVER_STEPS(X)
#undef X
        break;
    }
    return pln_cutover_step_name((enum pln_cutover_step)state);
}

bool pln_cut_state_may_follow(enum pln_cut_state from, enum pln_cut_state to)
{
    switch (to) {
    case PLN_CUT_IN_PREFLIGHT: return false;
    case PLN_CUT_IN_PREPARE:
    case PLN_CUT_IN_DRAIN:
    case PLN_CUT_IN_HOLD:
    case PLN_CUT_IN_FENCE:
    case PLN_CUT_IN_BARRIER:
    case PLN_CUT_IN_APPLIED:
    case PLN_CUT_IN_VERIFY:
    case PLN_CUT_IN_IDENTITY:
    case PLN_CUT_IN_WAY_BACK:
    case PLN_CUT_IN_COMMIT:
    case PLN_CUT_IN_ROUTE:
    case PLN_CUT_IN_CONFIRM: return from + 1 == to;
    case PLN_CUT_IN_OPEN: return from == PLN_CUT_IN_COMMIT || from == PLN_CUT_ABORT;
    case PLN_CUT_RELEASE: return from >= PLN_CUT_IN_PREPARE && from <= PLN_CUT_IN_FENCE;
    case PLN_CUT_ABORT: return from >= PLN_CUT_IN_FENCE && from <= PLN_CUT_IN_COMMIT;
    case PLN_CUT_ENDED:
        return from == PLN_CUT_IN_PREFLIGHT || from == PLN_CUT_RELEASE || from == PLN_CUT_ABORT ||
               (from >= PLN_CUT_IN_OPEN && from <= PLN_CUT_IN_CONFIRM);
    }
    return false;
}

static const char *fence_name(enum pln_cut_fence fence)
{
    switch (fence) {
    case PLN_FENCE_NONE: return "none";
    case PLN_FENCE_UNKNOWN: return "unknown";
    case PLN_FENCE_IN_FORCE: return "in force";
    }
    return "?";
}

/* What must be so in a state, whichever way led there. */
static bool is_sound(const struct pln_cutover *cut, enum pln_cut_state to)
{
    bool is_fenced = to >= PLN_CUT_IN_BARRIER && to <= PLN_CUT_IN_COMMIT;
    return !is_fenced || (cut->fence == PLN_FENCE_IN_FORCE && cut->fence_at_ms >= 0);
}

void pln_cut_set_state(struct pln_cutover *cut, enum pln_cut_state to)
{
    if (!pln_cut_state_may_follow(cut->state, to) || !is_sound(cut, to))
        FX_BUG("cut-over of group \"%s\" at epoch %" PRId64
               ": state %s cannot follow %s (fence %s, asked for at %" PRId64
               " ms; held since %" PRId64 " ms)",
               cut->group, cut->e, pln_cut_state_name(to), pln_cut_state_name(cut->state),
               fence_name(cut->fence), cut->fence_at_ms, cut->hold_at_ms);
    cut->state = to;
}

void pln_cut_begin(struct pln_cutover *cut, enum pln_cut_state state)
{
    *cut->result = (struct pln_cutover_result){
        .outcome = PLN_CUT_ABORTED,
        .new_serves = !cut->new_wins,
        .pause_ms = -1,
        .fenced_ms = -1,
        .held_max_ms = -1,
        .leaks = -1,
        .keys_compared = -1,
    };
    cut->result->forecast = PLN_FORECAST_NONE;
    for (size_t i = 0; i < PLN_CUT_STEP_COUNT; i++)
        cut->result->step_ms[i] = -1;
    cut->fence_at_ms = cut->hold_at_ms = -1;
    cut->fence = PLN_FENCE_NONE;
    cut->is_moving = false;
    cut->late = FX_ERR_INIT;
    cut->state = state;
}

const char *pln_cut_losing(const struct pln_cutover *cut)
{
    return cut->new_wins ? "old" : "new";
}

const char *pln_cut_winning(const struct pln_cutover *cut)
{
    return cut->new_wins ? "new" : "old";
}

bool pln_cut_is_committed(const struct pln_cutover *cut)
{
    return cut->state >= PLN_CUT_IN_OPEN && cut->state <= PLN_CUT_IN_CONFIRM;
}

enum pln_cutover_step pln_cut_step(const struct pln_cutover *cut)
{
    if (cut->state > PLN_CUT_IN_CONFIRM)
        FX_BUG("cut-over of group \"%s\": state %s is no step", cut->group,
               pln_cut_state_name(cut->state));
    return (enum pln_cutover_step)cut->state;
}

int64_t pln_cut_now_ms(const struct pln_cutover *cut)
{
    return cut->fx->now_ms(cut->en);
}

struct pln_retry pln_cut_retry_for(const struct pln_cutover *cut, int64_t limit_ms)
{
    return pln_retry_for(cut->fx, cut->en, limit_ms, PLN_CUT_RETRY_MS);
}

struct pln_retry pln_cut_retry_times(const struct pln_cutover *cut, int64_t tries)
{
    return pln_retry_times(cut->fx, cut->en, tries, PLN_CUT_RETRY_MS);
}
