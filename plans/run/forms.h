/* SPDX-License-Identifier: Apache-2.0 */
/* Which versions the journals of a state directory have; for `ficus upgrade`.   Thread: any. */
#ifndef PLN_FORMS_H
#define PLN_FORMS_H

#include "lib/fmt/form.h"
#include "lib/map/map.h"

typedef bool (*pln_form_fn)(void *arg, const char *object, enum fx_form form, int64_t version,
                            struct fx_err *err);
/* The version of each run's journal. Errors: those of
 * reading; VERSION when one is newer than this build. */
bool pln_run_forms(const struct fx_project *project, pln_form_fn on_form, void *arg,
                   struct fx_err *err) FX_MUST_CHECK;

#endif
