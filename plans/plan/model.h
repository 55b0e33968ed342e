/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as the engine works with it: typed, checked, every part with its place in the file.
 * Made by pln_load (plan.h); immutable afterwards. Owns: nothing; everything is in the arena of the load.
 */
#ifndef PLN_MODEL_H
#define PLN_MODEL_H

#include "lib/base/hash.h"
#include "lib/conf/schema.h"

enum pln_kind {
#define X(name, yaml, undo, gates, changes, text) PLN_##name,
#include "plans/plan/steps.def"
#undef X
    PLN_KIND_COUNT,
    PLN_NONE = PLN_KIND_COUNT
};

enum pln_when { PLN_BEFORE, PLN_DURING, PLN_AFTER };

struct pln_kind_info {
    const char *name; /* as in a plan */
    enum pln_kind undo;
    enum pln_when gates;
    bool changes;
    const char *text;
};
const struct pln_kind_info *pln_kind_info(enum pln_kind kind);
/* Runs the protocol of cutover.h: a cut-over, a fall-back or a rehearsal. */
bool pln_kind_is_cut(enum pln_kind kind);
/* NULL-terminated names of all kinds, for suggestions. */
extern const char *const pln_kind_names[];

enum pln_gate_kind {
    PLN_GATE_DIVERGENT,       /* limit: rows */
    PLN_GATE_COVERAGE,        /* limit: percent, at least */
    PLN_GATE_MAX_AGE,         /* ms: age of the report */
    PLN_GATE_MISMATCH,        /* limit: percent, below; at_least: comparisons */
    PLN_GATE_ERROR_RATE,      /* limit: percent points, new minus old below; at_least: requests */
    PLN_GATE_P99,             /* limit: ratio new over old below; ms: or new below this */
    PLN_GATE_PREDICTED_PAUSE, /* ms: below */
    PLN_GATE_EQUAL,           /* ms: age of the last report, which must say equal */
    PLN_GATE_LAG_P99,         /* ms: below; for_ms: over this window */
    PLN_GATE_WRITE_LEAKS,     /* limit: at most */
    PLN_GATE_KIND_COUNT
};
const char *pln_gate_name(enum pln_gate_kind kind); /* "mismatch" */

struct pln_gate {
    enum pln_gate_kind kind;
    double limit;
    int64_t at_least;
    int64_t ms, for_ms;
    const struct fx_node *node;
};

enum pln_on_fail { PLN_FAIL_ROLLBACK, PLN_FAIL_HOLD };

enum { PLN_GATES_MAX = PLN_GATE_KIND_COUNT, PLN_STEPS_MAX = 64, PLN_STAGES_MAX = 32 };

struct pln_step {
    int index; /* in the plan */
    const char *id;
    enum pln_kind kind;
    bool has_undo;
    bool is_point_of_no_return;
    enum pln_on_fail on_fail;
    const char **routes; /* of the facade; route.* only */
    size_t n_routes;
    double percent;                 /* route.shadow */
    int64_t recheck_ms;             /* route.shadow: a mismatch is asked again after this */
    double through[PLN_STAGES_MAX]; /* route.ramp */
    size_t n_through;
    int64_t every_ms; /* route.ramp: length of a stage */
    int64_t wait_ms;  /* wait */
    int64_t rounds;   /* cutover.rehearse */
    struct pln_gate gates[PLN_GATES_MAX];
    size_t n_gates;
    const struct fx_node *node;
};

struct pln_policy {
    int64_t fence_ttl_ms, hold_ms, client_timeout_ms, drain_ms;
    int64_t gate_wait_ms; /* an unknown gate holds a step this long, then the run stops as held */
    int64_t retry_ms;     /* a server that is away is tried again this long */
    int64_t attempts;     /* of a cut-over that aborts */
};
extern const struct fx_rule pln_policy_rules[];

struct pln_plan {
    const char *path, *name, *owner, *adr;
    const char *context;
    struct pln_policy policy;
    struct pln_step steps[PLN_STEPS_MAX];
    size_t n_steps;
    char digest[FX_HASH_HEX]; /* of the file's text */
    struct fx_str text;       /* the file */
};

#endif
