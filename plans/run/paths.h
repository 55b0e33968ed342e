/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a run keeps what: the one place that spells `<state>/runs/…`.
 *
 *     struct pln_paths at;
 *     pln_paths_of(project->state_dir, "orders-extract", &arena, &at);
 *     fx_file_exists(at.journal)
 *
 * Owns: nothing; the texts live in the arena.
 */
#ifndef PLN_PATHS_H
#define PLN_PATHS_H

#include "lib/base/arena.h"

struct pln_paths {
    const char *dir;           /* <state>/runs/<run> */
    const char *journal;       /* what was done; a run without it does not exist */
    const char *plan;          /* copy of the plan as it was when the run began */
    const char *rollback;      /* the way back as a plan, as it was when the rollback began */
    const char *context;       /* copy of the context, the same (drift.h) */
    const char *lock;          /* held by the process that carries the run out */
    const char *made_streams;  /* exists: this run made the streams, so its rollback drops them */
    const char *latest;        /* directory of the newest comparison */
    const char *latest_report; /* its report.json */
    const char *latest_text;   /* its report.txt */
};

/* `run` is a plan's name: it has no '/' (plan/load.c). */
void pln_paths_of(const char *state_dir, const char *run, struct fx_arena *arena,
                  struct pln_paths *ret);
/* The same of a run whose directory is known. */
void pln_paths_in(const char *dir, struct fx_arena *arena, struct pln_paths *ret);
/* <state>/runs, the directory of all runs. */
const char *pln_path_runs(const char *state_dir, struct fx_arena *arena);
/* Where the comparison of a step is kept. */
const char *pln_path_report(const char *run_dir, const char *step, struct fx_arena *arena);
/* <state>/contexts and the lock of a context in it. */
const char *pln_path_contexts(const char *state_dir, struct fx_arena *arena);
const char *pln_path_context_lock(const char *state_dir, const char *context,
                                  struct fx_arena *arena);

#endif
