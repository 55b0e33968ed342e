/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole project file, judged once, in the same words by `ficus` and by `ficusd --check`. Each
 * subsystem reads its own sections and knows nothing of the others; a program that looked at its
 * own only would let a typing error through that stops the daemon, or a stream, at night.
 *
 * Owns: everything belongs to the arena. Secrets are not read, and host names not resolved.
 * Errors: CONFIG (the file itself); what is wrong inside it is added to `problems`.   Thread: any.
 */
#ifndef FICUS_WHOLE_H
#define FICUS_WHOLE_H

#include "lib/map/map.h"

bool cmd_whole_read(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                    struct fx_project **ret_project, struct fx_err *err) FX_MUST_CHECK;
/* As fx_problems_ok, and lists all of them: what the error has no room for goes to standard error
 * before it. `is_told`: the caller has listed them. */
bool cmd_problems_ok(struct fx_problems *problems, bool is_told, struct fx_err *err) FX_MUST_CHECK;
/* As `ficusd` needs it: the file may describe no database; then it may leave out contexts too. */
bool cmd_whole_check(const char *path, struct fx_err *err) FX_MUST_CHECK;

#endif
