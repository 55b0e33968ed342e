/* SPDX-License-Identifier: Apache-2.0 */
/* Text about a run besides its picture (picture.h). Errors: JOURNAL, CONFIG. Thread: any. */
#ifndef PLN_TEXTS_H
#define PLN_TEXTS_H

#include "lib/crypt/chain.h"
#include "plans/plan/action.h"
#include "plans/run/journal.h"
#include "plans/run/paths.h"

/*
 * What a rollback would do now, in order, and what it costs by what databases and streams answer.
 * Reads only. False with the text in `out` when something stands in its way now: the error of the
 * stream, with the command that goes on.
 */
bool pln_run_rollback_show(struct fx_project *project, const char *name, struct fx_buf *out,
                           struct fx_err *err) FX_MUST_CHECK;
/*
 * The way back of a plan (all its steps done) or of a run (as it is now) as a plan of kind
 * Rollback, with what each step costs now. `word` is a plan's path or a run's name. Reads only.
 */
bool pln_rollback_print(struct fx_project *project, const char *word, struct fx_buf *out,
                        struct fx_err *err) FX_MUST_CHECK;
/* One line for each record; with `is_json` the records as they are stored. */
bool pln_journal_show(const struct fx_project *project, const char *name, bool is_json,
                      struct fx_buf *out, struct fx_err *err) FX_MUST_CHECK;
struct pln_verified {
    uint64_t n_records, n_unkeyed; /* of them those of an older Ficus, which had no key */
    char anchor[FX_CHAIN_ANCHOR];  /* of the last record */
};
/* Checks checksums, chain and order of all records. Errors: JOURNAL. */
bool pln_journal_verify(const struct fx_project *project, const char *name, const char *anchor,
                        struct pln_verified *ret, struct fx_err *err) FX_MUST_CHECK;

/*
 * For this room: the state of a run and the copy of its plan, also when ficus.yaml has changed
 * since.
 */
bool pln_view_load(const struct pln_paths *at, struct fx_arena *arena, struct pln_plan **ret_plan,
                   struct pln_state *state, struct fx_err *err) FX_MUST_CHECK;

#endif
