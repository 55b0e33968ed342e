/* SPDX-License-Identifier: Apache-2.0 */
/* The table of gates, and what is done with all of them alike: reading, showing, documenting. */
#include "lib/base/panic.h"
#include "plans/gate/gate.h"

struct gate_row {
    const char *name, *meaning;
    unsigned measured;
    const struct pln_gate_ops *ops;
};

static const struct gate_row rows[PLN_GATE_KIND_COUNT] = {
#define X(NAME, name, measured, meaning) \
    [PLN_GATE_##NAME] = {#name, meaning, PLN_MEASURES_##measured, &pln_gate_##name},
#include "plans/gate/gates.def"
#undef X
};

static const char *const names[] = {
#define X(NAME, name, measured, meaning) #name,
#include "plans/gate/gates.def"
#undef X
    NULL,
};

static const struct gate_row *row_of(const struct pln_gate *gate)
{
    if (gate->kind >= PLN_GATE_KIND_COUNT)
        FX_BUG("gate of kind %d, there are %d", (int)gate->kind, PLN_GATE_KIND_COUNT);
    return &rows[gate->kind];
}

static bool find_kind(const struct fx_node *n, enum pln_gate_kind *ret,
                      struct fx_problems *problems)
{
    for (int i = 0; i < PLN_GATE_KIND_COUNT; i++) {
        if (strcmp(rows[i].name, n->key) == 0) {
            *ret = (enum pln_gate_kind)i;
            return true;
        }
    }
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(1024);
    fx_problem_key(problems, n, "unknown gate \"%s\"%s", n->key,
                   fx_suggest_end(n->key, names, &known));
    return false;
}

/* Gates of one step judge one report: the age that one of them names is the age for all. */
static void set_ages(struct pln_gate *gates, size_t n)
{
    int64_t ms = 0;
    for (size_t i = 0; i < n; i++)
        if (row_of(&gates[i])->ops->judges_report)
            ms = FX_MAX(ms, gates[i].ms);
    for (size_t i = 0; i < n; i++)
        if (row_of(&gates[i])->ops->judges_report && gates[i].ms == 0)
            gates[i].ms = ms;
}

size_t pln_gates_read(const struct fx_node *node, const char *step_kind, unsigned measures,
                      struct pln_gate *gates, struct fx_arena *arena, struct fx_problems *problems)
{
    size_t n_gates = 0;
    if (node->kind != FX_NODE_MAP) {
        fx_problem(problems, node, "gate: expected a map of gates");
        return 0;
    }
    for (const struct fx_node *n = node->first; n != NULL; n = n->next) {
        struct pln_gate gate = {.node = n};
        if (!find_kind(n, &gate.kind, problems))
            continue;
        const struct gate_row *row = row_of(&gate);
        if (step_kind != NULL && (row->measured & measures) == 0)
            fx_problem_key(problems, n, "gate \"%s\" cannot be measured for a step of kind \"%s\"",
                           row->name, step_kind);
        row->ops->read(&gate, n, arena, problems);
        FX_ASSERT(n_gates < PLN_GATES_MAX); /* a YAML map has no key twice */
        gates[n_gates++] = gate;
    }
    set_ages(gates, n_gates);
    return n_gates;
}

enum pln_verdict pln_gate_eval(const struct pln_gate *gate, const struct pln_facts *facts,
                               struct fx_buf *why)
{
    return row_of(gate)->ops->eval(gate, facts, why);
}

unsigned pln_gates_measure(const struct pln_gate *gates, size_t n)
{
    unsigned all = PLN_MEASURES_NOTHING;
    for (size_t i = 0; i < n; i++)
        all |= row_of(&gates[i])->measured;
    return all;
}

bool pln_gates_judge_report(const struct pln_gate *gates, size_t n)
{
    bool is_any = false;
    for (size_t i = 0; i < n; i++)
        is_any |= row_of(&gates[i])->ops->judges_report;
    return is_any;
}

void pln_gate_show(const struct pln_gate *gate, struct fx_buf *out)
{
    fx_buf_printf(out, "%s ", row_of(gate)->name);
    row_of(gate)->ops->show(gate, out);
}

void pln_gates_markdown(struct fx_buf *out)
{
    fx_buf_add_c(out, "## plan: gates with one value\n\n"
                      "| gate | value | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < PLN_GATE_KIND_COUNT; i++) {
        if (rows[i].ops->rules == NULL)
            fx_buf_printf(out, "| `%s` | %s | %s |\n", rows[i].name, rows[i].ops->value,
                          rows[i].meaning);
    }
    fx_buf_add_char(out, '\n');
    for (size_t i = 0; i < PLN_GATE_KIND_COUNT; i++) {
        char heading[96];
        if (rows[i].ops->rules == NULL)
            continue;
        snprintf(heading, sizeof heading, "plan: gate %s", rows[i].name);
        fx_schema_markdown(heading, rows[i].ops->rules, out);
    }
}
