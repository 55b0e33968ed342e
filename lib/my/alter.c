/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See alter.h. The statement is cut into its parts at the commas outside of parentheses; each part
 * is looked up by its first words.
 */
#include "lib/my/alter.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/fmt/text.h"
#include "lib/my/words.h"

enum { PART_TOKENS_MAX = 96, DECLARED_MAX = 64 };

/* One part, or what is left of it. */
struct part {
    struct fx_my_token tokens[PART_TOKENS_MAX];
    size_t n, at;
};

static const struct fx_my_token *peek(const struct part *part, size_t ahead)
{
    return part->at + ahead < part->n ? &part->tokens[part->at + ahead] : NULL;
}

static bool is_at(const struct part *part, size_t ahead, const char *word)
{
    const struct fx_my_token *token = peek(part, ahead);
    return token != NULL && fx_my_is_word(token, word);
}

static bool is_char_at(const struct part *part, char c)
{
    const struct fx_my_token *token = peek(part, 0);
    return token != NULL && !token->is_name && token->text.ptr[0] == c;
}

static bool take_word(struct part *part, const char *word)
{
    bool is_here = is_at(part, 0, word);
    part->at += is_here ? 1 : 0;
    return is_here;
}

static bool take_char(struct part *part, char c)
{
    bool is_here = is_char_at(part, c);
    part->at += is_here ? 1 : 0;
    return is_here;
}

static bool take_name(struct part *part, struct fx_str *ret)
{
    const struct fx_my_token *token = peek(part, 0);
    if (token == NULL || !token->is_name)
        return false;
    *ret = token->text;
    part->at++;
    return true;
}

static bool take_one_of(struct part *part, const char *const *words)
{
    const struct fx_my_token *token = peek(part, 0);
    bool is_here = token != NULL && fx_my_word_is_in(token, words);
    part->at += is_here ? 1 : 0;
    return is_here;
}

static void take_if_exists(struct part *part)
{
    if (take_word(part, "IF"))
        (void)take_word(part, "EXISTS");
}

static bool is_utf8mb4(struct fx_str name)
{
    static const struct fx_str prefix = FX_STR("utf8mb4");
    return name.len >= prefix.len && fx_str_eq_ci(fx_str_sub(name, 0, prefix.len), prefix);
}

/* --- what a column is declared as ------------------------------------------------------------- */

struct declared {
    char base[24]; /* lower case */
    int64_t a, b;  /* the numbers in parentheses, -1: none */
    bool is_unsigned;
};

static bool take_number(struct part *part, int64_t *ret)
{
    struct fx_str text;
    return take_name(part, &text) && fx_parse_i64(text, 0, 1 << 30, ret);
}

static bool take_declared(struct part *part, struct declared *ret)
{
    struct fx_str base;
    *ret = (struct declared){.a = -1, .b = -1};
    if (!take_name(part, &base) || base.len >= sizeof ret->base)
        return false;
    for (size_t i = 0; i < base.len; i++)
        ret->base[i] = (char)tolower((unsigned char)base.ptr[i]);
    if (fx_str_eq_c(base, "integer"))
        (void)snprintf(ret->base, sizeof ret->base, "int");
    if (take_char(part, '(')) {
        if (!take_number(part, &ret->a) || (take_char(part, ',') && !take_number(part, &ret->b)) ||
            !take_char(part, ')'))
            return false;
    }
    ret->is_unsigned = take_word(part, "UNSIGNED");
    return true;
}

static bool parse_declared(const char *text, struct declared *ret)
{
    struct part part = {0};
    struct fx_my_scanner scan = {fx_str_from(text), 0};
    while (part.n < PART_TOKENS_MAX && fx_my_next_token(&scan, &part.tokens[part.n]))
        part.n++;
    return take_declared(&part, ret) && part.at == part.n;
}

static int rank(const char *base, const char *const *ladder)
{
    for (int i = 0; ladder[i] != NULL; i++)
        if (strcmp(base, ladder[i]) == 0)
            return i;
    return -1;
}

static const char *const integers[] = {"tinyint", "smallint", "mediumint", "int", "bigint", NULL};
static const char *const texts[] = {"tinytext", "text", "mediumtext", "longtext", NULL};
static const char *const blobs[] = {"tinyblob", "blob", "mediumblob", "longblob", NULL};

static bool is_text(const struct declared *d)
{
    return rank(d->base, texts) >= 0 || strcmp(d->base, "varchar") == 0 ||
           strcmp(d->base, "char") == 0;
}

/* tinyint(1) is a boolean to the mapping, so it stays what it is. */
static bool widens_integer(const struct declared *was, const struct declared *is)
{
    bool was_bool = strcmp(was->base, "tinyint") == 0 && was->a == 1;
    bool is_bool = strcmp(is->base, "tinyint") == 0 && is->a == 1;
    return was_bool == is_bool && was->is_unsigned == is->is_unsigned &&
           rank(was->base, integers) >= 0 && rank(is->base, integers) >= rank(was->base, integers);
}

static bool widens_decimal(const struct declared *was, const struct declared *is)
{
    int64_t was_scale = FX_MAX(was->b, 0), is_scale = FX_MAX(is->b, 0);
    return was->is_unsigned == is->is_unsigned && was->a > 0 && is->a > 0 &&
           is_scale >= was_scale && is->a - is_scale >= was->a - was_scale;
}

static bool widens_on(const struct declared *was, const struct declared *is,
                      const char *const *ladder)
{
    return was->a < 0 && is->a < 0 && rank(was->base, ladder) >= 0 &&
           rank(is->base, ladder) >= rank(was->base, ladder);
}

static bool is_exact(const struct declared *was, const struct declared *is)
{
    static const char *const bases[] = {"date", "double", "float", "uuid", "json", "binary", NULL};
    return rank(was->base, bases) >= 0 && strcmp(was->base, is->base) == 0 && was->a == is->a &&
           was->b == is->b && was->is_unsigned == is->is_unsigned;
}

static bool widens_length(const struct declared *was, const struct declared *is)
{
    static const char *const bases[] = {"varchar",  "char",      "varbinary",
                                        "datetime", "timestamp", NULL};
    return rank(was->base, bases) >= 0 && strcmp(was->base, is->base) == 0 && was->b == is->b &&
           FX_MAX(is->a, 0) >= FX_MAX(was->a, 0);
}

static bool widens(const struct declared *was, const struct declared *is)
{
    if (strcmp(was->base, "decimal") == 0 && strcmp(is->base, "decimal") == 0)
        return widens_decimal(was, is);
    return widens_integer(was, is) || widens_on(was, is, texts) || widens_on(was, is, blobs) ||
           widens_length(was, is) || is_exact(was, is);
}

/* --- columns ---------------------------------------------------------------------------------- */

/* 7, NULL, now(…), current_timestamp: a value, not the next attribute. */
static bool is_default_value(const struct part *part)
{
    static const char *const words[] = {"NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", NULL};
    static const char *const attributes[] = {"CHECK", "AS", "KEY", NULL};
    const struct fx_my_token *token = peek(part, 0), *next = peek(part, 1);
    if (token == NULL || !token->is_name || token->is_quoted)
        return false;
    bool is_call = next != NULL && !next->is_name && next->text.ptr[0] == '(';
    return fx_my_word_is_in(token, words) || isdigit((unsigned char)token->text.ptr[0]) ||
           (is_call && !fx_my_word_is_in(token, attributes));
}

static void take_parentheses(struct part *part)
{
    int depth = 0;
    while (is_char_at(part, '(') || (depth > 0 && part->at < part->n)) {
        depth += is_char_at(part, '(') ? 1 : is_char_at(part, ')') ? -1 : 0;
        part->at++;
        if (depth == 0)
            return;
    }
}

/* Of a literal nothing is here: the scanner has passed it over. */
static void take_default(struct part *part)
{
    (void)(take_char(part, '-') || take_char(part, '+'));
    if (is_default_value(part))
        part->at++;
    if (take_char(part, '.')) /* 1.5 */
        part->at++;
    take_parentheses(part);
}

/* *charset: is what the text gets known to be utf8mb4? */
static bool take_attribute(struct part *part, bool *charset)
{
    struct fx_str name;
    if (take_word(part, "NULL") || take_word(part, "COMMENT") || take_word(part, "AUTO_INCREMENT"))
        return true;
    if (take_word(part, "DEFAULT")) {
        take_default(part);
        return true;
    }
    bool is_charset = take_word(part, "CHARSET") || take_word(part, "COLLATE") ||
                      (take_word(part, "CHARACTER") && take_word(part, "SET"));
    if (!is_charset || !take_name(part, &name) || !is_utf8mb4(name))
        return false;
    *charset = true;
    return true;
}

static void declared_text(const struct declared *d, char *out, size_t size)
{
    char numbers[48] = "";
    if (d->b >= 0)
        (void)snprintf(numbers, sizeof numbers, "(%" PRId64 ",%" PRId64 ")", d->a, d->b);
    else if (d->a >= 0)
        (void)snprintf(numbers, sizeof numbers, "(%" PRId64 ")", d->a);
    (void)snprintf(out, size, "%s%s%s", d->base, numbers, d->is_unsigned ? " unsigned" : "");
}

/* NOT NULL stays NOT NULL: it would be lost, which takes more, or was there before. */
static bool was_not_null(struct part *part, const struct fx_column *column)
{
    return !is_at(part, 0, "NOT") ||
           (take_word(part, "NOT") && !column->is_nullable && is_at(part, 0, "NULL"));
}

static bool column_widens(struct part *part, struct fx_column *column,
                          struct fx_my_alter_before *before)
{
    struct declared was, is;
    bool is_json = column->type.kind == FX_V_JSON;
    bool charset = before->is_utf8mb4;
    char text[DECLARED_MAX];
    if (column->is_generated || column->type.declared == NULL ||
        !parse_declared(is_json ? "json" : column->type.declared, &was) ||
        !take_declared(part, &is) || !widens(&was, &is))
        return false;
    while (part->at < part->n)
        if (!was_not_null(part, column) || !take_attribute(part, &charset))
            return false;
    if (is_text(&is) && !charset)
        return false;
    declared_text(&is, text, sizeof text);
    if (!is_json)
        column->type.declared = fx_arena_strdup(before->arena, text);
    return true;
}

static struct fx_column *find_column(const struct fx_my_alter_before *before, struct fx_str name)
{
    for (size_t i = 0; before->columns != NULL && i < before->columns->n_columns; i++)
        if (fx_str_eq_ci(fx_str_from(before->columns->columns[i].name), name))
            return &before->columns->columns[i];
    return NULL;
}

/* MODIFY and CHANGE, after their first word. */
static enum fx_my_alter modify(struct part *part, bool is_change, struct fx_my_alter_before *before)
{
    struct fx_str name, again;
    (void)take_word(part, "COLUMN");
    take_if_exists(part);
    if (!take_name(part, &name))
        return FX_MY_ALTER_OTHER;
    struct fx_column *column = find_column(before, name);
    if (column == NULL ||
        (is_change && (!take_name(part, &again) || !fx_str_eq(again, fx_str_from(column->name)))))
        return FX_MY_ALTER_OTHER;
    return column_widens(part, column, before) ? FX_MY_ALTER_WIDENS : FX_MY_ALTER_OTHER;
}

/* A text type may become a larger one by itself, so what the columns are is not known any more. */
static enum fx_my_alter convert(struct part *part, struct fx_my_alter_before *before)
{
    bool charset = false;
    if (!take_word(part, "TO") || before->columns == NULL || is_at(part, 0, "COLLATE") ||
        !take_attribute(part, &charset))
        return FX_MY_ALTER_OTHER;
    if (part->at < part->n && !(is_at(part, 0, "COLLATE") && take_attribute(part, &charset)))
        return FX_MY_ALTER_OTHER;
    if (part->at < part->n)
        return FX_MY_ALTER_OTHER;
    before->columns = NULL;
    return FX_MY_ALTER_WIDENS;
}

/* --- everything else -------------------------------------------------------------------------- */

static bool take_option(struct part *part, struct fx_my_alter_before *before)
{
    static const char *const with_value[] = {"AUTO_INCREMENT",
                                             "ROW_FORMAT",
                                             "STATS_PERSISTENT",
                                             "STATS_AUTO_RECALC",
                                             "STATS_SAMPLE_PAGES",
                                             "ALGORITHM",
                                             "LOCK",
                                             "KEY_BLOCK_SIZE",
                                             "AVG_ROW_LENGTH",
                                             "MIN_ROWS",
                                             "MAX_ROWS",
                                             NULL};
    struct fx_str value;
    if (take_word(part, "FORCE"))
        return true;
    if (take_word(part, "COMMENT")) {
        (void)take_char(part, '=');
        return true;
    }
    bool is_engine = is_at(part, 0, "ENGINE");
    if (is_engine || take_one_of(part, with_value)) {
        part->at += is_engine ? 1 : 0;
        (void)take_char(part, '=');
        return take_name(part, &value) && (!is_engine || fx_str_eq_ci(value, FX_STR("InnoDB")));
    }
    (void)take_word(part, "DEFAULT");
    if (!take_word(part, "CHARSET") && !take_word(part, "COLLATE") &&
        !(take_word(part, "CHARACTER") && take_word(part, "SET")))
        return false;
    (void)take_char(part, '=');
    before->is_utf8mb4 = take_name(part, &value) && is_utf8mb4(value);
    return true;
}

static bool is_index(const struct part *part)
{
    return is_at(part, 1, "INDEX") || is_at(part, 1, "KEY");
}

/* ALTER [COLUMN] name SET DEFAULT …, DROP DEFAULT */
static bool alters_default(const struct part *part)
{
    size_t at = is_at(part, 1, "COLUMN") ? 3 : 2;
    return (is_at(part, at, "SET") || is_at(part, at, "DROP")) && is_at(part, at + 1, "DEFAULT");
}

static bool drops_index(const struct part *part)
{
    size_t at = is_at(part, 2, "IF") ? 4 : 2;
    const struct fx_my_token *name = peek(part, at);
    return is_index(part) && name != NULL && name->is_name && part->n == at + 1 &&
           !fx_str_eq_ci(name->text, FX_STR("PRIMARY"));
}

/* ADD CONSTRAINT [name] UNIQUE …: an index. */
static bool adds_unique_constraint(const struct part *part)
{
    return is_at(part, 1, "CONSTRAINT") && (is_at(part, 2, "UNIQUE") || is_at(part, 3, "UNIQUE"));
}

static bool has_no_effect(struct part *part, struct fx_my_alter_before *before)
{
    if (is_at(part, 0, "ADD"))
        return is_index(part) || adds_unique_constraint(part) || is_at(part, 1, "UNIQUE") ||
               is_at(part, 1, "FULLTEXT") || is_at(part, 1, "SPATIAL");
    if (is_at(part, 0, "DROP"))
        return drops_index(part) || (is_at(part, 1, "FOREIGN") && is_at(part, 2, "KEY"));
    if (is_at(part, 0, "RENAME"))
        return is_index(part);
    if (is_at(part, 0, "ALTER"))
        return is_index(part) || alters_default(part);
    if (is_at(part, 0, "ENABLE") || is_at(part, 0, "DISABLE"))
        return is_at(part, 1, "KEYS") && part->n == 2;
    while (part->at < part->n)
        if (!take_option(part, before))
            return false;
    return part->n > 0;
}

/* ORDER BY a DESC, b: the second column is a part by itself. InnoDB goes by its key anyway. */
static bool orders_rows(const struct part *part, bool was_order)
{
    size_t at = was_order ? 0 : 2;
    const struct fx_my_token *name = peek(part, at);
    bool has_way = is_at(part, at + 1, "ASC") || is_at(part, at + 1, "DESC");
    bool is_order = was_order || (is_at(part, 0, "ORDER") && is_at(part, 1, "BY"));
    return is_order && name != NULL && name->is_name && part->n == at + (has_way ? 2 : 1);
}

/* The names of partitions after the first are parts by themselves, up to INTO (…). */
static bool lists_partitions(const struct part *part, size_t at)
{
    const struct fx_my_token *name = peek(part, at);
    return name != NULL && name->is_name && (part->n == at + 1 || is_at(part, at + 1, "INTO"));
}

/* The server takes no other part beside one of partitions. *ret OTHER: it is not one of those. */
static enum fx_my_alter partition_effect(const struct part *part)
{
    static const char *const keeping[] = {"REORGANIZE", "REBUILD", "OPTIMIZE", "ANALYZE", NULL};
    const struct fx_my_token *verb = peek(part, 0);
    if (verb == NULL || !is_at(part, 1, "PARTITION"))
        return FX_MY_ALTER_OTHER;
    if (is_at(part, 0, "ADD"))
        return FX_MY_ALTER_NO_EFFECT;
    size_t at = is_at(part, 0, "DROP") && is_at(part, 2, "IF") ? 4 : 2;
    if (!lists_partitions(part, at))
        return FX_MY_ALTER_OTHER;
    if (is_at(part, 0, "DROP") || is_at(part, 0, "TRUNCATE"))
        return FX_MY_ALTER_DROPS_PARTITIONS;
    return fx_my_word_is_in(verb, keeping) ? FX_MY_ALTER_NO_EFFECT : FX_MY_ALTER_OTHER;
}

/* `own`: the part's own effect, if it is the one with the verb; OTHER: it must be a name. */
static enum fx_my_alter next_of_partitions(const struct part *part, enum fx_my_alter own)
{
    if (own != FX_MY_ALTER_OTHER)
        return own;
    return lists_partitions(part, 0) ? FX_MY_ALTER_NO_EFFECT : FX_MY_ALTER_OTHER;
}

static enum fx_my_alter effect_of(struct part *part, struct fx_my_alter_before *before)
{
    bool is_change = is_at(part, 0, "CHANGE");
    if (is_change || is_at(part, 0, "MODIFY")) {
        part->at++;
        return modify(part, is_change, before);
    }
    if (take_word(part, "CONVERT"))
        return convert(part, before);
    return has_no_effect(part, before) ? FX_MY_ALTER_NO_EFFECT : FX_MY_ALTER_OTHER;
}

/* Up to the next comma outside of parentheses. *ret_more: there is one. */
static bool next_part(struct fx_my_scanner *scan, struct part *ret, bool *ret_more)
{
    struct fx_my_token token;
    int depth = 0;
    *ret = (struct part){0};
    *ret_more = false;
    while (fx_my_next_token(scan, &token)) {
        char c = token.is_name ? '\0' : token.text.ptr[0];
        depth += (c == '(') - (c == ')');
        if (c == ',' && depth == 0) {
            *ret_more = true;
            return true;
        }
        if (c == ';' || depth < 0 || ret->n == PART_TOKENS_MAX)
            return false;
        ret->tokens[ret->n++] = token;
    }
    return depth == 0;
}

/* ALTER [ONLINE] TABLE [IF EXISTS] [schema.]name [NOWAIT | WAIT n], of just that table. */
static bool take_head(struct part *part, const struct fx_my_sql *sql,
                      const struct fx_my_alter_before *before)
{
    struct fx_str name;
    (void)take_word(part, "ONLINE");
    if (!take_word(part, "TABLE"))
        return false;
    take_if_exists(part);
    if (!take_name(part, &name))
        return false;
    bool is_owner = fx_str_eq_ci(sql->schema, fx_str_from(before->schema));
    if (take_char(part, '.')) {
        is_owner = fx_my_is_named(sql, name, fx_str_from(before->schema));
        if (!take_name(part, &name))
            return false;
    }
    if (take_word(part, "WAIT"))
        part->at++;
    else
        (void)take_word(part, "NOWAIT");
    return is_owner && fx_my_is_named(sql, name, fx_str_from(before->name));
}

enum fx_my_alter fx_my_alter_effect(const struct fx_my_sql *sql, struct fx_my_alter_before *before)
{
    struct fx_my_scanner scan = {sql->text, sql->mode};
    struct fx_my_token verb;
    struct part part;
    bool has_more = true, is_first = true, is_order = false, has_partitions = false;
    enum fx_my_alter worst = FX_MY_ALTER_NO_EFFECT;
    if (fx_my_statement_is_unreadable(sql) || !fx_my_find_verb(&scan, &verb) ||
        !fx_my_is_word(&verb, "ALTER"))
        return FX_MY_ALTER_OTHER;
    while (has_more && worst != FX_MY_ALTER_OTHER) {
        if (!next_part(&scan, &part, &has_more))
            return FX_MY_ALTER_OTHER;
        if (is_first && !take_head(&part, sql, before))
            return FX_MY_ALTER_OTHER;
        memmove(part.tokens, part.tokens + part.at, (part.n - part.at) * sizeof part.tokens[0]);
        part.n -= part.at;
        part.at = 0;
        is_order = orders_rows(&part, is_order);
        enum fx_my_alter partitions = is_first ? partition_effect(&part) : FX_MY_ALTER_OTHER;
        has_partitions |= partitions != FX_MY_ALTER_OTHER;
        is_first = false;
        if (has_partitions)
            worst = FX_MAX(worst, next_of_partitions(&part, partitions));
        else if (!is_order)
            worst = FX_MAX(worst, effect_of(&part, before));
    }
    return worst;
}
