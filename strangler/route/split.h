/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old side or new side for a user. The new side gets a percentage of the users; raising it adds
 * users and lowering it removes the ones added last, so nobody is moved back and forth.
 *
 * A user has a key: the cookie that the facade issued, if the request carries it, so that nobody
 * changes sides by logging in; else the first source of the key order that it carries (a header, a
 * cookie, or a cookie that the facade issues now). hash(salt, key) is a point in [0, 2^64); the new
 * side takes the points below weight * 2^64. So for p1 < p2 every user who is on the new side at p1
 * is there at p2, and weight 0 brings all users back: a rollback revokes stickiness. The salt is
 * the context's, so all its routes move a user together.
 *
 * Pure. Thread: any.
 */
#ifndef FCD_ROUTE_SPLIT_H
#define FCD_ROUTE_SPLIT_H

#include "lib/base/str.h"

enum fcd_key_kind { FCD_KEY_HEADER, FCD_KEY_COOKIE, FCD_KEY_ISSUE };
struct fcd_key_source {
    enum fcd_key_kind kind;
    const char *name; /* header in lower case, or cookie; for ISSUE the cookie that we set */
};
#define FCD_ISSUED_COOKIE "ficus_sticky"

uint64_t fcd_split_salt(const char *context);
uint64_t fcd_split_point(uint64_t salt, struct fx_str key);
bool fcd_split_is_new(uint64_t point, double weight_percent);
/* The point as a percentage: the user is on the new side at every weight above it. */
double fcd_split_percent(uint64_t point);

#endif
