/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a group, under which epoch, and whether its writes wait: the part of a group that must
 * survive a crash. Pure transitions; the caller makes the result durable before it acts on it or
 * tells anyone.
 *
 *              prepare                hold
 *     OPEN ------------> PREPARED ------------> HOLDING
 *      ^  \_______________________________________^ |      (a hold needs no prepare)
 *      |       release, switch                      |
 *      +----------------------- release, switch, ---+
 *                               deadline
 *
 * The epoch only grows. A call with a lower epoch is refused (STALE_EPOCH): another controller has
 * replaced its sender. Calls may be repeated: the same call twice gives the same state. An epoch
 * has one owner: a second switch of the same epoch to the other side is refused, because one of the
 * two callers must be wrong. A call may raise an epoch by FCD_EPOCH_JUMP at most: a cut-over raises
 * it by two, so that is enough for a facade that was away for long, and an epoch that nobody could
 * go beyond is not taken. fcd_own_repair sets another one on purpose.
 *
 * A hold that ends by its deadline goes on to the owner that is known, if its cut-over cannot have
 * committed: it says that it is about to (fcd_own_move) before it does, and is refused when the
 * hold is over. After that the end of the hold leaves the owner unknown:
 *
 *     HOLDING --move--> HOLDING, moving --deadline--> OPEN, owner unknown (writes get 503)
 *                          |                             |
 *                          +------ release, switch ------+----> OPEN
 */
#ifndef FCD_OWN_H
#define FCD_OWN_H

#include "lib/base/clock.h"
#include "lib/err/err.h"
#include "strangler/group/owner.h"

enum { FCD_EPOCH_JUMP = 10000 };

struct fcd_own {
    enum fcd_owner owner;
    enum fcd_hold hold;
    int64_t epoch;
    int64_t owner_epoch;       /* the epoch of the last switch */
    struct fx_wall hold_until; /* wall time, because it must mean something after a restart */
    int64_t hold_ms;           /* as asked for: a wrong clock cannot make the hold longer */
    /*
     * The state was lost after the facade had served: `owner` is the old side, to which reads go,
     * and writes are refused. A switch is the end of that.
     */
    bool is_unknown;
    /*
     * A cut-over was about to commit: from here on `owner` may have lost the group, and only a
     * switch or a release, whose sender has asked the databases, says what became of it.
     */
    bool is_moving;
};

/* May nobody here say which side owns the group? Then its writes are refused. A hold that is in
 * force waits for the answer. */
static inline bool fcd_own_is_unknown(const struct fcd_own *own)
{
    return own->is_unknown || (own->is_moving && own->hold != FCD_HOLDING);
}

bool fcd_own_prepare(struct fcd_own *own, const char *group, int64_t epoch,
                     struct fx_err *err) FX_MUST_CHECK;
bool fcd_own_hold(struct fcd_own *own, const char *group, int64_t epoch, int64_t deadline_ms,
                  struct fx_wall now, struct fx_err *err) FX_MUST_CHECK;
/* The cut-over of `epoch` is about to commit. Refused unless its hold is in force. */
bool fcd_own_move(struct fcd_own *own, const char *group, int64_t epoch,
                  struct fx_err *err) FX_MUST_CHECK;
bool fcd_own_release(struct fcd_own *own, const char *group, int64_t epoch,
                     struct fx_err *err) FX_MUST_CHECK;
bool fcd_own_switch(struct fcd_own *own, const char *group, int64_t epoch, enum fcd_owner owner,
                    struct fx_err *err) FX_MUST_CHECK;
/* Is `epoch` at most FCD_EPOCH_JUMP above `known`? `what`: "group \"orders\"", `name` for the hint.
 */
bool fcd_own_check_jump(int64_t known, int64_t epoch, const char *what, const char *name,
                        struct fx_err *err);
/* For a state that holds a wrong epoch; `known` must be the present one, so that a command that is
 * late changes nothing. Owner and hold stay. */
bool fcd_own_repair(struct fcd_own *own, const char *group, int64_t known, int64_t epoch,
                    struct fx_err *err) FX_MUST_CHECK;
/* The deadline has passed: writes go on to the owner that we know, if we do. */
void fcd_own_expire(struct fcd_own *own);
/* Milliseconds of the hold that are left by the wall clock, 0 when not holding; never more than was
 * asked for. For the beginning of a hold and for a restart: else the monotonic clock counts. */
int64_t fcd_own_hold_left_ms(const struct fcd_own *own, struct fx_wall now);

#endif
