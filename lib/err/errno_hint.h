/* SPDX-License-Identifier: Apache-2.0 */
/* The next step for an errno. fx_fail_errno uses it; a later fx_hint replaces it. */
#ifndef FX_ERR_ERRNO_HINT_H
#define FX_ERR_ERRNO_HINT_H

#include "lib/base/fx.h"

/*
 * Writes the hint for `errnum` into out, "" when there is none. `message` is the text before the
 * reason; the last name that it quotes is the path for the commands of the hint.
 */
void fx_errno_hint(int errnum, const char *message, char *out, size_t size);

#endif
