/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equality, order, copies and bytes of canonical values. Equality is that of the form; only JSON
 * (structure) and a number that is an integer on one side and a decimal on the other need more than
 * a look at the bytes.
 */
#include "lib/value/value.h"

#include <inttypes.h>
#include <math.h>

#include "lib/base/panic.h"
#include "lib/err/redact.h"
#include "lib/fmt/text.h"
#include "lib/value/datetime.h"
#include "lib/value/decimal.h"
#include "lib/value/json_canon.h"

/* A document whose canonical form is larger than this is not compared but refused. */
enum { JSON_CANON_MAX = 1 << 30, SHOW_MAX = 60 };

const char *fx_vkind_name(enum fx_vkind kind)
{
    static const char *const names[] = {
        [FX_V_NULL] = "NULL",
        [FX_V_UNCHANGED] = "UNCHANGED",
        [FX_V_UNREADABLE] = "UNREADABLE",
        [FX_V_BOOL] = "BOOL",
        [FX_V_INT] = "INT",
        [FX_V_DATE] = "DATE",
        [FX_V_TIMESTAMP] = "TIMESTAMP",
        [FX_V_TIMESTAMPTZ] = "TIMESTAMPTZ",
        [FX_V_DOUBLE] = "DOUBLE",
        [FX_V_DECIMAL] = "DECIMAL",
        [FX_V_TEXT] = "TEXT",
        [FX_V_BYTES] = "BYTES",
        [FX_V_UUID] = "UUID",
        [FX_V_JSON] = "JSON",
    };
    return (size_t)kind < FX_ARRAY_LEN(names) && names[kind] != NULL ? names[kind] : "?";
}

static bool is_number(enum fx_vkind kind)
{
    return kind == FX_V_INT || kind == FX_V_DECIMAL;
}

/* Exact text of an INT or DECIMAL; `scratch` holds an int's digits. */
static struct fx_str number_text(const struct fx_value *v, char scratch[24])
{
    if (v->kind == FX_V_DECIMAL)
        return v->s;
    int n = snprintf(scratch, 24, "%" PRId64, v->i);
    return (struct fx_str){scratch, (size_t)n};
}

static bool json_equal(struct fx_str a, struct fx_str b)
{
    if (fx_str_eq(a, b))
        return true;
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf a_canon = FX_BUF(JSON_CANON_MAX);
    FX_AUTO(fx_buf) struct fx_buf b_canon = FX_BUF(JSON_CANON_MAX);
    return fx_json_canon(a, &a_canon, &ignored) && fx_json_canon(b, &b_canon, &ignored) &&
           fx_str_eq(fx_buf_str(&a_canon), fx_buf_str(&b_canon));
}

/* By bits, so that NaN equals itself; -0 was folded
 * when the value was made, and is folded again here. */
static uint64_t double_bits(double d)
{
    uint64_t bits;
    if (isnan(d))
        return UINT64_C(0x7ff8000000000000);
    double folded = fpclassify(d) == FP_ZERO ? 0.0 : d;
    memcpy(&bits, &folded, sizeof bits);
    return bits;
}

static bool number_equal(const struct fx_value *a, const struct fx_value *b)
{
    char a_text[24], b_text[24];
    return fx_str_eq(number_text(a, a_text), number_text(b, b_text));
}

bool fx_value_equal(const struct fx_value *a, const struct fx_value *b)
{
    if (a->kind != b->kind)
        return is_number(a->kind) && is_number(b->kind) && number_equal(a, b);
    switch (a->kind) {
    case FX_V_NULL: return true;
    case FX_V_UNCHANGED:
    case FX_V_UNREADABLE: return false;
    case FX_V_BOOL:
    case FX_V_INT:
    case FX_V_DATE:
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return a->i == b->i;
    case FX_V_DOUBLE: return double_bits(a->d) == double_bits(b->d);
    case FX_V_DECIMAL:
    case FX_V_TEXT:
    case FX_V_BYTES: return fx_str_eq(a->s, b->s);
    case FX_V_UUID: return memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0;
    case FX_V_JSON: return json_equal(a->s, b->s);
    }
    FX_BUG("value of kind %s (%d)", fx_vkind_name(a->kind), (int)a->kind);
}

static int double_cmp(double a, double b)
{
    if (isnan(a) || isnan(b)) /* last, as PostgreSQL sorts it */
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    return (a > b) - (a < b);
}

int fx_value_key_cmp(const struct fx_value *a, const struct fx_value *b)
{
    if (is_number(a->kind) && is_number(b->kind) &&
        (a->kind == FX_V_DECIMAL || b->kind == FX_V_DECIMAL)) {
        char a_text[24], b_text[24];
        return fx_decimal_cmp(number_text(a, a_text), number_text(b, b_text));
    }
    FX_INVARIANT(a->kind == b->kind, "%s and %s", fx_vkind_name(a->kind), fx_vkind_name(b->kind));
    switch (a->kind) {
    case FX_V_NULL:
    case FX_V_UNCHANGED:
    case FX_V_UNREADABLE: return 0;
    case FX_V_BOOL:
    case FX_V_INT:
    case FX_V_DATE:
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return (a->i > b->i) - (a->i < b->i);
    case FX_V_DOUBLE: return double_cmp(a->d, b->d);
    case FX_V_DECIMAL: return fx_decimal_cmp(a->s, b->s);
    case FX_V_TEXT:
    case FX_V_BYTES:
    case FX_V_JSON: return fx_str_cmp(a->s, b->s);
    case FX_V_UUID: return memcmp(a->uuid, b->uuid, sizeof a->uuid);
    }
    FX_BUG("value of kind %s (%d)", fx_vkind_name(a->kind), (int)a->kind);
}

static bool has_text(enum fx_vkind kind)
{
    return kind == FX_V_DECIMAL || kind == FX_V_TEXT || kind == FX_V_BYTES || kind == FX_V_JSON ||
           kind == FX_V_UNREADABLE;
}

struct fx_value fx_value_copy(const struct fx_value *v, struct fx_arena *arena)
{
    struct fx_value copy = *v;
    if (has_text(v->kind))
        copy.s = fx_arena_str(arena, v->s);
    return copy;
}

/* --- for people ------------------------------------------------------------------------------ */

/* Cuts at a character's border, so that a shown prefix stays UTF-8. */
static struct fx_str shown_prefix(struct fx_str s)
{
    if (s.len <= SHOW_MAX)
        return s;
    size_t len = SHOW_MAX;
    while (len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
        len--;
    return fx_str_sub(s, 0, len);
}

static void show_text(struct fx_str s, struct fx_buf *out)
{
    struct fx_str prefix = shown_prefix(s);
    fx_buf_add_char(out, '\'');
    for (size_t i = 0; i < prefix.len; i++) {
        unsigned char c = (unsigned char)prefix.ptr[i];
        if (c < 0x20 || c == 0x7f)
            fx_buf_printf(out, "\\x%02x", c);
        else
            fx_buf_add_char(out, (char)c);
    }
    fx_buf_add_char(out, '\'');
    if (prefix.len < s.len)
        fx_buf_printf(out, "... (%zu bytes)", s.len);
}

static void show_bytes(struct fx_str s, struct fx_buf *out)
{
    size_t shown = FX_MIN(s.len, (size_t)(SHOW_MAX / 2));
    fx_buf_add(out, FX_STR("\\x"));
    for (size_t i = 0; i < shown; i++)
        fx_buf_printf(out, "%02x", (unsigned char)s.ptr[i]);
    if (shown < s.len)
        fx_buf_printf(out, "... (%zu bytes)", s.len);
}

void fx_value_show_whole(const struct fx_value *v, struct fx_buf *out)
{
    switch (v->kind) {
    case FX_V_NULL: fx_buf_add(out, FX_STR("NULL")); return;
    case FX_V_UNCHANGED: fx_buf_add(out, FX_STR("(unchanged)")); return;
    case FX_V_BOOL: fx_buf_add_c(out, v->i != 0 ? "true" : "false"); return;
    case FX_V_INT: fx_buf_add_i64(out, v->i); return;
    case FX_V_DOUBLE: fx_buf_printf(out, "%.17g", v->d); return;
    case FX_V_DECIMAL: fx_buf_add(out, shown_prefix(v->s)); return;
    case FX_V_TEXT:
    case FX_V_JSON: show_text(v->s, out); return;
    case FX_V_BYTES: show_bytes(v->s, out); return;
    case FX_V_DATE: fx_date_pg(v->i, out); return;
    case FX_V_TIMESTAMP: fx_timestamp_pg(v->i, out); return;
    case FX_V_TIMESTAMPTZ:
        fx_timestamp_pg(v->i, out);
        fx_buf_add(out, FX_STR("+00"));
        return;
    case FX_V_UUID: fx_text_uuid(v->uuid, out); return;
    case FX_V_UNREADABLE:
        show_text(v->s, out);
        fx_buf_add(out, FX_STR(" (unreadable)"));
        return;
    }
    FX_BUG("value of kind %s (%d)", fx_vkind_name(v->kind), (int)v->kind);
}

static const char *hidden_name(enum fx_vkind kind)
{
    switch (kind) {
    case FX_V_BOOL: return "boolean";
    case FX_V_INT: return "integer";
    case FX_V_DECIMAL: return "decimal";
    case FX_V_DOUBLE: return "double";
    case FX_V_BYTES: return "bytes";
    case FX_V_JSON: return "json";
    case FX_V_DATE: return "date";
    case FX_V_TIMESTAMP:
    case FX_V_TIMESTAMPTZ: return "time";
    case FX_V_UUID: return "uuid";
    case FX_V_NULL:
    case FX_V_UNCHANGED:
    case FX_V_UNREADABLE:
    case FX_V_TEXT: break;
    }
    return "text";
}

static size_t count_characters(struct fx_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
    return n;
}

/* The kind and the length tell most of the reasons; the rest tells who the customer is. */
void fx_value_show(const struct fx_value *v, struct fx_buf *out)
{
    if (fx_values_are_shown() || v->kind == FX_V_NULL || v->kind == FX_V_UNCHANGED) {
        fx_value_show_whole(v, out);
        return;
    }
    if (v->kind == FX_V_UNREADABLE) {
        fx_buf_add_c(out, "[hidden] (unreadable)");
        return;
    }
    fx_buf_printf(out, "[hidden %s", hidden_name(v->kind));
    if (v->kind == FX_V_TEXT)
        fx_buf_printf(out, ", %zu characters", count_characters(v->s));
    if (v->kind == FX_V_BYTES || v->kind == FX_V_JSON)
        fx_buf_printf(out, ", %zu bytes", v->s.len);
    fx_buf_add_char(out, ']');
}
