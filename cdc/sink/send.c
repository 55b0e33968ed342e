/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts to the server. The rows that each statement of a text matched are counted before the text
 * with its "commit" goes out, so that a transaction which did not find its rows is never committed.
 */
#include <inttypes.h>

#include "cdc/sink/session.h"
#include "lib/base/panic.h"
#include "lib/io/failpoint.h"

/* A longer body is not copied behind its head: they are two texts. */
enum { JOIN_MAX = 4 << 20 };

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

/* One by one: a statement that matched too many would hide one that matched too few. */
static bool count(struct cdc_db_sink *s, const struct fx_counts *expected, struct fx_err *err)
{
    for (size_t i = 0; i < expected->len; i++) {
        int64_t found = i < s->found.len ? s->found.n[i] : 0;
        if (found != expected->n[i])
            return cdc_apply_fail_count(s, found, expected->n[i], err);
    }
    return s->found.len == expected->len ||
           cdc_apply_fail_count(s, (int64_t)s->found.len, (int64_t)expected->len, err);
}

bool cdc_send_wait(struct cdc_db_sink *s, struct fx_err *err)
{
    if (!s->is_sent)
        return true;
    s->is_sent = false;
    if (!fx_db_receive_each(s->db, &s->found, err))
        return cdc_apply_fail_txn(s, err);
    if (!count(s, &s->expected, err))
        return false;
    note_commit(s, &s->in_sent);
    return true;
}

static bool check_text(struct cdc_db_sink *s, const struct cdc_batch *text, struct fx_err *err)
{
    FX_INVARIANT(text->expected >= text->n_changes,
                 "stream \"%s\": %" PRId64 " changes in a text that must match %" PRId64
                 " rows, %s",
                 s->binding->stream, text->n_changes, text->expected, s->txn.label);
    if (s->has_failed)
        return fx_fail(err, FX_E_TARGET, "the session with database \"%s\" has failed before",
                       s->binding->target->name);
    if (s->in_head.is_set)
        FX_FAILPOINT("apply.commit.before");
    if (text->sql.has_failed)
        return fx_fail(err, FX_E_LIMIT,
                       "the statement for one batch of stream \"%s\" is larger than 64 MiB",
                       s->binding->stream) ||
               fx_hint(err, "The stream cannot pass this row. Shorten its values in the source, "
                            "then " FX_CMD_NEW_COPY ".") ||
               fx_ctx(err, "applying %s", s->txn.label);
    if (s->text_max > 0 && text->sql.len > s->text_max) {
        (void)s->target->fail_too_long(s->binding, text->sql.len, s->text_max, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    return true;
}

static bool execute(struct cdc_db_sink *s, struct cdc_batch *text, struct fx_err *err)
{
    cdc_batch_finish(text);
    if (text->sql.len == 0)
        return true;
    if (!check_text(s, text, err))
        return false;
    if (!fx_db_exec_each(s->db, fx_buf_cstr(&text->sql), &s->found, err))
        return cdc_apply_fail_txn(s, err);
    if (!count(s, &text->matches, err))
        return false;
    note_commit(s, &s->in_head);
    cdc_batch_clear(text);
    return true;
}

/* Head and body as one text, where that is not too long to be copied. */
static bool execute_both(struct cdc_db_sink *s, struct fx_err *err)
{
    if (!cdc_send_wait(s, err))
        return false;
    if (s->batch.sql.len <= JOIN_MAX)
        cdc_batch_join(&s->head, &s->batch);
    if (!execute(s, &s->head, err) || !execute(s, &s->batch, err))
        return false;
    cdc_apply_note_waiting(s);
    return true;
}

static bool may_wait(const struct cdc_db_sink *s)
{
    return s->state == CDC_APPLY_COPYING && !s->sink.is_exact && fx_db_can_send(s->db);
}

/* Sends the text and leaves its rows to be counted before the next one goes out. */
static bool send_ahead(struct cdc_db_sink *s, struct fx_err *err)
{
    cdc_batch_join(&s->head, &s->batch);
    cdc_batch_finish(&s->head);
    if (!cdc_send_wait(s, err) || !check_text(s, &s->head, err))
        return false;
    if (!fx_db_send(s->db, fx_buf_cstr(&s->head.sql), err))
        return cdc_apply_fail_txn(s, err);
    s->is_sent = true;
    struct fx_counts counts = s->expected;
    s->expected = s->head.matches;
    s->head.matches = counts;
    cdc_commit_point_set(&s->in_sent, &s->in_head);
    s->in_head.is_set = false;
    cdc_batch_clear(&s->head);
    cdc_apply_note_waiting(s);
    return true;
}

bool cdc_send_part(struct cdc_db_sink *s, struct fx_err *err)
{
    bool is_empty = s->head.sql.len == 0 && s->batch.sql.len == 0;
    bool is_short = s->batch.sql.len <= JOIN_MAX;
    return !is_empty && is_short && may_wait(s) ? send_ahead(s, err) : execute_both(s, err);
}

bool cdc_send_group(struct cdc_db_sink *s, struct fx_err *err)
{
    if (s->group.members == 0)
        return true;
    FX_INVARIANT(s->state == CDC_APPLY_NONE || s->state == CDC_APPLY_MEMBER,
                 "stream \"%s\": a group of %" PRId64 " inside %s", s->binding->stream,
                 s->group.members, s->txn.label);
    cdc_apply_add_begin(s, &s->grouped.progress);
    s->sink.group_members = s->group.members;
    if (!execute_both(s, err))
        return false;
    FX_FAILPOINT("apply.group.counted");
    s->grouped.is_set = true;
    cdc_commit_point_set(&s->due, &s->grouped);
    s->group = (struct cdc_group){0};
    cdc_apply_note_waiting(s);
    return true;
}

static bool commit_due(struct cdc_db_sink *s, struct fx_err *err)
{
    if (!s->due.is_set)
        return true;
    cdc_apply_add_commit(s);
    return execute_both(s, err);
}

bool cdc_send_all(struct cdc_db_sink *s, struct fx_err *err)
{
    return cdc_send_group(s, err) && execute_both(s, err) && commit_due(s, err);
}

bool cdc_send_if_exact(struct cdc_db_sink *s, struct fx_err *err)
{
    return !s->sink.is_exact || execute_both(s, err);
}
