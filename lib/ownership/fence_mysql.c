/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence on servers of MySQL's family. Row triggers are created on every table shortly before
 * the cut-over; CREATE TRIGGER waits for every transaction that uses the table, so every later
 * write fires it. The triggers lock the row of the write gate (ficus.gate) shared. The fence's
 * first statement locks that row exclusively, which waits for exactly the running writers.
 *
 * The names of triggers end in the fence's epoch, because no row can guard DDL: a controller that
 * wakes up late can drop the triggers of its own fence only, never those of the next one.
 */
#include "lib/ownership/fence_mysql.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/base/vec.h"
#include "lib/fmt/text.h"
#include "lib/io/failpoint.h"

extern const char lib_ownership_sql_my_install[];
extern const char lib_ownership_sql_my_own_fence[];

enum { SQL_MAX = 1 << 20 };
static const struct {
    char letter;
    const char *name;
} events[] = {{'i', "INSERT"}, {'u', "UPDATE"}, {'d', "DELETE"}};

static const struct fx_fence_my_flavour *flavour_of(const struct fx_side *side)
{
    return side->engine->flavour;
}

static bool run(struct fx_side *side, const char *sql, struct fx_err *err)
{
    return fx_db_exec(side->db, sql, NULL, 0, NULL, err);
}

/* A statement over its time limit means "could not have the locks in time". Always false. */
static bool fail_in_time(const struct fx_side *side, struct fx_err *err)
{
    if (err->cause_kind == FX_CAUSE_MYSQL && err->cause_number == flavour_of(side)->timeout_number)
        fx_err_recode(err, FX_E_DB_CONFLICT);
    return false;
}

static void qualified(const struct fx_side_table *table, const char *name, struct fx_buf *out)
{
    fx_db_ident(FX_MY, table->schema, out);
    fx_buf_add_char(out, '.');
    fx_db_ident(FX_MY, name, out);
}

/* --- install, arm ----------------------------------------------------------------------------- */

static bool my_install(struct fx_side *side, struct fx_err *err)
{
    return run(side, lib_ownership_sql_my_install, err);
}

/*
 * Who passes the fence: this session's login, because raising a counter writes a row and rolls it
 * back; and the applier's. That is the same login, or, where the applier is a user of its own, that
 * name from the same host, because both connect to the same address.
 */
static bool read_login(struct fx_side *side, struct fx_buf *out, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell applier = fx_str_from(fx_db_applier(side->conf)->user);
    if (!fx_db_select(side->db, "select user(), concat(?, '@', substring_index(user(), '@', -1))",
                      &applier, 1, 1, 2, &rows, err))
        return false;
    if (rows.cells[0].ptr == NULL || rows.cells[1].ptr == NULL)
        return fx_db_fail_answer(side->db, "without a name to select user()", err);
    fx_db_literal(FX_MY, rows.cells[0], out);
    if (side->conf->applier == NULL)
        return true;
    fx_buf_add_c(out, " OR BINARY USER() = BINARY ");
    fx_db_literal(FX_MY, rows.cells[1], out);
    return true;
}

static void trigger_sql(const struct fx_side *side, const struct fx_side_table *table,
                        const char *name, size_t event, const char *login, struct fx_buf *out)
{
    FX_AUTO(fx_buf)
    struct fx_buf schema = FX_BUF(1024), quoted = FX_BUF(1024), trigger = FX_BUF(256),
                  group = FX_BUF(1024);
    fx_db_ident(FX_MY, table->schema, &schema);
    fx_db_ident(FX_MY, table->name, &quoted);
    fx_db_ident(FX_MY, name, &trigger);
    fx_db_literal(FX_MY, fx_str_from(side->group), &group);
    const char *names[] = {"schema", "table", "trigger", "event", "group", "login", NULL};
    const char *values[] = {fx_buf_cstr(&schema), fx_buf_cstr(&quoted), fx_buf_cstr(&trigger),
                            events[event].name,   fx_buf_cstr(&group),  login};
    fx_fence_sql_fill(flavour_of(side)->trigger, names, values, out);
}

/* Columns of what triggers_of reads. */
enum { TRIGGER_NAME, TRIGGER_TEXT, TRIGGER_IS_OURS };

/* The fence triggers of a table, of any group and epoch. */
static bool triggers_of(struct fx_side *side, const struct fx_side_table *table,
                        struct fx_rows *ret, struct fx_err *err)
{
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    return fx_db_select(side->db,
                        "select trigger_name, action_statement, "
                        "binary definer = binary current_user() and action_timing = 'BEFORE' and "
                        "lower(left(event_manipulation, 1)) = right(trigger_name, 1) "
                        "from information_schema.triggers "
                        "where event_object_schema = ? and event_object_table = ? "
                        "and trigger_name like 'ficus!_fence!_%' escape '!'",
                        params, 2, 0, 3, ret, err) ||
           fx_ctx(err, "reading the triggers of table %s.%s", table->schema, table->name);
}

/* The server keeps a trigger's text from its body on; what stands before it is a comment. */
static bool is_body_of(struct fx_str text, const struct fx_buf *sql)
{
    const char *at = strstr(fx_buf_cstr(sql), "ficus_fence: BEGIN");
    struct fx_str body = fx_str_from(at != NULL ? at : "");
    while (fx_str_ends(body, FX_STR("\n")))
        body.len--;
    return body.len > 0 && fx_str_eq(text, body);
}

/* Whoever may make triggers on the table could have made one of our name: text and maker count. */
static bool has_trigger(const struct fx_rows *rows, const char *name, const struct fx_buf *sql)
{
    for (size_t r = 0; r < rows->n_rows; r++)
        if (fx_str_eq_c(fx_rows_at(rows, r, TRIGGER_NAME), name))
            return fx_str_eq_c(fx_rows_at(rows, r, TRIGGER_IS_OURS), "1") &&
                   is_body_of(fx_rows_at(rows, r, TRIGGER_TEXT), sql);
    return false;
}

struct trigger {
    const char *name;
    const char *sql; /* makes it, or makes it again */
};
typedef bool (*missing_fn)(struct fx_side *side, const struct fx_side_table *table,
                           const struct trigger *trigger, void *arg, struct fx_err *err);

/*
 * Calls `on_missing` for each trigger of the fence at `epoch` that does not exist as we make it.
 * Asking first spares tables that need none the locks of CREATE TRIGGER.
 */
static bool each_missing(struct fx_side *side, int64_t epoch, missing_fn on_missing, void *arg,
                         struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf login = FX_BUF(1024);
    if (!read_login(side, &login, err))
        return false;
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        if (!triggers_of(side, table, &rows, err))
            return false;
        for (size_t e = 0; e < FX_ARRAY_LEN(events); e++) {
            char name[65];
            FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX);
            fx_fence_my_name(side->group, table->name, epoch, events[e].letter, name);
            trigger_sql(side, table, name, e, fx_buf_cstr(&login), &sql);
            struct trigger trigger = {name, fx_buf_cstr(&sql)};
            if (!has_trigger(&rows, name, &sql) && !on_missing(side, table, &trigger, arg, err))
                return false;
        }
    }
    return true;
}

static bool create_trigger(struct fx_side *side, const struct fx_side_table *table,
                           const struct trigger *trigger, void *arg, struct fx_err *err)
{
    (void)arg;
    return run(side, trigger->sql, err) || fail_in_time(side, err) ||
           fx_ctx(err, "creating fence trigger %s on %s.%s", trigger->name, table->schema,
                  table->name);
}

static bool my_arm(struct fx_side *side, int64_t epoch, int64_t lock_ms, struct fx_err *err)
{
    (void)lock_ms; /* lock_wait_timeout counts whole seconds; the session has 1 */
    return each_missing(side, epoch, create_trigger, NULL, err);
}

/* Another group's and those of no fence are left alone. */
static bool renew_table(struct fx_side *side, const struct fx_side_table *table, const char *login,
                        bool is_executed, size_t *ret_n, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!triggers_of(side, table, &rows, err))
        return false;
    for (size_t r = 0; r < rows.n_rows; r++) {
        fx_cell cell = fx_rows_at(&rows, r, TRIGGER_NAME);
        if (fx_fence_my_epoch(side->group, table->name, cell) < 0)
            continue;
        size_t event = 0;
        while (events[event].letter != cell.ptr[cell.len - 1])
            event++;
        FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX);
        struct trigger trigger = {.name = fx_arena_str(&rows.arena, cell).ptr};
        trigger_sql(side, table, trigger.name, event, login, &sql);
        trigger.sql = fx_buf_cstr(&sql);
        if (has_trigger(&rows, trigger.name, &sql))
            continue;
        if (is_executed && !create_trigger(side, table, &trigger, NULL, err))
            return false;
        (*ret_n)++;
    }
    return true;
}

static bool my_renew(struct fx_side *side, bool is_executed, size_t *ret_n, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf login = FX_BUF(1024);
    *ret_n = 0;
    if (!read_login(side, &login, err))
        return false;
    for (size_t t = 0; t < side->n_tables; t++)
        if (!renew_table(side, &side->tables[t], fx_buf_cstr(&login), is_executed, ret_n, err))
            return false;
    return true;
}

/* --- fence ------------------------------------------------------------------------------------ */

/*
 * Waits for the running writers. It is the transaction's first statement: after a write of its own,
 * the fence could deadlock with them.
 */
static bool close_write_gate(struct fx_side *side, const struct fx_fence_request *req,
                             bool *ret_closed, struct fx_err *err)
{
    char to[FX_OWN_INT_TEXT], from[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_own_int(req->e + 1, to), fx_str_from(side->group),
                        fx_own_int(req->e, from)};
    int64_t rows = 0;
    if (!fx_db_exec(side->db, "update ficus.gate set epoch = ? where grp = ? and epoch <= ?",
                    params, 3, &rows, err))
        return false;
    *ret_closed = rows == 1;
    return true;
}

static bool set_fenced(struct fx_side *side, const struct fx_fence_request *req, bool *ret_taken,
                       struct fx_err *err)
{
    char to[FX_OWN_INT_TEXT], from[FX_OWN_INT_TEXT], ttl[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_own_int(req->e + 1, to), fx_own_int(req->ttl_ms * 1000, ttl),
                        fx_str_from(req->operator_name), fx_str_from(side->group),
                        fx_own_int(req->e, from)};
    int64_t rows = 0;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(8192);
    fx_buf_add_c(&sql, lib_ownership_sql_my_own_fence);
    fx_side_add_condition(side, &sql);
    if (!fx_db_exec(side->db, fx_buf_cstr(&sql), params, 5, &rows, err))
        return false;
    if (rows != 0 && rows != 1)
        return fx_db_fail_answer(side->db, "that it changed several rows with one key", err);
    *ret_taken = rows == 1;
    return true;
}

/*
 * A prepared branch no longer holds the lock of the write gate and could commit after the marker.
 */
static bool no_prepared(struct fx_side *side, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(side->db, "xa recover", NULL, 0, &rows, err))
        return false;
    if (rows.n_rows == 0)
        return true;
    fx_fail(err, FX_E_DB_CONFLICT, "database \"%s\" has %zu prepared XA transaction%s",
            side->conf->name, rows.n_rows, rows.n_rows == 1 ? "" : "s");
    return fx_hint(
        err, "Ownership did not change. A prepared transaction may still write to the tables, "
             "so no fence is possible. List them in that database: XA RECOVER "
             "FORMAT='SQL'; end each with XA COMMIT or XA ROLLBACK, as the program that "
             "began it says. Then run the same command again.");
}

static bool write_marker(struct fx_side *side, int64_t epoch, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(side->group), fx_own_int(epoch, number)};
    return fx_db_exec(side->db, "insert into ficus.marker (grp, epoch) values (?, ?)", params, 2,
                      NULL, err);
}

static bool my_write_marker(struct fx_side *side, int64_t epoch, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(side->group), fx_own_int(epoch, number)};
    return fx_db_exec(side->db, "insert ignore into ficus.marker (grp, epoch) values (?, ?)",
                      params, 2, NULL, err);
}

static bool fence_in_transaction(struct fx_side *side, const struct fx_fence_request *req,
                                 bool *ret_taken, struct fx_err *err)
{
    bool is_closed = false, is_fenced = false;
    if (!run(side, "start transaction", err) || !close_write_gate(side, req, &is_closed, err))
        return false;
    FX_FAILPOINT("cutover.fence.locked");
    if (is_closed && !set_fenced(side, req, &is_fenced, err))
        return false;
    if (!is_fenced) {
        fx_side_rollback(side);
        *ret_taken = false;
        return true;
    }
    if (!no_prepared(side, err) || !write_marker(side, req->e + 1, err))
        return false;
    FX_FAILPOINT("cutover.fence.before_commit");
    if (!run(side, "commit", err))
        return false;
    FX_FAILPOINT("cutover.fence.after_commit");
    *ret_taken = true;
    return true;
}

static bool my_fence(struct fx_side *side, const struct fx_fence_request *req, bool *ret_taken,
                     struct fx_err *err)
{
    if (run(side, flavour_of(side)->idle_limit, err) && fx_side_limit(side, req->lock_ms, err) &&
        fence_in_transaction(side, req, ret_taken, err)) /* a rollback may have closed it */
        return side->db == NULL || run(side, flavour_of(side)->no_idle_limit, err);
    fx_side_rollback(side);
    if (side->db != NULL) {
        struct fx_err ignored = FX_ERR_INIT;
        if (!run(side, flavour_of(side)->no_idle_limit, &ignored))
            fx_side_close(side);
    }
    return fail_in_time(side, err);
}

static bool report_missing(struct fx_side *side, const struct fx_side_table *table,
                           const struct trigger *trigger, void *arg, struct fx_err *err)
{
    (void)err;
    FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(1024);
    fx_buf_printf(&where, "%s.%s", table->schema, table->name);
    fx_findings_add(arg, fx_buf_cstr(&where), NULL,
                    "does not have the fence trigger %s of this cut-over, or another one of that "
                    "name, in database \"%s\"",
                    trigger->name, side->conf->name);
    return true;
}

static bool my_armed(struct fx_side *side, int64_t epoch, struct fx_findings *f, struct fx_err *err)
{
    return each_missing(side, epoch, report_missing, f, err);
}

/* A trigger for another login of the applier refuses customers all the same. */
static bool refuses_event(const struct fx_side *side, const struct fx_side_table *table,
                          const struct fx_rows *rows, char letter)
{
    for (size_t r = 0; r < rows->n_rows; r++) {
        fx_cell name = fx_rows_at(rows, r, TRIGGER_NAME);
        if (fx_fence_my_epoch(side->group, table->name, name) >= 0 &&
            name.ptr[name.len - 1] == letter &&
            fx_str_eq_c(fx_rows_at(rows, r, TRIGGER_IS_OURS), "1") &&
            fx_str_starts(fx_rows_at(rows, r, TRIGGER_TEXT), FX_STR("ficus_fence: BEGIN")))
            return true;
    }
    return false;
}

static bool my_refuses(struct fx_side *side, struct fx_findings *f, struct fx_err *err)
{
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(1024);
        if (!triggers_of(side, table, &rows, err))
            return false;
        fx_buf_printf(&where, "%s.%s", table->schema, table->name);
        for (size_t e = 0; e < FX_ARRAY_LEN(events); e++)
            if (!refuses_event(side, table, &rows, events[e].letter))
                fx_findings_add(f, fx_buf_cstr(&where), NULL,
                                "has no fence trigger for %s in database \"%s\"", events[e].name,
                                side->conf->name);
    }
    return true;
}

/* --- disarm, remove --------------------------------------------------------------------------- */

/* Drops the group's triggers up to `epoch_max`. */
static bool drop_triggers(struct fx_side *side, int64_t epoch_max, struct fx_err *err)
{
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        if (!triggers_of(side, table, &rows, err))
            return false;
        for (size_t r = 0; r < rows.n_rows; r++) {
            fx_cell cell = fx_rows_at(&rows, r, 0);
            int64_t epoch = fx_fence_my_epoch(side->group, table->name, cell);
            if (epoch < 0 || epoch > epoch_max)
                continue;
            char name[65];
            (void)snprintf(name, sizeof name, "%.*s", FX_STR_FMT(cell));
            FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
            fx_buf_add_c(&sql, "drop trigger /* ficus */ if exists ");
            qualified(table, name, &sql);
            if (!run(side, fx_buf_cstr(&sql), err))
                return fail_in_time(side, err);
        }
    }
    return true;
}

static bool my_disarm(struct fx_side *side, int64_t lock_ms, bool *ret_done, struct fx_err *err)
{
    (void)lock_ms;
    struct fx_own own = {0};
    if (!fx_own_row(side, false, &own, err))
        return false;
    *ret_done = own.state == FX_OWN_HERE;
    if (own.state != FX_OWN_HERE)
        return true;
    FX_FAILPOINT("cutover.disarm.before");
    return drop_triggers(side, own.epoch, err) ||
           fx_ctx(err, "dropping the fence triggers of group \"%s\"", side->group);
}

static bool my_remove(struct fx_side *side, struct fx_err *err)
{
    return drop_triggers(side, INT64_MAX, err);
}

/* --- identities ------------------------------------------------------------------------------- */

static bool one_int(struct fx_side *side, const char *sql, const fx_cell *params, size_t n_params,
                    int64_t *ret, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(side->db, sql, params, n_params, &rows, err))
        return false;
    fx_cell cell = rows.n_rows == 1 ? fx_rows_at(&rows, 0, 0) : (fx_cell){0};
    uint64_t beyond; /* an unsigned counter may be: then nothing of ours reaches it */
    *ret = 0;
    if (!fx_parse_i64(cell, INT64_MIN, INT64_MAX, ret) && fx_parse_u64(cell, UINT64_MAX, &beyond))
        *ret = INT64_MAX;
    return true;
}

/* The next value of the counter; 0 when the table has none. */
static bool counter_read(struct fx_side *side, const struct fx_side_table *table, int64_t *ret,
                         struct fx_err *err)
{
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    return one_int(side, flavour_of(side)->counter, params, 2, ret, err);
}

static bool my_ids_read(struct fx_side *side, int64_t *ret, struct fx_err *err)
{
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        ret[t] = -1;
        if (table->identity == NULL)
            continue;
        FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
        fx_buf_add_c(&sql, "select coalesce(max(");
        fx_db_ident(FX_MY, table->identity->column, &sql);
        fx_buf_add_c(&sql, "), 0) from ");
        qualified(table, table->name, &sql);
        int64_t stored = 0, next = 0;
        if (!one_int(side, fx_buf_cstr(&sql), NULL, 0, &stored, err) ||
            !counter_read(side, table, &next, err))
            return fx_ctx(err, "reading the highest id of %s.%s", table->schema, table->name);
        ret[t] = FX_MAX(stored, next - 1);
    }
    return true;
}

/*
 * InnoDB's counter follows an explicit id and keeps its value when the row is rolled back. Nothing
 * is written to the binary log, as it would be by ALTER TABLE … AUTO_INCREMENT. The row needs no
 * other column, because the session's modes fill in zero values; REPLACE removes a row that has the
 * same value in a unique key, and that is rolled back as well.
 */
static bool counter_raise(struct fx_side *side, const struct fx_side_table *table, int64_t id,
                          struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
    fx_buf_printf(&sql, "%s ", flavour_of(side)->replace_unchecked);
    qualified(table, table->name, &sql);
    fx_buf_add_c(&sql, " (");
    fx_db_ident(FX_MY, table->identity->column, &sql);
    fx_buf_add_c(&sql, ") values (?)");
    fx_cell param = fx_own_int(id, number);
    return fx_db_exec(side->db, fx_buf_cstr(&sql), &param, 1, NULL, err);
}

static bool raise_guarded(struct fx_side *side, const int64_t *ids, int64_t epoch,
                          bool *ret_guarded, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(side->group), fx_own_int(epoch, number)};
    int64_t found = 0;
    if (!run(side, "start transaction", err) ||
        !one_int(
            side,
            "select 1 from ficus.own where grp = ? and state = 'AWAY' and epoch < ? for update",
            params, 2, &found, err))
        return false;
    *ret_guarded = found == 1;
    for (size_t t = 0; t < side->n_tables && *ret_guarded; t++) {
        const struct fx_side_table *table = &side->tables[t];
        int64_t next = 0;
        if (table->identity == NULL || ids[t] <= 0)
            continue;
        if (!counter_read(side, table, &next, err))
            return false;
        if (next > 0 && next <= ids[t] && !counter_raise(side, table, ids[t], err))
            return fx_ctx(err, "raising the counter of %s.%s", table->schema, table->name);
    }
    return true;
}

static bool counters_verify(struct fx_side *side, const int64_t *ids, struct fx_err *err)
{
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        int64_t next = 0;
        if (table->identity == NULL || ids[t] <= 0)
            continue;
        if (!counter_read(side, table, &next, err))
            return false;
        if (next > 0 && next <= ids[t])
            return fx_fail(err, FX_E_DB,
                           "the AUTO_INCREMENT counter of table %s.%s in database \"%s\" is at "
                           "%" PRId64 " and could not be raised above %" PRId64,
                           table->schema, table->name, side->conf->name, next, ids[t]) ||
                   fx_hint(err,
                           "Run there: ALTER TABLE %s.%s AUTO_INCREMENT = %" PRId64
                           "; then run the same command again.",
                           table->schema, table->name, ids[t] + 1);
    }
    return true;
}

static bool my_ids_raise(struct fx_side *side, const int64_t *ids, int64_t epoch, bool *ret_guarded,
                         struct fx_err *err)
{
    bool ok = raise_guarded(side, ids, epoch, ret_guarded, err);
    fx_side_rollback(side); /* always: the rows must not stay */
    if (!ok)
        return fail_in_time(side, err);
    if (*ret_guarded && side->db == NULL)
        return fx_fail(err, FX_E_DB_CONNECT,
                       "lost the connection to database \"%s\" while the counters of its tables "
                       "were raised",
                       side->conf->name) ||
               fx_hint(err, FX_SERVER_GONE);
    return !*ret_guarded || counters_verify(side, ids, err);
}

/* --- preflight -------------------------------------------------------------------------------- */

/*
 * A trigger of another group, or of an epoch that this group has not reached, is another fence's.
 */
static bool check_foreign(struct fx_side *side, const struct fx_side_table *table, int64_t epoch,
                          struct fx_findings *f, bool *ret_foreign, struct fx_err *err)
{
    bool is_canary = strstr(side->group, ".canary") != NULL; /* shared by all contexts */
    FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(1024), fix = FX_BUF(1024);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_buf_printf(&where, "%s.%s", table->schema, table->name);
    if (!triggers_of(side, table, &rows, err))
        return false;
    for (size_t r = 0; r < rows.n_rows; r++) {
        fx_cell name = fx_rows_at(&rows, r, 0);
        int64_t at = fx_fence_my_epoch(side->group, table->name, name);
        if ((at < 0 && is_canary) || (at >= 0 && at <= epoch + 1))
            continue;
        *ret_foreign = true;
        fx_buf_clear(&fix);
        fx_buf_add_c(&fix, "DROP TRIGGER /* ficus */ ");
        qualified(table, fx_arena_str(&rows.arena, name).ptr, &fix);
        fx_buf_add_char(&fix, ';');
        fx_findings_add(
            f, fx_buf_cstr(&where), fx_buf_cstr(&fix),
            "has a fence trigger of another group or of a later epoch in database \"%s\"",
            side->conf->name);
    }
    return true;
}

/* Rights on a whole database are asked for once, with its first table. */
static bool check_rights(struct fx_side *side, size_t t, struct fx_findings *f, struct fx_err *err)
{
    const struct fx_side_table *table = &side->tables[t];
    fx_cell schema = fx_str_from(table->schema), none = {0};
    bool is_first = true;
    for (size_t i = 0; i < t; i++)
        is_first = is_first && strcmp(side->tables[i].schema, table->schema) != 0;
    fx_cell params[] = {is_first ? schema : none, schema, fx_str_from(table->name)};
    return fx_fence_ask(side, flavour_of(side)->check_rights, params, 3, f, err);
}

static bool check_tables(struct fx_side *side, struct fx_findings *f, bool *ret_foreign,
                         struct fx_err *err)
{
    struct fx_own own = {0};
    if (!fx_own_row(side, false, &own, err))
        return false;
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
        if (!check_foreign(side, table, own.epoch, f, ret_foreign, err) ||
            !fx_fence_ask(side, flavour_of(side)->check_cascades, params, 2, f, err) ||
            !check_rights(side, t, f, err))
            return false;
    }
    return true;
}

static bool check_prepared(struct fx_side *side, struct fx_findings *f, struct fx_err *err)
{
    struct fx_err prepared = FX_ERR_INIT;
    if (no_prepared(side, &prepared))
        return true;
    if (prepared.code != FX_E_DB_CONFLICT) {
        *err = prepared;
        return false;
    }
    fx_findings_add(f, "", "XA RECOVER FORMAT='SQL';",
                    "%s: end each with XA COMMIT or XA ROLLBACK; the command lists them",
                    prepared.message);
    return true;
}

static bool my_check(struct fx_side *side, int64_t old_txn_ms, struct fx_findings *f,
                     bool *ret_foreign, struct fx_err *err)
{
    char limit[FX_OWN_INT_TEXT];
    fx_cell param = fx_own_int(old_txn_ms * 1000, limit);
    *ret_foreign = false;
    return check_tables(side, f, ret_foreign, err) &&
           fx_fence_ask(side, flavour_of(side)->check_server, &param, 1, f, err) &&
           check_prepared(side, f, err);
}

static bool my_writer_age(struct fx_side *side, int64_t *ret_ms, struct fx_err *err)
{
    int64_t seconds = 0;
    bool ok = one_int(side, flavour_of(side)->writer_age, NULL, 0, &seconds, err);
    seconds = FX_MAX(seconds, (int64_t)0);
    *ret_ms = FX_MIN(seconds, INT64_MAX / 1000) * 1000;
    return ok;
}

const struct fx_fence_ops fx_fence_my = {
    .install = my_install,
    .arm = my_arm,
    .renew = my_renew,
    .refuse = my_arm, /* a trigger that exists refuses whenever the row says so */
    .fence = my_fence,
    .write_marker = my_write_marker,
    .armed = my_armed,
    .refuses = my_refuses,
    .disarm = my_disarm,
    .remove = my_remove,
    .ids_read = my_ids_read,
    .ids_raise = my_ids_raise,
    .check = my_check,
    .writer_age = my_writer_age,
};
