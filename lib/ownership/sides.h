/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sides of a group, ready for the protocol: which tables belong to it on either database and
 * which of their columns take numbers from a counter. For the context's own group the tables are those of
 * ficus.yaml, bound to both catalogs; for the canary group it is ficus.canary alone.
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
/* Refuses engines that the fences do not know in that place. Errors: UNSUPPORTED. */
bool fx_sides_supported(const struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;
/* Opens both databases and reads the catalogs. Everything belongs to `arena`; close with fx_sides_done. */
bool fx_sides_open(const struct fx_context *ctx, bool is_canary, int64_t statement_ms,
                   struct fx_arena *arena, struct fx_sides *ret, struct fx_err *err) FX_MUST_CHECK;
void fx_sides_done(struct fx_sides *sides);

/* --- both rows -------------------------------------------------------------------------------- */

/*
 * Both rows of the context's group as committed now, each from a session of its own. Errors: SOURCE* of the old side,
 * TARGET* of the new one, DRIFT.
 */
bool fx_own_look_both(const struct fx_context *ctx, struct fx_own_look *ret_old,
                      struct fx_own_look *ret_new, struct fx_err *err) FX_MUST_CHECK;
/* As fx_own_require, of either. */
bool fx_own_require_both(const struct fx_context *ctx, const struct fx_own_look *old_look,
                         const struct fx_own_look *new_look, struct fx_err *err) FX_MUST_CHECK;
/* Looks at both and requires both. */
bool fx_own_read(const struct fx_context *ctx, struct fx_own *ret_old, struct fx_own *ret_new,
                 struct fx_err *err) FX_MUST_CHECK;

/* --- install.c -------------------------------------------------------------------------------- */

/*
 * Creates ficus.own (and gate, marker on MariaDB), the trigger function, the rows of the group and of its canary group
 * (old HERE, new AWAY, both at `epoch`: 1, or where a facade stands after an earlier run that was rolled back), and the
 * fence triggers of the side that is AWAY. Idempotent; never changes a row that exists. Runs before cdc_install, which adds
 * its own tables to the same schema; so the canary table is created here as well.
 */
bool fx_own_install(struct fx_context *ctx, int64_t epoch, struct fx_err *err) FX_MUST_CHECK;
/*
 * Removes fence triggers, rows and (when no other group uses them) tables. A group that the new side owns keeps its fence on
 * the old one. Refuses (DRIFT) while the group is FENCED; the canary group goes in any state.
 */
bool fx_own_drop(struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;

#endif
