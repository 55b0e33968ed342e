/* SPDX-License-Identifier: Apache-2.0 */
/* Finds parameters by skipping everything in which a question mark is only a character. */
#include "lib/db/params.h"

static char peek(struct fx_str s, size_t i)
{
    return i < s.len ? s.ptr[i] : '\0';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* Length of a quoted run that starts at `i`; a doubled quote stays inside. */
static size_t quoted_len(struct fx_str s, size_t i, bool has_backslash)
{
    char quote = s.ptr[i];
    size_t at = i + 1;
    while (at < s.len) {
        if (has_backslash && s.ptr[at] == '\\') {
            at += 2;
        } else if (s.ptr[at] != quote) {
            at++;
        } else if (peek(s, at + 1) == quote) {
            at += 2;
        } else {
            return at + 1 - i;
        }
    }
    return s.len - i;
}

static size_t line_len(struct fx_str s, size_t i)
{
    size_t at = i;
    while (at < s.len && s.ptr[at] != '\n')
        at++;
    return at - i;
}

/* PostgreSQL's block comments nest, MariaDB's do not. */
static size_t block_len(struct fx_str s, size_t i, bool is_nesting)
{
    size_t depth = 1;
    size_t at = i + 2;
    while (at < s.len && depth > 0) {
        if (s.ptr[at] == '*' && peek(s, at + 1) == '/') {
            depth--;
            at += 2;
        } else if (is_nesting && s.ptr[at] == '/' && peek(s, at + 1) == '*') {
            depth++;
            at += 2;
        } else {
            at++;
        }
    }
    return FX_MIN(at, s.len) - i;
}

/* "$tag$ … $tag$"; 0 when no dollar quote starts at `i`. */
static size_t dollar_len(struct fx_str s, size_t i)
{
    size_t tag_end = i + 1;
    while (is_word(peek(s, tag_end)))
        tag_end++;
    bool is_numbered = peek(s, i + 1) >= '0' && peek(s, i + 1) <= '9';
    if (peek(s, tag_end) != '$' || is_numbered || (i > 0 && is_word(s.ptr[i - 1])))
        return 0;
    struct fx_str tag = fx_str_sub(s, i, tag_end + 1 - i);
    for (size_t at = tag_end + 1; at + tag.len <= s.len; at++) {
        if (memcmp(s.ptr + at, tag.ptr, tag.len) == 0)
            return at + tag.len - i;
    }
    return s.len - i;
}

/* Length of what must be skipped as a whole at `i`; 0: an ordinary character. */
static size_t opaque_len(enum fx_engine engine, struct fx_str s, size_t i)
{
    char c = s.ptr[i];
    char next = peek(s, i + 1);
    bool is_pg = engine == FX_PG;
    if (c == '\'') {
        /* E'…' knows backslashes; other literals do not,
         * on either engine, as sessions are pinned. */
        bool is_escape =
            is_pg && i > 0 && (s.ptr[i - 1] | 0x20) == 'e' && (i < 2 || !is_word(s.ptr[i - 2]));
        return quoted_len(s, i, is_escape);
    }
    if (c == '"' || (c == '`' && !is_pg))
        return quoted_len(s, i, false);
    if (c == '-' && next == '-')
        return line_len(s, i);
    if (c == '#' && !is_pg)
        return line_len(s, i);
    if (c == '/' && next == '*')
        return block_len(s, i, is_pg);
    if (c == '$' && is_pg)
        return dollar_len(s, i);
    return 0;
}

struct fx_params_scan fx_params_scan(enum fx_engine engine, const char *sql)
{
    return (struct fx_params_scan){engine, fx_str_from(sql)};
}

enum fx_params_piece fx_params_next(struct fx_params_scan *scan, struct fx_str *ret_text)
{
    struct fx_str s = scan->rest;
    size_t i = 0;
    while (i < s.len) {
        size_t skip = opaque_len(scan->engine, s, i);
        if (skip > 0) {
            i += skip;
        } else if (s.ptr[i] != '?') {
            i++;
        } else {
            bool is_operator = peek(s, i + 1) == '?';
            size_t used = is_operator ? i + 2 : i + 1;
            *ret_text = fx_str_sub(s, 0, is_operator ? i + 1 : i);
            scan->rest = fx_str_sub(s, used, s.len - used);
            return is_operator ? FX_PARAMS_TEXT : FX_PARAMS_PARAM;
        }
    }
    *ret_text = s;
    scan->rest = (struct fx_str){0};
    return FX_PARAMS_END;
}

size_t fx_params_count(enum fx_engine engine, const char *sql)
{
    struct fx_params_scan scan = fx_params_scan(engine, sql);
    struct fx_str text;
    size_t n = 0;
    for (;;) {
        switch (fx_params_next(&scan, &text)) {
        case FX_PARAMS_END: return n;
        case FX_PARAMS_TEXT: break;
        case FX_PARAMS_PARAM: n++; break;
        }
    }
}

void fx_params_number(const char *sql, struct fx_buf *out)
{
    struct fx_params_scan scan = fx_params_scan(FX_PG, sql);
    struct fx_str text;
    size_t n = 0;
    for (;;) {
        enum fx_params_piece piece = fx_params_next(&scan, &text);
        fx_buf_add(out, text);
        if (piece == FX_PARAMS_PARAM)
            fx_buf_printf(out, "$%zu", ++n);
        if (piece == FX_PARAMS_END)
            return;
    }
}
