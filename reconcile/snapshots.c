/* SPDX-License-Identifier: Apache-2.0 */
/* See the steps in snapshots.h; the numbers are theirs. */
#include "reconcile/snapshots.h"

#include "lib/fmt/text.h"
#include "lib/io/failpoint.h"
#include "lib/ownership/schema.h"

/* The applier waits no longer than this for a transaction of the source that has just begun. */
enum { TAKE_MS = 1000, DOUBT_MAX_BYTES = 4096 };

static const char *schema_of(const struct rec_snapshots *s, const struct rec_side *side, size_t i)
{
    bool is_old = side->conf == s->ctx->old_db;
    return is_old ? s->ctx->tables[i].old_schema : s->ctx->tables[i].new_schema;
}

static const char *name_of(const struct rec_snapshots *s, const struct rec_side *side, size_t i)
{
    bool is_old = side->conf == s->ctx->old_db;
    return is_old ? s->ctx->tables[i].old_name : s->ctx->tables[i].new_name;
}

static bool fail_side(const struct rec_snapshots *s, const struct rec_side *side,
                      struct fx_err *err)
{
    if (side == &s->source)
        fx_err_as_source(err);
    else
        fx_err_as_target(err);
    return false;
}

/* --- 0 ---------------------------------------------------------------------------------------- */

static bool read_marks(const struct rec_snapshots *s, struct rec_side *side, struct fx_err *err)
{
    side->marks = fx_arena_array(s->arena, s->ctx->n_tables + 1, sizeof *side->marks);
    for (size_t i = 0; i < s->ctx->n_tables; i++)
        if (!fx_db_table_mark(side->watch, schema_of(s, side, i), name_of(s, side, i), s->arena,
                              &side->marks[i], err))
            return fail_side(s, side, err);
    return true;
}

static bool open_watch(const struct rec_snapshots *s, struct rec_side *side, struct fx_err *err)
{
    return fx_db_open(side->conf, &side->watch, err) || fail_side(s, side, err) ||
           fx_ctx(err, "opening database \"%s\"", side->conf->name);
}

/*
 * Who holds the context is read before the snapshots: whoever takes it over later stops the
 * applier, and the comparison with it.
 */
static bool read_identity(const struct rec_snapshots *s, const struct rec_side *side,
                          struct fx_err *err)
{
    struct rec_databases *databases = &s->report->databases;
    bool is_old = side->conf == s->ctx->old_db;
    return fx_identity_read(side->watch, s->ctx->name, s->arena,
                            is_old ? &databases->old_side : &databases->new_side, err) ||
           fail_side(s, side, err);
}

bool rec_snapshots_prepare(struct rec_snapshots *s, struct fx_err *err)
{
    bool is_forward = s->ref->direction == FX_FORWARD;
    s->source.conf = is_forward ? s->ctx->old_db : s->ctx->new_db;
    s->target.conf = is_forward ? s->ctx->new_db : s->ctx->old_db;
    if (!open_watch(s, &s->source, err) || !open_watch(s, &s->target, err))
        return false;
    if (!fx_snapshot_prepare(s->source.conf, &s->snapshot, err))
        return fail_side(s, &s->source, err);
    if (!fx_db_open(s->target.conf, &s->target_db, err) || !fx_schema_guard(s->target_db, err))
        return fail_side(s, &s->target, err);
    s->source.db = fx_snapshot_session(s->snapshot);
    s->target.db = s->target_db;
    return read_identity(s, &s->source, err) && read_identity(s, &s->target, err) &&
           read_marks(s, &s->source, err) && read_marks(s, &s->target, err);
}

/* --- 1 to 5: the applier waits ---------------------------------------------------------------- */

/* 4: where the target's snapshot is, as the applier recorded it in the same database. */
static bool read_progress(const struct rec_snapshots *s, struct fx_pos *ret_pos, struct fx_err *err)
{
    char stream[128];
    cdc_stream_name(s->ref, stream, sizeof stream);
    fx_cell param = fx_str_from(stream);
    struct fx_rows rows;
    if (!fx_db_query(s->target.db, "select position, epoch from ficus.progress where stream = ?",
                     &param, 1, &rows, err))
        return fx_ctx(err, "reading ficus.progress in the target's snapshot");
    bool is_ok = rows.n_rows == 1 && fx_rows_at(&rows, 0, 0).ptr != NULL;
    if (is_ok) {
        *ret_pos = fx_pos_in(s->arena, fx_rows_at(&rows, 0, 0));
        is_ok = fx_parse_i64(fx_rows_at(&rows, 0, 1), 0, INT64_MAX, &s->report->stream_epoch) ||
                fx_fail(err, FX_E_DRIFT,
                        "the epoch of stream \"%s\" in ficus.progress is no number", stream);
    } else {
        (void)(fx_fail(err, FX_E_INCONCLUSIVE,
                       "stream \"%s\" has never run: table ficus.progress of database \"%s\" has "
                       "no row "
                       "of it",
                       stream, s->target.conf->name) ||
               fx_hint(err, "Start it: ficus cdc start --context %s --execute", s->ctx->name));
    }
    fx_rows_done(&rows);
    return is_ok;
}

static bool take_target(struct rec_snapshots *s, struct fx_err *err)
{
    enum fx_engine engine = s->source.conf->engine;
    const struct fx_pos *snapshot = &s->report->source_pos;
    if (!fx_db_snapshot_begin(s->target.db, err)) {
        fx_err_as_target(err);
        return fx_ctx(err, "taking the target's snapshot");
    }
    if (!read_progress(s, &s->report->target_pos, err))
        return false;
    if (!fx_pos_covers(engine, &s->report->target_pos, snapshot))
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "context \"%s\" could not be compared: the target's snapshot is at %s and "
                       "does not cover the source's snapshot at %s",
                       s->ctx->name, fx_pos_text(&s->report->target_pos), fx_pos_text(snapshot)) ||
               fx_hint(err,
                       "The stream was restarted, or its position was changed. See: ficus cdc "
                       "status --context %s. Then run the comparison again: ficus reconcile run "
                       "--context %s",
                       s->ctx->name, s->ctx->name);
    /* Beyond it the applier ran on: the hold expired, or the stream was restarted. */
    if (!fx_pos_covers(engine, snapshot, &s->report->target_pos))
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "context \"%s\" could not be compared: the stream was not paused, the "
                       "target's snapshot is at %s, after the source's snapshot at %s",
                       s->ctx->name, fx_pos_text(&s->report->target_pos), fx_pos_text(snapshot)) ||
               fx_hint(err,
                       "The stream was restarted, or its pause expired. Run the comparison again: "
                       "ficus reconcile run --context %s",
                       s->ctx->name);
    return true;
}

static bool take_source(struct rec_snapshots *s, const struct fx_pos *at, struct fx_err *err)
{
    s->report->cut = fx_wall_now();
    if (!fx_snapshot_take(s->snapshot, FX_MIN((int64_t)TAKE_MS, s->options->cut_timeout_ms), err)) {
        s->was_busy = err->code == FX_E_TIMEOUT;
        fx_err_as_source(err);
        return fx_ctx(err, "taking the source's snapshot");
    }
    s->report->source_pos = fx_pos_in(s->arena, fx_pos_str(fx_snapshot_pos(s->snapshot)));
    if (!fx_pos_covers(s->source.conf->engine, &s->report->source_pos, at))
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "context \"%s\" could not be compared: its stream is at %s, after the "
                       "source's snapshot at %s",
                       s->ctx->name, fx_pos_text(at), fx_pos_text(&s->report->source_pos)) ||
               fx_hint(err,
                       "The server of the source may have lost its newest transactions. See: ficus "
                       "cdc status --context %s. Then run the comparison again: ficus reconcile "
                       "run --context %s",
                       s->ctx->name, s->ctx->name);
    return true;
}

/* 2 to 4, while the applier is paused at `at`. */
static bool take_both(struct rec_snapshots *s, const struct fx_pos *at, struct fx_err *err)
{
    FX_AUTO(fx_pos) struct fx_pos reached = {0};
    FX_FAILPOINT("reconcile.cut.before");
    if (!take_source(s, at, err))
        return false;
    FX_FAILPOINT("reconcile.advance.before");
    if (!cdc_advance(s->ref, &s->report->source_pos, s->options->hold_max_ms, &reached, err))
        return fx_ctx(err, "advancing the applier to the source's snapshot at %s",
                      fx_pos_text(&s->report->source_pos));
    FX_FAILPOINT("reconcile.advance.after");
    return take_target(s, err);
}

static bool attempt(struct rec_snapshots *s, struct fx_err *err)
{
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    struct fx_err release_err = FX_ERR_INIT;
    struct fx_mono held = fx_mono_now();
    s->was_busy = false;
    if (!cdc_hold(s->ref, s->options->hold_max_ms, &at, err))
        return fx_ctx(err, "pausing the applier");
    bool is_ok = take_both(s, &at, err);
    s->report->applier_held_ms += fx_mono_since_us(held, fx_mono_now()) / 1000;
    bool is_released = cdc_release(s->ref, &release_err);
    if (!is_ok)
        return false;
    if (!is_released) {
        *err = release_err;
        return fx_ctx(err, "releasing the applier");
    }
    return true;
}

static bool wait_running(struct rec_snapshots *s, struct fx_mono until, struct fx_err *err)
{
    int64_t left_ms = fx_mono_since_us(fx_mono_now(), until) / 1000;
    if (fx_db_wait_running(s->source.watch, FX_MAX(left_ms, (int64_t)0), err))
        return true;
    fx_err_as_source(err);
    return fx_ctx(err, "waiting for transactions of the source before its snapshot is taken; the "
                       "applier runs meanwhile");
}

bool rec_snapshots_take(struct rec_snapshots *s, struct fx_err *err)
{
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), s->options->cut_timeout_ms);
    for (;;) {
        if (!wait_running(s, until, err))
            return false;
        FX_FAILPOINT("reconcile.hold.before");
        if (attempt(s, err))
            break;
        if (!s->was_busy || fx_mono_reached(until, fx_mono_now()))
            return false;
        fx_err_clear(err);
    }
    FX_FAILPOINT("reconcile.enter.before");
    return fx_snapshot_enter(s->snapshot, err) || fail_side(s, &s->source, err);
}

/* --- 6 ---------------------------------------------------------------------------------------- */

static bool lock_side(struct rec_snapshots *s, struct rec_side *side, size_t i, struct fx_err *err)
{
    const char *schema = schema_of(s, side, i), *name = name_of(s, side, i);
    const char *mark;
    if (!fx_db_table_lock(side->db, schema, name, s->options->cut_timeout_ms, err) ||
        !fx_db_table_mark(side->watch, schema, name, s->arena, &mark, err))
        return fail_side(s, side, err);
    if (strcmp(mark, side->marks[i]) == 0)
        return true;
    return fx_fail(err, FX_E_INCONCLUSIVE,
                   "database \"%s\": table \"%s.%s\" was altered or truncated while the comparison "
                   "began",
                   side->conf->name, schema, name) ||
           fx_hint(err, "Compare again: ficus reconcile run --context %s", s->ctx->name);
}

/* What the preflight asks of every table may have become otherwise since. */
static bool find_doubt(struct rec_snapshots *s, size_t table, const char **ret_doubt,
                       struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings findings;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(DOUBT_MAX_BYTES);
    fx_findings_init(&findings);
    *ret_doubt = NULL;
    if (!cdc_find_silent_loss(s->ctx, table, rec_snapshots_old(s, false),
                              rec_snapshots_new(s, false), &findings, err))
        return false;
    for (size_t i = 0; i < findings.n; i++)
        fx_buf_printf(&text, "%s%s%s%s%s", i > 0 ? "; " : "", findings.items[i].what,
                      findings.items[i].fix[0] != '\0' ? " [" : "", findings.items[i].fix,
                      findings.items[i].fix[0] != '\0' ? "]" : "");
    if (text.len > 0)
        *ret_doubt = fx_arena_strdup(s->arena, fx_buf_cstr(&text));
    return true;
}

bool rec_snapshots_lock(struct rec_snapshots *s, size_t table, const char **ret_doubt,
                        struct fx_err *err)
{
    return lock_side(s, &s->source, table, err) && lock_side(s, &s->target, table, err) &&
           find_doubt(s, table, ret_doubt, err);
}

/* ---------------------------------------------------------------------------------------------- */

struct fx_db *rec_snapshots_old(const struct rec_snapshots *s, bool is_inside)
{
    const struct rec_side *side = s->ref->direction == FX_FORWARD ? &s->source : &s->target;
    return is_inside ? side->db : side->watch;
}

struct fx_db *rec_snapshots_new(const struct rec_snapshots *s, bool is_inside)
{
    const struct rec_side *side = s->ref->direction == FX_FORWARD ? &s->target : &s->source;
    return is_inside ? side->db : side->watch;
}

void rec_snapshots_close(struct rec_snapshots *s)
{
    fx_db_close(s->source.watch);
    fx_db_close(s->target.watch);
    fx_db_close(s->target_db);
    fx_snapshot_close(s->snapshot);
}
