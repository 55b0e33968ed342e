/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See the diagram in gate.h. Positions are compared only through fx_pos_covers, so both engines share this.
 */
#include "cdc/stream/hold.h"

void cdc_gate_hold(struct cdc_gate *gate, struct fx_mono until)
{
    gate->mode = CDC_GATE_HOLD;
    gate->until = until;
}

bool cdc_gate_advance(struct cdc_gate *gate, const struct fx_pos *goal)
{
    if (gate->mode == CDC_GATE_RUN)
        return false;
    gate->mode = CDC_GATE_ADVANCE;
    gate->goal = *goal;
    return true;
}

void cdc_gate_release(struct cdc_gate *gate)
{
    gate->mode = CDC_GATE_RUN;
}

bool cdc_gate_expire(struct cdc_gate *gate, struct fx_mono now)
{
    if (gate->mode == CDC_GATE_RUN || !fx_mono_reached(gate->until, now))
        return false;
    gate->mode = CDC_GATE_RUN;
    return true;
}

bool cdc_gate_allows(const struct cdc_gate *gate, const struct fx_pos *txn_pos)
{
    switch (gate->mode) {
    case CDC_GATE_RUN: return true;
    case CDC_GATE_HOLD: return false;
    case CDC_GATE_ADVANCE: return fx_pos_covers(gate->engine, &gate->goal, txn_pos);
    }
    return false;
}

bool cdc_gate_reached(const struct cdc_gate *gate, const struct fx_pos *at,
                      const struct fx_pos *next_txn)
{
    if (gate->mode != CDC_GATE_ADVANCE)
        return false;
    return fx_pos_covers(gate->engine, at, &gate->goal) ||
           (next_txn != NULL && !fx_pos_covers(gate->engine, &gate->goal, next_txn));
}
