/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable state of the facade: <state dir>/facade.json. Controller epoch, each group's owner,
 * epoch and hold, each route's weight and shadow.
 *
 * One caller (admin/api) changes it: works on a copy, saves the copy (atomic write, fsync), then
 * makes it the state. So what the facade acts on, and what it answers, is always on disk. The one
 * change that is not saved is a hold that reaches its deadline (group.c): a restart finds the same
 * deadline in the past.
 *
 * Routes and groups that the configuration no longer names stay in the state: a typo in ficus.yaml
 * must not make the facade forget an owner. Counters are not part of it: they start at zero with
 * the process.
 * Errors: IO, JOURNAL (the file is there but cannot be understood). Thread: the loop's; save blocks
 * on the disk.
 */
#ifndef FCD_STATE_H
#define FCD_STATE_H

#include "strangler/group/own.h"

enum { FCD_NAME_MAX = 64, FCD_GROUPS_MAX = 256, FCD_ROUTES_MAX = 4096 };

struct fcd_state_group {
    char name[FCD_NAME_MAX + 1];
    struct fcd_own own;
};
struct fcd_state_route {
    char id[FCD_NAME_MAX + 1];
    double weight_percent;
    double shadow_percent;
    int64_t recheck_ms;
};
struct fcd_state {
    int64_t controller_epoch;
    struct fcd_state_group *groups;
    size_t n_groups;
    struct fcd_state_route *routes;
    size_t n_routes;
};

/* The version that a file says; 0: there is no file. Errors: JOURNAL, VERSION, IO. */
bool fcd_state_version(const char *path, int64_t *ret, struct fx_err *err) FX_MUST_CHECK;

/*
 * Was a state ever saved here? If so and the file is gone, nobody here knows who owns a group. (The
 * mark is <path>.served; a state that an older Ficus saved has none until the next save.)
 */
bool fcd_state_has_served(const char *path);

bool fcd_state_load(const char *path, struct fcd_state *ret_state,
                    struct fx_err *err) FX_MUST_CHECK;
bool fcd_state_save(const char *path, const struct fcd_state *state,
                    struct fx_err *err) FX_MUST_CHECK;
bool fcd_state_parse(struct fx_str text, struct fcd_state *ret_state,
                     struct fx_err *err) FX_MUST_CHECK;
void fcd_state_write(const struct fcd_state *state, struct fx_buf *out);

struct fcd_state fcd_state_copy(const struct fcd_state *state);
void fcd_state_done(struct fcd_state *state);

/* The index; the entry is made when it is missing. SIZE_MAX: no valid name, or too many. */
size_t fcd_state_group(struct fcd_state *state, const char *name);
size_t fcd_state_route(struct fcd_state *state, const char *id);

#endif
