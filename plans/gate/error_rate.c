/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on the new side's share of errors, compared with the old side's. */
#include "plans/gate/gate.h"

static const struct fx_rule rules[] = {
    FX_RULE_PERCENT(
        struct pln_gate, limit, "new_minus_old_below", .is_required = true,
        .help = "error share of the new side minus that of the old side, in percentage points"),
    FX_RULE_INT(struct pln_gate, at_least, "of_at_least", .def = "1", .min = 1,
                .help = "requests to the new side that are needed to pass; the gate fails earlier "
                        "once it can no longer pass"),
    FX_RULE_END,
};

static void read_keys(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                      struct fx_problems *problems)
{
    fx_schema_read(node, rules, gate, arena, problems);
}

static enum pln_verdict eval(const struct pln_gate *gate, const struct pln_facts *f,
                             struct fx_buf *why)
{
    if (f->requests_new < 0 || f->requests_old < 0)
        return pln_gate_not_measured("error rate", why);
    double was = pln_percent_of(f->errors_old, f->requests_old);
    double is = pln_percent_of(f->errors_new, f->requests_new);
    double at_worst = pln_percent_of(f->errors_new, FX_MAX(f->requests_new, gate->at_least));
    fx_buf_printf(why, "errors new %.2f %% of %lld, old %.2f %% of %lld (limit +%.2f)", is,
                  (long long)f->requests_new, was, (long long)f->requests_old, gate->limit);
    return pln_gate_share(is - was, at_worst - was, gate->limit, f->requests_new >= gate->at_least);
}

static void show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "new minus old below %g %% of at least %lld requests", gate->limit,
                  (long long)gate->at_least);
}

const struct pln_gate_ops pln_gate_error_rate = {
    .rules = rules,
    .read = read_keys,
    .eval = eval,
    .show = show,
};
