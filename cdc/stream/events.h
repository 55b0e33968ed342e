/* SPDX-License-Identifier: Apache-2.0 */
/* What an event means for the stream. Thread: the streamer's. */
#ifndef CDC_STREAM_EVENTS_H
#define CDC_STREAM_EVENTS_H

#include "cdc/stream/state.h"

/* How long ago that was, in milliseconds; at least 0. */
int64_t cdc_events_lag_ms(int64_t commit_us, bool is_coarse_time);
/* The hold point has let a transaction pass; `txn` may be s->waiting. */
bool cdc_events_begin(struct cdc_streamer *s, const struct cdc_txn *txn,
                      struct fx_err *err) FX_MUST_CHECK;
bool cdc_events_handle(struct cdc_streamer *s, const struct cdc_event *event,
                       struct fx_err *err) FX_MUST_CHECK;

#endif
