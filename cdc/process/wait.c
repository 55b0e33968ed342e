/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a stream that was started: a process that answers is not yet one that streams. */
#include <inttypes.h>

#include "cdc/names.h"
#include "cdc/process/client.h"
#include "cdc/process/paths.h"
#include "lib/base/clock.h"
#include "lib/io/flock.h"

enum {
    POLL_MS = 20,
    COPY_MS = 2000, /* a copy that takes longer is not waited for */
};

static bool ctx_start(const struct cdc_ref *ref, struct fx_err *err)
{
    return fx_ctx(err, "starting stream \"%s-%s\"", ref->context,
                  cdc_name_direction(ref->direction));
}

/* The error that the stream shows, as an error here. */
static bool fail_as_shown(const struct cdc_ref *ref, const struct cdc_status *status,
                          struct fx_err *err)
{
    (void)cdc_fail_answer(fx_str_from(status->error), err);
    (void)fx_err_name_context(err, ref->context);
    return ctx_start(ref, err);
}

static bool fail_slow(const struct cdc_ref *ref, const struct cdc_status *status, int64_t waited_ms,
                      struct fx_err *err)
{
    struct cdc_paths paths;
    if (status->error[0] != '\0') {
        (void)fail_as_shown(ref, status, err);
        return fx_ctx(err, "it still tries, after %" PRId64 " ms", waited_ms);
    }
    (void)fx_fail(err, FX_E_TIMEOUT,
                  "stream \"%s-%s\" is still in phase \"%s\" after %" PRId64 " ms", ref->context,
                  cdc_name_direction(ref->direction), cdc_phase_name(status->phase), waited_ms);
    return cdc_paths_make(ref, &paths, err) &&
           fx_hint(err,
                   "It runs and goes on by itself. Watch it: ficus cdc status --context %s. If the "
                   "phase does not change, see the end of its log: tail -n 20 '%s'. In a run, "
                   "then: ficus run resume",
                   ref->context, paths.log);
}

static bool is_under_way(const struct cdc_status *status, struct fx_mono began, struct fx_mono now,
                         bool is_late)
{
    switch (status->phase) {
    case CDC_PHASE_STREAM:
    case CDC_PHASE_HELD: return true;
    case CDC_PHASE_COPY:
        return is_late ||
               (status->copied_rows > 0 && fx_mono_reached(fx_mono_add_ms(began, COPY_MS), now));
    case CDC_PHASE_CATCHUP: return is_late;
    case CDC_PHASE_STARTING:
    case CDC_PHASE_STOPPED: return false;
    }
    return false;
}

bool cdc_wait_live(const struct cdc_ref *ref, const struct cdc_options *options,
                   struct cdc_status *ret, struct fx_err *err)
{
    struct cdc_paths paths;
    struct fx_mono began = fx_mono_now();
    struct fx_mono until = fx_mono_add_ms(began, options->start_timeout_ms);
    if (!cdc_paths_make(ref, &paths, err))
        return false;
    for (;;) {
        struct fx_mono now = fx_mono_now();
        bool is_late = fx_mono_reached(until, now);
        if (!cdc_status(ref, ret, err)) {
            if (is_late || !fx_flock_is_held(paths.lock, NULL))
                return ctx_start(ref, err);
            fx_err_clear(err); /* it ends: the error is complete when the lock is free */
            ret->phase = CDC_PHASE_STARTING;
        }
        if (ret->phase == CDC_PHASE_STOPPED && ret->error[0] != '\0')
            return fail_as_shown(ref, ret, err);
        if (is_under_way(ret, began, now, is_late))
            return true;
        if (is_late)
            return fail_slow(ref, ret, options->start_timeout_ms, err);
        fx_sleep_ms(POLL_MS);
    }
}
