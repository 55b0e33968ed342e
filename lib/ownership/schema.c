/* SPDX-License-Identifier: Apache-2.0 */
/* A version is one row of `steps`; its SQL lies in sql/, one file an engine. */
#include "lib/ownership/schema.h"

#include <inttypes.h>

#include "lib/fmt/form.h"
#include "lib/fmt/text.h"

extern const char lib_ownership_sql_pg_version[];
extern const char lib_ownership_sql_my_version[];
extern const char lib_ownership_sql_my_schema_2[];

/* Makes ficus.version, by enum fx_engine. */
static const char *const version_sql[] = {
    [FX_PG] = lib_ownership_sql_pg_version, [FX_MY] = lib_ownership_sql_my_version};

struct step {
    int64_t to;
    const char *sql[2];  /* by enum fx_engine; NULL: nothing but the version */
    const char *what[2]; /* by enum fx_engine */
};

static const struct step steps[] = {
    {.to = 2,
     .sql = {[FX_MY] = lib_ownership_sql_my_schema_2},
     .what = {[FX_PG] = "create table ficus.version",
              [FX_MY] =
                  "create table ficus.version; positions in ficus.progress, ficus.barrier and "
                  "ficus.leak may be longer than 255 characters"}},
};

static const struct step *step_to(int64_t version)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(steps); i++)
        if (steps[i].to == version)
            return &steps[i];
    return NULL;
}

/* *ret: do tables of ours exist, and is one of them ficus.version? */
static bool look(struct fx_db *db, bool *ret_installed, bool *ret_versioned, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db,
                     "select table_name from information_schema.tables where table_schema = "
                     "'ficus' and table_name in ('version', 'own', 'progress')",
                     NULL, 0, &rows, err))
        return false;
    *ret_installed = rows.n_rows > 0;
    *ret_versioned = false;
    for (size_t i = 0; i < rows.n_rows; i++)
        *ret_versioned = *ret_versioned || fx_str_eq_c(fx_rows_at(&rows, i, 0), "version");
    return true;
}

/*
 * An upgrade that was cut off may have made the table and not yet the row. A user who may not look
 * is refused by what comes next, with a message that says what he lacks.
 */
static bool read_row(struct fx_db *db, int64_t *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    *ret = FX_FORM_UNSAID;
    if (!fx_db_query(db, "select version from ficus.version where one = 1", NULL, 0, &rows, err)) {
        bool is_denied = fx_db_is_denied(err);
        if (is_denied)
            fx_err_clear(err);
        return is_denied;
    }
    if (rows.n_rows == 0 || fx_parse_i64(fx_rows_at(&rows, 0, 0), INT64_MIN, INT64_MAX, ret))
        return true;
    return fx_fail(err, FX_E_DRIFT, "ficus.version holds a row that is not ours");
}

bool fx_schema_version(struct fx_db *db, int64_t *ret_version, struct fx_err *err)
{
    bool is_installed, is_versioned;
    *ret_version = 0;
    if (!look(db, &is_installed, &is_versioned, err) ||
        (is_versioned && !read_row(db, ret_version, err)))
        return fx_ctx(err, "reading the version of schema ficus");
    if (is_installed && !is_versioned)
        *ret_version = FX_FORM_UNSAID;
    return true;
}

static bool check_version(int64_t version, const struct fx_db_conf *conf, struct fx_err *err)
{
    char object[160];
    snprintf(object, sizeof object, "database \"%s\"", conf->name);
    return version == 0 || fx_form_check(FX_FORM_SCHEMA, version, object, err);
}

bool fx_schema_check(struct fx_db *db, const struct fx_db_conf *conf, struct fx_err *err)
{
    int64_t version;
    return fx_schema_version(db, &version, err) && check_version(version, conf, err);
}

static bool write_row(struct fx_db *db, int64_t version, struct fx_err *err)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, version);
    fx_cell cell = fx_str_from(text);
    int64_t n = 0;
    return fx_db_exec(db, "update ficus.version set version = ? where one = 1", &cell, 1, &n,
                      err) &&
           (n == 1 ||
            fx_db_exec(db, "insert into ficus.version (version) values (?)", &cell, 1, NULL, err));
}

/*
 * A role that may not do it is told which right it lacks; everything goes on with the older version
 * meanwhile.
 */
static bool run_step(struct fx_db *db, const struct step *step, struct fx_err *err)
{
    const char *sql = step->sql[fx_db_engine(db)];
    if (sql == NULL || fx_db_exec(db, sql, NULL, 0, NULL, err))
        return true;
    if (fx_db_is_denied(err))
        return fx_hint(err, "An administrator grants what is missing: GRANT ALTER ON ficus.* TO "
                            "this user. Nothing depends on it yet: Ficus reads the older version.");
    return false;
}

static bool go_up(struct fx_db *db, int64_t from, struct fx_err *err)
{
    for (int64_t version = from + 1; version <= fx_form_current(FX_FORM_SCHEMA); version++) {
        const struct step *step = step_to(version);
        if (step == NULL)
            return fx_fail(err, FX_E_BUG, "no upgrade leads to schema version %lld",
                           (long long)version);
        if (!run_step(db, step, err) ||
            !fx_db_exec(db, version_sql[fx_db_engine(db)], NULL, 0, NULL, err) ||
            !write_row(db, version, err))
            return fx_ctx(err, "upgrading schema ficus to version %lld", (long long)version);
    }
    return true;
}

/* What is created afterwards is of the current version at once. */
bool fx_schema_prepare(struct fx_db *db, const struct fx_db_conf *conf, struct fx_err *err)
{
    int64_t version;
    if (!fx_schema_version(db, &version, err) || !check_version(version, conf, err))
        return false;
    return version != 0 ||
           (fx_db_exec(db, version_sql[fx_db_engine(db)], NULL, 0, NULL, err) &&
            write_row(db, fx_form_current(FX_FORM_SCHEMA), err)) ||
           fx_ctx(err, "creating schema ficus");
}

const char *fx_schema_change(const struct fx_db *db, int64_t version)
{
    const struct step *step = step_to(version);
    return step != NULL ? step->what[fx_db_engine(db)] : "";
}

bool fx_schema_upgrade(struct fx_db *db, const struct fx_db_conf *conf, struct fx_err *err)
{
    int64_t version;
    return fx_schema_version(db, &version, err) && check_version(version, conf, err) &&
           (version == 0 || go_up(db, version, err));
}
