/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of MariaDB's types, and both directions between its text and canonical values.
 *
 * STRICT_ALL_TABLES refuses most of what a column cannot hold, but not all: it rounds fractions of
 * seconds and decimals, drops trailing spaces that do not fit, strips them from CHAR and pads
 * BINARY. Exactly these are refused here, so that a value is either stored as it is or not at all.
 */
#include "lib/value/map_my.h"

#include <math.h>

#include "lib/base/panic.h"
#include "lib/err/redact.h"
#include "lib/fmt/text.h"
#include "lib/value/datetime.h"
#include "lib/value/decimal.h"

/* --- types ------------------------------------------------------------------------------------ */

struct type_row {
    const char *data_type;
    enum fx_vkind kind;
    int bits;
};

static const struct type_row types[] = {
    {"tinyint", FX_V_INT, 8},        {"smallint", FX_V_INT, 16},
    {"mediumint", FX_V_INT, 24},     {"int", FX_V_INT, 32},
    {"bigint", FX_V_INT, 64},        {"year", FX_V_INT, 16},
    {"decimal", FX_V_DECIMAL, 0},    {"double", FX_V_DOUBLE, 0},
    {"float", FX_V_DOUBLE, 0},       {"char", FX_V_TEXT, 0},
    {"varchar", FX_V_TEXT, 0},       {"tinytext", FX_V_TEXT, 0},
    {"text", FX_V_TEXT, 0},          {"mediumtext", FX_V_TEXT, 0},
    {"longtext", FX_V_TEXT, 0},      {"enum", FX_V_TEXT, 0},
    {"set", FX_V_TEXT, 0},           {"binary", FX_V_BYTES, 0},
    {"varbinary", FX_V_BYTES, 0},    {"tinyblob", FX_V_BYTES, 0},
    {"blob", FX_V_BYTES, 0},         {"mediumblob", FX_V_BYTES, 0},
    {"longblob", FX_V_BYTES, 0},     {"date", FX_V_DATE, 0},
    {"datetime", FX_V_TIMESTAMP, 0}, {"timestamp", FX_V_TIMESTAMPTZ, 0},
    {"uuid", FX_V_UUID, 0},
};

static const struct type_row *find_type(const char *data_type)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(types); i++) {
        if (strcmp(types[i].data_type, data_type) == 0)
            return &types[i];
    }
    return NULL;
}

static int char_bytes_max(const char *charset)
{
    if (strcmp(charset, "ascii") == 0)
        return 1;
    return strcmp(charset, "utf8mb3") == 0 || strcmp(charset, "utf8") == 0 ? 3 : 0;
}

void fx_my_type(const struct fx_my_column *column, struct fx_type *ret_type)
{
    const struct type_row *row = find_type(column->data_type);
    *ret_type = (struct fx_type){.kind = FX_V_NULL, .declared = column->column_type};
    if (row == NULL)
        return;
    struct fx_type type = {.kind = row->kind, .bits = row->bits, .declared = column->column_type};
    switch (row->kind) {
    case FX_V_INT:
        type.is_unsigned = row->bits == 16 && strcmp(row->data_type, "year") == 0;
        type.is_unsigned |= strstr(column->column_type, "unsigned") != NULL;
        if (strcmp(column->column_type, "tinyint(1)") == 0) {
            type.kind = FX_V_BOOL;
            type.bits = 0;
        }
        break;
    case FX_V_DECIMAL:
        type.precision = column->precision;
        type.scale = column->scale;
        type.is_unsigned = strstr(column->column_type, "unsigned") != NULL;
        break;
    case FX_V_DOUBLE:
        type.is_float = strcmp(row->data_type, "float") == 0;
        if (strchr(column->column_type, '(') != NULL) /* double(10,2) rounds what it is given */
            type.kind = FX_V_NULL;
        break;
    case FX_V_TEXT:
        if (column->is_json)
            type.kind = FX_V_JSON;
        else if (strcmp(row->data_type, "enum") != 0 && strcmp(row->data_type, "set") != 0 &&
                 strcmp(row->data_type, "longtext") != 0)
            type.length_max = column->char_length_max;
        type.is_fixed_char = strcmp(row->data_type, "char") == 0;
        type.char_bytes_max = char_bytes_max(column->charset);
        break;
    case FX_V_BYTES:
        if (strcmp(row->data_type, "longblob") != 0)
            type.length_max = column->char_length_max;
        type.is_fixed_char = strcmp(row->data_type, "binary") == 0;
        break;
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: type.precision = column->fraction_digits; break;
    case FX_V_DATE:
    case FX_V_UUID:
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED:
    case FX_V_BOOL:
    case FX_V_JSON: break;
    }
    *ret_type = type;
}

/* --- text -> value ---------------------------------------------------------------------------- */

static bool bad_cell(const struct fx_type *type, struct fx_str cell, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(256);
    fx_redact_cell(cell, &shown);
    return fx_fail(err, FX_E_SOURCE_DATA, "value %s of MariaDB type %s is not supported",
                   fx_buf_cstr(&shown), type->declared);
}

/* Digits with an optional sign; zerofill's leading zeros are allowed. */
static bool parse_int(struct fx_str cell, int64_t *ret)
{
    bool is_negative = cell.len > 0 && cell.ptr[0] == '-';
    int64_t value = 0;
    if (cell.len == (size_t)is_negative)
        return false;
    for (size_t i = is_negative; i < cell.len; i++) {
        int digit = cell.ptr[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    return is_negative ? (*ret = value, true) : !__builtin_sub_overflow(INT64_C(0), value, ret);
}

static bool parse_double(struct fx_str cell, double *ret)
{
    if (!fx_parse_double(cell, ret))
        return false;
    *ret += 0.0; /* -0 becomes 0 */
    return true;
}

static bool parse_uuid(struct fx_str cell, uint8_t out[16])
{
    size_t n = 0;
    for (size_t i = 0; i < cell.len; i++) {
        int digit = fx_hex_digit(cell.ptr[i]);
        if (digit < 0 && cell.ptr[i] == '-')
            continue;
        if (digit < 0 || n == 32)
            return false;
        out[n / 2] = (uint8_t)(n % 2 == 0 ? digit << 4 : out[n / 2] | digit);
        n++;
    }
    return n == 32;
}

static bool starts_with_year_zero(struct fx_str cell)
{
    return cell.len >= 4 && memcmp(cell.ptr, "0000", 4) == 0;
}

bool fx_my_value(const struct fx_type *type, struct fx_str cell, struct fx_arena *arena,
                 struct fx_value *ret, struct fx_err *err)
{
    *ret = (struct fx_value){.kind = type->kind};
    if (cell.ptr == NULL) {
        ret->kind = FX_V_NULL;
        return true;
    }
    switch (type->kind) {
    case FX_V_BOOL:
        return (parse_int(cell, &ret->i) && (ret->i == 0 || ret->i == 1)) ||
               bad_cell(type, cell, err);
    case FX_V_INT:
        if (parse_int(cell, &ret->i))
            return true;
        ret->kind = FX_V_DECIMAL;
        return fx_decimal_canon(cell, arena, &ret->s) || bad_cell(type, cell, err);
    case FX_V_DECIMAL: return fx_decimal_canon(cell, arena, &ret->s) || bad_cell(type, cell, err);
    case FX_V_DOUBLE: return parse_double(cell, &ret->d) || bad_cell(type, cell, err);
    case FX_V_TEXT:
    case FX_V_BYTES:
    case FX_V_JSON: ret->s = cell; return true;
    case FX_V_DATE:
        return (!starts_with_year_zero(cell) && fx_date_parse(cell, &ret->i)) ||
               bad_cell(type, cell, err);
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ:
        return (!starts_with_year_zero(cell) && fx_timestamp_parse(cell, &ret->i)) ||
               bad_cell(type, cell, err);
    case FX_V_UUID: return parse_uuid(cell, ret->uuid) || bad_cell(type, cell, err);
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    }
    return fx_fail(err, FX_E_UNSUPPORTED, "columns of MariaDB type %s are not supported",
                   type->declared);
}

/* --- value -> literal ------------------------------------------------------------------------- */

static bool no_fit(const struct fx_value *v, const struct fx_type *type, const char *why,
                   struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(4096);
    fx_value_show(v, &shown);
    return fx_fail(err, FX_E_SOURCE_DATA, "value %.120s does not fit MariaDB type %s: %s",
                   fx_buf_cstr(&shown), type->declared, why);
}

void fx_my_quote(struct fx_str text, struct fx_buf *out)
{
    fx_buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len;) {
        const char *quote = memchr(text.ptr + i, '\'', text.len - i);
        size_t end = quote != NULL ? (size_t)(quote - text.ptr) + 1 : text.len;
        fx_buf_add_bytes(out, text.ptr + i, end - i);
        if (quote != NULL)
            fx_buf_add_char(out, '\'');
        i = end;
    }
    fx_buf_add_char(out, '\'');
}

static bool is_year(const struct fx_type *type)
{
    return strncmp(type->declared, "year", 4) == 0;
}

static bool int_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                        struct fx_err *err)
{
    if (type->kind == FX_V_INT) {
        int shift = type->bits - (type->is_unsigned ? 0 : 1);
        bool is_high = shift < 63 && v->i >= INT64_C(1) << shift;
        bool is_low = type->is_unsigned ? v->i < 0 : shift < 63 && v->i < -(INT64_C(1) << shift);
        if (is_high || is_low)
            return no_fit(v, type, "out of range", err);
        if (is_year(type) && v->i != 0 && (v->i < 1901 || v->i > 2155))
            return no_fit(v, type, "a YEAR of two digits would be stored as another year", err);
    }
    fx_buf_add_i64(out, v->i);
    return true;
}

static bool decimal_literal(const struct fx_value *v, const struct fx_type *type,
                            struct fx_buf *out, struct fx_err *err)
{
    if (!fx_decimal_is_finite(v->s))
        return no_fit(v, type, "MariaDB cannot store this number", err);
    int integer_digits, scale;
    fx_decimal_size(v->s, &integer_digits, &scale);
    /* A bigint unsigned beyond 2^63-1 comes as DECIMAL;
     * the server's strict mode checks its range. */
    int room = type->kind == FX_V_INT ? 20 : type->precision - type->scale;
    if (scale > type->scale)
        return no_fit(v, type, "too many digits after the point", err);
    if (integer_digits > room)
        return no_fit(v, type, "too many digits before the point", err);
    if (type->is_unsigned && v->s.ptr[0] == '-')
        return no_fit(v, type, "out of range", err);
    fx_buf_add(out, v->s);
    return true;
}

static bool double_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                           struct fx_err *err)
{
    if (!isfinite(v->d))
        return no_fit(v, type, "MariaDB cannot store this number", err);
    if (type->is_float && !(fabs(v->d) <= (double)__FLT_MAX__ && (double)(float)v->d == v->d))
        return no_fit(v, type, "it would be rounded", err);
    /* With an exponent the literal is a double from the start, never an exact decimal. */
    fx_buf_printf(out, "%.16e", v->d + 0.0);
    return true;
}

static size_t count_characters(struct fx_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

/* tinytext, text and mediumtext are limited in bytes, char and varchar in characters. */
static size_t text_size(struct fx_str s, const struct fx_type *type)
{
    return fx_str_ends(fx_str_from(type->declared), FX_STR("text")) ? s.len : count_characters(s);
}

static bool text_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                         struct fx_err *err)
{
    if (type->length_max > 0 && text_size(v->s, type) > (size_t)type->length_max)
        return no_fit(v, type, "too long", err);
    if (type->is_fixed_char && v->s.len > 0 && v->s.ptr[v->s.len - 1] == ' ')
        return no_fit(v, type, "its trailing spaces would be lost", err);
    fx_my_quote(v->s, out);
    return true;
}

static bool bytes_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                          struct fx_err *err)
{
    static const char digits[] = "0123456789abcdef";
    if (type->length_max > 0 && v->s.len > (size_t)type->length_max)
        return no_fit(v, type, "too long", err);
    if (type->is_fixed_char && v->s.len != (size_t)type->length_max)
        return no_fit(v, type, "it would be padded with NUL bytes", err);
    fx_buf_add_c(out, "x'");
    if (v->s.len > SIZE_MAX / 4 || !fx_buf_reserve(out, v->s.len * 2 + 1))
        return true; /* latched in the buffer */
    for (size_t i = 0; i < v->s.len; i++) {
        unsigned char byte = (unsigned char)v->s.ptr[i];
        out->ptr[out->len++] = digits[byte >> 4];
        out->ptr[out->len++] = digits[byte & 15];
    }
    fx_buf_add_char(out, '\'');
    return true;
}

static bool date_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                         struct fx_err *err)
{
    fx_buf_add_char(out, '\'');
    if (!fx_date_my(v->i, out))
        return no_fit(v, type, "MariaDB cannot store this date", err);
    fx_buf_add_char(out, '\'');
    return true;
}

static bool timestamp_literal(const struct fx_value *v, const struct fx_type *type,
                              struct fx_buf *out, struct fx_err *err)
{
    static const int64_t unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const int64_t first = INT64_C(1000000);            /* 1970-01-01 00:00:01 */
    const int64_t end = INT64_C(2147483648) * 1000000; /* 2038-01-19 03:14:08 */
    FX_ASSERT(type->precision >= 0 && type->precision <= 6);
    bool is_finite = v->i != FX_TIME_INFINITY && v->i != FX_TIME_NEG_INFINITY;
    if (is_finite && v->i % unit[type->precision] != 0)
        return no_fit(v, type, "its fraction of a second would be rounded", err);
    if (type->kind == FX_V_TIMESTAMPTZ && (v->i < first || v->i >= end))
        return no_fit(v, type, "outside of 1970-01-01 00:00:01 to 2038-01-19 03:14:07 UTC", err);
    fx_buf_add_char(out, '\'');
    if (!is_finite || !fx_timestamp_my(v->i, out))
        return no_fit(v, type, "MariaDB cannot store this time", err);
    fx_buf_add_char(out, '\'');
    return true;
}

bool fx_my_holds_uuid(const uint8_t uuid[16])
{
    /* Measured on 10.11: with the first bit of byte 6 set, byte 8 may not be 0x01 to 0x80. */
    return (uuid[6] & 0x80) == 0 || uuid[8] < 0x01 || uuid[8] > 0x80;
}

static bool uuid_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                         struct fx_err *err)
{
    const uint8_t *uuid = v->uuid;
    if (type->kind == FX_V_UUID && !fx_my_holds_uuid(uuid))
        return no_fit(v, type, "MariaDB refuses UUIDs with these version and variant bits", err);
    fx_buf_add_char(out, '\'');
    fx_text_uuid(uuid, out);
    fx_buf_add_char(out, '\'');
    return true;
}

bool fx_my_value_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                         struct fx_err *err)
{
    switch (v->kind) {
    case FX_V_NULL: fx_buf_add(out, FX_STR("NULL")); return true;
    case FX_V_BOOL: fx_buf_add_char(out, v->i != 0 ? '1' : '0'); return true;
    case FX_V_INT: return int_literal(v, type, out, err);
    case FX_V_DECIMAL: return decimal_literal(v, type, out, err);
    case FX_V_DOUBLE: return double_literal(v, type, out, err);
    case FX_V_TEXT:
    case FX_V_JSON: return text_literal(v, type, out, err);
    case FX_V_BYTES: return bytes_literal(v, type, out, err);
    case FX_V_DATE: return date_literal(v, type, out, err);
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return timestamp_literal(v, type, out, err);
    case FX_V_UUID: return uuid_literal(v, type, out, err);
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    }
    return fx_fail(err, FX_E_BUG,
                   "an unchanged value has no SQL literal; please report this message");
}
