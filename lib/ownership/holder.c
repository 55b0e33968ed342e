/* SPDX-License-Identifier: Apache-2.0 */
/* The row of ficus.controller: read, claimed, and named in the statements of others. */
#include "lib/ownership/holder.h"

#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "lib/ownership/side.h"

enum { STATEMENT_MS = 10000 };

/* --- reading ---------------------------------------------------------------------------------- */

static void copy_cell(const struct fx_rows *rows, size_t column, char *out, size_t size)
{
    struct fx_str text = fx_utf8_clip(fx_rows_at(rows, 0, column), size - 1);
    snprintf(out, size, "%.*s", FX_STR_FMT(text));
}

static int64_t number(const struct fx_rows *rows, size_t column)
{
    int64_t s = 0;
    return fx_parse_i64(fx_rows_at(rows, 0, column), INT64_MIN, INT64_MAX, &s) && s > 0 ? s : 0;
}

static void from_row(const struct fx_rows *rows, struct fx_holder *ret)
{
    ret->is_known = true;
    copy_cell(rows, 0, ret->id, sizeof ret->id);
    copy_cell(rows, 1, ret->host, sizeof ret->host);
    copy_cell(rows, 2, ret->login, sizeof ret->login);
    copy_cell(rows, 3, ret->run, sizeof ret->run);
    copy_cell(rows, 4, ret->since, sizeof ret->since);
    ret->since_s = number(rows, 5);
    ret->seen_s = number(rows, 6);
    ret->since_us = number(rows, 7);
}

bool fx_holder_read(struct fx_db *db, const char *context, struct fx_holder *ret,
                    struct fx_err *err)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell grp = fx_str_from(context);
    *ret = (struct fx_holder){.has_table = true};
    if (engine == NULL || !fx_db_query(db, engine->holder, &grp, 1, &rows, err)) {
        ret->has_table = false;
        if (engine != NULL && !fx_db_is_no_table(err))
            return fx_ctx(err, "reading which controller holds context \"%s\" in database \"%s\"",
                          context, db->conf->name);
        fx_err_clear(err);
        return true;
    }
    if (rows.n_rows > 0)
        from_row(&rows, ret);
    return true;
}

static void as_side(bool is_new, struct fx_err *err)
{
    (is_new ? fx_err_as_target : fx_err_as_source)(err);
}

static bool read_one(const struct fx_context *ctx, bool is_new, struct fx_holder *ret,
                     struct fx_err *err)
{
    struct fx_side side = {.conf = is_new ? ctx->new_db : ctx->old_db, .group = ctx->name};
    bool ok =
        fx_side_open(&side, STATEMENT_MS, err) && fx_holder_read(side.db, ctx->name, ret, err);
    fx_side_close(&side);
    if (!ok)
        as_side(is_new, err);
    return ok;
}

bool fx_holder_read_both(const struct fx_context *ctx, struct fx_holder *ret_old,
                         struct fx_holder *ret_new, struct fx_err *err)
{
    return read_one(ctx, false, ret_old, err) && read_one(ctx, true, ret_new, err);
}

/* --- saying ----------------------------------------------------------------------------------- */

static const char *ago(int64_t s, struct fx_arena *arena)
{
    if (s < 120)
        return fx_arena_printf(arena, "%lld s ago", (long long)s);
    if (s < 7200)
        return fx_arena_printf(arena, "%lld min ago", (long long)(s / 60));
    return fx_arena_printf(arena, "%lld h ago", (long long)(s / 3600));
}

const char *fx_holder_text(const struct fx_holder *holder, struct fx_arena *arena)
{
    if (!holder->is_known)
        return "nobody";
    return fx_arena_printf(arena, "controller %.8s of %s@%s (%s%slast seen %s)", holder->id,
                           holder->login, holder->host, holder->run,
                           holder->run[0] != '\0' ? ", " : "", ago(holder->seen_s, arena));
}

bool fx_holder_is_ours(const struct fx_holder *holder, const struct fx_context *ctx)
{
    return !holder->is_known ||
           (ctx->controller != NULL && strcmp(holder->id, ctx->controller->id) == 0);
}

bool fx_holder_fail(const struct fx_holder *holder, const struct fx_context *ctx,
                    const struct fx_db_conf *conf, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const struct fx_controller *we = ctx->controller;
    fx_fail(err, FX_E_STALE_EPOCH, "context \"%s\" is held by %s, says database \"%s\"", ctx->name,
            fx_holder_text(holder, &arena), conf->name);
    fx_detail(err, "It has held the context since %s. This is %s%.8s%s%s.", holder->since,
              we != NULL ? "controller " : "a command without an identity",
              we != NULL ? we->id : "", we != NULL ? ", state directory " : "",
              we != NULL ? we->state_dir : "");
    return fx_hint(err,
                   "Run the command there, with that state directory. If that is lost, look at "
                   "what it left and take over: ficus run adopt %s --confirm=%.8s   (shows only; "
                   "then add --execute)",
                   ctx->name, holder->id);
}

/* --- claiming --------------------------------------------------------------------------------- */

static bool claim_row(struct fx_db *db, const struct fx_context *ctx, struct fx_holder *ret,
                      struct fx_err *err)
{
    const struct fx_controller *we = ctx->controller;
    fx_cell params[] = {fx_str_from(ctx->name), fx_str_from(we->id),   fx_str_from(we->host),
                        fx_str_from(we->login), fx_str_from(we->what), fx_str_from(we->plan)};
    return fx_db_exec(db, fx_own_engine_of(db)->claim, params, FX_ARRAY_LEN(params), NULL, err) &&
           fx_holder_read(db, ctx->name, ret, err);
}

/* For people: who saw it last, doing what. */
static bool note_seen(struct fx_db *db, const struct fx_context *ctx, struct fx_err *err)
{
    const struct fx_controller *we = ctx->controller;
    fx_cell params[] = {fx_str_from(we->host), fx_str_from(we->login), fx_str_from(we->what),
                        fx_str_from(we->plan), fx_str_from(ctx->name), fx_str_from(we->id)};
    return fx_db_exec(db,
                      "update ficus.controller set seen = current_timestamp, host = ?, login = ?, "
                      "run = ?, plan = ? where grp = ? and id = ?",
                      params, FX_ARRAY_LEN(params), NULL, err);
}

static bool has_row(struct fx_db *db, const char *sql, const char *param, bool *ret,
                    struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell cell = fx_str_from(param);
    if (!fx_db_query(db, sql, &cell, 1, &rows, err)) {
        bool is_gone = fx_db_is_no_table(err);
        if (is_gone)
            fx_err_clear(err);
        return is_gone;
    }
    *ret = *ret || rows.n_rows > 0;
    return true;
}

/* Has a stream of the context written here how far it is? */
static bool has_streams(struct fx_db *db, const struct fx_context *ctx, bool *ret,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *position = "select 1 from ficus.progress where stream = ?";
    *ret = false;
    return has_row(db, position, fx_arena_printf(&arena, "%s-forward", ctx->name), ret, err) &&
           has_row(db, position, fx_arena_printf(&arena, "%s-reverse", ctx->name), ret, err);
}

static bool fail_unsaid(const struct fx_context *ctx, const struct fx_db_conf *conf,
                        const struct fx_holder *holder, struct fx_err *err)
{
    fx_fail(err, FX_E_STALE_EPOCH,
            "database \"%s\" has streams of context \"%s\" that this state directory did not make, "
            "and does not say which controller did",
            conf->name, ctx->name);
    return fx_hint(err,
                   "Run the command where the streams were started, with that state directory. If "
                   "that is lost, take over: %sficus run adopt %s --confirm=nobody   (shows only; "
                   "then add --execute)",
                   holder->has_table ? "" : "ficus upgrade --execute, then ", ctx->name);
}

enum mode { ONLY_CHECK, CLAIM, CLAIM_AS_MAKER };

static bool visit(struct fx_side *side, const struct fx_context *ctx, enum mode mode,
                  struct fx_err *err)
{
    struct fx_holder holder;
    bool is_streamed = false;
    if (!fx_holder_read(side->db, ctx->name, &holder, err)) {
        /* Preflights say it better; whoever changes something is asked again there. */
        bool is_denied = mode != CLAIM_AS_MAKER && fx_db_is_denied(err);
        if (is_denied)
            fx_err_clear(err);
        return is_denied;
    }
    bool may_insert = holder.has_table && !holder.is_known && mode != ONLY_CHECK;
    if (!holder.is_known && mode != CLAIM_AS_MAKER) {
        if (!has_streams(side->db, ctx, &is_streamed, err))
            return false;
        if (is_streamed && mode == CLAIM)
            return fail_unsaid(ctx, side->conf, &holder, err);
        return true;
    }
    if (may_insert && !claim_row(side->db, ctx, &holder, err))
        return false;
    if (!fx_holder_is_ours(&holder, ctx))
        return fx_holder_fail(&holder, ctx, side->conf, err);
    return !holder.is_known || mode == ONLY_CHECK || note_seen(side->db, ctx, err);
}

static bool visit_both(const struct fx_context *ctx, enum mode mode, struct fx_err *err)
{
    for (int is_new = 0; is_new < 2; is_new++) {
        struct fx_side side = {.conf = is_new != 0 ? ctx->new_db : ctx->old_db, .group = ctx->name};
        bool ok = fx_side_open(&side, STATEMENT_MS, err) && visit(&side, ctx, mode, err);
        fx_side_close(&side);
        if (!ok) {
            as_side(is_new != 0, err);
            return fx_ctx(err, "asking who holds context \"%s\"", ctx->name);
        }
    }
    return true;
}

bool fx_holder_check(const struct fx_context *ctx, struct fx_err *err)
{
    return visit_both(ctx, ONLY_CHECK, err);
}

bool fx_holder_claim(const struct fx_context *ctx, bool is_maker, struct fx_err *err)
{
    FX_ASSERT(ctx->controller != NULL || !is_maker);
    return visit_both(ctx, is_maker ? CLAIM_AS_MAKER : CLAIM, err);
}

/* --- for the statements of others ------------------------------------------------------------- */

/*
 * The row is read by its key alone and compared outside: the lock is taken on whatever row is
 * there, so a statement that waits for an adoption sees its result.
 */
void fx_holder_condition(const struct fx_context *ctx, struct fx_db *db, struct fx_buf *sql)
{
    struct fx_str id = fx_str_from(ctx->controller != NULL ? ctx->controller->id : "");
    enum fx_engine engine = fx_db_engine(db);
    fx_buf_add_c(sql, "coalesce((select id from ficus.controller where grp = ");
    fx_db_literal(engine, fx_str_from(ctx->name), sql);
    fx_buf_printf(sql, " %s), ", fx_own_engine_of(db)->share_lock);
    fx_db_literal(engine, id, sql);
    fx_buf_add_c(sql, ") = ");
    fx_db_literal(engine, id, sql);
}
