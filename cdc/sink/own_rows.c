/* SPDX-License-Identifier: Apache-2.0 */
/* Statements for Ficus's own tables, which go out together with the changes. */
#include <inttypes.h>

#include "cdc/sink/session.h"
#include "lib/base/panic.h"
#include "lib/fmt/text.h"

static void check_begin(const struct cdc_db_sink *s, const struct cdc_progress *to)
{
    FX_INVARIANT(to->ordinal > s->next.ordinal,
                 "stream \"%s\": BEGIN of %s with ordinal %" PRId64 " after %" PRId64,
                 s->binding->stream, s->txn.label, to->ordinal, s->next.ordinal);
}

/*
 * The ordinal rises each time: MariaDB writes no row event for an update to equal values, and a
 * transaction without one on ficus.progress is a customer's to the other stream.
 */
static void add_move(struct cdc_db_sink *s, const struct cdc_progress *to)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096 + 4 * FX_POS_MAX);
    enum fx_engine engine = s->binding->target->engine;
    fx_buf_add_c(&sql, "update ficus.progress set position=");
    fx_db_literal(engine, fx_pos_str(&to->pos), &sql);
    fx_buf_printf(&sql, ",ordinal=%" PRId64 ",phase='%s' where stream=", to->ordinal,
                  cdc_progress_phase_name(to->phase));
    fx_db_literal(engine, fx_str_from(s->binding->stream), &sql);
    fx_buf_add_c(&sql, " and position=");
    fx_db_literal(engine, fx_pos_str(&s->next.pos), &sql);
    fx_buf_printf(&sql, " and ordinal=%" PRId64 " and epoch=%" PRId64, s->next.ordinal,
                  s->next.epoch);
    FX_ASSERT(!sql.has_failed);
    cdc_batch_statement(&s->head, fx_buf_cstr(&sql), 1);
}

void cdc_apply_add_commit(struct cdc_db_sink *s)
{
    if (!s->due.is_set)
        return;
    cdc_batch_statement(&s->head, "commit", 0);
    cdc_commit_point_set(&s->in_head, &s->due);
    s->due.is_set = false;
}

void cdc_apply_add_begin(struct cdc_db_sink *s, const struct cdc_progress *to)
{
    check_begin(s, to);
    cdc_apply_add_commit(s);
    cdc_batch_statement(&s->head, "begin", 0);
    add_move(s, to);
    cdc_progress_copy(&s->before, &s->next);
    fx_pos_copy(&s->next.pos, &to->pos);
    s->next.phase = to->phase;
    s->next.ordinal = to->ordinal;
}

bool cdc_apply_begin_progress_only(struct cdc_db_sink *s, const struct fx_pos *pos,
                                   enum cdc_progress_phase phase, struct fx_err *err)
{
    if (!cdc_send_all(s, err))
        return false;
    struct cdc_progress to = s->next;
    struct cdc_txn txn = {.pos = fx_pos_view(pos), .label = "a progress-only transaction"};
    to.pos = fx_pos_view(pos);
    to.phase = phase;
    to.ordinal++;
    txn.commit_us = s->sink.durable_commit_us;
    txn.is_coarse_time = s->sink.is_coarse_time;
    cdc_txn_copy(&s->txn, &txn);
    cdc_apply_set_state(s, CDC_APPLY_ALONE);
    cdc_apply_add_begin(s, &to);
    return true;
}

/* Sent with the change itself: a leak that was applied
 * and then forgotten would let the next gate through. */
void cdc_apply_add_leak(struct cdc_db_sink *s, int64_t n, const char *what)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096 + 2 * FX_POS_MAX);
    enum fx_engine engine = s->binding->target->engine;
    struct fx_str text = fx_utf8_clip(fx_str_from(what), CDC_LEAK_TEXT - 1);
    fx_buf_add_c(&sql, "insert into ficus.leak (stream, position, n, what) values (");
    fx_db_literal(engine, fx_str_from(s->binding->stream), &sql);
    fx_buf_add_char(&sql, ',');
    fx_db_literal(engine, fx_pos_str(&s->txn.pos), &sql);
    fx_buf_printf(&sql, ",%" PRId64 ",", n);
    fx_db_literal(engine, fx_utf8_valid(text) ? text : FX_STR("(not shown)"), &sql);
    fx_buf_add_char(&sql, ')');
    FX_ASSERT(!sql.has_failed);
    cdc_batch_statement(cdc_apply_batch(s), fx_buf_cstr(&sql), 1);
}

/* A barrier may be sent again (a confirmation after a
 * crash): the row stays, and counts as one either way. */
void cdc_apply_add_barrier(struct cdc_db_sink *s, const struct cdc_barrier *barrier)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024 + 2 * FX_POS_MAX);
    enum fx_engine engine = s->binding->target->engine;
    fx_buf_add_c(&sql, "insert into ficus.barrier (grp, epoch, position) values (");
    fx_db_literal(engine, fx_str_from(barrier->group), &sql);
    fx_buf_printf(&sql, ",%" PRId64 ",", barrier->epoch);
    fx_db_literal(engine, fx_pos_str(&s->txn.pos), &sql);
    fx_buf_printf(&sql, ")%s", s->target->keep_barrier);
    FX_ASSERT(!sql.has_failed);
    cdc_batch_statement(cdc_apply_batch(s), fx_buf_cstr(&sql), 1);
}
