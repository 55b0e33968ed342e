/* SPDX-License-Identifier: Apache-2.0 */
/* See log_room.h. */
#include "cdc/log_room.h"

#include <stdio.h>
#include <string.h>

static int64_t shorter(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : FX_MIN(a, b);
}

int64_t cdc_log_forecast(const struct cdc_log_look *look, double bytes_per_s, int64_t age_s)
{
    int64_t by_size = -1, by_age = -1;
    if (strcmp(look->state, CDC_LOG_LOST) == 0)
        return 0;
    if (look->left_bytes >= 0 && bytes_per_s >= 1)
        by_size = (int64_t)((double)look->left_bytes / bytes_per_s);
    if (look->expire_s >= 0 && age_s >= 0)
        by_age = FX_MAX(look->expire_s - age_s, (int64_t)0);
    return shorter(by_size, by_age);
}

bool cdc_log_is_ending(const struct cdc_log_look *look, int64_t age_s)
{
    return strcmp(look->state, "unreserved") == 0 || strcmp(look->state, CDC_LOG_LOST) == 0 ||
           (look->left_bytes >= 0 && look->kept_bytes > look->left_bytes) ||
           (look->expire_s >= 0 && age_s > look->expire_s / 2);
}

void cdc_log_show(const struct cdc_log_look *look, int64_t left_s, struct cdc_status *status)
{
    (void)snprintf(status->log_state, sizeof status->log_state, "%s", look->state);
    status->log_kept_bytes = look->kept_bytes;
    status->log_left_bytes = look->left_bytes;
    status->log_left_s = left_s;
}
