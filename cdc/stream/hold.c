/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See the diagram in hold.h. Positions are compared only through fx_pos_covers, so both engines
 * share this.
 */
#include "cdc/stream/hold.h"

void cdc_hold_done(struct cdc_hold_point *hold)
{
    fx_pos_done(&hold->goal);
}

void cdc_hold_pause(struct cdc_hold_point *hold, struct fx_mono until)
{
    hold->mode = CDC_HOLD_PAUSED;
    hold->until = until;
}

bool cdc_hold_advance(struct cdc_hold_point *hold, const struct fx_pos *goal)
{
    if (hold->mode == CDC_HOLD_RUN)
        return false;
    hold->mode = CDC_HOLD_ADVANCE;
    fx_pos_copy(&hold->goal, goal);
    return true;
}

void cdc_hold_release(struct cdc_hold_point *hold)
{
    hold->mode = CDC_HOLD_RUN;
}

bool cdc_hold_expire(struct cdc_hold_point *hold, struct fx_mono now)
{
    if (hold->mode == CDC_HOLD_RUN || !fx_mono_reached(hold->until, now))
        return false;
    hold->mode = CDC_HOLD_RUN;
    return true;
}

bool cdc_hold_allows(const struct cdc_hold_point *hold, const struct fx_pos *txn_pos)
{
    switch (hold->mode) {
    case CDC_HOLD_RUN: return true;
    case CDC_HOLD_PAUSED: return false;
    case CDC_HOLD_ADVANCE: return fx_pos_covers(hold->engine, &hold->goal, txn_pos);
    }
    return false;
}

bool cdc_hold_reached(const struct cdc_hold_point *hold, const struct fx_pos *at,
                      const struct fx_pos *next_txn)
{
    if (hold->mode != CDC_HOLD_ADVANCE)
        return false;
    return fx_pos_covers(hold->engine, at, &hold->goal) ||
           (next_txn != NULL && !fx_pos_covers(hold->engine, &hold->goal, next_txn));
}
