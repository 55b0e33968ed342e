/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why not strtoll and friends: they skip spaces, accept '+' and stop silently at junk, and strtod
 * obeys a locale. A port, an offset or a length read that way is how a typo becomes another number.
 */
#define FX_STRTO_ALLOWED
#include "lib/fmt/text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>

#include "lib/base/panic.h"

bool fx_parse_u64(struct fx_str s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0 || s.len > 20)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

bool fx_parse_i64(struct fx_str s, int64_t min, int64_t max, int64_t *ret)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t magnitude;
    if (!fx_parse_u64(is_negative ? fx_str_sub(s, 1, s.len - 1) : s,
                      is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, &magnitude))
        return false;
    int64_t value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < min || value > max)
        return false;
    *ret = value;
    return true;
}

int fx_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool fx_parse_hex_u64(struct fx_str s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0 || s.len > 16)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = fx_hex_digit(s.ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

/* -?digits[.digits][(e|E)[+-]digits] and nothing else; so strtod sees no "nan", "0x" or spaces. */
static bool is_double_text(struct fx_str s)
{
    size_t i = 0, n_digits = 0;
    if (i < s.len && s.ptr[i] == '-')
        i++;
    for (; i < s.len && isdigit((unsigned char)s.ptr[i]); i++)
        n_digits++;
    if (i < s.len && s.ptr[i] == '.')
        for (i++; i < s.len && isdigit((unsigned char)s.ptr[i]); i++)
            n_digits++;
    if (n_digits == 0)
        return false;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-'))
            i++;
        if (i == s.len)
            return false;
        while (i < s.len && isdigit((unsigned char)s.ptr[i]))
            i++;
    }
    return i == s.len;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    FX_ASSERT(c_locale != (locale_t)0);
}

enum { DOUBLE_TEXT_MAX = 512 };
/* A copy that ends in NUL, when the text is a number; the locale that reads it is ready then. */
static bool copy_double_text(struct fx_str s, char out[DOUBLE_TEXT_MAX])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (s.len >= DOUBLE_TEXT_MAX || !is_double_text(s))
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    (void)pthread_once(&once, make_c_locale);
    return true;
}

bool fx_parse_double(struct fx_str s, double *ret)
{
    char text[DOUBLE_TEXT_MAX];
    if (!copy_double_text(s, text))
        return false;
    double value = strtod_l(text, NULL, c_locale);
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

bool fx_parse_float(struct fx_str s, float *ret)
{
    char text[DOUBLE_TEXT_MAX];
    if (!copy_double_text(s, text))
        return false;
    float value = strtof_l(text, NULL, c_locale);
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

void fx_text_double(double d, struct fx_buf *out)
{
    if (isnan(d)) {
        fx_buf_add(out, FX_STR("nan"));
        return;
    }
    if (isinf(d)) {
        fx_buf_add_c(out, d < 0 ? "-inf" : "inf");
        return;
    }
    char text[64];
    for (int precision = 15; precision <= 17; precision++) {
        double back = 0;
        snprintf(text, sizeof text, "%.*g", precision, d);
        if (fx_parse_double(fx_str_from(text), &back) && back == d)
            break;
    }
    fx_buf_add_c(out, text);
}

/* Length of the well-formed sequence at p (RFC 3629, section 4), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t len;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        len = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF)
        len = 3;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4)
        len = 4;
    else
        return 0;
    if (p[0] == 0xE0)
        low = 0xA0; /* overlong */
    else if (p[0] == 0xED)
        high = 0x9F; /* surrogates */
    else if (p[0] == 0xF0)
        low = 0x90; /* overlong */
    else if (p[0] == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

size_t fx_utf8_prefix(struct fx_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0, len = 1;
    while (i < s.len && (len = utf8_sequence(p + i, s.len - i)) != 0)
        i += len;
    return i;
}

bool fx_utf8_valid(struct fx_str s)
{
    return fx_utf8_prefix(s) == s.len;
}

size_t fx_utf8_length(struct fx_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

void fx_hex_encode(struct fx_str bytes, struct fx_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        fx_buf_add_char(out, digits[byte >> 4]);
        fx_buf_add_char(out, digits[byte & 15]);
    }
}

void fx_text_uuid(const uint8_t uuid[16], struct fx_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char text[36];
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[n++] = '-';
        text[n++] = digits[uuid[i] >> 4];
        text[n++] = digits[uuid[i] & 15];
    }
    fx_buf_add_bytes(out, text, sizeof text);
}

bool fx_hex_decode(struct fx_str hex, struct fx_buf *out)
{
    if (hex.len % 2 != 0)
        return false;
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = fx_hex_digit(hex.ptr[i]), low = fx_hex_digit(hex.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        fx_buf_add_char(out, (char)(high << 4 | low));
    }
    return !out->has_failed;
}
