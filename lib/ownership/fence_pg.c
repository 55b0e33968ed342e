/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence on PostgreSQL. Every table of the group, and every partition or child below it, has a
 * statement trigger, which is disabled between cut-overs. The fence enables the triggers under a
 * lock that waits for running writers. ENABLE TRIGGER changes the catalog and so takes effect at
 * once in every isolation level; a trigger that is always enabled and reads a row would see an old
 * snapshot under REPEATABLE READ and let the write through.
 *
 * Every transaction here that locks customers' tables has the same three limits: it loses a
 * deadlock before a customer does (deadlock_timeout), it gives up waiting (lock_timeout), and a
 * stalled controller cannot leave it open (idle_in_transaction_session_timeout).
 */
#include "lib/ownership/fence.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/base/vec.h"
#include "lib/fmt/text.h"
#include "lib/io/failpoint.h"
#include "lib/ownership/engine.h"

extern const char lib_ownership_sql_pg_version[];
extern const char lib_ownership_sql_pg_schema_3[];
extern const char lib_ownership_sql_pg_schema_4[];
extern const char lib_ownership_sql_pg_guard[];
extern const char lib_ownership_sql_pg_install[];
extern const char lib_ownership_sql_pg_relations[];
extern const char lib_ownership_sql_pg_trigger[];
extern const char lib_ownership_sql_pg_own_fence[];
extern const char lib_ownership_sql_pg_disarm[];
extern const char lib_ownership_sql_pg_check_writers[];
extern const char lib_ownership_sql_pg_check_server[];
extern const char lib_ownership_sql_pg_writer_age[];

enum { SQL_MAX = 1 << 20, REMOVE_LOCK_MS = 800 };

/* --- relations -------------------------------------------------------------------------------- */

enum trigger_state { TRIGGER_NONE, TRIGGER_DISABLED, TRIGGER_ENABLED };
struct relation {
    const char *name; /* quoted */
    enum trigger_state trigger;
    const char *foreign; /* a fence trigger of another group, or NULL */
};
struct relations {
    FX_VEC(struct relation) list;
    struct fx_arena arena;
};

static void relations_done(struct relations *rels)
{
    FX_VEC_DONE(&rels->list);
    fx_arena_done(&rels->arena);
}

/* One row of the catalog query. A relation with several fence triggers has several rows. */
static void relations_add(struct relations *rels, const struct fx_side *side,
                          const char *trigger_name, const fx_cell cells[4])
{
    struct relation *rel = NULL;
    for (size_t i = 0; i < rels->list.len; i++)
        if (fx_str_eq_c(cells[0], rels->list.items[i].name))
            rel = &rels->list.items[i];
    if (rel == NULL) {
        FX_VEC_PUSH(&rels->list,
                    (struct relation){.name = fx_arena_str(&rels->arena, cells[0]).ptr});
        rel = &rels->list.items[rels->list.len - 1];
    }
    if (cells[1].ptr == NULL)
        return;
    bool is_ours = fx_str_eq_c(cells[1], trigger_name) && fx_str_eq_c(cells[3], side->group);
    bool is_canary = strstr(side->group, ".canary") != NULL;
    if (is_ours)
        rel->trigger = fx_str_eq_c(cells[2], "O") || fx_str_eq_c(cells[2], "A") ? TRIGGER_ENABLED
                                                                                : TRIGGER_DISABLED;
    else if (!is_canary) /* the canary table is shared by all contexts of the database */
        rel->foreign = fx_arena_str(&rels->arena, cells[1]).ptr;
}

static int relation_cmp(const void *a, const void *b)
{
    return strcmp(((const struct relation *)a)->name, ((const struct relation *)b)->name);
}

/* All relations of the group, sorted by name: everyone locks them in this order. */
static bool relations_read(struct fx_side *side, struct relations *rels, struct fx_err *err)
{
    char trigger[64];
    fx_fence_pg_name(side->group, trigger);
    fx_arena_init(&rels->arena, 0);
    for (size_t t = 0; t < side->n_tables; t++) {
        const struct fx_side_table *table = &side->tables[t];
        fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        if (!fx_db_select_again(side->db, lib_ownership_sql_pg_relations, params, 2, 0, 4, &rows,
                                err))
            return fx_ctx(err, "reading the triggers of table %s.%s", table->schema, table->name);
        if (rows.n_rows == 0)
            return fx_fail(err, FX_E_DRIFT, "database \"%s\" has no table %s.%s", side->conf->name,
                           table->schema, table->name) ||
                   fx_hint(err, "Create it, or correct the tables of the context in ficus.yaml. To "
                                "check: " FX_CMD_PREFLIGHT);
        for (size_t r = 0; r < rows.n_rows; r++)
            relations_add(rels, side, trigger, &rows.cells[r * rows.n_columns]);
    }
    qsort(rels->list.items, rels->list.len, sizeof *rels->list.items, relation_cmp);
    return true;
}

/* --- transactions that lock ------------------------------------------------------------------- */

/*
 * No lock in time, the victim of a deadlock, a statement over its limit: the transaction was rolled
 * back, and the same may work later. Always false.
 */
static bool fail_in_time(struct fx_err *err)
{
    static const char *const states[] = {"55P03", "40P01", "40001", "57014", "25P03"};
    for (size_t i = 0; i < FX_ARRAY_LEN(states); i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            fx_err_recode(err, FX_E_DB_CONFLICT);
    return false;
}

static bool run(struct fx_side *side, const char *sql, struct fx_err *err)
{
    return fx_db_exec(side->db, sql, NULL, 0, NULL, err);
}

static bool begin_locking(struct fx_side *side, int64_t lock_ms, struct fx_err *err)
{
    char sql[384];
    (void)snprintf(sql, sizeof sql,
                   "begin isolation level read committed; "
                   /* who may not set it may have it from ALTER ROLE … SET */
                   "select set_config('deadlock_timeout', '100ms', true) "
                   "where current_setting('deadlock_timeout') <> '100ms'; "
                   "set local lock_timeout = '%" PRId64 "ms'; "
                   "set local idle_in_transaction_session_timeout = '1s'",
                   lock_ms);
    return run(side, sql, err);
}

static bool lock_all(struct fx_side *side, const struct relations *rels, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX);
    fx_buf_add_c(&sql, "lock table ");
    for (size_t i = 0; i < rels->list.len; i++)
        fx_buf_printf(&sql, "%sonly %s", i > 0 ? ", " : "", rels->list.items[i].name);
    fx_buf_add_c(&sql, " in share row exclusive mode");
    return run(side, fx_buf_cstr(&sql), err);
}

/* "alter table … enable trigger …;" for each relation whose trigger is in state `from`. */
static void alter_triggers(const struct fx_side *side, const struct relations *rels,
                           const char *verb, enum trigger_state from, struct fx_buf *out)
{
    char trigger[64];
    fx_fence_pg_name(side->group, trigger);
    for (size_t i = 0; i < rels->list.len; i++) {
        if (rels->list.items[i].trigger != from)
            continue;
        fx_buf_printf(out, "alter table only %s %s trigger ", rels->list.items[i].name, verb);
        fx_db_ident(FX_PG, trigger, out);
        fx_buf_add_c(out, "; ");
    }
}

/* --- install, arm ----------------------------------------------------------------------------- */

static bool pg_install(struct fx_side *side, struct fx_err *err)
{
    /* Two installations at the same time would fail in the catalog. */
    return run(side, "begin; select pg_advisory_xact_lock(hashtext('ficus.install'))", err) &&
           run(side, lib_ownership_sql_pg_install, err) && run(side, "commit", err);
}

static bool create_trigger(struct fx_side *side, const struct relation *rel, int64_t lock_ms,
                           struct fx_err *err)
{
    char name[64];
    fx_fence_pg_name(side->group, name);
    FX_AUTO(fx_buf)
    struct fx_buf trigger = FX_BUF(256), group = FX_BUF(1024), sql = FX_BUF(SQL_MAX);
    fx_db_ident(FX_PG, name, &trigger);
    fx_db_literal(FX_PG, fx_str_from(side->group), &group);
    const char *names[] = {"trigger", "relation", "group", NULL};
    const char *values[] = {fx_buf_cstr(&trigger), rel->name, fx_buf_cstr(&group)};
    fx_fence_sql_fill(lib_ownership_sql_pg_trigger, names, values, &sql);
    fx_buf_printf(&sql, "; alter table only %s disable trigger %s", rel->name,
                  fx_buf_cstr(&trigger));
    return begin_locking(side, lock_ms, err) && run(side, fx_buf_cstr(&sql), err) &&
           run(side, "commit", err);
}

/*
 * The epoch is not needed: own's guards every use of these triggers. MariaDB has it in the names.
 */
static bool pg_arm(struct fx_side *side, int64_t epoch, int64_t lock_ms, struct fx_err *err)
{
    (void)epoch;
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    if (!relations_read(side, &rels, err))
        return false;
    for (size_t i = 0; i < rels.list.len; i++)
        if (rels.list.items[i].trigger == TRIGGER_NONE &&
            !create_trigger(side, &rels.list.items[i], lock_ms, err)) {
            fx_side_rollback(side);
            fail_in_time(err);
            return fx_ctx(err, "creating the fence trigger of %s", rels.list.items[i].name);
        }
    return true;
}

static bool enable_triggers(struct fx_side *side, const struct relations *rels, int64_t lock_ms,
                            struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf enable = FX_BUF(SQL_MAX);
    alter_triggers(side, rels, "enable", TRIGGER_DISABLED, &enable);
    if (enable.len == 0)
        return true;
    if (begin_locking(side, lock_ms, err) && run(side, fx_buf_cstr(&enable), err) &&
        run(side, "commit", err))
        return true;
    fx_side_rollback(side);
    fail_in_time(err);
    return fx_ctx(err, "enabling the fence triggers of group \"%s\"", side->group);
}

/*
 * Needs no guard: if the side becomes HERE meanwhile, its enabled triggers let every writer pass.
 */
static bool pg_refuse(struct fx_side *side, int64_t epoch, int64_t lock_ms, struct fx_err *err)
{
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    return pg_arm(side, epoch, lock_ms, err) && relations_read(side, &rels, err) &&
           enable_triggers(side, &rels, lock_ms, err);
}

/* What the triggers do is in the function, which every installation replaces. */
static bool pg_renew(struct fx_side *side FX_UNUSED, bool is_executed FX_UNUSED, size_t *ret_n,
                     struct fx_err *err FX_UNUSED)
{
    *ret_n = 0;
    return true;
}

/* --- fence ------------------------------------------------------------------------------------ */

static bool set_fenced(struct fx_side *side, const struct fx_fence_request *req, bool *ret_taken,
                       struct fx_err *err)
{
    char to[FX_OWN_INT_TEXT], from[FX_OWN_INT_TEXT], ttl[64];
    (void)snprintf(ttl, sizeof ttl, "%" PRId64 " milliseconds", req->ttl_ms);
    fx_cell params[] = {fx_own_int(req->e + 1, to), fx_str_from(ttl),
                        fx_str_from(req->operator_name), fx_str_from(side->group),
                        fx_own_int(req->e, from)};
    int64_t rows = 0;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(8192);
    fx_buf_add_c(&sql, lib_ownership_sql_pg_own_fence);
    fx_side_add_condition(side, &sql);
    if (!fx_db_exec(side->db, fx_buf_cstr(&sql), params, 5, &rows, err))
        return false;
    if (rows != 0 && rows != 1)
        return fx_db_fail_answer(side->db, "that it changed several rows with one key", err);
    *ret_taken = rows == 1;
    return true;
}

static bool emit_marker(struct fx_side *side, int64_t epoch, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(side->group), fx_own_int(epoch, number)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    return fx_db_query(side->db,
                       "select pg_logical_emit_message(true, 'ficus', json_build_object("
                       "'barrier', cast(? as text), 'epoch', cast(? as bigint))::text)",
                       params, 2, &rows, err);
}

static bool fence_in_transaction(struct fx_side *side, const struct relations *rels,
                                 const struct fx_fence_request *req, bool *ret_taken,
                                 struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf enable = FX_BUF(SQL_MAX);
    alter_triggers(side, rels, "enable", TRIGGER_DISABLED, &enable);
    if (!begin_locking(side, req->lock_ms, err) || !lock_all(side, rels, err))
        return false;
    FX_FAILPOINT("cutover.fence.locked");
    if (enable.len > 0 && !run(side, fx_buf_cstr(&enable), err))
        return false;
    if (!set_fenced(side, req, ret_taken, err))
        return false;
    if (!*ret_taken) {
        fx_side_rollback(side);
        return true;
    }
    if (!emit_marker(side, req->e + 1, err))
        return false;
    FX_FAILPOINT("cutover.fence.before_commit");
    bool ok = run(side, "commit", err);
    FX_FAILPOINT("cutover.fence.after_commit");
    return ok;
}

static bool pg_fence(struct fx_side *side, const struct fx_fence_request *req, bool *ret_taken,
                     struct fx_err *err)
{
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    if (!relations_read(side, &rels, err))
        return false;
    for (size_t i = 0; i < rels.list.len; i++)
        if (rels.list.items[i].trigger ==
            TRIGGER_NONE) /* a partition created since arm: arm again */
            return fx_fail(err, FX_E_DB_CONFLICT,
                           "table %s of database \"%s\" was created after the fence triggers and "
                           "has none yet",
                           rels.list.items[i].name, side->conf->name) ||
                   fx_hint(err, "Ownership did not change. The next attempt creates its trigger: "
                                "run ficus run resume, or the same ficus cutover command again.");
    if (fence_in_transaction(side, &rels, req, ret_taken, err))
        return true;
    fx_side_rollback(side);
    return fail_in_time(err);
}

static bool pg_armed(struct fx_side *side, int64_t epoch, struct fx_findings *f, struct fx_err *err)
{
    (void)epoch;
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    if (!relations_read(side, &rels, err))
        return false;
    for (size_t i = 0; i < rels.list.len; i++)
        if (rels.list.items[i].trigger != TRIGGER_ENABLED)
            fx_findings_add(f, rels.list.items[i].name, NULL,
                            "has no enabled fence trigger in database \"%s\"", side->conf->name);
    return true;
}

static bool pg_refuses(struct fx_side *side, struct fx_findings *f, struct fx_err *err)
{
    return pg_armed(side, 0, f, err);
}

/* --- disarm, remove --------------------------------------------------------------------------- */

static bool disarm_guarded(struct fx_side *side, const struct relations *rels,
                           const struct fx_own *own, int64_t lock_ms, struct fx_err *err)
{
    char epoch[FX_OWN_INT_TEXT];
    FX_AUTO(fx_buf)
    struct fx_buf group = FX_BUF(1024), disable = FX_BUF(SQL_MAX), sql = FX_BUF(SQL_MAX);
    fx_db_literal(FX_PG, fx_str_from(side->group), &group);
    alter_triggers(side, rels, "disable", TRIGGER_ENABLED, &disable);
    fx_own_int(own->epoch, epoch);
    const char *names[] = {"group", "epoch", "disable", NULL};
    const char *values[] = {fx_buf_cstr(&group), epoch, fx_buf_cstr(&disable)};
    fx_fence_sql_fill(lib_ownership_sql_pg_disarm, names, values, &sql);
    FX_FAILPOINT("cutover.disarm.before");
    return begin_locking(side, lock_ms, err) && lock_all(side, rels, err) &&
           run(side, fx_buf_cstr(&sql), err) && run(side, "commit", err);
}

static bool pg_disarm(struct fx_side *side, int64_t lock_ms, bool *ret_done, struct fx_err *err)
{
    struct fx_own own = {0};
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    if (!fx_own_row(side, false, &own, err) || !relations_read(side, &rels, err))
        return false;
    *ret_done = own.state == FX_OWN_HERE;
    bool is_needed = false;
    for (size_t i = 0; i < rels.list.len; i++)
        is_needed = is_needed || rels.list.items[i].trigger == TRIGGER_ENABLED;
    if (own.state != FX_OWN_HERE || !is_needed)
        return true;
    if (disarm_guarded(side, &rels, &own, lock_ms, err))
        return true;
    fx_side_rollback(side);
    if (strcmp(err->sqlstate, "55000") == 0) { /* the guard: the next fence has begun */
        *ret_done = false;
        return true;
    }
    fail_in_time(err);
    return fx_ctx(err, "disabling the fence triggers of group \"%s\"", side->group);
}

/*
 * Customers, readers too, queue behind a waiting lock request: so the fence's limits apply here
 * too.
 */
static bool drop_trigger(struct fx_side *side, const struct relation *rel, struct fx_err *err)
{
    char trigger[64];
    fx_fence_pg_name(side->group, trigger);
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX);
    fx_buf_add_c(&sql, "drop trigger if exists ");
    fx_db_ident(FX_PG, trigger, &sql);
    fx_buf_printf(&sql, " on %s", rel->name);
    if (begin_locking(side, REMOVE_LOCK_MS, err) && run(side, fx_buf_cstr(&sql), err) &&
        run(side, "commit", err))
        return true;
    fx_side_rollback(side);
    fail_in_time(err);
    return fx_ctx(err, "dropping the fence trigger of %s", rel->name);
}

static bool pg_remove(struct fx_side *side, struct fx_err *err)
{
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    if (!relations_read(side, &rels, err))
        return false;
    for (size_t i = 0; i < rels.list.len; i++)
        if (rels.list.items[i].trigger != TRIGGER_NONE &&
            !drop_trigger(side, &rels.list.items[i], err))
            return false;
    return true;
}

/* --- identities ------------------------------------------------------------------------------- */

static bool cell_int(const struct fx_rows *rows, int64_t *ret)
{
    fx_cell cell = rows->n_rows == 1 ? fx_rows_at(rows, 0, 0) : (fx_cell){0};
    return fx_parse_i64(cell, INT64_MIN, INT64_MAX, ret);
}

static bool id_read(struct fx_side *side, const struct fx_side_table *table, int64_t *ret,
                    struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX);
    fx_buf_add_c(&sql, "select greatest(coalesce(max(");
    fx_db_ident(FX_PG, table->identity->column, &sql);
    fx_buf_add_c(&sql, "), 0)");
    if (table->identity->sequence != NULL) /* what sessions have cached is below last_value */
        fx_buf_printf(&sql, ", (select last_value from %s)", table->identity->sequence);
    fx_buf_add_c(&sql, ") from ");
    fx_db_ident(FX_PG, table->schema, &sql);
    fx_buf_add_char(&sql, '.');
    fx_db_ident(FX_PG, table->name, &sql);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(side->db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return fx_ctx(err, "reading the highest id of %s.%s", table->schema, table->name);
    return cell_int(&rows, ret) ||
           fx_fail(err, FX_E_DB,
                   "the highest value of column \"%s\" of table \"%s.%s\" in database \"%s\" is "
                   "not a 64-bit integer",
                   table->identity->column, table->schema, table->name, side->conf->name) ||
           fx_hint(
               err,
               "A cut-over raises generated ids, which must be integers. See it: SELECT max(%s) "
               "FROM %s.%s; If only that row is wrong, correct it, then run the same command "
               "again; in a run: ficus run resume. If the column is of another type, go back "
               "first (ficus run rollback): changing a type stops the streams.",
               table->identity->column, table->schema, table->name);
}

static bool pg_ids_read(struct fx_side *side, int64_t *ret, struct fx_err *err)
{
    for (size_t t = 0; t < side->n_tables; t++) {
        ret[t] = -1;
        if (side->tables[t].identity != NULL && !id_read(side, &side->tables[t], &ret[t], err))
            return false;
    }
    return true;
}

/*
 * Guard and setval are one statement: a late setval could lower the counter of a side opened since.
 */
static bool id_raise(struct fx_side *side, const char *sequence, int64_t id, int64_t epoch,
                     bool *ret_guarded, struct fx_err *err)
{
    char id_text[FX_OWN_INT_TEXT], epoch_text[FX_OWN_INT_TEXT];
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX), literal = FX_BUF(1024);
    fx_db_literal(FX_PG, fx_str_from(sequence), &literal);
    fx_buf_printf(&sql,
                  "with g as materialized (select 1 from ficus.own where grp = ? and "
                  "state = 'AWAY' and epoch < ? for update) "
                  "select setval(%s, greatest(cast(? as bigint), (select last_value from %s))) "
                  "from g",
                  fx_buf_cstr(&literal), sequence);
    fx_cell params[] = {fx_str_from(side->group), fx_own_int(epoch, epoch_text),
                        fx_own_int(id, id_text)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(side->db, fx_buf_cstr(&sql), params, 3, &rows, err))
        return fx_ctx(err, "raising sequence %s", sequence);
    *ret_guarded = rows.n_rows == 1;
    return true;
}

static bool pg_ids_raise(struct fx_side *side, const int64_t *ids, int64_t epoch, bool *ret_guarded,
                         struct fx_err *err)
{
    *ret_guarded = true;
    for (size_t t = 0; t < side->n_tables && *ret_guarded; t++) {
        const struct fx_side_identity *identity = side->tables[t].identity;
        if (identity != NULL && identity->sequence != NULL && ids[t] > 0 &&
            !id_raise(side, identity->sequence, ids[t], epoch, ret_guarded, err))
            return false;
    }
    return true;
}

/* --- preflight -------------------------------------------------------------------------------- */

/* {"public.a","public.\"B\""} */
static void name_array(const struct relations *rels, struct fx_buf *out)
{
    fx_buf_add_char(out, '{');
    for (size_t i = 0; i < rels->list.len; i++) {
        fx_buf_add_c(out, i > 0 ? ",\"" : "\"");
        for (const char *p = rels->list.items[i].name; *p != '\0'; p++) {
            if (*p == '"' || *p == '\\')
                fx_buf_add_char(out, '\\');
            fx_buf_add_char(out, *p);
        }
        fx_buf_add_char(out, '"');
    }
    fx_buf_add_char(out, '}');
}

static bool check_server(struct fx_side *side, const fx_cell *limit, struct fx_findings *f,
                         struct fx_err *err)
{
    static const char *const names[] = {"may_set", "let_set", NULL};
    static const char *const rights[] = {
        "(has_parameter_privilege(current_user, 'deadlock_timeout', 'SET') OR "
        "current_setting('deadlock_timeout') = '100ms')",
        "GRANT SET ON PARAMETER deadlock_timeout TO %I;",
    };
    static const char *const no_rights[] = {
        "(SELECT rolsuper OR current_setting('deadlock_timeout') = '100ms' "
        "FROM pg_roles WHERE rolname = current_user)",
        "ALTER ROLE %I SET deadlock_timeout = ''100ms'';",
    };
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(side->db, "SELECT current_setting('server_version_num')::int >= 150000", NULL,
                      0, 1, 1, &rows, err))
        return false;
    bool has_rights = fx_str_eq_c(fx_rows_at(&rows, 0, 0), "t");
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(SQL_MAX);
    fx_fence_sql_fill(lib_ownership_sql_pg_check_server, names, has_rights ? rights : no_rights,
                      &sql);
    return fx_fence_ask(side, fx_buf_cstr(&sql), limit, 1, f, err);
}

static bool check_foreign(const struct relations *rels, struct fx_findings *f)
{
    bool is_foreign = false;
    for (size_t i = 0; i < rels->list.len; i++) {
        const struct relation *rel = &rels->list.items[i];
        if (rel->foreign == NULL)
            continue;
        is_foreign = true;
        FX_AUTO(fx_buf) struct fx_buf fix = FX_BUF(SQL_MAX);
        fx_buf_add_c(&fix, "DROP TRIGGER ");
        fx_db_ident(FX_PG, rel->foreign, &fix);
        fx_buf_printf(&fix, " ON %s;", rel->name);
        fx_findings_add(f, rel->name, fx_buf_cstr(&fix), "has the fence trigger of another group");
    }
    return is_foreign;
}

static bool pg_check(struct fx_side *side, int64_t old_txn_ms, struct fx_findings *f,
                     bool *ret_foreign, struct fx_err *err)
{
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    if (!relations_read(side, &rels, err))
        return false;
    *ret_foreign = check_foreign(&rels, f);
    char limit[64];
    (void)snprintf(limit, sizeof limit, "%" PRId64 " milliseconds", old_txn_ms);
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(SQL_MAX);
    name_array(&rels, &names);
    fx_cell params[] = {fx_buf_str(&names), fx_str_from(limit)};
    return fx_fence_ask(side, lib_ownership_sql_pg_check_writers, params, 2, f, err) &&
           check_server(side, &params[1], f, err);
}

static bool pg_writer_age(struct fx_side *side, int64_t *ret_ms, struct fx_err *err)
{
    __attribute__((cleanup(relations_done))) struct relations rels = {0};
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(SQL_MAX);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!relations_read(side, &rels, err))
        return false;
    name_array(&rels, &names);
    fx_cell param = fx_buf_str(&names);
    return fx_db_select_again(side->db, lib_ownership_sql_pg_writer_age, &param, 1, 1, 1, &rows,
                              err) &&
           (fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, ret_ms) ||
            fx_db_fail_answer(side->db, "with an age that is none", err));
}

static const struct fx_fence_ops fence_pg = {
    .install = pg_install,
    .arm = pg_arm,
    .refuse = pg_refuse,
    .renew = pg_renew,
    .fence = pg_fence,
    .write_marker = emit_marker,
    .armed = pg_armed,
    .refuses = pg_refuses,
    .disarm = pg_disarm,
    .remove = pg_remove,
    .ids_read = pg_ids_read,
    .ids_raise = pg_ids_raise,
    .check = pg_check,
    .writer_age = pg_writer_age,
};

static const char *const delete_rows[] = {"delete from ficus.own where grp = ?", NULL};

static const struct fx_schema_step schema_steps[] = {
    {NULL, "create table ficus.version"},
    {lib_ownership_sql_pg_schema_3,
     "create table ficus.controller: which controller holds a context"},
    {lib_ownership_sql_pg_schema_4, "create table ficus.dead: rows that are set aside"},
};

const struct fx_own_engine fx_own_postgresql = {
    .engine = FX_PG,
    .name = "PostgreSQL",
    .is_old_side = true,
    /*
     * A role may have synchronous_commit off, and a server crash may then lose a commit: not one of
     * ours. Stronger settings (remote_apply) stay.
     */
    .pin = "select set_config('synchronous_commit', 'on', false) "
           "where current_setting('synchronous_commit') in ('off', 'local')",
    .row = "select state, epoch, coalesce(operator, ''), "
           "coalesce(ceil(extract(epoch from until - clock_timestamp()) * 1000), 0)::bigint "
           "from ficus.own where grp = ?",
    .insert = "insert into ficus.own (grp, state, epoch) values (?, ?, ?) "
              "on conflict (grp) do nothing",
    .delete_rows = delete_rows,
    .drop_objects = "drop function if exists ficus.fence(); drop table if exists ficus.own",
    .canary_sequence = "ficus.canary_id_seq",
    .share_lock = "for share",
    .no_idle_limit = "set idle_in_transaction_session_timeout = 0",
    .holder = "select id, host, login, run, to_char(since, 'YYYY-MM-DD HH24:MI:SS TZ'), "
              "floor(extract(epoch from clock_timestamp() - since))::bigint, "
              "floor(extract(epoch from clock_timestamp() - seen))::bigint, "
              "(extract(epoch from since) * 1000000)::bigint "
              "from ficus.controller where grp = ?",
    .claim = "insert into ficus.controller (grp, id, host, login, run, plan) "
             "values (?, ?, ?, ?, ?, ?) on conflict (grp) do nothing",
    .guard = lib_ownership_sql_pg_guard,
    .create_version = lib_ownership_sql_pg_version,
    .create_controller = lib_ownership_sql_pg_schema_3,
    .create_dead = lib_ownership_sql_pg_schema_4,
    .limit_locks = "set lock_timeout = '1s'",
    .find_locks = "select pid, xact_start, query from pg_stat_activity where xact_start is not "
                  "null order by xact_start",
    .grant = "grant create on database NAME to USER",
    .schema_steps = schema_steps,
    .n_schema_steps = FX_ARRAY_LEN(schema_steps),
    .identity = "select c.system_identifier || '/' || d.oid from pg_control_system() c, "
                "pg_database d where d.datname = current_database()",
    .fence = &fence_pg,
};
