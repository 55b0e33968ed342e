/* SPDX-License-Identifier: Apache-2.0 */
/* See group.h. */
#include "cdc/sink/group.h"

enum { GROUP_MS = 20 };

bool cdc_group_takes(const struct cdc_group *group, const struct cdc_group_limits *limits,
                     int64_t rows, size_t bytes)
{
    bool has_place = limits->members == 0 || group->members < limits->members;
    return has_place && rows <= limits->rows - group->rows && bytes <= limits->bytes &&
           group->bytes <= limits->bytes - bytes;
}

void cdc_group_join(struct cdc_group *group, int64_t rows, size_t bytes, struct fx_mono begun)
{
    if (group->members++ == 0)
        group->since = begun;
    group->rows += rows;
    group->bytes += bytes;
}

bool cdc_group_is_due(const struct cdc_group *group, const struct cdc_group_limits *limits,
                      struct fx_mono now)
{
    return group->members > 0 && (group->rows >= limits->rows || group->bytes >= limits->bytes ||
                                  (limits->members > 0 && group->members >= limits->members) ||
                                  fx_mono_since_us(group->since, now) >= GROUP_MS * 1000);
}
