/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of ficus.progress: how far a stream is on its target, and which applier holds it. The row
 * is moved only by the first statement of a target transaction (db.c); here it is read and claimed.
 */
#ifndef CDC_SINK_PROGRESS_H
#define CDC_SINK_PROGRESS_H

#include "cdc/cdc.h"
#include "cdc/change.h"

enum cdc_progress_phase {
    CDC_PROGRESS_NEW,    /* nothing was ever copied */
    CDC_PROGRESS_COPY,   /* the copy from the snapshot at `pos` is not complete */
    CDC_PROGRESS_STREAM, /* everything before `pos` is on the target */
};
const char *cdc_progress_phase_name(enum cdc_progress_phase phase);

struct cdc_progress {
    enum cdc_progress_phase phase;
    struct fx_pos pos;
    int64_t ordinal; /* transactions (while copying: rows) so far */
    int64_t epoch;   /* of the applier that holds the stream */
};
void cdc_progress_copy(struct cdc_progress *to, const struct cdc_progress *from);
void cdc_progress_done(struct cdc_progress *progress);

/* `lock`: "" or " for update". Errors: DRIFT (no row, or not ours), those of the session. */
bool cdc_progress_read(struct fx_db *db, const struct cdc_binding *binding, const char *lock,
                       struct cdc_progress *ret, struct fx_err *err) FX_MUST_CHECK;
/*
 * Waits for whatever an earlier session of this stream still has open, then takes the next epoch
 * (`epoch` 0) or makes sure that it is still `epoch`, while this controller holds the context.
 * `has_controllers`: the schema records who does. Errors: STALE_EPOCH.
 */
bool cdc_progress_claim(struct fx_db *db, const struct cdc_binding *binding, int64_t epoch,
                        bool has_controllers, struct cdc_progress *ret,
                        struct fx_err *err) FX_MUST_CHECK;
/*
 * Another applier has claimed the stream, or another controller has taken the context over; asks
 * the target in a session of its own, because an applier may not read who it is. Always false.
 */
bool cdc_progress_fail_stale(const struct cdc_binding *binding, int64_t epoch, int64_t ours,
                             struct fx_err *err);
/* What ficus.leak holds of the stream: how many, and the newest. */
bool cdc_progress_leaks(struct fx_db *db, const struct cdc_binding *binding, int64_t *ret_leaks,
                        char *last, size_t last_size, struct fx_err *err) FX_MUST_CHECK;

#endif
