/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns changes into SQL text for the target: several statements in one text, so that a transaction
 * costs one round trip and not one for each row.
 *
 * Neighbouring inserts into one table become one multi-row insert, neighbouring deletes one delete
 * with a key list. Neighbouring updates of one table that send the same columns become one
 * statement once there are enough of them; no key is in it twice. An update that changes its key,
 * one of a table that has a second unique key, and one of few is a statement of its own. Order is
 * never changed. `matches` says for each statement how many rows it must match.
 *
 * Thread: one.   Owns: its text.
 */
#ifndef CDC_APPLY_BATCH_H
#define CDC_APPLY_BATCH_H

#include "cdc/engine.h"

enum cdc_batch_open {
    CDC_OPEN_NONE,
    CDC_OPEN_INSERT,
    CDC_OPEN_DELETE,       /* by a key of one column: a list, which wants its ')' */
    CDC_OPEN_DELETE_PAIRS, /* by a key of several: conditions */
    CDC_OPEN_UPDATE,       /* few: statements of their own in `sql`, and as rows in `few` */
    CDC_OPEN_UPDATE_MANY,
};

struct cdc_batch {
    const struct cdc_binding *binding;
    enum fx_engine engine; /* of the target */
    const struct cdc_engine_target *target;
    struct fx_buf sql;
    struct fx_counts matches; /* rows each statement must match */
    int64_t expected;         /* their sum */
    int64_t n_changes;        /* row changes in the text */
    int64_t rows_max;         /* of one multi-row statement */
    /* The statement that may still grow: */
    enum cdc_batch_open open;
    size_t open_table;
    int64_t open_rows;
    size_t values_at; /* where in `sql` its first row begins */
    /* Of updates that may become, or are, one statement: */
    size_t open_at;         /* where in `sql` the first of them begins */
    size_t open_matches;    /* and in `matches` */
    struct fx_buf few;      /* their rows as values */
    struct fx_buf sent;     /* a byte for each column pair: 1 where a value is sent */
    struct fx_counts keys;  /* hashes of their keys */
    const bool *has_unique; /* of each table: a second unique key; NULL: not known, as true */
    struct fx_arena scratch;
};

void cdc_batch_init(struct cdc_batch *batch, const struct cdc_binding *binding, int64_t rows_max);
void cdc_batch_done(struct cdc_batch *batch);
void cdc_batch_clear(struct cdc_batch *batch);

/* Appends one change. Errors: SOURCE_DATA naming
 * table, key and column; LIMIT (text beyond 64 MiB). */
bool cdc_batch_row(struct cdc_batch *batch, const struct cdc_row *row,
                   struct fx_err *err) FX_MUST_CHECK;
/* Appends a statement of ours that must match `expected` rows. No trailing ';'. */
void cdc_batch_statement(struct cdc_batch *batch, const char *sql, int64_t expected);
/*
 * Appends what `from` holds and empties it. A single statement of the kind that grows here becomes
 * part of it. Both belong to the same binding.
 */
void cdc_batch_join(struct cdc_batch *batch, struct cdc_batch *from);
/* Ends the growing statement; afterwards the text can be executed. */
void cdc_batch_finish(struct cdc_batch *batch);

#endif
