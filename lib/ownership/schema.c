/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine does for a version is in its row of the table of engines. */
#include "lib/ownership/schema.h"

#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/db/findings.h"
#include "lib/fmt/form.h"
#include "lib/fmt/text.h"
#include "lib/ownership/engine.h"

/* NULL: this release has no step to that version for this server. */
static const struct fx_schema_step *step_to(const struct fx_db *db, int64_t version)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    int64_t i = version - FX_FORM_UNSAID - 1;
    return engine != NULL && i >= 0 && i < (int64_t)engine->n_schema_steps
               ? &engine->schema_steps[i]
               : NULL;
}

static bool create_version(struct fx_db *db, const struct fx_db_conf *conf, struct fx_err *err)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    if (engine != NULL)
        return fx_db_exec(db, engine->create_version, NULL, 0, NULL, err);
    return fx_fail(err, FX_E_UNSUPPORTED,
                   "cannot install schema ficus in database \"%s\": this release does not support "
                   "its server, version %s",
                   conf->name, fx_db_version(db)) ||
           fx_hint(err,
                   "Use PostgreSQL 14 or newer, or MariaDB: upgrade that server, or set the url of "
                   "databases.%s in ficus.yaml to another one.",
                   conf->name);
}

/* --- whose it is ------------------------------------------------------------------------------ */

enum { FIX_ROOM = 256 }; /* of the hint: half a statement would mend nothing */

/* What may have led there without anybody's fault. */
static void add_cause(const struct fx_db_conf *conf, struct fx_buf *hint)
{
    if (strcmp(conf->user, "ficus") == 0) /* PostgreSQL's default path begins with "$user" */
        fx_buf_add_c(hint, "What user \"ficus\" creates without naming a schema is created in "
                           "schema ficus: move what is yours, and no table of Ficus, with ALTER … "
                           "SET SCHEMA. ");
    else
        fx_buf_printf(hint,
                      "If Ficus was installed there with another user, name that user under "
                      "databases.%s in ficus.yaml. ",
                      conf->name);
}

/*
 * Most of what can be found is Ficus's own, changed: an administrator who removed it would remove
 * the record of who owns the customer's tables.
 */
static bool fail_foreign(const struct fx_db_conf *conf, const struct fx_findings *f,
                         struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf all = FX_BUF(1 << 16), hint = FX_BUF(4096);
    const char *fix = f->items[0].fix;
    fx_findings_text(f, &all);
    fx_fail(err, FX_E_UNSUPPORTED,
            "in database \"%s\" something of Ficus is not as Ficus made it: %s", conf->name,
            f->items[0].what);
    if (f->n > 1 || strlen(fix) >= FIX_ROOM)
        fx_detail(err, "%s", fx_buf_cstr(&all));
    add_cause(conf, &hint);
    fx_buf_add_c(&hint, "Otherwise find out who did this and why, then undo it");
    if (fix[0] != '\0' && strlen(fix) < FIX_ROOM)
        fx_buf_printf(&hint, " as an administrator: %s", fix);
    fx_buf_printf(&hint,
                  "%s Drop no table of schema ficus and not its function fence: they record and "
                  "enforce which side owns your tables. Then run: ficus status",
                  fix[0] == '\0' || strlen(fix) >= FIX_ROOM ? "." : "");
    return fx_hint(err, "%s", fx_buf_cstr(&hint));
}

bool fx_schema_guard(struct fx_db *db, struct fx_err *err)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    if (engine == NULL) /* nothing was ever installed on such a server */
        return true;
    if (!fx_db_findings(db, NULL, engine->guard, NULL, 0, &f, err))
        return fx_ctx(err, "checking what schema ficus holds in database \"%s\"", db->conf->name);
    return f.n == 0 || fail_foreign(db->conf, &f, err);
}

/* --- the version ------------------------------------------------------------------------------ */

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
static bool fail_row(struct fx_err *err)
{
    return fx_hint(err,
                   "Ficus keeps one row there, with one = 1 and a version from 1 on, and nothing "
                   "else: somebody changed that table. In that database run: DROP TABLE "
                   "ficus.version; then: ficus upgrade --execute, which writes it again");
}

static bool read_row(struct fx_db *db, int64_t *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    *ret = FX_FORM_UNSAID;
    if (!fx_db_query(db, "select version from ficus.version where one = 1", NULL, 0, &rows, err)) {
        bool is_denied = fx_db_is_denied(err);
        if (is_denied) {
            fx_err_clear(err);
            return true;
        }
        if (err->code != FX_E_DB)
            return false;
        fx_err_recode(err, FX_E_DRIFT);
        return fail_row(err);
    }
    if (rows.n_rows == 0 || fx_parse_i64(fx_rows_at(&rows, 0, 0), FX_FORM_UNSAID, INT64_MAX, ret))
        return true;
    (void)fx_fail(err, FX_E_DRIFT,
                  "ficus.version of database \"%s\" holds \"%.*s\", which is no version",
                  db->conf->name, FX_STR_FMT(fx_rows_at(&rows, 0, 0)));
    return fail_row(err);
}

bool fx_schema_version(struct fx_db *db, int64_t *ret_version, struct fx_err *err)
{
    bool is_installed, is_versioned;
    *ret_version = 0;
    if (!fx_schema_guard(db, err) || !look(db, &is_installed, &is_versioned, err) ||
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

bool fx_schema_checked(struct fx_db *db, const struct fx_db_conf *conf, int64_t *ret_version,
                       struct fx_err *err)
{
    return fx_schema_version(db, ret_version, err) && check_version(*ret_version, conf, err);
}

bool fx_schema_check(struct fx_db *db, const struct fx_db_conf *conf, struct fx_err *err)
{
    int64_t version;
    return fx_schema_checked(db, conf, &version, err);
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

static bool run_step(struct fx_db *db, const struct fx_db_conf *conf,
                     const struct fx_schema_step *step, int64_t version, struct fx_err *err)
{
    return (step->sql == NULL || fx_db_exec(db, step->sql, NULL, 0, NULL, err)) &&
           create_version(db, conf, err) && write_row(db, version, err);
}

/*
 * A statement that waits for a lock makes every stream wait that comes after it. So each attempt is
 * short, and between two of them the streams go on.
 */
enum { LOCK_ATTEMPTS = 8, LOCK_PAUSE_MS = 500 };
static bool try_step(struct fx_db *db, const struct fx_db_conf *conf,
                     const struct fx_schema_step *step, int64_t version, struct fx_err *err)
{
    for (int i = 1; !run_step(db, conf, step, version, err); i++) {
        if (err->code != FX_E_DB_CONFLICT || i == LOCK_ATTEMPTS)
            return false;
        fx_err_clear(err);
        fx_sleep_ms(LOCK_PAUSE_MS);
    }
    return true;
}

/* Everything goes on with the older version meanwhile. */
static bool explain(const struct fx_own_engine *engine, struct fx_err *err)
{
    if (err->code == FX_E_DB_CONFLICT)
        return fx_hint(err,
                       "Another transaction holds a lock on a table of schema ficus. Find it: %s. "
                       "End it, then run: ficus upgrade --execute",
                       engine->find_locks);
    if (fx_db_is_denied(err))
        return fx_hint(err,
                       "Let an administrator do this, then run ficus upgrade --execute: %s. Until "
                       "then Ficus reads the older version.",
                       engine->grant);
    return false;
}

static bool go_up(struct fx_db *db, const struct fx_db_conf *conf, int64_t from, struct fx_err *err)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    if (engine != NULL && !fx_db_exec(db, engine->limit_locks, NULL, 0, NULL, err))
        return false;
    for (int64_t version = from + 1; version <= fx_form_current(FX_FORM_SCHEMA); version++) {
        const struct fx_schema_step *step = step_to(db, version);
        if (step == NULL)
            return fx_fail(err, FX_E_BUG, "no upgrade leads to schema version %lld",
                           (long long)version) ||
                   fx_hint(err, "This is a defect in Ficus. Please report it with the output of "
                                "ficus upgrade and ficus version.");
        if (!try_step(db, conf, step, version, err)) {
            fx_ctx(err, "upgrading schema ficus to version %lld", (long long)version);
            return explain(engine, err);
        }
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
           (create_version(db, conf, err) && fx_schema_guard(db, err) &&
            fx_db_exec(db, fx_own_engine_of(db)->create_controller, NULL, 0, NULL, err) &&
            fx_db_exec(db, fx_own_engine_of(db)->create_dead, NULL, 0, NULL, err) &&
            write_row(db, fx_form_current(FX_FORM_SCHEMA), err)) ||
           fx_ctx(err, "creating schema ficus");
}

const char *fx_schema_change(const struct fx_db *db, int64_t version)
{
    const struct fx_schema_step *step = step_to(db, version);
    return step != NULL ? step->what : "";
}

bool fx_schema_upgrade(struct fx_db *db, const struct fx_db_conf *conf, struct fx_err *err)
{
    int64_t version;
    return fx_schema_version(db, &version, err) && check_version(version, conf, err) &&
           (version == 0 || go_up(db, conf, version, err));
}
