/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness with a printed seed: tests, jitter and torture replay from it (xoshiro256** seeded by
 * splitmix64). Not for secrets or identifiers that must not be guessed: fx_rand_system gives those.
 */
#ifndef FX_BASE_RAND_H
#define FX_BASE_RAND_H

#include "lib/base/fx.h"

struct fx_rand {
    uint64_t state[4];
};

void fx_rand_init(struct fx_rand *rnd, uint64_t seed);
uint64_t fx_rand_u64(struct fx_rand *rnd);
uint64_t fx_rand_below(struct fx_rand *rnd, uint64_t limit); /* 0 … limit-1, unbiased; limit > 0 */
uint64_t fx_rand_system(void);                               /* from the kernel */

#endif
