/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PostgreSQL side needs, made and removed: Ficus's own tables; as a source a publication
 * (the slot is made by the initial copy); as a target the replication origin by which the other
 * stream knows what this one's applier wrote.
 */
#include <string.h>

#include "cdc/names.h"
#include "cdc/pg/pg_priv.h"
#include "lib/base/clock.h"

extern const char cdc_pg_sql_install[];

enum { IN_USE_WAIT_MS = 10000 };

/* --- the publication -------------------------------------------------------------------------- */

static bool has_row(struct fx_db *db, const char *sql, const char *param, bool *ret,
                    struct fx_err *err)
{
    struct fx_rows rows;
    fx_cell cell = fx_str_from(param);
    if (!fx_db_query(db, sql, &cell, 1, &rows, err))
        return false;
    *ret = rows.n_rows > 0;
    fx_rows_done(&rows);
    return true;
}

static void add_table(struct fx_buf *sql, const char *schema, const char *name)
{
    fx_buf_add_c(sql, ", ");
    fx_db_ident(FX_PG, schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(FX_PG, name, sql);
}

/*
 * The leak detector wants the state before a change too. Only when it is not so yet: the lock that
 * ALTER TABLE takes must not delay a fence.
 */
static bool log_whole_own(struct fx_db *db, struct fx_err *err)
{
    bool is_whole = false;
    return has_row(db, "select 1 from pg_class where oid = to_regclass(?) and relreplident = 'f'",
                   "ficus.own", &is_whole, err) &&
           (is_whole ||
            fx_db_exec(db, "alter table ficus.own replica identity full", NULL, 0, NULL, err));
}

static bool publish_own(struct fx_db *db, const char *publication, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    bool is_published = false;
    if (!log_whole_own(db, err) ||
        !has_row(db,
                 "select 1 from pg_publication_tables where pubname = ? and schemaname = 'ficus' "
                 "and tablename = 'own'",
                 publication, &is_published, err) ||
        is_published)
        return is_published;
    fx_buf_add_c(&sql, "alter publication ");
    fx_db_ident(FX_PG, publication, &sql);
    fx_buf_add_c(&sql, " add table ficus.own");
    return fx_db_exec(db, fx_buf_cstr(&sql), NULL, 0, NULL, err) ||
           fx_ctx(err, "publishing ficus.own");
}

/*
 * ficus.own belongs to the plans, which may not be there when streams are used alone. The tables
 * are set until there is a slot: one that comes in later was not copied, and one that left and
 * comes back has changes that are lost.
 */
static bool publish(const struct cdc_side *side, const char *name, struct fx_err *err)
{
    struct fx_db *db = side->db;
    bool exists = false;
    bool has_own = false;
    bool has_slot = false;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 20);
    if (!has_row(db, "select 1 from pg_publication where pubname = ?", name, &exists, err) ||
        !has_row(db, "select 1 from pg_replication_slots where slot_name = ?", name, &has_slot,
                 err) ||
        !has_row(db, "select 1 where to_regclass(?) is not null", "ficus.own", &has_own, err))
        return false;
    if (has_slot)
        return !exists || !has_own || publish_own(db, name, err);
    fx_buf_add_c(&sql, exists ? "alter publication " : "create publication ");
    fx_db_ident(FX_PG, name, &sql);
    fx_buf_add_c(&sql, exists ? " set table ficus.canary, ficus.barrier"
                              : " for table ficus.canary, ficus.barrier");
    if (has_own)
        fx_buf_add_c(&sql, ", ficus.own");
    if (has_own && !log_whole_own(db, err))
        return false;
    for (size_t i = 0; i < side->ctx->n_tables; i++)
        add_table(&sql, cdc_side_schema(side, i), cdc_side_table(side, i));
    if (!exists)
        fx_buf_add_c(&sql, " with (publish_via_partition_root = true)");
    return fx_db_exec(db, fx_buf_cstr(&sql), NULL, 0, NULL, err) ||
           fx_ctx(err, "publishing the tables of context \"%s\"", side->ctx->name);
}

/* --- both ------------------------------------------------------------------------------------- */

bool cdc_pg_install(const struct cdc_side *side, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_arena_init(&arena, 0);
    fx_cell origin = fx_str_from(cdc_name_origin(side->ctx->name, side->in, &arena));
    if (!fx_db_exec(side->db, cdc_pg_sql_install, NULL, 0, NULL, err) ||
        !publish(side, cdc_name_slot(side->ctx->name, side->out, &arena), err))
        return false;
    fx_cell twice[] = {origin, origin};
    return fx_db_query(side->db,
                       "select pg_replication_origin_create(?) where not exists "
                       "(select 1 from pg_replication_origin where roname = ?)",
                       twice, 2, &rows, err) ||
           fx_ctx(err, "creating replication origin \"%.*s\"", FX_STR_FMT(origin));
}

bool cdc_pg_remove(struct fx_db *db, const char *sql, const char *name, struct fx_err *err)
{
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), IN_USE_WAIT_MS);
    fx_cell param = fx_str_from(name);
    for (;;) {
        struct fx_rows rows;
        if (fx_db_query(db, sql, &param, 1, &rows, err)) {
            fx_rows_done(&rows);
            return true;
        }
        bool is_in_use = strcmp(err->sqlstate, "55006") == 0;
        if (is_in_use)
            (void)fx_hint(err, "A process uses it; the message names its number. It may be a "
                               "stream on another host. End it, then run the same command again; "
                               "in a run: ficus run resume");
        if (!is_in_use || fx_mono_reached(until, fx_mono_now()))
            return fx_ctx(err, "removing \"%s\"", name);
        fx_sleep_ms(100);
    }
}

static bool forget_table_schemas(const struct cdc_side *side, struct fx_arena *arena,
                                 struct fx_err *err)
{
    fx_cell stream = fx_str_from(cdc_name_stream(side->ctx->name, side->out, arena));
    if (fx_db_exec(side->db, "delete from ficus.shape where stream = ?", &stream, 1, NULL, err))
        return true;
    bool is_gone = fx_db_is_no_table(err);
    if (is_gone)
        fx_err_clear(err);
    return is_gone;
}

bool cdc_pg_uninstall(const struct cdc_side *side, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    fx_arena_init(&arena, 0);
    const char *slot = cdc_name_slot(side->ctx->name, side->out, &arena);
    fx_buf_add_c(&sql, "drop publication if exists ");
    fx_db_ident(FX_PG, slot, &sql);
    return cdc_pg_remove(side->db,
                         "select pg_drop_replication_slot(slot_name) from pg_replication_slots "
                         "where slot_name = ?",
                         slot, err) &&
           cdc_pg_remove(side->db,
                         "select pg_replication_origin_drop(roname) from pg_replication_origin "
                         "where roname = ?",
                         cdc_name_origin(side->ctx->name, side->in, &arena), err) &&
           fx_db_exec(side->db, fx_buf_cstr(&sql), NULL, 0, NULL, err) &&
           forget_table_schemas(side, &arena, err);
}
