/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hold, advance, release: which transaction may be applied now. A pure value: no clock, no socket.
 *
 *              hold(until)                advance(goal)
 *     ┌─────┐ ───────────► ┌──────┐ ─────────────────────► ┌─────────┐
 *     │ RUN │              │ HOLD │                        │ ADVANCE │
 *     └─────┘ ◄─────────── └──────┘ ◄───────────────────── └─────────┘
 *        ▲   release, until passed     goal reached             │
 *        └──────────────────────────────────────────────────────┘ release, until passed
 *
 * ADVANCE lets exactly the transactions pass that `goal` covers; it is reached when the stream's position covers the goal
 * or when the next transaction is one that the goal does not cover (what comes in between is nobody's).
 */
#ifndef CDC_STREAM_GATE_H
#define CDC_STREAM_GATE_H

#include "lib/base/clock.h"
#include "lib/db/db.h"

enum cdc_gate_mode { CDC_GATE_RUN, CDC_GATE_HOLD, CDC_GATE_ADVANCE };

struct cdc_gate {
    enum cdc_gate_mode mode;
    enum fx_engine engine; /* of the source, whose positions these are */
    struct fx_pos goal;
    struct fx_mono until;
};

void cdc_gate_hold(struct cdc_gate *gate, struct fx_mono until);
/* false: the stream is not held, so it may have passed the goal already. */
bool cdc_gate_advance(struct cdc_gate *gate, const struct fx_pos *goal);
void cdc_gate_release(struct cdc_gate *gate);
/* A hold that nobody released ends by itself. true: it has just ended. */
bool cdc_gate_expire(struct cdc_gate *gate, struct fx_mono now);
bool cdc_gate_allows(const struct cdc_gate *gate, const struct fx_pos *txn_pos);
/* `next_txn`: position of a transaction that waits at the gate, or NULL. */
bool cdc_gate_reached(const struct cdc_gate *gate, const struct fx_pos *at,
                      const struct fx_pos *next_txn);

#endif
