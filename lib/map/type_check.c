/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers: the smallest step and the largest value of one column, sent through the expression, must
 * be a whole number of steps and inside the range of the other. All of it in rationals, so the
 * answer is a proof.
 */
#include "lib/map/type_check.h"

#include "lib/value/decimal.h"

static bool is_number(const struct fx_type *type)
{
    return type->kind == FX_V_INT || type->kind == FX_V_DECIMAL;
}

/* 10^exponent */
static struct fx_rat *power_of_ten(int exponent, struct fx_arena *arena)
{
    struct fx_str canon;
    const char *text = fx_arena_printf(arena, "1e%d", exponent);
    bool is_ok = fx_decimal_canon(fx_str_from(text), arena, &canon);
    return fx_rat_from(is_ok ? canon : FX_STR("1"), arena);
}

static struct fx_rat *power_of_two(int exponent, struct fx_arena *arena)
{
    struct fx_rat *two = fx_rat_from(FX_STR("2"), arena);
    struct fx_rat *power = fx_rat_from(FX_STR("1"), arena);
    for (int i = 0; i < exponent; i++)
        power = fx_rat_mul(power, two, arena);
    return power;
}

static bool has_step(const struct fx_type *type)
{
    return type->kind == FX_V_INT || type->precision > 0;
}

static struct fx_rat *step_of(const struct fx_type *type, struct fx_arena *arena)
{
    return power_of_ten(type->kind == FX_V_INT ? 0 : -type->scale, arena);
}

/* The largest value; the smallest is its negative (an
 * int's is one less, which no decision here hangs on). */
static struct fx_rat *max_of(const struct fx_type *type, struct fx_arena *arena)
{
    if (type->kind == FX_V_INT) {
        int bits = type->bits > 0 ? type->bits : 64;
        return fx_rat_sub(power_of_two(type->is_unsigned ? bits : bits - 1, arena),
                          power_of_ten(0, arena), arena);
    }
    return fx_rat_sub(power_of_ten(type->precision - type->scale, arena), step_of(type, arena),
                      arena);
}

static bool is_whole(const struct fx_rat *value, const struct fx_rat *step, struct fx_arena *arena)
{
    struct fx_str canon;
    struct fx_rat *steps = fx_rat_div(value, step, arena);
    return fx_rat_to_decimal(steps, arena, &canon) && fx_str_find(canon, '.') < 0;
}

static struct fx_rat *mapped(const struct fx_expr *expr, const struct fx_rat *x,
                             struct fx_arena *arena)
{
    if (expr == NULL)
        return fx_rat_add(x, fx_rat_from(FX_STR("0"), arena), arena);
    return fx_expr_apply(expr, x, arena);
}

/* Two neighbouring values decide: if zero and one
 * step land on steps of the target, every value does. */
static bool keeps_digits(const struct fx_type *from, const struct fx_expr *expr,
                         const struct fx_type *to, struct fx_arena *arena, const char **ret_why)
{
    struct fx_rat *examples[] = {fx_rat_from(FX_STR("0"), arena), step_of(from, arena)};
    for (size_t i = 0; i < FX_ARRAY_LEN(examples); i++) {
        struct fx_rat *result = mapped(expr, examples[i], arena);
        struct fx_str ignored;
        bool is_ok = has_step(to) ? is_whole(result, step_of(to, arena), arena)
                                  : fx_rat_to_decimal(result, arena, &ignored);
        if (is_ok)
            continue;
        *ret_why =
            fx_arena_printf(arena, "%s becomes %s, which has too many digits after the point",
                            fx_rat_show(examples[i], arena), fx_rat_show(result, arena));
        return false;
    }
    return true;
}

static bool is_in_range(const struct fx_type *from, const struct fx_expr *expr,
                        const struct fx_type *to, struct fx_arena *arena, const char **ret_why)
{
    struct fx_rat *zero = fx_rat_from(FX_STR("0"), arena);
    struct fx_rat *max = max_of(from, arena);
    struct fx_rat *limit = max_of(to, arena);
    struct fx_rat *examples[] = {max, fx_rat_sub(zero, max, arena)};
    size_t n = from->is_unsigned ? 1 : 2;
    for (size_t i = 0; i < n; i++) {
        struct fx_rat *result = mapped(expr, examples[i], arena);
        struct fx_rat *size =
            fx_rat_cmp(result, zero) < 0 ? fx_rat_sub(zero, result, arena) : result;
        bool is_negative = fx_rat_cmp(result, zero) < 0;
        if (fx_rat_cmp(size, limit) <= 0 && !(is_negative && to->is_unsigned))
            continue;
        *ret_why = fx_arena_printf(arena, "%s would be %s, which is out of range",
                                   fx_rat_show(examples[i], arena), fx_rat_show(result, arena));
        return false;
    }
    return true;
}

static bool numbers_hold(const struct fx_type *from, const struct fx_expr *expr,
                         const struct fx_type *to, enum fx_direction dir, struct fx_arena *arena,
                         const char **ret_why)
{
    if (!has_step(from))
        return true;
    if (!keeps_digits(from, expr, to, arena, ret_why))
        return false;
    return dir == FX_REVERSE || !has_step(to) || is_in_range(from, expr, to, arena, ret_why);
}

/* MariaDB's text types count bytes; only char and varchar count characters, as PostgreSQL does. */
static bool counts_characters(const struct fx_type *type)
{
    return !fx_str_ends(fx_str_from(type->declared != NULL ? type->declared : ""), FX_STR("text"));
}

static bool lengths_hold(const struct fx_type *from, const struct fx_type *to,
                         struct fx_arena *arena, const char **ret_why)
{
    if (from->length_max == 0 || to->length_max == 0 || from->length_max <= to->length_max ||
        !counts_characters(from) || !counts_characters(to))
        return true;
    *ret_why = fx_arena_printf(arena, "a text of %lld characters does not fit in %lld",
                               (long long)from->length_max, (long long)to->length_max);
    return false;
}

bool fx_type_check(const struct fx_type *from, const struct fx_expr *expr, const struct fx_type *to,
                   enum fx_direction dir, struct fx_arena *arena, const char **ret_why)
{
    if (is_number(from) && is_number(to))
        return numbers_hold(from, expr, to, dir, arena, ret_why);
    bool is_time = from->kind == FX_V_TIMESTAMP || from->kind == FX_V_TIMESTAMPTZ;
    if (is_time && from->precision > to->precision) {
        *ret_why = fx_arena_printf(arena, "%d fractional digits of a second do not fit in %d",
                                   from->precision, to->precision);
        return false;
    }
    if (from->kind == FX_V_DOUBLE && !from->is_float && to->is_float) {
        *ret_why = "a double of 8 bytes does not fit in 4";
        return false;
    }
    if (from->kind == FX_V_TEXT && to->kind == FX_V_TEXT && dir == FX_FORWARD)
        return lengths_hold(from, to, arena, ret_why);
    return true;
}
