/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both streams need on both sides, made and removed. Everything is idempotent: a resumed plan runs it again.
 *
 * The reverse stream's start that is recorded here is a place holder: the copy moves it behind the moment in which it
 * finds the new side's tables empty (snapshotter.c), and the reverse stream waits for that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/cdc.h"
#include "cdc/change.h"
#include "cdc/names.h"
#include "lib/base/clock.h"
#include "lib/io/flock.h"

extern const char cdc_pg_sql_install[];
extern const char cdc_mysql_sql_install[];

enum { SLOT_WAIT_MS = 10000 };

struct pair {
    struct fx_db *old_db, *new_db;
};

static void pair_close(struct pair *pair)
{
    fx_db_close(pair->old_db);
    fx_db_close(pair->new_db);
}

static bool pair_open(const struct fx_context *ctx, struct pair *ret, struct fx_err *err)
{
    *ret = (struct pair){0};
    if (ctx->old_db->engine != FX_PG || ctx->new_db->engine != FX_MY) {
        (void)fx_fail(err, FX_E_UNSUPPORTED,
                      "context \"%s\": streams run from PostgreSQL (old) to MariaDB (new) and back",
                      ctx->name);
        return fx_hint(err, "Other pairs of engines are not supported by this release.");
    }
    if (!fx_db_open(ctx->old_db, &ret->old_db, err)) {
        fx_err_as_source(err);
        return fx_ctx(err, "opening database \"%s\"", ctx->old_db->name);
    }
    if (!fx_db_open(ctx->new_db, &ret->new_db, err)) {
        fx_err_as_target(err);
        pair_close(ret);
        return fx_ctx(err, "opening database \"%s\"", ctx->new_db->name);
    }
    return true;
}

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

/* ---- install ------------------------------------------------------------------------------------------- */

static void add_table(struct fx_buf *sql, const char *schema, const char *name)
{
    fx_buf_add_c(sql, ", ");
    fx_db_ident(FX_PG, schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(FX_PG, name, sql);
}

/*
 * The leak detector wants the state before a change too. Only when it is not so yet: the lock that ALTER TABLE
 * takes must not stand in the way of a fence.
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
 * ficus.own belongs to the plans, which may not be there when streams are used alone. The tables are set until there
 * is a slot: one that comes in later was not copied, and one that left and comes back has changes that are lost.
 */
static bool publication(const struct fx_context *ctx, struct fx_db *db, const char *name,
                        struct fx_err *err)
{
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
    for (size_t i = 0; i < ctx->n_tables; i++)
        add_table(&sql, ctx->tables[i].old_schema, ctx->tables[i].old_name);
    if (!exists)
        fx_buf_add_c(&sql, " with (publish_via_partition_root = true)");
    return fx_db_exec(db, fx_buf_cstr(&sql), NULL, 0, NULL, err) ||
           fx_ctx(err, "publishing the tables of context \"%s\"", ctx->name);
}

static bool install_old(const struct fx_context *ctx, struct pair *pair, struct fx_arena *arena,
                        struct fx_err *err)
{
    const char *slot = cdc_name_slot(ctx->name, arena);
    fx_cell origin = fx_str_from(cdc_name_origin(ctx->name, arena));
    struct fx_rows rows;
    if (!fx_db_exec(pair->old_db, cdc_pg_sql_install, NULL, 0, NULL, err) ||
        !publication(ctx, pair->old_db, slot, err))
        return false;
    fx_cell twice[] = {origin, origin};
    if (!fx_db_query(pair->old_db,
                     "select pg_replication_origin_create(?) where not exists "
                     "(select 1 from pg_replication_origin where roname = ?)",
                     twice, 2, &rows, err))
        return fx_ctx(err, "creating replication origin \"%.*s\"", FX_STR_FMT(origin));
    fx_rows_done(&rows);
    return true;
}

/* Rows for both streams; one that exists stays. */
static bool record_start(const struct fx_context *ctx, struct pair *pair, struct fx_arena *arena,
                         struct fx_err *err)
{
    struct fx_pos now;
    if (!fx_db_pos_now(pair->new_db, &now, err))
        return fx_ctx(err, "reading the position of database \"%s\"", ctx->new_db->name);
    fx_cell reverse[] = {fx_str_from(cdc_name_stream(ctx->name, FX_REVERSE, arena)),
                         fx_str_from(now.text)};
    fx_cell forward[] = {fx_str_from(cdc_name_stream(ctx->name, FX_FORWARD, arena))};
    return fx_db_exec(
               pair->old_db,
               "insert into ficus.progress (stream, position, phase) values (?, ?, 'stream') "
               "on conflict (stream) do nothing",
               reverse, 2, NULL, err) &&
           fx_db_exec(
               pair->new_db,
               "insert ignore into ficus.progress (stream, position, phase) values (?, '', 'new')",
               forward, 1, NULL, err);
}

bool cdc_install(struct fx_context *ctx, struct fx_err *err)
{
    struct pair pair;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (!pair_open(ctx, &pair, err))
        return false;
    bool is_ok = install_old(ctx, &pair, &arena, err);
    if (!is_ok)
        fx_err_as_source(err);
    if (is_ok) {
        is_ok = fx_db_exec(pair.new_db, cdc_mysql_sql_install, NULL, 0, NULL, err) &&
                record_start(ctx, &pair, &arena, err);
        if (!is_ok)
            fx_err_as_target(err);
    }
    pair_close(&pair);
    return is_ok || fx_ctx(err, "installing the streams of context \"%s\"", ctx->name);
}

/* ---- drop ---------------------------------------------------------------------------------------------- */

/* The walsender of a stream that has just ended holds its slot for a moment. */
static bool drop_named(struct fx_db *db, const char *sql, const char *name, struct fx_err *err)
{
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), SLOT_WAIT_MS);
    fx_cell param = fx_str_from(name);
    for (;;) {
        struct fx_rows rows;
        if (fx_db_query(db, sql, &param, 1, &rows, err)) {
            fx_rows_done(&rows);
            return true;
        }
        if (strcmp(err->sqlstate, "55006") != 0 || fx_mono_reached(until, fx_mono_now()))
            return fx_ctx(err, "removing \"%s\"", name);
        fx_sleep_ms(100);
    }
}

static bool drop_shapes(struct fx_db *db, const char *stream, struct fx_err *err)
{
    fx_cell name = fx_str_from(stream);
    if (fx_db_exec(db, "delete from ficus.shape where stream = ?", &name, 1, NULL, err))
        return true;
    bool is_gone = fx_db_is_no_table(err);
    if (is_gone)
        fx_err_clear(err);
    return is_gone;
}

static bool drop_rows(struct fx_db *db, const struct fx_context *ctx, const char *stream,
                      struct fx_arena *arena, struct fx_err *err)
{
    fx_cell name = fx_str_from(stream);
    fx_cell groups[] = {fx_str_from(ctx->name),
                        fx_str_from(fx_arena_printf(arena, "%s.canary", ctx->name))};
    if (fx_db_exec(db, "delete from ficus.progress where stream = ?", &name, 1, NULL, err) &&
        fx_db_exec(db, "delete from ficus.leak where stream = ?", &name, 1, NULL, err) &&
        fx_db_exec(db, "delete from ficus.barrier where grp in (?, ?)", groups, 2, NULL, err) &&
        fx_db_exec(db, "delete from ficus.canary where grp in (?, ?)", groups, 2, NULL, err))
        return true;
    bool is_gone = fx_db_is_no_table(err);
    if (is_gone)
        fx_err_clear(err);
    return is_gone;
}

static bool drop_old(const struct fx_context *ctx, struct fx_db *db, struct fx_arena *arena,
                     struct fx_err *err)
{
    const char *slot = cdc_name_slot(ctx->name, arena);
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    fx_buf_add_c(&sql, "drop publication if exists ");
    fx_db_ident(FX_PG, slot, &sql);
    return drop_named(db,
                      "select pg_drop_replication_slot(slot_name) from pg_replication_slots where "
                      "slot_name = ?",
                      slot, err) &&
           drop_named(db,
                      "select pg_replication_origin_drop(roname) from pg_replication_origin where "
                      "roname = ?",
                      cdc_name_origin(ctx->name, arena), err) &&
           fx_db_exec(db, fx_buf_cstr(&sql), NULL, 0, NULL, err) &&
           /* As the applier: a rehearsal that died may have left its canary fenced, or away. */
           fx_db_exec(db, "set session_replication_role = replica", NULL, 0, NULL, err) &&
           drop_shapes(db, cdc_name_stream(ctx->name, FX_FORWARD, arena), err) &&
           drop_rows(db, ctx, cdc_name_stream(ctx->name, FX_REVERSE, arena), arena, err);
}

bool cdc_drop(struct fx_context *ctx, const struct cdc_ref *ref, struct fx_err *err)
{
    struct pair pair;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct cdc_ref side = *ref;
    for (int dir = FX_FORWARD; dir <= FX_REVERSE; dir++) {
        side.direction = (enum fx_direction)dir;
        if (!cdc_stop(&side, SLOT_WAIT_MS, err))
            return false;
    }
    if (!pair_open(ctx, &pair, err))
        return false;
    bool is_ok = drop_old(ctx, pair.old_db, &arena, err);
    if (!is_ok)
        fx_err_as_source(err);
    if (is_ok &&
        !drop_rows(pair.new_db, ctx, cdc_name_stream(ctx->name, FX_FORWARD, &arena), &arena, err)) {
        fx_err_as_target(err);
        is_ok = false;
    }
    pair_close(&pair);
    is_ok = is_ok && cdc_context_forget(ref, err);
    return is_ok || fx_ctx(err, "dropping the streams of context \"%s\"", ctx->name);
}
