/* SPDX-License-Identifier: Apache-2.0 */
/* A small generator that gives the same numbers on every machine. */
#include "lib/base/rand.h"

#include <sys/random.h>

#include "lib/base/panic.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void fx_rand_init(struct fx_rand *rnd, uint64_t seed)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(rnd->state); i++)
        rnd->state[i] = splitmix(&seed);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t fx_rand_u64(struct fx_rand *rnd)
{
    uint64_t *s = rnd->state;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t fx_rand_below(struct fx_rand *rnd, uint64_t limit)
{
    FX_ASSERT(limit > 0);
    uint64_t bound = UINT64_MAX - UINT64_MAX % limit;
    uint64_t v;
    do
        v = fx_rand_u64(rnd);
    while (v >= bound);
    return v % limit;
}

uint64_t fx_rand_system(void)
{
    uint64_t v;
    if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v)
        FX_BUG("the kernel gave no random bytes");
    return v;
}
