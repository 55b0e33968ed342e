/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a run: its records (record.h) in lib/io/recordlog, and the state that they add up
 * to (state.h).
 *
 *     struct pln_journal *journal;
 *     pln_journal_open(path, &state, &journal, err)
 *     pln_journal_append(journal, &record, err)      durable when it returns; then the state has
 *                                                    changed too
 *     pln_journal_close(journal)
 *
 * Owns: the open file and its lock.   Thread: one.
 */
#ifndef PLN_JOURNAL_H
#define PLN_JOURNAL_H

#include "lib/crypt/chain.h"
#include "lib/io/recordlog.h"
#include "plans/run/state.h"

struct pln_journal;
/* Opens for writing, locks, replays into *state. Errors: LOCKED, JOURNAL, IO. */
bool pln_journal_open(const char *path, struct pln_state *state, struct pln_journal **ret,
                      struct fx_err *err) FX_MUST_CHECK;
/* Durable when it returns; the state is changed only then. */
bool pln_journal_append(struct pln_journal *journal, struct pln_record *rec,
                        struct fx_err *err) FX_MUST_CHECK;
void pln_journal_close(struct pln_journal *journal);
/* For readers beside a controller. `on_record` may be NULL. */
bool pln_journal_replay(const char *path, struct pln_state *state,
                        bool (*on_record)(void *arg, uint64_t seq, const struct pln_record *rec,
                                          struct fx_str json),
                        void *arg, struct fx_err *err) FX_MUST_CHECK;
/*
 * The same, and *ret_chain says how many records are sealed with the journal's key and which one is
 * the last. `anchor` (fx_chain_anchor) is what an earlier call said; NULL: none is demanded.
 */
bool pln_journal_check(const char *path, struct pln_state *state, const char *anchor,
                       struct fx_chain *ret_chain, struct fx_err *err) FX_MUST_CHECK;

#endif
