/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two words of the facade's vocabulary that everybody shares: which side owns a group, and
 * whether its writes are held. The names are those of the admin API and of facade.json. Thread:
 * any.
 */
#ifndef FCD_GROUP_OWNER_H
#define FCD_GROUP_OWNER_H

#include "lib/base/fx.h"

enum fcd_owner { FCD_OLD, FCD_NEW };
enum fcd_hold { FCD_OPEN, FCD_PREPARED, FCD_HOLDING };
/* The longest hold that a facade accepts: 1 h. */
enum { FCD_HOLD_MAX_MS = 3600000 };

const char *fcd_owner_name(enum fcd_owner owner); /* "old", "new" */
const char *fcd_hold_name(enum fcd_hold hold);    /* "open", "prepared", "holding" */
/* False: there is no such name. */
bool fcd_owner_from(const char *text, enum fcd_owner *ret);
bool fcd_hold_from(const char *text, enum fcd_hold *ret);

#endif
