/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, in integers throughout: what is not exact is refused. */
#include "lib/fmt/units.h"

#include <inttypes.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit size_units[] = {
    {"B", 1},          {"KB", 1000},      {"MB", 1000000},   {"GB", 1000000000},
    {"KiB", 1L << 10}, {"MiB", 1L << 20}, {"GiB", 1L << 30},
};

/*
 * "12" or "1.5" times `factor`, exactly: a fraction of the factor's unit is refused, and so is
 * overflow. *ret_used: how many characters make the number.
 */
static bool parse_number(struct fx_str s, size_t *ret_used, int64_t *ret_whole,
                         int64_t *ret_fraction, int64_t *ret_scale)
{
    size_t i = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++) {
        if (__builtin_mul_overflow(whole, (int64_t)10, &whole) ||
            __builtin_add_overflow(whole, (int64_t)(s.ptr[i] - '0'), &whole))
            return false;
    }
    if (i == 0)
        return false;
    if (i + 1 < s.len && s.ptr[i] == '.') {
        size_t start = ++i;
        for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9' && i - start < 6; i++) {
            fraction = fraction * 10 + (s.ptr[i] - '0');
            scale *= 10;
        }
        if (i == start)
            return false;
    }
    *ret_used = i;
    *ret_whole = whole;
    *ret_fraction = fraction;
    *ret_scale = scale;
    return true;
}

static bool scaled(struct fx_str s, const struct unit *units, size_t n_units, int64_t *ret)
{
    size_t used = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!parse_number(s, &used, &whole, &fraction, &scale))
        return false;
    struct fx_str rest = fx_str_sub(s, used, s.len - used);
    if (rest.len == 0 && whole == 0 && fraction == 0) {
        *ret = 0;
        return true;
    }
    for (size_t i = 0; i < n_units; i++) {
        if (!fx_str_eq_c(rest, units[i].name))
            continue;
        int64_t value = 0;
        if (__builtin_mul_overflow(whole, units[i].factor, &value) ||
            fraction * units[i].factor % scale != 0)
            return false;
        return !__builtin_add_overflow(value, fraction * units[i].factor / scale, ret);
    }
    return false;
}

bool fx_units_duration(struct fx_str text, int64_t *ret_ms)
{
    return scaled(text, duration_units, FX_ARRAY_LEN(duration_units), ret_ms);
}

bool fx_units_size(struct fx_str text, int64_t *ret_bytes)
{
    return scaled(text, size_units, FX_ARRAY_LEN(size_units), ret_bytes);
}

bool fx_units_percent(struct fx_str text, double *ret)
{
    size_t used = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!parse_number(text, &used, &whole, &fraction, &scale))
        return false;
    struct fx_str rest = fx_str_trim(fx_str_sub(text, used, text.len - used));
    if ((rest.len > 0 && !fx_str_eq_c(rest, "%")) || whole > 100 || (whole == 100 && fraction > 0))
        return false;
    *ret = (double)whole + (double)fraction / (double)scale;
    return true;
}

bool fx_units_int(struct fx_str text, int64_t *ret)
{
    bool is_negative = text.len > 1 && text.ptr[0] == '-';
    size_t i = is_negative ? 1 : 0;
    int64_t value = 0;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(c - '0'), &value))
            return false;
    }
    *ret = is_negative ? -value : value;
    return true;
}

bool fx_units_number(struct fx_str text, double *ret)
{
    size_t used = 0;
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!parse_number(text, &used, &whole, &fraction, &scale) || used != text.len)
        return false;
    *ret = (double)whole + (double)fraction / (double)scale;
    return true;
}

void fx_units_span(int64_t ms, struct fx_buf *out)
{
    if (ms < 1000)
        fx_buf_printf(out, "%" PRId64 " ms", ms);
    else if (ms < 60000)
        fx_buf_printf(out, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
    else if (ms < 3600000)
        fx_buf_printf(out, "%" PRId64 " min %02" PRId64 " s", ms / 60000, ms / 1000 % 60);
    else
        fx_buf_printf(out, "%" PRId64 " h %02" PRId64 " min", ms / 3600000, ms / 60000 % 60);
}
