/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who changes contexts: a controller is a state directory, not a machine. Its identity is a random
 * number in <state>/controller, made by the first command that changes anything; a pod that starts
 * again with its volume, on whichever host, is the same controller. Host, login and what it does
 * are information for people beside it and never decide anything.
 *
 *     if (!fx_controller_take(project, "run orders-extract", plan_path, arena, err)) return false;
 *     … each context of the project names it now; holder.h says what the databases make of it
 *
 * A copy of a state directory is the same controller as well: two that are used at once are not
 * told apart. Remove the file `controller` from a copy.
 * Errors: IO; JOURNAL (the file is there but cannot be understood); VERSION.   Thread: any.
 */
#ifndef FX_OWNERSHIP_CONTROLLER_H
#define FX_OWNERSHIP_CONTROLLER_H

#include "lib/map/map.h"

enum { FX_CONTROLLER_ID = 33, FX_CONTROLLER_SHORT = 8 };

struct fx_controller {
    char id[FX_CONTROLLER_ID]; /* 32 hex digits */
    char host[64], login[64];  /* of this process */
    char what[96];             /* "run orders-extract", "cdc start" */
    const char *plan;          /* path of the plan; "": none */
    const char *state_dir;
};

/* Reads the identity, makes it when there is none, and names it in every context of the project. */
bool fx_controller_take(struct fx_project *project, const char *what, const char *plan,
                        struct fx_arena *arena, struct fx_err *err) FX_MUST_CHECK;
/* Only reads. *ret_id is "" when this state directory has never changed anything. */
bool fx_controller_id(const char *state_dir, char ret_id[FX_CONTROLLER_ID],
                      struct fx_err *err) FX_MUST_CHECK;
/* The version that the file says; 0: there is no file. */
bool fx_controller_version(const char *state_dir, int64_t *ret, struct fx_err *err) FX_MUST_CHECK;
/* The host's name for people: FICUS_HOST, else what the system says. */
void fx_controller_host(char *out, size_t size);

#endif
