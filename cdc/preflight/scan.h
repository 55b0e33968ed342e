/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value scan of a preflight: does every row of the source fit the target's columns? Reads
 * ranges of keys ("pieces") on several sessions at once and lets the mapping and the target's types
 * judge each value; nothing is written to a database.
 *
 * Resumable: which pieces were read and had nothing to say is kept in a file beside the streams'
 * own. A scan that was interrupted goes on there, if mapping, tables and servers are the same and
 * it began less than a day ago. Pieces with a finding are read again, so that the report has all of
 * them and shows what was corrected meanwhile. The file is removed when a scan has come to its end.
 *
 * Rows that change while it runs may be judged before or after the change, as with any scan: the
 * applier checks each value again.
 */
#ifndef CDC_PREFLIGHT_SCAN_H
#define CDC_PREFLIGHT_SCAN_H

#include "cdc/engine.h"

#define CDC_SPACE_KIND "key-trailing-space"
#define CDC_SPACE_GROUP \
    "keys that differ in trailing spaces, which the new side does not tell apart"
/* Arguments: the column, what it does ("ends in a space"), the new table and its column. */
#define CDC_SPACE_WHAT                                                                            \
    "column %s of a unique key %s, which the collation of %s.%s ignores (PAD SPACE; utf8mb4_bin " \
    "pads too): give it one that does not pad"

struct cdc_scan_spec {
    const struct cdc_sides *sides;
    const struct cdc_binding *binding;
    const char ***pads;      /* for each table and pair: see cdc_check_keys */
    size_t n_sessions;       /* at once, on the old side */
    const char *file;        /* NULL: not resumable */
    cdc_scan_fn on_progress; /* may be NULL */
    void *arg;
};
/* Adds to `f`. Errors: SOURCE*, TARGET*, IO. Thread: one; it starts others and joins them. */
bool cdc_scan_values(const struct cdc_scan_spec *spec, struct fx_findings *f,
                     struct fx_err *err) FX_MUST_CHECK;

#endif
