/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that are over for the client but perhaps not for the upstream: it did not answer in time
 * (504), or its client stopped sending the body or left. What the upstream does with them is
 * unknown until it answers or closes the connection, so the connection stays open and the write
 * counts as in flight: a hold waits for it, because it may still write to the side that is about to
 * lose the group.
 *
 *     request --take--> waits --answered, closed--> not in flight
 *                         |
 *                         +--hold.unanswered------> lost: counted, logged, no longer in flight
 *
 * What had not been sent yet is not sent. Thread: the loop's.
 */
#ifndef FCD_REQUEST_UNANSWERED_H
#define FCD_REQUEST_UNANSWERED_H

#include "strangler/group/group.h"
#include "strangler/upstream/exchange.h"

struct fcd_unanswered;
struct fcd_unanswereds {
    struct fcd_local *local;
    FX_LIST(fcd_unanswered) all;
};

void fcd_unanswereds_init(struct fcd_unanswereds *all, struct fcd_local *local);
/* Takes the exchange and the write, which is in flight; afterwards x->u is NULL and the write is in
 * no state. Does nothing when no byte of it was sent. */
void fcd_unanswered_take(struct fcd_unanswereds *all, struct fcd_group *group, struct fcd_xchg *x,
                         struct fcd_write *write);
void fcd_unanswereds_done(struct fcd_unanswereds *all); /* their connections are closed */

#endif
