/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 64-bit hash that is the same on every machine and in every release (XXH3). Traffic splits and
 * journal chains store its results, so it may never change. Not for secrets. Only door to xxHash.
 */
#ifndef FX_BASE_HASH_H
#define FX_BASE_HASH_H

#include "lib/base/str.h"

uint64_t fx_hash64(struct fx_str s, uint64_t seed);

/* A 128-bit digest as 32 hex digits, for fingerprints
 * of schemas and mappings (not for signatures). */
enum { FX_HASH_HEX = 33 };
void fx_hash128_hex(struct fx_str s, char out[FX_HASH_HEX]);

#endif
