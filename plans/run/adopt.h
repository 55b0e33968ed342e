/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a context over from another controller, with what belongs to it on this host: the context
 * as the streams were made with, and control of the facade. docs/protocols/controllers.md.
 *
 * Errors: those of fx_holder_adopt; CONFIG.   Thread: one.
 */
#ifndef PLN_ADOPT_H
#define PLN_ADOPT_H

#include "lib/map/map.h"

/* `from`: the id of the other one, or its first digits. Lines for people go to `out`. */
bool pln_adopt(struct fx_project *project, struct fx_context *ctx, const char *from,
               struct fx_buf *out, struct fx_err *err) FX_MUST_CHECK;

#endif
