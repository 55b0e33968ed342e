/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real world of the cut-over's machine: sessions with both sides, streams, facades. Made once for several
 * runs of the machine (a rehearsal turns round and round), each run with its own direction.
 */
#ifndef PLN_CUTOVER_WORLD_H
#define PLN_CUTOVER_WORLD_H

#include "cdc/cdc.h"
#include "plans/cutover/effects.h"
#include "lib/ownership/sides.h"

struct pln_world;

bool pln_world_open(const struct pln_cutover_env *env, bool is_canary,
                    const struct pln_cutover_options *opt, struct pln_world **ret,
                    struct fx_err *err) FX_MUST_CHECK;
void pln_world_close(struct pln_world *real);
/* A machine for one run; borrows `real` and `result`. */
struct pln_cutover pln_world_cutover(struct pln_world *real, enum fx_direction direction,
                                     struct pln_cutover_result *result);

const struct pln_cutover_env *pln_world_env(const struct pln_world *real);
const struct pln_cutover_options *pln_world_options(const struct pln_world *real);
const struct fx_sides *pln_world_sides(const struct pln_world *real);
struct fx_sides *pln_world_sides_rw(struct pln_world *real);
struct fx_side *pln_world_side(struct pln_world *real, enum pln_place place);
bool pln_world_b_is_new(const struct pln_world *real);
bool *pln_world_routed(struct pln_world *real); /* n_facades places */
/* The stream from A to B; is_reverse: from B to A. */
struct cdc_ref pln_world_stream(const struct pln_world *real, bool is_reverse);
bool pln_world_barrier_at(struct pln_world *real, struct fx_side *side, int64_t epoch, bool *ret,
                          struct fx_err *err) FX_MUST_CHECK;

/* cutover_facades.c: effects on facades. */
bool pln_world_facade_group(struct pln_world *real, size_t facade, struct fcd_group_status *ret,
                            bool *ret_known, struct fx_err *err) FX_MUST_CHECK;
bool pln_world_prepare(void *world, int64_t epoch, struct fx_err *err);
bool pln_world_hold(void *world, int64_t epoch, struct fx_err *err);
bool pln_world_drained(void *world, bool *ret, struct fx_err *err);
bool pln_world_release(void *world, int64_t epoch, struct fx_err *err);
bool pln_world_route(void *world, enum pln_place to, int64_t epoch, bool *ret_all,
                     struct fx_err *err);
/* cutover_check.c: step 0. */
bool pln_world_preflight(void *world, struct fx_err *err);

#endif
