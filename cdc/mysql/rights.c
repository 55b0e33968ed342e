/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights of the user on a MySQL or MariaDB side, for both streams and the fence at once: what
 * is missing on the reverse stream is found today and not on the night of the cut-over. The server
 * is asked for its grants.
 */
#include <string.h>

#include "cdc/mysql/my_priv.h"

enum { TEXT_MAX = 16 << 10 };

/* "A, B" of those that are missing; "" when none is. `rights` ends with NULL. */
static void missing(const struct fx_my_grants *grants, const char *const *rights,
                    const char *schema, const char *table, struct fx_buf *names)
{
    for (; *rights != NULL; rights++)
        if (!fx_my_grants_has(grants, *rights, schema, table))
            fx_buf_printf(names, "%s%s", names->len > 0 ? ", " : "", *rights);
}

static void add_grant(const struct fx_my_grants *grants, struct fx_str rights, const char *schema,
                      const char *table, struct fx_buf *fix)
{
    fx_buf_printf(fix, "GRANT %.*s ON ", FX_STR_FMT(rights));
    fx_db_ident(FX_MY, schema, fix);
    fx_buf_add_char(fix, '.');
    if (table != NULL)
        fx_db_ident(FX_MY, table, fix);
    else
        fx_buf_add_char(fix, '*');
    fx_buf_printf(fix, " TO %s;", fx_my_grants_account(grants));
}

static void missing_on(const struct fx_my_grants *grants, const struct cdc_side *side, size_t table,
                       const char *const *rights, struct fx_buf *names)
{
    fx_buf_clear(names);
    missing(grants, rights, cdc_side_schema(side, table), cdc_side_table(side, table), names);
}

/* Tables of one schema that lack the same rights are
 * one finding, and then one grant on the schema. */
static void check_table(struct fx_findings *f, const struct cdc_side *side, size_t at,
                        const struct fx_my_grants *grants, const char *const *rights)
{
    FX_AUTO(fx_buf)
    struct fx_buf names = FX_BUF(256), other = FX_BUF(256), what = FX_BUF(TEXT_MAX),
                  fix = FX_BUF(TEXT_MAX);
    const char *schema = cdc_side_schema(side, at);
    size_t n = 0;
    missing_on(grants, side, at, rights, &names);
    if (names.len == 0)
        return;
    fx_buf_printf(&what, "%s %s may not %s on", side->db->conf->is_applier ? "apply_user" : "user",
                  fx_my_grants_account(grants), fx_buf_cstr(&names));
    for (size_t i = 0; i < side->ctx->n_tables; i++) {
        missing_on(grants, side, i, rights, &other);
        if (strcmp(cdc_side_schema(side, i), schema) != 0 ||
            !fx_str_eq(fx_buf_str(&other), fx_buf_str(&names)))
            continue;
        if (i < at) /* a part of that one's finding */
            return;
        fx_buf_printf(&what, "%s %s.%s", n++ > 0 ? "," : "", schema, cdc_side_table(side, i));
    }
    add_grant(grants, fx_buf_str(&names), schema, n > 1 ? NULL : cdc_side_table(side, at), &fix);
    fx_findings_add_str(f, side->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
}

void cdc_my_check_tables(struct fx_findings *f, const struct cdc_side *side,
                         const struct fx_my_grants *grants, const char *const *rights)
{
    for (size_t i = 0; i < side->ctx->n_tables; i++)
        check_table(f, side, i, grants, rights);
}

static bool sees_rows(const struct cdc_side *side, const struct fx_my_grants *grants)
{
    for (size_t i = 0; i < side->ctx->n_tables; i++)
        if (!fx_my_grants_has(grants, "SELECT", cdc_side_schema(side, i), cdc_side_table(side, i)))
            return false;
    return true;
}

/*
 * TRIGGER: to raise the fence, and to see triggers that would change what is applied. INSERT and
 * DELETE also where another user applies: raising a counter writes a row and rolls it back.
 */
static const char *const *table_rights(const struct cdc_side *side)
{
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRIGGER", NULL};
    static const char *const without[] = {"SELECT", "INSERT", "DELETE", "TRIGGER", NULL};
    return side->conf->applier == NULL ? rights : without;
}

/*
 * MariaDB shows the check that makes a LONGTEXT a JSON column only to those who may read the whole
 * database; to others the column looks like one that cannot hold JSON.
 */
static bool check_json(struct fx_findings *f, const struct cdc_side *side, size_t table,
                       const struct fx_my_grants *grants, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    const char *schema = cdc_side_schema(side, table), *name = cdc_side_table(side, table);
    fx_cell params[] = {fx_str_from(schema), fx_str_from(name)};
    if (!fx_my_grants_has(grants, "SELECT", schema, name) ||
        fx_my_grants_has(grants, "SELECT", schema, NULL))
        return true;
    if (!fx_db_query(side->db,
                     "select 1 from information_schema.columns where table_schema = ? and "
                     "table_name = ? and data_type = 'longtext' limit 1",
                     params, 2, &rows, err))
        return false;
    if (rows.n_rows == 0)
        return true;
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(TEXT_MAX), fix = FX_BUF(TEXT_MAX);
    fx_buf_printf(&what,
                  "user %s can read only single tables, so MariaDB does not show it which columns "
                  "of %s.%s are JSON",
                  fx_my_grants_account(grants), schema, name);
    add_grant(grants, FX_STR("SELECT"), schema, NULL, &fix);
    fx_findings_add_str(f, side->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    return true;
}

static void check_own(struct fx_findings *f, struct fx_db *db, const struct fx_my_grants *grants)
{
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE",  "DELETE",
                                         "CREATE", "DROP",   "TRIGGER", NULL};
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(256), what = FX_BUF(1024), fix = FX_BUF(1024);
    missing(grants, rights, "ficus", NULL, &names);
    if (names.len == 0)
        return;
    fx_buf_printf(&what, "user %s may not %s in database ficus, where Ficus keeps its own tables",
                  fx_my_grants_account(grants), fx_buf_cstr(&names));
    add_grant(grants, fx_buf_str(&names), "ficus", NULL, &fix);
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
}

/* The applier's rights in database ficus, table by table, come from the operator. */
static void check_passing_on(struct fx_findings *f, const struct cdc_side *side,
                             const struct fx_my_grants *grants)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
    if (side->conf->applier == NULL || fx_my_grants_may_grant(grants, "ficus"))
        return;
    fx_buf_printf(&what, "user %s may not give apply_user %s its rights in database ficus",
                  fx_my_grants_account(grants), side->conf->applier->user);
    fx_buf_printf(&fix, "GRANT SELECT ON `ficus`.* TO %s WITH GRANT OPTION;",
                  fx_my_grants_account(grants));
    fx_findings_add_str(f, side->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
}

static void check_server(struct fx_findings *f, struct fx_db *db, const struct fx_my_grants *grants)
{
    static const struct {
        const char *name, *why;
    } rights[] = {
        {"REPLICATION SLAVE", "the reverse stream reads the binary log"},
        {"PROCESS",
         "the fence checks the age of other users' transactions before it waits for them"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(rights); i++) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
        if (fx_my_grants_has(grants, rights[i].name, NULL, NULL))
            continue;
        fx_buf_printf(&what, "user %s lacks %s: %s", fx_my_grants_account(grants), rights[i].name,
                      rights[i].why);
        fx_buf_printf(&fix, "GRANT %s ON *.* TO %s;", rights[i].name, fx_my_grants_account(grants));
        fx_findings_add_str(f, db->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    }
}

/* A server that writes a binary log lets only SUPER create
 * triggers, unless it is told to trust their creators. */
static bool check_triggers(struct fx_findings *f, struct fx_db *db,
                           const struct fx_my_grants *grants, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db,
                     "select 1 from dual where @@global.log_bin = 1 and "
                     "@@global.log_bin_trust_function_creators = 0",
                     NULL, 0, &rows, err))
        return false;
    if (rows.n_rows == 0 || fx_my_grants_has(grants, "SUPER", NULL, NULL))
        return true;
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024);
    fx_buf_printf(&what,
                  "log_bin_trust_function_creators is off, so user %s without SUPER cannot create "
                  "the fence's triggers",
                  fx_my_grants_account(grants));
    fx_findings_add_str(f, db->conf->name, fx_buf_str(&what),
                        FX_STR("SET GLOBAL log_bin_trust_function_creators = 1;"));
    return true;
}

bool cdc_my_check_rights(const struct cdc_side *side, struct fx_findings *f, bool *ret_sees_rows,
                         struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_my_grants *grants;
    const struct cdc_my_flavour *flavour;
    fx_arena_init(&arena, 0);
    if (!cdc_my_flavour_of(side->db, &flavour, err) ||
        !fx_my_grants_read(side->db, &arena, &grants, err))
        return false;
    *ret_sees_rows = sees_rows(side, grants);
    cdc_my_check_tables(f, side, grants, table_rights(side));
    for (size_t i = 0; flavour->json_is_checked_text && i < side->ctx->n_tables; i++)
        if (!check_json(f, side, i, grants, err))
            return false;
    check_own(f, side->db, grants);
    check_passing_on(f, side, grants);
    check_server(f, side->db, grants);
    return check_triggers(f, side->db, grants, err);
}

/*
 * A view in place of a table runs as whoever reads it, and so do the routines that it calls; but
 * only those that the reader may EXECUTE.
 */
static void warn_of_routines(const struct cdc_side *side, const struct fx_my_grants *grants,
                             struct fx_findings *f)
{
    for (size_t i = 0; i < side->ctx->n_tables; i++) {
        const char *schema = cdc_side_schema(side, i);
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
        if (!fx_my_grants_has(grants, "EXECUTE", schema, NULL))
            continue;
        bool is_global = fx_my_grants_has(grants, "EXECUTE", NULL, NULL);
        fx_buf_printf(&what,
                      "user %s may execute the routines of database %s, so a view that somebody "
                      "puts in the place of a table could run them with its rights",
                      fx_my_grants_account(grants), schema);
        fx_buf_add_c(&fix, "REVOKE EXECUTE ON ");
        if (is_global)
            fx_buf_add_char(&fix, '*');
        else
            fx_db_ident(FX_MY, schema, &fix);
        fx_buf_printf(&fix, ".* FROM %s;", fx_my_grants_account(grants));
        fx_findings_add_str(f, side->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
        return;
    }
}

/* Rights without which something is slower, or is not seen, and no stream stops. */
static void warn_of_missing(const struct cdc_side *side, const struct fx_my_grants *grants,
                            struct fx_findings *f)
{
    static const struct {
        const char *right, *schema, *on, *why;
    } rights[] = {
        {"BINLOG MONITOR", NULL, "*.*",
         "so a comparison from this side reads the binary log from its file's beginning"},
        {"SELECT", "mysql", "mysql.*",
         "so the preflight of a cut-over cannot see which other users may empty a fenced table"},
        {"ALTER", "ficus", "ficus.*",
         "so ficus upgrade cannot change the tables of an older version"},
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(rights); i++) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024), fix = FX_BUF(1024);
        if (fx_my_grants_has(grants, rights[i].right, rights[i].schema, NULL))
            continue;
        fx_buf_printf(&what, "user %s lacks %s on %s, %s", fx_my_grants_account(grants),
                      rights[i].right, rights[i].on, rights[i].why);
        fx_buf_printf(&fix, "GRANT %s ON %s TO %s;", rights[i].right, rights[i].on,
                      fx_my_grants_account(grants));
        fx_findings_add_str(f, side->conf->name, fx_buf_str(&what), fx_buf_str(&fix));
    }
}

bool cdc_my_warn(const struct cdc_side *side, struct fx_findings *f, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(1024);
    struct fx_my_grants *grants;
    fx_arena_init(&arena, 0);
    if (!fx_my_grants_read(side->db, &arena, &grants, err))
        return false;
    warn_of_routines(side, grants, f);
    warn_of_missing(side, grants, f);
    if (!fx_my_grants_has(grants, "SUPER", NULL, NULL))
        return true;
    fx_buf_printf(&what, "user %s has all rights on the server, or SUPER, and needs neither",
                  fx_my_grants_account(grants));
    fx_findings_add_str(f, side->conf->name, fx_buf_str(&what),
                        FX_STR("use an account with the rights that "
                               "docs/guide/database-rights.md lists"));
    return true;
}
