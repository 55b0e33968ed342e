/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a customer's read to the other side too, and compares the two answers. It never delays the
 * customer: a job copies the request and the answer while they pass, and starts when the customer
 * has been served. The shadow has a connection pool of its own; jobs, bytes and connections are
 * limited, and what exceeds a limit is dropped and counted. Only GET and HEAD without body,
 * condition or range are shadowed.
 *
 *     COLLECT --> QUEUED --> ASK --equal--> compared
 *        |                    |
 *        v                    +--differs--> PAUSE --> AGAIN (both sides) --equal---> stale
 *     dropped                                           |
 *                                                       +------------------differs-> mismatch,
 *                                                       exemplar
 *
 * Both sides are asked again `recheck_ms` later (about the lag of the stream): a difference that is
 * gone then was caused by the lag and says nothing about the new service ("stale"). No answer in
 * time counts as failed.
 * Thread: the loop's.
 */
#ifndef FCD_SHADOW_MIRROR_H
#define FCD_SHADOW_MIRROR_H

#include "strangler/group/groups.h"
#include "strangler/upstream/forward.h"

struct fcd_shadow_job;

/* A customer's read as it goes to its side. */
struct fcd_mirror_read {
    struct fcd_route *route;
    enum fcd_owner side;
    const char *method_text;
    const struct fcd_forward *forward;
};

struct fcd_mirror {
    struct fcd_local *local;
    FX_LIST(fcd_shadow_job) queued;
    FX_LIST(fcd_shadow_job) running; /* asking or pausing */
    int64_t n_jobs;                  /* collecting, queued and running */
    int64_t n_asking;
    bool is_starting;
    int64_t bytes;
};

void fcd_mirror_init(struct fcd_mirror *mirror, struct fcd_local *local);
void fcd_mirror_done(struct fcd_mirror *mirror);
/* Are reads of this route shadowed at all? */
bool fcd_mirror_wants(const struct fcd_route *route);
/* Called when the request goes to its side, before its head is forgotten. NULL: not shadowed. */
struct fcd_shadow_job *fcd_mirror_begin(struct fcd_mirror *mirror,
                                        const struct fcd_mirror_read *read);
void fcd_mirror_head(struct fcd_shadow_job *job, const struct fx_head *head);
void fcd_mirror_data(struct fcd_shadow_job *job, struct fx_str bytes);
/* The customer's answer has ended. Incomplete: there is nothing to compare with. */
void fcd_mirror_end(struct fcd_shadow_job *job, bool is_complete);

#endif
