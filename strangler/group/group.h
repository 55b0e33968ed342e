/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group at run time: its writes in flight and its held writes. The durable part is own.h.
 *
 * While the group holds, writes wait in the order of their arrival, and after that until those
 * before them have been sent: a release sends at a bounded pace (hold.release_per_second), so that
 * the owner is not met by all of them at once. The queue is bounded over all groups, in requests
 * and in bytes.
 *
 * A write is in the list of its state:
 *
 *                    hold              released
 *        NONE ---------------> HELD --------------> NONE -------> IN_FLIGHT -----> NONE
 *         ^                      |                      side chosen    |     answered, given up
 *         |                      +---> NONE   refused (503), or its client went away
 *         +-----------------------------------------------------------+
 *           a hold or a switch came before its first byte was sent: it goes back to its place
 *
 * A held write has not been sent. The side of a write is chosen, counted and stamped with the epoch
 * in one moment, and asked about again before its first byte (fcd_group_may_send): a write that
 * waited for its connection across a switch is never sent to the side that lost. Thread: the
 * loop's.
 */
#ifndef FCD_GROUP_GROUP_H
#define FCD_GROUP_GROUP_H

#include "lib/base/list.h"
#include "strangler/group/state.h"
#include "strangler/upstream/upstream.h"

struct fcd_hold_budget {
    int64_t requests, bytes; /* held now, over all groups */
};

enum fcd_write_state { FCD_WRITE_NONE, FCD_WRITE_HELD, FCD_WRITE_IN_FLIGHT };

/* Whoever sends a write (a request) embeds one and is told what the group decides. */
struct fcd_write;
struct fcd_write_ops {
    /* The write is no longer held: send it to the
     * owner, or refuse it when the facade is draining. */
    void (*release)(struct fcd_write *write);
    /* A hold has begun. A write of which no byte has been sent goes back to
     * the queue; of others the body must be complete before the group's body deadline. */
    void (*hold)(struct fcd_write *write, int64_t within_ms);
};
struct fcd_write {
    FX_LINK(fcd_write) link; /* in the group's list of its state */
    const struct fcd_write_ops *ops;
    enum fcd_write_state state;
    uint64_t arrival; /* its place among the writes of its group; 0: none yet */
    struct fx_mono held_since;
    int64_t held_bytes;
};

struct fcd_group {
    struct fcd_local *local;
    struct fcd_state *state;        /* of all groups */
    struct fcd_hold_budget *budget; /* of all groups */
    char name[FCD_NAME_MAX + 1];
    size_t index;                        /* in state->groups */
    const struct fcd_conf_context *conf; /* NULL: without routes (the rehearsal's canary) */
    uint64_t salt;
    struct fcd_upstream *side[2]; /* by enum fcd_owner; NULL without routes */
    uint64_t n_arrived;
    int64_t n_lost;          /* writes whose end is unknown: no answer within hold.unanswered */
    FX_LIST(fcd_write) held; /* by arrival */
    FX_LIST(fcd_write) in_flight;
    int64_t held_max_ms;
    struct fx_timer deadline; /* of the hold */
    struct fcd_own hold_seen; /* the hold that hold_ends belongs to */
    struct fx_mono hold_ends;
    bool has_body_deadline;       /* a hold has begun and writes in flight were told the deadline */
    struct fx_mono body_deadline; /* for the rest of their bodies */
    struct fx_timer pace;         /* next portion of a release */
    double credit;                /* writes that may go now */
    struct fx_mono paced_at;
};

void fcd_group_init(struct fcd_group *group, struct fcd_local *local, struct fcd_state *state,
                    struct fcd_hold_budget *budget, const char *name);
void fcd_group_done(struct fcd_group *group);

static inline struct fcd_own *fcd_group_own(const struct fcd_group *group)
{
    return &group->state->groups[group->index].own;
}
/* Must a write of this group wait now? */
bool fcd_group_is_held(const struct fcd_group *group);
/* May a write whose side was chosen as `side` be sent there now? Asked before its first byte. */
bool fcd_group_may_send(const struct fcd_group *group, enum fcd_owner side);
/* NONE -> HELD; `bytes`: the memory that waiting keeps. False: over the limits, answer 503. */
bool fcd_group_hold(struct fcd_group *group, struct fcd_write *write, int64_t bytes) FX_MUST_CHECK;
/* HELD -> NONE; `how`: a value of the metric's label ("released", "dropped", "refused"). */
void fcd_group_forget(struct fcd_group *group, struct fcd_write *write, const char *how);
/* The facade is shutting down: held writes are released one after the other, to be refused. */
void fcd_group_refuse_held(struct fcd_group *group);
/* NONE -> IN_FLIGHT: an upstream is about to work on it. */
void fcd_group_enter_flight(struct fcd_group *group, struct fcd_write *write);
/* IN_FLIGHT -> NONE; does nothing in another state. */
void fcd_group_leave_flight(struct fcd_group *group, struct fcd_write *write);
/* Has the body deadline of the present hold passed? */
bool fcd_group_is_body_late(const struct fcd_group *group);
/* Milliseconds of the hold that are left, by the clock that nobody sets; 0 when not holding. */
int64_t fcd_group_hold_left_ms(const struct fcd_group *group);
/* Of those that wait now. */
int64_t fcd_group_longest_wait_ms(const struct fcd_group *group);
/* The durable state changed (hold, release, switch, start): sets the deadline, starts sending. */
void fcd_group_apply(struct fcd_group *group);

#endif
