/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL as a source: pgoutput messages of one slot -> events.
 *
 *     ┌─────────┐  B   ┌───────┐ O with our origin ┌──────┐
 *     │ BETWEEN │ ───► │ BEGUN │ ────────────────► │ LOOP │   rows dropped, barrier rows reported
 *     └─────────┘      └───────┘                   └──────┘
 *       ▲     ▲            │ anything else            │ C
 *       │   C │            ▼                          │
 *       │     │        ┌────────┐                     │
 *       │     └─────── │ INSIDE │                     │
 *       │              └────────┘                     │
 *       └─────────────────────────────────────────────┘
 *
 * BEGIN is delivered one message late, because only the next one tells whether the transaction is a
 * loop. A Relation message is compared with the bound catalog: a table that looks different now is
 * a loud stop, before any of its rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/pg/pg_priv.h"
#include "cdc/pg/relations.h"
#include "cdc/pg/table_schema.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/panic.h"
#include "lib/db/pos.h"
#include "lib/log/log.h"
#include "lib/pg/repl.h"

enum { LOOK_MS = 1000 }; /* how often the catalog is looked at */

enum pg_state { PG_BETWEEN, PG_BEGUN, PG_INSIDE, PG_LOOP };

struct source_pg {
    struct cdc_source source; /* first member */
    const struct cdc_binding *binding;
    struct fx_pg_repl *repl;
    int wake_fd;
    enum pg_state state;
    struct cdc_txn txn;
    int64_t ordinal;
    size_t *truncated, n_truncated; /* tables of one TRUNCATE that wait to be delivered; owned */
    struct fx_str stash; /* a message that was read to learn what the BEGIN before it is */
    uint64_t confirmed, end;
    struct fx_pos end_pos, passed; /* `end` as text; what a PASSED shows */
    struct fx_pos log_end;         /* as the server said at the last look */
    struct fx_db *side; /* looks at the catalog, which the stream does not; NULL: not now */
    struct cdc_table_watch watch;
    char (*pending)[CDC_STATE_MAX]; /* of the watch */
    struct fx_mono looked_at;
    struct cdc_pg_relations relations;
    struct fx_arena arena; /* of one event */
};

static struct source_pg *self(struct cdc_source *src)
{
    return FX_CONTAINER_OF(src, struct source_pg, source);
}

static const char *const state_names[] = {
    [PG_BETWEEN] = "BETWEEN", [PG_BEGUN] = "BEGUN", [PG_INSIDE] = "INSIDE", [PG_LOOP] = "LOOP"};

static bool may_follow(enum pg_state from, enum pg_state to)
{
    switch (to) {
    case PG_BETWEEN: return from == PG_INSIDE || from == PG_LOOP;
    case PG_BEGUN: return from == PG_BETWEEN;
    case PG_INSIDE:
    case PG_LOOP: return from == PG_BEGUN;
    }
    return false;
}

static void set_state(struct source_pg *s, enum pg_state to)
{
    if (!may_follow(s->state, to))
        FX_BUG("slot \"%s\" cannot go from %s to %s, %s", s->binding->slot, state_names[s->state],
               state_names[to], s->txn.label);
    s->state = to;
}

static bool fail_unknown(const struct source_pg *s, uint32_t oid, struct fx_err *err)
{
    return fx_fail(err, FX_E_PROTOCOL,
                   "the log of database \"%s\" has a row of a table (oid %u) that it has not "
                   "described before",
                   s->binding->source->name, oid);
}

static bool on_row(struct source_pg *s, const struct fx_pgo_msg *msg, struct cdc_event *ret,
                   struct fx_err *err)
{
    const struct cdc_pg_relation *relation =
        cdc_pg_relations_find(&s->relations, msg->row.relation);
    if (relation == NULL)
        return fail_unknown(s, msg->row.relation, err);
    switch (relation->kind) {
    case PG_REL_OTHER: return true;
    case PG_REL_OWN:
    case PG_REL_BARRIER:
        (void)cdc_pg_relation_ficus(relation, msg, s->state == PG_LOOP, ret);
        return true;
    case PG_REL_TABLE:
        if (s->state == PG_LOOP)
            return true;
        return cdc_pg_relations_row(&s->relations, relation, msg, ++s->ordinal, ret, err);
    }
    return true;
}

static bool fail_loop_truncate(const struct source_pg *s, size_t t, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(s->binding, t);
    (void)fx_fail(
        err, FX_E_UNSUPPORTED,
        "table \"%s.%s\" was truncated in a transaction of the reverse stream, which never "
        "does that",
        table->schema, table->name);
    return fx_hint(err,
                   "A trigger of database \"%s\" fires for the applier. Remove it, "
                   "then " FX_CMD_NEW_COPY ".",
                   s->binding->source->name);
}

/* With CASCADE it lists all tables that were emptied. */
static bool on_truncate(struct source_pg *s, const struct fx_pgo_msg *msg, struct fx_err *err)
{
    for (size_t i = msg->truncate.n_relations; i-- > 0;) {
        const struct cdc_pg_relation *relation =
            cdc_pg_relations_find(&s->relations, msg->truncate.relations[i]);
        if (relation == NULL)
            return fail_unknown(s, msg->truncate.relations[i], err);
        if (relation->kind != PG_REL_TABLE)
            continue;
        if (s->state == PG_LOOP)
            return fail_loop_truncate(s, relation->table, err);
        FX_INVARIANT(s->n_truncated < s->binding->ctx.n_tables,
                     "slot \"%s\": a TRUNCATE lists a table twice", s->binding->slot);
        s->truncated[s->n_truncated++] = relation->table;
    }
    return true;
}

/* --- DDL that the log does not show ----------------------------------------------------------- */

/* What was recorded does not know of it yet, so what undoes it is enough. */
static bool fail_silent_loss(const struct fx_finding *finding, struct fx_err *err)
{
    bool has_fix = finding->fix[0] != '\0';
    (void)fx_fail(err, FX_E_DRIFT, "a table was changed while it was streamed: %s", finding->what);
    return fx_hint(err, "%s%s Then run: " FX_CMD_START, has_fix ? "Run: " : "Undo that change.",
                   has_fix ? finding->fix : "");
}

static bool check_silent_loss(const struct source_pg *s, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings findings;
    struct cdc_side side = {.ctx = &s->binding->ctx,
                            .out = s->binding->direction,
                            .conf = s->binding->source,
                            .db = s->side};
    fx_findings_init(&findings);
    if (!cdc_pg_check_silent_loss(&side, &findings, err))
        return false;
    return findings.n == 0 || fail_silent_loss(&findings.items[0], err);
}

/* A server that sends nothing, or has not read its own log so far, is late from here on. */
static bool ask_log_end(struct source_pg *s, struct fx_err *err)
{
    static const char sql[] = "select pg_catalog.pg_current_wal_flush_lsn()";
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    return fx_db_select_again(s->side, sql, NULL, 0, 1, 1, &rows, err) &&
           fx_db_take_pos(s->side, fx_rows_at(&rows, 0, 0), &s->log_end, err);
}

static bool look_now(struct source_pg *s, struct fx_err *err)
{
    return check_silent_loss(s, err) &&
           cdc_table_schema_check(s->side, s->binding, &s->watch, err) && ask_log_end(s, err);
}

/* A server that has no session for us now, or a table that is locked, is asked
 * again later; the stream itself says when the server is gone. */
static bool look_for_ddl(struct source_pg *s, struct fx_err *err)
{
    struct fx_err why = FX_ERR_INIT;
    s->looked_at = fx_mono_now();
    if (s->side != NULL && fx_db_is_broken(s->side)) {
        fx_db_close(s->side);
        s->side = NULL;
    }
    if (s->side == NULL && !cdc_table_session(s->binding->source, &s->side, &why))
        return true;
    if (look_now(s, &why) || fx_db_is_broken(s->side))
        return true;
    if (why.is_retriable) {
        fx_log_err(FX_LOG_WARN, "cdc", s->binding->stream, "could not look for DDL yet", &why);
        return true;
    }
    *err = why;
    return false;
}

static bool look_in_time(struct source_pg *s, struct fx_err *err)
{
    return fx_mono_since_us(s->looked_at, fx_mono_now()) < LOOK_MS * INT64_C(1000) ||
           look_for_ddl(s, err);
}

/* --- messages --------------------------------------------------------------------------------- */

static void on_begin(struct source_pg *s, const struct fx_pgo_msg *msg)
{
    char at[FX_LSN_TEXT];
    fx_lsn_pos((struct fx_lsn){msg->begin.final_lsn + 1}, &s->txn.pos);
    fx_lsn_text((struct fx_lsn){msg->begin.final_lsn}, at);
    s->txn.commit_us = msg->begin.commit_us;
    s->txn.is_loop = false;
    (void)snprintf(s->txn.label, sizeof s->txn.label, "transaction %u at %s", msg->begin.xid, at);
    s->ordinal = 0;
    set_state(s, PG_BEGUN);
}

/* The message after B decides what the transaction is. */
static bool deliver_begin(struct source_pg *s, struct fx_str payload, struct cdc_event *ret,
                          struct fx_err *err)
{
    bool is_origin = payload.len > 0 && payload.ptr[0] == 'O';
    s->stash = is_origin ? (struct fx_str){NULL, 0} : payload;
    if (is_origin) {
        struct fx_pgo_msg msg;
        if (!fx_pgo_decode(payload, &s->arena, &msg, err))
            return false;
        s->txn.is_loop = strcmp(msg.origin.name, s->binding->other_origin) == 0;
    }
    if (s->txn.is_loop) /* the time is that of the other server, as its session last set it */
        s->txn.commit_us = 0;
    set_state(s, s->txn.is_loop ? PG_LOOP : PG_INSIDE);
    *ret = (struct cdc_event){.kind = CDC_EV_BEGIN, .txn = s->txn};
    return true;
}

/* What was done to the tables before a barrier is known before it passes. */
static bool on_message(struct source_pg *s, const struct fx_pgo_msg *msg, struct cdc_event *ret,
                       struct fx_err *err)
{
    if (s->state != PG_INSIDE || !msg->message.is_transactional ||
        strcmp(msg->message.prefix, "ficus") != 0 ||
        !cdc_barrier_parse(msg->message.content, &ret->barrier))
        return true;
    ret->kind = CDC_EV_BARRIER;
    return look_for_ddl(s, err);
}

static bool on_payload(struct source_pg *s, struct fx_str payload, struct cdc_event *ret,
                       struct fx_err *err)
{
    struct fx_pgo_msg msg;
    if (s->state == PG_BEGUN)
        return deliver_begin(s, payload, ret, err);
    if (!fx_pgo_decode(payload, &s->arena, &msg, err))
        return false;
    bool is_inside = s->state == PG_INSIDE || s->state == PG_LOOP;
    if (is_inside == (msg.kind == FX_PGO_BEGIN) && msg.kind != FX_PGO_MESSAGE)
        return fx_fail(err, FX_E_PROTOCOL,
                       "database \"%s\" sent pgoutput message '%c' %s a transaction",
                       s->binding->source->name, payload.ptr[0], is_inside ? "inside" : "outside");
    switch (msg.kind) {
    case FX_PGO_BEGIN: on_begin(s, &msg); return true;
    case FX_PGO_COMMIT:
        set_state(s, PG_BETWEEN);
        *ret = (struct cdc_event){.kind = CDC_EV_COMMIT, .txn = s->txn};
        return true;
    case FX_PGO_RELATION: return cdc_pg_relations_describe(&s->relations, &msg, err);
    case FX_PGO_INSERT:
    case FX_PGO_UPDATE:
    case FX_PGO_DELETE: return on_row(s, &msg, ret, err);
    case FX_PGO_TRUNCATE: return on_truncate(s, &msg, err);
    case FX_PGO_MESSAGE: return on_message(s, &msg, ret, err);
    case FX_PGO_ORIGIN: /* a second one: of a subtransaction's replay; the first has decided */
    case FX_PGO_TYPE: return true;
    }
    return true;
}

static bool on_keepalive(struct source_pg *s, const struct fx_pg_repl_msg *msg,
                         struct cdc_event *ret, struct fx_err *err)
{
    if (msg->wants_reply && !fx_pg_repl_feedback(s->repl, s->confirmed, false, err))
        return false;
    if (s->state != PG_BETWEEN)
        return true;
    fx_lsn_pos((struct fx_lsn){msg->end_lsn}, &s->passed);
    *ret = (struct cdc_event){
        .kind = CDC_EV_PASSED, .wants_confirm = msg->wants_reply, .pos = fx_pos_view(&s->passed)};
    return true;
}

static bool step(struct source_pg *s, int64_t timeout_ms, bool *ret_is_timeout,
                 struct cdc_event *ret, struct fx_err *err)
{
    struct fx_pg_repl_msg msg;
    if (s->stash.ptr != NULL) {
        struct fx_str payload = s->stash;
        s->stash = (struct fx_str){NULL, 0};
        return on_payload(s, payload, ret, err);
    }
    if (!fx_pg_repl_read(s->repl, timeout_ms, s->wake_fd, &msg, err))
        return false;
    if (msg.end_lsn > s->end) {
        s->end = msg.end_lsn;
        fx_lsn_pos((struct fx_lsn){s->end}, &s->end_pos);
    }
    switch (msg.kind) {
    case FX_PG_REPL_NONE: *ret_is_timeout = true; return true;
    case FX_PG_REPL_KEEPALIVE: return on_keepalive(s, &msg, ret, err);
    case FX_PG_REPL_DATA: return on_payload(s, msg.payload, ret, err);
    }
    return true;
}

/* What reads bytes knows neither stream nor server: said here, once for all of them. */
static bool fail_next(const struct source_pg *s, struct fx_err *err)
{
    fx_err_as_source(err);
    if (err->code == FX_E_PROTOCOL && err->hint[0] == '\0')
        (void)fx_hint(err, "No proxy or pooler may be between Ficus and that server: check its url "
                           "in ficus.yaml, then run: " FX_CMD_START
                           ". If the stream stops here again, " FX_CMD_NEW_COPY ".");
    return fx_ctx(err, "reading slot \"%s\" of database \"%s\" for stream \"%s\"", s->binding->slot,
                  s->binding->source->name, s->binding->stream);
}

static bool pg_next(struct cdc_source *src, int64_t timeout_ms, struct cdc_event *ret_event,
                    struct fx_err *err)
{
    struct source_pg *s = self(src);
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    bool is_timeout = false;
    *ret_event = (struct cdc_event){.kind = CDC_EV_NONE};
    if (s->state == PG_BETWEEN && !look_in_time(s, err))
        return fail_next(s, err);
    while (ret_event->kind == CDC_EV_NONE && !is_timeout) {
        if (s->n_truncated > 0) {
            ret_event->kind = CDC_EV_TRUNCATE;
            ret_event->truncated = s->truncated[--s->n_truncated];
            return true;
        }
        int64_t left_ms = (until.us - fx_mono_now().us + 999) / 1000;
        fx_arena_clear(&s->arena);
        if (!step(s, FX_MAX(left_ms, (int64_t)0), &is_timeout, ret_event, err))
            return fail_next(s, err);
    }
    return true;
}

static bool pg_has_buffered(struct cdc_source *src)
{
    struct source_pg *s = self(src);
    return s->stash.ptr != NULL || s->n_truncated > 0 || fx_pg_repl_has_buffered(s->repl);
}

static bool pg_confirm(struct cdc_source *src, const struct fx_pos *pos, struct fx_err *err)
{
    struct source_pg *s = self(src);
    uint64_t lsn = 0;
    if (fx_pg_lsn_parse(fx_pos_text(pos), &lsn))
        s->confirmed = FX_MAX(s->confirmed, lsn);
    return fx_pg_repl_feedback(s->repl, s->confirmed, false, err) || fail_next(s, err);
}

/* Where no session can be had now, the next look records it. */
static bool pg_keep_passed(struct cdc_source *src, struct fx_err *err)
{
    struct source_pg *s = self(src);
    s->watch.is_keeping = true;
    return look_for_ddl(s, err) || fail_next(s, err);
}

static void pg_explain(struct cdc_source *src, struct fx_err *err)
{
    struct source_pg *s = self(src);
    struct fx_err why = FX_ERR_INIT;
    s->watch.is_explaining = true;
    bool is_ok = s->side == NULL || look_now(s, &why);
    s->watch.is_explaining = false;
    if (is_ok || why.code != FX_E_DRIFT)
        return;
    (void)fail_next(s, &why);
    *err = why;
}

static bool pg_request_end(struct cdc_source *src, struct fx_err *err)
{
    struct source_pg *s = self(src);
    return fx_pg_repl_feedback(s->repl, s->confirmed, true, err) || fail_next(s, err);
}

static const struct fx_pos *pg_end(const struct cdc_source *src)
{
    return &((const struct source_pg *)(const void *)src)->end_pos;
}

static const struct fx_pos *pg_log_end(const struct cdc_source *src)
{
    return &((const struct source_pg *)(const void *)src)->log_end;
}

static bool pg_look_log(struct cdc_source *src, const struct fx_pos *at, struct cdc_log_look *ret,
                        struct fx_err *err)
{
    struct source_pg *s = self(src);
    return s->side == NULL || cdc_pg_look_log(s->side, s->binding->slot, at, ret, err);
}

static void pg_close(struct cdc_source *src)
{
    if (src == NULL)
        return;
    struct source_pg *s = self(src);
    cdc_passed_ddl_done(&s->source.passed_ddl);
    cdc_pg_relations_done(&s->relations);
    fx_pg_repl_close(s->repl);
    fx_db_close(s->side);
    cdc_txn_done(&s->txn);
    fx_pos_done(&s->end_pos);
    fx_pos_done(&s->log_end);
    fx_pos_done(&s->passed);
    free(s->pending);
    free(s->truncated);
    fx_arena_done(&s->arena);
    free(s);
}

static const struct cdc_source_ops source_pg_ops = {
    .next = pg_next,
    .has_buffered = pg_has_buffered,
    .confirm = pg_confirm,
    .request_end = pg_request_end,
    .keep_passed = pg_keep_passed,
    .explain = pg_explain,
    .end = pg_end,
    .log_end = pg_log_end,
    .look_log = pg_look_log,
    .close = pg_close,
};

static bool fail_start(const struct cdc_binding *binding, struct fx_err *err)
{
    fx_err_as_source(err);
    if (strcmp(err->sqlstate, "55006") == 0) { /* the walsender of a process that has just died */
        fx_err_recode(err, FX_E_SOURCE_CONNECT);
        return fx_hint(err,
                       "The server has not yet ended the last reader of slot \"%s\"; the stream "
                       "tries again by itself. If this lasts, see who reads it: select active_pid "
                       "from pg_replication_slots where slot_name = '%s';",
                       binding->slot, binding->slot);
    }
    if (strcmp(err->sqlstate, "42704") == 0 || strcmp(err->sqlstate, "55000") == 0) {
        fx_err_recode(err, FX_E_DRIFT);
        return fx_hint(
            err,
            "Slot \"%s\" was dropped or has lost its log, so changes are missing: " FX_CMD_NEW_COPY
            ".",
            binding->slot);
    }
    return false;
}

bool cdc_pg_source_open(const struct cdc_binding *binding, const struct fx_pos *from, int wake_fd,
                        struct cdc_source **ret_src, struct fx_err *err)
{
    struct source_pg *s = FX_NEW(struct source_pg);
    uint64_t lsn = 0;
    s->source.ops = &source_pg_ops;
    s->binding = binding;
    s->wake_fd = wake_fd;
    fx_arena_init(&s->arena, 0);
    s->relations = (struct cdc_pg_relations){.binding = binding, .arena = &s->arena};
    s->relations.oids = fx_alloc_array(binding->ctx.n_tables + 1, sizeof(uint32_t));
    bool is_ok = fx_pg_lsn_parse(fx_pos_text(from), &lsn) ||
                 fx_fail(err, FX_E_DRIFT,
                         "stream \"%s\" cannot continue: its saved position \"%s\" is not one of a "
                         "PostgreSQL server, which database \"%s\" is now",
                         binding->stream, fx_pos_text(from), binding->source->name) ||
                 fx_hint(err,
                         "Database \"%s\" was replaced by a server of another kind, whose log does "
                         "not continue the old one: " FX_CMD_NEW_COPY ".",
                         binding->source->name);
    s->confirmed = lsn;
    s->looked_at = fx_mono_now();
    s->watch.accepted = binding->accept_ddl;
    s->watch.oids = s->relations.oids;
    s->truncated = fx_alloc_array(binding->ctx.n_tables + 1, sizeof *s->truncated);
    s->pending = fx_alloc_array(binding->ctx.n_tables + 1, sizeof *s->pending);
    s->watch.pending = s->pending;
    s->watch.passed = &s->source.passed_ddl;
    is_ok = is_ok && cdc_table_session(binding->source, &s->side, err) &&
            cdc_slot_check(s->side, binding, from, err) && look_now(s, err) &&
            fx_pg_repl_open(binding->source, &s->repl, err) &&
            fx_pg_repl_start(s->repl, binding->slot, binding->slot, lsn, err);
    if (!is_ok) {
        (void)fail_start(binding, err);
        pg_close(&s->source);
        return fx_ctx(err, "opening stream \"%s\"", binding->stream);
    }
    *ret_src = &s->source;
    return true;
}
