/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB as a source of changes: groups of binary log events -> the transactions of change.h.
 *
 *               GTID                  first row of ours
 *   OUTSIDE ----------->  UNDECIDED  -------------------->  DELIVERING
 *      ^                   |      |                             |
 *      |  end of the group |      | our applier's progress row  | end of the group: COMMIT
 *      |  (PASSED)         |      v                             | end of the file:  ABORT
 *      +-------------------+   DISCARDING  -- COMMIT, ABORT ----+--> OUTSIDE
 *
 * A group says only in its rows whether it concerns us, so BEGIN waits for the first row that does.
 * The other stream's applier writes its progress row before anything else; one that comes later is
 * an error, because rows were delivered already.
 *
 * The position moves at the end of a group and nowhere else: positions inside a group mean nothing.
 *
 * A group never spans two files. One that is still open where its file ends was being written when
 * the server was killed; InnoDB commits only what the log holds to its end, so the server rolled it
 * back. The position does not move: the server gives the same number to the next transaction.
 * What never passes silently: DDL on a carried table that may change rows (ddl.h) and is not tagged
 * as ours, rows in statement format, tables without transactions, partial images, XA branches,
 * rollbacks inside a group.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/mysql/control_rows.h"
#include "cdc/mysql/ddl.h"
#include "cdc/mysql/guard.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/my_priv.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "lib/my/binlog.h"
#include "lib/my/gtid_pos.h"
#include "lib/my/rowevent.h"
#include "lib/my/statement.h"

enum {
    PASSED_EVERY_GROUPS =
        1000, /* foreign groups after which the position is reported in any case */
};

enum group_state {
    OUTSIDE,    /* between groups */
    UNDECIDED,  /* in a group of which no row of ours was seen */
    DELIVERING, /* BEGIN was delivered */
    DISCARDING, /* a loop: only barriers are delivered */
};

/* One table of the binding, ready for the row decoder. */
struct carried {
    const struct fx_table *table;
    const struct fx_type **types;
    struct fx_value *old, *new;
};

struct my_source {
    struct cdc_source base;
    const struct cdc_binding *binding;
    int wake_fd;
    struct fx_binlog *log;
    struct fx_bl_decoder dec;
    struct fx_arena arena;     /* as long as the source */
    struct fx_arena row_arena; /* until the next `next` */
    struct carried *carried;

    enum group_state state;
    struct fx_bl_gtid gtid; /* of the present group */
    struct cdc_txn txn;
    int64_t n_rows;

    char file[256];           /* of the binary log, as the server named it last */
    bool is_torn;             /* the connection ended inside an event; open again at `at` */
    struct fx_pos torn_at;    /* where that happened last */
    struct fx_bl_event event; /* the row event being read, while has_rows */
    struct fx_bl_rows rows;
    bool has_rows;
    enum { TRUNCATE_NONE, TRUNCATE_EVENT, TRUNCATE_END } truncate; /* what is delivered next */
    enum cdc_control_table control; /* NONE: rows of a carried table: */
    size_t table;                   /* index into the binding */

    struct fx_gtid_pos at; /* everything up to here was delivered or passed */
    int64_t n_passed;      /* groups since the position was reported */
    bool must_pass;        /* report the position as soon as nothing waits to be read */
    struct cdc_my_log_end log_end;
    struct cdc_my_ddl ddl;
    struct fx_pos end, passed; /* how far it reaches; what a PASSED shows */
};

static struct my_source *source_of(struct cdc_source *src)
{
    return FX_CONTAINER_OF(src, struct my_source, base);
}

static const char *const state_names[] = {[OUTSIDE] = "OUTSIDE",
                                          [UNDECIDED] = "UNDECIDED",
                                          [DELIVERING] = "DELIVERING",
                                          [DISCARDING] = "DISCARDING"};

static bool may_follow(enum group_state from, enum group_state to)
{
    switch (to) {
    case OUTSIDE: return from != OUTSIDE;
    case UNDECIDED: return from == OUTSIDE;
    case DELIVERING:
    case DISCARDING: return from == UNDECIDED;
    }
    return false;
}

static void set_state(struct my_source *s, enum group_state to)
{
    if (!may_follow(s->state, to))
        FX_BUG("binary log of \"%s\" cannot go from %s to %s, %s rows=%" PRId64,
               s->binding->source->name, state_names[s->state], state_names[to], s->txn.label,
               s->n_rows);
    s->state = to;
}

/* --- events that go out ----------------------------------------------------------------------- */

static void emit_begin(struct my_source *s, bool is_loop, struct cdc_event *ret)
{
    FX_INVARIANT(!fx_pos_is_empty(&s->txn.pos), "%s has no position", s->txn.label);
    s->txn.is_loop = is_loop;
    set_state(s, is_loop ? DISCARDING : DELIVERING);
    *ret = (struct cdc_event){.kind = CDC_EV_BEGIN, .txn = s->txn};
}

/* The group is over: COMMIT when it was ours, else its position waits for a quiet moment. */
static bool end_group(struct my_source *s, struct cdc_event *ret, struct fx_err *err)
{
    bool is_ours = s->state != UNDECIDED;
    struct fx_gtid gtid = {s->gtid.domain, s->gtid.server_id, s->gtid.seq};
    if (!fx_gtid_pos_set(&s->at, &gtid, err))
        return false;
    if (fx_pos_is_empty(&s->end) || fx_pos_covers(FX_MY, &s->txn.pos, &s->end))
        fx_pos_copy(&s->end, &s->txn.pos);
    set_state(s, OUTSIDE);
    if (is_ours) {
        *ret = (struct cdc_event){.kind = CDC_EV_COMMIT, .txn = s->txn};
        s->n_passed = 0;
    } else {
        s->n_passed++;
    }
    return true;
}

static void emit_passed(struct my_source *s, struct cdc_event *ret)
{
    fx_gtid_pos_text(&s->at, &s->passed);
    *ret = (struct cdc_event){.kind = CDC_EV_PASSED, .pos = fx_pos_view(&s->passed)};
    s->n_passed = 0;
    s->must_pass = false;
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool ctx_group(const struct my_source *s, struct fx_err *err)
{
    return fx_ctx(err, "reading %s of the binary log", s->txn.label);
}

/* The file ends inside the group. */
static void end_torn_group(struct my_source *s, struct cdc_event *ret)
{
    if (s->state == DELIVERING || s->state == DISCARDING)
        *ret = (struct cdc_event){.kind = CDC_EV_ABORT, .txn = s->txn};
    if (s->state != OUTSIDE)
        set_state(s, OUTSIDE);
}

static bool begin_group(struct my_source *s, const struct fx_bl_event *ev, struct fx_err *err)
{
    if (s->state != OUTSIDE) /* nothing says that the open one was rolled back */
        return fx_fail(err, FX_E_PROTOCOL,
                       "the binary log of database \"%s\" is damaged: the next transaction begins "
                       "before the end of transaction %s",
                       s->binding->source->name, s->txn.label);
    set_state(s, UNDECIDED);
    s->gtid = ev->gtid;
    s->n_rows = 0;
    s->txn.commit_us = (int64_t)ev->head.when_s * 1000000;
    s->txn.is_coarse_time = true;
    s->txn.is_loop = false;
    snprintf(s->txn.label, sizeof s->txn.label, "GTID %u-%u-%llu", ev->gtid.domain,
             ev->gtid.server_id, (unsigned long long)ev->gtid.seq);
    /* The position after this group, known now because groups do not interleave. */
    struct fx_gtid_pos after = s->at;
    struct fx_gtid gtid = {ev->gtid.domain, ev->gtid.server_id, ev->gtid.seq};
    if (!fx_gtid_pos_set(&after, &gtid, err))
        return false;
    fx_gtid_pos_text(&after, &s->txn.pos);
    return true;
}

static bool fail_in_group(const struct my_source *s, const char *what, struct fx_err *err)
{
    fx_fail(err, FX_E_UNSUPPORTED,
            "a transaction of database \"%s\" that changed tables of the stream contains %s",
            s->binding->source->name, what);
    fx_hint(err, "The stream cannot pass this transaction: " FX_CMD_NEW_COPY
                 ". From then on change these tables only with InnoDB and without XA.");
    return ctx_group(s, err);
}

static void gtid_text(const struct my_source *s, char *out, size_t size)
{
    (void)snprintf(out, size, "%u-%u-%" PRIu64, s->gtid.domain, s->gtid.server_id, s->gtid.seq);
}

/* `sql`: DDL; NULL: a change in statement format. */
static bool accept(struct my_source *s, const struct fx_my_sql *sql)
{
    char gtid[64];
    gtid_text(s, gtid, sizeof gtid);
    if (!cdc_ddl_is_accepted(s->binding->accept_ddl, gtid))
        return false;
    if (sql != NULL)
        cdc_my_ddl_accept(&s->ddl, sql);
    cdc_passed_ddl_add(&s->base.passed_ddl, CDC_PASSED_ACCEPTED, gtid);
    return true;
}

/* Of the statement that err->detail shows. */
static bool fail_ddl(const struct my_source *s, const struct fx_my_sql *sql,
                     enum cdc_my_ddl_effect effect, struct fx_err *err)
{
    const struct fx_table *table = cdc_my_ddl_table(&s->ddl, sql);
    char gtid[64];
    FX_AUTO(fx_buf) struct fx_buf detail = FX_BUF(4096);
    gtid_text(s, gtid, sizeof gtid);
    fx_buf_printf(&detail, "%s\n", err->detail);
    if (effect == CDC_MY_DDL_UNKNOWN || table == NULL) {
        fx_buf_printf(&detail, CDC_OFFER_ACCEPT, s->binding->ctx.name, gtid);
        return fx_detail(err, "%s", fx_buf_cstr(&detail));
    }
    fx_buf_printf(&detail, CDC_KEPT_DETAIL "\n", s->binding->target->name);
    fx_buf_printf(&detail, CDC_OFFER_KEEP, s->binding->ctx.name, gtid);
    (void)fx_fail(err, FX_E_DRIFT,
                  "partitions of table \"%s.%s\" were dropped or emptied while it was streamed",
                  table->schema, table->name);
    (void)fx_detail(err, "%s", fx_buf_cstr(&detail));
    return fx_hint(err, CDC_KEPT_HINT);
}

static void pass_dropped(struct my_source *s, const struct fx_my_sql *sql)
{
    char what[CDC_LEAK_TEXT], gtid[64];
    gtid_text(s, gtid, sizeof gtid);
    struct fx_str text = fx_utf8_clip(sql->text, 140);
    (void)snprintf(what, sizeof what, "%s %.*s", gtid,
                   FX_STR_FMT(fx_utf8_valid(text) ? text : FX_STR("(not shown)")));
    cdc_passed_ddl_add(&s->base.passed_ddl, CDC_PASSED_KEPT, what);
}

/* A tool that compares writes tables of its own, with statements that read ours. */
static bool fail_change(const struct my_source *s, struct fx_err *err)
{
    char gtid[64];
    FX_AUTO(fx_buf) struct fx_buf detail = FX_BUF(4096);
    gtid_text(s, gtid, sizeof gtid);
    fx_buf_printf(&detail,
                  "%s\nIf it wrote none of the tables of the stream (pt-table-checksum writes its "
                  "own), the stream can pass it: ficus cdc start --context %s --execute "
                  "--accept-ddl=%s. Further statements of that tool stop it again: end the tool "
                  "first, or run it with --set-vars sql_log_bin=0.",
                  err->detail, s->binding->ctx.name, gtid);
    return fx_detail(err, "%s", fx_buf_cstr(&detail));
}

/* What the guard refuses may still be DDL that leaves the rows alone. */
static bool guard_statement(struct my_source *s, const struct fx_my_sql *sql,
                            enum fx_my_statement kind, struct fx_err *err)
{
    if (cdc_guard_statement(s->binding, sql, kind, err))
        return true;
    if (kind == FX_MY_STMT_CHANGE && !accept(s, NULL))
        return fail_change(s, err);
    if (kind == FX_MY_STMT_CHANGE)
        fx_err_clear(err);
    if (kind != FX_MY_STMT_SHAPE)
        return kind == FX_MY_STMT_CHANGE;
    enum cdc_my_ddl_effect effect = cdc_my_ddl_effect(&s->ddl, sql, &s->txn.pos);
    if (effect == CDC_MY_DDL_DROPS_KEPT)
        pass_dropped(s, sql);
    else if (effect != CDC_MY_DDL_SAME && !accept(s, sql))
        return fail_ddl(s, sql, effect, err);
    fx_err_clear(err);
    return true;
}

/* A table that the session alone saw may have had the name of a carried one. */
static bool truncates(struct my_source *s, const struct fx_bl_event *ev,
                      const struct fx_my_sql *sql)
{
    bool is_sure = s->state == UNDECIDED && s->gtid.is_standalone &&
                   (ev->head.flags & FX_BL_FLAG_THREAD_SPECIFIC) == 0;
    for (size_t t = 0; is_sure && t < s->binding->ctx.n_tables; t++) {
        const struct fx_table *table = cdc_source_table(s->binding, t);
        s->table = t;
        if (fx_my_statement_truncates(sql, table->schema, table->name))
            return true;
    }
    return false;
}

/* It is a group of its own: BEGIN, TRUNCATE, COMMIT. */
static bool on_truncate(struct my_source *s, const struct fx_bl_event *ev,
                        const struct fx_my_sql *sql, struct cdc_event *ret, struct fx_err *err)
{
    if (guard_statement(s, sql, FX_MY_STMT_TRUNCATE, err))
        return s->gtid.is_standalone || s->gtid.is_xa_end ? end_group(s, ret, err) : true;
    if (!truncates(s, ev, sql))
        return ctx_group(s, err);
    fx_err_clear(err);
    s->truncate = TRUNCATE_EVENT;
    emit_begin(s, false, ret);
    return true;
}

static bool drain_truncate(struct my_source *s, struct cdc_event *ret, struct fx_err *err)
{
    if (s->truncate == TRUNCATE_END) {
        s->truncate = TRUNCATE_NONE;
        return end_group(s, ret, err);
    }
    if (s->truncate == TRUNCATE_EVENT) {
        s->truncate = TRUNCATE_END;
        *ret = (struct cdc_event){.kind = CDC_EV_TRUNCATE, .truncated = s->table};
    }
    return true;
}

static bool on_query(struct my_source *s, const struct fx_bl_event *ev, struct cdc_event *ret,
                     struct fx_err *err)
{
    bool is_touched = s->state == DELIVERING;
    struct fx_my_sql sql = {ev->query.sql, ev->query.schema, ev->query.sql_mode,
                            fx_my_charset_of(ev->query.charset)};
    enum fx_my_statement kind = fx_my_statement_kind(&sql);
    if (s->state == OUTSIDE)
        return true; /* statements outside of a group change nothing */
    switch (kind) {
    case FX_MY_STMT_COMMIT: return end_group(s, ret, err);
    case FX_MY_STMT_ROLLBACK:
        if (is_touched)
            return fail_in_group(s, "a rollback together with changes of a non-transactional table",
                                 err);
        return end_group(s, ret, err);
    case FX_MY_STMT_ROLLBACK_TO:
        if (is_touched)
            return fail_in_group(s, "a rollback to a savepoint that was logged", err);
        break;
    case FX_MY_STMT_XA:
        if (is_touched)
            return fail_in_group(s, "a step of a two-phase (XA) transaction", err);
        break;
    case FX_MY_STMT_TRUNCATE: return on_truncate(s, ev, &sql, ret, err);
    case FX_MY_STMT_CHANGE:
    case FX_MY_STMT_SHAPE:
    case FX_MY_STMT_DROP_DATABASE:
        if (!guard_statement(s, &sql, kind, err))
            return ctx_group(s, err);
        break;
    case FX_MY_STMT_HARMLESS: break;
    }
    return s->gtid.is_standalone || s->gtid.is_xa_end ? end_group(s, ret, err) : true;
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool open_rows(struct my_source *s, struct fx_err *err)
{
    const struct fx_bl_table *wire = s->event.rows.table;
    const struct fx_type *const *types = NULL;
    if (s->control == CDC_CT_NONE) {
        const struct fx_table *bound = s->carried[s->table].table;
        types = s->carried[s->table].types;
        if (!cdc_guard_rows(s->binding, bound, &s->event, err))
            return ctx_group(s, err);
        /* The flag is missing too when a temporary table took part, or a table of another engine
         * that is not carried; such a group that is rolled back says so at its end. */
        if (!s->gtid.is_transactional && !s->ddl.is_innodb[s->table])
            return fail_in_group(s, "changes of a non-transactional table", err);
    } else if (wire->n_columns > CDC_CONTROL_COLUMNS_MAX || !wire->has_names) {
        fx_fail(err, FX_E_DRIFT,
                "table \"ficus.%.*s\" does not have the columns that Ficus creates",
                FX_STR_FMT(wire->name));
        fx_hint(err, "If a newer build of Ficus changed the table, use that build; to see what is "
                     "installed, run: ficus upgrade. If somebody else altered it, undo that, "
                     "then " FX_CMD_NEW_COPY ".");
        return ctx_group(s, err);
    }
    s->has_rows = true;
    return fx_bl_rows_open(&s->event, types, &s->rows, err);
}

static bool on_rows(struct my_source *s, const struct fx_bl_event *ev, struct fx_err *err)
{
    if (ev->rows.table == NULL || s->state == OUTSIDE)
        return true;
    ptrdiff_t index = cdc_binding_find(s->binding, ev->rows.table->schema, ev->rows.table->name);
    s->control = index >= 0 ? CDC_CT_NONE : cdc_control_table_of(ev->rows.table);
    s->table = (size_t)FX_MAX(index, (ptrdiff_t)0);
    bool is_wanted = index >= 0 || s->control != CDC_CT_NONE;
    if (s->state == DISCARDING)
        is_wanted = s->control == CDC_CT_BARRIER;
    else if (s->control == CDC_CT_BARRIER)
        is_wanted = false;
    if (!is_wanted)
        return true;
    s->event = *ev;
    return open_rows(s, err);
}

static bool next_data_row(struct my_source *s, bool *ret_has_row, struct cdc_event *ret,
                          struct fx_err *err)
{
    struct carried *c = &s->carried[s->table];
    FX_INVARIANT(s->state == DELIVERING && s->table < s->binding->ctx.n_tables,
                 "%s delivers a row of table %zu in state %s", s->txn.label, s->table,
                 state_names[s->state]);
    if (!fx_bl_rows_next(&s->rows, &s->row_arena, c->old, c->new, ret_has_row, err))
        return ctx_group(s, err);
    if (!*ret_has_row)
        return true;
    enum fx_bl_op op = s->event.rows.op;
    *ret = (struct cdc_event){.kind = CDC_EV_ROW};
    ret->row = (struct cdc_row){
        .op = op == FX_BL_INSERT   ? CDC_INSERT
              : op == FX_BL_UPDATE ? CDC_UPDATE
                                   : CDC_DELETE,
        .table = s->table,
        .has_old = op == FX_BL_INSERT ? CDC_OLD_NONE : CDC_OLD_FULL,
        .old = op == FX_BL_INSERT ? NULL : c->old,
        .new = op == FX_BL_DELETE ? NULL : c->new,
        .ordinal = ++s->n_rows,
    };
    return true;
}

/* The loop marker comes before everything else that the applier writes. */
static bool on_loop_marker(struct my_source *s, struct cdc_event *ret, struct fx_err *err)
{
    if (s->state == DELIVERING)
        return fx_fail(err, FX_E_PROTOCOL,
                       "transaction %s of database \"%s\" has rows of another client before the "
                       "loop marker of stream \"%s\", which that stream always writes first",
                       s->txn.label, s->binding->source->name, s->binding->other_stream) ||
               fx_hint(err,
                       "Another program writes with that stream's user and tables. Please report "
                       "it with the transaction as mariadb-binlog shows it. To go on without "
                       "it, " FX_CMD_NEW_COPY ".");
    s->has_rows = false;
    emit_begin(s, true, ret);
    return true;
}

static bool next_control_row(struct my_source *s, bool *ret_has_row, struct cdc_event *ret,
                             struct fx_err *err)
{
    struct fx_value before[CDC_CONTROL_COLUMNS_MAX], after[CDC_CONTROL_COLUMNS_MAX];
    bool is_loop_marker = false;
    if (!fx_bl_rows_next(&s->rows, &s->row_arena, before, after, ret_has_row, err))
        return ctx_group(s, err);
    if (!*ret_has_row || s->event.rows.op == FX_BL_DELETE)
        return true; /* cdc_drop and the plan's clean-up delete rows: no events */
    const struct fx_value *was = s->event.rows.op == FX_BL_UPDATE ? before : NULL;
    if (!cdc_control_row(s->event.rows.table, was, after, s->binding->other_stream, ret,
                         &is_loop_marker, err))
        return ctx_group(s, err);
    return !is_loop_marker || on_loop_marker(s, ret, err) || ctx_group(s, err);
}

/* Continues the present row event until it gives an event or ends. */
static bool drain_rows(struct my_source *s, struct cdc_event *ret, struct fx_err *err)
{
    while (s->has_rows && ret->kind == CDC_EV_NONE) {
        if (s->state == UNDECIDED && s->control != CDC_CT_PROGRESS) {
            emit_begin(s, false, ret);
            return true;
        }
        bool has_row = false;
        bool is_ok = s->control == CDC_CT_NONE ? next_data_row(s, &has_row, ret, err)
                                               : next_control_row(s, &has_row, ret, err);
        if (!is_ok)
            return false;
        if (!has_row)
            s->has_rows = false;
    }
    return true;
}

/* --- the vtable ------------------------------------------------------------------------------- */

static bool on_event(struct my_source *s, const struct fx_bl_event *ev, struct cdc_event *ret,
                     struct fx_err *err)
{
    switch (ev->kind) {
    case FX_BL_GTID: return begin_group(s, ev, err);
    case FX_BL_QUERY: return on_query(s, ev, ret, err);
    case FX_BL_XID: return s->state == OUTSIDE || end_group(s, ret, err);
    case FX_BL_XA_PREPARE:
        if (s->state == DELIVERING)
            return fail_in_group(s, "a prepared two-phase (XA) transaction", err);
        return s->state == OUTSIDE || end_group(s, ret, err);
    case FX_BL_ROWS: return on_rows(s, ev, err) && drain_rows(s, ret, err);
    case FX_BL_HEARTBEAT: s->must_pass = true; return true;
    case FX_BL_FORMAT: end_torn_group(s, ret); return true;
    case FX_BL_OTHER:
    case FX_BL_ROTATE:
        (void)snprintf(s->file, sizeof s->file, "%.*s", FX_STR_FMT(ev->rotate.file));
        break;
    case FX_BL_TABLE_MAP: break;
    }
    return true;
}

/* Takes one event off the connection. *ret_got NOTHING: time-out or wake. */
static bool read_event(struct my_source *s, int64_t timeout_ms, enum fx_binlog_got *ret_got,
                       struct cdc_event *ret, struct fx_err *err)
{
    struct fx_str bytes;
    struct fx_bl_event ev;
    if (!fx_binlog_next(s->log, timeout_ms, s->wake_fd, ret_got, &bytes, err))
        return false;
    if (*ret_got == FX_BINLOG_NOTHING)
        return true;
    if (*ret_got == FX_BINLOG_TORN) {
        s->is_torn = true;
        end_torn_group(s, ret);
        return true;
    }
    if (!fx_bl_decode(&s->dec, bytes, &ev, err))
        return s->state == OUTSIDE ? false : ctx_group(s, err);
    return on_event(s, &ev, ret, err);
}

/*
 * After a torn event the server sends nothing more on this connection. All that is whole before it
 * was read, so the position is the one with which the next file begins, and there a new connection
 * starts. Were it to end at the same place again, it would do so for ever.
 */
static bool open_again(struct my_source *s, struct fx_err *err)
{
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    fx_gtid_pos_text(&s->at, &at);
    if (fx_pos_equal(&at, &s->torn_at)) {
        fx_fail(err, FX_E_DRIFT,
                "the binary log of database \"%s\" is damaged after GTID position %s",
                s->binding->source->name, fx_pos_text(&at));
        return fx_hint(err, "The server cannot read its own log any further, so the stream cannot "
                            "continue: " FX_CMD_NEW_COPY ".");
    }
    fx_pos_copy(&s->torn_at, &at);
    s->is_torn = false;
    fx_binlog_close(s->log);
    s->log = NULL;
    fx_bl_decoder_done(&s->dec);
    fx_bl_decoder_init(&s->dec);
    return fx_binlog_open(s->binding->source, &at, &s->log, err);
}

static bool my_next_inner(struct my_source *s, int64_t timeout_ms, struct cdc_event *ret,
                          struct fx_err *err)
{
    struct fx_mono deadline = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    if (s->is_torn && !open_again(s, err))
        return false;
    if (!drain_truncate(s, ret, err) || !drain_rows(s, ret, err))
        return false;
    while (ret->kind == CDC_EV_NONE) {
        /* A position that waits to be reported comes before waiting for the network. */
        bool may_tell = s->state == OUTSIDE && (s->n_passed > 0 || s->must_pass);
        bool is_due = s->n_passed >= PASSED_EVERY_GROUPS || s->base.passed_ddl.n > 0;
        if (may_tell && is_due) {
            emit_passed(s, ret);
            return true;
        }
        int64_t left_ms = FX_MAX(fx_mono_since_us(fx_mono_now(), deadline) / 1000, (int64_t)0);
        enum fx_binlog_got got;
        if (!read_event(s, may_tell ? 0 : left_ms, &got, ret, err))
            return false;
        if (s->is_torn && ret->kind == CDC_EV_NONE && !open_again(s, err))
            return false;
        if (got == FX_BINLOG_NOTHING) {
            if (may_tell)
                emit_passed(s, ret);
            return true;
        }
    }
    return true;
}

/* What reads bytes knows neither stream nor server: said here, once for all of them. */
static bool fail_next(const struct my_source *s, struct fx_err *err)
{
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    fx_gtid_pos_text(&s->at, &at);
    fx_err_as_source(err);
    if (err->code == FX_E_PROTOCOL && err->hint[0] == '\0')
        (void)fx_hint(err,
                      "Check that file on the server: mariadb-binlog --verify-binlog-checksum %s "
                      ">/dev/null. If it is whole, the bytes were damaged on the way; "
                      "run: " FX_CMD_START ". If it is not, " FX_CMD_NEW_COPY ".",
                      s->file[0] != '\0' ? s->file : "FILE");
    return fx_ctx(
        err,
        "reading file \"%s\" of the binary log of database \"%s\" for stream \"%s\", after "
        "GTID position %s",
        s->file, s->binding->source->name, s->binding->stream, fx_pos_text(&at));
}

static bool my_next(struct cdc_source *src, int64_t timeout_ms, struct cdc_event *ret_event,
                    struct fx_err *err)
{
    struct my_source *s = source_of(src);
    fx_arena_clear(&s->row_arena);
    *ret_event = (struct cdc_event){.kind = CDC_EV_NONE};
    return my_next_inner(s, timeout_ms, ret_event, err) || fail_next(s, err);
}

static bool my_has_buffered(struct cdc_source *src)
{
    const struct my_source *s = source_of(src);
    return s->has_rows || s->truncate != TRUNCATE_NONE || fx_binlog_has_transaction(s->log);
}

/* The server keeps no state for us, and its dump
 * session waits an hour for a reader that is held. */
static bool my_confirm(struct cdc_source *src, const struct fx_pos *pos, struct fx_err *err)
{
    (void)src, (void)pos, (void)err;
    return true;
}

static bool my_request_end(struct cdc_source *src, struct fx_err *err)
{
    struct my_source *s = source_of(src);
    FX_AUTO(fx_pos) struct fx_pos end = {0};
    if (!cdc_my_log_end_ask(&s->log_end, s->binding->source, &s->at, &end, err))
        return false;
    fx_pos_copy(&s->end, &end);
    s->must_pass = true;
    return true;
}

static const struct fx_pos *my_end(const struct cdc_source *src)
{
    return &((const struct my_source *)(const void *)src)->end;
}

static bool my_look_log(struct cdc_source *src, const struct fx_pos *at, struct cdc_log_look *ret,
                        struct fx_err *err)
{
    struct my_source *s = source_of(src);
    return s->log_end.db == NULL || fx_db_is_broken(s->log_end.db) ||
           cdc_my_look_log(s->log_end.db, s->binding->slot, at, ret, err);
}

static void my_close(struct cdc_source *src)
{
    struct my_source *s = source_of(src);
    cdc_passed_ddl_done(&s->base.passed_ddl);
    fx_binlog_close(s->log);
    cdc_my_log_end_done(&s->log_end);
    cdc_my_ddl_done(&s->ddl);
    fx_bl_decoder_done(&s->dec);
    cdc_txn_done(&s->txn);
    fx_pos_done(&s->torn_at);
    fx_pos_done(&s->passed);
    fx_pos_done(&s->end);
    fx_arena_done(&s->row_arena);
    fx_arena_done(&s->arena);
    free(s);
}

static const struct cdc_source_ops my_source_ops = {
    .next = my_next,
    .has_buffered = my_has_buffered,
    .confirm = my_confirm,
    .request_end = my_request_end,
    .end = my_end,
    .look_log = my_look_log,
    .close = my_close,
};

static void prepare_tables(struct my_source *s)
{
    size_t n = s->binding->ctx.n_tables;
    s->carried = fx_arena_array(&s->arena, n, sizeof *s->carried);
    for (size_t i = 0; i < n; i++) {
        struct carried *c = &s->carried[i];
        c->table = cdc_source_table(s->binding, i);
        size_t n_wire = c->table->n_columns + CDC_GUARD_HIDDEN_MAX;
        c->types = fx_arena_array(&s->arena, n_wire, sizeof *c->types);
        c->old = fx_arena_array(&s->arena, n_wire, sizeof *c->old);
        c->new = fx_arena_array(&s->arena, n_wire, sizeof *c->new);
        for (size_t k = 0; k < c->table->n_columns; k++)
            c->types[k] = &c->table->columns[k].type;
    }
}

/* A position of another kind of server is of another
 * history, whatever a reader of this one would make of it. */
static bool check_position(struct my_source *s, const struct fx_pos *from, struct fx_err *err)
{
    const struct cdc_my_flavour *flavour;
    if (!cdc_my_flavour_of(s->log_end.db, &flavour, err))
        return false;
    if (flavour->is_position(fx_pos_str(from)))
        return true;
    (void)fx_fail(err, FX_E_DRIFT,
                  "stream \"%s\" cannot continue: its saved position \"%s\" is not one of a %s "
                  "server, which database \"%s\" is now",
                  s->binding->stream, fx_pos_text(from), flavour->name, s->binding->source->name);
    return fx_hint(
        err,
        "A server of another kind does not continue that log. If the old one still runs, "
        "point databases.%s.url to it, then run: " FX_CMD_START ". If it is gone, " FX_CMD_NEW_COPY
        ".",
        s->binding->source->name);
}

bool cdc_my_source_open(const struct cdc_binding *binding, const struct fx_pos *from, int wake_fd,
                        struct cdc_source **ret_src, struct fx_err *err)
{
    struct my_source *s = FX_NEW(struct my_source);
    s->base.ops = &my_source_ops;
    s->binding = binding;
    s->wake_fd = wake_fd;
    fx_bl_decoder_init(&s->dec);
    fx_arena_init(&s->arena, 0);
    fx_arena_init(&s->row_arena, 0);
    prepare_tables(s);
    if (!fx_db_open(binding->source, &s->log_end.db, err) || !check_position(s, from, err) ||
        !fx_gtid_pos_parse(from, &s->at, err) ||
        !cdc_my_ddl_open(&s->ddl, binding, s->log_end.db, err) ||
        !fx_binlog_open(binding->source, from, &s->log, err)) {
        my_close(&s->base);
        fx_err_as_source(err);
        return fx_ctx(err, "opening stream \"%s\"", binding->stream);
    }
    *ret_src = &s->base;
    return true;
}
