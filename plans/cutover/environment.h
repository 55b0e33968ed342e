/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the real effects act on: sessions with both sides, streams, facades. Made once for several
 * runs of the machine (a rehearsal goes there and back), each run with its own direction. For the
 * files that are named below, and rehearse.c.
 */
#ifndef PLN_CUTOVER_ENVIRONMENT_H
#define PLN_CUTOVER_ENVIRONMENT_H

#include "cdc/cdc.h"
#include "lib/ownership/sides.h"
#include "plans/cutover/state.h"

struct pln_environment {
    const struct pln_effects *fx; /* pln_real_effects: its clock */
    const struct pln_cutover_env *env;
    const struct pln_cutover_options *opt;
    struct fx_arena arena;
    struct fx_sides sides;
    struct fx_side *losing, *winning; /* into sides */
    bool new_wins;
    bool *routed;         /* one a facade: acknowledged step 11 */
    int64_t leaks_before; /* of the losing side when the fence was asked for; -1: not yet */
    struct pln_cutover_result *result;
};

/* --- effects.c --- */

bool pln_env_open(const struct pln_cutover_env *env, bool is_canary,
                  const struct pln_cutover_options *opt, struct pln_environment **ret,
                  struct fx_err *err) FX_MUST_CHECK;
void pln_env_close(struct pln_environment *en);
/* A machine for one run; borrows `en` and `result`. */
struct pln_cutover pln_env_cutover(struct pln_environment *en, enum fx_direction direction,
                                   struct pln_cutover_result *result);
extern const struct pln_effects pln_real_effects;

/* --- databases.c --- */

struct fx_side *pln_env_side(struct pln_environment *en, enum pln_cut_side which);
bool pln_env_barrier_at(struct pln_environment *en, struct fx_side *side, int64_t epoch, bool *ret,
                        struct fx_err *err) FX_MUST_CHECK;
bool pln_effect_own(void *arg, enum pln_cut_side which, bool is_locked, struct fx_own *ret,
                    struct fx_err *err);
bool pln_effect_arm(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_fence(void *arg, int64_t e, bool *ret_taken, struct fx_err *err);
bool pln_effect_armed(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_raise_ids(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_barrier_applied(void *arg, int64_t epoch, bool *ret, struct fx_err *err);
bool pln_effect_commit(void *arg, int64_t e, bool *ret_won, struct fx_err *err);
bool pln_effect_abort(void *arg, int64_t e, bool *ret_won, struct fx_err *err);
bool pln_effect_invalidate(void *arg, int64_t e, bool *ret_won, struct fx_err *err);
bool pln_effect_open(void *arg, int64_t epoch, bool *ret_won, struct fx_err *err);
bool pln_effect_disarm(void *arg, enum pln_cut_side which, struct fx_err *err);

/* --- streams.c --- */

/* The stream from the losing to the winning side; is_reverse: the other one. */
struct cdc_ref pln_env_stream(const struct pln_environment *en, bool is_reverse);
bool pln_env_stream_status(struct pln_environment *en, bool is_reverse, struct cdc_status *ret,
                           struct fx_err *err) FX_MUST_CHECK;
/* False when the stream back has stopped; one that runs, or does not answer yet, is waited for. */
bool pln_env_reverse_lives(struct pln_environment *en, struct fx_err *err) FX_MUST_CHECK;
/* DIVERGED: a write was accepted on the losing side after the fence. */
bool pln_env_no_leaks(struct pln_environment *en, struct fx_err *err) FX_MUST_CHECK;
bool pln_effect_lag(void *arg, bool is_reverse, int64_t *ret_ms, struct fx_err *err);
bool pln_effect_barrier_read(void *arg, bool is_reverse, int64_t epoch, bool *ret,
                             struct fx_err *err);

/* --- facades.c --- */

/* *ret_known false: *ret has no more than can_move. */
bool pln_env_facade_group(struct pln_environment *en, size_t facade, struct fcd_group_status *ret,
                          bool *ret_known, struct fx_err *err) FX_MUST_CHECK;
bool pln_effect_prepare(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_hold(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_drained(void *arg, bool *ret, struct fx_err *err);
bool pln_effect_move(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_release(void *arg, int64_t epoch, struct fx_err *err);
bool pln_effect_route(void *arg, enum pln_cut_side to, int64_t epoch, bool *ret_all,
                      struct fx_err *err);

/* --- measure.c --- */

bool pln_effect_measure(void *arg, struct pln_measured *ret, bool *ret_known, struct fx_err *err);

/* --- preflight.c, verify.c --- */

bool pln_effect_preflight(void *arg, struct fx_err *err);
bool pln_effect_verify(void *arg, struct fx_err *err);
/* The comparison of step 6 while rows still move: what it costs, not what it finds. */
void pln_env_practise_verify(struct pln_environment *en);
bool pln_effect_confirm(void *arg, int64_t epoch, struct fx_err *err);

#endif
