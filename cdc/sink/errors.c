/* SPDX-License-Identifier: Apache-2.0 */
/* What the target's refusals mean to the stream: tried again, stopped, and what to do then. */
#include <inttypes.h>
#include <string.h>

#include "cdc/sink/session.h"

/* The stream has stopped, so nothing that needs it can be the next step. */
static bool hint_conflict(const struct cdc_db_sink *s, struct fx_err *err)
{
    return fx_hint(err,
                   "Another client wrote to database \"%s\". Change that row back to its state "
                   "in \"%s\" before this change, then run: ficus cdc start --context %s --execute",
                   s->binding->target->name, s->binding->source->name, s->binding->ctx.name);
}

/* The transaction was rolled back, so that it can be tried again as soon as there is room. */
bool cdc_apply_wait_for_room(const struct cdc_binding *binding, struct fx_err *err)
{
    err->is_retriable = true;
    return fx_hint(err,
                   "The disk under database \"%s\" is full. Nothing was lost: the stream waits and "
                   "goes on by itself. Make room there. See: ficus cdc status --context %s",
                   binding->target->name, binding->ctx.name);
}

/* Not always somebody wrote: two keys of the source may be one to the target. */
static bool hint_taken(const struct cdc_db_sink *s, struct fx_err *err)
{
    return fx_hint(
        err,
        "Another client wrote to database \"%s\": change that row back to its state in "
        "\"%s\" before this change. Or two keys differ only in trailing spaces, which a "
        "collation that pads ignores: ficus cdc preflight --context %s prints the ALTER. "
        "Then run: ficus cdc start --context %s --execute",
        s->binding->target->name, s->binding->source->name, s->binding->ctx.name,
        s->binding->ctx.name);
}

bool cdc_apply_fail_server(const struct cdc_db_sink *s, struct fx_err *err)
{
    fx_err_as_target(err);
    if (fx_db_is_full(err))
        return cdc_apply_wait_for_room(s->binding, err);
    if (strncmp(err->sqlstate, "23", 2) != 0)
        return false;
    fx_err_recode(err, FX_E_TARGET_CONFLICT);
    return hint_taken(s, err);
}

bool cdc_apply_fail_txn(struct cdc_db_sink *s, struct fx_err *err)
{
    s->has_failed = true;
    (void)cdc_apply_fail_server(s, err);
    return fx_ctx(err, "applying %s", s->txn.label);
}

static bool fail_count(struct cdc_db_sink *s, int64_t n_rows, int64_t expected, struct fx_err *err)
{
    FX_AUTO(cdc_progress) struct cdc_progress seen = {0};
    if (!fx_db_exec(s->db, "rollback", NULL, 0, NULL, err) ||
        !cdc_progress_read(s->db, s->binding, "", &seen, err))
        return cdc_apply_fail_server(s, err);
    if (seen.epoch != s->sink.progress.epoch)
        return cdc_progress_fail_stale(s->binding, seen.epoch, s->sink.progress.epoch, err);
    (void)fx_fail(err, FX_E_TARGET_CONFLICT,
                  "a row that the source changed is missing in database \"%s\": %" PRId64
                  " rows expected, %" PRId64 " found",
                  s->binding->target->name, expected, n_rows);
    return hint_conflict(s, err);
}

bool cdc_apply_fail_count(struct cdc_db_sink *s, int64_t n_rows, int64_t expected,
                          struct fx_err *err)
{
    s->has_failed = true;
    (void)fail_count(s, n_rows, expected, err);
    return fx_ctx(err, "applying %s", s->txn.label);
}
