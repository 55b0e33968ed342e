/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the other side what a customer's read got, and compares. Off the customer's path: a job takes a copy of
 * the request and of the answer while they pass, and starts when the customer has been served. Its connections
 * are a pool of their own; jobs, bytes and connections are bounded, and what does not fit is dropped and
 * counted. Only GET and HEAD without body, condition or range.
 *
 *     COLLECT --> QUEUED --> ASK --equal--> compared
 *        |                    |
 *        v                    +--differs--> PAUSE --> AGAIN (both sides) --equal---> stale
 *     dropped                                           |
 *                                                       +------------------differs-> mismatch, exemplar
 *
 * The second look comes `recheck_ms` later (the stream's lag): a difference that is gone then was the copy
 * being behind, which says nothing about the new service. No answer in time counts as failed.
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
/* The customer's answer is complete, or broke off (then there is nothing to compare with). */
void fcd_mirror_end(struct fcd_shadow_job *job, bool is_complete);

#endif
