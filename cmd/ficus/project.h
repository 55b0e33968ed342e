/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How every command reads the project file that -f names: all sections, all problems at once.
 *
 * Errors: CONFIG. Secrets are read, and names resolved, when they are needed.
 */
#ifndef FICUS_PROJECT_H
#define FICUS_PROJECT_H

#include "cmd/ficus/cmd.h"
#include "lib/map/map.h"

bool cmd_project_load(const struct cmd_call *call, struct fx_project **ret_project,
                      struct fx_err *err) FX_MUST_CHECK;
/* The context that --context names; NULL: the only one. Errors: USAGE. */
bool cmd_context(struct cmd_call *call, struct fx_project *project, const char *name,
                 struct fx_context **ret, struct fx_err *err) FX_MUST_CHECK;

/* The plan that the first word names. Errors: CONFIG. */
struct pln_plan;
bool cmd_plan_load(const struct cmd_call *call, const struct fx_project *project,
                   struct pln_plan **ret, struct fx_err *err) FX_MUST_CHECK;

#endif
