/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict of all gates of a step, and what several gates judge in the same way. */
#include "plans/gate/gate.h"

const struct pln_facts pln_facts_none = {
    .shadow_compared = -1,
    .shadow_mismatch = -1,
    .requests_old = -1,
    .requests_new = -1,
    .errors_old = -1,
    .errors_new = -1,
    .p99_old_ms = -1,
    .p99_new_ms = -1,
    .predicted_pause_ms = -1,
    .leaks = -1,
};

enum pln_verdict pln_gates_eval(const struct pln_gate *gates, size_t n,
                                const struct pln_facts *facts, struct fx_buf *why)
{
    enum pln_verdict all = PLN_PASS;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
    for (size_t i = 0; i < n; i++) {
        fx_buf_clear(&text);
        enum pln_verdict one = pln_gate_eval(&gates[i], facts, &text);
        bool decides = one != PLN_PASS && (all == PLN_PASS || one == PLN_FAIL);
        if (decides && (all == PLN_PASS || one != all)) {
            all = one;
            fx_buf_clear(why);
        }
        /* The gates of one report say the same sentence: once is enough. */
        if (one == all && strstr(fx_buf_cstr(why), fx_buf_cstr(&text)) == NULL) {
            if (why->len > 0)
                fx_buf_add_c(why, "; ");
            fx_buf_add(why, fx_buf_str(&text));
        }
    }
    return all;
}

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
