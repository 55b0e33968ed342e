/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sides of a group: which tables belong to it on either database, and which of their
 * columns take numbers from a counter. The group of a context has the tables of ficus.yaml, bound
 * to both catalogs; its canary group has ficus.canary only.
 *
 * Errors: SOURCE* where the old side failed, TARGET* where the new side did, MAPPING, UNSUPPORTED.
 * Thread: one.
 */
#ifndef FX_OWNERSHIP_SIDES_H
#define FX_OWNERSHIP_SIDES_H

#include "lib/map/map.h"
#include "lib/ownership/fence.h"

struct fx_sides {
    struct fx_side old_side, new_side;
    struct fx_context ctx; /* a copy, because binding writes into the mappings */
    const char *group;
    bool is_canary;
};

/* "orders.canary" */
const char *fx_sides_canary_group(const struct fx_context *ctx, struct fx_arena *arena);
/* Refuses an engine in a place (old, new) where its cut-over is not tested. Errors: UNSUPPORTED. */
bool fx_sides_supported(const struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;
/*
 * Opens both databases and reads the catalogs. Texts belong to `arena`; close with fx_sides_done.
 */
bool fx_sides_open(const struct fx_context *ctx, bool is_canary, int64_t statement_ms,
                   struct fx_arena *arena, struct fx_sides *ret, struct fx_err *err) FX_MUST_CHECK;
void fx_sides_done(struct fx_sides *sides);

/* --- both rows -------------------------------------------------------------------------------- */

/*
 * Both rows of the context's group as committed now, each from a session of its own. Errors:
 * SOURCE* of the old side, TARGET* of the new one, DRIFT.
 */
bool fx_own_look_both(const struct fx_context *ctx, struct fx_own_look *ret_old,
                      struct fx_own_look *ret_new, struct fx_err *err) FX_MUST_CHECK;
/* fx_own_require for each of the two. */
bool fx_own_require_both(const struct fx_context *ctx, const struct fx_own_look *old_look,
                         const struct fx_own_look *new_look, struct fx_err *err) FX_MUST_CHECK;
/* fx_own_look_both, then fx_own_require_both. */
bool fx_own_read(const struct fx_context *ctx, struct fx_own *ret_old, struct fx_own *ret_new,
                 struct fx_err *err) FX_MUST_CHECK;

/* --- install.c -------------------------------------------------------------------------------- */

/*
 * Creates what the fences need in schema ficus, the rows of the group and of its canary group (old
 * HERE, new AWAY, both at `epoch`: 1, or the facade's epoch after an earlier run was rolled back),
 * and the triggers of the side that is AWAY. Idempotent; never changes a row that exists. Runs
 * before cdc_install, which adds its own tables to the same schema; so the canary table is created
 * here too.
 */
bool fx_own_install(struct fx_context *ctx, int64_t epoch, struct fx_err *err) FX_MUST_CHECK;
/*
 * Fence triggers that an older build made, or that know the applier's user by another login (from
 * another host): *ret_n of them on both sides; with `is_executed` they are made again. Nothing when
 * ownership is not installed.
 */
bool fx_own_renew(const struct fx_context *ctx, bool is_executed, size_t *ret_n,
                  struct fx_err *err) FX_MUST_CHECK;
/*
 * The same for triggers that a side which is AWAY lacks, because a tool has replaced its table or
 * somebody dropped them: until then it accepts writes.
 */
bool fx_own_complete(const struct fx_context *ctx, bool is_executed, size_t *ret_n,
                     struct fx_err *err) FX_MUST_CHECK;
/*
 * Removes the fence triggers, the rows and, when no other group uses them, the tables. A group that
 * the new side owns keeps its fence on the old side. Errors: DRIFT while the group is FENCED; the
 * canary group is removed in any state.
 */
bool fx_own_drop(struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;

#endif
