/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session and the row of one side. Every engine takes the same compare-and-sets, because
 * nothing in them depends on the server.
 */
#include "lib/ownership/side.h"

#include <inttypes.h>

#include "lib/base/panic.h"
#include "lib/io/failpoint.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/schema.h"

/* --- sessions --------------------------------------------------------------------------------- */

static bool prepare(struct fx_side *side, int64_t statement_ms, struct fx_err *err)
{
    side->engine = fx_own_engine_of(side->db);
    if (side->engine == NULL)
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "cannot hold writes to database \"%s\": there is no write fence for its "
                       "server, version %s",
                       side->conf->name, fx_db_version(side->db)) ||
               fx_hint(err,
                       "Move its tables to PostgreSQL 14 or newer or to MariaDB, and set "
                       "databases.%s.url in ficus.yaml to that server.",
                       side->conf->name);
    return fx_side_limit(side, statement_ms, err) &&
           fx_db_exec(side->db, side->engine->pin, NULL, 0, NULL, err);
}

bool fx_side_open(struct fx_side *side, int64_t statement_ms, struct fx_err *err)
{
    if (side->db != NULL && fx_db_is_broken(side->db))
        fx_side_close(side);
    if (side->db != NULL)
        return fx_side_limit(side, statement_ms, err);
    side->limit_ms = 0;
    if (!fx_db_open(side->conf, &side->db, err))
        return fx_ctx(err, "opening database \"%s\"", side->conf->name);
    int64_t version = 0;
    if (prepare(side, statement_ms, err) &&
        fx_schema_checked(side->db, side->conf, &version, err)) {
        side->has_controllers = version >= FX_SCHEMA_CONTROLLERS;
        return true;
    }
    fx_side_close(side);
    return fx_ctx(err, "preparing the session with database \"%s\"", side->conf->name);
}

/* While writes are held every question to a server is one that customers wait for. */
bool fx_side_limit(struct fx_side *side, int64_t statement_ms, struct fx_err *err)
{
    if (statement_ms > 0 && statement_ms == side->limit_ms)
        return true;
    side->limit_ms = 0;
    if (!fx_db_set_timeout(side->db, statement_ms, err))
        return false;
    side->limit_ms = statement_ms;
    return true;
}

void fx_side_close(struct fx_side *side)
{
    side->limit_ms = 0;
    fx_db_close(side->db);
    side->db = NULL;
}

void fx_side_rollback(struct fx_side *side)
{
    struct fx_err ignored = FX_ERR_INIT;
    side->limit_ms = 0; /* on some servers a setting goes back with its transaction */
    if (side->db != NULL && !fx_db_exec(side->db, "rollback", NULL, 0, NULL, &ignored))
        fx_side_close(side);
}

/* --- the row ---------------------------------------------------------------------------------- */

bool fx_own_row(struct fx_side *side, bool is_locked, struct fx_own *ret, struct fx_err *err)
{
    struct fx_own_look look;
    if (is_locked && !fx_db_exec(side->db, "begin", NULL, 0, NULL, err))
        return false;
    bool ok = (is_locked ? fx_own_look_locked : fx_own_look)(side->db, side->group, &look, err);
    if (is_locked)
        fx_side_rollback(side);
    if (!ok)
        return false;
    if (!fx_own_require(&look, side->conf, side->group, err))
        return fx_ctx(err, "reading who owns group \"%s\" on database \"%s\"", side->group,
                      side->conf->name);
    *ret = look.own;
    return true;
}

bool fx_own_insert(struct fx_side *side, enum fx_own_state state, int64_t epoch, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(side->group), fx_str_from(fx_own_state_name(state)),
                        fx_own_int(epoch, number)};
    const struct fx_own_engine *engine = side->engine;
    FX_ASSERT(state == FX_OWN_HERE || state == FX_OWN_AWAY);
    return fx_db_exec(side->db, engine->insert, params, 3, NULL, err) &&
           (engine->insert_more == NULL ||
            fx_db_exec(side->db, engine->insert_more, params, 1, NULL, err));
}

/* --- compare-and-sets ------------------------------------------------------------------------- */

/* From {from, from_epoch}, or with `is_below` from {from, any lower epoch}, to {to, to_epoch}. */
struct transition {
    enum fx_own_state from, to;
    int64_t from_epoch, to_epoch;
    bool is_below;
};

/* Epochs only rise: a controller that wakes up late names one that is gone, and finds no row. */
static void assert_transition(const struct fx_side *side, const struct transition *t)
{
    bool rises = t->is_below ? t->to_epoch >= t->from_epoch : t->to_epoch > t->from_epoch;
    if (!fx_own_may_become(t->from, t->to) || !rises)
        FX_BUG("group \"%s\": %s at epoch %" PRId64 " cannot become %s at epoch %" PRId64,
               side->group, fx_own_state_name(t->from), t->from_epoch, fx_own_state_name(t->to),
               t->to_epoch);
}

void fx_side_add_condition(const struct fx_side *side, struct fx_buf *sql)
{
    if (!side->has_controllers)
        return;
    FX_ASSERT(side->ctx != NULL);
    fx_buf_add_c(sql, " and ");
    fx_holder_condition(side->ctx, side->db, sql);
}

bool fx_side_check_holder(struct fx_side *side, struct fx_err *err)
{
    struct fx_holder holder;
    if (!side->has_controllers)
        return true;
    return fx_holder_read(side->db, side->ctx->name, &holder, err) &&
           (fx_holder_is_ours(&holder, side->ctx) ||
            fx_holder_fail(&holder, side->ctx, side->conf, err));
}

/*
 * The states are in the text, so that a server's list of statements shows which transition waits.
 */
static bool compare_and_set(struct fx_side *side, const struct transition *t, bool *ret_won,
                            struct fx_err *err)
{
    char to[FX_OWN_INT_TEXT], from[FX_OWN_INT_TEXT];
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096);
    fx_cell params[] = {fx_own_int(t->to_epoch, to), fx_str_from(side->group),
                        fx_own_int(t->from_epoch, from)};
    fx_buf_printf(&sql,
                  "update ficus.own set state = '%s', epoch = ?, until = null "
                  "where grp = ? and state = '%s' and epoch %s ?",
                  fx_own_state_name(t->to), fx_own_state_name(t->from), t->is_below ? "<" : "=");
    fx_side_add_condition(side, &sql);
    int64_t rows = 0;
    assert_transition(side, t);
    if (!fx_db_exec(side->db, fx_buf_cstr(&sql), params, FX_ARRAY_LEN(params), &rows, err))
        return false;
    if (rows != 0 && rows != 1) /* grp is the key */
        return fx_db_fail_answer(side->db, "that it changed several rows with one key", err);
    *ret_won = rows == 1;
    return *ret_won || fx_side_check_holder(side, err);
}

bool fx_own_commit(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err)
{
    const struct transition t = {FX_OWN_FENCED, FX_OWN_AWAY, e + 1, e + 2, false};
    FX_FAILPOINT("cutover.commit.before");
    bool ok = compare_and_set(side, &t, ret_won, err);
    FX_FAILPOINT("cutover.commit.after");
    return ok;
}

bool fx_own_abort(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err)
{
    const struct transition t = {FX_OWN_FENCED, FX_OWN_HERE, e + 1, e + 2, false};
    FX_FAILPOINT("cutover.abort.before");
    bool ok = compare_and_set(side, &t, ret_won, err);
    FX_FAILPOINT("cutover.abort.after");
    return ok;
}

bool fx_own_invalidate(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err)
{
    const struct transition t = {FX_OWN_HERE, FX_OWN_HERE, e, e + 2, false};
    return compare_and_set(side, &t, ret_won, err);
}

bool fx_own_open(struct fx_side *side, int64_t epoch, bool *ret_won, struct fx_err *err)
{
    const struct transition t = {FX_OWN_AWAY, FX_OWN_HERE, epoch, epoch, true};
    FX_FAILPOINT("cutover.open.before");
    bool ok = compare_and_set(side, &t, ret_won, err);
    FX_FAILPOINT("cutover.open.after");
    return ok;
}
