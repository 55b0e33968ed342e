/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on the lag of the slower stream, over a window. */
#include "plans/gate/gate.h"

enum { SAMPLES_MAX = 4096 };

static const struct fx_rule rules[] = {
    FX_RULE_DURATION(struct pln_gate, ms, "below", .is_required = true, .min = 1, .help = "limit"),
    FX_RULE_DURATION(struct pln_gate, for_ms, "for", .def = "0s", .min = 0,
                     .help = "time window of the samples"),
    FX_RULE_END,
};

static void read_keys(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                      struct fx_problems *problems)
{
    fx_schema_read(node, rules, gate, arena, problems);
}

static int compare_lag(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static enum pln_verdict eval(const struct pln_gate *gate, const struct pln_facts *f,
                             struct fx_buf *why)
{
    if (f->n_lag == 0 || f->lag_ms[f->n_lag - 1] < 0)
        return pln_gate_not_measured("lag", why);
    int64_t newest = f->lag_at_ms[f->n_lag - 1];
    int64_t sorted[SAMPLES_MAX];
    size_t n = 0;
    bool is_whole = false; /* do the samples reach back over the window? */
    for (size_t i = f->n_lag; i > 0 && n < SAMPLES_MAX && !is_whole; i--) {
        if (f->lag_ms[i - 1] < 0)
            break;
        sorted[n++] = f->lag_ms[i - 1];
        is_whole = newest - f->lag_at_ms[i - 1] >= gate->for_ms;
    }
    qsort(sorted, n, sizeof *sorted, compare_lag);
    int64_t p99 = sorted[(n * 99 + 99) / 100 - 1];
    fx_buf_printf(why, "lag p99 %lld ms over %lld ms (limit %lld ms)", (long long)p99,
                  (long long)gate->for_ms, (long long)gate->ms);
    if (!is_whole)
        return PLN_UNKNOWN;
    return p99 < gate->ms ? PLN_PASS : PLN_FAIL;
}

static void show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "below %lld ms", (long long)gate->ms);
    if (gate->for_ms > 0)
        fx_buf_printf(out, " for %lld s", (long long)gate->for_ms / 1000);
}

const struct pln_gate_ops pln_gate_lag_p99 = {
    .rules = rules,
    .read = read_keys,
    .eval = eval,
    .show = show,
};
