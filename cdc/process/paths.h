/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a stream keeps its files, below <state>/streams. The lock file decides whether its process
 * lives (the kernel drops it with the process); the socket is how it is spoken to; <name>.error is
 * what is left of one that stopped by itself.
 */
#ifndef CDC_PROCESS_PATHS_H
#define CDC_PROCESS_PATHS_H

#include "cdc/cdc.h"

struct cdc_paths {
    char dir[400], lock[512], sock[512], log[512], error[512], context[512];
};

/* Errors: CONFIG when a path is too long. */
bool cdc_paths_make(const struct cdc_ref *ref, struct cdc_paths *ret,
                    struct fx_err *err) FX_MUST_CHECK;

#endif
