/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the context still the one that the run began with? Its tables are what the fences close and the streams carry, its
 * routes what the facade moves: a table that leaves ficus.yaml in the middle of a run would be left open by the next
 * fence. So `old`, `new`, `tables` and `routes` are kept beside the journal when a run starts and compared whenever it is
 * taken up again, forwards or backwards. What may change: servers' addresses, the facade's settings, `sticky`, `shadow`.
 */
#ifndef PLN_DRIFT_H
#define PLN_DRIFT_H

#include "lib/map/map.h"

/* Writes it to `path` (paths.h: context). */
bool pln_drift_keep(const char *path, const struct fx_context *ctx,
                    struct fx_err *err) FX_MUST_CHECK;
/* DRIFT, naming the first line that differs, or that the context is gone. A run of before this was kept passes. */
bool pln_drift_check(const char *path, struct fx_project *project, const char *context,
                     struct fx_err *err) FX_MUST_CHECK;
/* For the two above and their test. */
void pln_drift_text(const struct fx_context *ctx, struct fx_buf *out);

#endif
