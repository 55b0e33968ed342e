/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyset merge of two streams of mapped rows: what is missing on the target, what is extra, what
 * differs.
 *
 * Both streams yield one value for each column pair, in the same order, ascending by the key pairs.
 * The merge is only right when that order holds, so it is checked on every row of both sides: a
 * violation is an error (PROTOCOL), never a wrong "equal".
 *
 * Knows no database: tests feed it arrays.   Thread: one.
 */
#ifndef REC_DIFFER_H
#define REC_DIFFER_H

#include "reconcile/reconcile.h"

struct rec_stream {
    /* *ret_row: NULL at the end; valid until the next call on the same stream. */
    bool (*next)(void *arg, const struct fx_value **ret_row, struct fx_err *err);
    void *arg;
    const char *name; /* "source public.orders" */
};

struct rec_columns {
    const char *const *names; /* of the pairs, as the source calls them */
    size_t n;
    const size_t *key; /* indexes of the pairs that make the key, in key order */
    size_t n_key;
};

/*
 * Counts and differences go to *result, whose difference list is bounded by `differences_max`
 * (counting goes on). Texts belong to `arena`.
 */
bool rec_diff(const struct rec_stream *source, const struct rec_stream *target,
              const struct rec_columns *columns, int64_t differences_max,
              const struct rec_progress *progress, struct fx_arena *arena,
              struct rec_table_result *result, struct fx_err *err) FX_MUST_CHECK;

/* "id = 42, line = 7" */
const char *rec_key_text(const struct rec_columns *columns, const struct fx_value *row,
                         struct fx_arena *arena);
/* Compares the key columns of two rows. */
int rec_key_cmp(const struct rec_columns *columns, const struct fx_value *a,
                const struct fx_value *b);

#endif
