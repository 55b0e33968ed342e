/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initial copy of a forward stream, joined to the stream without gap and without duplicate.
 *
 *     ┌───────┐  rows of an earlier,  ┌──────┐ create the slot ┌──────┐ all tables ┌──────┐
 *     │ CLEAN │ ───────────────────► │ SLOT │ ──────────────► │ COPY │ ─────────► │ DONE │
 *     └───────┘  incomplete copy go   └──────┘ exported snapshot└──────┘ record P  └──────┘
 *
 * The permanent slot's creation exports a snapshot that shows exactly what committed before the
 * slot's consistent point P; streaming starts at P. `phase` in ficus.progress is "copy" from before
 * the first row until P is marked, so a crash in between is seen at the next start: the slot is
 * dropped, what was copied is deleted, and all begins again (an exported snapshot does not survive
 * its session, so there is nothing to resume). Between CLEAN and SLOT, with the target's tables
 * seen to be empty, the reverse stream's start is recorded. Every batch is a transaction that also
 * moves ficus.progress: the loop marker for the reverse stream.
 */
#ifndef CDC_SNAPSHOT_SNAPSHOTTER_H
#define CDC_SNAPSHOT_SNAPSHOTTER_H

#include "cdc/change.h"
#include "cdc/sink/sink.h"
#include "cdc/snapshot/tally.h"

struct cdc_snapshot_env {
    const struct cdc_binding *binding;
    const struct cdc_options *options;
    struct cdc_sink *sink;
    /* Called at the begin of each table and after each batch; false stops the copy at a clean point
     * (INTERRUPTED). */
    bool (*on_progress)(void *arg, const struct cdc_copy_at *at);
    void *arg;
};
/* Errors: TARGET_CONFLICT (a target table that we did
 * not fill holds rows), SOURCE*, TARGET*, INTERRUPTED. */
bool cdc_snapshot_run(const struct cdc_snapshot_env *env, struct fx_err *err) FX_MUST_CHECK;

#endif
