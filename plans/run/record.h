/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a run's journal: one JSON object (docs/protocols/journal.md).
 *
 *   RUN_OPENED   a process takes control: mode start | resume | rollback, its epoch
 *   INTENT       a step is about to act        EFFECT       something of it is done (weight, pause)
 *   DONE         the step is done              FAIL         it failed; text is the error
 *   ROLLBACK     the run goes back             COMPENSATE   the undo of a step begins
 *   CUT          an event of the cut-over (step, event, group, detail)
 *   COMPENSATED  the undo is done              HELD         waits for a gate or a person
 *   RUN_CLOSED   the outcome: finished | rolled back | stuck
 *
 * Errors: JOURNAL; VERSION when a newer build wrote it.   Thread: any.
 */
#ifndef PLN_RECORD_H
#define PLN_RECORD_H

#include "lib/base/clock.h"
#include "plans/cutover/cutover.h"
#include "plans/plan/model.h"

#define PLN_RECORDS(X) \
    X(RUN_OPENED)      \
    X(INTENT)          \
    X(EFFECT)          \
    X(DONE)            \
    X(FAIL)            \
    X(ROLLBACK)        \
    X(COMPENSATE)      \
    X(COMPENSATED)     \
    X(CUT)             \
    X(HELD)            \
    X(RUN_CLOSED)

enum pln_rec {
#define X(name) PLN_REC_##name,
    PLN_RECORDS(X)
#undef X
        PLN_REC_COUNT
};
const char *pln_rec_name(enum pln_rec type);

enum { PLN_TEXT_MAX = 384 };

struct pln_record {
    enum pln_rec type;
    struct fx_wall at;
    int step;           /* index, -1: of the run */
    const char *id;     /* of the step, for readers */
    const char *text;   /* note, reason, outcome, mode; NULL: none */
    const char *code;   /* FAIL: error code */
    int64_t epoch;      /* RUN_OPENED */
    int64_t version;    /* of the journal's form, from RUN_OPENED; set by reading */
    const char *digest; /* RUN_OPENED: of the plan's text */
    const char *plan;   /* RUN_OPENED: path */
    const char *operator_name;
    double weight;           /* EFFECT of a ramp, percent; -1: none */
    int64_t predicted_ms;    /* EFFECT of a rehearsal; -1: none */
    int cut_step, cut_event; /* CUT; -1. Stored as "cut_step" and "moment" */
    const char *group;       /* CUT */
};
struct pln_record pln_record(enum pln_rec type, const struct pln_step *step);

void pln_record_write(const struct pln_record *rec, struct fx_buf *out);
/* Texts are borrowed from `arena`. */
bool pln_record_read(struct fx_str json, struct fx_arena *arena, struct pln_record *ret,
                     struct fx_err *err) FX_MUST_CHECK;

#endif
