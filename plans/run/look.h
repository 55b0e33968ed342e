/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Could a run of this plan start now? Asks everything that `run start --execute` asks before it
 * writes its first record, and goes on behind the first refusal, so that one look shows them all.
 * Changes nothing and takes no lock.
 *
 * Thread: one.
 */
#ifndef PLN_LOOK_H
#define PLN_LOOK_H

#include "lib/fmt/findings.h"
#include "plans/run/executor.h"

/*
 * True: it could. What answered is appended to `out`, one line each, and what is in the way is
 * added to `f`, which is empty before. Errors: that of the only refusal; of several the code of the
 * first, with as many of them in the detail as it has room for.
 */
bool pln_open_look(const struct pln_env *env, const struct pln_driver *driver,
                   const struct pln_plan *plan, struct fx_findings *f, struct fx_buf *out,
                   struct fx_err *err) FX_MUST_CHECK;

#endif
