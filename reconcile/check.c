/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison of whole tables: both snapshots (snapshots.h), then one table after another. */
#include "reconcile/reconcile.h"

#include "reconcile/report/names.h"
#include "reconcile/snapshots.h"
#include "reconcile/table.h"
#include "reconcile/turn.h"

struct check {
    struct fx_context *ctx;
    const struct rec_options *options;
    struct rec_snapshots snapshots;
    struct fx_arena *arena;
    struct rec_report *report;
};

/*
 * Before the snapshots, so that what is wrong with the mapping is said at once; and again behind
 * the locks, where the definitions are those of the rows that are read.
 */
static bool bind_tables(struct check *check, bool is_inside, struct fx_err *err)
{
    struct fx_db *old_db = rec_snapshots_old(&check->snapshots, is_inside);
    struct fx_db *new_db = rec_snapshots_new(&check->snapshots, is_inside);
    bool is_ok = fx_map_bind(check->ctx, old_db, new_db, check->arena, err);
    check->report->mapping_digest = check->ctx->digest;
    return is_ok;
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
    return !is_ours && session_lives(check->snapshots.source.db) &&
           session_lives(check->snapshots.target.db);
}

/* What is compared is told; that it proves nothing, too. */
static void add_doubt(struct rec_table_result *result, const char *doubt, struct fx_arena *arena)
{
    if (doubt != NULL)
        result->not_compared = result->not_compared == NULL
                                   ? doubt
                                   : fx_arena_printf(arena, "%s; %s", result->not_compared, doubt);
}

/* `why`: of its lock, when that failed. */
static bool compare_table(const struct check *check, size_t i, const struct fx_err *why,
                          const char *doubt, const struct rec_progress *progress,
                          struct fx_err *err)
{
    struct rec_report *report = check->report;
    struct rec_table_result *result = &report->tables[i];
    struct rec_table table;
    bool is_ok =
        rec_table_init(&check->ctx->tables[i], report->direction, check->arena, &table, err);
    rec_table_begin(&table, result);
    add_doubt(result, doubt, check->arena);
    if (!is_ok)
        return false;
    if (fx_err_is(why)) {
        *err = *why;
        return false;
    }
    return rec_table_compare(&table, check->snapshots.source.db, check->snapshots.target.db,
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

/* All tables are locked before the first is read: that may take hours. */
static bool lock_tables(struct check *check, struct fx_err *whys, const char **doubts,
                        struct fx_err *err)
{
    for (size_t i = 0; i < check->ctx->n_tables; i++) {
        whys[i] = (struct fx_err)FX_ERR_INIT;
        if (rec_snapshots_lock(&check->snapshots, i, &doubts[i], &whys[i]) ||
            is_of_one_table(check, &whys[i]))
            continue;
        *err = whys[i];
        return false;
    }
    return true;
}

static bool compare_tables(struct check *check, const struct rec_progress *progress,
                           struct fx_err *err)
{
    struct rec_report *report = check->report;
    size_t n = check->ctx->n_tables;
    struct fx_err *whys = fx_arena_array(check->arena, n + 1, sizeof *whys);
    const char **doubts = fx_arena_array(check->arena, n + 1, sizeof *doubts);
    if (!lock_tables(check, whys, doubts, err) || !bind_tables(check, true, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct fx_err why = FX_ERR_INIT;
        if (!compare_table(check, i, &whys[i], doubts[i], progress, &why)) {
            if (!is_of_one_table(check, &why)) {
                *err = why;
                return false;
            }
            set_not_compared(&report->tables[i], &why, check->arena);
        }
        report->n_tables++;
    }
    return true;
}

static struct rec_report *new_report(const struct fx_context *ctx, enum fx_direction direction,
                                     const struct rec_asker *asker, struct fx_arena *arena)
{
    struct rec_report *report = FX_ARENA_NEW(arena, struct rec_report);
    report->tool = REC_TOOL;
    report->context = ctx->name;
    report->direction = direction;
    report->asker.plan = fx_arena_strdup(arena, asker->plan);
    report->asker.step = fx_arena_strdup(arena, asker->step);
    report->asker.run = fx_arena_strdup(arena, asker->run);
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
                         const struct rec_options *options, const struct rec_asker *asker,
                         const struct rec_progress *progress, struct fx_arena *arena,
                         struct rec_report **ret_report, struct fx_err *err)
{
    struct check check = {.ctx = ctx, .options = options, .arena = arena};
    check.report = new_report(ctx, ref->direction, asker, arena);
    check.snapshots = (struct rec_snapshots){
        .ctx = ctx, .ref = ref, .options = options, .report = check.report, .arena = arena};
    bool is_ok = rec_snapshots_prepare(&check.snapshots, err) && bind_tables(&check, false, err) &&
                 rec_snapshots_take(&check.snapshots, err) && compare_tables(&check, progress, err);
    rec_snapshots_close(&check.snapshots);
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

/* A value that cannot be read or mapped: the frames name it, and say on which side. */
static bool fail_compare(const struct fx_context *ctx, struct fx_err *err)
{
    if (err->hint[0] == '\0' && (err->code == FX_E_SOURCE_DATA || err->code == FX_E_LIMIT))
        (void)fx_hint(err,
                      "Correct the value that the context lines name, or take its column out of "
                      "the mapping in ficus.yaml. Then run: ficus reconcile run --context %s",
                      ctx->name);
    return fx_err_name_context(err, ctx->name);
}

bool rec_check(struct fx_context *ctx, const struct cdc_ref *ref, const struct rec_options *options,
               const struct rec_asker *asker, const struct rec_progress *progress,
               struct fx_arena *arena, struct rec_report **ret_report, struct fx_err *err)
{
    struct fx_flock *lock;
    bool has_waited;
    if (!rec_turn_take(ref, options->lock_wait_ms, progress, &lock, &has_waited, err))
        return fx_ctx(err, "comparing context \"%s\"", ctx->name);
    bool is_ok = (!has_waited || still_owns(ctx, ref, err)) &&
                 check_locked(ctx, ref, options, asker, progress, arena, ret_report, err);
    fx_flock_release(lock);
    return is_ok || fail_compare(ctx, err);
}
