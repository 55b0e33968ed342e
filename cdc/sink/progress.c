/* SPDX-License-Identifier: Apache-2.0 */
/* See progress.h. */
#include "cdc/sink/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/err/redact.h"
#include "lib/fmt/text.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/schema.h"

const char *cdc_progress_phase_name(enum cdc_progress_phase phase)
{
    switch (phase) {
    case CDC_PROGRESS_NEW: return "new";
    case CDC_PROGRESS_COPY: return "copy";
    case CDC_PROGRESS_STREAM: return "stream";
    }
    return "?";
}

void cdc_progress_copy(struct cdc_progress *to, const struct cdc_progress *from)
{
    struct cdc_progress copy = *from;
    fx_pos_copy(&to->pos, &from->pos);
    copy.pos = to->pos;
    *to = copy;
}

void cdc_progress_done(struct cdc_progress *progress)
{
    fx_pos_done(&progress->pos);
}

static bool parse_progress(const char *stream, const struct fx_rows *rows, struct cdc_progress *ret,
                           struct fx_err *err)
{
    struct fx_str pos = fx_rows_at(rows, 0, 0);
    struct fx_str phase = fx_rows_at(rows, 0, 3);
    ret->phase = CDC_PROGRESS_NEW;
    if (fx_str_eq_c(phase, "stream"))
        ret->phase = CDC_PROGRESS_STREAM;
    else if (fx_str_eq_c(phase, "copy"))
        ret->phase = CDC_PROGRESS_COPY;
    if (pos.len > FX_POS_MAX || (pos.len > 0 && memchr(pos.ptr, 0, pos.len) != NULL) ||
        !fx_parse_i64(fx_rows_at(rows, 0, 1), 0, INT64_MAX, &ret->ordinal) ||
        !fx_parse_i64(fx_rows_at(rows, 0, 2), 0, INT64_MAX, &ret->epoch))
        return fx_fail(err, FX_E_DRIFT,
                       "the row of stream \"%s\" in table \"ficus.progress\" has an invalid "
                       "position, ordinal or epoch",
                       stream) ||
               fx_hint(err, "Another program changed it. Restore that row from a backup and "
                            "run: " FX_CMD_START ". Without a backup, " FX_CMD_NEW_COPY ".");
    fx_pos_set(&ret->pos, pos);
    return true;
}

bool cdc_progress_read(struct fx_db *db, const struct cdc_binding *binding, const char *lock,
                       struct cdc_progress *ret, struct fx_err *err)
{
    struct fx_rows rows;
    fx_cell stream = fx_str_from(binding->stream);
    FX_AUTO_STR char *sql = fx_asprintf(
        "select position, ordinal, epoch, phase from ficus.progress where stream = ?%s", lock);
    if (!fx_db_select(db, sql, &stream, 1, 0, 4, &rows, err))
        return false;
    bool is_ok = true;
    if (rows.n_rows == 0) {
        (void)fx_fail(err, FX_E_DRIFT,
                      "stream \"%s\" has no row in table ficus.progress of database \"%s\"",
                      binding->stream, db->conf->name);
        is_ok = fx_hint(
            err,
            "If the streams were dropped meanwhile, start them: " FX_CMD_START
            ". If another program deleted the row, restore it from a backup "
            "before that: a new row would skip changes. Without a backup, " FX_CMD_NEW_COPY ".");
    } else {
        is_ok = parse_progress(binding->stream, &rows, ret, err);
    }
    fx_rows_done(&rows);
    return is_ok;
}

static bool read_holder(const struct cdc_binding *binding, struct fx_holder *ret)
{
    struct fx_err ignored = FX_ERR_INIT; /* the epoch says enough */
    struct fx_db *db = NULL;
    bool is_ok = fx_db_open(binding->target, &db, &ignored) && fx_schema_guard(db, &ignored) &&
                 fx_holder_read(db, binding->ctx.name, ret, &ignored);
    fx_db_close(db);
    return is_ok;
}

bool cdc_progress_fail_stale(const struct cdc_binding *binding, int64_t epoch, int64_t ours,
                             struct fx_err *err)
{
    struct fx_holder holder;
    if (read_holder(binding, &holder) && !fx_holder_is_ours(&holder, &binding->ctx))
        return fx_holder_fail(&holder, &binding->ctx, binding->target, err);
    (void)fx_fail(err, FX_E_STALE_EPOCH,
                  "another applier has claimed stream \"%s\": epoch %" PRId64 ", ours is %" PRId64,
                  binding->stream, epoch, ours);
    return fx_hint(
        err,
        "Only one process may apply a stream. The other one runs on another host or with "
        "another state directory: stop it there with ficus cdc stop --context %s "
        "--execute. Then run here: ficus cdc start --context %s --execute",
        binding->ctx.name, binding->ctx.name);
}

/* Under a share lock until the claim commits: an adoption comes before it, or after it. */
static bool lock_holder(struct fx_db *db, const struct cdc_binding *binding, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(2048);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    struct fx_holder holder;
    fx_buf_add_c(&sql, "select 1 where ");
    fx_holder_condition(&binding->ctx, db, &sql);
    if (!fx_db_query(db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return false;
    return rows.n_rows > 0 || (fx_holder_read(db, binding->ctx.name, &holder, err) &&
                               fx_holder_fail(&holder, &binding->ctx, binding->target, err));
}

bool cdc_progress_claim(struct fx_db *db, const struct cdc_binding *binding, int64_t epoch,
                        bool has_controllers, struct cdc_progress *ret, struct fx_err *err)
{
    fx_cell stream = fx_str_from(binding->stream);
    if (!fx_db_exec(db, "begin", NULL, 0, NULL, err) ||
        (has_controllers && !lock_holder(db, binding, err)) ||
        !cdc_progress_read(db, binding, " for update", ret, err))
        return false;
    if (epoch != 0 && ret->epoch != epoch)
        return cdc_progress_fail_stale(binding, ret->epoch, epoch, err);
    if (epoch == 0) {
        if (!fx_db_exec(db, "update ficus.progress set epoch = epoch + 1 where stream = ?", &stream,
                        1, NULL, err))
            return false;
        ret->epoch++;
    }
    return fx_db_exec(db, "commit", NULL, 0, NULL, err);
}

bool cdc_progress_leaks(struct fx_db *db, const struct cdc_binding *binding, int64_t *ret_leaks,
                        char *last, size_t last_size, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell stream[] = {fx_str_from(binding->stream), fx_str_from(binding->stream)};
    if (!fx_db_select(db,
                      "select coalesce(sum(n), 0), coalesce((select what from ficus.leak "
                      "where stream = ? order by id desc limit 1), '') "
                      "from ficus.leak where stream = ?",
                      stream, 2, 1, 2, &rows, err))
        return false;
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(64 << 10);
    fx_cell stored = fx_rows_at(&rows, 0, 1);
    if (fx_str_starts(stored, FX_STR("table \""))) /* with the key of a row */
        fx_redact_key(stored, &shown);
    else
        fx_buf_add(&shown, stored);
    struct fx_str what = fx_utf8_clip(fx_buf_str(&shown), last_size - 1);
    (void)snprintf(last, last_size, "%.*s", FX_STR_FMT(what));
    return fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, ret_leaks) ||
           fx_fail(err, FX_E_DRIFT,
                   "the sum of column \"n\" in table \"ficus.leak\" for stream \"%s\" is not a "
                   "whole number of 0 or more",
                   binding->stream) ||
           fx_hint(
               err,
               "Another program changed rows of that table in database \"%s\". Correct them there: "
               "select id, n from ficus.leak where stream = '%s' order by n; then for each wrong "
               "n: update ficus.leak set n = 1 where id = ID; then run: " FX_CMD_START,
               binding->target->name, binding->stream);
}
