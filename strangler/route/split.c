/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash is fx_hash64, which may never change: a release that reshuffled users in the middle of a
 * canary would break every promise of the header.
 */
#include "strangler/route/split.h"

#include "lib/base/hash.h"

uint64_t fcd_split_salt(const char *context)
{
    return fx_hash64(fx_str_from(context), 0x6669637573ull); /* "ficus" */
}

uint64_t fcd_split_point(uint64_t salt, struct fx_str key)
{
    return fx_hash64(key, salt);
}

bool fcd_split_is_new(uint64_t point, double weight_percent)
{
    if (!(weight_percent > 0))
        return false;
    if (weight_percent >= 100)
        return true;
    /* 2^53 steps are exact in a double; below 100 % the product stays under 2^53. */
    uint64_t limit = (uint64_t)(weight_percent / 100 * 9007199254740992.0);
    return (point >> 11) < limit;
}

double fcd_split_percent(uint64_t point)
{
    return (double)(point >> 11) / 9007199254740992.0 * 100;
}
