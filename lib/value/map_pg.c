/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's type table, its text forms read and written. */
#include "lib/value/map_pg.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "lib/base/panic.h"
#include "lib/err/redact.h"
#include "lib/fmt/text.h"
#include "lib/value/datetime.h"
#include "lib/value/decimal.h"

/* pg_type.oid of built-in types: fixed since they exist, part of the wire protocol. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

enum { VARHDRSZ = 4 };

static const struct pg_type_row {
    uint32_t oid;
    const char *name;
    struct fx_type type;
} pg_types[] = {
    {OID_BOOL, "boolean", {.kind = FX_V_BOOL}},
    {OID_BYTEA, "bytea", {.kind = FX_V_BYTES}},
    {OID_INT8, "bigint", {.kind = FX_V_INT, .bits = 64}},
    {OID_INT2, "smallint", {.kind = FX_V_INT, .bits = 16}},
    {OID_INT4, "integer", {.kind = FX_V_INT, .bits = 32}},
    {OID_TEXT, "text", {.kind = FX_V_TEXT}},
    {OID_JSON, "json", {.kind = FX_V_JSON}},
    {OID_JSONB, "jsonb", {.kind = FX_V_JSON}},
    {OID_FLOAT4, "real", {.kind = FX_V_DOUBLE, .is_float = true}},
    {OID_FLOAT8, "double precision", {.kind = FX_V_DOUBLE}},
    {OID_BPCHAR, "character", {.kind = FX_V_TEXT, .is_fixed_char = true}},
    {OID_VARCHAR, "character varying", {.kind = FX_V_TEXT}},
    {OID_DATE, "date", {.kind = FX_V_DATE}},
    {OID_TIMESTAMP, "timestamp without time zone", {.kind = FX_V_TIMESTAMP, .precision = 6}},
    {OID_TIMESTAMPTZ, "timestamp with time zone", {.kind = FX_V_TIMESTAMPTZ, .precision = 6}},
    {OID_NUMERIC, "numeric", {.kind = FX_V_DECIMAL}},
    {OID_UUID, "uuid", {.kind = FX_V_UUID}},
};

/* What is in parentheses after the type's name is packed into typmod, differently by type. */
static void apply_typmod(uint32_t oid, int32_t typmod, const char *name, struct fx_arena *arena,
                         struct fx_type *type)
{
    if (typmod < 0)
        return;
    switch (oid) {
    case OID_VARCHAR:
    case OID_BPCHAR:
        type->length_max = typmod - VARHDRSZ;
        type->declared = fx_arena_printf(arena, "%s(%" PRId64 ")", name, type->length_max);
        return;
    case OID_NUMERIC: {
        int32_t packed = typmod - VARHDRSZ;
        type->precision = packed >> 16 & 0xffff;
        type->scale = ((packed & 0x7ff) ^ 1024) - 1024; /* 11 bits, signed since 15 */
        type->declared = fx_arena_printf(arena, "%s(%d,%d)", name, type->precision, type->scale);
        return;
    }
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        type->precision = typmod;
        type->declared = fx_arena_printf(arena, "timestamp(%d) %s time zone", typmod,
                                         oid == OID_TIMESTAMP ? "without" : "with");
        return;
    default: return;
    }
}

void fx_pg_type(uint32_t typoid, int32_t typmod, const char *declared, struct fx_arena *arena,
                struct fx_type *ret_type)
{
    *ret_type = (struct fx_type){.kind = FX_V_NULL};
    for (size_t i = 0; i < FX_ARRAY_LEN(pg_types); i++) {
        if (pg_types[i].oid != typoid)
            continue;
        *ret_type = pg_types[i].type;
        ret_type->declared = pg_types[i].name;
        apply_typmod(typoid, typmod, pg_types[i].name, arena, ret_type);
        break;
    }
    if (declared != NULL)
        ret_type->declared = declared;
    else if (ret_type->declared == NULL)
        ret_type->declared = fx_arena_printf(arena, "type with oid %" PRIu32, typoid);
}

/* --- text -> value --------------------------------------------------------------------------- */

static bool no_such_value(const struct fx_type *type, struct fx_str text, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(256);
    fx_redact_cell(text, &shown);
    return fx_fail(err, FX_E_SOURCE_DATA, "value %s of PostgreSQL type %s is not supported",
                   fx_buf_cstr(&shown), type->declared);
}

static bool read_not_finite(struct fx_str text, double *ret)
{
    if (fx_str_eq(text, FX_STR("NaN")))
        *ret = (double)NAN;
    else if (fx_str_eq(text, FX_STR("Infinity")))
        *ret = (double)INFINITY;
    else if (fx_str_eq(text, FX_STR("-Infinity")))
        *ret = (double)-INFINITY;
    else
        return false;
    return true;
}

static bool read_double(struct fx_str text, double *ret)
{
    double d;
    if (read_not_finite(text, ret))
        return true;
    if (!fx_parse_double(text, &d))
        return false;
    *ret = d + 0.0; /* -0 becomes 0 */
    return true;
}

/* A real's text is the shortest for 4 bytes: "0.1"
 * means the float nearest to it, not the double. */
static bool read_float(struct fx_str text, double *ret)
{
    float f;
    if (read_not_finite(text, ret))
        return true;
    if (!fx_parse_float(text, &f))
        return false;
    *ret = (double)f + 0.0;
    return true;
}

static bool read_hex(struct fx_str hex, uint8_t *out)
{
    for (size_t i = 0; i < hex.len / 2; i++) {
        int high = fx_hex_digit(hex.ptr[2 * i]);
        int low = fx_hex_digit(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return hex.len % 2 == 0;
}

static bool read_bytea(struct fx_str text, struct fx_arena *arena, struct fx_str *ret)
{
    if (!fx_str_starts(text, FX_STR("\\x")))
        return false;
    struct fx_str hex = fx_str_sub(text, 2, text.len - 2);
    uint8_t *bytes = fx_arena_alloc(arena, hex.len / 2 + 1);
    *ret = (struct fx_str){(const char *)bytes, hex.len / 2};
    return read_hex(hex, bytes);
}

static bool read_uuid(struct fx_str text, uint8_t out[16])
{
    char hex[32];
    size_t n = 0;
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i] != '-')
                return false;
        } else {
            hex[n++] = text.ptr[i];
        }
    }
    return read_hex((struct fx_str){hex, n}, out);
}

static struct fx_str strip_padding(struct fx_str s)
{
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

static bool read_int(struct fx_str text, int64_t *ret)
{
    /* An int's text is canonical already. */
    return fx_decimal_to_int(text, ret);
}

static bool read_bool(struct fx_str text, int64_t *ret)
{
    if (text.len != 1 || (text.ptr[0] != 't' && text.ptr[0] != 'f'))
        return false;
    *ret = text.ptr[0] == 't';
    return true;
}

static bool read_kind(const struct fx_type *type, struct fx_str text, struct fx_arena *arena,
                      struct fx_value *v)
{
    switch (type->kind) {
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: return false;
    case FX_V_BOOL: return read_bool(text, &v->i);
    case FX_V_INT: return read_int(text, &v->i);
    case FX_V_DECIMAL: return fx_decimal_canon(text, arena, &v->s);
    case FX_V_DOUBLE: return type->is_float ? read_float(text, &v->d) : read_double(text, &v->d);
    case FX_V_TEXT: v->s = type->is_fixed_char ? strip_padding(text) : text; return true;
    case FX_V_BYTES: return read_bytea(text, arena, &v->s);
    case FX_V_DATE: return fx_date_parse(text, &v->i);
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return fx_timestamp_parse(text, &v->i);
    case FX_V_UUID: return read_uuid(text, v->uuid);
    case FX_V_JSON: v->s = text; return true;
    }
    FX_BUG("column of kind %s (%d)", fx_vkind_name(type->kind), (int)type->kind);
}

bool fx_pg_value(const struct fx_type *type, struct fx_str text, struct fx_arena *arena,
                 struct fx_value *ret, struct fx_err *err)
{
    if (text.ptr == NULL) {
        *ret = (struct fx_value){.kind = FX_V_NULL};
        return true;
    }
    struct fx_value v = {.kind = type->kind};
    if (!read_kind(type, text, arena, &v))
        return no_such_value(type, text, err);
    *ret = v;
    return true;
}

/* --- value -> text --------------------------------------------------------------------------- */

static void add_double(double d, bool is_float, struct fx_buf *out)
{
    if (isnan(d))
        fx_buf_add(out, FX_STR("NaN"));
    else if (isinf(d))
        fx_buf_add_c(out, d < 0 ? "-Infinity" : "Infinity");
    else
        fx_buf_printf(out, is_float ? "%.9g" : "%.17g", d);
}

static void add_hex(const uint8_t *bytes, size_t len, struct fx_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    if (!fx_buf_reserve(out, len * 2))
        return;
    for (size_t i = 0; i < len; i++) {
        fx_buf_add_char(out, digits[bytes[i] >> 4]);
        fx_buf_add_char(out, digits[bytes[i] & 15]);
    }
}

bool fx_pg_text(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                struct fx_err *err)
{
    switch (v->kind) {
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: FX_BUG("a value of kind %s has no text", fx_vkind_name(v->kind));
    case FX_V_BOOL: fx_buf_add_char(out, v->i != 0 ? 't' : 'f'); break;
    case FX_V_INT: fx_buf_add_i64(out, v->i); break;
    case FX_V_DOUBLE: add_double(v->d, type->is_float, out); break;
    case FX_V_TEXT:
    case FX_V_JSON:
        if (memchr(v->s.ptr != NULL ? v->s.ptr : "", '\0', v->s.len) != NULL)
            return fx_fail(err, FX_E_SOURCE_DATA, "PostgreSQL's %s cannot hold a NUL character",
                           type->declared);
        fx_buf_add(out, v->s);
        break;
    case FX_V_DECIMAL: fx_buf_add(out, v->s); break;
    case FX_V_BYTES:
        fx_buf_add(out, FX_STR("\\x"));
        add_hex((const uint8_t *)v->s.ptr, v->s.len, out);
        break;
    case FX_V_DATE: fx_date_pg(v->i, out); break;
    case FX_V_TIMESTAMP: fx_timestamp_pg(v->i, out); break;
    case FX_V_TIMESTAMPTZ: {
        struct fx_civil c;
        bool is_infinite = v->i == FX_TIME_INFINITY || v->i == FX_TIME_NEG_INFINITY;
        size_t before = out->len;
        fx_timestamp_pg(v->i, out);
        if (is_infinite)
            break;
        fx_civil_from_us(v->i, &c);
        if (c.year > 0) {
            fx_buf_add(out, FX_STR("+00"));
        } else if (out->len >= before + 3) { /* the zone is before the era */
            out->len -= 3;
            fx_buf_add(out, FX_STR("+00 BC"));
        }
        break;
    }
    case FX_V_UUID: add_hex(v->uuid, 16, out); break;
    }
    return true;
}

bool fx_pg_literal(const struct fx_value *v, const struct fx_type *type, struct fx_buf *out,
                   struct fx_err *err)
{
    if (v->kind == FX_V_NULL) {
        fx_buf_add(out, FX_STR("NULL"));
        return true;
    }
    fx_buf_add_char(out, '\'');
    if (v->kind != FX_V_TEXT && v->kind != FX_V_JSON) { /* no other form contains a quote */
        if (!fx_pg_text(v, type, out, err))
            return false;
    } else {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(SIZE_MAX / 4);
        if (!fx_pg_text(v, type, &text, err))
            return false;
        for (size_t i = 0; i < text.len; i++) {
            if (text.ptr[i] == '\'') /* standard_conforming_strings is on: a backslash is itself */
                fx_buf_add_char(out, '\'');
            fx_buf_add_char(out, text.ptr[i]);
        }
    }
    fx_buf_add_char(out, '\'');
    return true;
}
