/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket asks for. Thread: the streamer's, between transactions only. */
#ifndef CDC_STREAM_COMMANDS_H
#define CDC_STREAM_COMMANDS_H

#include "cdc/stream/state.h"

/* Takes one command. HOLD and ADVANCE are answered later, in cdc_commands_finish. */
void cdc_commands_take(struct cdc_streamer *s);
/* Answers a HOLD or an ADVANCE that has been reached. */
bool cdc_commands_finish(struct cdc_streamer *s, struct fx_err *err) FX_MUST_CHECK;
void cdc_commands_expire_hold(struct cdc_streamer *s, struct fx_mono now);
/* Whoever still waits hears how it ended; `why` NULL: well. */
void cdc_commands_end(struct cdc_streamer *s, const struct fx_err *why);

#endif
