/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies changes to a database, PostgreSQL or MariaDB, over one session of lib/db.
 *
 * A transaction is one text "begin; compare-and-set; changes" whose matched rows are counted before
 * "commit" is sent; that commit rides in front of the next transaction's text when more is waiting
 * (one round trip each), or goes alone. A copy works one text ahead: while the server works on one,
 * the next is built, and it is sent only when the rows of the one before have been counted. The
 * session fires no foreign keys and no business triggers: the source has done that.
 */
#include "cdc/sink/sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/engine.h"
#include "cdc/sink/batch.h"
#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "lib/io/failpoint.h"
#include "lib/ownership/schema.h"

enum { FLUSH_BYTES = 1 << 20 };

/* What is durable once a "commit" has been executed. */
struct commit_point {
    struct cdc_progress progress;
    int64_t us;
    bool is_coarse;
};

struct sink_db {
    struct cdc_sink sink; /* first member */
    const struct cdc_binding *binding;
    const struct cdc_options *options;
    const struct cdc_engine_target *target;
    struct fx_db *db;
    struct cdc_batch batch;
    size_t text_max;          /* bytes that the server takes in one text; 0: no limit of its own */
    struct cdc_progress next; /* as written by the newest compare-and-set, confirmed or not */
    struct cdc_progress before; /* what stood in `next` when the open transaction began */
    bool is_exact;
    int64_t exact_txns;
    bool is_in_txn;
    bool is_copying; /* the open transaction, or the last one: batches of the initial copy */
    bool is_sent;    /* a text was sent whose rows are not counted yet */
    int64_t sent_expected;
    bool has_sent_commit;
    struct commit_point sent; /* of the "commit" in it */
    bool has_commit;          /* the text that is being built has a "commit", of: */
    struct commit_point committing;
    struct cdc_txn txn; /* the open one */
};

static struct sink_db *self(struct cdc_sink *sink)
{
    return FX_CONTAINER_OF(sink, struct sink_db, sink);
}

/* Whole rows are added, so what is sent early leaves room for a large one. */
static bool is_long(const struct sink_db *s)
{
    size_t limit = FLUSH_BYTES;
    return s->batch.sql.len >= (s->text_max == 0 ? limit : FX_MIN(limit, s->text_max / 4));
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The stream has stopped, so nothing that needs it can be the next step. */
static bool hint_conflict(const struct sink_db *s, struct fx_err *err)
{
    return fx_hint(err,
                   "Another client wrote to database \"%s\". Change that row back to its state "
                   "in \"%s\" before this change, then run: ficus cdc start --context %s --execute",
                   s->binding->target->name, s->binding->source->name, s->binding->ctx.name);
}

/* The transaction was rolled back, so that it can be tried again as soon as there is room. */
static bool wait_for_room(const struct cdc_binding *binding, struct fx_err *err)
{
    err->is_retriable = true;
    return fx_hint(err,
                   "The disk under database \"%s\" is full. Nothing was lost: the stream waits and "
                   "goes on by itself. Make room there. See: ficus cdc status --context %s",
                   binding->target->name, binding->ctx.name);
}

/* Not always somebody wrote: two keys of the source may be one to the target. */
static bool hint_taken(const struct sink_db *s, struct fx_err *err)
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

static bool classify(const struct sink_db *s, struct fx_err *err)
{
    fx_err_as_target(err);
    if (fx_db_is_full(err))
        return wait_for_room(s->binding, err);
    if (strncmp(err->sqlstate, "23", 2) != 0)
        return false;
    fx_err_recode(err, FX_E_TARGET_CONFLICT);
    return hint_taken(s, err);
}

static bool fail_mismatch(struct sink_db *s, int64_t n_rows, int64_t expected, struct fx_err *err)
{
    FX_AUTO(cdc_progress) struct cdc_progress seen = {0};
    if (!fx_db_exec(s->db, "rollback", NULL, 0, NULL, err) ||
        !cdc_progress_read(s->db, s->binding, "", &seen, err))
        return classify(s, err);
    if (seen.epoch != s->sink.progress.epoch)
        return cdc_progress_fail_stale(s->binding, seen.epoch, s->sink.progress.epoch, err);
    (void)fx_fail(err, FX_E_TARGET_CONFLICT,
                  "a row that the source changed is missing in database \"%s\": %" PRId64
                  " rows expected, %" PRId64 " found",
                  s->binding->target->name, expected, n_rows);
    return hint_conflict(s, err);
}

/* The commit that was in the text is durable. */
static void note_commit(struct sink_db *s, const struct commit_point *point)
{
    FX_FAILPOINT("apply.commit.after");
    cdc_progress_copy(&s->sink.progress, &point->progress);
    s->sink.durable_commit_us = point->us;
    s->sink.is_coarse_time = point->is_coarse;
}

/* Waits for what was sent and counts its rows. */
static bool receive(struct sink_db *s, struct fx_err *err)
{
    int64_t n_rows = 0;
    if (!s->is_sent)
        return true;
    s->is_sent = false;
    if (!fx_db_receive(s->db, &n_rows, err)) {
        (void)classify(s, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    if (n_rows != s->sent_expected) {
        (void)fail_mismatch(s, n_rows, s->sent_expected, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    if (s->has_sent_commit)
        note_commit(s, &s->sent);
    s->has_sent_commit = false;
    return true;
}

static bool check_text(struct sink_db *s, struct fx_err *err)
{
    FX_INVARIANT(s->batch.expected >= s->batch.n_changes,
                 "stream \"%s\": %" PRId64 " changes in a text that must match %" PRId64
                 " rows, %s",
                 s->binding->stream, s->batch.n_changes, s->batch.expected, s->txn.label);
    if (s->has_commit)
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

static bool execute(struct sink_db *s, struct fx_err *err)
{
    int64_t n_rows = 0;
    if (!fx_db_exec(s->db, fx_buf_cstr(&s->batch.sql), NULL, 0, &n_rows, err)) {
        (void)classify(s, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    if (n_rows != s->batch.expected) {
        (void)fail_mismatch(s, n_rows, s->batch.expected, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    if (s->has_commit)
        note_commit(s, &s->committing);
    return true;
}

static bool flush(struct sink_db *s, struct fx_err *err)
{
    cdc_batch_finish(&s->batch);
    if (!receive(s, err))
        return false;
    if (s->batch.sql.len == 0)
        return true;
    if (!check_text(s, err) || !execute(s, err))
        return false;
    cdc_batch_clear(&s->batch);
    s->has_commit = false;
    s->sink.oldest_waiting_us = 0;
    s->sink.is_pending = s->is_in_txn;
    return true;
}

/* Sends the text and leaves its rows to be counted before the next one goes out. */
static bool flush_ahead(struct sink_db *s, struct fx_err *err)
{
    cdc_batch_finish(&s->batch);
    if (s->batch.sql.len == 0 || s->is_exact || !s->is_copying || !fx_db_can_send(s->db))
        return flush(s, err);
    if (!receive(s, err) || !check_text(s, err))
        return false;
    if (!fx_db_send(s->db, fx_buf_cstr(&s->batch.sql), err)) {
        (void)classify(s, err);
        return fx_ctx(err, "applying %s", s->txn.label);
    }
    s->is_sent = true;
    s->sent_expected = s->batch.expected;
    s->has_sent_commit = s->has_commit;
    cdc_progress_copy(&s->sent.progress, &s->committing.progress);
    s->sent.us = s->committing.us;
    s->sent.is_coarse = s->committing.is_coarse;
    cdc_batch_clear(&s->batch);
    s->has_commit = false;
    s->sink.is_pending = true;
    return true;
}

/*
 * "begin" and the compare-and-set that moves progress from s->next to `to`. The ordinal rises each
 * time: MariaDB writes no row event for an update to equal values, and a transaction without one
 * on ficus.progress is a customer's to the other stream.
 */
static void add_begin(struct sink_db *s, const struct cdc_progress *to)
{
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(4096 + 4 * FX_POS_MAX);
    FX_INVARIANT(!s->is_in_txn && to->ordinal > s->next.ordinal,
                 "stream \"%s\": BEGIN of %s inside a transaction, or ordinal %" PRId64
                 " after %" PRId64,
                 s->binding->stream, s->txn.label, to->ordinal, s->next.ordinal);
    enum fx_engine engine = s->binding->target->engine;
    cdc_batch_statement(&s->batch, "begin", 0);
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
    cdc_batch_statement(&s->batch, fx_buf_cstr(&sql), 1);
    cdc_progress_copy(&s->before, &s->next);
    fx_pos_copy(&s->next.pos, &to->pos);
    s->next.phase = to->phase;
    s->next.ordinal = to->ordinal;
    s->is_in_txn = true;
    s->sink.is_pending = true;
}

static bool sink_begin(struct cdc_sink *sink, const struct cdc_txn *txn, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    struct cdc_progress to = s->next;
    to.pos = fx_pos_view(&txn->pos);
    to.ordinal++;
    to.phase = CDC_PROGRESS_STREAM;
    s->is_copying = false;
    cdc_txn_copy(&s->txn, txn);
    add_begin(s, &to);
    return !s->is_exact || flush(s, err);
}

static bool sink_row(struct cdc_sink *sink, const struct cdc_row *row, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_INVARIANT(s->is_in_txn, "stream \"%s\": no open transaction after %s", s->binding->stream,
                 s->txn.label);
    if (!cdc_batch_row(&s->batch, row, err))
        return fx_ctx(err, "applying %s", s->txn.label);
    bool is_full = s->batch.n_changes >= s->options->txn_rows_max || is_long(s);
    if (!s->is_exact && !is_full)
        return true;
    if (flush_ahead(s, err))
        return true;
    if (s->is_exact) {
        FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(400);
        cdc_row_describe(s->binding, row, &what);
        static const char *const names[] = {"insert", "update", "delete"};
        return fx_ctx(err, "%s of %s", names[row->op], fx_buf_cstr(&what));
    }
    return false;
}

static bool sink_barrier(struct cdc_sink *sink, const struct cdc_barrier *barrier,
                         struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024 + 2 * FX_POS_MAX);
    enum fx_engine engine = s->binding->target->engine;
    FX_INVARIANT(s->is_in_txn, "stream \"%s\": no open transaction after %s", s->binding->stream,
                 s->txn.label);
    fx_buf_add_c(&sql, "insert into ficus.barrier (grp, epoch, position) values (");
    fx_db_literal(engine, fx_str_from(barrier->group), &sql);
    fx_buf_printf(&sql, ",%" PRId64 ",", barrier->epoch);
    fx_db_literal(engine, fx_pos_str(&s->txn.pos), &sql);
    /* A barrier may be sent again (a confirmation after a
     * crash): the row stays, and counts as one either way. */
    fx_buf_printf(&sql, ")%s", s->target->keep_barrier);
    cdc_batch_statement(&s->batch, fx_buf_cstr(&sql), 1);
    return !s->is_exact || flush(s, err);
}

/* A transaction of progress alone; the caller commits. */
static void begin_progress_only(struct sink_db *s, const struct fx_pos *pos,
                                enum cdc_progress_phase phase)
{
    struct cdc_progress to = s->next;
    struct cdc_txn txn = {.pos = fx_pos_view(pos), .label = "a progress-only transaction"};
    to.pos = fx_pos_view(pos);
    to.phase = phase;
    to.ordinal++;
    s->is_copying = false;
    txn.commit_us = s->sink.durable_commit_us;
    txn.is_coarse_time = s->sink.is_coarse_time;
    cdc_txn_copy(&s->txn, &txn);
    add_begin(s, &to);
}

/* Sent with the change itself: a leak that was applied
 * and then forgotten would let the next gate through. */
static bool add_leak(struct sink_db *s, int64_t n, const char *what, struct fx_err *err)
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
    cdc_batch_statement(&s->batch, fx_buf_cstr(&sql), 1);
    return !s->is_exact || flush(s, err);
}

static bool sink_commit(struct cdc_sink *sink, bool is_more, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_INVARIANT(s->is_in_txn, "stream \"%s\": no open transaction after %s", s->binding->stream,
                 s->txn.label);
    if (s->is_exact && ++s->exact_txns > CDC_SINK_EXACT_TXNS)
        s->is_exact = false;
    if (!flush_ahead(s,
                     err)) /* the changes are counted before the text with their commit goes out */
        return false;
    cdc_batch_statement(&s->batch, "commit", 0);
    s->has_commit = true;
    s->is_in_txn = false;
    cdc_progress_copy(&s->committing.progress, &s->next);
    s->committing.us = s->txn.commit_us;
    s->committing.is_coarse = s->txn.is_coarse_time;
    if (s->sink.oldest_waiting_us == 0)
        s->sink.oldest_waiting_us = s->txn.commit_us;
    s->sink.is_pending = true;
    return is_more || flush(s, err);
}

/* Between two transactions the position stays: somebody may hold the stream there. */
static bool sink_leak(struct cdc_sink *sink, int64_t n, const char *what, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    if (s->is_in_txn)
        return add_leak(s, n, what, err);
    struct fx_pos at = fx_pos_view(&s->next.pos);
    begin_progress_only(s, &at, CDC_PROGRESS_STREAM);
    return add_leak(s, n, what, err) && sink_commit(sink, false, err);
}

/* What is in the text still goes out: it may hold the commit of the transaction before. */
static bool sink_abort(struct cdc_sink *sink, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_INVARIANT(s->is_in_txn, "stream \"%s\": no open transaction after %s", s->binding->stream,
                 s->txn.label);
    cdc_batch_statement(&s->batch, "rollback", 0);
    s->is_in_txn = false;
    cdc_progress_copy(&s->next, &s->before);
    return flush(s, err);
}

static bool sink_flush(struct cdc_sink *sink, struct fx_err *err)
{
    return flush(self(sink), err);
}

static bool sink_progress_only(struct cdc_sink *sink, const struct fx_pos *pos,
                               enum cdc_progress_phase phase, struct fx_err *err)
{
    begin_progress_only(self(sink), pos, phase);
    return sink_commit(sink, false, err);
}

/* --- copying ---------------------------------------------------------------------------------- */

static bool sink_begin_copy(struct cdc_sink *sink, int64_t n_rows, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    struct cdc_progress to = s->next;
    struct cdc_txn txn = {.pos = fx_pos_view(&s->next.pos), .label = "a batch of the copy"};
    to.pos = txn.pos;
    to.ordinal += n_rows;
    s->is_copying = true;
    cdc_txn_copy(&s->txn, &txn);
    add_begin(s, &to);
    return !s->is_exact || flush(s, err);
}

static void add_table_name(struct sink_db *s, size_t table, struct fx_buf *sql)
{
    const struct fx_table *target = cdc_target_table(s->binding, table);
    fx_db_ident(s->binding->target->engine, target->schema, sql);
    fx_buf_add_char(sql, '.');
    fx_db_ident(s->binding->target->engine, target->name, sql);
}

/* Of the canary only our part; NULL: all of the table. */
static const char *part_of(struct sink_db *s, size_t table)
{
    return cdc_binding_is_canary(s->binding, table) ? s->binding->canary_where : NULL;
}

static bool sink_clean(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                       struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(512), sql = FX_BUF(2048);
    add_table_name(s, table, &name);
    s->target->delete_some(fx_buf_cstr(&name), part_of(s, table), limit, &sql);
    if (!sink_begin_copy(sink, 1, err) || !flush(s, err))
        return false;
    if (!fx_db_exec(s->db, fx_buf_cstr(&sql), NULL, 0, ret_n, err)) {
        (void)classify(s, err);
        return fx_ctx(err, "removing an incomplete copy");
    }
    return sink_commit(sink, false, err);
}

static bool sink_is_empty(struct cdc_sink *sink, size_t table, bool *ret_is_empty,
                          struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    const char *part = part_of(s, table);
    if (!receive(s, err))
        return false;
    fx_buf_add_c(&sql, "select 1 from ");
    add_table_name(s, table, &sql);
    fx_buf_printf(&sql, "%s%s limit 1", part != NULL ? " where " : "", part != NULL ? part : "");
    if (!fx_db_query(s->db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return classify(s, err);
    *ret_is_empty = rows.n_rows == 0;
    return true;
}

/* Another applier, or an adoption, has raised the epoch. */
static bool sink_look(struct cdc_sink *sink, struct fx_err *err)
{
    struct sink_db *s = self(sink);
    FX_AUTO(cdc_progress) struct cdc_progress seen = {0};
    if (!cdc_progress_read(s->db, s->binding, "", &seen, err))
        return classify(s, err);
    return seen.epoch == s->sink.progress.epoch ||
           cdc_progress_fail_stale(s->binding, seen.epoch, s->sink.progress.epoch, err);
}

static void sink_close(struct cdc_sink *sink)
{
    if (sink == NULL)
        return;
    struct sink_db *s = self(sink);
    cdc_batch_done(&s->batch);
    cdc_txn_done(&s->txn);
    cdc_progress_done(&s->next);
    cdc_progress_done(&s->before);
    cdc_progress_done(&s->committing.progress);
    cdc_progress_done(&s->sent.progress);
    cdc_progress_done(&s->sink.progress);
    fx_db_close(s->db); /* an open transaction is rolled back by the server */
    free(s);
}

static const struct cdc_sink_ops sink_db_ops = {
    .begin = sink_begin,
    .row = sink_row,
    .barrier = sink_barrier,
    .leak = sink_leak,
    .commit = sink_commit,
    .abort = sink_abort,
    .flush = sink_flush,
    .progress_only = sink_progress_only,
    .begin_copy = sink_begin_copy,
    .clean = sink_clean,
    .is_empty = sink_is_empty,
    .look = sink_look,
    .close = sink_close,
};

static bool claim_in(struct sink_db *s, struct fx_db *db, int64_t epoch, struct fx_err *err)
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

/*
 * In a session of the owner of schema ficus: an applier of its own may neither take an epoch nor
 * read who holds the context, so that code which runs as the applier cannot either.
 */
static bool claim(struct sink_db *s, int64_t epoch, struct fx_err *err)
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
    struct sink_db *s = FX_NEW(struct sink_db);
    s->sink.ops = &sink_db_ops;
    s->binding = spec->binding;
    s->target = &cdc_engine_of(spec->binding->target)->target;
    s->options = spec->options;
    s->is_exact = spec->is_exact;
    cdc_batch_init(&s->batch, spec->binding, spec->options->copy_batch_rows);
    if (!fx_db_open(fx_db_applier(spec->binding->target), &s->db, err) ||
        !fx_db_exec(s->db, s->target->pass_fence, NULL, 0, NULL, err) ||
        !s->target->prepare(s->binding, s->db, &s->text_max, err) || !claim(s, spec->epoch, err)) {
        fx_err_as_target(err);
        if (fx_db_is_full(err))
            (void)wait_for_room(spec->binding, err);
        sink_close(&s->sink);
        return fx_ctx(err, "opening target database \"%s\"", spec->binding->target->name);
    }
    *ret_sink = &s->sink;
    return true;
}
