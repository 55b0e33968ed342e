/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of one direction: the loop that takes events from a source and applies them to the
 * target.
 *
 *           ┌──────────────────────────── retriable error: close both, back off ───────────────┐
 *           ▼                                                                                  │
 *     ┌──────────┐ nothing copied ┌──────┐ done ┌─────────┐ lag < 1 s ┌────────┐   hold    ┌──────┐
 *  ──►│ STARTING │ ─────────────► │ COPY │ ───► │ CATCHUP │ ────────► │ STREAM │ ────────► │ HELD │
 *     └──────────┘                └──────┘      └─────────┘           └────────┘ ◄──────── └──────┘
 *           │ position on the target                 ▲                     │      release
 *           └────────────────────────────────────────┘                     │
 *   any state: stop asked for, or an error that no retry fixes ──► STOPPED (the error says why)
 *   CATCHUP may be held too; a release leads to STREAM. It also lasts until all that stood in the
 *   source's log when the session began has been read.
 *
 * A stream that has finished its copy continues with the tables and the mapping that it copied, or
 * not at all: what was applied by one mapping and what would be by another are no copy of anything.
 * They are kept in a file of the state directory.
 *
 * Nothing else is remembered across a failure: the position is read again from the target, FOR
 * UPDATE, after each reconnect. A target transaction that failed without naming its row is tried
 * once more change by change, so that the loud stop names table and key.
 * Thread: the caller's; control.h is the only thing shared.
 */
#ifndef CDC_STREAM_STREAMER_H
#define CDC_STREAM_STREAMER_H

#include "cdc/change.h"
#include "cdc/stream/control.h"

struct cdc_streamer_env {
    const struct cdc_binding *binding;
    const struct cdc_options *options;
    struct cdc_control *control;
    const char *context_path; /* where the context is kept */
};
/* true: stopped because it was asked to. false: *err says why it stopped by itself. */
bool cdc_streamer_run(const struct cdc_streamer_env *env, struct fx_err *err) FX_MUST_CHECK;

#endif
