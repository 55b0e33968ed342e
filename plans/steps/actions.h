/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's hands: what each kind of step does, through the public faces of cdc, reconcile, the facade and the
 * cut-over. Besides them only the cut-over's own world (cutover_world.h) and the picture, which only looks, call those.
 */
#ifndef PLN_HANDS_H
#define PLN_HANDS_H

#include "plans/run/executor.h"

struct pln_real;

/*
 * Reads the sections of ficus.yaml that the steps need. Contacts nobody. `opened`: when the run began; a comparison that is
 * older was another run's. Errors: CONFIG, SECRET.
 */
bool pln_real_new(const struct pln_env *env, const struct pln_plan *plan, const char *run_dir,
                  struct fx_wall opened, struct pln_real **ret, struct fx_err *err) FX_MUST_CHECK;
void pln_real_free(struct pln_real *real);
/* The streams were made by the run of this directory; those that it found are not dropped when it is rolled back. */
bool pln_real_made_streams(const char *run_dir);
/* A run that begins has made none, whatever an earlier one of its name did. */
bool pln_real_forget_streams(const char *run_dir, struct fx_err *err) FX_MUST_CHECK;
struct pln_hands pln_real_hands(struct pln_real *real);

/* The controller's epoch that the facade knows. Errors: FACADE_CONNECT, FACADE. */
bool pln_real_facade_epoch(struct pln_real *real, int64_t *ret_epoch,
                           struct fx_err *err) FX_MUST_CHECK;
/* From now on calls to the facade carry this epoch; the first one announces it. */
void pln_real_set_epoch(struct pln_real *real, int64_t epoch);

#endif
