/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sides of a group, ready for the protocol: which tables belong to it on either database and
 * which of their columns take numbers from a counter. For the context's own group the tables are those of
 * ficus.yaml, bound to both catalogs; for the canary group it is ficus.canary alone.
 */
#ifndef PLN_SIDES_H
#define PLN_SIDES_H

#include "plans/ownership/fence.h"

struct pln_sides {
    struct pln_side old_side, new_side;
    struct fx_context ctx; /* a copy, because binding writes into the mappings */
    const char *group;
    bool is_canary;
};

/* "orders.canary" */
const char *pln_canary_group(const struct fx_context *ctx, struct fx_arena *arena);
/* Refuses engines that the fences do not know in that place. Errors: UNSUPPORTED. */
bool pln_sides_supported(const struct fx_context *ctx, struct fx_err *err) FX_MUST_CHECK;
/* Opens both databases and reads the catalogs. Everything belongs to `arena`; close with pln_sides_done. */
bool pln_sides_open(const struct fx_context *ctx, bool is_canary, int64_t statement_ms,
                    struct fx_arena *arena, struct pln_sides *ret,
                    struct fx_err *err) FX_MUST_CHECK;
void pln_sides_done(struct pln_sides *sides);

#endif
