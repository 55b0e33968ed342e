/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a plan: its steps, each with routes, options, gates and undo. */
#include "plans/plan/action.h"
#include "plans/plan/load.h"

void pln_show_duration(struct fx_buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (i + 1 < FX_ARRAY_LEN(units) && (ms < units[i].ms || ms % units[i].ms != 0))
        i++;
    fx_buf_printf(out, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
}

static const char *when_text(enum pln_when when)
{
    switch (when) {
    case PLN_BEFORE: return "before";
    case PLN_DURING: return "while it runs";
    case PLN_AFTER: return "after";
    }
    return "";
}

static void show_step(const struct pln_step *step, struct fx_buf *out)
{
    const struct pln_kind_info *info = pln_kind_info(step->kind);
    fx_buf_printf(out, "%3d  %-12s %s: %s\n", step->index + 1, step->id, info->name, info->text);
    if (pln_action_of(step->kind)->show != NULL)
        pln_action_of(step->kind)->show(step, out);
    for (size_t i = 0; i < step->n_gates; i++) {
        fx_buf_printf(out, "       gate %s: ", when_text(info->gates));
        pln_gate_show(&step->gates[i], out);
        fx_buf_add_char(out, '\n');
    }
    if (step->is_point_of_no_return)
        fx_buf_add_c(out, "       point of no return\n");
    else if (step->has_undo)
        fx_buf_printf(out, "       undo: %s\n", pln_kind_info(info->undo)->name);
    if (step->on_fail == PLN_FAIL_HOLD)
        fx_buf_add_c(out, "       on failure: hold\n");
}

void pln_show(const struct pln_plan *plan, struct fx_buf *out)
{
    fx_buf_printf(out, "plan %s, context %s, %zu steps\n", plan->name, plan->context,
                  plan->n_steps);
    for (size_t i = 0; i < plan->n_steps; i++)
        show_step(&plan->steps[i], out);
}
