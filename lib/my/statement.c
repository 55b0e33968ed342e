/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at words and names; see words.h. */
#include "lib/my/statement.h"

#include "lib/my/words.h"

enum { LOOK_AHEAD_WORDS = 24 };

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
    while (fx_my_next_token(&scan, &token)) {
        if (!token.is_name) {
            has_dot = token.text.ptr[0] == '.' && qualifier.is_name;
            if (!has_dot)
                qualifier = (struct fx_my_token){0};
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
    struct fx_my_scanner scan = {sql->text, sql->mode};
    struct fx_my_token token;
    if (fx_str_eq_ci(sql->schema, schema))
        return true;
    while (fx_my_next_token(&scan, &token)) {
        if (token.is_name && fx_str_eq_ci(token.text, schema))
            return true;
    }
    return false;
}
