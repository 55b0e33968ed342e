/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of harmless characters are copied at once: bodies of reports are megabytes. */
#include "lib/base/visible.h"

enum { NO_UTF8 = 0x7fffffff };

/* The code point at `s`, strictly; NO_UTF8 with length 1. */
static uint32_t next(const unsigned char *s, size_t left, size_t *ret_len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xC0 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    *ret_len = 1;
    if (len == 1)
        return s[0];
    if (len == 0 || len > left || s[0] > 0xF4)
        return NO_UTF8;
    uint32_t cp = s[0] & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return NO_UTF8;
        cp = cp << 6 | (s[i] & 0x3F);
    }
    if (cp < least[len] || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        return NO_UTF8;
    *ret_len = len;
    return cp;
}

static bool is_harmful(uint32_t cp)
{
    if (cp < 0x80)
        return cp < 0x20 || cp == 0x7F;
    if (cp < 0x200E)
        return cp <= 0x9F || cp == 0x61C;
    return cp <= 0x200F || (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) ||
           cp == NO_UTF8;
}

static void add_text(struct fx_buf *out, uint32_t cp, unsigned char byte)
{
    if (cp == '\n' || cp == '\r' || cp == '\t')
        fx_buf_add_c(out, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
    else if (cp < 0x80 || cp == NO_UTF8)
        fx_buf_printf(out, "\\x%02x", byte);
    else
        fx_buf_printf(out, "\\u%04x", cp);
}

static void add_json(struct fx_buf *out, uint32_t cp)
{
    if (cp == '\n' || cp == '\r' || cp == '\t')
        add_text(out, cp, 0);
    else if (cp == '"' || cp == '\\')
        fx_buf_printf(out, "\\%c", (int)cp);
    else if (cp == NO_UTF8)
        fx_buf_add_c(out, "\xEF\xBF\xBD");
    else
        fx_buf_printf(out, "\\u%04x", cp);
}

void fx_visible_add(struct fx_buf *out, struct fx_str text, enum fx_visible form)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    size_t from = 0, len = 1;
    for (size_t i = 0; i < text.len; i += len) {
        uint32_t cp = next(s + i, text.len - i, &len);
        bool is_kept = form == FX_VISIBLE_LINES && (cp == '\n' || cp == '\t');
        if (is_kept || !is_harmful(cp))
            continue;
        fx_buf_add(out, fx_str_sub(text, from, i - from));
        add_text(out, cp, s[i]);
        from = i + len;
    }
    fx_buf_add(out, fx_str_sub(text, from, text.len - from));
}

void fx_visible_add_json(struct fx_buf *out, struct fx_str text)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    size_t from = 0, len = 1;
    for (size_t i = 0; i < text.len; i += len) {
        uint32_t cp = next(s + i, text.len - i, &len);
        if (cp != '"' && cp != '\\' && !is_harmful(cp))
            continue;
        fx_buf_add(out, fx_str_sub(text, from, i - from));
        add_json(out, cp);
        from = i + len;
    }
    fx_buf_add(out, fx_str_sub(text, from, text.len - from));
}

void fx_visible_copy(char *out, size_t size, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t left = strlen(text), used = 0, len = 1;
    FX_AUTO(fx_buf) struct fx_buf one = FX_BUF(16);
    for (; left > 0; s += len, left -= len) {
        uint32_t cp = next(s, left, &len);
        fx_buf_clear(&one);
        if (is_harmful(cp))
            add_text(&one, cp, s[0]);
        else
            fx_buf_add_bytes(&one, (const char *)s, len);
        if (used + one.len >= size)
            break;
        memcpy(out + used, one.ptr, one.len);
        used += one.len;
    }
    out[used] = '\0';
}
