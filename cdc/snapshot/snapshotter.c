/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See the diagram in snapshotter.h. One session reads inside the snapshot in key order, the sink
 * writes multi-row inserts; both are bounded by one batch.
 */
#include "cdc/snapshot/snapshotter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/checks.h"
#include "lib/io/failpoint.h"
#include "lib/ownership/schema.h"

enum { CLEAN_BATCH_ROWS = 10000 };

struct snapshotter {
    const struct cdc_snapshot_env *env;
    const struct cdc_engine_source *source;
    struct fx_db *reader;          /* inside the snapshot, once there is one */
    struct cdc_snapshot *snapshot; /* what holds it */
    struct cdc_copy_tally tally;
    int64_t *estimates; /* of rows, one a table; in `arena` */
    struct fx_arena arena;
};

/* Rows that customers may have written are never advised to be deleted. */
static bool may_be_emptied(struct snapshotter *s)
{
    const struct cdc_binding *binding = s->env->binding;
    struct fx_err ignored = FX_ERR_INIT;
    struct fx_db *target = NULL;
    enum cdc_owner owner = CDC_OWNER_UNKNOWN;
    bool is_known = fx_db_open(binding->target, &target, &ignored) &&
                    fx_schema_guard(target, &ignored) &&
                    cdc_owner_read(binding->ctx.name, s->reader, target, &owner, &ignored);
    fx_db_close(target);
    return is_known && owner == CDC_OWNER_OLD;
}

static bool fail_not_empty(struct snapshotter *s, size_t table, struct fx_err *err)
{
    const struct fx_table *target = cdc_target_table(s->env->binding, table);
    bool is_free = may_be_emptied(s);
    (void)fx_fail(err, FX_E_TARGET_CONFLICT,
                  "target table \"%s.%s\" is not empty and was not filled by this stream",
                  target->schema, target->name);
    if (!is_free)
        return fx_hint(err,
                       "Do not empty it: its rows may be the only copy. What has to be done first: "
                       "ficus cdc preflight --context %s",
                       s->env->binding->ctx.name);
    const char *context = s->env->binding->ctx.name;
    return fx_hint(err,
                   "If its rows may go: " CDC_CMD_EMPTY
                   ". Else take the table out of the context in "
                   "ficus.yaml.",
                   context, context);
}

static bool check_empty(struct snapshotter *s, struct fx_err *err)
{
    for (size_t t = 0; t < s->env->binding->ctx.n_tables; t++) {
        bool is_empty = false;
        if (!s->env->sink->ops->is_empty(s->env->sink, t, &is_empty, err))
            return false;
        if (!is_empty)
            return fail_not_empty(s, t, err);
    }
    return true;
}

/*
 * The reverse stream begins after the moment at which the tables were seen to be empty: how they
 * became so is no change that the old side wants. Only while nobody has claimed it: it waits until
 * the progress row says that the copy has begun.
 */
static bool point_reverse(struct snapshotter *s, struct fx_err *err)
{
    const struct cdc_binding *binding = s->env->binding;
    struct fx_db *target = NULL;
    FX_AUTO(fx_pos) struct fx_pos now = {0};
    bool is_ok = fx_db_open(binding->target, &target, err) && fx_db_pos_now(target, &now, err);
    fx_db_close(target);
    if (!is_ok) {
        fx_err_as_target(err);
        return fx_ctx(err, "reading the position of database \"%s\"", binding->target->name);
    }
    FX_FAILPOINT("copy.reverse.before");
    fx_cell params[] = {fx_pos_str(&now), fx_str_from(binding->other_stream)};
    if (fx_db_exec(s->reader,
                   "update ficus.progress set position = ? where stream = ? and epoch = 0", params,
                   2, NULL, err))
        return true;
    fx_err_as_source(err);
    return fx_ctx(err, "recording where stream \"%s\" begins", binding->other_stream);
}

/* Deletes what an interrupted copy left (the tables were empty when it began, so every row is
 * ours), or what a person said may go: as the applier, so that a fence lets it through and the
 * other stream does not carry it. */
static bool clean(struct snapshotter *s, struct fx_err *err)
{
    struct cdc_sink *sink = s->env->sink;
    for (size_t t = 0; t < s->env->binding->ctx.n_tables; t++) {
        int64_t n = 0;
        do {
            if (!sink->ops->clean(sink, t, CLEAN_BATCH_ROWS, &n, err))
                return false;
        } while (n > 0);
    }
    return sink->ops->progress_only(sink, &(struct fx_pos){0}, CDC_PROGRESS_NEW, err);
}

static bool estimate(struct snapshotter *s, struct fx_err *err)
{
    size_t n_tables = s->env->binding->ctx.n_tables;
    s->estimates = fx_arena_array(&s->arena, n_tables, sizeof *s->estimates);
    for (size_t t = 0; t < n_tables; t++)
        if (!s->source->estimate_rows(s->reader, cdc_source_table(s->env->binding, t),
                                      &s->estimates[t], err))
            return false;
    cdc_copy_tally_init(&s->tally, s->estimates, n_tables, fx_mono_now());
    return true;
}

static bool tell(struct snapshotter *s, struct fx_err *err)
{
    struct cdc_copy_at at;
    cdc_copy_tally_at(&s->tally, fx_mono_now(), &at);
    if (!s->env->on_progress(s->env->arg, &at))
        return fx_fail(err, FX_E_INTERRUPTED, "the copy of context \"%s\" was stopped",
                       s->env->binding->ctx.name) ||
               fx_hint(err, "Nothing was lost. To start the copy again from the beginning, "
                            "run: " FX_CMD_START);
    return true;
}

static bool end_batch(struct snapshotter *s, struct fx_err *err)
{
    FX_FAILPOINT("copy.batch");
    return s->env->sink->ops->commit(s->env->sink, true, err) && tell(s, err);
}

static bool copy_rows(struct snapshotter *s, size_t t, struct fx_scan *scan, struct fx_err *err)
{
    struct cdc_sink *sink = s->env->sink;
    int64_t n_batch = 0;
    for (;;) {
        struct cdc_row row = {
            .op = CDC_INSERT, .table = t, .ordinal = s->tally.done_rows + s->tally.table_rows + 1};
        if (!fx_scan_next(scan, &row.new, err)) {
            fx_err_as_source(err);
            return false;
        }
        if (row.new == NULL)
            break;
        if (n_batch == 0 && !sink->ops->begin_copy(sink, s->env->options->copy_batch_rows, err))
            return false;
        if (!sink->ops->row(sink, &row, err))
            return false;
        s->tally.table_rows++;
        if (++n_batch == s->env->options->copy_batch_rows) {
            if (!end_batch(s, err))
                return false;
            n_batch = 0;
        }
    }
    return n_batch == 0 || end_batch(s, err);
}

static bool copy_table(struct snapshotter *s, size_t t, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(s->env->binding, t);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    int *columns = fx_arena_array(&arena, table->n_columns, sizeof *columns);
    for (size_t c = 0; c < table->n_columns; c++)
        columns[c] = (int)c;
    struct fx_scan_spec spec = {
        .table = table, .columns = columns, .n_columns = table->n_columns, .is_ordered = true};
    if (cdc_binding_is_canary(s->env->binding, t))
        spec.where = s->env->binding->canary_where;
    struct fx_scan *scan = NULL;
    cdc_copy_tally_table(&s->tally, t);
    if (!tell(s, err))
        return false;
    if (!fx_scan_open(s->reader, &spec, &scan, err)) {
        fx_err_as_source(err);
        return fx_ctx(err, "copying table \"%s.%s\"", table->schema, table->name);
    }
    bool is_ok = copy_rows(s, t, scan, err);
    fx_scan_close(scan);
    return is_ok || fx_ctx(err, "copying table \"%s.%s\"", table->schema, table->name);
}

static bool run(struct snapshotter *s, struct fx_err *err)
{
    struct cdc_sink *sink = s->env->sink;
    if (!fx_db_open(s->env->binding->source, &s->reader, err) || !fx_schema_guard(s->reader, err)) {
        fx_err_as_source(err);
        return false;
    }
    bool is_told = s->env->options->empties_target && may_be_emptied(s);
    if ((is_told || sink->progress.phase == CDC_PROGRESS_COPY) && !clean(s, err))
        return fx_ctx(err, is_told ? "emptying the tables of the new side"
                                   : "removing an incomplete copy");
    FX_FAILPOINT("copy.empty.before");
    if (!check_empty(s, err) || !point_reverse(s, err))
        return false;
    if (!s->source->snapshot_begin(s->env->binding, s->reader, &s->snapshot, err) ||
        !estimate(s, err)) {
        fx_err_as_source(err);
        return false;
    }
    if (!sink->ops->progress_only(sink, &s->snapshot->at, CDC_PROGRESS_COPY, err))
        return false;
    for (size_t t = 0; t < s->env->binding->ctx.n_tables; t++)
        if (!copy_table(s, t, err))
            return false;
    FX_FAILPOINT("copy.done.before");
    if (!sink->ops->flush(sink, err) ||
        !sink->ops->progress_only(sink, &s->snapshot->at, CDC_PROGRESS_STREAM, err))
        return false;
    FX_FAILPOINT("copy.done.after");
    return true;
}

bool cdc_snapshot_run(const struct cdc_snapshot_env *env, struct fx_err *err)
{
    struct snapshotter s = {.env = env, .source = &cdc_engine_of(env->binding->source)->source};
    if (s.source->snapshot_begin == NULL)
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "this release cannot copy from database \"%s\": it can only be the new side",
                       env->binding->source->name) ||
               fx_hint(err, "Correct the keys old and new of the context in ficus.yaml, then "
                            "run: " FX_CMD_PREFLIGHT);
    fx_arena_init(&s.arena, 0);
    bool is_ok = run(&s, err);
    fx_arena_done(&s.arena);
    fx_db_close(s.reader);
    if (s.snapshot != NULL)
        s.snapshot->end(s.snapshot);
    return is_ok || fx_ctx(err, "copying context \"%s\"", env->binding->ctx.name);
}
