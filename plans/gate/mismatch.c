/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on the share of shadowed reads whose answers differ. */
#include "plans/gate/gate.h"

static const struct fx_rule rules[] = {
    FX_RULE_PERCENT(struct pln_gate, limit, "below", .is_required = true,
                    .help = "share of the comparisons that differ"),
    FX_RULE_INT(struct pln_gate, at_least, "of_at_least", .def = "1", .min = 1,
                .help = "comparisons that are needed to pass; the gate fails earlier once it can "
                        "no longer pass"),
    FX_RULE_END,
};

static void read_keys(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                      struct fx_problems *problems)
{
    fx_schema_read(node, rules, gate, arena, problems);
}

/* While the copy may be stale, a difference is no evidence against the new service. */
static enum pln_verdict late_copy(const struct pln_facts *f, struct fx_buf *why)
{
    if (f->shadow_lag_ms < 0)
        fx_buf_printf(why, "shadow: stream lag unknown, so a difference may only be a stale copy");
    else
        fx_buf_printf(why,
                      "shadow: stream lag was %lld ms and the recheck comes after %lld ms, so a "
                      "difference may only be a stale copy",
                      (long long)f->shadow_lag_ms, (long long)f->shadow_look_ms);
    return PLN_UNKNOWN;
}

static enum pln_verdict eval(const struct pln_gate *gate, const struct pln_facts *f,
                             struct fx_buf *why)
{
    if (f->is_shadow_late)
        return late_copy(f, why);
    if (f->shadow_compared < 0)
        return pln_gate_not_measured("shadow", why);
    double measured = pln_percent_of(f->shadow_mismatch, f->shadow_compared);
    double at_worst =
        pln_percent_of(f->shadow_mismatch, FX_MAX(f->shadow_compared, gate->at_least));
    fx_buf_printf(why, "mismatch %.2f %% of %lld (limit %.2f %% of at least %lld)", measured,
                  (long long)f->shadow_compared, gate->limit, (long long)gate->at_least);
    enum pln_verdict verdict =
        pln_gate_share(measured, at_worst, gate->limit, f->shadow_compared >= gate->at_least);
    if (verdict == PLN_FAIL && f->mismatch_last[0] != '\0')
        fx_buf_printf(why, ", the last: %s", f->mismatch_last);
    return verdict;
}

static void show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "below %g %% of at least %lld comparisons", gate->limit,
                  (long long)gate->at_least);
}

const struct pln_gate_ops pln_gate_mismatch = {
    .rules = rules,
    .read = read_keys,
    .eval = eval,
    .show = show,
};
