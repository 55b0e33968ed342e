/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which side owns a context now, read from both databases: the owner is the source of every comparison. Only
 * reads; what the rows mean for a cut-over is the business of plans.
 */
#include "reconcile/reconcile.h"

enum { MYSQL_NO_TABLE = 1146, MYSQL_NO_DATABASE = 1049 };

static bool is_no_table(const struct fx_err *err)
{
    return strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0 ||
           (err->cause_kind == FX_CAUSE_MYSQL &&
            (err->cause_number == MYSQL_NO_TABLE || err->cause_number == MYSQL_NO_DATABASE));
}

/* *ret_state: "HERE", "FENCED", "AWAY", or "" when ownership was never installed. */
static bool read_state(const struct fx_db_conf *conf, const char *group, char ret_state[16],
                       struct fx_err *err)
{
    struct fx_db *db;
    struct fx_rows rows;
    fx_cell param = fx_str_from(group);
    ret_state[0] = '\0';
    if (!fx_db_open(conf, &db, err))
        return fx_ctx(err, "opening database \"%s\"", conf->name);
    bool is_ok =
        fx_db_query(db, "select state from ficus.own where grp = ?", &param, 1, &rows, err);
    if (is_ok) {
        if (rows.n_rows == 1)
            snprintf(ret_state, 16, "%.*s", FX_STR_FMT(fx_rows_at(&rows, 0, 0)));
        fx_rows_done(&rows);
    } else if (is_no_table(err)) {
        fx_err_clear(err);
        is_ok = true;
    }
    fx_db_close(db);
    return is_ok;
}

bool rec_owner(const struct fx_context *ctx, enum fx_direction *ret_direction, struct fx_err *err)
{
    char old_state[16], new_state[16];
    if (!read_state(ctx->old_db, ctx->name, old_state, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!read_state(ctx->new_db, ctx->name, new_state, err)) {
        fx_err_as_target(err);
        return false;
    }
    bool is_old = strcmp(old_state, "HERE") == 0, is_new = strcmp(new_state, "HERE") == 0;
    if (is_old && is_new)
        return fx_fail(err, FX_E_STUCK, "both sides claim to own context \"%s\"", ctx->name);
    if (!is_old && !is_new && (old_state[0] != '\0' || new_state[0] != '\0')) {
        fx_fail(err, FX_E_INCONCLUSIVE, "nobody owns context \"%s\" right now (old %s, new %s)",
                ctx->name, old_state[0] != '\0' ? old_state : "unset",
                new_state[0] != '\0' ? new_state : "unset");
        return fx_hint(err, "A cut-over is under way or was interrupted: ficus run resume");
    }
    /* Never installed anywhere: the old side is where the data always was. */
    *ret_direction = is_new ? FX_REVERSE : FX_FORWARD;
    return true;
}
