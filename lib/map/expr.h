/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Column expressions of a mapping: arithmetic over one column, exact.
 *
 *     expr   := term (('+' | '-') term)*
 *     term   := factor (('*' | '/') factor)*
 *     factor := number | column | '(' expr ')' | '-' factor
 *
 * Numbers are rationals: "total * 100" on 12.34 is 1234, and a result without a finite decimal form
 * (a third of a cent) is an error, never a rounding. NULL in, NULL out; UNCHANGED in, UNCHANGED
 * out.
 *
 * An expression names exactly one column and is linear in it (a*x + b): then whether `back` undoes
 * `as` can be decided for all values, and not only for those that were tried.
 *
 * Owns: everything belongs to the arena. Thread: any, after compilation.
 */
#ifndef FX_MAP_EXPR_H
#define FX_MAP_EXPR_H

#include "lib/conf/doc.h"
#include "lib/value/value.h"

struct fx_expr;
struct fx_rat; /* lib/value/decimal.h */

/* NULL and a problem at `at` (with the offset in its
 * text) when it is not a linear expression of one column. */
struct fx_expr *fx_expr_compile(const struct fx_node *at, struct fx_arena *arena,
                                struct fx_problems *problems);
const char *fx_expr_text(const struct fx_expr *expr);
const char *fx_expr_column(const struct fx_expr *expr);

/*
 * Is back(forward(x)) = x for every x? If not, *ret_example says for which x it is not ("1 comes
 * back as 0.01").
 */
bool fx_expr_inverts(const struct fx_expr *forward, const struct fx_expr *back,
                     struct fx_arena *arena, const char **ret_example);

/* The expression of one number. */
struct fx_rat *fx_expr_apply(const struct fx_expr *expr, const struct fx_rat *x,
                             struct fx_arena *arena);

/* Value of the column in, DECIMAL out. Errors: SOURCE_DATA (no number, no finite result). */
bool fx_expr_eval(const struct fx_expr *expr, const struct fx_value *column, struct fx_arena *arena,
                  struct fx_value *ret, struct fx_err *err) FX_MUST_CHECK;

#endif
