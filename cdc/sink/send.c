/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts to the server. The rows that a text matched are counted before the text with its "commit"
 * goes out, so that a transaction which did not find its rows is never committed.
 */
#include <inttypes.h>

#include "cdc/sink/session.h"
#include "lib/base/panic.h"
#include "lib/io/failpoint.h"

enum { FLUSH_BYTES = 1 << 20 };

/* Whole rows are added, so what is sent early leaves room for a large one. */
bool cdc_send_is_long(const struct cdc_db_sink *s)
{
    size_t limit = FLUSH_BYTES;
    return s->batch.sql.len >= (s->text_max == 0 ? limit : FX_MIN(limit, s->text_max / 4));
}

/* The commit that was in the text is durable. */
static void note_commit(struct cdc_db_sink *s, struct cdc_commit_point *point)
{
    if (!point->is_set)
        return;
    point->is_set = false;
    FX_FAILPOINT("apply.commit.after");
    cdc_progress_copy(&s->sink.progress, &point->progress);
    s->sink.durable_commit_us = point->us;
    s->sink.is_coarse_time = point->is_coarse;
}

static bool count(struct cdc_db_sink *s, int64_t n_rows, int64_t expected, struct fx_err *err)
{
    return n_rows == expected || cdc_apply_fail_count(s, n_rows, expected, err);
}

bool cdc_send_wait(struct cdc_db_sink *s, struct fx_err *err)
{
    int64_t n_rows = 0;
    if (!s->sent.is_waiting)
        return true;
    s->sent.is_waiting = false;
    if (!fx_db_receive(s->db, &n_rows, err))
        return cdc_apply_fail_txn(s, err);
    if (!count(s, n_rows, s->sent.expected, err))
        return false;
    note_commit(s, &s->sent.commit);
    return true;
}

static bool check_text(struct cdc_db_sink *s, struct fx_err *err)
{
    FX_INVARIANT(s->batch.expected >= s->batch.n_changes,
                 "stream \"%s\": %" PRId64 " changes in a text that must match %" PRId64
                 " rows, %s",
                 s->binding->stream, s->batch.n_changes, s->batch.expected, s->txn.label);
    if (s->commit.is_set)
        FX_FAILPOINT("apply.commit.before");
    if (s->batch.sql.has_failed)
        return fx_fail(err, FX_E_LIMIT,
                       "the statement for one batch of stream \"%s\" is larger than 64 MiB",
                       s->binding->stream) ||
               fx_hint(err, "The stream cannot pass this row. Shorten its values in the source, "
                            "then " FX_CMD_NEW_COPY ".") ||
               fx_ctx(err, "applying %s", s->txn.label);
    if (s->text_max > 0 && s->batch.sql.len > s->text_max) {
        (void)s->target->fail_too_long(s->binding, s->batch.sql.len, s->text_max, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    return true;
}

static bool execute(struct cdc_db_sink *s, struct fx_err *err)
{
    int64_t n_rows = 0;
    if (!fx_db_exec(s->db, fx_buf_cstr(&s->batch.sql), NULL, 0, &n_rows, err))
        return cdc_apply_fail_txn(s, err);
    if (!count(s, n_rows, s->batch.expected, err))
        return false;
    note_commit(s, &s->commit);
    return true;
}

bool cdc_send_all(struct cdc_db_sink *s, struct fx_err *err)
{
    cdc_batch_finish(&s->batch);
    if (!cdc_send_wait(s, err))
        return false;
    if (s->batch.sql.len == 0)
        return true;
    if (!check_text(s, err) || !execute(s, err))
        return false;
    cdc_batch_clear(&s->batch);
    s->sink.oldest_waiting_us = 0;
    if (s->state == CDC_APPLY_ENDING)
        cdc_apply_set_state(s, CDC_APPLY_NONE);
    return true;
}

bool cdc_send_if_exact(struct cdc_db_sink *s, struct fx_err *err)
{
    return !s->is_exact || cdc_send_all(s, err);
}

static void keep_sent(struct cdc_db_sink *s)
{
    s->sent.is_waiting = true;
    s->sent.expected = s->batch.expected;
    s->sent.commit.is_set = s->commit.is_set;
    cdc_progress_copy(&s->sent.commit.progress, &s->commit.progress);
    s->sent.commit.us = s->commit.us;
    s->sent.commit.is_coarse = s->commit.is_coarse;
    s->commit.is_set = false;
}

bool cdc_send_ahead(struct cdc_db_sink *s, struct fx_err *err)
{
    bool may_wait = s->state == CDC_APPLY_COPYING && !s->is_exact && fx_db_can_send(s->db);
    cdc_batch_finish(&s->batch);
    if (s->batch.sql.len == 0 || !may_wait)
        return cdc_send_all(s, err);
    if (!cdc_send_wait(s, err) || !check_text(s, err))
        return false;
    if (!fx_db_send(s->db, fx_buf_cstr(&s->batch.sql), err))
        return cdc_apply_fail_txn(s, err);
    keep_sent(s);
    cdc_batch_clear(&s->batch);
    return true;
}
