/* SPDX-License-Identifier: Apache-2.0 */
/* See words.h. Literals and comments are passed over, executable comments are entered. */
#include "lib/my/words.h"

#include <ctype.h>

#include "lib/my/statement.h"

static struct fx_str skip_to(struct fx_str s, const char *end)
{
    const char *found = s.len > 0 ? memmem(s.ptr, s.len, end, strlen(end)) : NULL;
    size_t used = found != NULL ? (size_t)(found - s.ptr) + strlen(end) : s.len;
    return fx_str_sub(s, used, s.len);
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

/* "-- ", with a space of any kind behind it. */
static bool is_dash_comment(struct fx_str s)
{
    return fx_str_starts(s, FX_STR("--")) && (s.len == 2 || isspace((unsigned char)s.ptr[2]));
}

/* Executable comments are code, behind the version from which on they are. */
static struct fx_str enter_comment(struct fx_str s)
{
    size_t at = s.ptr[2] == 'M' ? 4 : 3;
    while (at < s.len && isdigit((unsigned char)s.ptr[at]))
        at++;
    return fx_str_sub(s, at, s.len);
}

/* Passes over what has no meaning at the front: spaces, comments. */
static bool skip_blank(struct fx_str *s)
{
    if (isspace((unsigned char)s->ptr[0]))
        *s = fx_str_sub(*s, 1, s->len);
    else if (fx_str_starts(*s, FX_STR("/*!")) || fx_str_starts(*s, FX_STR("/*M!")))
        *s = enter_comment(*s);
    else if (fx_str_starts(*s, FX_STR("*/")))
        *s = fx_str_sub(*s, 2, s->len);
    else if (fx_str_starts(*s, FX_STR("/*")))
        *s = skip_to(fx_str_sub(*s, 2, s->len), "*/");
    else if (s->ptr[0] == '#' || is_dash_comment(*s))
        *s = skip_to(*s, "\n");
    else
        return false;
    return true;
}

/* Behind a literal. A doubled quote reads as the end of one
 * and the begin of the next, which is all the same here. */
static struct fx_str skip_literal(struct fx_str s, uint64_t mode)
{
    size_t at = 1;
    while (at < s.len && s.ptr[at] != s.ptr[0])
        at += s.ptr[at] == '\\' && (mode & FX_MY_MODE_NO_BACKSLASH_ESCAPES) == 0 ? 2 : 1;
    return fx_str_sub(s, FX_MIN(at + 1, s.len), s.len);
}

bool fx_my_next_token(struct fx_my_scanner *scan, struct fx_my_token *ret)
{
    while (scan->rest.len > 0) {
        struct fx_str s = scan->rest;
        char c = s.ptr[0];
        if (skip_blank(&scan->rest))
            continue;
        bool is_quoted = c == '`' || (c == '"' && (scan->mode & FX_MY_MODE_ANSI_QUOTES) != 0);
        if (!is_quoted && (c == '\'' || c == '"')) {
            scan->rest = skip_literal(s, scan->mode);
            continue;
        }
        size_t len = 1;
        *ret =
            (struct fx_my_token){.is_name = is_quoted || is_word_char(c), .is_quoted = is_quoted};
        if (is_quoted) {
            char end[2] = {c, '\0'};
            struct fx_str after = skip_to(fx_str_sub(s, 1, s.len), end);
            len = s.len - after.len;
            ret->text = fx_str_sub(s, 1, len >= 2 ? len - 2 : 0);
        } else {
            while (ret->is_name && len < s.len && is_word_char(s.ptr[len]))
                len++;
            ret->text = fx_str_sub(s, 0, len);
        }
        scan->rest = fx_str_sub(s, len, s.len);
        return true;
    }
    return false;
}

bool fx_my_is_word(const struct fx_my_token *token, const char *word)
{
    return token->is_name && !token->is_quoted && fx_str_eq_ci(token->text, fx_str_from(word));
}

bool fx_my_word_is_in(const struct fx_my_token *token, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (fx_my_is_word(token, *words))
            return true;
    }
    return false;
}

/* The verb: the first word, behind SET STATEMENT … FOR and parentheses. */
bool fx_my_find_verb(struct fx_my_scanner *scan, struct fx_my_token *ret)
{
    do
        if (!fx_my_next_token(scan, ret))
            return false;
    while (!ret->is_name);
    struct fx_my_scanner inner = *scan;
    struct fx_my_token token;
    if (!fx_my_is_word(ret, "SET") || !fx_my_next_token(&inner, &token) ||
        !fx_my_is_word(&token, "STATEMENT"))
        return true;
    int depth = 0;
    while (fx_my_next_token(&inner, &token)) {
        depth += token.is_name ? 0 : (token.text.ptr[0] == '(') - (token.text.ptr[0] == ')');
        if (depth == 0 && fx_my_is_word(&token, "FOR")) {
            *scan = inner;
            return fx_my_find_verb(scan, ret);
        }
    }
    return true;
}
