/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that would stop a stream, found before it starts, all in one error: what is wrong,
 * where, and the command that fixes it. The thorough form reads every row of the source and lets
 * the mapping judge it, so that a value that the target cannot hold is a finding here and not a
 * stop in the middle of the night.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/cdc.h"
#include "cdc/checks.h"
#include "cdc/names.h"
#include "cdc/preflight/scan.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"

struct preflight {
    struct fx_context *ctx;
    const struct cdc_options *options;
    const struct cdc_scan_how *scan; /* NULL: quick */
    struct cdc_sides sides;
    struct fx_findings *findings; /* the caller's */
    bool has_progress;            /* the new side has ficus.progress, and lets us read it */
    bool sees_old_rows,
        sees_new_rows; /* of the context's tables; what it may not see is a finding already */
    bool must_be_empty, may_be_emptied; /* the tables of the new side */
    const char ***pads;                 /* for each table and pair: see cdc_check_keys */
};

static const struct fx_str NO_FIX = {"", 0};

static bool check_server(struct preflight *p, const struct cdc_side *side, struct fx_err *err)
{
    fx_findings_topic(p->findings, "server-setting", "settings of the servers", NULL);
    return side->engine->check_server(side, p->findings, err) || cdc_side_err(side, err);
}

static bool check_rights(struct preflight *p, const struct cdc_side *side, bool *ret_sees_rows,
                         struct fx_err *err)
{
    fx_findings_topic(p->findings, "rights", "rights that the users lack", NULL);
    if (side->engine->check_rights(side, p->findings, ret_sees_rows, err))
        return true;
    (void)cdc_side_err(side, err);
    return fx_ctx(err, "checking the privileges of the user of database \"%s\"", side->conf->name);
}

/* Whatever keeps it out is one finding among others: who, and what lets it in. */
static bool open_applier(struct preflight *p, struct cdc_side *applier, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(2048);
    if (fx_db_open(applier->conf, &applier->db, err))
        return true;
    if (err->is_retriable && err->sqlstate[0] == '\0')
        return false;
    fx_buf_printf(&what, "apply_user %s: %s", applier->conf->user, err->message);
    fx_findings_add_str(p->findings, applier->conf->name, fx_buf_str(&what),
                        fx_str_from(err->hint));
    fx_err_clear(err);
    return true;
}

/* In a session of the applier, which proves that it may connect. */
static bool check_applier(struct preflight *p, const struct cdc_side *side, struct fx_err *err)
{
    struct cdc_side applier = *side;
    applier.conf = side->conf->applier;
    applier.db = NULL;
    if (applier.conf == NULL)
        return true;
    fx_findings_topic(p->findings, "rights", "rights that the users lack", NULL);
    bool is_ok = open_applier(p, &applier, err) &&
                 (applier.db == NULL || side->engine->check_applier(&applier, p->findings, err));
    fx_db_close(applier.db);
    if (is_ok)
        return true;
    (void)cdc_side_err(side, err);
    return fx_ctx(err, "checking apply_user \"%s\" of database \"%s\"", applier.conf->user,
                  side->conf->name);
}

/* A table without a key is a finding of the mapping. */
static void check_source_tables(struct preflight *p, const struct cdc_binding *binding)
{
    const struct cdc_engine *engine = p->sides.old_side.engine;
    fx_findings_topic(p->findings, "replica-identity", "tables whose log lacks their key", NULL);
    for (size_t i = 0; engine->check_table != NULL && i < binding->ctx.n_tables; i++)
        if (cdc_source_table(binding, i) != NULL)
            engine->check_table(cdc_source_table(binding, i), p->findings);
}

/* *ret: the forward stream has begun, so the rows in
 * the target's tables are its own. Denied: unknown. */
static bool is_begun(struct preflight *p, struct fx_arena *arena, bool *ret, bool *ret_denied,
                     struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell stream = fx_str_from(cdc_name_stream(p->ctx->name, FX_FORWARD, arena));
    *ret = false;
    if (fx_db_query(p->sides.new_side.db,
                    "select 1 from ficus.progress where stream = ? and phase <> 'new'", &stream, 1,
                    &rows, err)) {
        *ret = rows.n_rows > 0;
        p->has_progress = true;
        return true;
    }
    *ret_denied = fx_db_is_denied(err);
    if (!fx_db_is_no_table(err) && !*ret_denied)
        return cdc_side_err(&p->sides.new_side, err);
    fx_err_clear(err);
    return true;
}

/* A stream that has not begun may only fill empty tables,
 * and nobody empties those that customers write to. */
static bool ask_owner(struct preflight *p, struct fx_arena *arena, struct fx_err *err)
{
    bool is_ours = false, is_denied = false;
    enum cdc_owner owner = CDC_OWNER_UNKNOWN;
    fx_findings_topic(p->findings, "owner", "who owns the tables", NULL);
    if (!is_begun(p, arena, &is_ours, &is_denied, err) ||
        !cdc_owner_read(p->ctx->name, p->sides.old_side.db, p->sides.new_side.db, &owner, err))
        return false;
    if (is_denied && owner == CDC_OWNER_OLD)
        owner = CDC_OWNER_UNKNOWN;
    p->must_be_empty = !is_ours && owner != CDC_OWNER_NEW;
    p->may_be_emptied = owner == CDC_OWNER_OLD;
    if (!is_ours && owner == CDC_OWNER_NEW)
        fx_findings_add_str(
            p->findings, p->ctx->new_db->name,
            FX_STR(
                "this database owns the tables of this context, so a copy from the old side would "
                "replace newer rows with older ones; do not empty them"),
            NO_FIX);
    if (!is_ours && owner == CDC_OWNER_UNKNOWN)
        fx_findings_add_str(
            p->findings, p->ctx->new_db->name,
            FX_STR("cannot tell which side owns the tables of this context: ficus.own or "
                   "ficus.progress cannot be read: grant SELECT on both; do not empty them"),
            NO_FIX);
    return true;
}

/*
 * One statement, so one snapshot on both engines: a stream whose copy begins between two would make
 * its own rows look like somebody else's.
 */
static bool has_strange_rows(struct preflight *p, const struct cdc_binding *binding, size_t t,
                             bool *ret, struct fx_err *err)
{
    const struct fx_table *table = cdc_target_table(binding, t);
    enum fx_engine engine = p->sides.new_side.conf->engine;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(2048);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_buf_add_c(&sql, "select 1 from ");
    fx_db_table_ident(engine, table, &sql);
    if (p->has_progress) {
        fx_buf_add_c(&sql, " where not exists (select 1 from ficus.progress where stream = ");
        fx_db_literal(engine, fx_str_from(binding->stream), &sql);
        fx_buf_add_c(&sql, " and phase <> 'new')");
    }
    fx_buf_add_c(&sql, " limit 1");
    FX_FAILPOINT("preflight.empty.before");
    if (!fx_db_query(p->sides.new_side.db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return false;
    *ret = rows.n_rows > 0;
    return true;
}

static bool check_empty(struct preflight *p, const struct cdc_binding *binding,
                        struct fx_arena *arena, struct fx_err *err)
{
    bool is_told = p->options->empties_target && p->may_be_emptied;
    bool is_asked = p->must_be_empty && p->sees_new_rows && !is_told;
    fx_findings_topic(p->findings, "not-empty", "tables of the new side that have rows", NULL);
    for (size_t i = 0; is_asked && i < binding->ctx.n_tables; i++) {
        const struct fx_table *table = cdc_target_table(binding, i);
        if (table == NULL)
            continue;
        const char *name = fx_arena_printf(arena, "%s.%s", table->schema, table->name);
        bool is_strange = false;
        if (!has_strange_rows(p, binding, i, &is_strange, err))
            return false;
        if (!is_strange)
            continue;
        if (p->may_be_emptied)
            fx_findings_add_str(
                p->findings, name,
                FX_STR("the target table is not empty and was not filled by this stream"),
                fx_str_from(fx_arena_printf(arena, CDC_CMD_EMPTY, p->ctx->name, p->ctx->name)));
        else
            fx_findings_add_str(p->findings, name,
                                FX_STR("the target table is not empty; cannot tell who filled it"),
                                NO_FIX);
    }
    return true;
}

/* Without the scan the server looks: keys that it
 * takes for one would stop the stream at any time. */
static bool ask_spaces(struct preflight *p, const struct cdc_binding *binding, size_t t,
                       size_t pair, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(binding, t);
    const struct fx_map_column *column = &binding->ctx.tables[t].columns[pair];
    enum fx_engine engine = p->sides.old_side.conf->engine;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(2048), where = FX_BUF(400), what = FX_BUF(1024);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_buf_add_c(&sql, "select 1 from ");
    fx_db_table_ident(engine, table, &sql);
    /* Not LIKE, which PostgreSQL before 18 refuses where a collation is not deterministic; not
     * "= ' '" either, which may ignore spaces: 32 is the code of the last character. */
    fx_buf_add_c(&sql, " where ascii(right(");
    fx_db_ident(engine, column->old_name, &sql);
    fx_buf_add_c(&sql, ", 1)) = 32 limit 1");
    if (!fx_db_query(p->sides.old_side.db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return cdc_side_err(&p->sides.old_side, err);
    if (rows.n_rows == 0)
        return true;
    fx_buf_printf(&where, "%s.%s", table->schema, table->name);
    fx_buf_printf(&what, CDC_SPACE_WHAT, column->old_name, "has values that end in a space",
                  binding->ctx.tables[t].new_name, column->new_name);
    fx_findings_put(p->findings, &(struct fx_finding){.kind = CDC_SPACE_KIND,
                                                      .group = CDC_SPACE_GROUP,
                                                      .where = fx_buf_cstr(&where),
                                                      .column = column->old_name,
                                                      .what = fx_buf_cstr(&what),
                                                      .fix = p->pads[t][pair]});
    return true;
}

static bool ask_all_spaces(struct preflight *p, const struct cdc_binding *binding,
                           struct fx_err *err)
{
    for (size_t t = 0; p->sees_old_rows && t < binding->ctx.n_tables; t++)
        for (size_t i = 0; i < binding->ctx.tables[t].n_columns; i++)
            if (p->pads[t][i] != NULL && !ask_spaces(p, binding, t, i, err))
                return false;
    return true;
}

static bool scan_values(struct preflight *p, const struct cdc_binding *binding,
                        struct fx_arena *arena, struct fx_err *err)
{
    const char *dir = fx_arena_printf(arena, "%s/preflight", p->scan->state_dir);
    struct cdc_scan_spec spec = {.sides = &p->sides,
                                 .binding = binding,
                                 .pads = p->pads,
                                 .n_sessions = (size_t)p->options->scan_sessions,
                                 .file = fx_arena_printf(arena, "%s/%s.scan", dir, p->ctx->name),
                                 .on_progress = p->scan->on_progress,
                                 .arg = p->scan->arg};
    return !p->sees_old_rows || (fx_dir_make(dir, err) && cdc_scan_values(&spec, p->findings, err));
}

static bool check_tables(struct preflight *p, struct fx_arena *arena, struct fx_err *err)
{
    struct cdc_binding *binding = NULL;
    fx_findings_topic(p->findings, "silent-loss",
                      "tables of which rows would be lost or changed without a word", NULL);
    if (!cdc_check_silent_loss(p->findings, &p->sides, err))
        return false;
    if (!cdc_bind_tables(p->ctx, p->sides.old_side.db, p->sides.new_side.db, arena, p->findings,
                         &binding, err))
        return false;
    check_source_tables(p, binding);
    if (!cdc_check_keys(p->findings, binding, &p->sides, arena, &p->pads, err))
        return false;
    if (!check_empty(p, binding, arena, err))
        return cdc_side_err(&p->sides.new_side, err);
    return p->scan != NULL ? scan_values(p, binding, arena, err) : ask_all_spaces(p, binding, err);
}

static bool check_all(struct preflight *p, struct fx_arena *arena, struct fx_err *err)
{
    const struct cdc_side *old_side = &p->sides.old_side, *new_side = &p->sides.new_side;
    return ask_owner(p, arena, err) && check_server(p, old_side, err) &&
           check_server(p, new_side, err) && check_rights(p, old_side, &p->sees_old_rows, err) &&
           check_rights(p, new_side, &p->sees_new_rows, err) && check_applier(p, old_side, err) &&
           check_applier(p, new_side, err) && check_tables(p, arena, err);
}

bool cdc_preflight_find(struct fx_context *ctx, const struct cdc_options *options,
                        const struct cdc_scan_how *scan, struct fx_findings *f, struct fx_err *err)
{
    struct preflight p = {.ctx = ctx, .options = options, .scan = scan, .findings = f};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    bool is_ok = cdc_sides_open(ctx, &p.sides, err);
    if (is_ok) {
        is_ok = check_all(&p, &arena, err);
        cdc_sides_close(&p.sides);
    }
    return is_ok || fx_ctx(err, "preflight of context \"%s\"", ctx->name);
}

bool cdc_preflight(struct fx_context *ctx, const struct cdc_options *options,
                   const struct cdc_scan_how *scan, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    if (!cdc_preflight_find(ctx, options, scan, &f, err))
        return false;
    return cdc_findings_none(&f, ctx->name, err) ||
           fx_ctx(err, "preflight of context \"%s\"", ctx->name);
}
