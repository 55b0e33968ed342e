/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See table_schema.h. The comparison is one query for all
 * tables; ficus.shape is on the side that it describes.
 */
#include "cdc/pg/table_schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/pg/pg_priv.h"
#include "cdc/pg/rewrite.h"
#include "lib/base/hash.h"
#include "lib/fmt/text.h"
#include "lib/log/log.h"
#include "lib/ownership/schema.h"

extern const char cdc_pg_sql_table_schema[];

enum {
    COL_NUMBER,
    COL_WRONG,
    COL_GONE,
    COL_IS_NEWS,
    COL_REL,
    COL_COLUMNS,
    COL_LEAVES,
    COL_FILES,
    COL_MOVED,
    COL_ATTACHED,
    COL_SAME_COLUMNS,
    COL_NOW_XID,
    COL_OLD_XID,
    COL_STATE,
    COL_IS_FINAL,
    COL_COUNT,
};

bool cdc_table_session(const struct fx_db_conf *conf, struct fx_db **ret_db, struct fx_err *err)
{
    if (!fx_db_open(conf, ret_db, err))
        return false;
    if (fx_db_exec(*ret_db,
                   /* what is asked every second, and while writes are held, is planned once */
                   "set lock_timeout = '500ms'; set statement_timeout = '30s'; "
                   "set plan_cache_mode = force_generic_plan",
                   NULL, 0, NULL, err) &&
        fx_schema_guard(*ret_db, err))
        return true;
    fx_db_close(*ret_db);
    *ret_db = NULL;
    return false;
}

bool cdc_table_schema_forget(struct fx_db *db, const struct cdc_binding *binding,
                             struct fx_err *err)
{
    fx_cell stream = fx_str_from(binding->stream);
    return fx_db_exec(db, "delete from ficus.shape where stream = ?", &stream, 1, NULL, err) ||
           fx_ctx(err, "deleting the recorded table schemas of stream \"%s\"", binding->stream);
}

static bool read_tables(struct fx_db *db, const struct cdc_binding *binding, struct fx_rows *ret,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct cdc_side side = {.ctx = &binding->ctx, .out = binding->direction};
    fx_arena_init(&arena, 0);
    fx_cell params[4];
    cdc_pg_table_arrays(&side, &arena, params);
    params[2] = fx_str_from(binding->slot);
    params[3] = fx_str_from(binding->stream);
    return fx_db_select_again(db, cdc_pg_sql_table_schema, params, FX_ARRAY_LEN(params), 0,
                              COL_COUNT, ret, err);
}

/* The row of table `t`; false: there is no such table now. */
static bool row_of(const struct fx_rows *rows, size_t t, size_t *ret_row)
{
    for (size_t row = 0; row < rows->n_rows; row++) {
        int64_t number = 0;
        if (fx_parse_i64(fx_rows_at(rows, row, COL_NUMBER), 1, INT64_MAX, &number) &&
            (size_t)number == t + 1) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

/* --- what is wrong with one table ------------------------------------------------------------- */

struct look {
    struct fx_db *db;
    const struct cdc_binding *binding;
    const struct fx_table *table;
    const struct fx_rows *rows;
    size_t row, t;
    int64_t old_xid;
    struct cdc_table_watch *watch;
    struct cdc_passed_ddl passed; /* what of it the stream may pass */
    struct fx_err first;          /* the first reason to stop */
    struct fx_buf more;           /* the others, a line each */
    size_t n_stops;
    bool only_gone; /* what is wrong is that partitions went */
};

static fx_cell cell(const struct look *k, int column)
{
    return fx_rows_at(k->rows, k->row, (size_t)column);
}

enum {
    STATE_NAME_MAX = 192,
    TEXT_MAX = 1 << 20, /* all names, all reasons */
    WORD_MAX = 32,
    OFFER_NAMES_MAX = 500, /* with more, one word stands for all of them */
    GONE_TOLD_MAX = 150,   /* of names in one message */
};

static void add_state_name(const struct look *k, char name[STATE_NAME_MAX])
{
    (void)snprintf(name, STATE_NAME_MAX, "%s.%s@%.*s", k->table->schema, k->table->name,
                   FX_STR_FMT(cell(k, COL_STATE)));
}

/* The table that the stream should read is not published, is another one or has another column. */
static bool is_final(const struct look *k)
{
    return fx_str_eq_c(cell(k, COL_IS_FINAL), "true");
}

/* Who accepts one reason to stop accepts all of them, so all are told. */
static void add_stop(struct look *k, const struct fx_err *why)
{
    if (k->n_stops++ == 0)
        k->first = *why;
    else
        fx_buf_printf(&k->more, "%s\n", why->message);
}

static bool fail_gone(const struct fx_table *table, struct fx_err *err)
{
    (void)fx_fail(err, FX_E_DRIFT,
                  "table \"%s.%s\" was changed while it was streamed: the table no longer exists",
                  table->schema, table->name);
    return fx_hint(
        err,
        "Its rows were removed without a change in the log. To start again, " FX_CMD_NEW_COPY ".");
}

static void stop_shape(struct look *k, const char *what, const char *detail)
{
    struct fx_err why = FX_ERR_INIT;
    (void)fx_fail(&why, FX_E_DRIFT, "table \"%s.%s\" was changed while it was streamed: %s",
                  k->table->schema, k->table->name, what);
    if (detail != NULL)
        (void)fx_detail(&why, "%s", detail);
    (void)fx_hint(&why, "Rows may have been added, removed or changed without a change in the log. "
                        "To start again, " FX_CMD_NEW_COPY ".");
    add_stop(k, &why);
}

static void stop_wrong(struct look *k)
{
    struct fx_str lines = cell(k, COL_WRONG);
    while (lines.len > 0) {
        char what[400];
        struct fx_str line = fx_str_cut(lines, '\n', &lines);
        (void)snprintf(what, sizeof what, "%.*s", FX_STR_FMT(line));
        stop_shape(k, what, NULL);
    }
}

/* --- partitions that go ----------------------------------------------------------------------- */

static bool keeps_dropped(const struct look *k)
{
    return k->binding->ctx.tables[k->t].keeps_dropped;
}

/* "public.lines: what", for a row in ficus.leak. */
static void pass(struct look *k, const char *why, fx_cell what)
{
    char text[2 * CDC_LEAK_TEXT];
    (void)snprintf(text, sizeof text, "%s.%s: %.*s", k->table->schema, k->table->name,
                   FX_STR_FMT(what));
    cdc_passed_ddl_add(&k->passed, why, text);
}

static void stop_gone(struct look *k, const struct fx_buf *names)
{
    struct fx_err why = FX_ERR_INIT;
    (void)fx_fail(&why, FX_E_DRIFT,
                  "partitions of table \"%s.%s\" were dropped or detached while it was streamed: "
                  "%s",
                  k->table->schema, k->table->name, fx_buf_cstr(names));
    (void)fx_detail(&why, CDC_KEPT_DETAIL, k->binding->target->name);
    (void)fx_hint(&why, CDC_KEPT_HINT);
    add_stop(k, &why);
}

/* "a, b, c", as many as a row or a message has room for; the rest stays in *list. */
static void take_names(struct fx_str *list, struct fx_buf *ret)
{
    fx_buf_clear(ret);
    while (list->len > 0) {
        struct fx_str rest, name = fx_str_cut(*list, '\n', &rest);
        if (ret->len > 0 && ret->len + name.len + 2 > GONE_TOLD_MAX)
            return;
        fx_buf_printf(ret, "%s%.*s", ret->len > 0 ? ", " : "", FX_STR_FMT(name));
        *list = rest;
    }
}

static bool check_gone(struct look *k, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf names = FX_BUF(1024);
    struct fx_str gone = cell(k, COL_GONE);
    (void)err;
    k->only_gone = k->n_stops == 0 && !keeps_dropped(k);
    while (gone.len > 0) {
        take_names(&gone, &names);
        if (keeps_dropped(k))
            pass(k, CDC_PASSED_KEPT, fx_buf_str(&names));
        else
            stop_gone(k, &names);
    }
    return true;
}

static bool record(const struct look *k, struct fx_err *err)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s.%s", k->table->schema, k->table->name);
    fx_cell params[] = {fx_str_from(k->binding->stream),
                        fx_str_from(name),
                        cell(k, COL_REL),
                        cell(k, COL_COLUMNS),
                        cell(k, COL_LEAVES),
                        cell(k, COL_FILES)};
    return fx_db_exec(k->db,
                      "insert into ficus.shape (stream, tbl, rel, columns, leaves, files) "
                      "values (?, ?, ?, ?::jsonb, ?::text[], ?::text[]) "
                      "on conflict (stream, tbl) do update set columns = excluded.columns, "
                      "leaves = excluded.leaves, files = excluded.files",
                      params, FX_ARRAY_LEN(params), NULL, err);
}

/* Takes the next of "16384,16390" off *list; false: there is none. */
static bool next_oid(struct fx_str *list, struct fx_str *ret)
{
    if (list->len == 0)
        return false;
    *ret = fx_str_cut(*list, ',', list);
    return true;
}

static void stop_moved(struct look *k, struct fx_str oid, const struct fx_buf *name)
{
    static const char detail[] = "VACUUM FULL, CLUSTER and SET TABLESPACE keep rows as they are; "
                                 "none was found that is older than the new file.";
    char what[400];
    if (fx_str_eq(oid, cell(k, COL_REL))) {
        stop_shape(k, "it was rewritten by ALTER TABLE, which may have changed its rows", detail);
        return;
    }
    (void)snprintf(what, sizeof what, "a partition was truncated or rewritten: %s",
                   fx_buf_cstr(name));
    stop_shape(k, what, detail);
}

/*
 * A new file with the old rows in it? Of the table itself the log shows a TRUNCATE, and an ALTER
 * COLUMN that rewrites rows writes the column's row. Of a partition it shows neither.
 */
static bool check_file(struct look *k, struct fx_str oid, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(300);
    bool is_same_columns = fx_str_eq_c(cell(k, COL_SAME_COLUMNS), "true");
    bool is_leaf = !fx_str_eq(oid, cell(k, COL_REL));
    enum cdc_rewrite rewrite = CDC_REWRITE_KEPT;
    if (is_same_columns && !is_leaf)
        return true;
    if (!cdc_rewrite_look(k->db, oid, k->old_xid, &rewrite, &name, err))
        return false;
    if (rewrite == CDC_REWRITE_KEPT)
        return true;
    if (!is_leaf || !is_same_columns)
        stop_moved(k, oid, &name);
    else if (rewrite == CDC_REWRITE_PACKED)
        pass(k, CDC_PASSED_PACKED, fx_buf_str(&name));
    else if (keeps_dropped(k))
        pass(k, CDC_PASSED_KEPT, fx_buf_str(&name));
    else
        stop_moved(k, oid, &name);
    return true;
}

static bool check_moved(struct look *k, struct fx_err *err)
{
    struct fx_str list = cell(k, COL_MOVED), oid;
    while (next_oid(&list, &oid))
        if (!check_file(k, oid, err))
            return false;
    return true;
}

static void stop_attached(struct look *k, const char *name)
{
    static const char later[] =
        "a partition was attached (%s), and changes of rows follow that the "
        "other side does not have; the log does not have the rows it came "
        "with";
    static const char with_rows[] =
        "a partition was attached with rows in it, which the log does not have: %s";
    char what[512];
    if (k->watch->is_explaining)
        (void)snprintf(what, sizeof what, later, name);
    else
        (void)snprintf(what, sizeof what, with_rows, name);
    stop_shape(k, what, NULL);
}

static bool check_leaf(struct look *k, struct fx_str oid, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(300);
    bool had_rows = false;
    if (!cdc_attached_with_rows(k->db, oid, cell(k, COL_REL), &had_rows, &name, err))
        return false;
    if (had_rows || k->watch->is_explaining) {
        stop_attached(k, fx_buf_cstr(&name));
        return true;
    }
    k->watch->attached = k->table;
    (void)snprintf(k->watch->attached_name, sizeof k->watch->attached_name, "%s",
                   fx_buf_cstr(&name));
    return true;
}

static bool check_attached(struct look *k, struct fx_err *err)
{
    struct fx_str list = cell(k, COL_ATTACHED), oid;
    if (k->watch->is_explaining && k->watch->attached == k->table)
        stop_attached(k, k->watch->attached_name);
    while (next_oid(&list, &oid))
        if (!check_leaf(k, oid, err))
            return false;
    return true;
}

/* --- the verdict ------------------------------------------------------------------------------ */

/* False: not all of it could be looked at. */
static bool check_changes(struct look *k, struct fx_err *err)
{
    static bool (*const checks[])(struct look *, struct fx_err *) = {check_attached, check_moved,
                                                                     check_gone};
    stop_wrong(k);
    for (size_t i = 0; i < FX_ARRAY_LEN(checks) && !is_final(k); i++)
        if (!checks[i](k, err))
            return false;
    return true;
}

/* Is what was found what a person has vouched for? */
static bool accept(struct look *k)
{
    char name[STATE_NAME_MAX];
    add_state_name(k, name);
    if (!cdc_ddl_is_accepted(k->watch->accepted, name))
        return false;
    cdc_passed_ddl_done(&k->passed);
    cdc_passed_ddl_add(&k->passed, CDC_PASSED_ACCEPTED, name);
    return true;
}

/* Recorded only once the target has durably noted that it was passed, as what is recorded is not
 * found again; and only what was noted, as more may have come since. */
static bool pass_table(struct look *k, struct fx_err *err)
{
    char *pending = k->watch->pending[k->t], state[CDC_STATE_MAX];
    (void)snprintf(state, sizeof state, "%.*s", FX_STR_FMT(cell(k, COL_STATE)));
    if (strcmp(pending, state) != 0) {
        (void)snprintf(pending, CDC_STATE_MAX, "%s", state);
        k->watch->is_keeping = false;
        for (size_t i = 0; i < k->passed.n; i++)
            cdc_passed_ddl_add(k->watch->passed, "", k->passed.what[i]);
        return true;
    }
    if (!k->watch->is_keeping)
        return true;
    pending[0] = '\0';
    return record(k, err);
}

static void note_oid(const struct look *k, uint32_t *ret)
{
    int64_t oid = 0;
    if (fx_parse_i64(cell(k, COL_REL), 1, UINT32_MAX, &oid))
        *ret = (uint32_t)oid;
}

/* Nothing stops the stream at this table. */
static bool take(struct look *k, struct fx_err *err)
{
    if (k->passed.n > 0)
        return pass_table(k, err);
    if (k->watch->pending != NULL)
        k->watch->pending[k->t][0] = '\0'; /* what was to be passed was undone */
    return !fx_str_eq_c(cell(k, COL_IS_NEWS), "true") || record(k, err);
}

/* Several tables are accepted by one command: the stream passes none alone. */
struct stops {
    struct fx_err first;
    struct fx_buf names, others; /* of all that were found, also of those that were accepted */
    size_t n_names, n, n_others;
    bool only_gone;
    struct fx_err unseen; /* why a part was not looked at, or unset */
};

static void stops_done(struct stops *stops)
{
    fx_buf_done(&stops->names);
    fx_buf_done(&stops->others);
}

static void add_other(struct stops *stops, struct fx_str message)
{
    fx_buf_printf(&stops->others, "%.*s\n", FX_STR_FMT(message));
    stops->n_others++;
}

static void keep_stop(struct stops *stops, const struct look *k)
{
    struct fx_str more = fx_buf_str(&k->more);
    stops->only_gone = k->only_gone && (stops->n == 0 || stops->only_gone);
    if (stops->n++ == 0)
        stops->first = k->first;
    else
        add_other(stops, fx_str_from(k->first.message));
    while (more.len > 0)
        add_other(stops, fx_str_cut(more, '\n', &more));
}

static void keep_name(struct stops *stops, const struct look *k)
{
    char name[STATE_NAME_MAX];
    add_state_name(k, name);
    fx_buf_printf(&stops->names, "%s%s", stops->n_names++ > 0 ? "," : "", name);
}

/* Stands for exactly these tables in these states. */
static void word_of(const struct stops *stops, char ret[WORD_MAX])
{
    (void)snprintf(ret, WORD_MAX, "all@%016" PRIx64, fx_hash64(fx_buf_str(&stops->names), 0));
}

/* An error has room for so many names, and a shell takes these letters as they are. */
static bool is_word_needed(const struct stops *stops)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,@-";
    const char *names = fx_buf_cstr(&stops->names);
    return stops->names.len > OFFER_NAMES_MAX || names[strspn(names, plain)] != '\0';
}

static void add_offer(const struct cdc_binding *binding, const struct stops *stops,
                      struct fx_buf *detail)
{
    char word[WORD_MAX];
    word_of(stops, word);
    const char *what = is_word_needed(stops) ? word : fx_buf_cstr(&stops->names);
    if (fx_err_is(&stops->unseen))
        fx_buf_printf(detail,
                      "Not all could be looked at: %s. To look again: ficus cdc start --context %s "
                      "--execute",
                      stops->unseen.message, binding->ctx.name);
    else if (stops->only_gone)
        fx_buf_printf(detail, CDC_OFFER_KEEP, binding->ctx.name, what);
    else
        fx_buf_printf(detail, CDC_OFFER_ACCEPT, binding->ctx.name, what);
}

/* What the error has no room for. */
static void log_others(const struct cdc_binding *binding, struct fx_str others)
{
    while (others.len > 0) {
        struct fx_str line = fx_str_cut(others, '\n', &others);
        fx_log(FX_LOG_WARN, "cdc", binding->stream, "DDL that stops the stream", "what=\"%.*s\"",
               FX_STR_FMT(line));
    }
}

/* As many as there is room for, after the command, which must not be cut. */
static void add_others(const struct cdc_binding *binding, const struct stops *stops,
                       struct fx_buf *detail)
{
    static const char more[] = "\nAnd %zu more, which the log of the stream names.";
    struct fx_str others = fx_buf_str(&stops->others);
    for (size_t left = stops->n_others; left > 0; left--) {
        struct fx_str rest, line = fx_str_cut(others, '\n', &rest);
        if (detail->len + line.len + sizeof "\nAlso: " + sizeof more + 20 >
            sizeof stops->first.detail) {
            fx_buf_printf(detail, more, left);
            log_others(binding, fx_buf_str(&stops->others));
            return;
        }
        fx_buf_printf(detail, "\nAlso: %.*s", FX_STR_FMT(line));
        others = rest;
    }
}

static bool fail_stops(const struct cdc_binding *binding, const struct stops *stops,
                       struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf detail = FX_BUF(8192);
    *err = stops->first;
    if (err->detail[0] != '\0')
        fx_buf_printf(&detail, "%s\n", err->detail);
    add_offer(binding, stops, &detail);
    add_others(binding, stops, &detail);
    return fx_detail(err, "%s", fx_buf_cstr(&detail));
}

static bool has_pending(const struct cdc_table_watch *watch, size_t n)
{
    for (size_t t = 0; t < n && watch->pending != NULL; t++)
        if (watch->pending[t][0] != '\0')
            return true;
    return false;
}

/* A stop that was found counts, also when the rest cannot be looked at now: that can take long. */
static bool fail_unseen(struct look *k, struct stops *stops, const struct fx_err *why,
                        struct fx_err *err)
{
    if (k->n_stops > 0)
        keep_stop(stops, k);
    if (stops->n == 0 || fx_db_is_broken(k->db)) {
        *err = *why;
        return false;
    }
    stops->unseen = *why;
    return true;
}

static bool judge(struct look *k, struct stops *stops, struct fx_err *err)
{
    struct fx_err why = FX_ERR_INIT;
    if (!check_changes(k, &why))
        return fail_unseen(k, stops, &why, err);
    if (k->passed.n > 0 && k->watch->pending == NULL)
        stop_shape(k, "while its schema was recorded", NULL);
    if (k->n_stops > 0 && is_final(k)) {
        *err = k->first;
        return false;
    }
    if (k->n_stops > 0)
        keep_name(stops, k);
    if (k->n_stops > 0 && !accept(k)) {
        keep_stop(stops, k);
        return true;
    }
    return take(k, &why) || fail_unseen(k, stops, &why, err);
}

static bool check_row(struct look *k, struct stops *stops, struct fx_err *err)
{
    if (!row_of(k->rows, k->t, &k->row))
        return fail_gone(k->table, err);
    k->old_xid = k->watch->old_xid;
    if (k->old_xid == 0 && !fx_parse_i64(cell(k, COL_OLD_XID), 0, INT64_MAX, &k->old_xid))
        k->old_xid = 0;
    if (!judge(k, stops, err))
        return false;
    if (k->watch->oids != NULL)
        note_oid(k, &k->watch->oids[k->t]);
    return true;
}

static bool check_rows(struct fx_db *session, const struct cdc_binding *binding,
                       struct cdc_table_watch *watch, struct stops *stops, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    int64_t now_xid = 0;
    bool is_ok = read_tables(session, binding, &rows, err);
    for (size_t t = 0; is_ok && t < binding->ctx.n_tables && !fx_err_is(&stops->unseen); t++) {
        struct look k = {.db = session,
                         .binding = binding,
                         .table = cdc_source_table(binding, t),
                         .rows = &rows,
                         .t = t,
                         .watch = watch,
                         .first = FX_ERR_INIT,
                         .more = FX_BUF(TEXT_MAX)};
        is_ok = check_row(&k, stops, err);
        if (is_ok && !fx_parse_i64(cell(&k, COL_NOW_XID), 0, INT64_MAX, &now_xid))
            now_xid = 0;
        cdc_passed_ddl_done(&k.passed);
        fx_buf_done(&k.more);
    }
    if (is_ok && stops->n == 0 && !has_pending(watch, binding->ctx.n_tables))
        watch->old_xid = now_xid;
    return is_ok;
}

/* The word that stands for all of them is known only when all are: they are looked at again. */
static bool check_accepted(struct fx_db *session, const struct cdc_binding *binding,
                           struct cdc_table_watch *watch, const struct stops *found,
                           struct fx_err *err)
{
    struct stops stops = {.names = FX_BUF(TEXT_MAX), .others = FX_BUF(TEXT_MAX)};
    const char *accepted = watch->accepted;
    watch->accepted = fx_buf_cstr(&found->names);
    bool is_ok = check_rows(session, binding, watch, &stops, err);
    watch->accepted = accepted;
    is_ok = is_ok && (stops.n == 0 || fail_stops(binding, &stops, err));
    stops_done(&stops);
    return is_ok;
}

static bool check(struct fx_db *session, const struct cdc_binding *binding,
                  struct cdc_table_watch *watch, struct stops *stops, struct fx_err *err)
{
    char word[WORD_MAX];
    if (!check_rows(session, binding, watch, stops, err))
        return false;
    if (stops->n == 0)
        return true;
    word_of(stops, word);
    if (!fx_err_is(&stops->unseen) && cdc_ddl_is_accepted(watch->accepted, word))
        return check_accepted(session, binding, watch, stops, err);
    return fail_stops(binding, stops, err);
}

bool cdc_table_schema_check(struct fx_db *session, const struct cdc_binding *binding,
                            struct cdc_table_watch *watch, struct fx_err *err)
{
    struct stops stops = {.names = FX_BUF(TEXT_MAX), .others = FX_BUF(TEXT_MAX)};
    bool is_ok = check(session, binding, watch, &stops, err);
    stops_done(&stops);
    return is_ok || fx_ctx(err, "checking the tables of stream \"%s\" for DDL", binding->stream);
}

/* --- behind locks ----------------------------------------------------------------------------- */

static bool is_as_bound(struct fx_db *db, const struct fx_table *table, bool *ret,
                        struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_table *now = NULL;
    fx_arena_init(&arena, 0);
    if (!fx_db_table(db, table->schema, table->name, &arena, &now, err))
        return false;
    *ret = strcmp(now->fingerprint, table->fingerprint) == 0;
    return true;
}

bool cdc_table_schema_is_same(struct fx_db *session, const struct cdc_binding *binding,
                              const struct fx_table **ret_changed, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    *ret_changed = NULL;
    if (!read_tables(session, binding, &rows, err))
        return false;
    for (size_t t = 0; t < binding->ctx.n_tables; t++) {
        size_t row = 0;
        const struct fx_table *table = cdc_source_table(binding, t);
        bool is_same = row_of(&rows, t, &row) && fx_rows_at(&rows, row, COL_WRONG).ptr == NULL &&
                       fx_str_eq_c(fx_rows_at(&rows, row, COL_IS_NEWS), "false");
        if (is_same && !is_as_bound(session, table, &is_same, err))
            return false;
        if (!is_same) {
            *ret_changed = table;
            return true;
        }
    }
    return true;
}

/* --- the slot --------------------------------------------------------------------------------- */

bool cdc_slot_check(struct fx_db *db, const struct cdc_binding *binding, const struct fx_pos *from,
                    struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell slot = fx_str_from(binding->slot);
    FX_AUTO(fx_pos) struct fx_pos told = {0};
    if (!fx_db_query(db, "select confirmed_flush_lsn from pg_replication_slots where slot_name = ?",
                     &slot, 1, &rows, err))
        return fx_ctx(err, "reading slot \"%s\"", binding->slot);
    if (rows.n_rows == 0 || fx_rows_at(&rows, 0, 0).ptr == NULL)
        return true; /* START_REPLICATION says it better */
    if (!fx_db_take_pos(db, fx_rows_at(&rows, 0, 0), &told, err))
        return false;
    if (fx_pos_covers(FX_PG, from, &told))
        return true;
    (void)fx_fail(err, FX_E_DRIFT,
                  "database \"%s\" is at position %s of stream \"%s\", but had confirmed %s: "
                  "changes that were applied are lost",
                  binding->target->name, fx_pos_text(from), binding->stream, fx_pos_text(&told));
    return fx_hint(
        err,
        "It was restored from a backup, or lost commits in a crash (on MariaDB only "
        "innodb_flush_log_at_trx_commit=1 keeps them all). To copy it anew, " FX_CMD_NEW_COPY ".");
}
