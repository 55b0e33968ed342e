/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a customer's write will wait. The first held write waits for all steps from the hold to the
 * route; later ones less, and behind the route each waits for those before it, which leave at the
 * facade's pace. A transaction that is open on the tables keeps the fence waiting; what is seen of
 * such ones beforehand counts, and what the limits allow at worst is told. Pure: what it goes by
 * was measured (measure.c). Thread: any.
 */
#ifndef PLN_CUTOVER_FORECAST_H
#define PLN_CUTOVER_FORECAST_H

#include <stddef.h>

#include "plans/cutover/cutover.h"

/* Microseconds; measured on the real group while nothing is held. */
struct pln_measured {
    int64_t losing_us, winning_us; /* a statement on each side */
    int64_t facade_us;             /* a call of the slowest facade */
    int64_t stream_us;             /* a question to a stream */
    int64_t verify_us;             /* the comparison of step 6 */
    int64_t write_us;              /* median answer of the losing side to a write; 0: no sample */
    int64_t lag_us;                /* of the stream to the winning side */
    int64_t open_us; /* for how long the oldest transaction is open on the losing side's tables */
    int64_t lock_wait_us, fence_attempts; /* the fence's limits */
    size_t n_tables;
    double writes_per_s;  /* of the group, through all facades */
    double release_per_s; /* of all facades */
};

/* What the real group costs more than its canary, which nobody writes to. */
int64_t pln_forecast_more_ms(const struct pln_measured *m);
/* All steps from the hold to the route, from what single calls cost. */
int64_t pln_forecast_hold_ms(const struct pln_measured *m);
/* The waits of writes that arrive evenly while writes are held for `hold_ms`. */
struct pln_forecast pln_forecast_waits(const struct pln_measured *m, int64_t hold_ms);

#endif
