/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact decimals and rationals. Only door to GMP.
 *
 * A decimal travels as canonical text (see value.h): two equal numbers have equal bytes, so
 * comparing and hashing need no arithmetic. Arithmetic happens only in column expressions, on
 * rational numbers, and a result goes back to a decimal only when it has one: a third is an error,
 * never a rounding.
 *
 * Not for: doubles. They keep their bits and never pass through here, except where an expression
 * names one.
 * Thread: any; one arena a thread.
 */
#ifndef FX_VALUE_DECIMAL_H
#define FX_VALUE_DECIMAL_H

#include "lib/base/arena.h"

/* More digits than any column of either engine can hold; a longer text is refused, not cut. */
enum { FX_DECIMAL_DIGITS_MAX = 150000 };

/*
 * "[+-]digits[.digits][e[+-]digits]" -> canonical text in the arena ("1.50" -> "1.5", "-0.0" ->
 * "0"). "NaN", "Infinity" and "-Infinity" (PostgreSQL's numeric has them) are canonical as they
 * are. false: no decimal, or too long.
 */
bool fx_decimal_canon(struct fx_str text, struct fx_arena *arena,
                      struct fx_str *ret_canon) FX_MUST_CHECK;
bool fx_decimal_is_finite(struct fx_str canon);
/* Numeric order of two canonical texts; -Infinity <
 * finite < Infinity < NaN, as PostgreSQL sorts them. */
int fx_decimal_cmp(struct fx_str a, struct fx_str b);
/* Digits before and after the point that a column
 * needs for a finite canonical text ("0.05" -> 0, 2). */
void fx_decimal_size(struct fx_str canon, int *ret_integer_digits, int *ret_scale);
/* The value as int64; false when it has a fraction or is out of range. */
bool fx_decimal_to_int(struct fx_str canon, int64_t *ret) FX_MUST_CHECK;
struct fx_str fx_decimal_from_int(int64_t i, struct fx_arena *arena);

/* Rational numbers; memory goes with the arena. Operands and results may share an arena. */
struct fx_rat;
struct fx_rat *fx_rat_from(struct fx_str canon, struct fx_arena *arena); /* finite only */
struct fx_rat *fx_rat_add(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena);
struct fx_rat *fx_rat_sub(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena);
struct fx_rat *fx_rat_mul(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena);
/* NULL when b is zero. */
struct fx_rat *fx_rat_div(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena);
int fx_rat_cmp(const struct fx_rat *a, const struct fx_rat *b);
bool fx_rat_is_zero(const struct fx_rat *a);
/* Canonical decimal text; false when the number has no finite decimal form. */
bool fx_rat_to_decimal(const struct fx_rat *a, struct fx_arena *arena,
                       struct fx_str *ret_canon) FX_MUST_CHECK;
/* "1/3" or "1.25": for messages. */
const char *fx_rat_show(const struct fx_rat *a, struct fx_arena *arena);

#endif
