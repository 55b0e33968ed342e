/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real world of the cut-over's machine: sessions with both sides, streams, facades. Made once for several
 * runs of the machine (a rehearsal turns round and round), each run with its own direction.
 */
#ifndef PLN_CUTOVER_REAL_H
#define PLN_CUTOVER_REAL_H

#include "cdc/cdc.h"
#include "plans/engine/cutover_effects.h"
#include "plans/engine/sides.h"

struct pln_real;

bool pln_real_open(const struct pln_cutover_env *env, bool is_canary,
                   const struct pln_cutover_options *opt, struct pln_real **ret,
                   struct fx_err *err) FX_MUST_CHECK;
void pln_real_close(struct pln_real *real);
/* A machine for one run; borrows `real` and `result`. */
struct pln_cutover pln_real_cutover(struct pln_real *real, enum fx_direction direction,
                                    struct pln_cutover_result *result);

const struct pln_cutover_env *pln_real_env(const struct pln_real *real);
const struct pln_cutover_options *pln_real_options(const struct pln_real *real);
const struct pln_sides *pln_real_sides(const struct pln_real *real);
struct pln_sides *pln_real_sides_rw(struct pln_real *real);
struct pln_side *pln_real_side(struct pln_real *real, enum pln_place place);
bool pln_real_b_is_new(const struct pln_real *real);
bool *pln_real_routed(struct pln_real *real); /* n_facades places */
/* The stream from A to B; is_reverse: from B to A. */
struct cdc_ref pln_real_stream(const struct pln_real *real, bool is_reverse);
bool pln_real_barrier_at(struct pln_real *real, struct pln_side *side, int64_t epoch, bool *ret,
                         struct fx_err *err) FX_MUST_CHECK;

/* cutover_facades.c: effects on facades. */
bool pln_real_facade_group(struct pln_real *real, size_t facade, struct fcd_group_status *ret,
                           bool *ret_known, struct fx_err *err) FX_MUST_CHECK;
bool pln_real_prepare(void *world, int64_t epoch, struct fx_err *err);
bool pln_real_hold(void *world, int64_t epoch, struct fx_err *err);
bool pln_real_drained(void *world, bool *ret, struct fx_err *err);
bool pln_real_release(void *world, int64_t epoch, struct fx_err *err);
bool pln_real_route(void *world, enum pln_place to, int64_t epoch, bool *ret_all,
                    struct fx_err *err);
/* cutover_check.c: step 0. */
bool pln_real_preflight(void *world, struct fx_err *err);

#endif
