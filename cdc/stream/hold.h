/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hold point of a stream: which transaction may be applied now. A pure value: no clock, no
 * socket.
 *
 *              pause(until)               advance(goal)
 *     ┌─────┐ ───────────► ┌────────┐ ───────────────────► ┌─────────┐
 *     │ RUN │              │ PAUSED │                      │ ADVANCE │
 *     └─────┘ ◄─────────── └────────┘ ◄─────────────────── └─────────┘
 *        ▲   release, until passed     goal reached             │
 *        └──────────────────────────────────────────────────────┘ release, until passed
 *
 * ADVANCE lets exactly those transactions pass that `goal` covers. It is reached when the stream's
 * position covers the goal, or when the next transaction is one that the goal does not cover:
 * nothing that concerns the stream lies between.
 */
#ifndef CDC_STREAM_HOLD_H
#define CDC_STREAM_HOLD_H

#include "lib/base/clock.h"
#include "lib/db/db.h"

enum cdc_hold_mode { CDC_HOLD_RUN, CDC_HOLD_PAUSED, CDC_HOLD_ADVANCE };

struct cdc_hold_point {
    enum cdc_hold_mode mode;
    enum fx_engine engine; /* of the source, whose positions these are */
    struct fx_pos goal;    /* owned */
    struct fx_mono until;
};

void cdc_hold_done(struct cdc_hold_point *hold);
void cdc_hold_pause(struct cdc_hold_point *hold, struct fx_mono until);
/* false: the stream is not held, so it may have passed the goal already. */
bool cdc_hold_advance(struct cdc_hold_point *hold, const struct fx_pos *goal);
void cdc_hold_release(struct cdc_hold_point *hold);
/* A pause that nobody released expires. true: it has just expired. */
bool cdc_hold_expire(struct cdc_hold_point *hold, struct fx_mono now);
bool cdc_hold_allows(const struct cdc_hold_point *hold, const struct fx_pos *txn_pos);
/* `next_txn`: position of a transaction that waits at the hold point, or NULL. */
bool cdc_hold_reached(const struct cdc_hold_point *hold, const struct fx_pos *at,
                      const struct fx_pos *next_txn);

#endif
