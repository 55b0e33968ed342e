/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works like a stack: a done step that is the inverse of the one on top removes it instead of being
 * pushed.
 */
#include "plans/run/undo.h"

#include "plans/plan/action.h"

/* A failed or unfinished step may have acted, unless its kind is all or nothing. */
static bool has_acted(const struct pln_step *step, const struct pln_step_status *status)
{
    switch (status->state) {
    case PLN_STEP_PENDING:
    case PLN_STEP_UNDONE: return false;
    case PLN_STEP_RUNNING:
    case PLN_STEP_FAILED: return !pln_action_of(step->kind)->all_or_nothing;
    case PLN_STEP_DONE:
    case PLN_STEP_UNDOING: return true;
    }
    return false;
}

size_t pln_undo_list(const struct pln_plan *plan, const struct pln_state *state, int *out,
                     int *ret_blocked)
{
    int stack[PLN_STEPS_MAX];
    size_t n = 0;
    *ret_blocked = -1;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct pln_step *step = &plan->steps[i];
        const struct pln_step_status *status = &state->steps[i];
        if (!has_acted(step, status))
            continue;
        if (step->is_point_of_no_return) {
            *ret_blocked = (int)i;
            n = 0;
        }
        if (!step->has_undo)
            continue;
        /* An undo that has begun must be finished: it can no longer cancel another step. */
        bool cancels = n > 0 && status->state == PLN_STEP_DONE &&
                       state->steps[stack[n - 1]].state == PLN_STEP_DONE &&
                       plan->steps[stack[n - 1]].kind == pln_kind_info(step->kind)->undo &&
                       pln_kind_info(plan->steps[stack[n - 1]].kind)->undo == step->kind;
        if (cancels)
            n--;
        else
            stack[n++] = (int)i;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = stack[n - 1 - i];
    return n;
}
