/* SPDX-License-Identifier: Apache-2.0 */
/* The door to xxHash. */
#include "lib/base/hash.h"

#include <xxhash.h>

uint64_t fx_hash64(struct fx_str s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.ptr, s.len, seed);
}

void fx_hash128_hex(struct fx_str s, char out[FX_HASH_HEX])
{
    XXH128_hash_t h = XXH3_128bits(s.ptr, s.len);
    snprintf(out, FX_HASH_HEX, "%016llx%016llx", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
}
