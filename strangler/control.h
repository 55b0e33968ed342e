/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of a running facade's admin API, for plans and commands. The API itself is described in
 * docs/protocols/admin.md; strangler/admin implements it.
 *
 * Every call that changes something carries an epoch: the group's epoch for hold, release and
 * switch; the controller's (run's) epoch for weights and shadow. The facade refuses a lower one
 * (STALE_EPOCH) and has made its state durable before it answers.
 *
 * Errors: FACADE_CONNECT (retriable), FACADE, STALE_EPOCH.
 */
#ifndef FCD_CONTROL_H
#define FCD_CONTROL_H

#include "lib/base/arena.h"
#include "lib/err/err.h"
#include "strangler/group/owner.h"

struct fx_root;

struct fcd_endpoint {
    const char *address; /* "127.0.0.1:9901", "unix:/path" */
    const char *token;   /* bearer, or NULL */
    int64_t timeout_ms;
};

struct fcd_group_status {
    const char *group;
    enum fcd_owner owner;
    /* The facade has lost its state, or its hold ended after a cut-over was about to commit:
     * `owner` is where reads go, writes get 503. */
    bool is_unknown;
    bool is_moving; /* fcd_control_move was called: when the hold ends the owner is unknown */
    bool can_move;  /* false: an older Ficus, which does not know fcd_control_move */
    int64_t epoch;
    enum fcd_hold hold;
    int64_t held;         /* writes that wait now */
    int64_t in_flight;    /* writes that an upstream is working on */
    int64_t hold_left_ms; /* until the deadline; 0 when not holding */
    int64_t held_max_ms;  /* longest wait of a held write since the last prepare */
};
struct fcd_route_status {
    const char *id, *group, *path;
    bool is_write;
    double weight_percent; /* to the new side, while the old owns the group */
    double shadow_percent;
    /* Since the counters were last reset by a change of weight or shadow: */
    int64_t requests_old, requests_new, errors_old, errors_new; /* errors: 5xx or no answer */
    double p50_old_ms, p50_new_ms, p99_old_ms, p99_new_ms;      /* -1: no sample */
    int64_t shadow_compared, shadow_mismatch, shadow_stale, shadow_dropped, shadow_failed;
    const char *exemplar; /* the latest difference, "GET /orders/7: /total: 1 and 2"; NULL: none */
};
struct fcd_status {
    int64_t api; /* version of the admin API */
    int64_t controller_epoch;
    int64_t uptime_ms;
    int64_t requests, requests_per_s;
    int64_t release_per_s; /* facade.hold.release_per_second */
    struct fcd_group_status *groups;
    size_t n_groups;
    struct fcd_route_status *routes;
    size_t n_routes;
};

/* Where the facade of a project file is called, with the token. Errors: SECRET, CONFIG. */
bool fcd_endpoint_read(const struct fx_root *root, struct fx_arena *arena, struct fcd_endpoint *ret,
                       struct fx_err *err) FX_MUST_CHECK;

bool fcd_control_status(const struct fcd_endpoint *at, struct fx_arena *arena,
                        struct fcd_status **ret, struct fx_err *err) FX_MUST_CHECK;
/* Announces a controller; a lower epoch than the facade knows is refused. Changes nothing else. */
bool fcd_control_claim(const struct fcd_endpoint *at, int64_t controller_epoch,
                       struct fx_err *err) FX_MUST_CHECK;
bool fcd_control_weight(const struct fcd_endpoint *at, int64_t controller_epoch, const char *route,
                        double percent, struct fx_err *err) FX_MUST_CHECK;
bool fcd_control_shadow(const struct fcd_endpoint *at, int64_t controller_epoch, const char *route,
                        double percent, int64_t recheck_ms, struct fx_err *err) FX_MUST_CHECK;

/* Step 1: reserve hold slots for (group, epoch). A group without
 * routes (the canary) is known to every facade that is told of it. */
bool fcd_control_prepare(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                         struct fx_err *err) FX_MUST_CHECK;
/* Step 2: stop sending writes of the group; answers
 * at once, poll the status until in_flight is 0. */
bool fcd_control_hold(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                      int64_t deadline_ms, struct fx_err *err) FX_MUST_CHECK;
/* Before the commit: from now on the owner may have changed, so the end of the hold sends nothing.
 * Refused when the facade no longer holds the writes. */
bool fcd_control_move(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                      struct fx_err *err) FX_MUST_CHECK;
/* Between fence attempts and on abort: held writes go on to the owner that the facade knows. */
bool fcd_control_release(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                         struct fx_err *err) FX_MUST_CHECK;
/* Step 11: (group, epoch) belongs to `owner`: held
 * writes and all reads and writes from now on go there. */
bool fcd_control_switch(const struct fcd_endpoint *at, const char *group, int64_t epoch,
                        enum fcd_owner owner, struct fx_err *err) FX_MUST_CHECK;

/* Replaces a wrong epoch; `known` is the one that the facade has. Group NULL: the controller's. */
bool fcd_control_repair(const struct fcd_endpoint *at, const char *group, int64_t known,
                        int64_t epoch, struct fx_err *err) FX_MUST_CHECK;

#endif
