/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at words and names; see words.h. */
#include "lib/my/statement.h"

#include "lib/my/words.h"

enum { LOOK_AHEAD_WORDS = 24 };

/* --- character sets --------------------------------------------------------------------------- */

struct range {
    uint64_t first, last;
};

static bool is_in(const struct range *ranges, size_t n, uint64_t number)
{
    for (size_t i = 0; i < n; i++)
        if (number >= ranges[i].first && number <= ranges[i].last)
            return true;
    return false;
}

/* The numbers of MariaDB and MySQL; from 1024 on, MariaDB's NOPAD ones of the same order. */
enum fx_my_charset fx_my_charset_of(uint64_t number)
{
    static const struct range utf8[] = {
        {11, 11}, {65, 65},   {63, 63},                           /* ascii, binary */
        {33, 33}, {76, 76},   {83, 83},   {192, 215}, {223, 223}, /* utf8mb3 */
        {45, 46}, {224, 247}, {255, 323}, {576, 578}, {608, 610},
    };
    static const struct range wide[] = {
        {1, 1},   {84, 84},             /* big5 */
        {13, 13}, {88, 88}, {95, 96},   /* sjis, cp932 */
        {19, 19}, {85, 85},             /* euckr */
        {28, 28}, {87, 87}, {248, 250}, /* gbk, gb18030 */
    };
    enum { NOPAD = 1024, UCA_1400 = 2048, UCA_1400_END = 2560 /* of utf8mb3 and utf8mb4 */ };
    if (number >= UCA_1400)
        return number < UCA_1400_END ? FX_MY_CHARSET_UTF8 : FX_MY_CHARSET_OTHER;
    number %= NOPAD;
    if (is_in(utf8, FX_ARRAY_LEN(utf8), number))
        return FX_MY_CHARSET_UTF8;
    return is_in(wide, FX_ARRAY_LEN(wide), number) ? FX_MY_CHARSET_WIDE : FX_MY_CHARSET_OTHER;
}

static bool is_ascii(char c)
{
    return (c & 0x80) == 0;
}

bool fx_my_statement_is_unreadable(const struct fx_my_sql *sql)
{
    for (size_t i = 0; sql->charset == FX_MY_CHARSET_WIDE && i < sql->text.len; i++)
        if (!is_ascii(sql->text.ptr[i]))
            return true;
    return false;
}

/* Takes the characters at the front that are not ASCII, or the one that is. */
static struct fx_str take_run(struct fx_str *s)
{
    size_t n = 0;
    while (n < s->len && !is_ascii(s->ptr[n]))
        n++;
    struct fx_str run = fx_str_sub(*s, 0, FX_MAX(n, (size_t)1));
    *s = fx_str_sub(*s, run.len, s->len);
    return run;
}

bool fx_my_is_named(const struct fx_my_sql *sql, struct fx_str in_statement, struct fx_str name)
{
    if (sql->charset == FX_MY_CHARSET_UTF8)
        return fx_str_eq_ci(in_statement, name);
    while (in_statement.len > 0 && name.len > 0) {
        struct fx_str a = take_run(&in_statement), b = take_run(&name);
        bool are_beyond = !is_ascii(a.ptr[0]) && !is_ascii(b.ptr[0]);
        if (!are_beyond && !fx_str_eq_ci(a, b))
            return false;
    }
    return in_statement.len == 0 && name.len == 0;
}

/* --- kinds ------------------------------------------------------------------------------------ */

/* The first word of the statement from `scan` on that
 * is one of `words` decides; bounded look-ahead. */
static bool finds(struct fx_my_scanner scan, const char *const *words, struct fx_my_token *ret)
{
    for (int i = 0; i < LOOK_AHEAD_WORDS && fx_my_next_token(&scan, ret); i++) {
        if (fx_my_word_is_in(ret, words))
            return true;
    }
    return false;
}

static enum fx_my_statement kind_of_create(struct fx_my_scanner scan)
{
    static const char *const objects[] = {"TABLE", "TEMPORARY", "INDEX",    "VIEW",     "TRIGGER",
                                          "EVENT", "PROCEDURE", "USER",     "FUNCTION", "DATABASE",
                                          "ROLE",  "SCHEMA",    "SEQUENCE", "SERVER",   NULL};
    struct fx_my_scanner start = scan;
    struct fx_my_token object, first;
    if (!finds(scan, objects, &object))
        return FX_MY_STMT_HARMLESS;
    if (fx_my_is_word(&object, "TRIGGER"))
        return FX_MY_STMT_SHAPE;
    bool is_replace = fx_my_next_token(&start, &first) && fx_my_is_word(&first, "OR");
    return fx_my_is_word(&object, "TABLE") && is_replace ? FX_MY_STMT_SHAPE : FX_MY_STMT_HARMLESS;
}

/* DROP INDEX `PRIMARY` ON …: the key that rows are found by. */
static bool drops_primary(struct fx_my_scanner scan)
{
    struct fx_my_token token;
    for (int i = 0; i < 4 && fx_my_next_token(&scan, &token); i++)
        if (token.is_name && fx_str_eq_ci(token.text, FX_STR("PRIMARY")))
            return true;
    return false;
}

static enum fx_my_statement kind_of_drop(struct fx_my_scanner scan)
{
    struct fx_my_token object;
    if (!fx_my_next_token(&scan, &object))
        return FX_MY_STMT_HARMLESS;
    if (fx_my_is_word(&object, "DATABASE") || fx_my_is_word(&object, "SCHEMA"))
        return FX_MY_STMT_DROP_DATABASE;
    if (fx_my_is_word(&object, "INDEX") && drops_primary(scan))
        return FX_MY_STMT_SHAPE;
    return fx_my_is_word(&object, "TABLE") || fx_my_is_word(&object, "TABLES")
               ? FX_MY_STMT_SHAPE
               : FX_MY_STMT_HARMLESS;
}

static enum fx_my_statement kind_of_alter(struct fx_my_scanner scan)
{
    static const char *const objects[] = {"TABLE", "VIEW",       "EVENT",  "PROCEDURE", "FUNCTION",
                                          "USER",  "DATABASE",   "SCHEMA", "SEQUENCE",  "SERVER",
                                          "ROLE",  "TABLESPACE", NULL};
    struct fx_my_token object;
    return finds(scan, objects, &object) && fx_my_is_word(&object, "TABLE") ? FX_MY_STMT_SHAPE
                                                                            : FX_MY_STMT_HARMLESS;
}

/* ANALYZE TABLE gathers statistics, ANALYZE in front of a statement executes it. */
static enum fx_my_statement kind_of_analyze(struct fx_my_scanner scan)
{
    static const char *const options[] = {"TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG", NULL};
    struct fx_my_token next;
    return fx_my_next_token(&scan, &next) && !fx_my_word_is_in(&next, options)
               ? FX_MY_STMT_CHANGE
               : FX_MY_STMT_HARMLESS;
}

enum fx_my_statement fx_my_statement_kind(const struct fx_my_sql *sql)
{
    /* SELECT, DO and CALL stand in the log only when a routine changed something. */
    static const char *const changes[] = {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD",
                                          "WITH",   "SELECT", "DO",     "CALL",    NULL};
    struct fx_my_scanner scan = {sql->text, sql->mode};
    struct fx_my_token verb, next = {0};
    if (!fx_my_find_verb(&scan, &verb))
        return FX_MY_STMT_HARMLESS;
    if (fx_my_is_word(&verb, "COMMIT"))
        return FX_MY_STMT_COMMIT;
    if (fx_my_is_word(&verb, "ROLLBACK"))
        return fx_my_next_token(&scan, &next) && fx_my_is_word(&next, "TO") ? FX_MY_STMT_ROLLBACK_TO
                                                                            : FX_MY_STMT_ROLLBACK;
    if (fx_my_is_word(&verb, "XA"))
        return FX_MY_STMT_XA;
    if (fx_my_is_word(&verb, "TRUNCATE"))
        return FX_MY_STMT_TRUNCATE;
    if (fx_my_is_word(&verb, "RENAME"))
        return FX_MY_STMT_SHAPE;
    if (fx_my_is_word(&verb, "CREATE"))
        return kind_of_create(scan);
    if (fx_my_is_word(&verb, "DROP"))
        return kind_of_drop(scan);
    if (fx_my_is_word(&verb, "ALTER"))
        return kind_of_alter(scan);
    if (fx_my_is_word(&verb, "ANALYZE"))
        return kind_of_analyze(scan);
    return fx_my_word_is_in(&verb, changes) ? FX_MY_STMT_CHANGE : FX_MY_STMT_HARMLESS;
}

bool fx_my_statement_is_ours(const struct fx_my_sql *sql)
{
    return sql->text.len > 0 && memmem(sql->text.ptr, sql->text.len, "/* ficus */", 11) != NULL;
}

bool fx_my_statement_names(const struct fx_my_sql *sql, struct fx_str schema, struct fx_str table)
{
    bool is_drop_database = fx_my_statement_kind(sql) == FX_MY_STMT_DROP_DATABASE;
    struct fx_my_scanner scan = {sql->text, sql->mode};
    struct fx_my_token token, qualifier = {0};
    bool has_dot = false; /* `qualifier` stands before the dot that was just read */
    if (fx_my_statement_is_unreadable(sql))
        return true;
    while (fx_my_next_token(&scan, &token)) {
        if (!token.is_name) {
            has_dot = token.text.ptr[0] == '.' && qualifier.is_name;
            if (!has_dot)
                qualifier = (struct fx_my_token){0};
            continue;
        }
        if (is_drop_database && fx_my_is_named(sql, token.text, schema))
            return true;
        bool is_owner = has_dot ? fx_my_is_named(sql, qualifier.text, schema)
                                : fx_str_eq_ci(sql->schema, schema);
        if (!is_drop_database && is_owner && fx_my_is_named(sql, token.text, table))
            return true;
        has_dot = false;
        qualifier = token;
    }
    return false;
}

/* It depends on the server's version whether it is code. */
static bool has_code_in_comment(struct fx_str text)
{
    return text.len > 0 && (memmem(text.ptr, text.len, "/*!", 3) != NULL ||
                            memmem(text.ptr, text.len, "/*M!", 4) != NULL);
}

/* The same bytes, which are the same characters in the session's character set. */
static bool is_exactly(const struct fx_my_sql *sql, struct fx_str name, const char *wanted)
{
    bool is_plain = sql->charset == FX_MY_CHARSET_UTF8;
    for (size_t i = 0; i < name.len && !is_plain; i++)
        if (!is_ascii(name.ptr[i]))
            return false;
    return fx_str_eq_c(name, wanted);
}

/* NOWAIT, WAIT n: how long it waited for a lock. */
static bool is_at_end(struct fx_my_scanner *scan)
{
    static const char *const waits[] = {"NOWAIT", "WAIT", NULL};
    struct fx_my_token token, number;
    if (!fx_my_next_token(scan, &token))
        return true;
    bool is_wait = fx_my_word_is_in(&token, waits);
    if (is_wait && fx_my_is_word(&token, "WAIT") && !fx_my_next_token(scan, &number))
        return false;
    if (is_wait && !fx_my_next_token(scan, &token))
        return true;
    return !token.is_name && token.text.ptr[0] == ';' && !fx_my_next_token(scan, &token);
}

bool fx_my_statement_truncates(const struct fx_my_sql *sql, const char *schema, const char *table)
{
    struct fx_my_scanner scan = {sql->text, sql->mode}, after;
    struct fx_my_token token, dot;
    struct fx_str owner = sql->schema;
    if (fx_my_statement_is_unreadable(sql) || has_code_in_comment(sql->text) ||
        !fx_my_find_verb(&scan, &token) || !fx_my_is_word(&token, "TRUNCATE") ||
        !fx_my_next_token(&scan, &token) ||
        (fx_my_is_word(&token, "TABLE") && !fx_my_next_token(&scan, &token)) || !token.is_name)
        return false;
    after = scan;
    if (fx_my_next_token(&after, &dot) && !dot.is_name && dot.text.ptr[0] == '.') {
        owner = token.text;
        scan = after;
        if (!fx_my_next_token(&scan, &token) || !token.is_name)
            return false;
    }
    return is_exactly(sql, owner, schema) && is_exactly(sql, token.text, table) && is_at_end(&scan);
}

bool fx_my_statement_reaches(const struct fx_my_sql *sql, struct fx_str schema)
{
    struct fx_my_scanner scan = {sql->text, sql->mode};
    struct fx_my_token token;
    if (fx_my_statement_is_unreadable(sql) || fx_str_eq_ci(sql->schema, schema))
        return true;
    while (fx_my_next_token(&scan, &token)) {
        if (token.is_name && fx_my_is_named(sql, token.text, schema))
            return true;
    }
    return false;
}
