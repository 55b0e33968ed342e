/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a run and the state that it means.
 *
 * A record is a JSON object in lib/io/recordlog. The state changes only in pln_state_apply, which replay and append share,
 * so a resumed process has exactly the state that the process before it had made durable.
 *
 *   RUN_OPENED   a process takes control: mode start | resume | rollback, its epoch
 *   INTENT       a step is about to act          EFFECT   something of it is done (weight, predicted pause)
 *   DONE         the step is done                FAIL     it failed; text is the error
 *   ROLLBACK     the run goes back              COMPENSATE, COMPENSATED   the undo of a step begins, is done
 *   CUT          an event of the cut-over's protocol (step, event, group, detail)
 *   HELD         waits for a gate or a person    RUN_CLOSED   outcome finished | rolled back | stuck
 */
#ifndef PLN_JOURNAL_H
#define PLN_JOURNAL_H

#include "lib/base/clock.h"
#include "lib/io/recordlog.h"
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

enum pln_step_state {
    PLN_STEP_PENDING,
    PLN_STEP_RUNNING, /* INTENT: may have acted in part */
    PLN_STEP_DONE,
    PLN_STEP_FAILED, /* may have acted in part */
    PLN_STEP_UNDOING,
    PLN_STEP_UNDONE,
};

enum pln_phase {
    PLN_PHASE_NEW, /* nothing is journalled */
    PLN_PHASE_FORWARD,
    PLN_PHASE_BACK, /* rolling back */
    PLN_PHASE_FINISHED,
    PLN_PHASE_ROLLED_BACK,
    PLN_PHASE_STUCK, /* while rolling back; resume tries again */
};

struct pln_step_status {
    enum pln_step_state state;
    char id[64];
    char note[PLN_TEXT_MAX];
    struct fx_wall began, ended;
    double weight;      /* of a ramp; -1 */
    struct fx_wall set; /* when that weight was set */
};

struct pln_state {
    enum pln_phase phase;
    int64_t epoch;
    char digest[FX_HASH_HEX];
    char plan_path[512];
    struct fx_wall opened; /* the start, not the last resume */
    struct fx_wall closed;
    struct fx_wall last; /* of the newest record */
    struct pln_step_status steps[PLN_STEPS_MAX];
    int current; /* step of the newest INTENT or COMPENSATE, -1: none */
    bool is_held;
    char reason[PLN_TEXT_MAX]; /* why it is held, rolled back, stuck */
    char reason_code[24];
    int64_t predicted_ms;  /* of the newest rehearsal; -1 */
    int cut_step;          /* protocol step that runs now, -1: none */
    struct fx_wall fenced; /* us 0: no fence is in force */
    uint64_t n_records;
};
void pln_state_init(struct pln_state *state);
const char *pln_phase_name(enum pln_phase phase);           /* "rolling back" */
const char *pln_step_state_name(enum pln_step_state state); /* "running" */
/* All of it in one line, for a panic. */
void pln_state_show(const struct pln_state *state, size_t n_steps, struct fx_buf *out);
/* Something remains to be done or undone. */
bool pln_state_is_open(const struct pln_state *state);
/* A step has begun. A run that was opened and stopped before that may be started again. */
bool pln_state_has_begun(const struct pln_state *state);
/* Errors: JOURNAL when the record cannot follow the state. */
bool pln_state_apply(struct pln_state *state, const struct pln_record *rec,
                     struct fx_err *err) FX_MUST_CHECK;

void pln_record_write(const struct pln_record *rec, struct fx_buf *out);
/* Texts are borrowed from `arena`. */
bool pln_record_read(struct fx_str json, struct fx_arena *arena, struct pln_record *ret,
                     struct fx_err *err) FX_MUST_CHECK;

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

#endif
