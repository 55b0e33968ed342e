/* SPDX-License-Identifier: Apache-2.0 */
/* The phase of a stream, and what is shown of it. The diagram is in streamer.h. */
#include "cdc/stream/state.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/panic.h"
#include "lib/log/log.h"

enum {
    PUBLISH_MS = 50,
    LATE_MS = 2000, /* the server is asked every second how far its log reaches */
};

/* STOPPED is final; a session that is lost begins again at STARTING. */
static bool may_follow(enum cdc_phase from, enum cdc_phase to)
{
    if (from == CDC_PHASE_STOPPED)
        return false;
    switch (to) {
    case CDC_PHASE_STARTING:
    case CDC_PHASE_STOPPED: return true;
    case CDC_PHASE_COPY: return from == CDC_PHASE_STARTING;
    case CDC_PHASE_CATCHUP:
        return from == CDC_PHASE_STARTING || from == CDC_PHASE_COPY || from == CDC_PHASE_HELD;
    case CDC_PHASE_STREAM:
    case CDC_PHASE_HELD:
        return from == CDC_PHASE_CATCHUP || from == CDC_PHASE_STREAM || from == CDC_PHASE_HELD;
    }
    return false;
}

void cdc_streamer_set_phase(struct cdc_streamer *s, enum cdc_phase to)
{
    enum cdc_phase from = s->status.phase;
    if (from == to)
        return;
    if (!may_follow(from, to))
        FX_BUG("stream \"%s\" cannot go from %s to %s, epoch=%" PRId64 " at=%s", s->binding->stream,
               cdc_phase_name(from), cdc_phase_name(to), s->epoch, fx_pos_text(&s->at));
    fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "phase", "from=%s to=%s", cdc_phase_name(from),
           cdc_phase_name(to));
    s->status.phase = to;
}

static const char *const txn_names[] = {[CDC_TXN_NONE] = "NONE",
                                        [CDC_TXN_WAITING] = "WAITING",
                                        [CDC_TXN_APPLY] = "APPLY",
                                        [CDC_TXN_LOOP] = "LOOP"};

static bool may_follow_txn(enum cdc_txn_state from, enum cdc_txn_state to)
{
    switch (to) {
    case CDC_TXN_NONE: return true; /* COMMIT, ABORT, or the session ends */
    case CDC_TXN_WAITING: return from == CDC_TXN_NONE;
    case CDC_TXN_APPLY:
    case CDC_TXN_LOOP: return from == CDC_TXN_NONE || from == CDC_TXN_WAITING;
    }
    return false;
}

void cdc_streamer_set_txn(struct cdc_streamer *s, enum cdc_txn_state to)
{
    if (!may_follow_txn(s->txn_state, to))
        FX_BUG("transaction %s of stream \"%s\" cannot go from %s to %s, at=%s", s->txn.label,
               s->binding->stream, txn_names[s->txn_state], txn_names[to], fx_pos_text(&s->at));
    s->txn_state = to;
}

bool cdc_streamer_is_in_txn(const struct cdc_streamer *s)
{
    return s->txn_state == CDC_TXN_APPLY || s->txn_state == CDC_TXN_LOOP;
}

int64_t cdc_streamer_hold_left_ms(const struct cdc_streamer *s, struct fx_mono now)
{
    if (s->hold.mode == CDC_HOLD_RUN)
        return 0;
    return FX_MAX(fx_mono_since_us(now, s->hold.until) / 1000, (int64_t)0);
}

/* --- status ----------------------------------------------------------------------------------- */

static void measure_rate(struct cdc_streamer *s, struct fx_mono now)
{
    int64_t us = fx_mono_since_us(s->rate_at, now);
    int64_t rows = s->status.applied_rows + s->status.copied_rows;
    if (us < s->env->options->status_ms * 1000)
        return;
    s->status.rows_per_s = (rows - s->rate_rows) * 1000000 / us;
    s->rate_rows = rows;
    s->rate_at = now;
}

/*
 * What the source's log has and the stream has not read is late, whether or not the server sends
 * it. One end of the log is followed until it is reached, then the next.
 */
static int64_t late_ms(struct cdc_streamer *s, struct fx_mono now)
{
    enum fx_engine engine = s->binding->source->engine;
    const struct cdc_source_ops *ops = s->src->ops;
    const struct fx_pos *end = ops->log_end != NULL ? ops->log_end(s->src) : ops->end(s->src);
    if (!fx_pos_is_empty(&s->late_end) && !fx_pos_covers(engine, &s->at, &s->late_end))
        return fx_mono_since_us(s->late_at, now) / 1000;
    fx_pos_done(&s->late_end);
    if (!fx_pos_is_empty(end) && !fx_pos_covers(engine, &s->at, end)) {
        fx_pos_copy(&s->late_end, end);
        s->late_at = now;
    }
    return 0;
}

/* Of what is shown; a copy keeps its last number in lag_ms. */
static void note_late(struct cdc_streamer *s, struct fx_mono now)
{
    if (s->src == NULL || s->status.lag_ms < 0)
        return;
    int64_t late = late_ms(s, now);
    if (late >= LATE_MS)
        s->status.lag_ms = FX_MAX(s->status.lag_ms, late);
}

void cdc_streamer_publish(struct cdc_streamer *s, bool is_forced)
{
    struct fx_mono now = fx_mono_now();
    if (!is_forced && fx_mono_since_us(s->published_at, now) < PUBLISH_MS * 1000)
        return;
    s->published_at = now;
    s->status.hold_pid = s->hold.mode == CDC_HOLD_RUN ? 0 : s->holder;
    s->status.hold_left_ms = cdc_streamer_hold_left_ms(s, now);
    measure_rate(s, now);
    if (s->sink != NULL)
        fx_pos_copy(&s->status.applied,
                    s->sink->is_pending || s->src == NULL ? &s->sink->progress.pos : &s->at);
    note_late(s, now);
    if (s->src != NULL)
        fx_pos_copy(&s->status.source_end, s->src->ops->end(s->src));
    cdc_control_publish(s->env->control, &s->status);
}

void cdc_streamer_publish_error(struct cdc_streamer *s, const struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(64 << 10);
    fx_err_render_json(err, &json);
    if (json.len >= sizeof s->status.error) { /* too long for a status: keep what matters most */
        struct fx_err brief = *err;
        brief.context[0] = '\0';
        brief.detail[256] = '\0';
        fx_buf_clear(&json);
        fx_err_render_json(&brief, &json);
    }
    if (json.len < sizeof s->status.error)
        (void)snprintf(s->status.error, sizeof s->status.error, "%s", fx_buf_cstr(&json));
    cdc_streamer_publish(s, true);
}
