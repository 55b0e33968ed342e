/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a context over. Locks are taken in the order of every other statement: ficus.controller,
 * ficus.own, ficus.progress. Between the two databases each of them refuses whom its own row does
 * not name, so neither controller can do anything that needs both.
 */
#include <string.h>

#include "lib/io/failpoint.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/side.h"

enum { STATEMENT_MS = 10000 };

static const char nobody[] = "nobody";

static bool fail_who(const struct fx_holder *holder, const struct fx_context *ctx,
                     const struct fx_db_conf *conf, const char *from, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_fail(
        err, FX_E_USAGE,
        "context \"%s\" is held by %s in database \"%s\", not by \"%s\": nothing was taken over",
        ctx->name, fx_holder_text(holder, &arena), conf->name, from);
    return fx_hint(err,
                   "See who holds it now: ficus run adopt %s   It changes nothing and prints the "
                   "command with the right id.",
                   ctx->name);
}

static bool fail_fenced(const struct fx_context *ctx, const struct fx_own *own,
                        const struct fx_db_conf *conf, struct fx_err *err)
{
    fx_fail(err, FX_E_LOCKED,
            "context \"%s\" is in the middle of a cut-over: database \"%s\" is FENCED for another "
            "%lld ms (%s)",
            ctx->name, conf->name, (long long)own->left_ms, own->operator_name);
    return fx_hint(err, "Its controller may be about to finish. Wait until the fence has expired, "
                        "then run the same command again.");
}

/* Is it whom the person has named? *ret_done: it is this controller already. */
static bool check_named(const struct fx_holder *holder, const struct fx_context *ctx,
                        const struct fx_db_conf *conf, const char *from, bool *ret_done,
                        struct fx_err *err)
{
    *ret_done = holder->is_known && fx_holder_is_ours(holder, ctx);
    bool is_named =
        holder->is_known
            ? strlen(from) >= FX_CONTROLLER_SHORT && strncmp(holder->id, from, strlen(from)) == 0
            : true; /* an adoption that was cut off, or a database that says nothing */
    return *ret_done || is_named || fail_who(holder, ctx, conf, from, err);
}

static bool set_row(struct fx_db *db, const struct fx_context *ctx, const struct fx_holder *was,
                    bool *ret_won, struct fx_err *err)
{
    const struct fx_controller *we = ctx->controller;
    fx_cell params[] = {fx_str_from(we->id),   fx_str_from(we->host),  fx_str_from(we->login),
                        fx_str_from(we->what), fx_str_from(ctx->name), fx_str_from(was->id)};
    int64_t n = 0;
    bool ok = fx_db_exec(db,
                         "update ficus.controller set id = ?, host = ?, login = ?, run = ?, "
                         "plan = '', since = current_timestamp, seen = current_timestamp "
                         "where grp = ? and id = ?",
                         params, FX_ARRAY_LEN(params), &n, err);
    *ret_won = n == 1;
    return ok;
}

static bool insert_row(struct fx_db *db, const struct fx_context *ctx, bool *ret_won,
                       struct fx_err *err)
{
    const struct fx_controller *we = ctx->controller;
    fx_cell params[] = {fx_str_from(ctx->name), fx_str_from(we->id),   fx_str_from(we->host),
                        fx_str_from(we->login), fx_str_from(we->what), fx_str_from("")};
    int64_t n = 0;
    bool ok = fx_db_exec(db, fx_own_engine_of(db)->claim, params, FX_ARRAY_LEN(params), &n, err);
    *ret_won = n == 1;
    return ok;
}

/* An applier names the epoch that it claimed: it finds no row from here on, and stops. */
static bool stop_appliers(struct fx_db *db, const struct fx_context *ctx, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_cell streams[] = {fx_str_from(fx_arena_printf(&arena, "%s-forward", ctx->name)),
                         fx_str_from(fx_arena_printf(&arena, "%s-reverse", ctx->name))};
    return fx_db_exec(db, "update ficus.progress set epoch = epoch + 1 where stream in (?, ?)",
                      streams, 2, NULL, err);
}

/* In the transaction: the row first, then what depends on it. */
static bool take(struct fx_side *side, const struct fx_context *ctx, const struct fx_holder *was,
                 bool has_own, struct fx_err *err)
{
    struct fx_own_look look = {.presence = FX_OWN_NO_TABLE};
    bool has_won = false;
    if (!(was->is_known ? set_row(side->db, ctx, was, &has_won, err)
                        : insert_row(side->db, ctx, &has_won, err)))
        return false;
    if (!has_won)
        return fx_fail(err, FX_E_STALE_EPOCH,
                       "another controller took over context \"%s\" in database \"%s\" while this "
                       "command ran",
                       ctx->name, side->conf->name) ||
               fx_hint(err,
                       "See who holds it now: ficus run adopt %s   It changes nothing and prints "
                       "the command that takes it over from them.",
                       ctx->name);
    if (has_own && !fx_own_look_shared(side->db, ctx->name, &look, err))
        return false;
    if (look.presence == FX_OWN_PRESENT && look.own.state == FX_OWN_FENCED && !look.own.is_expired)
        return fail_fenced(ctx, &look.own, side->conf, err);
    return stop_appliers(side->db, ctx, err);
}

static bool adopt_side(struct fx_side *side, const struct fx_context *ctx, const char *from,
                       struct fx_err *err)
{
    struct fx_holder holder;
    struct fx_own_look look;
    bool is_done = false;
    if (!fx_side_open(side, STATEMENT_MS, err) ||
        !fx_holder_read(side->db, ctx->name, &holder, err))
        return false;
    if (!holder.has_table)
        return fx_fail(err, FX_E_DRIFT,
                       "database \"%s\" does not record which controller holds a context",
                       side->conf->name) ||
               fx_hint(err, "If an older Ficus made its streams, run: ficus upgrade --execute, "
                            "then the same "
                            "command again. If not, there is nothing to take over: ficus status");
    if (!check_named(&holder, ctx, side->conf, from, &is_done, err))
        return false;
    if (is_done)
        return true;
    if (!fx_own_look(side->db, ctx->name, &look, err) ||
        !fx_db_exec(side->db, "begin", NULL, 0, NULL, err))
        return false;
    bool ok = take(side, ctx, &holder, look.presence == FX_OWN_PRESENT, err);
    FX_FAILPOINT("adopt.commit.before");
    if (ok)
        ok = fx_db_exec(side->db, "commit", NULL, 0, NULL, err);
    else
        fx_side_rollback(side);
    return ok;
}

bool fx_holder_adopt(const struct fx_context *ctx, const char *from, struct fx_err *err)
{
    if (strcmp(from, nobody) != 0 && strlen(from) < FX_CONTROLLER_SHORT)
        return fx_fail(err, FX_E_USAGE,
                       "\"%s\" does not name a controller: it takes at least %d digits of its id",
                       from, FX_CONTROLLER_SHORT) ||
               fx_hint(err, "Run: ficus run adopt %s   It prints the command with the id.",
                       ctx->name);
    for (int i = 0; i < 2; i++) {
        struct fx_side side = {.conf = i == 1 ? ctx->new_db : ctx->old_db, .group = ctx->name};
        bool ok = adopt_side(&side, ctx, from, err);
        fx_side_close(&side);
        if (!ok) {
            (i == 1 ? fx_err_as_target : fx_err_as_source)(err);
            return fx_ctx(err, "taking over context \"%s\"", ctx->name);
        }
        FX_FAILPOINT(i == 0 ? "adopt.old.after" : "adopt.new.after");
    }
    return true;
}
