/* SPDX-License-Identifier: Apache-2.0 */
/* The transitions drawn in own.h, one function each; set_hold validates every step. */
#include "strangler/group/own.h"

#include "lib/base/panic.h"

static bool may_follow(enum fcd_hold from, enum fcd_hold to)
{
    switch (to) {
    case FCD_OPEN: return true;
    case FCD_PREPARED: return from != FCD_HOLDING;
    case FCD_HOLDING: return true;
    }
    return false;
}

static void set_hold(struct fcd_own *own, enum fcd_hold to)
{
    if (!may_follow(own->hold, to))
        FX_BUG("write hold of epoch %lld (owner %s) cannot go from %s to %s", (long long)own->epoch,
               fcd_owner_name(own->owner), fcd_hold_name(own->hold), fcd_hold_name(to));
    own->hold = to;
}

bool fcd_own_check_jump(int64_t known, int64_t epoch, const char *what, const char *name,
                        struct fx_err *err)
{
    if (epoch <= known || epoch - known <= FCD_EPOCH_JUMP)
        return true;
    (void)fx_fail(
        err, FX_E_FACADE,
        "epoch %lld of %s is not plausible: the facade knows epoch %lld, and one call may "
        "raise it by %d at most",
        (long long)epoch, what, (long long)known, FCD_EPOCH_JUMP);
    return fx_hint(
        err,
        "The databases have the right epoch: ficus status. If it is %lld, tell the facade, "
        "whose state is then too old: ficus route epoch %s %lld --execute. If not, "
        "another Ficus sent this call: see who, with ficus run list",
        (long long)epoch, name, (long long)epoch);
}

static bool take_epoch(struct fcd_own *own, const char *group, int64_t epoch, struct fx_err *err)
{
    char what[96];
    snprintf(what, sizeof what, "group \"%.64s\"", group);
    if (!fcd_own_check_jump(own->epoch, epoch, what, group, err))
        return false;
    if (epoch >= own->epoch) {
        own->epoch = epoch;
        return true;
    }
    fx_fail(err, FX_E_STALE_EPOCH,
            "the facade refused epoch %lld of group \"%s\": a later run moves it, at epoch %lld",
            (long long)epoch, group, (long long)own->epoch);
    return fx_hint(err, "Nothing was changed. Go on with the run that has it: ficus run list");
}

bool fcd_own_prepare(struct fcd_own *own, const char *group, int64_t epoch, struct fx_err *err)
{
    bool is_repeated = epoch == own->epoch && own->hold == FCD_HOLDING;
    if (!take_epoch(own, group, epoch, err))
        return false;
    if (is_repeated)
        return true; /* a prepare that arrives after its own hold must not end the hold */
    if (own->hold == FCD_HOLDING)
        set_hold(own, FCD_OPEN); /* a newer controller starts over */
    set_hold(own, FCD_PREPARED);
    return true;
}

bool fcd_own_hold(struct fcd_own *own, const char *group, int64_t epoch, int64_t deadline_ms,
                  struct fx_wall now, struct fx_err *err)
{
    if (deadline_ms < 1 || deadline_ms > FCD_HOLD_MAX_MS)
        return fx_fail(err, FX_E_FACADE,
                       "cannot hold the writes of group \"%s\": \"deadline_ms\" must be between 1 "
                       "and %d ms, not %lld",
                       group, FCD_HOLD_MAX_MS, (long long)deadline_ms) ||
               fx_hint(
                   err,
                   "Give a time within these limits: --for of ficus route hold, --hold of ficus "
                   "cutover, or policy.hold of the plan. Then run the same command again.");
    bool is_repeated = epoch == own->epoch && own->hold == FCD_HOLDING;
    if (!take_epoch(own, group, epoch, err))
        return false;
    if (is_repeated)
        return true; /* the deadline of the first call is kept */
    set_hold(own, FCD_HOLDING);
    own->hold_until.us = now.us + deadline_ms * 1000;
    own->hold_ms = deadline_ms;
    return true;
}

bool fcd_own_release(struct fcd_own *own, const char *group, int64_t epoch, struct fx_err *err)
{
    if (!take_epoch(own, group, epoch, err))
        return false;
    own->is_moving = false;
    set_hold(own, FCD_OPEN);
    return true;
}

bool fcd_own_move(struct fcd_own *own, const char *group, int64_t epoch, struct fx_err *err)
{
    bool is_held = own->hold == FCD_HOLDING && epoch == own->epoch;
    if (is_held) {
        own->is_moving = true;
        return true;
    }
    if (!take_epoch(own, group, epoch, err))
        return false;
    (void)fx_fail(err, FX_E_FACADE,
                  "the facade no longer holds the writes of group \"%s\" for epoch %lld: the hold "
                  "expired",
                  group, (long long)epoch);
    return fx_hint(err, "To allow more time, raise --hold of ficus cutover, or policy.hold of the "
                        "plan. To try again: ficus run resume, or the same ficus cutover command.");
}

bool fcd_own_switch(struct fcd_own *own, const char *group, int64_t epoch, enum fcd_owner owner,
                    struct fx_err *err)
{
    if (epoch == own->owner_epoch && epoch == own->epoch && owner != own->owner) {
        fx_fail(err, FX_E_STALE_EPOCH,
                "group \"%s\" cannot go to the %s side at epoch %lld: at this epoch the facade has "
                "given it to the %s side",
                group, fcd_owner_name(owner), (long long)epoch, fcd_owner_name(own->owner));
        return fx_hint(err,
                       "Another run has switched the group: ficus run list. If the databases say "
                       "otherwise (ficus status), tell the facade: ficus route sync %s --execute",
                       group);
    }
    if (!take_epoch(own, group, epoch, err))
        return false;
    own->owner = owner;
    own->is_unknown = own->is_moving = false;
    own->owner_epoch = epoch;
    set_hold(own, FCD_OPEN);
    return true;
}

bool fcd_own_repair(struct fcd_own *own, const char *group, int64_t known, int64_t epoch,
                    struct fx_err *err)
{
    if (known != own->epoch)
        return fx_fail(err, FX_E_STALE_EPOCH,
                       "another run changed group \"%s\" in the facade meanwhile: its epoch is "
                       "%lld, no "
                       "longer %lld",
                       group, (long long)own->epoch, (long long)known) ||
               fx_hint(err, "Nothing was changed. See that run: ficus run list. If the epoch is "
                            "still wrong, run the same command again: it shows the present one.");
    own->epoch = epoch;
    own->owner_epoch = FX_MIN(own->owner_epoch, epoch);
    return true;
}

void fcd_own_expire(struct fcd_own *own)
{
    set_hold(own, FCD_OPEN);
}

int64_t fcd_own_hold_left_ms(const struct fcd_own *own, struct fx_wall now)
{
    if (own->hold != FCD_HOLDING)
        return 0;
    int64_t left_ms = (own->hold_until.us - now.us + 999) / 1000;
    if (left_ms <= 0)
        return 0;
    return FX_MIN(left_ms, own->hold_ms);
}
