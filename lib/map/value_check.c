/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss rules: does a column hold this value exactly? One function per kind of column. A value
 * that would be rounded, cut, padded or shifted is refused with the reason; nothing is ever
 * adjusted to fit.
 *
 * One side of every mapping is MariaDB, so what MariaDB cannot hold (NaN, infinities, years outside
 * 1 to 9999) and what PostgreSQL cannot hold (NUL in text) is refused in both directions: it cannot
 * have come from there.
 */
#include "lib/map/enum_labels.h"
#include "lib/map/map.h"

#include <math.h>

#include "lib/fmt/text.h"
#include "lib/value/datetime.h"
#include "lib/value/decimal.h"
#include "lib/value/json_keys.h"
#include "lib/value/json_limits.h"
#include "lib/value/map_my.h"

static bool refuse(struct fx_err *err, const struct fx_value *v, const struct fx_type *to,
                   const char *why)
{
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(4096);
    fx_value_show(v, &shown);
    return fx_fail(err, FX_E_SOURCE_DATA, "value %.160s does not fit a column of type %s: %s",
                   fx_buf_cstr(&shown), to->declared != NULL ? to->declared : "?", why);
}

static bool wrong_kind(struct fx_err *err, const struct fx_value *v, const struct fx_type *to)
{
    return refuse(err, v, to, "the value has another type");
}

static bool fit_bool(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                     struct fx_err *err)
{
    int64_t i;
    if (v->kind == FX_V_BOOL || v->kind == FX_V_INT)
        i = v->i;
    else if (v->kind != FX_V_DECIMAL || !fx_decimal_to_int(v->s, &i))
        return wrong_kind(err, v, to);
    if (i != 0 && i != 1)
        return refuse(err, v, to, "only 0 and 1 are booleans");
    *ret = (struct fx_value){.kind = FX_V_BOOL, .i = i};
    return true;
}

static bool fit_int(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                    struct fx_err *err)
{
    int64_t i;
    if (v->kind == FX_V_BOOL || v->kind == FX_V_INT) {
        i = v->i;
    } else if (v->kind == FX_V_DECIMAL && fx_decimal_is_finite(v->s)) {
        bool is_wide = to->is_unsigned && to->bits == 64 && v->s.len > 0 && v->s.ptr[0] != '-' &&
                       fx_str_find(v->s, '.') < 0 &&
                       fx_decimal_cmp(v->s, FX_STR("18446744073709551615")) <= 0;
        if (!fx_decimal_to_int(v->s, &i)) {
            if (!is_wide)
                return refuse(err, v, to,
                              "it is not a whole number within the range of the column");
            *ret = *v; /* above 2^63-1: stays a decimal, see lib/value/map_my.h */
            return true;
        }
    } else {
        return wrong_kind(err, v, to);
    }
    int bits = to->bits > 0 ? to->bits : 64;
    int64_t high = bits == 64 ? INT64_MAX : ((int64_t)1 << (to->is_unsigned ? bits : bits - 1)) - 1;
    int64_t low = to->is_unsigned ? 0 : bits == 64 ? INT64_MIN : -high - 1;
    if (i < low || i > high)
        return refuse(err, v, to, "out of range");
    *ret = (struct fx_value){.kind = FX_V_INT, .i = i};
    return true;
}

static bool fit_decimal(const struct fx_value *v, const struct fx_type *to, struct fx_arena *arena,
                        struct fx_value *ret, struct fx_err *err)
{
    struct fx_value out = {.kind = FX_V_DECIMAL};
    if (v->kind == FX_V_INT)
        out.s = fx_decimal_from_int(v->i, arena);
    else if (v->kind == FX_V_DECIMAL)
        out.s = v->s;
    else
        return wrong_kind(err, v, to);
    if (!fx_decimal_is_finite(out.s))
        return refuse(err, v, to, "the column cannot hold NaN or Infinity");
    if (to->precision > 0) {
        int integer_digits, scale;
        fx_decimal_size(out.s, &integer_digits, &scale);
        if (scale > to->scale)
            return refuse(err, v, to, "more digits after the point than the column has");
        if (integer_digits > to->precision - to->scale)
            return refuse(err, v, to, "more digits before the point than the column has");
    }
    *ret = out;
    return true;
}

static bool fit_double(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                       struct fx_err *err)
{
    if (v->kind != FX_V_DOUBLE)
        return wrong_kind(err, v, to);
    if (!isfinite(v->d))
        return refuse(err, v, to, "the column cannot hold NaN or Infinity");
    if (to->is_float && (double)(float)v->d != v->d)
        return refuse(err, v, to, "the column stores 4 bytes and would round it");
    *ret = *v;
    return true;
}

static void uuid_text(const uint8_t uuid[16], char out[37])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = digits[uuid[i] >> 4];
        out[n++] = digits[uuid[i] & 15];
    }
    out[n] = '\0';
}

static int64_t count_chars(struct fx_str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

/* `s` is valid UTF-8, so the first byte of a character says how many it takes. */
static int widest_char(struct fx_str s)
{
    int widest = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        widest = FX_MAX(widest, c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1);
    }
    return widest;
}

static bool fit_text(const struct fx_value *v, const struct fx_type *to, struct fx_arena *arena,
                     struct fx_value *ret, struct fx_err *err)
{
    struct fx_value out = {.kind = FX_V_TEXT};
    if (v->kind == FX_V_UUID) {
        char text[37];
        uuid_text(v->uuid, text);
        out.s = fx_arena_str(arena, fx_str_from(text));
    } else if (v->kind == FX_V_TEXT) {
        out.s = v->s;
    } else {
        return wrong_kind(err, v, to);
    }
    if (fx_str_find(out.s, '\0') >= 0)
        return refuse(err, v, to, "PostgreSQL cannot hold the character NUL in text");
    if (!fx_utf8_valid(out.s))
        return refuse(err, v, to, "it is not valid UTF-8");
    if (to->length_max > 0 && count_chars(out.s) > to->length_max)
        return refuse(err, v, to, "too many characters");
    if (fx_type_has_enum_labels(to) && !fx_enum_labels_check(to, out.s))
        return refuse(err, v, to, "it is not one of the column's labels, byte for byte");
    if (to->char_bytes_max > 0 && widest_char(out.s) > to->char_bytes_max)
        return refuse(err, v, to,
                      to->char_bytes_max == 1 ? "its character set is ascii"
                                              : "its character set utf8mb3 has no characters of 4 "
                                                "bytes; CONVERT TO CHARACTER SET utf8mb4");
    if (to->is_fixed_char && out.s.len > 0 && out.s.ptr[out.s.len - 1] == ' ')
        return refuse(err, v, to, "CHAR removes trailing spaces");
    *ret = out;
    return true;
}

static bool fit_bytes(const struct fx_value *v, const struct fx_type *to, struct fx_arena *arena,
                      struct fx_value *ret, struct fx_err *err)
{
    struct fx_value out = {.kind = FX_V_BYTES};
    if (v->kind == FX_V_UUID)
        out.s = fx_arena_str(arena, (struct fx_str){(const char *)v->uuid, 16});
    else if (v->kind == FX_V_BYTES)
        out.s = v->s;
    else
        return wrong_kind(err, v, to);
    if (to->length_max > 0 && out.s.len > (size_t)to->length_max)
        return refuse(err, v, to, "too many bytes");
    if (to->is_fixed_char && out.s.len != (size_t)to->length_max)
        return refuse(err, v, to, "BINARY pads shorter values");
    *ret = out;
    return true;
}

static const int64_t us_per_fraction[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

static bool is_common_year(int64_t days)
{
    return days >= fx_days_from_civil(1, 1, 1) && days <= fx_days_from_civil(9999, 12, 31);
}

static bool fit_date(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                     struct fx_err *err)
{
    if (v->kind != FX_V_DATE)
        return wrong_kind(err, v, to);
    if (v->i == FX_TIME_INFINITY || v->i == FX_TIME_NEG_INFINITY || !is_common_year(v->i))
        return refuse(err, v, to, "MariaDB stores only the years 1 to 9999");
    *ret = *v;
    return true;
}

/* MariaDB's TIMESTAMP counts seconds in 32 bits; PostgreSQL's names end in "time zone". */
static bool is_my_timestamp(const struct fx_type *to)
{
    return to->kind == FX_V_TIMESTAMPTZ && to->declared != NULL &&
           strstr(to->declared, "time zone") == NULL;
}

static bool fit_timestamp(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                          struct fx_err *err)
{
    if (v->kind != FX_V_TIMESTAMP && v->kind != FX_V_TIMESTAMPTZ)
        return wrong_kind(err, v, to);
    if (v->i == FX_TIME_INFINITY || v->i == FX_TIME_NEG_INFINITY)
        return refuse(err, v, to, "the column cannot hold infinity");
    int64_t days = v->i / FX_US_PER_DAY - (v->i % FX_US_PER_DAY < 0);
    if (!is_common_year(days))
        return refuse(err, v, to, "MariaDB stores only the years 1 to 9999");
    if (is_my_timestamp(to) && (v->i < 1000000 || v->i > INT64_C(2147483647999999)))
        return refuse(err, v, to,
                      "MariaDB's TIMESTAMP holds 1970-01-01 00:00:01 to 2038-01-19 03:14:07");
    if (to->precision >= 0 && to->precision < 6 && v->i % us_per_fraction[to->precision] != 0)
        return refuse(err, v, to, "the column stores fewer fractional digits");
    *ret = (struct fx_value){.kind = to->kind, .i = v->i};
    return true;
}

static bool fit_uuid(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                     struct fx_err *err)
{
    if (v->kind == FX_V_UUID) {
        if (!fx_my_holds_uuid(v->uuid))
            return refuse(err, v, to,
                          "MariaDB's uuid refuses these version and variant bits; "
                          "binary(16) or char(36) would hold it");
        *ret = *v;
        return true;
    }
    struct fx_value out = {.kind = FX_V_UUID};
    if (v->kind == FX_V_BYTES && v->s.len == 16) {
        memcpy(out.uuid, v->s.ptr, 16);
        *ret = out;
        return true;
    }
    if (v->kind != FX_V_TEXT || v->s.len != 36)
        return wrong_kind(err, v, to);
    size_t n = 0;
    for (size_t i = 0; i < 36 && n < 32; i++) {
        char c = v->s.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            continue; /* found by the comparison below */
        out.uuid[n / 2] = (uint8_t)(out.uuid[n / 2] << 4 | digit);
        n++;
    }
    char again[37];
    uuid_text(out.uuid, again);
    if (n != 32 || memcmp(again, v->s.ptr, 36) != 0)
        return refuse(err, v, to, "only lower-case UUIDs with four dashes are returned unchanged");
    *ret = out;
    return true;
}

/* The text is carried as it is; where it means two things, the other side would take the other. */
static bool fit_json(const struct fx_value *v, const struct fx_type *to, struct fx_value *ret,
                     struct fx_err *err)
{
    if (v->kind != FX_V_JSON)
        return wrong_kind(err, v, to);
    if (fx_json_has_duplicate_names(v->s))
        return refuse(err, v, to,
                      "an object has two members of one name, of which the two servers read "
                      "different ones");
    struct fx_json_traits traits = fx_json_traits_of(v->s);
    if (traits.depth > FX_JSON_DEPTH_MAX)
        return refuse(err, v, to,
                      "it is nested more than 31 deep, which MariaDB's json refuses; make the "
                      "column text on both sides");
    if (traits.has_lone_surrogate)
        return refuse(err, v, to,
                      "it has a \\u escape of one half of a character (a lone surrogate), which "
                      "MariaDB's json and PostgreSQL's jsonb refuse; correct the value, or make "
                      "the column text on both sides");
    if (traits.has_nul && to->declared != NULL && strcmp(to->declared, "jsonb") == 0)
        return refuse(err, v, to, "jsonb cannot hold the character \\u0000; json would hold it");
    *ret = *v;
    return true;
}

bool fx_value_check(const struct fx_value *v, const struct fx_type *to, struct fx_arena *arena,
                    struct fx_value *ret, struct fx_err *err)
{
    if (v->kind == FX_V_NULL || v->kind == FX_V_UNCHANGED || v->kind == FX_V_UNREADABLE) {
        *ret = *v;
        return true;
    }
    switch (to->kind) {
    case FX_V_BOOL: return fit_bool(v, to, ret, err);
    case FX_V_INT: return fit_int(v, to, ret, err);
    case FX_V_DECIMAL: return fit_decimal(v, to, arena, ret, err);
    case FX_V_DOUBLE: return fit_double(v, to, ret, err);
    case FX_V_TEXT: return fit_text(v, to, arena, ret, err);
    case FX_V_BYTES: return fit_bytes(v, to, arena, ret, err);
    case FX_V_DATE: return fit_date(v, to, ret, err);
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return fit_timestamp(v, to, ret, err);
    case FX_V_UUID: return fit_uuid(v, to, ret, err);
    case FX_V_JSON: return fit_json(v, to, ret, err);
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    }
    return refuse(err, v, to, "this type is not supported");
}
