/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the actions of a run share; included by the files of this room only. A file for each
 * neighbour:
 *
 *   streams.c   cdc                    compare.c   reconcile
 *   routes.c    the facade's routes    cutover.c   the cut-over     wait.c   time
 *   facade.c    what every action may ask of the facade             facts.c  what gates learn
 *   actions.c   life of struct pln_action_ctx, the driver of the executor
 */
#ifndef PLN_STEPS_CONTEXT_H
#define PLN_STEPS_CONTEXT_H

#include "cdc/cdc.h"
#include "plans/run/executor.h"
#include "plans/run/paths.h"
#include "reconcile/reconcile.h"
#include "strangler/control.h"

enum { PLN_LAG_SAMPLES = 2048 };

struct pln_action_ctx {
    const struct pln_env *env;
    const struct pln_plan *plan;
    struct pln_paths at;
    struct fx_context *ctx;
    struct cdc_ref forward, reverse;
    struct cdc_options cdc;
    struct rec_options rec;
    struct fcd_endpoint facade;
    struct fx_arena arena;        /* life of the run */
    struct fx_arena report_arena; /* newest report */
    struct rec_report *report;
    const char *report_path; /* what people read of it */
    const char *no_report;   /* report_arena's: why the one on disk does not count; NULL: none */
    struct fx_arena databases_arena; /* compare.c: what both databases said last */
    struct rec_databases databases;
    const char *no_databases; /* why they could not be asked; NULL: `databases` is valid */
    struct fx_mono ask_again;
    bool has_databases;
    int64_t epoch;
    bool has_claimed;
    bool wants_streams; /* both should be alive: tick restarts them */
    struct fx_mono restarted;
    int64_t lag_ms[PLN_LAG_SAMPLES], lag_at_ms[PLN_LAG_SAMPLES];
    int64_t
        forward_lag_ms[PLN_LAG_SAMPLES]; /* of the forward stream alone, for the shadow's recheck */
    size_t n_lag;
    struct pln_shadow_base *shadow_bases; /* facts.c */
    int64_t leaks;
    int64_t predicted_ms;
    char operator_name[128];
    struct pln_exec *ex; /* during act and probe, for the callbacks of the cut-over */
    const struct pln_step *step;
};

/* --- streams.c --- */

/*
 * Restarts streams that died; samples lag and unfenced writes. A stream that stopped by itself
 * gives its own error code.
 */
bool pln_action_tick(void *arg, struct pln_exec *ex, struct fx_err *err) FX_MUST_CHECK;
/* A new run has made no streams, whatever an earlier run of its name did. */
bool pln_action_forget(void *arg, struct fx_err *err) FX_MUST_CHECK;

/* --- compare.c --- */

/* Loads the newest report for the gates of a resumed run, unless it is older than `opened`. */
void pln_action_load_report(struct pln_action_ctx *ac, struct fx_wall opened);
/* Asks both databases which ones they are, at most every second, and gives it to `facts`. */
void pln_action_databases(struct pln_action_ctx *ac, struct pln_facts *facts);

/* --- facade.c --- */

bool pln_action_facade_epoch(void *arg, int64_t *ret_epoch, struct fx_err *err) FX_MUST_CHECK;
void pln_action_set_epoch(void *arg, int64_t epoch);
/*
 * The highest epoch that the facade has for the context's groups, at least 1: ownership must not
 * start below it.
 */
bool pln_action_group_epoch(struct pln_action_ctx *ac, int64_t *ret_epoch,
                            struct fx_err *err) FX_MUST_CHECK;
/* Announces this controller to the facade, once. */
bool pln_action_claim(struct pln_action_ctx *ac, struct fx_err *err) FX_MUST_CHECK;

/* --- facts.c --- */

void pln_action_facts(void *arg, const struct pln_step *step, struct pln_facts *facts);

#endif
