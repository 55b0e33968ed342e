/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies changes to a database, PostgreSQL or MariaDB, over one session of lib/db.
 *
 * A group (group.h) is one text "begin; compare-and-set; changes" whose matched rows are counted
 * before "commit" is sent; that commit rides in front of the next group's text when more is waiting
 * (one round trip each), or goes alone. A copy works one text ahead: while the server works on one,
 * the next is built, and it is sent only when the rows of the one before have been counted. The
 * session fires no foreign keys and no business triggers: the source has done that.
 */
#include <stdlib.h>

#include "cdc/sink/session.h"
#include "lib/base/alloc.h"
#include "lib/io/failpoint.h"
#include "lib/ownership/schema.h"

/* The open transaction has a target transaction of its own from here on. */
static void go_alone(struct cdc_db_sink *s)
{
    struct cdc_progress to = s->next;
    to.pos = fx_pos_view(&s->txn.pos);
    to.ordinal++;
    to.phase = CDC_PROGRESS_STREAM;
    cdc_apply_set_state(s, CDC_APPLY_ALONE);
    cdc_apply_add_begin(s, &to);
    struct cdc_batch empty = s->batch;
    s->batch = s->member;
    s->member = empty;
}

static bool sink_begin(struct cdc_sink *sink, const struct cdc_txn *txn, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    cdc_txn_copy(&s->txn, txn);
    fx_pos_copy(&sink->reach, &txn->pos);
    s->begun = fx_mono_now();
    cdc_apply_set_state(s, CDC_APPLY_MEMBER);
    if (!sink->is_exact)
        return true;
    if (!cdc_send_all(s, err))
        return false;
    go_alone(s);
    return cdc_send_part(s, err);
}

bool cdc_apply_go_alone(struct cdc_db_sink *s, struct fx_err *err)
{
    if (!cdc_send_group(s, err))
        return false;
    go_alone(s);
    return true;
}

/* A group waits for no member that is long in coming, and a large one goes behind it. */
static bool make_place(struct cdc_db_sink *s, struct fx_err *err)
{
    struct cdc_group_limits limits = cdc_apply_limits(s);
    const struct cdc_group empty = {0};
    int64_t rows = s->member.n_changes;
    size_t bytes = s->member.sql.len;
    if ((!cdc_group_takes(&s->group, &limits, rows, bytes) ||
         cdc_group_is_due(&s->group, &limits, fx_mono_now())) &&
        !cdc_send_group(s, err))
        return false;
    if (cdc_group_takes(&empty, &limits, rows, bytes))
        return true;
    go_alone(s);
    return cdc_send_part(s, err);
}

/* What came before a change that cannot be written is complete, and is not lost to it. */
static bool fail_row(struct cdc_db_sink *s, struct fx_err *err)
{
    struct fx_err ignored = FX_ERR_INIT;
    if (s->state == CDC_APPLY_MEMBER && !cdc_send_all(s, &ignored))
        return fx_ctx(err, "applying %s; what came before it is applied again", s->txn.label);
    return fx_ctx(err, "applying %s", s->txn.label);
}

static bool sink_row(struct cdc_sink *sink, const struct cdc_row *row, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    cdc_apply_need_open(s);
    if (sink->is_exact)
        return cdc_exact_row(s, row, err);
    if (!cdc_batch_row(cdc_apply_batch(s), row, err))
        return fail_row(s, err);
    if (s->state == CDC_APPLY_MEMBER)
        return make_place(s, err);
    struct cdc_group_limits limits = cdc_apply_limits(s);
    bool is_full = s->batch.n_changes >= limits.rows || s->batch.sql.len >= limits.bytes;
    return !is_full || cdc_send_part(s, err);
}

static bool sink_barrier(struct cdc_sink *sink, const struct cdc_barrier *barrier,
                         struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    cdc_apply_need_open(s);
    cdc_apply_add_barrier(s, barrier);
    return cdc_send_if_exact(s, err);
}

static struct cdc_commit_point point_of(struct cdc_db_sink *s, const struct cdc_progress *progress)
{
    return (struct cdc_commit_point){.is_set = true,
                                     .progress = *progress,
                                     .us = s->txn.commit_us,
                                     .oldest_us = s->txn.commit_us,
                                     .is_coarse = s->txn.is_coarse_time};
}

static bool join_group(struct cdc_db_sink *s, struct fx_err *err)
{
    struct cdc_group_limits limits = cdc_apply_limits(s);
    struct cdc_progress to = s->next;
    to.phase = CDC_PROGRESS_STREAM;
    to.pos = fx_pos_view(&s->txn.pos);
    to.ordinal = s->next.ordinal + s->group.members + 1;
    struct cdc_commit_point point = point_of(s, &to);
    if (s->group.members > 0)
        point.oldest_us = s->grouped.oldest_us;
    cdc_commit_point_set(&s->grouped, &point);
    cdc_group_join(&s->group, s->member.n_changes, s->member.sql.len, s->begun);
    cdc_batch_join(&s->batch, &s->member);
    cdc_apply_set_state(s, CDC_APPLY_NONE);
    FX_FAILPOINT("apply.group.joined");
    return !cdc_group_is_due(&s->group, &limits, fx_mono_now()) || cdc_send_group(s, err);
}

/* The changes are counted before the text with their "commit" goes out. */
static bool commit_alone(struct cdc_db_sink *s, struct fx_err *err)
{
    if (!cdc_send_part(s, err))
        return false;
    struct cdc_commit_point point = point_of(s, &s->next);
    cdc_commit_point_set(&s->due, &point);
    cdc_apply_set_state(s, CDC_APPLY_NONE);
    return true;
}

static bool sink_commit(struct cdc_sink *sink, bool is_more, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    cdc_apply_need_open(s);
    if (s->state == CDC_APPLY_MEMBER ? !join_group(s, err) : !commit_alone(s, err))
        return false;
    return (is_more && !sink->is_exact) || cdc_send_all(s, err);
}

/* Between two transactions the position stays: somebody may hold the stream there. */
static bool sink_leak(struct cdc_sink *sink, int64_t n, const char *what, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    bool is_own = s->state == CDC_APPLY_NONE;
    if (is_own) {
        if (!cdc_send_all(s, err))
            return false;
        struct fx_pos at = fx_pos_view(&s->next.pos);
        if (!cdc_apply_begin_progress_only(s, &at, CDC_PROGRESS_STREAM, err))
            return false;
    }
    cdc_apply_add_leak(s, n, what);
    return cdc_send_if_exact(s, err) && (!is_own || sink_commit(sink, false, err));
}

/* Of a member nothing was sent. Else what is in the text still
 * goes out: it may hold the commit of the transaction before. */
static bool sink_abort(struct cdc_sink *sink, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    cdc_apply_need_open(s);
    if (s->state == CDC_APPLY_MEMBER) {
        cdc_batch_clear(&s->member);
        cdc_apply_set_state(s, CDC_APPLY_NONE);
        return true;
    }
    cdc_batch_statement(&s->batch, "rollback", 0);
    cdc_progress_copy(&s->next, &s->before);
    cdc_apply_set_state(s, CDC_APPLY_NONE);
    return cdc_send_all(s, err);
}

static bool sink_flush(struct cdc_sink *sink, struct fx_err *err)
{
    return cdc_send_all(cdc_db_sink_of(sink), err);
}

static bool sink_progress_only(struct cdc_sink *sink, const struct fx_pos *pos,
                               enum cdc_progress_phase phase, struct fx_err *err)
{
    return cdc_apply_begin_progress_only(cdc_db_sink_of(sink), pos, phase, err) &&
           sink_commit(sink, false, err);
}

/* Another applier, or an adoption, has raised the epoch. */
static bool sink_look(struct cdc_sink *sink, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    FX_AUTO(cdc_progress) struct cdc_progress seen = {0};
    if (!cdc_progress_read(s->db, s->binding, "", &seen, err))
        return cdc_apply_fail_server(s, err);
    return seen.epoch == s->sink.progress.epoch ||
           cdc_progress_fail_stale(s->binding, seen.epoch, s->sink.progress.epoch, err);
}

static void sink_close(struct cdc_sink *sink)
{
    if (sink == NULL)
        return;
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    cdc_batch_done(&s->member);
    cdc_batch_done(&s->batch);
    cdc_batch_done(&s->head);
    cdc_txn_done(&s->txn);
    cdc_progress_done(&s->next);
    cdc_progress_done(&s->before);
    cdc_progress_done(&s->grouped.progress);
    cdc_progress_done(&s->due.progress);
    cdc_progress_done(&s->in_head.progress);
    cdc_progress_done(&s->in_sent.progress);
    fx_counts_done(&s->expected);
    fx_counts_done(&s->found);
    fx_pos_done(&s->sink.reach);
    cdc_progress_done(&s->sink.progress);
    free(s->has_unique);
    fx_db_close(s->db); /* an open transaction is rolled back by the server */
    free(s);
}

static void sink_relax(struct cdc_sink *sink)
{
    sink->is_exact = false;
    sink->members_max = 0;
}

static const struct cdc_sink_ops sink_db_ops = {
    .begin = sink_begin,
    .row = sink_row,
    .delete_rows = cdc_truncate_rows,
    .barrier = sink_barrier,
    .leak = sink_leak,
    .commit = sink_commit,
    .abort = sink_abort,
    .flush = sink_flush,
    .progress_only = sink_progress_only,
    .begin_copy = cdc_copying_begin,
    .clean = cdc_copying_clean,
    .is_empty = cdc_copying_is_empty,
    .look = sink_look,
    .relax = sink_relax,
    .close = sink_close,
};

static bool claim_in(struct cdc_db_sink *s, struct fx_db *db, int64_t epoch, struct fx_err *err)
{
    int64_t version = 0;
    if (!fx_schema_checked(db, s->binding->target, &version, err) ||
        !cdc_progress_claim(db, s->binding, epoch, version >= FX_SCHEMA_CONTROLLERS,
                            &s->sink.progress, err))
        return false;
    cdc_progress_copy(&s->next, &s->sink.progress);
    return cdc_progress_leaks(db, s->binding, &s->sink.leaks, s->sink.leak_last,
                              sizeof s->sink.leak_last, err);
}

/* Where a second unique key is, the order of updates matters: they are not put together. */
static bool read_unique(struct cdc_db_sink *s, struct fx_err *err)
{
    const struct cdc_engine *engine = cdc_engine_of(s->binding->target);
    const struct cdc_side side = {
        .ctx = &s->binding->ctx, .conf = s->binding->target, .engine = engine, .db = s->db};
    s->has_unique = fx_alloc_array(s->binding->ctx.n_tables, sizeof *s->has_unique);
    for (size_t i = 0; i < s->binding->ctx.n_tables; i++) {
        const struct fx_table *table = cdc_target_table(s->binding, i);
        FX_AUTO(fx_rows) struct fx_rows rows = {0};
        if (!engine->read_keys(&side, table->schema, table->name, &rows, err))
            return fx_ctx(err, "reading the keys of table \"%s.%s\"", table->schema, table->name);
        for (size_t row = 0; row < rows.n_rows; row++)
            s->has_unique[i] |= !fx_str_eq_c(fx_rows_at(&rows, row, CDC_KEY_PRIMARY), "1");
    }
    s->member.has_unique = s->batch.has_unique = s->has_unique;
    return true;
}

/*
 * In a session of the owner of schema ficus: an applier of its own may neither take an epoch nor
 * read who holds the context, so that code which runs as the applier cannot either.
 */
static bool claim(struct cdc_db_sink *s, int64_t epoch, struct fx_err *err)
{
    struct fx_db *db = s->db;
    if (s->binding->target->applier != NULL && !fx_db_open(s->binding->target, &db, err))
        return false;
    bool is_ok = claim_in(s, db, epoch, err);
    if (db != s->db)
        fx_db_close(db);
    return is_ok;
}

bool cdc_sink_db_open(const struct cdc_sink_spec *spec, struct cdc_sink **ret_sink,
                      struct fx_err *err)
{
    struct cdc_db_sink *s = FX_NEW(struct cdc_db_sink);
    s->sink.ops = &sink_db_ops;
    s->binding = spec->binding;
    s->target = &cdc_engine_of(spec->binding->target)->target;
    s->options = spec->options;
    s->sink.is_exact = spec->is_exact;
    s->sink.members_max = spec->members_max;
    cdc_batch_init(&s->member, spec->binding, spec->options->copy_batch_rows);
    cdc_batch_init(&s->batch, spec->binding, spec->options->copy_batch_rows);
    cdc_batch_init(&s->head, spec->binding, spec->options->copy_batch_rows);
    if (!fx_db_open(fx_db_applier(spec->binding->target), &s->db, err) ||
        !fx_db_exec(s->db, s->target->pass_fence, NULL, 0, NULL, err) ||
        !s->target->prepare(s->binding, s->db, &s->text_max, err) || !read_unique(s, err) ||
        !claim(s, spec->epoch, err)) {
        fx_err_as_target(err);
        if (fx_db_is_full(err))
            (void)cdc_apply_wait_for_room(spec->binding, err);
        sink_close(&s->sink);
        return fx_ctx(err, "opening target database \"%s\"", spec->binding->target->name);
    }
    *ret_sink = &s->sink;
    return true;
}
