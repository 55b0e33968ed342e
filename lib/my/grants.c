/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the lines of SHOW GRANTS: "GRANT SELECT, INSERT (`a`, `b`) ON `db`.`table` TO `user`@`host`
 * …". Names stand in backticks; the name of a whole database is a pattern of LIKE, in which a
 * backslash takes a character as it is.
 */
#include "lib/my/grants.h"

#include <string.h>

#include "lib/base/vec.h"

struct grant {
    struct fx_str rights;       /* "SELECT, INSERT (`a`, `b`)" */
    const char *schema, *table; /* NULL: "*" */
    bool is_passed_on;          /* WITH GRANT OPTION */
};

struct fx_my_grants {
    struct grant *items;
    size_t n;
    const char *account;
    bool is_folded; /* lower_case_table_names: any spelling is the same name */
};

/* --- one line --------------------------------------------------------------------------------- */

/* Length of a quoted name with its backticks; a doubled one stays inside. */
static size_t name_len(struct fx_str s)
{
    size_t i = 1;
    while (i < s.len && (s.ptr[i] != '`' || (i + 1 < s.len && s.ptr[i + 1] == '`')))
        i += s.ptr[i] == '`' ? 2 : 1;
    return FX_MIN(i + 1, s.len);
}

/* Where `word` stands in `s` outside of names and column lists; -1: nowhere. */
static ptrdiff_t find_word(struct fx_str s, struct fx_str word)
{
    int depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '`') {
            i += name_len(fx_str_sub(s, i, s.len)) - 1;
            continue;
        }
        depth += (s.ptr[i] == '(') - (s.ptr[i] == ')');
        if (depth == 0 && fx_str_starts(fx_str_sub(s, i, s.len), word))
            return (ptrdiff_t)i;
    }
    return -1;
}

/* "*" or a quoted name in front of *s. *ret NULL for "*"; false: something else stands there. */
static bool take_name(struct fx_str *s, struct fx_arena *arena, const char **ret)
{
    if (s->len > 0 && s->ptr[0] == '*') {
        *ret = NULL;
        *s = fx_str_sub(*s, 1, s->len);
        return true;
    }
    if (s->len < 2 || s->ptr[0] != '`')
        return false;
    size_t len = name_len(*s), n = 0;
    char *name = fx_arena_alloc(arena, len);
    for (size_t i = 1; i + 1 < len; i++) {
        name[n++] = s->ptr[i];
        i += s->ptr[i] == '`';
    }
    name[n] = '\0';
    *ret = name;
    *s = fx_str_sub(*s, len, s->len);
    return true;
}

/* A role that is granted has no ON; routines and proxies are named in another way. */
static bool parse_line(struct fx_str line, struct fx_arena *arena, struct grant *ret)
{
    const struct fx_str on = FX_STR(" ON "), head = FX_STR("GRANT ");
    if (!fx_str_starts(line, head))
        return false;
    line = fx_str_sub(line, head.len, line.len);
    ptrdiff_t at = find_word(line, on);
    if (at < 0)
        return false;
    ret->is_passed_on = fx_str_ends(line, FX_STR(" WITH GRANT OPTION"));
    ret->rights = fx_arena_str(arena, fx_str_sub(line, 0, (size_t)at));
    line = fx_str_sub(line, (size_t)at + on.len, line.len);
    if (!take_name(&line, arena, &ret->schema) || line.len == 0 || line.ptr[0] != '.')
        return false;
    line = fx_str_sub(line, 1, line.len);
    return take_name(&line, arena, &ret->table);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct fx_my_grants *fx_my_grants_parse(struct fx_str lines, struct fx_arena *arena)
{
    struct fx_my_grants *grants = FX_ARENA_NEW(arena, struct fx_my_grants);
    size_t room = 1;
    for (size_t i = 0; i < lines.len; i++)
        room += lines.ptr[i] == '\n';
    grants->items = fx_arena_array(arena, room, sizeof *grants->items);
    grants->account = "";
    while (lines.len > 0) {
        struct fx_str line = fx_str_cut(lines, '\n', &lines);
        if (parse_line(line, arena, &grants->items[grants->n]))
            grants->n++;
    }
    return grants;
}

static bool read_account(struct fx_db *db, struct fx_arena *arena, const char **ret,
                         bool *ret_folded, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(
            db,
            "select substring_index(current_user(), '@', -1), substring(current_user(), 1, "
            "char_length(current_user()) - locate('@', reverse(current_user()))), "
            "@@global.lower_case_table_names <> 0",
            NULL, 0, 1, 3, &rows, err))
        return false;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
    fx_db_ident(FX_MY, fx_arena_str(arena, fx_rows_at(&rows, 0, 1)).ptr, &text);
    fx_buf_add_char(&text, '@');
    fx_db_ident(FX_MY, fx_arena_str(arena, fx_rows_at(&rows, 0, 0)).ptr, &text);
    *ret = fx_arena_strdup(arena, fx_buf_cstr(&text));
    *ret_folded = fx_str_eq_c(fx_rows_at(&rows, 0, 2), "1");
    return true;
}

bool fx_my_grants_read(struct fx_db *db, struct fx_arena *arena, struct fx_my_grants **ret,
                       struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf lines = FX_BUF(1 << 20);
    const char *account = NULL;
    bool is_folded = false;
    if (!read_account(db, arena, &account, &is_folded, err) ||
        !fx_db_query(db, "show grants", NULL, 0, &rows, err))
        return fx_ctx(err, "reading the privileges of the user of database \"%s\"", db->conf->name);
    for (size_t i = 0; i < rows.n_rows; i++) {
        fx_buf_add(&lines, fx_rows_at(&rows, i, 0));
        fx_buf_add_char(&lines, '\n');
    }
    if (lines.has_failed)
        return fx_fail(err, FX_E_LIMIT, "the user of database \"%s\" has more than 1 MiB of grants",
                       db->conf->name) ||
               fx_hint(err,
                       "Create a user for Ficus with fewer grants and name it in the url of "
                       "databases.%s in ficus.yaml.",
                       db->conf->name);
    *ret = fx_my_grants_parse(fx_buf_str(&lines), arena);
    (*ret)->account = account;
    (*ret)->is_folded = is_folded;
    return true;
}

/* --- asking ----------------------------------------------------------------------------------- */

static char fold(char c, bool is_folded)
{
    return is_folded && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Does the pattern's first element match `c`? *ret_len: its bytes. */
static bool is_element(const char *pattern, char c, bool is_folded, size_t *ret_len)
{
    bool is_escaped = *pattern == '\\' && pattern[1] != '\0';
    *ret_len = is_escaped ? 2 : 1;
    if (*pattern == '_')
        return true;
    return fold(pattern[*ret_len - 1], is_folded) == fold(c, is_folded);
}

/* Only the last '%' is gone back to: what one before it took too little of, that one can take. So
 * the time is at most the product of the lengths, whatever the server's grants are. */
static bool is_like(const char *pattern, const char *name, bool is_folded)
{
    const char *after = NULL, *from = NULL;
    size_t len;
    while (*name != '\0') {
        if (*pattern == '%') {
            after = ++pattern;
            from = name;
        } else if (*pattern != '\0' && is_element(pattern, *name, is_folded, &len)) {
            pattern += len;
            name++;
        } else if (after != NULL) {
            pattern = after;
            name = ++from;
        } else {
            return false;
        }
    }
    pattern += strspn(pattern, "%");
    return *pattern == '\0';
}

static bool is_same(const char *a, const char *b, bool is_folded)
{
    return is_folded ? fx_str_eq_ci(fx_str_from(a), fx_str_from(b)) : strcmp(a, b) == 0;
}

static bool covers(const struct grant *grant, bool is_folded, const char *schema, const char *table)
{
    if (grant->schema == NULL)
        return true;
    if (schema == NULL)
        return false;
    if (grant->table == NULL)
        return is_like(grant->schema, schema, is_folded);
    return table != NULL && is_same(grant->schema, schema, is_folded) &&
           is_same(grant->table, table, is_folded);
}

/* A right with a list of columns is not the right. */
static bool names_right(struct fx_str rights, struct fx_str right)
{
    while (rights.len > 0) {
        ptrdiff_t comma = find_word(rights, FX_STR(","));
        size_t len = comma < 0 ? rights.len : (size_t)comma;
        struct fx_str one = fx_str_trim(fx_str_sub(rights, 0, len));
        if (fx_str_eq_ci(one, right))
            return true;
        rights = fx_str_sub(rights, FX_MIN(len + 1, rights.len), rights.len);
    }
    return false;
}

bool fx_my_grants_has(const struct fx_my_grants *grants, const char *right, const char *schema,
                      const char *table)
{
    for (size_t i = 0; i < grants->n; i++)
        if (covers(&grants->items[i], grants->is_folded, schema, table) &&
            (names_right(grants->items[i].rights, FX_STR("ALL PRIVILEGES")) ||
             names_right(grants->items[i].rights, fx_str_from(right))))
            return true;
    return false;
}

bool fx_my_grants_may_grant(const struct fx_my_grants *grants, const char *schema)
{
    for (size_t i = 0; i < grants->n; i++)
        if (grants->items[i].is_passed_on &&
            covers(&grants->items[i], grants->is_folded, schema, NULL))
            return true;
    return false;
}

const char *fx_my_grants_account(const struct fx_my_grants *grants)
{
    return grants->account;
}
