/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on the new side's slow answers, compared with the old side's. */
#include "lib/fmt/units.h"
#include "plans/gate/gate.h"

struct options {
    const char *ratio;
    int64_t below_ms;
};

static const struct fx_rule rules[] = {
    FX_RULE_TEXT(struct options, ratio, "new_over_old_below", .is_required = true,
                 .help = "p99 of the new side over that of the old: a number such as 1.2"),
    FX_RULE_DURATION(struct options, below_ms, "or_new_below", .min = 0,
                     .help = "passes at any ratio when the p99 of the new side is below this"),
    FX_RULE_END,
};

static void read_keys(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                      struct fx_problems *problems)
{
    struct options opt = {0};
    fx_schema_read(node, rules, &opt, arena, problems);
    gate->ms = opt.below_ms;
    if (opt.ratio != NULL && !fx_units_number(fx_str_from(opt.ratio), &gate->limit))
        fx_problem(problems, fx_node_get(node, "new_over_old_below"),
                   "new_over_old_below: \"%s\" is not a number such as 1.2", opt.ratio);
}

static enum pln_verdict eval(const struct pln_gate *gate, const struct pln_facts *f,
                             struct fx_buf *why)
{
    if (f->p99_new_ms < 0)
        return pln_gate_not_measured("p99 of the new side", why);
    fx_buf_printf(why, "p99 new %.1f ms, old %.1f ms (limit x%.2f)", f->p99_new_ms,
                  FX_MAX(f->p99_old_ms, 0.0), gate->limit);
    if (gate->ms > 0 && f->p99_new_ms < (double)gate->ms)
        return PLN_PASS;
    if (f->p99_old_ms < 0)
        return PLN_UNKNOWN;
    return f->p99_new_ms < f->p99_old_ms * gate->limit ? PLN_PASS : PLN_FAIL;
}

static void show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "new over old below %g", gate->limit);
    if (gate->ms > 0)
        fx_buf_printf(out, ", or new below %lld ms", (long long)gate->ms);
}

const struct pln_gate_ops pln_gate_p99 = {
    .rules = rules,
    .read = read_keys,
    .eval = eval,
    .show = show,
};
