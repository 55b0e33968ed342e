/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the nearest of the known keys, commands or options to a misspelt one.
 */
#ifndef FX_FMT_SUGGEST_H
#define FX_FMT_SUGGEST_H

#include "lib/base/fx.h"

/* The nearest of `names` (NULL-terminated) to `word`, or NULL when none is near. */
const char *fx_suggest(const char *word, const char *const *names);

#endif
