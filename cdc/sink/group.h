/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which source transactions share one target transaction. A pure value: no clock, no session.
 *
 * Invariants of group apply. A kill, an error or a lost connection may come between any two steps:
 *
 *  1. A source transaction is in a group whole or not at all: it joins when its COMMIT was read,
 *     and until then its text is kept apart. An ABORT touches no group.
 *  2. A target transaction holds consecutive source transactions, in order. Its first statement
 *     moves ficus.progress from where the target transaction before it left it to the last
 *     member's position, ordinal + members, under the epoch: an applier that is not the only one
 *     changes nothing, and the other stream knows the transaction by this row.
 *  3. "commit" is sent only after each statement has matched exactly its rows. So the row of
 *     ficus.progress always says a position after a COMMIT, and everything up to it, and nothing
 *     after it, is on the target.
 *  4. What does not fit goes alone, after the group before it was sent. Nothing waits for more:
 *     when nothing is buffered, at a barrier, a change of ficus.own, a pause, a goal or a stop, the
 *     group is committed at once.
 *  5. A group that failed is rolled back with its session and read again from the target's
 *     position: change by change up to the position that it would have reached, or, where the
 *     server only wanted less at once (deadlock, lock time-out), in groups of half the members.
 *     A session that has failed sends nothing more: a "begin" would commit what is open.
 */
#ifndef CDC_SINK_GROUP_H
#define CDC_SINK_GROUP_H

#include "lib/base/clock.h"

struct cdc_group_limits {
    int64_t rows;
    size_t bytes;
    int64_t members; /* 0: no limit */
};

struct cdc_group {
    int64_t members; /* 0: empty */
    int64_t rows;
    size_t bytes;
    struct fx_mono since; /* BEGIN of the first member */
};

/* May a transaction of that size join? Into an empty group, as long as it is within the limits. */
bool cdc_group_takes(const struct cdc_group *group, const struct cdc_group_limits *limits,
                     int64_t rows, size_t bytes);
void cdc_group_join(struct cdc_group *group, int64_t rows, size_t bytes, struct fx_mono begun);
/* Has it waited long enough for more members, or is there no place for any? */
bool cdc_group_is_due(const struct cdc_group *group, const struct cdc_group_limits *limits,
                      struct fx_mono now);

#endif
