/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the value scan has to read, as ranges over the first column of each table's key, and the
 * file in which an interrupted scan leaves what it has read. Bounds are found while the scan runs
 * (one step over the key's index each), so that it begins at once, whatever the table.
 *
 * Owns: all pieces. Thread: the caller's lock.
 */
#ifndef CDC_PREFLIGHT_PIECES_H
#define CDC_PREFLIGHT_PIECES_H

#include "cdc/preflight/scan.h"
#include "cdc/preflight/values.h"
#include "lib/base/vec.h"

/* Rows whose key is above `low` and at most `high`, as the server writes it; NULL: no bound. */
struct cdc_piece {
    size_t table;
    char *low, *high;
    int64_t n_rows;
    bool is_read;
    bool is_clean;                /* read, and nothing was found */
    struct cdc_bad_values *found; /* NULL: nothing */
};

struct cdc_pieces {
    const struct cdc_scan_spec *spec;
    FX_VEC(struct cdc_piece *) all; /* in the order of tables and keys */
    size_t next;                    /* the first that nobody has taken */
    size_t table;                   /* of the bound that is looked for next */
    char *low;                      /* where that table's next piece begins; NULL: at its start */
    int64_t resumed_rows;           /* of pieces that need not be read again */
    int64_t began_us;
};

/* Reads the file of an interrupted scan, if there is one that fits. */
void cdc_pieces_init(struct cdc_pieces *pieces, const struct cdc_scan_spec *spec);
void cdc_pieces_done(struct cdc_pieces *pieces);
/* *ret NULL: all have been taken. `db`: a session of the old side. Errors: as the session's. */
bool cdc_pieces_take(struct cdc_pieces *pieces, struct fx_db *db, struct cdc_piece **ret,
                     struct fx_err *err) FX_MUST_CHECK;
/* The file's content: appended to `out`. */
void cdc_pieces_write(const struct cdc_pieces *pieces, struct fx_buf *out);

#endif
