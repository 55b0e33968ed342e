/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind hands.h share; nobody else includes it. One file a neighbour:
 *
 *   hands.c           life of struct pln_real, the table of kinds
 *   hands_streams.c   cdc            hands_compare.c   reconcile
 *   hands_routes.c    the facade     hands_cutover.c   the cut-over
 */
#ifndef PLN_HANDS_PRIV_H
#define PLN_HANDS_PRIV_H

#include "cdc/cdc.h"
#include "plans/steps/actions.h"
#include "reconcile/reconcile.h"
#include "strangler/control.h"

enum { PLN_LAG_SAMPLES = 2048 };

struct pln_real {
    const struct pln_env *env;
    const struct pln_plan *plan;
    const char *run_dir;
    struct fx_context *ctx;
    struct cdc_ref forward, reverse;
    struct cdc_options cdc;
    struct rec_options rec;
    struct fcd_endpoint facade;
    struct fx_arena arena;        /* life of the run */
    struct fx_arena report_arena; /* newest report */
    struct rec_report *report;
    const char *report_path; /* what people read of it */
    int64_t epoch;
    bool has_claimed;
    bool wants_streams; /* both should be alive: tick restarts them */
    struct fx_mono restarted;
    int64_t lag_ms[PLN_LAG_SAMPLES], lag_at_ms[PLN_LAG_SAMPLES];
    int64_t forward_lag_ms[PLN_LAG_SAMPLES]; /* alone: what a shadow is compared by */
    size_t n_lag;
    struct pln_shadow_base *shadow_bases; /* hands_routes.c */
    int64_t leaks;
    int64_t predicted_ms;
    char operator_name[128];
    struct pln_exec *ex; /* during act and probe, for the cut-over's callbacks */
    const struct pln_step *step;
};

/* --- hands_streams.c --- */

bool pln_real_stream_start(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                           struct fx_err *err) FX_MUST_CHECK;
/* As the undo of stream.start it leaves streams that the run has only found: they are the way back of an earlier one. */
bool pln_real_stream_drop(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                          struct fx_err *err) FX_MUST_CHECK;
/* Starts streams that died, samples lag and leaks. The code of a stream that stopped by itself is the stream's own. */
bool pln_real_tick(void *arg, struct pln_exec *ex, struct fx_err *err) FX_MUST_CHECK;

/* --- hands_compare.c --- */

/* A resumed run judges by the report that the controller before it made; not by one of a run before `opened`. */
void pln_real_load_report(struct pln_real *real, struct fx_wall opened);
/* From the side that serves to the other; which it is the databases are asked, not the journal: another run may have moved it. */
bool pln_real_compare(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                      struct fx_err *err) FX_MUST_CHECK;

/* --- hands_routes.c --- */

/* The highest epoch at which the facade knows the context's groups, at least 1: ownership must not begin below it. */
bool pln_real_group_epoch(struct pln_real *real, int64_t *ret_epoch,
                          struct fx_err *err) FX_MUST_CHECK;
bool pln_real_set_weight(struct pln_real *real, const struct pln_step *step, double percent,
                         struct fx_err *err) FX_MUST_CHECK;
bool pln_real_set_shadow(struct pln_real *real, const struct pln_step *step, double percent,
                         struct fx_err *err) FX_MUST_CHECK;
bool pln_real_shadow(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                     struct fx_err *err) FX_MUST_CHECK;
bool pln_real_ramp(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                   struct fx_err *err) FX_MUST_CHECK;
void pln_real_facts(void *arg, const struct pln_step *step, struct pln_facts *facts);

/* --- hands_cutover.c --- */

bool pln_real_cut(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                  enum fx_direction direction, struct fx_err *err) FX_MUST_CHECK;
bool pln_real_rehearse(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                       struct fx_err *err) FX_MUST_CHECK;
bool pln_real_probe(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                    bool *ret_done, struct fx_err *err) FX_MUST_CHECK;

#endif
