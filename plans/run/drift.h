/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the context still the one that the run was started with? A table that is removed from
 * ficus.yaml during a run would be left without a fence by the next cut-over. So `old`, `new`,
 * `tables` and `routes` are saved beside the journal when a run starts, and compared whenever it is
 * resumed or rolled back. What may change: addresses of servers, settings of the facade, `sticky`,
 * `shadow`.
 */
#ifndef PLN_DRIFT_H
#define PLN_DRIFT_H

#include "lib/map/map.h"

/* Writes it to `path` (paths.h: context). */
bool pln_drift_keep(const char *path, const struct fx_context *ctx,
                    struct fx_err *err) FX_MUST_CHECK;
/* DRIFT names the first line that differs, or the missing
 * context. A run without the file (from an older release) passes. */
bool pln_drift_check(const char *path, struct fx_project *project, const char *context,
                     struct fx_err *err) FX_MUST_CHECK;
/* For the two above and their test. */
void pln_drift_text(const struct fx_context *ctx, struct fx_buf *out);

#endif
