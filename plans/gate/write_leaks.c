/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on unfenced writes: those that a side accepted although it did not own the tables. */
#include "plans/gate/gate.h"

static enum pln_verdict eval(const struct pln_gate *gate, const struct pln_facts *f,
                             struct fx_buf *why)
{
    if (f->leaks < 0)
        return pln_gate_not_measured("unfenced writes", why);
    fx_buf_printf(why, "%lld unfenced writes (limit %.0f)", (long long)f->leaks, gate->limit);
    return (double)f->leaks <= gate->limit ? PLN_PASS : PLN_FAIL;
}

static void show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "at most %.0f", gate->limit);
}

const struct pln_gate_ops pln_gate_write_leaks = {
    .value = "whole number",
    .read = pln_gate_read_count,
    .eval = eval,
    .show = show,
};
