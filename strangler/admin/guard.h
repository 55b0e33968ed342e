/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call the admin API. A call is refused when its token is wrong, when it comes from another
 * user (Unix socket), was addressed to a foreign host name (a web page that made its own name point
 * here), or is a change requested by a web page.
 *
 * A few refusals are answered at once, as a person makes them; after that each waits, and when many
 * wait already the connection is closed. So guessing is slow and costs the facade little, while a
 * call with the right token never waits. Refusals and who made them are logged, at most one line a
 * second, and counted. Thread: the loop's.
 */
#ifndef FCD_ADMIN_GUARD_H
#define FCD_ADMIN_GUARD_H

#include "strangler/net/call.h"

struct fcd_guard {
    struct fcd_local *local;
    double credit; /* refusals that are answered at once */
    struct fx_mono credited_at, logged_at;
    bool has_logged;
    int64_t n_unlogged; /* refusals since the last line */
    size_t n_waiting;   /* refusals that wait */
};
struct fcd_refusal {
    int status;
    const char *label; /* in log and metric */
    const char *message;
};

void fcd_guard_init(struct fcd_guard *guard, struct fcd_local *local);
/* False: *ret says why not. */
bool fcd_guard_allows(const struct fcd_guard *guard, const struct fcd_call *call,
                      struct fcd_refusal *ret) FX_MUST_CHECK;
/* Logs and counts the refusal. Milliseconds until it is to be answered; -1: not at all, close. With
 * more than 0 the caller calls fcd_guard_waited later. */
int64_t fcd_guard_refuse(struct fcd_guard *guard, const struct fcd_call *call,
                         const struct fcd_refusal *refusal);
void fcd_guard_waited(struct fcd_guard *guard);

#endif
