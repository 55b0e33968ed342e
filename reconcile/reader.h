/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one side of a table in a thread of its own and hands mapped rows over in batches, so that
 * both servers, the mapping and the merge work at the same time. Memory is bounded: at most
 * REC_BATCHES batches of about REC_BATCH_BYTES wait (and one row may be larger than a batch).
 *
 * The session belongs to the reader between rec_reader_start and rec_reader_stop.
 */
#ifndef REC_READER_H
#define REC_READER_H

#include "reconcile/differ.h"

enum { REC_BATCHES = 4, REC_BATCH_ROWS = 1024, REC_BATCH_BYTES = 1 << 20 };

struct rec_reader;

struct rec_reader_spec {
    struct fx_db *db;
    const struct fx_map_table *map;
    enum fx_direction direction;
    bool is_source;    /* rows go through fx_map_row; the target's are taken as they are */
    const char *where; /* or NULL; over the own side's columns */
};

/* A thread that cannot be started is an error of the first rec_reader_next. */
struct rec_reader *rec_reader_start(const struct rec_reader_spec *spec);
/* For rec_stream.next: *ret_row has map->n_columns
 * values. Errors are recoded to SOURCE or TARGET. */
bool rec_reader_next(void *reader, const struct fx_value **ret_row, struct fx_err *err);
/* Ends the thread (it stops at its next batch) and frees everything. NULL is fine. */
void rec_reader_stop(struct rec_reader *reader);

#endif
