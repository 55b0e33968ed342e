/* SPDX-License-Identifier: Apache-2.0 */
/* One table for each enum, read in both directions. */
#include "strangler/group/owner.h"

#include "lib/base/fx.h"

static const char *const owner_names[] = {[FCD_OLD] = "old", [FCD_NEW] = "new"};
static const char *const hold_names[] = {
    [FCD_OPEN] = "open", [FCD_PREPARED] = "prepared", [FCD_HOLDING] = "holding"};

const char *fcd_owner_name(enum fcd_owner owner)
{
    return owner_names[owner];
}

const char *fcd_hold_name(enum fcd_hold hold)
{
    return hold_names[hold];
}

bool fcd_owner_from(const char *text, enum fcd_owner *ret)
{
    for (size_t i = 0; text != NULL && i < FX_ARRAY_LEN(owner_names); i++)
        if (strcmp(text, owner_names[i]) == 0) {
            *ret = (enum fcd_owner)i;
            return true;
        }
    return false;
}

bool fcd_hold_from(const char *text, enum fcd_hold *ret)
{
    for (size_t i = 0; text != NULL && i < FX_ARRAY_LEN(hold_names); i++)
        if (strcmp(text, hold_names[i]) == 0) {
            *ret = (enum fcd_hold)i;
            return true;
        }
    return false;
}
