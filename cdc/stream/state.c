/* SPDX-License-Identifier: Apache-2.0 */
/* The phase of a stream, and what is shown of it. The diagram is in streamer.h. */
#include "cdc/stream/state.h"

#include <stdio.h>

#include "lib/base/panic.h"
#include "lib/log/log.h"

enum { PUBLISH_MS = 50 };

void cdc_streamer_set_phase(struct cdc_streamer *s, enum cdc_phase to)
{
    enum cdc_phase from = s->status.phase;
    if (from == to)
        return;
    bool is_valid = to == CDC_PHASE_STARTING || to == CDC_PHASE_STOPPED;
    switch (from) {
    case CDC_PHASE_STARTING: is_valid |= to == CDC_PHASE_COPY || to == CDC_PHASE_CATCHUP; break;
    case CDC_PHASE_COPY: is_valid |= to == CDC_PHASE_CATCHUP; break;
    case CDC_PHASE_CATCHUP:
    case CDC_PHASE_STREAM: is_valid |= to == CDC_PHASE_STREAM || to == CDC_PHASE_HELD; break;
    case CDC_PHASE_HELD: is_valid |= to == CDC_PHASE_STREAM || to == CDC_PHASE_CATCHUP; break;
    case CDC_PHASE_STOPPED: is_valid = false; break;
    }
    if (!is_valid)
        FX_BUG("stream: no way from %s to %s", cdc_phase_name(from), cdc_phase_name(to));
    fx_log(FX_LOG_INFO, "cdc", s->binding->stream, "phase", "from=%s to=%s", cdc_phase_name(from),
           cdc_phase_name(to));
    s->status.phase = to;
}

/* ---- status ------------------------------------------------------------------------------------------ */

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

void cdc_streamer_publish(struct cdc_streamer *s, bool is_forced)
{
    struct fx_mono now = fx_mono_now();
    if (!is_forced && fx_mono_since_us(s->published_at, now) < PUBLISH_MS * 1000)
        return;
    s->published_at = now;
    measure_rate(s, now);
    if (s->sink != NULL)
        fx_pos_copy(&s->status.applied,
                    s->sink->is_pending || s->src == NULL ? &s->sink->progress.pos : &s->at);
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
