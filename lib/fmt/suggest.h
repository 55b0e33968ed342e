/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the nearest of the known keys, commands or options to a misspelt one.
 */
#ifndef FX_FMT_SUGGEST_H
#define FX_FMT_SUGGEST_H

#include "lib/base/buf.h"

/* The nearest of `names` (NULL-terminated) to `word`, or NULL when none is near. */
const char *fx_suggest(const char *word, const char *const *names);

/*
 * What an error says behind an unknown word: "; did you mean \"slots\"?", or all known words,
 * " (known: slots, timeout)". Nothing when there are none. The text belongs to `out`, which is
 * emptied first.
 */
const char *fx_suggest_end(const char *word, const char *const *names, struct fx_buf *out);

#endif
