#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two controllers on one pair of databases: every interleaving of docs/protocols/controllers.md.

A and B each cut over, fall back, resume, drop the streams and adopt; each may be killed after any
transaction, or sleep there for ever and wake late. A step of the model is one transaction (or one
act that no transaction covers, as the drop of a slot). Breadth first over all states; then the
same with each guard left out, which must be found out: a model that finds nothing proves nothing.

    tests/models/controller.py         prints the number of states; exit status 1 on a violation
"""
import sys
from collections import namedtuple

OLD, NEW = 0, 1
MAX_EPOCH = 6  # two moves of ownership, and what their aborts raise

# owner[d]: whose name database d has; own[d]: (state, epoch); lock[d]: who holds the share lock on
# both rows of d; stream[d]: does d still have its half of the streams (old: slot, new: progress);
# applier: (controller, epoch) of the process that applies, or None; claim: the applier's epoch in
# ficus.progress; who[i]: (program, step, data) of controller i; crashes left; adoptions left.
State = namedtuple("State", "owner own lock stream applier claim who crashes adoptions")
GUARDS = ("cas", "drop-controller", "drop-own", "drop-lock", "applier", "copy")


class Violation(Exception):
    pass


def put(t, i, v):
    return t[:i] + (v,) + t[i + 1:]


def to(s, i, program, step=0, data=None):
    return s._replace(who=put(s.who, i, (program, step, data)))


def cas(s, i, d, was, becomes, off):
    """The compare-and-set of d's row of ownership: (won, state), or None: it waits for a lock."""
    if s.lock[d] is not None:
        return None
    allowed = "cas" in off or s.owner[d] == i
    if not allowed or not was(s.own[d]):
        return False, s
    after = s._replace(own=put(s.own, d, becomes))
    if after.own[OLD][0] == "HERE" and after.own[NEW][0] == "HERE":
        raise Violation("both sides accept writes")
    if s.owner[d] != i:
        raise Violation(f"controller {i} moved database {d} of controller {s.owner[d]}")
    return True, after


def holds_both(s, i):
    return s.owner[OLD] == i and s.owner[NEW] == i


def begin(s, i, off):
    """What an idle controller may start; every command first reads both rows of ficus.controller."""
    out = []
    if "begin" in off or holds_both(s, i):
        states = (s.own[OLD][0], s.own[NEW][0])
        if states in (("HERE", "AWAY"), ("AWAY", "HERE")) and all(s.stream):
            losing = OLD if states[0] == "HERE" else NEW
            if s.own[losing][1] + 2 <= MAX_EPOCH:
                out.append(to(s, i, "cut", 0, (losing, s.own[losing][1])))
        if "FENCED" in states or states == ("AWAY", "AWAY"):
            out.append(to(s, i, "resume"))
        if any(s.stream):
            out.append(to(s, i, "drop"))
        if all(s.stream) and s.applier is None:
            out.append(to(s, i, "apply"))
    if s.adoptions and not holds_both(s, i):
        out.append(to(s._replace(adoptions=s.adoptions - 1), i, "adopt"))
    return out


def cut(s, i, step, data, off):
    side, e = data
    other = NEW if side == OLD else OLD
    if step == 0:  # fence
        r = cas(s, i, side, lambda o: o == ("HERE", e), ("FENCED", e + 1), off)
        return [] if r is None else [to(r[1], i, "cut", 1, data) if r[0] else to(r[1], i, "idle")]
    if step == 1:  # commit, or abort
        out = []
        for state, after in (("AWAY", 2), ("HERE", None)):
            r = cas(s, i, side, lambda o: o == ("FENCED", e + 1), (state, e + 2), off)
            if r is not None:
                out.append(to(r[1], i, "cut", after, data) if r[0] and after else to(r[1], i, "idle"))
        return out
    r = cas(s, i, other, lambda o: o[0] == "AWAY" and o[1] < e + 2, ("HERE", e + 2), off)  # open
    return [] if r is None else [to(r[1], i, "idle")]


def resume(s, i, off):
    old, new = s.own
    for d, o in ((OLD, old), (NEW, new)):
        if o[0] == "FENCED":
            r = cas(s, i, d, lambda x: x == o, ("HERE", o[1] + 1), off)
            return [] if r is None else [to(r[1], i, "idle")]
    if old[0] == new[0] == "AWAY":
        d, e = (NEW, old[1]) if old[1] > new[1] else (OLD, new[1])
        r = cas(s, i, d, lambda x: x[0] == "AWAY" and x[1] < e, ("HERE", e), off)
        return [] if r is None else [to(r[1], i, "idle")]
    return [to(s, i, "idle")]


def release(s, i):
    return s._replace(lock=tuple(None if x == i else x for x in s.lock))


def drop(s, i, step, off):
    if step in (OLD, NEW):  # share locks on both rows of one database, then a look at them
        if "drop-lock" not in off:
            if s.lock[step] is not None:
                return []
            s = s._replace(lock=put(s.lock, step, i))
        mine = "drop-controller" in off or s.owner[step] == i
        free = "drop-own" in off or s.own[step][0] == ("HERE" if step == OLD else "AWAY")
        return [to(s, i, "drop", step + 1)] if mine and free else [to(release(s, i), i, "idle")]
    d = step - 2
    if d in (OLD, NEW):  # the slot, then the rows of progress: no transaction covers both
        if s.own[NEW][0] != "AWAY" or s.own[OLD][0] != "HERE":
            raise Violation(f"streams dropped while old is {s.own[OLD]}, new is {s.own[NEW]}")
        if not holds_both(s, i):
            raise Violation(f"controller {i} dropped the streams of controllers {s.owner}")
        return [to(s._replace(stream=put(s.stream, d, False)), i, "drop", step + 1)]
    return [to(release(s._replace(applier=None), i), i, "idle")]


def apply_(s, i, step, off):
    if step == 0:  # claim: reads ficus.controller and raises the epoch in one transaction
        if s.lock[NEW] is not None or not s.stream[NEW]:
            return []
        if "copy" not in off and s.owner[NEW] != i:
            return [to(s, i, "idle")]
        if s.owner[NEW] != i:
            raise Violation(f"controller {i} claimed the stream of controller {s.owner[NEW]}")
        return [to(s._replace(claim=s.claim + 1, applier=(i, s.claim + 1)), i, "idle")]
    raise AssertionError


def applies(s, off):
    """A transaction of the applier: its compare-and-set names the epoch that it claimed."""
    if s.applier is None or not s.stream[NEW]:
        return
    who, epoch = s.applier
    if ("applier" in off or epoch == s.claim) and s.owner[NEW] != who:
        raise Violation(f"the applier of controller {who} writes to controller {s.owner[NEW]}'s")


def adopt(s, i, step, off):
    if step == 2:
        return [to(s, i, "idle")]
    if s.lock[step] is not None:  # FOR UPDATE waits for a drop
        return []
    refused = [to(s, i, "idle")] if s.own[step][0] == "FENCED" else []  # not expired; or it is:
    s = s._replace(owner=put(s.owner, step, i))
    if step == NEW:  # the same transaction raises the applier's epoch
        s = s._replace(claim=s.claim + 1)
    return refused + [to(s, i, "adopt", step + 1)]


def successors(s, off):
    out = []
    for i in (0, 1):
        program, step, data = s.who[i]
        if program == "idle":
            out += begin(s, i, off)
        elif program == "cut":
            out += cut(s, i, step, data, off)
        elif program == "resume":
            out += resume(s, i, off)
        elif program == "drop":
            out += drop(s, i, step, off)
        elif program == "apply":
            out += apply_(s, i, step, off)
        else:
            out += adopt(s, i, step, off)
        if program != "idle" and s.crashes:
            dead = release(s._replace(crashes=s.crashes - 1), i)
            out.append(to(dead, i, "idle"))
    for d in (OLD, NEW):  # an expired fence reopens with the next write
        if s.own[d][0] == "FENCED":
            out.append(s._replace(own=put(s.own, d, ("HERE", s.own[d][1] + 1))))
    return out


def is_good(s):
    """One side serves, one controller holds both databases, and it has the streams or none are left."""
    states = (s.own[OLD][0], s.own[NEW][0])
    return states in (("HERE", "AWAY"), ("AWAY", "HERE")) and s.owner[OLD] == s.owner[NEW] and (
        all(s.stream) or not any(s.stream))


def explore(off=(), want_progress=False):
    idle = ("idle", 0, None)
    first = State((0, 0), (("HERE", 1), ("AWAY", 1)), (None, None), (True, True), None, 0,
                  (idle, idle), 1, 2)
    seen, todo, before = {first}, [first], {}
    while todo:
        s = todo.pop()
        applies(s, off)
        for n in successors(s, off):
            if want_progress:
                before.setdefault(n, []).append(s)
            if n not in seen:
                seen.add(n)
                todo.append(n)
    if want_progress:  # backwards from the good states: whatever is not reached has no way on
        reach = [s for s in seen if is_good(s)]
        ways = set(reach)
        while reach:
            for p in before.get(reach.pop(), ()):
                if p not in ways:
                    ways.add(p)
                    reach.append(p)
        # with no adoption left, the model's own bound is the end
        stuck = [s for s in seen - ways if s.adoptions > 0]
        if stuck:
            raise Violation(f"no way on from {stuck[0]}")
    return len(seen)


def main():
    try:
        n = explore(want_progress=True)
        explore(off=("begin",))  # the look at the beginning is for people: nothing rests on it
    except Violation as v:
        print(f"controllers: {v}")
        return 1
    blind = []
    for guard in GUARDS:
        try:
            explore(off=(guard,))
            blind.append(guard)
        except Violation:
            pass
    if blind:
        print(f"controllers: the model does not notice that these guards are missing: {blind}")
        return 1
    print(f"controllers: {n} states, no violation; each of {len(GUARDS)} guards is needed")
    return 0


sys.exit(main())
