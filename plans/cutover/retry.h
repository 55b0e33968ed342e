/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying the same until a limit of time or of tries, on the clock of the effects:
 *
 *     struct pln_retry retry = pln_retry_for(fx, en, opt->route_ms, 100);
 *     while (!try_it(…, err)) {
 *         if (is_final(err) || !pln_retry_again(&retry))
 *             return false;
 *     }
 *
 * What is tried at all is tried at least once. Thread: one.
 */
#ifndef PLN_CUTOVER_RETRY_H
#define PLN_CUTOVER_RETRY_H

#include "plans/cutover/effects.h"

struct pln_retry {
    const struct pln_effects *fx;
    void *en;
    int64_t began_ms, limit_ms; /* limit_ms -1: no limit of time */
    int64_t tries, tries_max;   /* tries that are over; tries_max -1: no limit of tries */
    int64_t pause_ms;           /* between two tries */
};

/* Until `limit_ms` after now. */
struct pln_retry pln_retry_for(const struct pln_effects *fx, void *en, int64_t limit_ms,
                               int64_t pause_ms);
/* `tries_max` tries. */
struct pln_retry pln_retry_times(const struct pln_effects *fx, void *en, int64_t tries_max,
                                 int64_t pause_ms);
/* After a try that failed: true, having slept, when
 * there may be another; false at the limit, at once. */
bool pln_retry_again(struct pln_retry *retry);
int64_t pln_retry_elapsed_ms(const struct pln_retry *retry);

#endif
