/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as the engine works with it: typed, checked, every part with its place in the file.
 * Made by pln_load (load.h); immutable afterwards. Owns: nothing; everything is in the arena of the
 * load.
 */
#ifndef PLN_MODEL_H
#define PLN_MODEL_H

#include "lib/base/hash.h"
#include "lib/conf/schema.h"
#include "plans/gate/gate.h"

enum pln_kind {
#define X(NAME, name, yaml, undo, gates, changes, text) PLN_##NAME,
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
/* NULL-terminated names of all kinds, for suggestions. */
extern const char *const pln_kind_names[];

enum pln_on_fail { PLN_FAIL_ROLLBACK, PLN_FAIL_HOLD };

enum { PLN_STEPS_MAX = 64 };

struct pln_step {
    int index; /* in the plan */
    const char *id;
    enum pln_kind kind;
    bool has_undo;
    bool is_point_of_no_return;
    enum pln_on_fail on_fail;
    const char **routes; /* of the facade that the step drives; none: all of the context */
    size_t n_routes;
    const void *options; /* of its kind, which alone knows the type; NULL: none */
    struct pln_gate gates[PLN_GATES_MAX];
    size_t n_gates;
    const struct fx_node *node;
};

struct pln_policy {
    int64_t fence_ttl_ms, hold_ms, client_timeout_ms, drain_ms;
    int64_t drain_before_ms, drain_wait_ms; /* the lag that must be reached before a hold */
    int64_t gate_wait_ms; /* an unknown gate holds a step this long, then the run stops as held */
    int64_t retry_ms;     /* a server that is away is tried again this long */
    int64_t attempts;     /* of a cut-over that aborts */
};
extern const struct fx_rule pln_policy_rules[];

struct pln_plan {
    const char *path, *name, *owner, *adr;
    const char *context;
    /*
     * kind Rollback: takes back what another plan did. The streams are there before its first step,
     * its steps need no undo, and a step that fails holds.
     */
    bool is_rollback;
    const char *rolls_back; /* of a Rollback: the run whose steps it takes back; NULL: none named */
    struct pln_policy policy;
    struct pln_step steps[PLN_STEPS_MAX];
    size_t n_steps;
    char digest[FX_HASH_HEX]; /* of the file's text */
    struct fx_str text;       /* the file */
};

#endif
