/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical decimal text, made by moving characters, and exact rationals over GMP's mpq for
 * expressions. The text half is on the path of every row and allocates once; the GMP half is used
 * only by mappings.
 */
#include "lib/value/decimal.h"

#include <gmp.h>

#include "lib/base/panic.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The pieces of a decimal text; digits point into it. */
struct parts {
    bool is_negative;
    struct fx_str whole, fraction;
    int64_t exponent;
};

static struct fx_str take_digits(struct fx_str *rest)
{
    size_t n = 0;
    while (n < rest->len && is_digit(rest->ptr[n]))
        n++;
    struct fx_str digits = fx_str_sub(*rest, 0, n);
    *rest = fx_str_sub(*rest, n, rest->len - n);
    return digits;
}

static bool take_char(struct fx_str *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = fx_str_sub(*rest, 1, rest->len - 1);
    return true;
}

static bool take_exponent(struct fx_str *rest, int64_t *ret)
{
    *ret = 0;
    if (!take_char(rest, 'e') && !take_char(rest, 'E'))
        return true;
    bool is_negative = take_char(rest, '-');
    if (!is_negative)
        (void)take_char(rest, '+');
    struct fx_str digits = take_digits(rest);
    if (digits.len == 0 || digits.len > 9)
        return false;
    int64_t e = 0;
    for (size_t i = 0; i < digits.len; i++)
        e = e * 10 + (digits.ptr[i] - '0');
    *ret = is_negative ? -e : e;
    return true;
}

static bool split(struct fx_str text, struct parts *ret)
{
    struct parts p = {0};
    p.is_negative = take_char(&text, '-');
    if (!p.is_negative)
        (void)take_char(&text, '+');
    p.whole = take_digits(&text);
    if (take_char(&text, '.'))
        p.fraction = take_digits(&text);
    if (p.whole.len + p.fraction.len == 0 || !take_exponent(&text, &p.exponent) || text.len > 0)
        return false;
    *ret = p;
    return true;
}

/* Digit `i` of whole and fraction seen as one row of digits. */
static char digit_at(const struct parts *p, int64_t i)
{
    size_t at = (size_t)i;
    return at < p->whole.len ? p->whole.ptr[at] : p->fraction.ptr[at - p->whole.len];
}

/*
 * Writes digits [first, last) of `p`, where `point` says how many digits are before the decimal
 * point (it may be negative or beyond the end: zeros are supplied).
 */
static bool render(const struct parts *p, int64_t first, int64_t last, int64_t point,
                   struct fx_arena *arena, struct fx_str *ret)
{
    int64_t whole = point > first ? point - first : 0;  /* digits before the point */
    int64_t fraction = last > point ? last - point : 0; /* digits after it */
    if (whole > FX_DECIMAL_DIGITS_MAX || fraction > FX_DECIMAL_DIGITS_MAX)
        return false;
    size_t size = (size_t)(1 + FX_MAX(whole, (int64_t)1) + 1 + fraction + 1);
    char *out = fx_arena_alloc(arena, size);
    size_t n = 0;
    if (p->is_negative)
        out[n++] = '-';
    if (whole == 0)
        out[n++] = '0';
    for (int64_t i = first; i < point; i++)
        out[n++] = i < last ? digit_at(p, i) : '0';
    if (fraction > 0)
        out[n++] = '.';
    for (int64_t i = point; i < last; i++)
        out[n++] = i < first ? '0' : digit_at(p, i);
    FX_INVARIANT(n < size, "%zu of %zu characters written", n, size);
    *ret = (struct fx_str){out, n};
    return true;
}

bool fx_decimal_canon(struct fx_str text, struct fx_arena *arena, struct fx_str *ret_canon)
{
    if (!fx_decimal_is_finite(text)) {
        *ret_canon = fx_arena_str(arena, text);
        return true;
    }
    struct parts p;
    if (!split(text, &p))
        return false;
    int64_t first = 0;
    int64_t last = (int64_t)(p.whole.len + p.fraction.len);
    int64_t point = (int64_t)p.whole.len + p.exponent;
    while (first < last && digit_at(&p, first) == '0')
        first++;
    while (last > first && digit_at(&p, last - 1) == '0')
        last--;
    if (first == last) {
        *ret_canon = FX_STR("0");
        return true;
    }
    return render(&p, first, last, point, arena, ret_canon);
}

bool fx_decimal_is_finite(struct fx_str canon)
{
    return !fx_str_eq(canon, FX_STR("NaN")) && !fx_str_eq(canon, FX_STR("Infinity")) &&
           !fx_str_eq(canon, FX_STR("-Infinity"));
}

/* -1 -Infinity, 0 finite, 1 Infinity, 2 NaN. */
static int special_rank(struct fx_str canon)
{
    if (fx_decimal_is_finite(canon))
        return 0;
    if (canon.ptr[0] == 'N')
        return 2;
    return canon.ptr[0] == '-' ? -1 : 1;
}

/* Both without sign. */
static int magnitude_cmp(struct fx_str a, struct fx_str b)
{
    struct fx_str a_fraction, b_fraction;
    struct fx_str a_whole = fx_str_cut(a, '.', &a_fraction);
    struct fx_str b_whole = fx_str_cut(b, '.', &b_fraction);
    if (a_whole.len != b_whole.len)
        return a_whole.len < b_whole.len ? -1 : 1;
    int c = fx_str_cmp(a_whole, b_whole);
    return c != 0 ? c : fx_str_cmp(a_fraction, b_fraction);
}

int fx_decimal_cmp(struct fx_str a, struct fx_str b)
{
    int a_rank = special_rank(a);
    int b_rank = special_rank(b);
    if (a_rank != 0 || b_rank != 0)
        return (a_rank > b_rank) - (a_rank < b_rank);
    bool a_negative = take_char(&a, '-');
    bool b_negative = take_char(&b, '-');
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    int c = magnitude_cmp(a, b);
    return a_negative ? -c : c;
}

void fx_decimal_size(struct fx_str canon, int *ret_integer_digits, int *ret_scale)
{
    (void)take_char(&canon, '-');
    struct fx_str fraction;
    struct fx_str whole = fx_str_cut(canon, '.', &fraction);
    *ret_integer_digits = fx_str_eq(whole, FX_STR("0")) ? 0 : (int)whole.len;
    *ret_scale = (int)fraction.len;
}

bool fx_decimal_to_int(struct fx_str canon, int64_t *ret)
{
    bool is_negative = take_char(&canon, '-');
    if (canon.len == 0 || canon.len > 19)
        return false;
    uint64_t magnitude = 0;
    for (size_t i = 0; i < canon.len; i++) {
        if (!is_digit(canon.ptr[i]))
            return false;
        magnitude = magnitude * 10 + (uint64_t)(canon.ptr[i] - '0'); /* 19 digits fit 64 bits */
    }
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    if (magnitude > limit)
        return false;
    *ret = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

struct fx_str fx_decimal_from_int(int64_t i, struct fx_arena *arena)
{
    return fx_str_from(fx_arena_printf(arena, "%lld", (long long)i));
}

/* --- rationals ------------------------------------------------------------------------------- */

struct fx_rat {
    mpq_t q;
};

static void rat_clear(void *object)
{
    struct fx_rat *rat = object;
    mpq_clear(rat->q);
}

static struct fx_rat *rat_new(struct fx_arena *arena)
{
    struct fx_rat *rat = FX_ARENA_NEW(arena, struct fx_rat);
    mpq_init(rat->q);
    fx_arena_on_clear(arena, rat_clear, rat);
    return rat;
}

struct fx_rat *fx_rat_from(struct fx_str canon, struct fx_arena *arena)
{
    FX_ASSERT(fx_decimal_is_finite(canon));
    struct fx_str fraction;
    struct fx_str whole = fx_str_cut(canon, '.', &fraction);
    char *digits = fx_arena_printf(arena, "%.*s%.*s", FX_STR_FMT(whole), FX_STR_FMT(fraction));
    struct fx_rat *rat = rat_new(arena);
    if (mpz_set_str(mpq_numref(rat->q), digits, 10) != 0)
        FX_BUG("\"%s\" is no canonical decimal", digits);
    mpz_ui_pow_ui(mpq_denref(rat->q), 10, (unsigned long)fraction.len);
    mpq_canonicalize(rat->q);
    return rat;
}

struct fx_rat *fx_rat_add(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena)
{
    struct fx_rat *rat = rat_new(arena);
    mpq_add(rat->q, a->q, b->q);
    return rat;
}

struct fx_rat *fx_rat_sub(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena)
{
    struct fx_rat *rat = rat_new(arena);
    mpq_sub(rat->q, a->q, b->q);
    return rat;
}

struct fx_rat *fx_rat_mul(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena)
{
    struct fx_rat *rat = rat_new(arena);
    mpq_mul(rat->q, a->q, b->q);
    return rat;
}

struct fx_rat *fx_rat_div(const struct fx_rat *a, const struct fx_rat *b, struct fx_arena *arena)
{
    if (fx_rat_is_zero(b))
        return NULL;
    struct fx_rat *rat = rat_new(arena);
    mpq_div(rat->q, a->q, b->q);
    return rat;
}

int fx_rat_cmp(const struct fx_rat *a, const struct fx_rat *b)
{
    int c = mpq_cmp(a->q, b->q);
    return (c > 0) - (c < 0);
}

bool fx_rat_is_zero(const struct fx_rat *a)
{
    return mpq_sgn(a->q) == 0;
}

bool fx_rat_to_decimal(const struct fx_rat *a, struct fx_arena *arena, struct fx_str *ret_canon)
{
    /* A fraction in lowest terms ends in decimal exactly when its denominator is 2^i * 5^j. */
    mpz_t rest, two, five;
    mpz_init(rest);
    mpz_init_set_ui(two, 2);
    mpz_init_set_ui(five, 5);
    unsigned long twos = mpz_remove(rest, mpq_denref(a->q), two);
    unsigned long fives = mpz_remove(rest, rest, five);
    unsigned long scale = FX_MAX(twos, fives);
    bool is_finite = mpz_cmp_ui(rest, 1) == 0 && scale < FX_DECIMAL_DIGITS_MAX;
    if (is_finite) {
        mpz_ui_pow_ui(rest, 10, scale);
        mpz_mul(rest, rest, mpq_numref(a->q));
        mpz_divexact(rest, rest, mpq_denref(a->q));
        size_t size = mpz_sizeinbase(rest, 10) + 2;
        is_finite = size < FX_DECIMAL_DIGITS_MAX;
        if (is_finite) {
            char *digits = mpz_get_str(fx_arena_alloc(arena, size), 10, rest);
            const char *text = fx_arena_printf(arena, "%se-%lu", digits, scale);
            is_finite = fx_decimal_canon(fx_str_from(text), arena, ret_canon);
        }
    }
    mpz_clears(rest, two, five, NULL);
    return is_finite;
}

const char *fx_rat_show(const struct fx_rat *a, struct fx_arena *arena)
{
    struct fx_str canon;
    if (fx_rat_to_decimal(a, arena, &canon))
        return fx_arena_printf(arena, "%.*s", FX_STR_FMT(canon));
    size_t size = mpz_sizeinbase(mpq_numref(a->q), 10) + mpz_sizeinbase(mpq_denref(a->q), 10) + 3;
    return mpq_get_str(fx_arena_alloc(arena, size), 10, a->q);
}
