/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the kinds of steps that drive routes (struct pln_step, `options`). */
#ifndef PLN_STEPS_ROUTES_H
#define PLN_STEPS_ROUTES_H

#include "plans/plan/model.h"

enum { PLN_STAGES_MAX = 32 };

struct pln_shadow {
    double percent;     /* of the reads */
    int64_t recheck_ms; /* a difference is asked again after this */
};

struct pln_ramp {
    double through[PLN_STAGES_MAX]; /* growing percentages */
    size_t n_through;
    int64_t every_ms; /* length of a stage */
};

#endif
