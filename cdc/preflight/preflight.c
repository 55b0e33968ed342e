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

#include "cdc/sink/batch.h"
#include "cdc/cdc.h"
#include "cdc/names.h"
#include "cdc/checks.h"
#include "lib/io/failpoint.h"

enum { VALUES_PER_TABLE = 3 };

struct preflight {
    struct fx_context *ctx;
    const struct cdc_options *options;
    struct cdc_sides sides;
    struct fx_findings findings;
    bool has_progress; /* the new side has ficus.progress, and lets us read it */
    bool sees_old_rows,
        sees_new_rows; /* of the context's tables; what it may not see is a finding already */
    bool must_be_empty, may_be_emptied; /* the tables of the new side */
    const char ***pads;                 /* for each table and pair: see cdc_check_keys */
};

static const struct fx_str NO_FIX = {"", 0};

static bool check_server(struct preflight *p, const struct cdc_side *side, struct fx_err *err)
{
    return side->engine->check_server(side, &p->findings, err) || cdc_side_err(side, err);
}

static bool check_rights(struct preflight *p, const struct cdc_side *side, bool *ret_sees_rows,
                         struct fx_err *err)
{
    if (side->engine->check_rights(side, &p->findings, ret_sees_rows, err))
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
    fx_findings_add_str(&p->findings, applier->conf->name, fx_buf_str(&what),
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
    bool is_ok = open_applier(p, &applier, err) &&
                 (applier.db == NULL || side->engine->check_applier(&applier, &p->findings, err));
    fx_db_close(applier.db);
    if (is_ok)
        return true;
    (void)cdc_side_err(side, err);
    return fx_ctx(err, "checking apply_user \"%s\" of database \"%s\"", applier.conf->user,
                  side->conf->name);
}

static void check_source_table(struct preflight *p, const struct fx_table *table)
{
    FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(512);
    fx_buf_printf(&where, "%s.%s", table->schema, table->name);
    if (table->n_key == 0)
        fx_findings_add(
            &p->findings, fx_buf_cstr(&where), NULL,
            "the table has no primary key: add one, or remove the table from the context");
    if (p->sides.old_side.engine->check_table != NULL)
        p->sides.old_side.engine->check_table(table, &p->findings);
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
    if (!is_begun(p, arena, &is_ours, &is_denied, err) ||
        !cdc_owner_read(p->ctx->name, p->sides.old_side.db, p->sides.new_side.db, &owner, err))
        return false;
    if (is_denied && owner == CDC_OWNER_OLD)
        owner = CDC_OWNER_UNKNOWN;
    p->must_be_empty = !is_ours && owner != CDC_OWNER_NEW;
    p->may_be_emptied = owner == CDC_OWNER_OLD;
    if (!is_ours && owner == CDC_OWNER_NEW)
        fx_findings_add_str(
            &p->findings, p->ctx->new_db->name,
            FX_STR(
                "this database owns the tables of this context, so a copy from the old side would "
                "replace newer rows with older ones; do not empty them"),
            NO_FIX);
    if (!is_ours && owner == CDC_OWNER_UNKNOWN)
        fx_findings_add_str(
            &p->findings, p->ctx->new_db->name,
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
    fx_db_ident(engine, table->schema, &sql);
    fx_buf_add_char(&sql, '.');
    fx_db_ident(engine, table->name, &sql);
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
    for (size_t i = 0; is_asked && i < binding->ctx.n_tables; i++) {
        const struct fx_table *table = cdc_target_table(binding, i);
        const char *name = fx_arena_printf(arena, "%s.%s", table->schema, table->name);
        bool is_strange = false;
        if (!has_strange_rows(p, binding, i, &is_strange, err))
            return false;
        if (!is_strange)
            continue;
        if (p->may_be_emptied)
            fx_findings_add_str(
                &p->findings, name,
                FX_STR("the target table is not empty and was not filled by this stream"),
                fx_str_from(fx_arena_printf(arena, CDC_CMD_EMPTY, p->ctx->name, p->ctx->name)));
        else
            fx_findings_add_str(&p->findings, name,
                                FX_STR("the target table is not empty; cannot tell who filled it"),
                                NO_FIX);
    }
    return true;
}

/* Two keys that differ in trailing spaces only would be one on the new side. */
static void check_spaces(struct preflight *p, const struct cdc_binding *binding, size_t t,
                         const struct cdc_row *row, int *n_bad)
{
    const struct fx_map_table *map = &binding->ctx.tables[t];
    for (size_t i = 0; i < map->n_columns && *n_bad < VALUES_PER_TABLE; i++) {
        const struct fx_value *v = &row->new[map->old_index[i]];
        if (p->pads[t][i] == NULL || v->kind != FX_V_TEXT || !fx_str_ends(v->s, FX_STR(" ")))
            continue;
        FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(400), what = FX_BUF(1024);
        cdc_row_describe(binding, row, &where);
        fx_buf_printf(
            &what,
            "column %s of a unique key ends in a space, which the collation of %s.%s ignores (PAD "
            "SPACE; utf8mb4_bin pads too): give it one that does not pad",
            map->columns[i].old_name, map->new_name, map->columns[i].new_name);
        fx_findings_add_str(&p->findings, fx_buf_cstr(&where), fx_buf_str(&what),
                            fx_str_from(p->pads[t][i]));
        (*n_bad)++;
    }
}

/* What the applier would write is made and thrown away:
 * the mapping and the target's types are both asked. */
static bool scan_rows(struct preflight *p, const struct cdc_binding *binding, size_t t,
                      struct fx_scan *scan, struct fx_err *err)
{
    struct cdc_batch batch;
    struct fx_value *row = NULL;
    bool is_ok = true;
    int n_bad = 0;
    cdc_batch_init(&batch, binding, 1);
    while ((is_ok = fx_scan_next(scan, &row, err)) && row != NULL && n_bad < VALUES_PER_TABLE) {
        struct fx_err why = FX_ERR_INIT;
        struct cdc_row change = {.op = CDC_INSERT, .table = t, .new = row};
        if (!cdc_batch_row(&batch, &change, &why)) {
            FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(400);
            cdc_row_describe(binding, &change, &where);
            fx_findings_add_str(&p->findings, fx_buf_cstr(&where), fx_str_from(why.message),
                                NO_FIX);
            n_bad++;
        }
        check_spaces(p, binding, t, &change, &n_bad);
        cdc_batch_clear(&batch);
    }
    cdc_batch_done(&batch);
    return is_ok;
}

static bool scan_table(struct preflight *p, const struct cdc_binding *binding, size_t t,
                       struct fx_arena *arena, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(binding, t);
    struct fx_scan *scan = NULL;
    int *columns = fx_arena_array(arena, table->n_columns, sizeof *columns);
    for (size_t c = 0; c < table->n_columns; c++)
        columns[c] = (int)c;
    struct fx_scan_spec spec = {.table = table, .columns = columns, .n_columns = table->n_columns};
    if (!fx_scan_open(p->sides.old_side.db, &spec, &scan, err))
        return false;
    bool is_ok = scan_rows(p, binding, t, scan, err);
    fx_scan_close(scan);
    return is_ok;
}

static bool check_tables(struct preflight *p, bool is_thorough, struct fx_arena *arena,
                         struct fx_err *err)
{
    struct cdc_binding *binding = NULL;
    if (!cdc_check_silent_loss(&p->findings, &p->sides, err))
        return false;
    if (!cdc_bind_tables(p->ctx, FX_FORWARD, p->sides.old_side.db, p->sides.new_side.db, arena,
                         &binding, err)) {
        if (err->is_retriable || err->code == FX_E_DB)
            return false;
        fx_findings_add_str(&p->findings, "mapping", fx_str_from(err->message), NO_FIX);
        if (err->detail[0] != '\0')
            fx_findings_add_str(&p->findings, "mapping", fx_str_from(err->detail), NO_FIX);
        fx_err_clear(err);
        return true;
    }
    for (size_t i = 0; i < binding->ctx.n_tables; i++)
        check_source_table(p, cdc_source_table(binding, i));
    if (!cdc_check_keys(&p->findings, binding, &p->sides, arena, &p->pads, err))
        return false;
    if (!check_empty(p, binding, arena, err))
        return cdc_side_err(&p->sides.new_side, err);
    for (size_t i = 0; is_thorough && p->sees_old_rows && i < p->ctx->n_tables; i++)
        if (!scan_table(p, binding, i, arena, err)) {
            fx_err_as_source(err);
            return fx_ctx(err, "scanning table \"%s\"", p->ctx->tables[i].old_name);
        }
    return true;
}

static bool check_all(struct preflight *p, bool is_thorough, struct fx_arena *arena,
                      struct fx_err *err)
{
    const struct cdc_side *old_side = &p->sides.old_side, *new_side = &p->sides.new_side;
    return ask_owner(p, arena, err) && check_server(p, old_side, err) &&
           check_server(p, new_side, err) && check_rights(p, old_side, &p->sees_old_rows, err) &&
           check_rights(p, new_side, &p->sees_new_rows, err) && check_applier(p, old_side, err) &&
           check_applier(p, new_side, err) && check_tables(p, is_thorough, arena, err);
}

bool cdc_preflight(struct fx_context *ctx, const struct cdc_options *options, bool is_thorough,
                   struct fx_err *err)
{
    struct preflight p = {.ctx = ctx, .options = options};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_findings_init(&p.findings);
    bool is_ok = cdc_sides_open(ctx, &p.sides, err);
    if (is_ok) {
        is_ok = check_all(&p, is_thorough, &arena, err);
        cdc_sides_close(&p.sides);
    }
    is_ok = is_ok && cdc_findings_none(&p.findings, ctx->name, err);
    fx_findings_done(&p.findings);
    return is_ok || fx_ctx(err, "preflight of context \"%s\"", ctx->name);
}
