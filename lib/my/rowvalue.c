/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rowvalue.h. One function for each group of wire types.
 *
 * Two layers: `wire_value` reads what the bytes say, `as_type` turns it into the canonical form of
 * the catalog's type or refuses. The length of a value never depends on the catalog, so a wrong
 * type cannot shift the columns after it.
 */
#include "lib/my/rowvalue.h"

#include <stdio.h>
#include <zlib.h>

#include "lib/err/redact.h"
#include "lib/my/cursor.h"
#include "lib/value/datetime.h"
#include "lib/value/decimal.h"

enum wire_type {
    W_TINY = 1,
    W_SHORT = 2,
    W_LONG = 3,
    W_FLOAT = 4,
    W_DOUBLE = 5,
    W_NULL = 6,
    W_TIMESTAMP = 7,
    W_LONGLONG = 8,
    W_INT24 = 9,
    W_DATE = 10,
    W_TIME = 11,
    W_DATETIME = 12,
    W_YEAR = 13,
    W_NEWDATE = 14,
    W_VARCHAR = 15,
    W_BIT = 16,
    W_TIMESTAMP2 = 17,
    W_DATETIME2 = 18,
    W_TIME2 = 19,
    W_BLOB_COMPRESSED = 140,
    W_VARCHAR_COMPRESSED = 141,
    W_JSON = 245,
    W_NEWDECIMAL = 246,
    W_ENUM = 247,
    W_SET = 248,
    W_TINY_BLOB = 249,
    W_MEDIUM_BLOB = 250,
    W_LONG_BLOB = 251,
    W_BLOB = 252,
    W_VAR_STRING = 253,
    W_STRING = 254,
    W_GEOMETRY = 255,
};

enum { COLLATION_BINARY = 63, INFLATED_VALUE_MAX = 1 << 30 };

#define NAME_OF(r) FX_STR_FMT((r)->column->name)

/* A number of a row in a message; "[hidden]" without --show-values. */
static const char *shown(const char *text)
{
    return fx_values_are_shown() ? text : "[hidden]";
}

static bool bad_value(const struct fx_bl_reading *r, const char *why)
{
    return fx_fail(r->err, FX_E_SOURCE_DATA, "column \"%.*s\" %s", NAME_OF(r), why) ||
           fx_hint(r->err, "The stream cannot pass this row. Correct such values in the source, "
                           "then " FX_CMD_NEW_COPY ".");
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* The log's word where it has one (binlog_row_metadata), else the catalog's. */
static bool is_unsigned(const struct fx_bl_reading *r)
{
    if (r->has_signedness || r->type == NULL)
        return r->column->is_unsigned;
    return r->type->is_unsigned;
}

static void set_u64(const struct fx_bl_reading *r, uint64_t value)
{
    *r->ret = (struct fx_value){.kind = FX_V_INT, .i = (int64_t)value};
    if (value <= INT64_MAX)
        return;
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    *r->ret = (struct fx_value){.kind = FX_V_DECIMAL,
                                .s = fx_arena_str(r->arena, (struct fx_str){text, (size_t)n})};
}

static bool read_int(const struct fx_bl_reading *r, unsigned n)
{
    uint64_t value = fx_cursor_le(r->cur, n);
    uint64_t sign = UINT64_C(1) << (n * 8 - 1);
    if (is_unsigned(r))
        set_u64(r, value);
    else
        *r->ret = (struct fx_value){.kind = FX_V_INT, .i = (int64_t)((value ^ sign) - sign)};
    return true;
}

static bool read_float(const struct fx_bl_reading *r, bool is_double)
{
    uint64_t bits = fx_cursor_le(r->cur, is_double ? 8 : 4);
    uint32_t low = (uint32_t)bits;
    double wide;
    float narrow;
    memcpy(&wide, &bits, sizeof wide);
    memcpy(&narrow, &low, sizeof narrow);
    *r->ret =
        (struct fx_value){.kind = FX_V_DOUBLE, .d = (is_double ? wide : (double)narrow) + 0.0};
    return true;
}

/*
 * Nine digits in four bytes, the left-over digits of either side in as few as hold them. The first
 * bit is flipped, negative numbers are inverted throughout, so that the bytes sort as the numbers
 * do.
 */
static bool read_decimal(const struct fx_bl_reading *r)
{
    static const uint8_t size_of[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    unsigned precision = r->column->meta >> 8;
    unsigned scale = r->column->meta & 0xff;
    if (precision < 1 || precision > 65 || scale > 38 || scale > precision)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: it gives column \"%.*s\" the type "
                       "decimal(%u,%u), which does not exist",
                       NAME_OF(r), precision, scale);
    unsigned integer = precision - scale;
    unsigned len = integer / 9 * 4 + size_of[integer % 9] + scale / 9 * 4 + size_of[scale % 9];
    const uint8_t *wire = fx_cursor_take(r->cur, len);
    if (wire == NULL)
        return true; /* latched */
    uint8_t bytes[40];
    memcpy(bytes, wire, len);
    bool is_negative = (bytes[0] & 0x80) == 0;
    bytes[0] ^= 0x80;
    for (unsigned i = 0; is_negative && i < len; i++)
        bytes[i] = (uint8_t)~bytes[i];
    char text[128];
    size_t used = 0;
    text[used++] = is_negative ? '-' : '+';
    struct fx_cursor cur = {.at = bytes, .end = bytes + len};
    unsigned groups[4] = {integer % 9, integer / 9, scale / 9, scale % 9};
    text[used++] = '0';
    for (unsigned part = 0; part < 4; part++) {
        bool is_partial = part == 0 || part == 3;
        unsigned times = is_partial ? (groups[part] > 0) : groups[part];
        unsigned digits = is_partial ? groups[part] : 9;
        if (part == 2)
            text[used++] = '.';
        for (unsigned i = 0; i < times; i++) {
            uint64_t group = fx_cursor_be(&cur, size_of[digits]);
            int n = snprintf(text + used, sizeof text - used, "%0*llu", (int)digits,
                             (unsigned long long)group);
            if ((unsigned)n != digits)
                return fx_fail(r->err, FX_E_PROTOCOL,
                               "the binary log is damaged: a value of column \"%.*s\" has more "
                               "digits than its type allows",
                               NAME_OF(r));
            used += (size_t)n;
        }
    }
    if (text[used - 1] == '.')
        used--;
    r->ret->kind = FX_V_DECIMAL;
    return fx_decimal_canon((struct fx_str){text, used}, r->arena, &r->ret->s) ||
           fx_fail(r->err, FX_E_PROTOCOL,
                   "the binary log is damaged: a value of column \"%.*s\" is not a decimal number",
                   NAME_OF(r));
}

static bool read_bit(const struct fx_bl_reading *r)
{
    unsigned bits = (unsigned)(r->column->meta >> 8) * 8 + (r->column->meta & 0xff);
    if (bits < 1 || bits > 64)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: it gives column \"%.*s\" the type bit(%u), "
                       "which does not exist",
                       NAME_OF(r), bits);
    set_u64(r, fx_cursor_be(r->cur, (bits + 7) / 8));
    return true;
}

/* --- times ------------------------------------------------------------------------------------ */

static const int32_t fraction_unit[] = {0, 10000, 10000, 100, 100, 1, 1};

/* Fraction of a second in microseconds; the digits are those of the table map. */
static bool read_fraction(const struct fx_bl_reading *r, int *ret_us)
{
    unsigned digits = r->column->meta;
    if (digits > 6)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: it gives column \"%.*s\" %u digits after the "
                       "second, the highest is 6",
                       NAME_OF(r), digits);
    *ret_us = (int)fx_cursor_be(r->cur, (digits + 1) / 2) * (int)fraction_unit[digits];
    return true;
}

static bool set_date(const struct fx_bl_reading *r, int64_t year, int month, int day)
{
    if (year < 1 || !fx_civil_is_date(year, month, day)) {
        char text[40];
        bool is_zero = year == 0 && month == 0 && day == 0; /* tells nothing about a customer */
        (void)snprintf(text, sizeof text, "%04lld-%02d-%02d", (long long)year, month, day);
        fx_fail(r->err, FX_E_SOURCE_DATA, "column \"%.*s\" holds the date %s, which does not exist",
                NAME_OF(r), is_zero ? text : shown(text));
        return fx_hint(r->err, "The stream cannot pass this row. Set such dates to NULL or to a "
                               "real date in the source, then " FX_CMD_NEW_COPY ".");
    }
    *r->ret = (struct fx_value){.kind = FX_V_DATE, .i = fx_days_from_civil(year, month, day)};
    return true;
}

static bool set_datetime(const struct fx_bl_reading *r, const struct fx_civil *civil)
{
    if (!set_date(r, civil->year, civil->month, civil->day))
        return false;
    if (civil->hour > 23 || civil->minute > 59 || civil->second > 59 || civil->us > 999999) {
        char text[48];
        (void)snprintf(text, sizeof text, "%d:%d:%d", civil->hour, civil->minute, civil->second);
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: column \"%.*s\" holds the time %s, which "
                       "does not exist",
                       NAME_OF(r), shown(text));
    }
    int64_t seconds = civil->hour * 3600 + civil->minute * 60 + civil->second;
    r->ret->kind = FX_V_TIMESTAMP;
    r->ret->i = r->ret->i * FX_US_PER_DAY + seconds * 1000000 + civil->us;
    return true;
}

static bool read_date(const struct fx_bl_reading *r)
{
    uint64_t packed = fx_cursor_le(r->cur, 3);
    return r->cur->has_failed ||
           set_date(r, (int64_t)(packed >> 9), (int)(packed >> 5 & 15), (int)(packed & 31));
}

static bool read_datetime2(const struct fx_bl_reading *r)
{
    uint64_t packed = fx_cursor_be(r->cur, 5);
    struct fx_civil civil = {0};
    if (!read_fraction(r, &civil.us))
        return false;
    if (r->cur->has_failed)
        return true;
    int64_t value = (int64_t)packed - INT64_C(0x8000000000);
    if (value < 0)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: column \"%.*s\" holds a negative datetime",
                       NAME_OF(r));
    int64_t month = value >> 22;
    civil.year = month / 13;
    civil.month = (int)(month % 13);
    civil.day = (int)(value >> 17 & 31);
    civil.hour = (int)(value >> 12 & 31);
    civil.minute = (int)(value >> 6 & 63);
    civil.second = (int)(value & 63);
    return set_datetime(r, &civil);
}

/* Before MySQL 5.6: YYYYMMDDhhmmss as a number. */
static bool read_datetime_old(const struct fx_bl_reading *r)
{
    uint64_t packed = fx_cursor_le(r->cur, 8);
    if (r->cur->has_failed)
        return true;
    uint64_t date = packed / 1000000;
    uint64_t time = packed % 1000000;
    if (date / 10000 > 9999)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: column \"%.*s\" holds a datetime of a year that "
                       "has more than four digits",
                       NAME_OF(r));
    struct fx_civil civil = {.year = (int64_t)(date / 10000),
                             .month = (int)(date / 100 % 100),
                             .day = (int)(date % 100),
                             .hour = (int)(time / 10000),
                             .minute = (int)(time / 100 % 100),
                             .second = (int)(time % 100)};
    return set_datetime(r, &civil);
}

static bool read_timestamp(const struct fx_bl_reading *r, bool is_new)
{
    uint64_t seconds = is_new ? fx_cursor_be(r->cur, 4) : fx_cursor_le(r->cur, 4);
    int us = 0;
    if (is_new && !read_fraction(r, &us))
        return false;
    if (r->cur->has_failed)
        return true;
    if (seconds == 0 && us == 0)
        return bad_value(r, "timestamp '0000-00-00 00:00:00' does not exist");
    *r->ret = (struct fx_value){.kind = FX_V_TIMESTAMPTZ, .i = (int64_t)seconds * 1000000 + us};
    return true;
}

static void set_time_text(const struct fx_bl_reading *r, bool is_negative, int64_t us,
                          unsigned digits)
{
    int64_t seconds = us / 1000000;
    char text[40];
    int n = snprintf(text, sizeof text, "%s%02d:%02d:%02d.%06d", is_negative ? "-" : "",
                     (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60),
                     (int)(us % 1000000));
    size_t len = (size_t)n - 6 + digits - (digits == 0);
    *r->ret = (struct fx_value){.kind = FX_V_TEXT,
                                .s = fx_arena_str(r->arena, (struct fx_str){text, len})};
}

/*
 * Ten bits of hours, six of minutes, six of seconds, then the fraction: one number with an offset,
 * so that a negative time is the two's complement of the whole and not of its parts.
 */
static bool read_time2(const struct fx_bl_reading *r)
{
    unsigned digits = r->column->meta;
    if (digits > 6)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: it gives column \"%.*s\" %u digits after the "
                       "second, the highest is 6",
                       NAME_OF(r), digits);
    unsigned bytes = (digits + 1) / 2;
    int64_t packed = (int64_t)fx_cursor_be(r->cur, 3 + bytes);
    if (r->cur->has_failed)
        return true;
    packed -= INT64_C(0x800000) << (8 * bytes);
    bool is_negative = packed < 0;
    packed = is_negative ? -packed : packed;
    int64_t whole = packed >> (8 * bytes);
    int64_t fraction = packed & ((INT64_C(1) << (8 * bytes)) - 1);
    int64_t us = ((whole >> 12 & 1023) * 3600 + (whole >> 6 & 63) * 60 + (whole & 63)) * 1000000 +
                 fraction * fraction_unit[digits];
    set_time_text(r, is_negative, us, digits);
    return true;
}

static bool read_time_old(const struct fx_bl_reading *r)
{
    uint64_t raw = fx_cursor_le(r->cur, 3);
    int64_t packed = (int64_t)((raw ^ 0x800000) - 0x800000);
    bool is_negative = packed < 0;
    packed = is_negative ? -packed : packed;
    set_time_text(r, is_negative,
                  (packed / 10000 * 3600 + packed / 100 % 100 * 60 + packed % 100) * 1000000, 0);
    return true;
}

/* --- text and bytes --------------------------------------------------------------------------- */

/* Collations of utf8mb4, utf8mb3 and ascii in MariaDB
 * 10.11 and MySQL 8: their bytes are UTF-8 as they are. */
static bool is_utf8_collation(uint32_t id)
{
    static const uint16_t ranges[][2] = {
        {11, 11},     {33, 33},     {45, 46},     {65, 65},     {76, 76},     {83, 83},
        {192, 247},   {255, 323},   {576, 578},   {608, 610},   {1035, 1035}, {1057, 1057},
        {1069, 1070}, {1089, 1089}, {1107, 1107}, {1216, 1238}, {1248, 1270}, {2048, 2559},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(ranges); i++) {
        if (id >= ranges[i][0] && id <= ranges[i][1])
            return true;
    }
    return false;
}

static bool set_string(const struct fx_bl_reading *r, struct fx_str s)
{
    bool is_text = r->column->collation != 0 && r->column->collation != COLLATION_BINARY;
    r->ret->kind = is_text ? FX_V_TEXT : FX_V_BYTES;
    r->ret->s = s;
    if (is_text && !is_utf8_collation(r->column->collation)) {
        fx_fail(r->err, FX_E_SOURCE_DATA,
                "text of column \"%.*s\" cannot be streamed: its character set is not UTF-8 "
                "(collation number %u)",
                NAME_OF(r), (unsigned)r->column->collation);
        return fx_hint(r->err,
                       "The stream cannot pass this row. Convert the table in the source (ALTER "
                       "TABLE … CONVERT TO CHARACTER SET utf8mb4), then " FX_CMD_NEW_COPY ".");
    }
    return true;
}

static bool read_string(const struct fx_bl_reading *r, unsigned length_bytes)
{
    return set_string(r, fx_cursor_str(r->cur, fx_cursor_le(r->cur, length_bytes)));
}

/* COMPRESSED columns: one byte method << 4 | n (0: plain), n bytes of length, zlib. */
static bool read_compressed(const struct fx_bl_reading *r, unsigned length_bytes)
{
    struct fx_str raw = fx_cursor_str(r->cur, fx_cursor_le(r->cur, length_bytes));
    if (r->cur->has_failed || raw.len == 0)
        return set_string(r, raw);
    struct fx_cursor cur = fx_cursor_of(raw);
    unsigned head = (unsigned)fx_cursor_le(&cur, 1);
    if (head == 0)
        return set_string(r, fx_cursor_str(&cur, fx_cursor_left(&cur)));
    uint64_t len = fx_cursor_be(&cur, head & 7);
    struct fx_str packed = fx_cursor_str(&cur, fx_cursor_left(&cur));
    bool is_sane =
        !cur.has_failed && head >> 4 == 8 && len <= INFLATED_VALUE_MAX && len / 1100 <= packed.len;
    char *out = is_sane ? fx_arena_try(r->arena, (size_t)len + 1) : NULL;
    if (out == NULL)
        return bad_value(r, "holds a compressed value of an unknown format");
    /* Bit 3 says that the zlib header is left out: raw deflate. */
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.ptr,
                       .avail_in = (uInt)packed.len,
                       .next_out = (Bytef *)out,
                       .avail_out = (uInt)len};
    if (inflateInit2(&stream, (head & 8) != 0 ? -15 : 15) != Z_OK)
        return bad_value(r, "holds a compressed value that could not be inflated");
    int status = inflate(&stream, Z_FINISH);
    bool is_whole = status == Z_STREAM_END && stream.total_out == len;
    inflateEnd(&stream);
    if (!is_whole)
        return bad_value(r, "holds a compressed value that could not be inflated");
    return set_string(r, (struct fx_str){out, (size_t)len});
}

static bool read_enum(const struct fx_bl_reading *r)
{
    uint64_t index = fx_cursor_le(r->cur, r->column->meta == 2 ? 2 : 1);
    *r->ret = (struct fx_value){.kind = FX_V_INT, .i = (int64_t)index};
    if (r->column->labels == NULL || r->cur->has_failed)
        return true;
    if (index > r->column->n_labels)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: column \"%.*s\" holds the number of an enum "
                       "label that does not exist, the highest is %zu",
                       NAME_OF(r), (size_t)r->column->n_labels);
    if (index == 0)
        return bad_value(r, "holds an invalid enum value (the empty string with index 0)");
    *r->ret = (struct fx_value){.kind = FX_V_TEXT, .s = r->column->labels[index - 1]};
    return true;
}

static bool read_set(const struct fx_bl_reading *r)
{
    if (r->column->meta < 1 || r->column->meta > 8)
        return fx_fail(r->err, FX_E_PROTOCOL,
                       "the binary log is damaged: it gives column \"%.*s\" the type set with %u "
                       "bytes, the highest is 8",
                       NAME_OF(r), r->column->meta);
    uint64_t bits = fx_cursor_le(r->cur, r->column->meta);
    if (r->column->labels == NULL) {
        set_u64(r, bits);
        return true;
    }
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    for (unsigned i = 0; i < 64; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (i >= r->column->n_labels)
            return fx_fail(r->err, FX_E_PROTOCOL,
                           "the binary log is damaged: column \"%.*s\" holds the number of a set "
                           "label that does not exist, the highest is %zu",
                           NAME_OF(r), (size_t)r->column->n_labels);
        fx_buf_add_c(&text, text.len > 0 ? "," : "");
        fx_buf_add(&text, r->column->labels[i]);
    }
    *r->ret = (struct fx_value){.kind = FX_V_TEXT, .s = fx_arena_str(r->arena, fx_buf_str(&text))};
    return true;
}

static bool hint_type(const struct fx_bl_reading *r)
{
    return fx_hint(
        r->err,
        "Take the column out of the mapping in ficus.yaml or change its type, then " FX_CMD_NEW_COPY
        ".");
}

/* --- one value -------------------------------------------------------------------------------- */

static bool wire_value(const struct fx_bl_reading *r)
{
    unsigned meta = r->column->meta;
    switch (r->column->type) {
    case W_TINY: return read_int(r, 1);
    case W_SHORT: return read_int(r, 2);
    case W_INT24: return read_int(r, 3);
    case W_LONG: return read_int(r, 4);
    case W_LONGLONG: return read_int(r, 8);
    case W_FLOAT: return read_float(r, false);
    case W_DOUBLE: return read_float(r, true);
    case W_NEWDECIMAL: return read_decimal(r);
    case W_BIT: return read_bit(r);
    case W_YEAR: {
        uint64_t year = fx_cursor_le(r->cur, 1);
        *r->ret = (struct fx_value){.kind = FX_V_INT, .i = year > 0 ? (int64_t)year + 1900 : 0};
        return true;
    }
    case W_DATE:
    case W_NEWDATE: return read_date(r);
    case W_DATETIME: return read_datetime_old(r);
    case W_DATETIME2: return read_datetime2(r);
    case W_TIMESTAMP: return read_timestamp(r, false);
    case W_TIMESTAMP2: return read_timestamp(r, true);
    case W_TIME: return read_time_old(r);
    case W_TIME2: return read_time2(r);
    case W_VARCHAR:
    case W_VAR_STRING:
    case W_STRING: return read_string(r, meta > 255 ? 2 : 1);
    case W_VARCHAR_COMPRESSED: return read_compressed(r, meta > 255 ? 2 : 1);
    case W_ENUM: return read_enum(r);
    case W_SET: return read_set(r);
    case W_TINY_BLOB:
    case W_MEDIUM_BLOB:
    case W_LONG_BLOB:
    case W_BLOB:
    case W_GEOMETRY:
        if (meta < 1 || meta > 4)
            break;
        return read_string(r, meta);
    case W_BLOB_COMPRESSED:
        if (meta < 1 || meta > 4)
            break;
        return read_compressed(r, meta);
    default: break;
    }
    return fx_fail(r->err, FX_E_SOURCE_DATA,
                   "column \"%.*s\" cannot be streamed: Ficus does not know its type (number %u in "
                   "the binary log)",
                   NAME_OF(r), r->column->type) ||
           hint_type(r);
}

static bool hint_changed(const struct fx_bl_reading *r)
{
    return fx_hint(
        r->err,
        "The table was changed while it was streamed. Undo the change and run: " FX_CMD_START
        ". If the stream stops here again, " FX_CMD_NEW_COPY ".");
}

/* Bytes whose trailing NULs the log leaves out, at their full length. */
static bool pad(const struct fx_bl_reading *r, size_t len, struct fx_str *ret)
{
    struct fx_str s = r->ret->s;
    if (s.len > len)
        return fx_fail(r->err, FX_E_DRIFT,
                       "a value of column \"%.*s\" in the binary log has %zu bytes, but the column "
                       "holds at most %zu now",
                       NAME_OF(r), s.len, len) ||
               hint_changed(r);
    char *out = fx_arena_alloc(r->arena, len + 1);
    if (s.len > 0)
        memcpy(out, s.ptr, s.len);
    *ret = (struct fx_str){out, len};
    return true;
}

static bool drift(const struct fx_bl_reading *r)
{
    return fx_fail(r->err, FX_E_DRIFT,
                   "the type of column \"%.*s\" has changed since the row was written: type number "
                   "%u in the binary log, type %s in the table now",
                   NAME_OF(r), r->column->type, r->type->declared) ||
           hint_changed(r);
}

static bool as_type(const struct fx_bl_reading *r)
{
    struct fx_value *v = r->ret;
    bool is_string = v->kind == FX_V_TEXT || v->kind == FX_V_BYTES;
    switch (r->type->kind) {
    case FX_V_BOOL:
        if (v->kind != FX_V_INT)
            return drift(r);
        if (v->i != 0 && v->i != 1)
            return bad_value(r, "of type tinyint(1) holds a number other than 0 and 1");
        v->kind = FX_V_BOOL;
        return true;
    case FX_V_INT: return v->kind == FX_V_INT || v->kind == FX_V_DECIMAL || drift(r);
    case FX_V_TEXT:
    case FX_V_JSON:
        /* No collation in the log (binlog_row_metadata=NO_LOG):
         * the catalog's word that it is text. */
        if (!is_string || r->column->collation == COLLATION_BINARY)
            return drift(r);
        v->kind = r->type->kind;
        return true;
    case FX_V_BYTES:
        if (v->kind != FX_V_BYTES)
            return drift(r);
        return !r->type->is_fixed_char || pad(r, (size_t)r->type->length_max, &v->s);
    case FX_V_UUID: {
        struct fx_str bytes;
        if (!is_string || r->column->type != W_STRING)
            return drift(r);
        if (!pad(r, sizeof v->uuid, &bytes))
            return false;
        v->kind = FX_V_UUID;
        memcpy(v->uuid, bytes.ptr, sizeof v->uuid);
        return true;
    }
    case FX_V_DECIMAL:
    case FX_V_DOUBLE:
    case FX_V_DATE:
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return v->kind == r->type->kind || drift(r);
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    }
    return fx_fail(r->err, FX_E_SOURCE_DATA,
                   "column \"%.*s\" cannot be streamed: its MariaDB type %s is not supported",
                   NAME_OF(r), r->type->declared) ||
           hint_type(r);
}

bool fx_bl_value_read(const struct fx_bl_reading *r)
{
    return wire_value(r) && (r->cur->has_failed || r->type == NULL || as_type(r));
}
