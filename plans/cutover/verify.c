/* SPDX-License-Identifier: Apache-2.0 */
/* Steps 6 and 12: are both sides equal before the commit, and does a write travel back after it? */
#include <inttypes.h>

#include "lib/base/clock.h"
#include "plans/cutover/environment.h"
#include "reconcile/reconcile.h"

enum { KEYS_MAX = 256, FINDINGS_MAX = 64 * 1024, POLL_MS = 10, STREAM_ASK_MS = 500 };

/* --- step 6 ----------------------------------------------------------------------------------- */

static bool canary_rows(struct pln_environment *en, struct fx_side *side, struct fx_rows *ret,
                        struct fx_err *err)
{
    fx_cell grp = fx_str_from(en->sides.group);
    return fx_db_select(side->db, "select id, note from ficus.canary where grp = ? order by id",
                        &grp, 1, 0, 2, ret, err);
}

static bool canary_equal(struct pln_environment *en, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows a = {0};
    FX_AUTO(fx_rows) struct fx_rows b = {0};
    if (!canary_rows(en, en->losing, &a, err) || !canary_rows(en, en->winning, &b, err))
        return false;
    bool is_equal = a.n_rows == b.n_rows;
    for (size_t i = 0; is_equal && i < a.n_rows * 2; i++)
        is_equal = fx_str_eq(a.cells[i], b.cells[i]);
    en->result->keys_compared = (int64_t)a.n_rows;
    return is_equal ||
           fx_fail(err, FX_E_DIVERGED,
                   "the rows of group \"%s\" in table ficus.canary are not the same in database "
                   "\"%s\" (%zu rows) and in database \"%s\" (%zu rows)",
                   en->sides.group, en->losing->conf->name, a.n_rows, en->winning->conf->name,
                   b.n_rows) ||
           fx_hint(err,
                   "Something else wrote to ficus.canary, or a stream lost a change. Ownership did "
                   "not change. Compare the context: ficus reconcile run --context %s",
                   en->env->context->name);
}

/*
 * In the sessions that the other steps use, which are open before writes are held: new ones would
 * have to log in and to set their settings while customers wait.
 */
static bool tail_equal(struct pln_environment *en, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct cdc_ref ref = pln_env_stream(en, false);
    struct cdc_key *keys = NULL;
    size_t n = 0;
    struct rec_report *report = NULL;
    if (!cdc_tail(&ref, &en->sides.ctx, &arena, &keys, &n, err))
        return false;
    n = FX_MIN(n, (size_t)KEYS_MAX);
    enum fx_direction direction = en->new_wins ? FX_FORWARD : FX_REVERSE;
    struct rec_sessions sessions = {en->sides.old_side.db, en->sides.new_side.db};
    if (!rec_check_keys(&en->sides.ctx, direction, &sessions, keys, n, &arena, &report, err))
        return false;
    en->result->keys_compared = (int64_t)n;
    if (report->verdict == REC_EQUAL || n == 0)
        return true;
    fx_fail(err, report->verdict == REC_DIVERGENT ? FX_E_DIVERGED : FX_E_INCONCLUSIVE,
            report->verdict == REC_DIVERGENT
                ? "context \"%s\": the rows of %" PRId64
                  " of the %zu newest changed keys differ between the two sides"
                : "context \"%s\": not all of the newest changed keys could be compared: %" PRId64
                  " of %zu differ so far",
            en->env->context->name, report->divergent, n);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FINDINGS_MAX);
    rec_report_text(report, &text);
    fx_detail(err, "%s", fx_buf_cstr(&text));
    if (report->verdict != REC_DIVERGENT)
        return false; /* who aborts says how to try again */
    return fx_hint(err,
                   "Ownership did not change. Compare all rows before the next attempt: ficus "
                   "reconcile run --context %s",
                   en->env->context->name);
}

static bool open_sides(struct pln_environment *en, struct fx_err *err)
{
    return fx_side_open(en->losing, en->opt->verify_ms, err) &&
           fx_side_open(en->winning, en->opt->verify_ms, err);
}

void pln_env_practise_verify(struct pln_environment *en)
{
    struct fx_err ignored = FX_ERR_INIT;
    if (open_sides(en, &ignored))
        (void)!tail_equal(en, &ignored);
    en->result->keys_compared = -1;
}

bool pln_effect_verify(void *arg, struct fx_err *err)
{
    struct pln_environment *en = arg;
    return open_sides(en, err) &&
           (en->sides.is_canary ? canary_equal(en, err) : tail_equal(en, err)) &&
           pln_env_no_leaks(en, err);
}

/* --- step 12 ---------------------------------------------------------------------------------- */

typedef bool (*arrival_fn)(struct pln_environment *en, int64_t number, bool *ret,
                           struct fx_err *err);

static bool fail_unconfirmed(const struct pln_environment *en, struct fx_err *err)
{
    struct cdc_ref ref = pln_env_stream(en, true);
    char name[128];
    cdc_stream_name(&ref, name, sizeof name);
    fx_fail(err, FX_E_TIMEOUT,
            "stream \"%s\" did not carry a test write from the %s side back to the %s side within "
            "%" PRId64 " ms",
            name, en->new_wins ? "new" : "old", en->new_wins ? "old" : "new", en->opt->confirm_ms);
    return fx_hint(err,
                   "The %s side owns the tables. See the stream's lag and error: ficus cdc status "
                   "--context %s. When the lag is small, run " PLN_CUT_GO_ON ".",
                   en->new_wins ? "new" : "old", ref.context);
}

static bool wait_arrival(struct pln_environment *en, arrival_fn probe, int64_t number,
                         struct fx_err *err)
{
    struct pln_retry retry = pln_retry_for(en->fx, en, en->opt->confirm_ms, POLL_MS);
    int64_t asked_ms = 0;
    for (;;) {
        bool is_there = false;
        if (!fx_side_open(en->losing, en->opt->statement_ms, err) ||
            !probe(en, number, &is_there, err))
            return false;
        if (is_there)
            return true;
        if (!pln_retry_again(&retry))
            return fail_unconfirmed(en, err);
        int64_t elapsed_ms = pln_retry_elapsed_ms(&retry);
        if (elapsed_ms - asked_ms < STREAM_ASK_MS)
            continue;
        asked_ms = elapsed_ms;
        if (!pln_env_reverse_lives(en, err))
            return false;
    }
}

static bool probe_mark(struct pln_environment *en, int64_t epoch, bool *ret, struct fx_err *err)
{
    return pln_env_barrier_at(en, en->losing, epoch, ret, err);
}

static bool probe_canary(struct pln_environment *en, int64_t id, bool *ret, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_own_int(id, number), fx_str_from(en->sides.group)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(en->losing->db, "select note from ficus.canary where id = ? and grp = ?",
                     params, 2, &rows, err))
        return false;
    *ret = rows.n_rows == 1;
    return true;
}

/* An explicit id, from the clock: both sides write here
 * in turn, and their counters are not what is tested. */
static bool canary_travels(struct pln_environment *en, int64_t epoch, struct fx_err *err)
{
    int64_t id = fx_wall_now().us;
    char number[FX_OWN_INT_TEXT], note[64];
    (void)snprintf(note, sizeof note, "epoch %" PRId64, epoch);
    fx_cell params[] = {fx_own_int(id, number), fx_str_from(en->sides.group), fx_str_from(note)};
    return fx_db_exec(en->winning->db, "insert into ficus.canary (id, grp, note) values (?, ?, ?)",
                      params, 3, NULL, err) &&
           wait_arrival(en, probe_canary, id, err);
}

static void read_held_max(struct pln_environment *en)
{
    for (size_t i = 0; i < en->env->n_facades; i++) {
        struct fx_err ignored = FX_ERR_INIT;
        struct fcd_group_status group;
        bool is_known = false;
        if (pln_env_facade_group(en, i, &group, &is_known, &ignored) && is_known)
            en->result->held_max_ms = FX_MAX(en->result->held_max_ms, group.held_max_ms);
    }
}

/*
 * A barrier marker travels for every group. A row travels for the canary group only: ficus.canary
 * belongs to that group, and a row of any other group in it would be reported as an unfenced write.
 */
bool pln_effect_confirm(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    read_held_max(en);
    if (!fx_side_open(en->winning, en->opt->statement_ms, err) ||
        !fx_fence_of(en->winning)->write_marker(en->winning, epoch, err) ||
        !wait_arrival(en, probe_mark, epoch, err))
        return fx_ctx(err, "sending a barrier marker back from the %s side",
                      en->new_wins ? "new" : "old");
    if (en->sides.is_canary && !canary_travels(en, epoch, err))
        return fx_ctx(err, "sending a canary row back from the %s side",
                      en->new_wins ? "new" : "old");
    return pln_env_no_leaks(en, err);
}
