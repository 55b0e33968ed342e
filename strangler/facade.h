/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facade daemon's life: check, start, run until a signal, drain, stop. What cmd/ficusd calls.
 *
 *     fcd_facade_check(path, &err)      reads the configuration, opens nothing
 *     fcd_facade_run(path, &err)        returns after SIGTERM or SIGINT, when what was running has ended
 *
 * Errors: CONFIG, SECRET; IO (addresses in use, state not readable or writable); LOCKED (another facade uses
 *         the same state directory); JOURNAL (the state file is damaged).
 */
#ifndef FCD_FACADE_H
#define FCD_FACADE_H

#include "lib/err/err.h"

bool fcd_facade_check(const char *path, struct fx_err *err) FX_MUST_CHECK;
bool fcd_facade_run(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* The facade's keys of ficus.yaml as Markdown, for docs/reference/config.md. */
void fcd_config_markdown(struct fx_buf *out);

#endif
