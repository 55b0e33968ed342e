/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that reads the system's clocks. */
#include "lib/base/clock.h"

struct fx_mono fx_mono_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (struct fx_mono){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

struct fx_wall fx_wall_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct fx_wall){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

void fx_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&ts, NULL);
}

void fx_wall_text(struct fx_wall t, char out[FX_WALL_TEXT])
{
    int64_t sec = t.us / 1000000;
    int64_t us = t.us % 1000000;
    if (us < 0) {
        us += 1000000;
        sec--;
    }
    time_t when = (time_t)sec;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL) {
        snprintf(out, FX_WALL_TEXT, "%lld us", (long long)t.us);
        return;
    }
    size_t n = strftime(out, FX_WALL_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, FX_WALL_TEXT - n, ".%06dZ", (int)us);
}
