/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on the pause that the rehearsal of this run predicts. */
#include "plans/gate/gate.h"

static const struct fx_rule rules[] = {
    FX_RULE_DURATION(struct pln_gate, ms, "below", .is_required = true, .min = 1, .help = "limit"),
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
    if (f->predicted_pause_ms < 0)
        return pln_gate_not_measured("predicted pause (no rehearsal)", why);
    fx_buf_printf(why, "writes wait p99 %lld ms by forecast (limit %lld ms)",
                  (long long)f->predicted_pause_ms, (long long)gate->ms);
    return f->predicted_pause_ms < gate->ms ? PLN_PASS : PLN_FAIL;
}

static void show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "below %lld ms", (long long)gate->ms);
}

const struct pln_gate_ops pln_gate_predicted_pause_p99 = {
    .rules = rules,
    .read = read_keys,
    .eval = eval,
    .show = show,
};
