/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of the demo: what the writers of the shop know about their writes, on disk before and
 * after each.
 *
 * One line an event, one write(2) a line, so that a killed writer leaves whole lines:
 *
 *     T I c REF 0            about to create an order under this reference
 *     T I i REF ORDER BY     about to add BY to the counter of an order
 *     T A REF ORDER MS       acknowledged, after MS milliseconds
 *     T N REF                no answer: done or not, nobody knows
 *     T R REF                refused: certainly not done
 *
 * T: wall clock in milliseconds. An intent without an outcome counts as N. A refused reference may
 * be tried again. What must hold at the end: acknowledged exactly once, no answer at most once,
 * refused zero.
 * Thread: any; one ledger for all threads of a process.
 */
#ifndef DEMO_LEDGER_H
#define DEMO_LEDGER_H

#include "lib/err/err.h"

enum ledger_kind { LEDGER_CREATE, LEDGER_INCREMENT };

/* Writing. */
struct ledger {
    int fd;
};
bool ledger_open(struct ledger *ledger, const char *dir, const char *name, struct fx_err *err);
void ledger_intent(struct ledger *ledger, enum ledger_kind kind, const char *ref, int64_t order,
                   int64_t by);
void ledger_acknowledged(struct ledger *ledger, const char *ref, int64_t order, int64_t ms);
void ledger_no_answer(struct ledger *ledger, const char *ref);
void ledger_refused(struct ledger *ledger, const char *ref);

/* Reading: one entry for each reference, whatever number of attempts it took. */
struct ledger_entry {
    enum ledger_kind kind;
    char ref[48];
    int64_t order, by;
    int64_t intents, acknowledged, unknown, refused;
    int64_t acknowledged_at_ms, ms_max;
    bool is_direct; /* written by the nightly job, straight to the database */
};
struct ledger_book {
    struct ledger_entry *entries;
    size_t len, cap;
    void *index; /* by reference */
};
bool ledger_read(struct ledger_book *book, const char *path, bool is_direct, struct fx_err *err);
struct ledger_entry *ledger_find(struct ledger_book *book, const char *ref);
void ledger_book_done(struct ledger_book *book);

#endif
