/* SPDX-License-Identifier: Apache-2.0 */
/* What several gates read and judge in the same way. */
#include "plans/gate/gate.h"

void pln_gate_read_count(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                         struct fx_problems *problems)
{
    int64_t number = 0;
    (void)arena;
    if (!fx_scalar_int(node, &number, problems))
        return;
    gate->limit = (double)number;
    if (number < 0)
        fx_problem(problems, node, "%s: expected 0 or more", node->key);
}

enum pln_verdict pln_gate_not_measured(const char *what, struct fx_buf *why)
{
    fx_buf_printf(why, "%s: not measured yet", what);
    return PLN_UNKNOWN;
}

double pln_percent_of(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

enum pln_verdict pln_gate_share(double measured, double at_worst, double limit, bool is_enough)
{
    if (is_enough)
        return measured < limit || measured <= 0 ? PLN_PASS : PLN_FAIL;
    return at_worst >= limit && at_worst > 0 ? PLN_FAIL : PLN_UNKNOWN;
}
