/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there a way back to the old side now, and what does it cost? Computed from what databases and
 * streams answer, never from what a run has written down: between the run and this moment somebody
 * else may have moved the tables, and a stream may have stopped.
 *
 * Not for: decisions. The cut-over's own preflight looks again before it changes anything.
 * Thread: any.
 */
#ifndef PLN_WAY_BACK_H
#define PLN_WAY_BACK_H

#include "plans/view/picture.h"

enum pln_way {
    PLN_WAY_OPEN,    /* the old side owns the tables: only routes change */
    PLN_WAY_FENCE,   /* one fence, and the reverse stream is near enough for it */
    PLN_WAY_BEHIND,  /* the reverse stream is further behind than a fence may wait */
    PLN_WAY_MOVING,  /* a cut-over is in progress or unfinished */
    PLN_WAY_BLOCKED, /* the reverse stream stopped or does not answer */
    PLN_WAY_UNKNOWN, /* a database did not answer */
};

struct pln_way_back {
    enum pln_way way;
    char text[512]; /* one sentence without a full stop */
};

/* `fence_ttl_ms`: how long a fence of this plan lasts. */
void pln_way_back(const struct pln_live *live, int64_t fence_ttl_ms, struct pln_way_back *ret);

#endif
