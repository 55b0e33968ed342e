/* SPDX-License-Identifier: Apache-2.0 */
/* Names of kinds and gates. */
#include "plans/plan/model.h"

#include "lib/base/panic.h"

static const struct pln_kind_info kinds[PLN_KIND_COUNT] = {
#define X(name, yaml, undo, gates, changes, text) \
    [PLN_##name] = {yaml, PLN_##undo, PLN_##gates, changes != 0, text},
#include "plans/plan/steps.def"
#undef X
};

const char *const pln_kind_names[] = {
#define X(name, yaml, undo, gates, changes, text) yaml,
#include "plans/plan/steps.def"
#undef X
    NULL,
};

const struct pln_kind_info *pln_kind_info(enum pln_kind kind)
{
    FX_ASSERT(kind < PLN_KIND_COUNT);
    return &kinds[kind];
}

bool pln_kind_is_cut(enum pln_kind kind)
{
    return kind == PLN_CUTOVER || kind == PLN_CUTOVER_FALLBACK || kind == PLN_CUTOVER_REHEARSE;
}

const char *pln_gate_name(enum pln_gate_kind kind)
{
    switch (kind) {
    case PLN_GATE_DIVERGENT: return "divergent";
    case PLN_GATE_COVERAGE: return "coverage";
    case PLN_GATE_MAX_AGE: return "max_age";
    case PLN_GATE_MISMATCH: return "mismatch";
    case PLN_GATE_ERROR_RATE: return "error_rate";
    case PLN_GATE_P99: return "p99";
    case PLN_GATE_PREDICTED_PAUSE: return "predicted_pause_p99";
    case PLN_GATE_EQUAL: return "equal";
    case PLN_GATE_LAG_P99: return "lag_p99";
    case PLN_GATE_WRITE_LEAKS: return "write_leaks";
    case PLN_GATE_KIND_COUNT: break;
    }
    FX_BUG("gate kind %d", (int)kind);
}
