/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step 1b: what both streams have not applied yet is waited for while writes still flow. Behind the
 * hold the same wait would be a pause of the customers. Thread: one.
 */
#ifndef PLN_CUTOVER_DRAIN_H
#define PLN_CUTOVER_DRAIN_H

#include "plans/cutover/state.h"

enum { PLN_DRAIN_POLL_MS = 50 };

struct pln_drain_lag {
    int64_t first_ms, last_ms, worst_ms; /* -1: never known; last_ms -1: not known now */
    int64_t below_since_ms;              /* of the clock; -1: the last sample was not below */
    struct fx_err why;                   /* of the last sample that could not be taken */
};

struct pln_drain {
    int64_t began_ms;
    struct pln_drain_lag towards, back; /* the winning side; the losing side */
};

void pln_drain_begin(struct pln_drain *drain, const struct pln_cutover *cut);
/* Takes a sample of both. True: all samples of the last drain_window_ms were below the limit. */
bool pln_drain_look(struct pln_drain *drain, const struct pln_cutover *cut) FX_MUST_CHECK;
bool pln_drain_is_over(const struct pln_drain *drain, const struct pln_cutover *cut); /* too long */
/* HELD, with both lags and where they go. Always false. */
bool pln_drain_fail(const struct pln_drain *drain, const struct pln_cutover *cut,
                    struct fx_err *err);

#endif
