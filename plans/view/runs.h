/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All runs of a state directory, and one run as JSON: docs/protocols/json-output.md lists the
 * fields, and their names stay.
 *
 *     struct pln_run_line *lines;
 *     pln_runs_list(project, arena, &lines, &n);     never fails: an unreadable run is a line too
 *     pln_runs_json(lines, n, &out);
 *
 * Thread: any.
 */
#ifndef PLN_VIEW_RUNS_H
#define PLN_VIEW_RUNS_H

#include "plans/run/state.h"
#include "plans/view/picture.h"

/* Texts are the arena's. */
struct pln_run_line {
    const char *run, *context;
    const char *phase;  /* pln_phase_word, or "unreadable" */
    const char *step;   /* the newest that has begun; NULL: none */
    const char *by;     /* who opened it last */
    const char *reason; /* why it is held, rolled back, stuck or unreadable; NULL: it is not */
    const char *next;   /* the command that goes on */
    struct fx_wall opened, since; /* its start; its newest record, us 0: unknown */
};

/*
 * running, rolling_back, held, interrupted, stuck, finished or rolled_back: what a script asks for.
 * `is_running`: a process carries the run out now.
 */
const char *pln_phase_word(const struct pln_state *state, bool is_running);

/* The run that wrote last comes first. */
void pln_runs_list(const struct fx_project *project, struct fx_arena *arena,
                   struct pln_run_line **ret, size_t *ret_n);
void pln_runs_json(const struct pln_run_line *lines, size_t n, struct fx_buf *out);
/* One object and a line end. Parts that did not answer are {"error": "…"}. */
void pln_picture_json(const struct pln_picture *pic, struct fx_buf *out);

#endif
