/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact snapshot. Customers write all the time, so both sides must be seen at the same point of
 * the stream:
 *
 *   1. pause the applier at a transaction boundary: it is at A
 *   2. open the source's snapshot; it is exactly at P, and P covers A, because A was committed
 *      before
 *   3. advance the applier to exactly P and pause it there
 *   4. open the target's snapshot; ficus.progress inside it says where it is: it must be P
 *   5. release the applier; customers saw nothing, the stream lagged for some milliseconds
 *   6. read both snapshots for as long as it takes
 *
 * Whatever goes wrong between 1 and 5, the applier is released; should this process die, the pause
 * expires. A step that cannot show what it must makes the run INCONCLUSIVE, never equal.
 */
#include "reconcile/reconcile.h"

#include "lib/io/failpoint.h"
#include "reconcile/report/names.h"
#include "reconcile/table.h"
#include "reconcile/turn.h"

struct check {
    struct fx_context *ctx;
    const struct cdc_ref *ref;
    const struct rec_options *options;
    const struct fx_db_conf *source_conf, *target_conf;
    struct fx_snapshot *snapshot;
    struct fx_db *target;
    struct fx_arena *arena;
    struct rec_report *report;
};

static bool bind_tables(const struct check *check, struct fx_err *err)
{
    struct fx_db *old_db = NULL, *new_db = NULL;
    bool is_ok = true;
    if (!fx_db_open(check->ctx->old_db, &old_db, err)) {
        fx_err_as_source(err);
        is_ok = fx_ctx(err, "opening database \"%s\"", check->ctx->old_db->name);
    } else if (!fx_db_open(check->ctx->new_db, &new_db, err)) {
        fx_err_as_target(err);
        is_ok = fx_ctx(err, "opening database \"%s\"", check->ctx->new_db->name);
    } else {
        is_ok = fx_map_bind(check->ctx, old_db, new_db, check->arena, err);
    }
    fx_db_close(old_db);
    fx_db_close(new_db);
    return is_ok;
}

/* 4: where the target's snapshot is, as the applier recorded it in the same database. */
static bool read_progress(const struct check *check, struct fx_pos *ret_pos, struct fx_err *err)
{
    char stream[128];
    cdc_stream_name(check->ref, stream, sizeof stream);
    fx_cell param = fx_str_from(stream);
    struct fx_rows rows;
    if (!fx_db_query(check->target, "select position from ficus.progress where stream = ?", &param,
                     1, &rows, err))
        return fx_ctx(err, "reading ficus.progress in the target's snapshot");
    bool is_ok = rows.n_rows == 1 && fx_rows_at(&rows, 0, 0).ptr != NULL;
    if (is_ok)
        *ret_pos = fx_pos_in(check->arena, fx_rows_at(&rows, 0, 0));
    else
        (void)(fx_fail(err, FX_E_INCONCLUSIVE,
                       "stream \"%s\" has never run: it has no row in ficus.progress on the target",
                       stream) ||
               fx_hint(err, "Start it: ficus cdc start --context %s --execute", check->ctx->name));
    fx_rows_done(&rows);
    return is_ok;
}

static bool open_target(struct check *check, struct fx_err *err)
{
    enum fx_engine engine = check->source_conf->engine;
    const struct fx_pos *snapshot = &check->report->source_pos;
    if (!fx_db_open(check->target_conf, &check->target, err) ||
        !fx_db_snapshot_begin(check->target, err)) {
        fx_err_as_target(err);
        return fx_ctx(err, "opening the target's snapshot");
    }
    if (!read_progress(check, &check->report->target_pos, err))
        return false;
    if (!fx_pos_covers(engine, &check->report->target_pos, snapshot))
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "context \"%s\" could not be compared: the target's snapshot is at %s and "
                       "does not cover the source's snapshot at %s",
                       check->ctx->name, fx_pos_text(&check->report->target_pos),
                       fx_pos_text(snapshot)) ||
               fx_hint(err, "The stream was restarted, or its position was changed. See: ficus cdc "
                            "status --context NAME. Then run the comparison again: ficus reconcile "
                            "run --context NAME");
    /* Beyond it the applier ran on: the hold expired, or the stream was restarted. */
    if (!fx_pos_covers(engine, snapshot, &check->report->target_pos))
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "context \"%s\" could not be compared: the stream was not paused, the "
                       "target's snapshot is at %s, after the source's snapshot at %s",
                       check->ctx->name, fx_pos_text(&check->report->target_pos),
                       fx_pos_text(snapshot)) ||
               fx_hint(err, "The stream was restarted, or its pause expired. Run the comparison "
                            "again: ficus reconcile run --context NAME");
    return true;
}

/* 2 to 4, while the applier is paused at `at`. */
static bool cut_both(struct check *check, const struct fx_pos *at, struct fx_err *err)
{
    enum fx_engine engine = check->source_conf->engine;
    FX_AUTO(fx_pos) struct fx_pos reached = {0};
    FX_FAILPOINT("reconcile.cut.before");
    check->report->cut = fx_wall_now();
    if (!fx_snapshot_open(check->source_conf, check->options->cut_timeout_ms, &check->snapshot,
                          err)) {
        fx_err_as_source(err);
        return fx_ctx(err, "opening the source's snapshot");
    }
    check->report->source_pos =
        fx_pos_in(check->arena, fx_pos_str(fx_snapshot_pos(check->snapshot)));
    if (!fx_pos_covers(engine, &check->report->source_pos, at))
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "context \"%s\" could not be compared: its stream is at %s, after the "
                       "source's snapshot at %s",
                       check->ctx->name, fx_pos_text(at),
                       fx_pos_text(&check->report->source_pos)) ||
               fx_hint(err, "The server of the source may have lost its newest transactions. See: "
                            "ficus cdc status --context NAME. Then run the comparison again: ficus "
                            "reconcile run --context NAME");
    FX_FAILPOINT("reconcile.advance.before");
    if (!cdc_advance(check->ref, &check->report->source_pos, check->options->hold_max_ms, &reached,
                     err))
        return fx_ctx(err, "advancing the applier to the source's snapshot at %s",
                      fx_pos_text(&check->report->source_pos));
    FX_FAILPOINT("reconcile.advance.after");
    return open_target(check, err);
}

static bool make_cut(struct check *check, struct fx_err *err)
{
    FX_AUTO(fx_pos) struct fx_pos at = {0};
    struct fx_err release_err = FX_ERR_INIT;
    struct fx_mono held = fx_mono_now();
    if (!cdc_hold(check->ref, check->options->hold_max_ms, &at, err))
        return fx_ctx(err, "pausing the applier");
    bool is_ok = cut_both(check, &at, err);
    int64_t held_ms = fx_mono_since_us(held, fx_mono_now()) / 1000;
    bool is_released = cdc_release(check->ref, &release_err);
    check->report->applier_held_ms = held_ms;
    if (!is_ok)
        return false;
    if (!is_released) {
        *err = release_err;
        return fx_ctx(err, "releasing the applier");
    }
    return true;
}

static bool session_lives(struct fx_db *db)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    struct fx_err ignored = FX_ERR_INIT;
    return !fx_db_is_broken(db) && fx_db_query(db, "select 1", NULL, 0, &rows, &ignored);
}

/* Does this failure concern one table, so that the others can still be compared? */
static bool is_of_one_table(const struct check *check, const struct fx_err *err)
{
    bool is_ours = err->code == FX_E_INTERRUPTED || err->code == FX_E_IO || err->code == FX_E_BUG;
    return !is_ours && session_lives(fx_snapshot_session(check->snapshot)) &&
           session_lives(check->target);
}

static bool compare_table(const struct check *check, const struct fx_map_table *map,
                          const struct rec_progress *progress, struct rec_table_result *result,
                          struct fx_err *err)
{
    struct rec_report *report = check->report;
    struct rec_table table;
    if (!rec_table_init(map, report->direction, check->arena, &table, err)) {
        rec_table_begin(&table, result);
        return false;
    }
    rec_table_begin(&table, result);
    return rec_table_compare(&table, fx_snapshot_session(check->snapshot), check->target,
                             check->options->differences_max, progress, check->arena, result,
                             err) ||
           fx_ctx(err, "comparing \"%s\" with \"%s\"", table.source_name, table.target_name);
}

/* One line: what failed, where, and what to do about it. */
static const char *reason(const struct fx_err *why, struct fx_arena *arena)
{
    char brief[512];
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    struct fx_str frames = fx_str_from(why->context);
    fx_err_brief(why, brief, sizeof brief);
    fx_buf_printf(&text, "not compared: %s", brief);
    while (frames.len > 0) {
        struct fx_str frame = fx_str_cut(frames, '\n', &frames);
        fx_buf_printf(&text, "; %.*s", FX_STR_FMT(frame));
    }
    fx_buf_printf(&text, "%s%s", why->hint[0] != '\0' ? ". " : "", why->hint);
    return fx_arena_strdup(arena, fx_buf_cstr(&text));
}

/* What was counted until it failed is a part of the table: only the names and the reason stay. */
static void set_not_compared(struct rec_table_result *result, const struct fx_err *why,
                             struct fx_arena *arena)
{
    *result = (struct rec_table_result){
        .source_name = result->source_name,
        .target_name = result->target_name,
        .source_fingerprint = result->source_fingerprint,
        .target_fingerprint = result->target_fingerprint,
        .mapping_digest = result->mapping_digest,
        .one_sided = result->one_sided,
        .not_compared = reason(why, arena),
    };
}

static bool compare_tables(const struct check *check, const struct rec_progress *progress,
                           struct fx_err *err)
{
    struct rec_report *report = check->report;
    for (size_t i = 0; i < check->ctx->n_tables; i++) {
        struct rec_table_result *result = &report->tables[i];
        struct fx_err why = FX_ERR_INIT;
        if (!compare_table(check, &check->ctx->tables[i], progress, result, &why)) {
            if (!is_of_one_table(check, &why)) {
                *err = why;
                return false;
            }
            set_not_compared(result, &why, check->arena);
        }
        report->n_tables++;
    }
    return true;
}

static struct rec_report *new_report(const struct fx_context *ctx, enum fx_direction direction,
                                     const char *plan, const char *step, struct fx_arena *arena)
{
    struct rec_report *report = FX_ARENA_NEW(arena, struct rec_report);
    report->tool = REC_TOOL;
    report->context = ctx->name;
    report->direction = direction;
    report->plan = fx_arena_strdup(arena, plan != NULL ? plan : "");
    report->step = fx_arena_strdup(arena, step != NULL ? step : "");
    report->mapping_digest = ctx->digest;
    report->started = fx_wall_now();
    report->tables = fx_arena_array(arena, ctx->n_tables + 1, sizeof *report->tables);
    return report;
}

/* A clock that was set back meanwhile does not make a report that no reader believes. */
static void order_dates(struct rec_report *report)
{
    report->cut.us = FX_MAX(report->cut.us, report->started.us);
    report->finished.us = FX_MAX(fx_wall_now().us, report->cut.us);
}

static bool check_locked(struct fx_context *ctx, const struct cdc_ref *ref,
                         const struct rec_options *options, const char *plan, const char *step,
                         const struct rec_progress *progress, struct fx_arena *arena,
                         struct rec_report **ret_report, struct fx_err *err)
{
    bool is_forward = ref->direction == FX_FORWARD;
    struct check check = {.ctx = ctx,
                          .ref = ref,
                          .options = options,
                          .source_conf = is_forward ? ctx->old_db : ctx->new_db,
                          .target_conf = is_forward ? ctx->new_db : ctx->old_db,
                          .arena = arena};
    bool is_ok = bind_tables(&check, err);
    if (is_ok) {
        check.report = new_report(ctx, ref->direction, plan, step, arena);
        is_ok = make_cut(&check, err) && compare_tables(&check, progress, err);
    }
    fx_db_close(check.target);
    if (check.snapshot != NULL)
        fx_snapshot_close(check.snapshot);
    if (!is_ok)
        return fx_ctx(err, "comparing context \"%s\"", ctx->name);
    rec_report_finish(check.report, ctx->n_tables);
    order_dates(check.report);
    *ret_report = check.report;
    return true;
}

/* Who waited for an hour may have been told which side owns before a cut-over moved it. */
static bool still_owns(const struct fx_context *ctx, const struct cdc_ref *ref, struct fx_err *err)
{
    enum fx_direction now;
    if (!rec_owner(ctx, &now, err))
        return false;
    return now == ref->direction ||
           fx_fail(err, FX_E_INCONCLUSIVE,
                   "the other side of context \"%s\" took over while another comparison ran",
                   ctx->name) ||
           fx_hint(err, "Run the same command again: it compares in the new direction.");
}

bool rec_check(struct fx_context *ctx, const struct cdc_ref *ref, const struct rec_options *options,
               const char *plan, const char *step, const struct rec_progress *progress,
               struct fx_arena *arena, struct rec_report **ret_report, struct fx_err *err)
{
    struct fx_flock *lock;
    bool has_waited;
    if (!rec_turn_take(ref, options->lock_wait_ms, progress, &lock, &has_waited, err))
        return fx_ctx(err, "comparing context \"%s\"", ctx->name);
    bool is_ok = (!has_waited || still_owns(ctx, ref, err)) &&
                 check_locked(ctx, ref, options, plan, step, progress, arena, ret_report, err);
    fx_flock_release(lock);
    return is_ok;
}
