/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of step is, beyond its row in steps.def: how its options are read and shown, what it
 * needs, what it does. Each kind is one `const struct pln_action pln_action_<name>` in
 * plans/steps/; no code outside that folder depends on the kind of a step. A member may be NULL
 * where its comment says so. `ac` is the state that the actions of a run share
 * (plans/steps/context.h).
 */
#ifndef PLN_ACTION_H
#define PLN_ACTION_H

#include "lib/map/map.h"
#include "plans/plan/model.h"

struct pln_action_ctx;
struct pln_exec;
struct pln_step_status;

/* What the reading of a plan has at hand. */
struct pln_reader {
    struct pln_plan *plan;
    const struct fx_project *project; /* NULL: contexts and routes are not checked */
    struct fx_context *context;       /* NULL: unknown */
    struct fx_arena *arena;           /* owns all that a step keeps */
    struct fx_problems *problems;
};

enum pln_streams {
    PLN_STREAMS_ANY,    /* the step does not care */
    PLN_STREAMS_NEEDED, /* both must run: a step before it starts them */
    PLN_STREAMS_START,  /* it starts them */
    PLN_STREAMS_END,    /* it ends them */
};

struct pln_action {
    enum pln_streams streams;
    unsigned measures; /* enum pln_measures: which gates have a value here */
    bool is_protocol;  /* runs the protocol of cutover.h: a cut-over, a fall-back, a rehearsal */
    /* It moves ownership. The first such step is also checked before a run opens: a plan whose work
     * is done already must not start. */
    bool is_move;
    /* A step that began and is not done has changed nothing: there is nothing to undo. */
    bool all_or_nothing;

    /* --- the plan --- */

    const struct fx_rule *rules; /* its options, for docs/reference/config.md; NULL: none */
    const char *value; /* it takes one value instead of options: "a duration: {wait: 14d}" */
    /* `options` is the node below the kind's name, NULL
     * when the plan gives none. NULL: it takes no options. */
    void (*read)(struct pln_reader *rd, struct pln_step *step, const struct fx_node *options);
    /* Checks that need the whole plan; called once for each step of the kind. NULL: none. */
    void (*lint)(const struct pln_plan *plan, const struct pln_step *step,
                 struct fx_problems *problems);
    /* Further lines for `plan show`, indented by 7. NULL: none. */
    void (*show)(const struct pln_step *step, struct fx_buf *out);

    /* --- the run --- */

    /* Before INTENT: can the step begin? Changes nothing. NULL: it can. */
    bool (*check)(struct pln_action_ctx *ac, const struct pln_step *step, struct fx_err *err);
    /*
     * Carries out the step, or undoes `step` when that has another kind. May be repeated after any
     * crash.
     */
    bool (*act)(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                struct fx_err *err);
    /*
     * After a crash or a failure in `act`: finishes or aborts what was begun. *ret_done: the step
     * has happened. NULL: `act` is simply repeated.
     */
    bool (*probe)(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                  bool *ret_done, struct fx_err *err);

    /* --- the picture --- */

    /* What a running step does now, when that is more than the journal's note. NULL: the note. */
    const char *(*note)(const struct pln_step *step, const struct pln_step_status *status,
                        struct fx_wall now, struct fx_arena *arena);
    /*
     * The reason why the undo of a step of this kind changes nothing; NULL, or a result of NULL: it
     * does what its row says.
     */
    const char *(*undo_note)(const char *run_dir);
};

#define X(NAME, name, yaml, undo, gates, changes, text) \
    extern const struct pln_action pln_action_##name;
#include "plans/plan/steps.def"
#undef X

const struct pln_action *pln_action_of(enum pln_kind kind);

#endif
