/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose request is it? The routes match a path in its normal form; upstreams read paths in their
 * own ways. This room asks in which ways a server could read the path, and whether one of them is a
 * path of a group. Then the request must not take the default route: it could be a write of the
 * group that passes the hold.
 *
 * A reading is *natural* when servers commonly make it (another case, ";parameters", an extension,
 * a trailing slash, one decoding, a script's name in front), and *structural* when only a careless
 * one does (decoding twice, a decoded slash, trailing dots and spaces, look-alike letters). The
 * verdict:
 *
 *     no reading is a group's path               FOREIGN      forwarded untouched
 *     readings of two groups                     AMBIGUOUS    400
 *     only structural ones are a group's         AMBIGUOUS    400
 *     else                                       OWNED        by that group, in every method
 *
 * Pure. Thread: any.
 */
#ifndef FCD_ROUTE_OWNER_H
#define FCD_ROUTE_OWNER_H

#include "strangler/route/match.h"

enum fcd_verdict { FCD_FOREIGN, FCD_OWNED, FCD_AMBIGUOUS };

struct fcd_found {
    enum fcd_verdict verdict;
    size_t route;    /* OWNED: the rule's route; the one that lists the method, if there is one */
    bool is_listed;  /* OWNED: the route takes this method */
    bool is_plain;   /* OWNED: the path matches as the file has it, not only in another reading */
    const char *why; /* AMBIGUOUS: static text */
};

/* `raw`: the path as it came, without query; `normal`: its normal form (lib/http/url). */
struct fcd_found fcd_route_owner(const struct fcd_rule *rules, size_t n, struct fx_str raw,
                                 struct fx_str normal, unsigned method);

#endif
