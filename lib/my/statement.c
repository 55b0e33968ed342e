/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner for words, names and dots; literals and comments are passed over. */
#include "lib/my/statement.h"

#include <ctype.h>

enum { LOOK_AHEAD_WORDS = 24 };

struct scanner {
    struct fx_str rest;
    uint64_t mode;
};

struct token {
    struct fx_str text; /* of a name without its quotes; doubled backquotes inside stay doubled */
    bool is_name;       /* a word or a quoted name; else one character */
    bool is_quoted;
};

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

static bool next_token(struct scanner *scan, struct token *ret)
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
        *ret = (struct token){.is_name = is_quoted || is_word_char(c), .is_quoted = is_quoted};
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

static bool is_word(const struct token *token, const char *word)
{
    return token->is_name && !token->is_quoted && fx_str_eq_ci(token->text, fx_str_from(word));
}

static bool word_is_in(const struct token *token, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (is_word(token, *words))
            return true;
    }
    return false;
}

/* The first word of the statement from `scan` on that
 * is one of `words` decides; bounded look-ahead. */
static bool finds(struct scanner scan, const char *const *words, struct token *ret)
{
    for (int i = 0; i < LOOK_AHEAD_WORDS && next_token(&scan, ret); i++) {
        if (word_is_in(ret, words))
            return true;
    }
    return false;
}

static enum fx_my_statement kind_of_create(struct scanner scan)
{
    static const char *const objects[] = {"TABLE", "TEMPORARY", "INDEX",    "VIEW",     "TRIGGER",
                                          "EVENT", "PROCEDURE", "USER",     "FUNCTION", "DATABASE",
                                          "ROLE",  "SCHEMA",    "SEQUENCE", "SERVER",   NULL};
    struct scanner start = scan;
    struct token object, first;
    if (!finds(scan, objects, &object))
        return FX_MY_STMT_HARMLESS;
    if (is_word(&object, "TRIGGER"))
        return FX_MY_STMT_SHAPE;
    bool is_replace = next_token(&start, &first) && is_word(&first, "OR");
    return is_word(&object, "TABLE") && is_replace ? FX_MY_STMT_SHAPE : FX_MY_STMT_HARMLESS;
}

static enum fx_my_statement kind_of_drop(struct scanner scan)
{
    struct token object;
    if (!next_token(&scan, &object))
        return FX_MY_STMT_HARMLESS;
    if (is_word(&object, "DATABASE") || is_word(&object, "SCHEMA"))
        return FX_MY_STMT_DROP_DATABASE;
    return is_word(&object, "TABLE") || is_word(&object, "TABLES") ? FX_MY_STMT_SHAPE
                                                                   : FX_MY_STMT_HARMLESS;
}

static enum fx_my_statement kind_of_alter(struct scanner scan)
{
    static const char *const objects[] = {"TABLE", "VIEW",       "EVENT",  "PROCEDURE", "FUNCTION",
                                          "USER",  "DATABASE",   "SCHEMA", "SEQUENCE",  "SERVER",
                                          "ROLE",  "TABLESPACE", NULL};
    struct token object;
    return finds(scan, objects, &object) && is_word(&object, "TABLE") ? FX_MY_STMT_SHAPE
                                                                      : FX_MY_STMT_HARMLESS;
}

/* ANALYZE TABLE gathers statistics, ANALYZE in front of a statement executes it. */
static enum fx_my_statement kind_of_analyze(struct scanner scan)
{
    static const char *const options[] = {"TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG", NULL};
    struct token next;
    return next_token(&scan, &next) && !word_is_in(&next, options) ? FX_MY_STMT_CHANGE
                                                                   : FX_MY_STMT_HARMLESS;
}

/* The verb: the first word, behind SET STATEMENT … FOR and parentheses. */
static bool find_verb(struct scanner *scan, struct token *ret)
{
    do
        if (!next_token(scan, ret))
            return false;
    while (!ret->is_name);
    struct scanner inner = *scan;
    struct token token;
    if (!is_word(ret, "SET") || !next_token(&inner, &token) || !is_word(&token, "STATEMENT"))
        return true;
    int depth = 0;
    while (next_token(&inner, &token)) {
        depth += token.is_name ? 0 : (token.text.ptr[0] == '(') - (token.text.ptr[0] == ')');
        if (depth == 0 && is_word(&token, "FOR")) {
            *scan = inner;
            return find_verb(scan, ret);
        }
    }
    return true;
}

enum fx_my_statement fx_my_statement_kind(const struct fx_my_sql *sql)
{
    /* SELECT, DO and CALL stand in the log only when a routine changed something. */
    static const char *const changes[] = {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD",
                                          "WITH",   "SELECT", "DO",     "CALL",    NULL};
    struct scanner scan = {sql->text, sql->mode};
    struct token verb, next = {0};
    if (!find_verb(&scan, &verb))
        return FX_MY_STMT_HARMLESS;
    if (is_word(&verb, "COMMIT"))
        return FX_MY_STMT_COMMIT;
    if (is_word(&verb, "ROLLBACK"))
        return next_token(&scan, &next) && is_word(&next, "TO") ? FX_MY_STMT_ROLLBACK_TO
                                                                : FX_MY_STMT_ROLLBACK;
    if (is_word(&verb, "XA"))
        return FX_MY_STMT_XA;
    if (is_word(&verb, "TRUNCATE"))
        return FX_MY_STMT_TRUNCATE;
    if (is_word(&verb, "RENAME"))
        return FX_MY_STMT_SHAPE;
    if (is_word(&verb, "CREATE"))
        return kind_of_create(scan);
    if (is_word(&verb, "DROP"))
        return kind_of_drop(scan);
    if (is_word(&verb, "ALTER"))
        return kind_of_alter(scan);
    if (is_word(&verb, "ANALYZE"))
        return kind_of_analyze(scan);
    return word_is_in(&verb, changes) ? FX_MY_STMT_CHANGE : FX_MY_STMT_HARMLESS;
}

bool fx_my_statement_is_ours(const struct fx_my_sql *sql)
{
    return sql->text.len > 0 && memmem(sql->text.ptr, sql->text.len, "/* ficus */", 11) != NULL;
}

bool fx_my_statement_names(const struct fx_my_sql *sql, struct fx_str schema, struct fx_str table)
{
    bool is_drop_database = fx_my_statement_kind(sql) == FX_MY_STMT_DROP_DATABASE;
    struct scanner scan = {sql->text, sql->mode};
    struct token token, qualifier = {0};
    bool has_dot = false; /* `qualifier` stands before the dot that was just read */
    while (next_token(&scan, &token)) {
        if (!token.is_name) {
            has_dot = token.text.ptr[0] == '.' && qualifier.is_name;
            if (!has_dot)
                qualifier = (struct token){0};
            continue;
        }
        if (is_drop_database && fx_str_eq_ci(token.text, schema))
            return true;
        struct fx_str owner = has_dot ? qualifier.text : sql->schema;
        if (!is_drop_database && fx_str_eq_ci(token.text, table) && fx_str_eq_ci(owner, schema))
            return true;
        has_dot = false;
        qualifier = token;
    }
    return false;
}

bool fx_my_statement_reaches(const struct fx_my_sql *sql, struct fx_str schema)
{
    struct scanner scan = {sql->text, sql->mode};
    struct token token;
    if (fx_str_eq_ci(sql->schema, schema))
        return true;
    while (next_token(&scan, &token)) {
        if (token.is_name && fx_str_eq_ci(token.text, schema))
            return true;
    }
    return false;
}
