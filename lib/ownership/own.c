/* SPDX-License-Identifier: Apache-2.0 */
/* See own.h. */
#include "lib/ownership/own.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "lib/ownership/engine.h"

static const char *const state_names[] = {
    [FX_OWN_UNKNOWN] = "unknown",
    [FX_OWN_HERE] = "HERE",
    [FX_OWN_FENCED] = "FENCED",
    [FX_OWN_AWAY] = "AWAY",
};

const char *fx_own_state_name(enum fx_own_state state)
{
    FX_ASSERT((size_t)state < FX_ARRAY_LEN(state_names));
    return state_names[state];
}

enum fx_own_state fx_own_state_parse(struct fx_str text)
{
    for (size_t i = FX_OWN_HERE; i < FX_ARRAY_LEN(state_names); i++)
        if (fx_str_eq_c(text, state_names[i]))
            return (enum fx_own_state)i;
    return FX_OWN_UNKNOWN;
}

bool fx_own_may_become(enum fx_own_state from, enum fx_own_state to)
{
    switch (to) {
    case FX_OWN_UNKNOWN: return false;
    case FX_OWN_HERE: return from != FX_OWN_UNKNOWN; /* abort, expire, invalidate the epoch, open */
    case FX_OWN_FENCED: return from == FX_OWN_HERE;
    case FX_OWN_AWAY: return from == FX_OWN_FENCED;
    }
    FX_BUG("state %d of ownership", (int)to);
}

fx_cell fx_own_int(int64_t value, char out[FX_OWN_INT_TEXT])
{
    int len = snprintf(out, FX_OWN_INT_TEXT, "%" PRId64, value);
    return (fx_cell){out, (size_t)len};
}

/* --- decisions -------------------------------------------------------------------------------- */

enum fx_own_abort_next fx_own_abort_decide(const struct fx_own *own, int64_t e)
{
    switch (own->state) {
    case FX_OWN_UNKNOWN: FX_BUG("abort at epoch %" PRId64 " decides on a row of no known state", e);
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
    FX_ASSERT(old_row->state != FX_OWN_UNKNOWN && new_row->state != FX_OWN_UNKNOWN);
    if (old_row->state != FX_OWN_AWAY && new_row->state != FX_OWN_AWAY)
        return stuck("neither side is AWAY: both may accept writes");
    if (old_row->state == FX_OWN_AWAY && new_row->state == FX_OWN_AWAY) {
        if (old_row->epoch == new_row->epoch)
            return stuck(
                "both sides are AWAY at the same epoch: nobody knows which of them committed");
        bool old_gave = old_row->epoch > new_row->epoch;
        return (struct fx_own_resume){.action = FX_OWN_RESUME_OPEN,
                                      .is_new = old_gave,
                                      .epoch = old_gave ? old_row->epoch : new_row->epoch};
    }
    bool is_new = new_row->state != FX_OWN_AWAY;
    const struct fx_own *has = is_new ? new_row : old_row;
    const struct fx_own *away = is_new ? old_row : new_row;
    if (has->epoch < away->epoch)
        return stuck("the owning side is at a lower epoch than the side that is AWAY");
    if (has->state == FX_OWN_FENCED)
        return (struct fx_own_resume){
            .action = FX_OWN_RESUME_ABORT, .is_new = is_new, .epoch = has->epoch - 1};
    return (struct fx_own_resume){
        .action = FX_OWN_RESUME_SERVES, .is_new = is_new, .epoch = has->epoch};
}

const char *fx_own_finisher(const struct fx_own *old_row, const struct fx_own *new_row)
{
    struct fx_own_resume what = {.action = FX_OWN_RESUME_STUCK};
    if (old_row->state != FX_OWN_UNKNOWN && new_row->state != FX_OWN_UNKNOWN)
        what = fx_own_resume_decide(old_row, new_row);
    bool is_forward = what.action == FX_OWN_RESUME_OPEN    ? what.is_new
                      : what.action == FX_OWN_RESUME_ABORT ? !what.is_new
                                                           : false;
    return is_forward ? "start" : "fallback";
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool row_from(const struct fx_db *db, const struct fx_rows *rows, const char *group,
                     struct fx_own *ret, struct fx_err *err)
{
    fx_cell state = fx_rows_at(rows, 0, 0), operator_name = fx_rows_at(rows, 0, 2);
    struct fx_own own = {.state = fx_own_state_parse(state)};
    int64_t left_ms = 0;
    if (own.state == FX_OWN_UNKNOWN ||
        !fx_parse_i64(fx_rows_at(rows, 0, 1), INT64_MIN, INT64_MAX, &own.epoch) ||
        !fx_parse_i64(fx_rows_at(rows, 0, 3), INT64_MIN, INT64_MAX, &left_ms)) {
        fx_fail(
            err, FX_E_DRIFT,
            "the row of group \"%s\" in table ficus.own of database \"%s\" cannot be read by this "
            "build: state \"%.*s\", epoch \"%.*s\"",
            group, db->conf->name, FX_STR_FMT(state), FX_STR_FMT(fx_rows_at(rows, 0, 1)));
        return fx_hint(
            err, "If a newer build of Ficus wrote it, use that build (this one: ficus --version). "
                 "If not, something else changed it: restore the row from a backup.");
    }
    own.is_expired = own.state == FX_OWN_FENCED && left_ms <= 0;
    own.left_ms = own.state == FX_OWN_FENCED && left_ms > 0 ? left_ms : 0;
    (void)snprintf(own.operator_name, sizeof own.operator_name, "%.*s", FX_STR_FMT(operator_name));
    *ret = own;
    return true;
}

/* *ret: why there are no rows. False: the statement failed for another reason, *err stands. */
static bool presence_of(struct fx_err *err, enum fx_own_presence *ret)
{
    if (!fx_db_is_no_table(err) && !fx_db_is_denied(err))
        return false;
    *ret = fx_db_is_denied(err) ? FX_OWN_DENIED : FX_OWN_NO_TABLE;
    fx_err_clear(err);
    return true;
}

enum lock { LOCK_NONE, LOCK_SHARE, LOCK_UPDATE };

static bool look_at(struct fx_db *db, const char *group, enum lock lock, struct fx_own_look *ret,
                    struct fx_err *err)
{
    const struct fx_own_engine *engine = fx_own_engine_of(db);
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell grp = fx_str_from(group);
    *ret = (struct fx_own_look){.presence = FX_OWN_NO_TABLE};
    if (engine == NULL) /* no fence was ever built for such a server, so nothing was installed */
        return true;
    fx_buf_printf(&sql, "%s %s", engine->row,
                  lock == LOCK_UPDATE  ? "for update"
                  : lock == LOCK_SHARE ? engine->share_lock
                                       : "");
    ret->presence = FX_OWN_NO_ROW;
    bool ok = fx_db_select(db, fx_buf_cstr(&sql), &grp, 1, 0, 4, &rows, err)
                  ? rows.n_rows == 0 || row_from(db, &rows, group, &ret->own, err)
                  : presence_of(err, &ret->presence);
    if (rows.n_rows > 0)
        ret->presence = FX_OWN_PRESENT;
    return ok ||
           fx_ctx(err, "reading who owns group \"%s\" on database \"%s\"", group, db->conf->name);
}

bool fx_own_look(struct fx_db *db, const char *group, struct fx_own_look *ret, struct fx_err *err)
{
    return look_at(db, group, LOCK_NONE, ret, err);
}

bool fx_own_look_locked(struct fx_db *db, const char *group, struct fx_own_look *ret,
                        struct fx_err *err)
{
    return look_at(db, group, LOCK_UPDATE, ret, err);
}

bool fx_own_look_shared(struct fx_db *db, const char *group, struct fx_own_look *ret,
                        struct fx_err *err)
{
    return look_at(db, group, LOCK_SHARE, ret, err);
}

static bool fail_denied(const struct fx_db_conf *conf, struct fx_err *err)
{
    fx_fail(err, FX_E_DB, "user \"%s\" may not read ficus.own in database \"%s\"", conf->user,
            conf->name);
    return fx_hint(err,
                   "databases.%s.url has to name the user who installed schema ficus there, or one "
                   "with the same rights: the page on database rights has them. They begin with: "
                   "GRANT USAGE ON SCHEMA ficus TO %s; (PostgreSQL only) GRANT SELECT, INSERT, "
                   "UPDATE ON ficus.own TO %s;",
                   conf->name, conf->user, conf->user);
}

bool fx_own_require(const struct fx_own_look *look, const struct fx_db_conf *conf,
                    const char *group, struct fx_err *err)
{
    switch (look->presence) {
    case FX_OWN_PRESENT: return true;
    case FX_OWN_DENIED: return fail_denied(conf, err);
    case FX_OWN_NO_TABLE:
        fx_fail(err, FX_E_DRIFT,
                "database \"%s\" has no table ficus.own: ownership is not installed", conf->name);
        break;
    case FX_OWN_NO_ROW:
        fx_fail(err, FX_E_DRIFT, "database \"%s\" has no row for group \"%s\" in ficus.own",
                conf->name, group);
        break;
    }
    return fx_hint(err,
                   "A plan's step stream.start installs it: ficus run start PLAN --execute. If "
                   "a run has done that step, somebody removed it: restore schema ficus of "
                   "that database from a backup.");
}
