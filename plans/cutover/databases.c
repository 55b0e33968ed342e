/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol's effects on the two databases, through their rows of ownership and their fences. */
#include <inttypes.h>

#include "plans/cutover/environment.h"

/* Arming and disarming: lock time-outs bound each lock, this
 * bounds a statement that takes many, and a server that hangs. */
enum { DDL_MS = 10000 };

struct fx_side *pln_env_side(struct pln_environment *en, enum pln_cut_side which)
{
    return which == PLN_LOSING ? en->losing : en->winning;
}

bool pln_effect_own(void *arg, enum pln_cut_side which, bool is_locked, struct fx_own *ret,
                    struct fx_err *err)
{
    struct pln_environment *en = arg;
    struct fx_side *side = pln_env_side(en, which);
    return fx_side_open(side, en->opt->statement_ms, err) && fx_own_row(side, is_locked, ret, err);
}

bool pln_effect_arm(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    return fx_side_open(en->losing, DDL_MS, err) &&
           fx_fence_of(en->losing)->arm(en->losing, epoch, en->opt->lock_wait_ms, err);
}

bool pln_effect_fence(void *arg, int64_t e, bool *ret_taken, struct fx_err *err)
{
    struct pln_environment *en = arg;
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    struct fx_fence_request request = {.e = e,
                                       .ttl_ms = en->opt->fence_ttl_ms,
                                       .lock_ms = en->opt->lock_wait_ms,
                                       .operator_name = en->env->operator_name};
    if (!pln_env_stream_status(en, false, &status, err))
        return false;
    en->leaks_before = status.leaks;
    return fx_side_open(en->losing, en->opt->lock_wait_ms, err) &&
           fx_fence_of(en->losing)->fence(en->losing, &request, ret_taken, err) &&
           (*ret_taken || fx_side_check_holder(en->losing, err));
}

bool pln_effect_armed(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    FX_AUTO(fx_findings) struct fx_findings findings;
    fx_findings_init(&findings);
    bool ok = fx_side_open(en->losing, en->opt->statement_ms, err) &&
              fx_fence_of(en->losing)->armed(en->losing, epoch, &findings, err);
    if (ok && findings.n > 0)
        return fx_findings_fail(&findings, err, FX_E_DRIFT,
                                "not every table of group \"%s\" has this cut-over's enabled fence "
                                "trigger",
                                en->sides.group) ||
               fx_hint(err, "Ownership did not change. The cut-over had created these triggers: "
                            "find out who dropped or disabled them, or who added the table. Then "
                            "run " PLN_CUT_GO_ON ".");
    return ok;
}

bool pln_effect_raise_ids(void *arg, int64_t epoch, struct fx_err *err)
{
    struct pln_environment *en = arg;
    size_t n = en->losing->n_tables;
    int64_t *a = fx_arena_array(&en->arena, n, sizeof *a);
    int64_t *b = fx_arena_array(&en->arena, n, sizeof *b);
    bool is_guarded = false;
    if (!fx_side_open(en->losing, en->opt->statement_ms, err) ||
        !fx_side_open(en->winning, en->opt->statement_ms, err) ||
        !fx_fence_of(en->losing)->ids_read(en->losing, a, err) ||
        !fx_fence_of(en->winning)->ids_read(en->winning, b, err))
        return false;
    for (size_t t = 0; t < n; t++)
        a[t] = a[t] < 0 && b[t] < 0 ? -1 : FX_MAX(a[t], b[t]) + en->opt->identity_gap;
    if (!fx_fence_of(en->winning)->ids_raise(en->winning, a, epoch, &is_guarded, err))
        return false;
    return is_guarded ||
           fx_fail(err, FX_E_STALE_EPOCH,
                   "another operator moved group \"%s\" during this cut-over: in database \"%s\" "
                   "it is no longer AWAY with an epoch below %" PRId64,
                   en->sides.group, en->winning->conf->name, epoch) ||
           fx_hint(err, PLN_CUT_OTHER);
}

bool pln_effect_barrier_applied(void *arg, int64_t epoch, bool *ret, struct fx_err *err)
{
    struct pln_environment *en = arg;
    return fx_side_open(en->winning, en->opt->statement_ms, err) &&
           pln_env_barrier_at(en, en->winning, epoch, ret, err);
}

bool pln_effect_commit(void *arg, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct pln_environment *en = arg;
    return fx_side_open(en->losing, en->opt->statement_ms, err) &&
           fx_own_commit(en->losing, e, ret_won, err);
}

/* A session of its own: the one that fenced may be the one that hangs. */
bool pln_effect_abort(void *arg, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct pln_environment *en = arg;
    struct fx_side fresh = *en->losing;
    fresh.db = NULL;
    bool ok =
        fx_side_open(&fresh, en->opt->statement_ms, err) && fx_own_abort(&fresh, e, ret_won, err);
    fx_side_close(&fresh);
    return ok;
}

bool pln_effect_invalidate(void *arg, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct pln_environment *en = arg;
    return fx_side_open(en->losing, en->opt->statement_ms, err) &&
           fx_own_invalidate(en->losing, e, ret_won, err);
}

bool pln_effect_open(void *arg, int64_t epoch, bool *ret_won, struct fx_err *err)
{
    struct pln_environment *en = arg;
    return fx_side_open(en->winning, en->opt->statement_ms, err) &&
           fx_own_open(en->winning, epoch, ret_won, err);
}

bool pln_effect_disarm(void *arg, enum pln_cut_side which, struct fx_err *err)
{
    struct pln_environment *en = arg;
    struct fx_side *side = pln_env_side(en, which);
    bool is_done = false;
    return fx_side_open(side, DDL_MS, err) &&
           fx_fence_of(side)->disarm(side, en->opt->lock_wait_ms, &is_done, err);
}

bool pln_env_barrier_at(struct pln_environment *en, struct fx_side *side, int64_t epoch, bool *ret,
                        struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(en->sides.group), fx_own_int(epoch, number)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(side->db, "select 1 from ficus.barrier where grp = ? and epoch = ?", params, 2,
                     &rows, err))
        return false;
    *ret = rows.n_rows > 0;
    return true;
}
