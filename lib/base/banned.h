/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that Ficus never calls, turned into errors at compile time.
 *
 * Each has a replacement that cannot overflow, is not bound to a locale and reports what it did:
 * strings -> lib/base/buf.h, numbers -> fx_parse_* in lib/fmt/text.h, time -> lib/base/clock.h and
 * lib/value/datetime.h, randomness -> lib/base/rand.h.
 */
#ifndef FX_BASE_BANNED_H
#define FX_BASE_BANNED_H

/* The system headers must declare them before the names are poisoned. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef gets
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok strtok_r gets
/* They skip spaces, take '+' and stop silently at junk.
 * lib/fmt/text.c, their only caller, checks the text first. */
#ifndef FX_STRTO_ALLOWED
#pragma GCC poison strtol strtoll strtoul strtoull strtoimax strtoumax strtof strtod strtold
#pragma GCC poison strtol_l strtoll_l strtoul_l strtoull_l strtof_l strtod_l strtold_l
#endif
#pragma GCC poison atoi atol atoll atof gmtime localtime ctime asctime rand srand

#endif
