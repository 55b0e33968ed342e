/* SPDX-License-Identifier: Apache-2.0 */
/* See redact.h. One switch for the process: a value that one place forgets is out for all. */
#include "lib/err/redact.h"

#define HIDDEN "[hidden"

static bool is_shown;

void fx_values_show_set(bool shown)
{
    is_shown = shown;
}

bool fx_values_are_shown(void)
{
    return is_shown;
}

void fx_redact_cell(struct fx_str cell, struct fx_buf *out)
{
    if (is_shown)
        fx_buf_printf(out, "'%.*s'", (int)FX_MIN(cell.len, (size_t)64), cell.ptr);
    else
        fx_buf_printf(out, HIDDEN ", %zu bytes]", cell.len);
}

/* --- a server's text -------------------------------------------------------------------------- */

static bool is_quote(char c)
{
    return c == '\'' || c == '"' || c == '`' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '`';
}

static bool begins_number(struct fx_str s, size_t i)
{
    return s.ptr[i] >= '0' && s.ptr[i] <= '9' && (i == 0 || !is_word(s.ptr[i - 1]));
}

/* How much of a text can be shown: up to its first quotation mark or number, or after a colon. */
static size_t bare_len(struct fx_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_quote(s.ptr[i]) || begins_number(s, i))
            return i;
        if (s.ptr[i] == ':')
            return i + 1;
    }
    return s.len;
}

static size_t after_last_quote(struct fx_str s)
{
    size_t n = s.len;
    while (n > 0 && !is_quote(s.ptr[n - 1]))
        n--;
    return n;
}

void fx_redact_text(struct fx_str text, struct fx_buf *out)
{
    size_t head = is_shown ? text.len : bare_len(text);
    fx_buf_add(out, fx_str_sub(text, 0, head));
    if (head == text.len)
        return;
    bool has_space = head > 0 && text.ptr[head - 1] == ':';
    fx_buf_add_c(out, has_space ? " " HIDDEN "]" : HIDDEN "]");
    size_t last = after_last_quote(text);
    if (last <= head) /* no quotation marks: all that follows may be the value */
        return;
    struct fx_str tail = fx_str_sub(text, last, text.len);
    head = bare_len(tail);
    fx_buf_add(out, fx_str_sub(tail, 0, head));
    fx_buf_add_c(out, head < tail.len ? HIDDEN "]" : "");
}

/* --- a statement ------------------------------------------------------------------------------ */

/* Quotation marks of both engines (a name in double quotes is text to the other one), dollar
 * quotes, numbers, comments, and what is not ASCII. */
static bool begins_literal(enum fx_redact_sql kind, struct fx_str sql, size_t i)
{
    char c = sql.ptr[i], next = i + 1 < sql.len ? sql.ptr[i + 1] : '\0';
    bool is_comment = c == '#' || (c == '-' && next == '-') || (c == '/' && next == '*');
    bool is_number = kind == FX_REDACT_ROWS && begins_number(sql, i);
    return is_comment || is_number || c == '$' || (c != '`' && is_quote(c));
}

void fx_redact_sql(enum fx_redact_sql kind, struct fx_str sql, struct fx_buf *out)
{
    size_t n = 0;
    while (n < sql.len && (is_shown || !begins_literal(kind, sql, n)))
        n++;
    fx_buf_add(out, fx_str_sub(sql, 0, n));
    if (n < sql.len)
        fx_buf_add_c(out, HIDDEN "]");
}

/* --- keys ------------------------------------------------------------------------------------- */

void fx_redact_key(struct fx_str text, struct fx_buf *out)
{
    static const char between[] = ")=(";
    const char *at = text.len > 0 ? memmem(text.ptr, text.len, between, strlen(between)) : NULL;
    if (is_shown) {
        fx_buf_add(out, text);
        return;
    }
    if (at != NULL)
        fx_buf_add_bytes(out, text.ptr, (size_t)(at - text.ptr) + strlen(between));
    fx_buf_add_c(out, at != NULL ? HIDDEN "])" : HIDDEN "]");
}

/* --- errors ----------------------------------------------------------------------------------- */

bool fx_err_has_hidden(const struct fx_err *err)
{
    return strstr(err->message, HIDDEN) != NULL || strstr(err->detail, HIDDEN) != NULL ||
           strstr(err->context, HIDDEN) != NULL;
}

bool fx_err_tell_hidden(struct fx_err *err, const char *command)
{
    char old[sizeof err->hint];
    if (!fx_err_has_hidden(err) || strstr(err->hint, "--show-values") != NULL)
        return false;
    memcpy(old, err->hint, sizeof old);
    size_t len = strlen(old);
    const char *space = len == 0 ? "" : strchr(".!?;", old[len - 1]) != NULL ? " " : ". ";
    return fx_hint(err, "%s%sValues of rows are hidden; to see them: %s", old, space, command);
}
