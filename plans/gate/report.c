/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates on the newest comparison: divergent, coverage,
 * max_age, and equal, which is the three together.
 */
#include "plans/gate/gate.h"

static enum pln_verdict fail_no_report(const struct pln_facts *f, struct fx_buf *why)
{
    if (f->no_report == NULL)
        return pln_gate_not_measured("comparison", why);
    fx_buf_printf(why, "the newest comparison does not count: %s", f->no_report);
    return PLN_UNKNOWN;
}

static enum pln_verdict judge(const struct pln_gate *gate, struct rec_limits limits,
                              const struct pln_facts *f, struct fx_buf *why)
{
    if (f->report == NULL)
        return fail_no_report(f, why);
    if (f->databases == NULL) {
        fx_buf_printf(why, "the databases could not be asked which ones they are: %s",
                      f->no_databases != NULL ? f->no_databases : "not asked yet");
        return PLN_UNKNOWN;
    }
    limits.now = f->databases;
    limits.report_dir = f->report_dir;
    limits.max_age_ms = gate->ms > 0 ? gate->ms : REC_AGE_DEFAULT;
    limits.age_option = gate->ms > 0 ? NULL : "max_age";
    switch (rec_gate(f->report, &limits, f->now, why)) {
    case REC_GATE_PASS: return PLN_PASS;
    case REC_GATE_FAIL:
        if (f->report_path != NULL)
            fx_buf_printf(why, "; see %s", f->report_path);
        return PLN_FAIL;
    case REC_GATE_UNKNOWN: break;
    }
    return PLN_UNKNOWN;
}

static void show_age(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "not older than %lld s", (long long)gate->ms / 1000);
}

/* --- divergent --- */

static enum pln_verdict eval_divergent(const struct pln_gate *gate, const struct pln_facts *f,
                                       struct fx_buf *why)
{
    return judge(gate, (struct rec_limits){.divergent_max = (int64_t)gate->limit}, f, why);
}

static void show_divergent(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "at most %.0f", gate->limit);
}

const struct pln_gate_ops pln_gate_divergent = {
    .judges_report = true,
    .value = "whole number",
    .read = pln_gate_read_count,
    .eval = eval_divergent,
    .show = show_divergent,
};

/* --- coverage --- */

static void read_coverage(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                          struct fx_problems *problems)
{
    (void)arena;
    (void)fx_scalar_percent(node, &gate->limit, problems);
}

static enum pln_verdict eval_coverage(const struct pln_gate *gate, const struct pln_facts *f,
                                      struct fx_buf *why)
{
    struct rec_limits limits = {.divergent_max = INT64_MAX, .coverage_min_percent = gate->limit};
    return judge(gate, limits, f, why);
}

static void show_coverage(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "at least %g %%", gate->limit);
}

const struct pln_gate_ops pln_gate_coverage = {
    .judges_report = true,
    .value = "percentage",
    .read = read_coverage,
    .eval = eval_coverage,
    .show = show_coverage,
};

/* --- max_age --- */

static void read_max_age(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                         struct fx_problems *problems)
{
    (void)arena;
    if (fx_scalar_duration(node, &gate->ms, problems) && gate->ms <= 0)
        fx_problem(problems, node, "%s: expected more than 0", node->key);
}

static enum pln_verdict eval_max_age(const struct pln_gate *gate, const struct pln_facts *f,
                                     struct fx_buf *why)
{
    return judge(gate, (struct rec_limits){.divergent_max = INT64_MAX}, f, why);
}

const struct pln_gate_ops pln_gate_max_age = {
    .judges_report = true,
    .value = "duration",
    .read = read_max_age,
    .eval = eval_max_age,
    .show = show_age,
};

/* --- equal --- */

static const struct fx_rule equal_rules[] = {
    FX_RULE_DURATION(struct pln_gate, ms, "max_age", .is_required = true, .min = 1,
                     .help = "maximum age of the comparison"),
    FX_RULE_END,
};

static void read_equal(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                       struct fx_problems *problems)
{
    fx_schema_read(node, equal_rules, gate, arena, problems);
}

static enum pln_verdict eval_equal(const struct pln_gate *gate, const struct pln_facts *f,
                                   struct fx_buf *why)
{
    return judge(gate, (struct rec_limits){.coverage_min_percent = 100}, f, why);
}

const struct pln_gate_ops pln_gate_equal = {
    .judges_report = true,
    .rules = equal_rules,
    .read = read_equal,
    .eval = eval_equal,
    .show = show_age,
};
