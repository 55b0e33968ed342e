/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans and their runs: public face of the engine.
 *
 *     struct pln_plan *plan;
 *     pln_load("plans/orders.yaml", project, arena, &plan, err)
 *     pln_run_start(&env, plan, err)         carries it out in the foreground
 *     pln_run_resume(&env, "orders-extract", err)
 *     pln_run_rollback(&env, "orders-extract", err)
 *
 * The state of a run is its journal, <state>/runs/<plan name>/journal: what is not in it has not happened, and
 * what is begun in it is finished by resume. One controller at a time: the journal is locked on this machine, and every
 * opening takes a higher epoch, which the facade demands of whoever comes later.
 *
 * Errors of the three: GATE_CLOSED, DIVERGED … become ROLLED_BACK once the run has been rolled back; HELD and
 *   INCONCLUSIVE wait for a person; INTERRUPTED, *_CONNECT, STREAM stopped at a safe point, resume goes on; STUCK needs a
 *   person; DRIFT: plan or context are not what the run began with (drift.h); LOCKED, STALE_EPOCH: somebody else controls it.
 * Thread: one.
 */
#ifndef PLN_PLAN_H
#define PLN_PLAN_H

#include "lib/map/map.h"
#include "plans/plan/model.h"

/* Errors: CONFIG with all problems of the file. `project` NULL: contexts and routes are not checked. */
bool pln_load(const char *path, const struct fx_project *project, struct fx_arena *arena,
              struct pln_plan **ret_plan, struct fx_err *err) FX_MUST_CHECK;
/* The same from memory; the problems stay in `problems` too (tests, fuzzing). */
bool pln_parse(const char *name, struct fx_str text, const struct fx_project *project,
               struct fx_arena *arena, struct pln_plan **ret_plan, struct fx_problems *problems,
               struct fx_err *err) FX_MUST_CHECK;
/* For load.c: the `gate:` map of a step. */
void pln_gates_read(struct pln_step *step, const struct fx_node *node, struct fx_arena *arena,
                    struct fx_problems *problems);
/* The steps with gates and undo, for `plan show` and a start without --execute. */
void pln_show(const struct pln_plan *plan, struct fx_buf *out);

struct fcd_endpoint;

/* Keys, kinds of steps and gates as Markdown, for docs/reference/config.md. */
void pln_config_markdown(struct fx_buf *out);
void pln_gates_markdown(struct fx_buf *out);

struct pln_env {
    const char *argv0; /* the ficus executable, for stream processes */
    struct fx_project *project;
    bool (*should_stop)(void *arg);                /* asked at safe points; NULL: never */
    void (*on_event)(void *arg, const char *line); /* one line for each change; NULL: none */
    void *arg;
};

bool pln_run_start(const struct pln_env *env, const struct pln_plan *plan,
                   struct fx_err *err) FX_MUST_CHECK;
/* `name` is one that pln_run_find gave. */
bool pln_run_resume(const struct pln_env *env, const char *name, struct fx_err *err) FX_MUST_CHECK;
bool pln_run_rollback(const struct pln_env *env, const char *name,
                      struct fx_err *err) FX_MUST_CHECK;

/* What a rollback would do now, in order, and what it costs. Reads only. */
bool pln_run_rollback_show(const struct fx_project *project, const char *name, struct fx_buf *out,
                           struct fx_err *err) FX_MUST_CHECK;

/*
 * The run called `name`; when NULL the unfinished one, else the newest. Several unfinished ones: the one that runs now, else
 * the newest; `will_act` refuses to choose. Errors: CONFIG: there is none; USAGE: listing those that are unfinished.
 */
bool pln_run_find(const struct fx_project *project, const char *name, bool will_act,
                  struct fx_arena *arena, const char **ret_name, struct fx_err *err) FX_MUST_CHECK;

/*
 * Is every run of the context at its end, that called `but` (or NULL) aside? Another one in progress would fight over routes
 * and ownership, and needs the streams. Errors: LOCKED, naming the run.
 */
bool pln_runs_at_end(const struct fx_project *project, const char *context, const char *but,
                     struct fx_err *err) FX_MUST_CHECK;

struct pln_picture;
/* Fills a picture from the journal and, when `is_live`, from streams, facade and databases. */
bool pln_run_picture(struct fx_project *project, const char *name, bool is_live,
                     struct fx_arena *arena, struct pln_picture *ret,
                     struct fx_err *err) FX_MUST_CHECK;

/* One line a record; with `is_json` the records themselves. */
bool pln_journal_show(const struct fx_project *project, const char *name, bool is_json,
                      struct fx_buf *out, struct fx_err *err) FX_MUST_CHECK;
/* Reads it all: checksums, chain, order of records. *ret_records: how many. Errors: JOURNAL. */
bool pln_journal_verify(const struct fx_project *project, const char *name, uint64_t *ret_records,
                        struct fx_err *err) FX_MUST_CHECK;

/* facade.admin of the project file. */
bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err) FX_MUST_CHECK;

#endif
