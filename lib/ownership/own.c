/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership rows. Both engines take the same compare-and-sets, because nothing in them depends on
 * the server; only the clock in a read differs.
 */
#include "lib/ownership/own.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/io/failpoint.h"

const char *fx_own_state_name(enum fx_own_state state)
{
    switch (state) {
    case FX_OWN_HERE: return "HERE";
    case FX_OWN_FENCED: return "FENCED";
    case FX_OWN_AWAY: return "AWAY";
    }
    return "?";
}

/* --- decisions --------------------------------------------------------------------------------- */

enum fx_own_abort_next fx_own_abort_decide(const struct fx_own *own, int64_t e)
{
    switch (own->state) {
    case FX_OWN_AWAY: return own->epoch == e + 2 ? FX_OWN_ABORT_COMMITTED : FX_OWN_ABORT_FOREIGN;
    case FX_OWN_FENCED: return own->epoch == e + 1 ? FX_OWN_ABORT_AGAIN : FX_OWN_ABORT_FOREIGN;
    case FX_OWN_HERE: break;
    }
    if (own->epoch == e)
        return FX_OWN_ABORT_INVALIDATE;
    return own->epoch == e + 2 ? FX_OWN_ABORT_DONE : FX_OWN_ABORT_FOREIGN;
}

static struct fx_own_resume stuck(const char *why)
{
    return (struct fx_own_resume){.action = FX_OWN_RESUME_STUCK, .why = why};
}

struct fx_own_resume fx_own_resume_decide(const struct fx_own *old_row,
                                          const struct fx_own *new_row)
{
    if (old_row->state != FX_OWN_AWAY && new_row->state != FX_OWN_AWAY)
        return stuck("neither side is AWAY: both may accept writes");
    if (old_row->state == FX_OWN_AWAY && new_row->state == FX_OWN_AWAY) {
        if (old_row->epoch == new_row->epoch)
            return stuck("both sides are AWAY at one epoch: nobody knows who gave the group away");
        bool old_gave = old_row->epoch > new_row->epoch;
        return (struct fx_own_resume){.action = FX_OWN_RESUME_OPEN,
                                      .is_new = old_gave,
                                      .epoch = old_gave ? old_row->epoch : new_row->epoch};
    }
    bool is_new = new_row->state != FX_OWN_AWAY;
    const struct fx_own *has = is_new ? new_row : old_row;
    const struct fx_own *away = is_new ? old_row : new_row;
    if (has->epoch < away->epoch)
        return stuck(
            "the side that has the group stands at a lower epoch than the one that gave it away");
    if (has->state == FX_OWN_FENCED)
        return (struct fx_own_resume){
            .action = FX_OWN_RESUME_ABORT, .is_new = is_new, .epoch = has->epoch - 1};
    return (struct fx_own_resume){
        .action = FX_OWN_RESUME_SERVES, .is_new = is_new, .epoch = has->epoch};
}

/* --- sessions ---------------------------------------------------------------------------------- */

/*
 * A role may have synchronous_commit off; a commit that a server crash can forget must not be one of ours.
 * Stronger settings (remote_apply) stay.
 */
static const char pin_pg[] = "select set_config('synchronous_commit', 'on', false) "
                             "where current_setting('synchronous_commit') in ('off', 'local')";
static const char pin_my[] = "set session innodb_lock_wait_timeout = 1, lock_wait_timeout = 1, "
                             "tx_isolation = 'REPEATABLE-READ'";

bool fx_side_open(struct fx_side *side, int64_t statement_ms, struct fx_err *err)
{
    if (side->db != NULL && fx_db_is_broken(side->db))
        fx_side_close(side);
    if (side->db == NULL) {
        if (!fx_db_open(side->conf, &side->db, err))
            return fx_ctx(err, "opening database \"%s\"", side->conf->name);
        bool is_pg = fx_db_engine(side->db) == FX_PG;
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        bool ok = fx_db_set_timeout(side->db, statement_ms, err) &&
                  (is_pg ? fx_db_query(side->db, pin_pg, NULL, 0, &rows, err)
                         : fx_db_exec(side->db, pin_my, NULL, 0, NULL, err));
        if (!ok) {
            fx_side_close(side);
            return fx_ctx(err, "preparing the session with database \"%s\"", side->conf->name);
        }
    }
    return fx_db_set_timeout(side->db, statement_ms, err);
}

void fx_side_close(struct fx_side *side)
{
    fx_db_close(side->db);
    side->db = NULL;
}

void fx_side_rollback(struct fx_side *side)
{
    struct fx_err ignored = FX_ERR_INIT;
    if (side->db != NULL && !fx_db_exec(side->db, "rollback", NULL, 0, NULL, &ignored))
        fx_side_close(side);
}

/* --- rows -------------------------------------------------------------------------------------- */

fx_cell fx_own_int(int64_t value, char out[FX_OWN_INT_TEXT])
{
    int len = snprintf(out, FX_OWN_INT_TEXT, "%" PRId64, value);
    return (fx_cell){out, (size_t)len};
}

static const char row_pg[] =
    "select state, epoch, coalesce(operator, ''), "
    "coalesce(ceil(extract(epoch from until - clock_timestamp()) * 1000), 0)::bigint "
    "from ficus.own where grp = ?";
static const char row_my[] =
    "select state, epoch, coalesce(operator, ''), "
    "coalesce(ceil(timestampdiff(microsecond, utc_timestamp(6), until) / 1000), 0) "
    "from ficus.own where grp = ?";

static bool parse_int(fx_cell cell, int64_t *ret)
{
    char text[FX_OWN_INT_TEXT];
    if (cell.ptr == NULL || cell.len == 0 || cell.len >= sizeof text)
        return false;
    memcpy(text, cell.ptr, cell.len);
    text[cell.len] = '\0';
    char *end = NULL;
    *ret = strtoll(text, &end, 10);
    return *end == '\0';
}

static bool hint_install(struct fx_err *err)
{
    return fx_hint(err, "A plan's step stream.start makes it. Run: ficus run start PLAN --execute");
}

/* No table: nobody ever installed ownership here; that is no fault of the database. */
static bool say_missing(const struct fx_side *side, struct fx_err *err)
{
    if (strcmp(err->sqlstate, "42P01") != 0 && strcmp(err->sqlstate, "42S02") != 0)
        return false;
    fx_err_clear(err);
    fx_fail(err, FX_E_DRIFT, "database \"%s\" has no table ficus.own: ownership is not installed",
            side->conf->name);
    return hint_install(err);
}

static bool row_from(const struct fx_rows *rows, const struct fx_side *side, struct fx_own *ret,
                     struct fx_err *err)
{
    if (rows->n_rows != 1) {
        fx_fail(err, FX_E_DRIFT, "database \"%s\" has no row for group \"%s\" in ficus.own",
                side->conf->name, side->group);
        return hint_install(err);
    }
    struct fx_own own = {0};
    fx_cell state = fx_rows_at(rows, 0, 0);
    if (fx_str_eq_c(state, "HERE"))
        own.state = FX_OWN_HERE;
    else if (fx_str_eq_c(state, "FENCED"))
        own.state = FX_OWN_FENCED;
    else if (fx_str_eq_c(state, "AWAY"))
        own.state = FX_OWN_AWAY;
    else
        return fx_fail(err, FX_E_DRIFT,
                       "ficus.own of group \"%s\" holds the unknown state \"%.*s\"", side->group,
                       FX_STR_FMT(state));
    int64_t left_ms = 0;
    if (!parse_int(fx_rows_at(rows, 0, 1), &own.epoch) ||
        !parse_int(fx_rows_at(rows, 0, 3), &left_ms))
        return fx_fail(err, FX_E_DRIFT, "ficus.own of group \"%s\" is not readable", side->group);
    own.is_expired = own.state == FX_OWN_FENCED && left_ms <= 0;
    own.left_ms = own.state == FX_OWN_FENCED && left_ms > 0 ? left_ms : 0;
    (void)snprintf(own.operator_name, sizeof own.operator_name, "%.*s",
                   FX_STR_FMT(fx_rows_at(rows, 0, 2)));
    *ret = own;
    return true;
}

bool fx_own_row(struct fx_side *side, bool is_locked, struct fx_own *ret, struct fx_err *err)
{
    const char *base = fx_db_engine(side->db) == FX_PG ? row_pg : row_my;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    fx_buf_printf(&sql, "%s%s", base, is_locked ? " for update" : "");
    fx_cell grp = fx_str_from(side->group);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (is_locked && !fx_db_exec(side->db, "begin", NULL, 0, NULL, err))
        return false;
    bool ok = fx_db_query(side->db, fx_buf_cstr(&sql), &grp, 1, &rows, err)
                  ? row_from(&rows, side, ret, err)
                  : say_missing(side, err);
    if (is_locked)
        fx_side_rollback(side);
    return ok || fx_ctx(err, "reading who owns group \"%s\" on database \"%s\"", side->group,
                        side->conf->name);
}

bool fx_own_insert(struct fx_side *side, enum fx_own_state state, int64_t epoch, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(side->group), fx_str_from(fx_own_state_name(state)),
                        fx_own_int(epoch, number)};
    bool is_pg = fx_db_engine(side->db) == FX_PG;
    const char *sql = is_pg ? "insert into ficus.own (grp, state, epoch) values (?, ?, ?) "
                              "on conflict (grp) do nothing"
                            : "insert ignore into ficus.own (grp, state, epoch) values (?, ?, ?)";
    if (!fx_db_exec(side->db, sql, params, 3, NULL, err))
        return false;
    fx_cell gate[] = {params[0], params[2]};
    return is_pg || fx_db_exec(side->db, "insert ignore into ficus.gate (grp, epoch) values (?, ?)",
                               gate, 2, NULL, err);
}

/* --- compare-and-sets -------------------------------------------------------------------------- */

static bool compare_and_set(struct fx_side *side, const char *sql, int64_t to, int64_t from,
                            bool *ret_won, struct fx_err *err)
{
    char to_text[FX_OWN_INT_TEXT], from_text[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_own_int(to, to_text), fx_str_from(side->group),
                        fx_own_int(from, from_text)};
    int64_t rows = 0;
    if (!fx_db_exec(side->db, sql, params, 3, &rows, err))
        return false;
    *ret_won = rows == 1;
    return true;
}

bool fx_own_commit(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err)
{
    FX_FAILPOINT("cutover.commit.before");
    bool ok = compare_and_set(side,
                              "update ficus.own set state = 'AWAY', epoch = ?, until = null "
                              "where grp = ? and state = 'FENCED' and epoch = ?",
                              e + 2, e + 1, ret_won, err);
    FX_FAILPOINT("cutover.commit.after");
    return ok;
}

bool fx_own_abort(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err)
{
    FX_FAILPOINT("cutover.abort.before");
    bool ok = compare_and_set(side,
                              "update ficus.own set state = 'HERE', epoch = ?, until = null "
                              "where grp = ? and state = 'FENCED' and epoch = ?",
                              e + 2, e + 1, ret_won, err);
    FX_FAILPOINT("cutover.abort.after");
    return ok;
}

bool fx_own_invalidate(struct fx_side *side, int64_t e, bool *ret_won, struct fx_err *err)
{
    return compare_and_set(side,
                           "update ficus.own set epoch = ? "
                           "where grp = ? and state = 'HERE' and epoch = ?",
                           e + 2, e, ret_won, err);
}

bool fx_own_open(struct fx_side *side, int64_t epoch, bool *ret_won, struct fx_err *err)
{
    FX_FAILPOINT("cutover.open.before");
    bool ok = compare_and_set(side,
                              "update ficus.own set state = 'HERE', epoch = ?, until = null "
                              "where grp = ? and state = 'AWAY' and epoch < ?",
                              epoch, epoch, ret_won, err);
    FX_FAILPOINT("cutover.open.after");
    return ok;
}
