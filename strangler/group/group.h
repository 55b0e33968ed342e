/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group at run time: its writes in flight and its writes that wait. The durable part is own.h.
 *
 * Writes wait in the order of their arrival while the group holds, and after that until those before them have
 * been sent: a release sends at a bounded pace (hold.release_per_second), so that the owner is not met by all
 * of them at once. The queue is bounded over all groups, in requests and in bytes.
 *
 * A write that waits has not been sent. It ends in exactly one way: released (sent once), refused (503), or
 * dropped because its client went away.
 * Thread: the loop's.
 */
#ifndef FCD_GROUP_H
#define FCD_GROUP_H

#include "lib/base/list.h"
#include "lib/io/loop.h"
#include "strangler/group/own.h"

struct fcd_worker;
struct fcd_req;
struct fcd_upstream;
struct fcd_conf_context;

struct fcd_hold_budget {
    int64_t requests, bytes; /* held now, over all groups */
};

struct fcd_group {
    struct fcd_worker *worker;
    char name[65];
    size_t index;                        /* in worker->state.groups */
    const struct fcd_conf_context *conf; /* NULL: without routes (a canary) */
    uint64_t salt;
    struct fcd_upstream *side[2]; /* by enum fcd_owner; NULL without routes */
    FX_LIST(fcd_req) held;
    int64_t in_flight;
    int64_t held_max_ms;
    struct fx_timer deadline;   /* of the hold */
    bool is_hurrying;           /* the hold has begun, and writes in flight were told */
    struct fx_mono hurry_until; /* they have this long for the rest of their bodies */
    struct fx_timer pace;       /* next portion of a release */
    double credit;              /* writes that may go now */
    struct fx_mono paced_at;
};

void fcd_group_init(struct fcd_group *group, struct fcd_worker *worker, const char *name,
                    size_t index);
void fcd_group_done(struct fcd_group *group);

/* Must a write of this group wait now? */
bool fcd_group_is_held(const struct fcd_group *group);
/* Queues; false: over the limits, answer 503. */
bool fcd_group_hold(struct fcd_group *group, struct fcd_req *req) FX_MUST_CHECK;
/* The client of a held request went away, or the facade shuts down. */
void fcd_group_forget(struct fcd_group *group, struct fcd_req *req, const char *how);
/* Of those that wait now. */
int64_t fcd_group_longest_wait_ms(const struct fcd_group *group);
/* The durable state changed (hold, release, switch, start): sets the deadline, starts sending. */
void fcd_group_apply(struct fcd_group *group);

#endif
