/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot is (exponent, next three bits) of the latency
 * in microseconds: no search, no floating point.
 */
#include "strangler/observe/stats.h"

static size_t slot_of(int64_t us)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;
    if (v < 8)
        return (size_t)v;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(v);
    size_t slot = (size_t)(exponent - 2) * 8 + (size_t)((v >> (exponent - 3)) & 7);
    return slot < FCD_HIST_SLOTS ? slot : FCD_HIST_SLOTS - 1;
}

/* The middle of a slot. */
static double slot_us(size_t slot)
{
    if (slot < 8)
        return (double)slot;
    size_t exponent = slot / 8 + 2;
    double unit = (double)(1ull << (exponent - 3));
    return (double)(8 + slot % 8) * unit + unit / 2;
}

void fcd_stats_add(struct fcd_side_stats *stats, int64_t latency_us, bool is_error)
{
    stats->requests++;
    stats->errors += is_error;
    stats->latency[slot_of(latency_us)]++;
}

double fcd_stats_quantile_ms(const struct fcd_side_stats *stats, double q)
{
    if (stats->requests == 0)
        return -1;
    double want = q * (double)stats->requests, seen = 0;
    for (size_t i = 0; i < FCD_HIST_SLOTS; i++) {
        seen += (double)stats->latency[i];
        if (seen >= want && stats->latency[i] > 0)
            return slot_us(i) / 1000;
    }
    return slot_us(FCD_HIST_SLOTS - 1) / 1000;
}
