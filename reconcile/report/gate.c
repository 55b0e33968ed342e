/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a step continue because of this report? Pure: report, limits and the present moment in, an
 * answer out. A report that is too old or about something else says nothing (unknown), also when it
 * shows differences.
 */
#include <inttypes.h>

#include "reconcile/report/names.h"

/* Clocks of two machines differ by less. */
enum { CLOCK_SKEW_MS = 60000 };

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* "schema.name" of one side of a mapping. */
static bool is_table(const char *full_name, const char *schema, const char *name)
{
    size_t n = strlen(schema);
    return strncmp(full_name, schema, n) == 0 && full_name[n] == '.' &&
           strcmp(full_name + n + 1, name) == 0;
}

static bool lists(const struct rec_report *report, const struct fx_map_table *map)
{
    bool is_forward = report->direction == FX_FORWARD;
    for (size_t i = 0; i < report->n_tables; i++) {
        const struct rec_table_result *table = &report->tables[i];
        if (is_table(is_forward ? table->source_name : table->target_name, map->old_schema,
                     map->old_name) &&
            is_table(is_forward ? table->target_name : table->source_name, map->new_schema,
                     map->new_name))
            return true;
    }
    return false;
}

/* Each mapped table is in the report, and no other: a table occurs once (read.c). */
static bool has_its_tables(const struct rec_report *report, const struct fx_context *ctx,
                           struct fx_buf *why)
{
    for (size_t i = 0; i < ctx->n_tables; i++) {
        const struct fx_map_table *map = &ctx->tables[i];
        if (!lists(report, map)) {
            fx_buf_printf(why, "table \"%s.%s\" is missing from the report", map->old_schema,
                          map->old_name);
            return false;
        }
    }
    if (report->n_tables == ctx->n_tables && report->tables_in_context == ctx->n_tables)
        return true;
    fx_buf_printf(why, "the report has %zu tables of %zu, the project file has %zu",
                  report->n_tables, report->tables_in_context, ctx->n_tables);
    return false;
}

static bool is_about(const struct rec_report *report, const struct rec_limits *limits,
                     struct fx_buf *why)
{
    const struct fx_context *ctx = limits->ctx;
    const char *context = ctx != NULL ? ctx->name : limits->context;
    const char *digests[] = {limits->mapping_digest, ctx != NULL ? ctx->digest : NULL};
    if (context != NULL && !is_same(report->context, context)) {
        fx_buf_printf(why, "the report is about context \"%s\", expected \"%s\"", report->context,
                      context);
        return false;
    }
    for (size_t i = 0; i < FX_ARRAY_LEN(digests); i++) {
        if (digests[i] != NULL && !is_same(report->mapping_digest, digests[i])) {
            fx_buf_printf(why,
                          "the report was made with another mapping or other tables (%s, expected "
                          "%s)",
                          report->mapping_digest != NULL ? report->mapping_digest : "none",
                          digests[i]);
            return false;
        }
    }
    return true;
}

/* A report without an identity: what it is about cannot be known. */
static bool is_identified(const struct rec_report *report, struct fx_buf *why)
{
    if (report->databases.old_side.address != NULL && report->databases.new_side.address != NULL)
        return true;
    fx_buf_printf(why,
                  "the report has version %" PRId64 " and does not say which databases it is about",
                  report->version);
    return false;
}

static bool has_addresses_of(const struct rec_databases *was, const struct fx_context *ctx,
                             struct fx_buf *why)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_identity old_side, new_side;
    fx_arena_init(&arena, 0);
    fx_identity_of_conf(ctx->old_db, &arena, &old_side);
    fx_identity_of_conf(ctx->new_db, &arena, &new_side);
    return fx_identity_same_address(&was->old_side, &old_side, why) &&
           fx_identity_same_address(&was->new_side, &new_side, why);
}

/* A database that was restored from a backup has lost what the report saw. */
static bool has_its_stream(const struct rec_report *report, const struct rec_databases *now,
                           struct fx_buf *why)
{
    bool is_forward = report->direction == FX_FORWARD;
    const struct rec_stream_now *stream = is_forward ? &now->forward : &now->reverse;
    if (stream->epoch >= report->stream_epoch &&
        fx_pos_covers(stream->source, &stream->pos, &report->target_pos))
        return true;
    fx_buf_printf(why,
                  "the %s stream of context \"%s\" is at %s (epoch %" PRId64
                  "), before the report's %s (epoch %" PRId64 ")",
                  rec_direction_name(report->direction), report->context,
                  stream->epoch >= 0 ? fx_pos_text(&stream->pos) : "no position", stream->epoch,
                  fx_pos_text(&report->target_pos), report->stream_epoch);
    return false;
}

static bool has_id(const struct rec_databases *databases, const char *wanted, struct fx_buf *why)
{
    char id[REC_DATABASES_ID];
    rec_databases_id(databases, id);
    if (strcmp(id, wanted) == 0)
        return true;
    fx_buf_printf(why, "the report is about databases %s (%s at %s, %s at %s), expected %s", id,
                  databases->old_side.name, databases->old_side.address, databases->new_side.name,
                  databases->new_side.address, wanted);
    return false;
}

static bool is_of_databases(const struct rec_report *report, const struct rec_limits *limits,
                            struct fx_buf *why)
{
    const struct rec_databases *was = &report->databases, *now = limits->now;
    if (limits->any_databases)
        return true;
    if (!is_identified(report, why))
        return false;
    if (now != NULL)
        return fx_identity_same(report->context, &was->old_side, &now->old_side, why) &&
               fx_identity_same(report->context, &was->new_side, &now->new_side, why) &&
               has_its_stream(report, now, why);
    if (limits->databases_id != NULL)
        return fx_identity_has_server(report->context, &was->old_side, why) &&
               fx_identity_has_server(report->context, &was->new_side, why) &&
               has_id(was, limits->databases_id, why);
    if (limits->ctx != NULL)
        return has_addresses_of(was, limits->ctx, why);
    fx_buf_add_c(why, "it was not said which databases the report must be about");
    return false;
}

static void add_remedy(const struct rec_report *report, const struct rec_limits *limits,
                       struct fx_buf *why)
{
    fx_buf_printf(why, "; compare again: ficus reconcile run --context %s --report %s",
                  report->context, limits->report_dir != NULL ? limits->report_dir : "DIR");
}

static bool is_timely(const struct rec_report *report, const struct rec_limits *limits,
                      struct fx_wall now, struct fx_buf *why)
{
    int64_t age_ms = (now.us - report->cut.us) / 1000;
    int64_t end_age_ms = (now.us - report->finished.us) / 1000;
    if (age_ms < -CLOCK_SKEW_MS || end_age_ms < -CLOCK_SKEW_MS) {
        fx_buf_printf(why,
                      "the report is of the future by %" PRId64
                      " s: compare the clocks of the two machines",
                      -FX_MIN(age_ms, end_age_ms) / 1000);
        return false;
    }
    if (limits->max_age_ms != REC_AGE_ANY && age_ms > limits->max_age_ms) {
        fx_buf_printf(why,
                      "the report shows the tables of %" PRId64 " s ago, allowed are %" PRId64 " s",
                      age_ms / 1000, limits->max_age_ms / 1000);
        if (limits->age_option != NULL)
            fx_buf_printf(why, " (the default of %s)", limits->age_option);
        return false;
    }
    return true;
}

/* Differences decide before gaps: a row that differs does so whatever was not read. */
static enum rec_gate judge_rows(const struct rec_report *report, const struct rec_limits *limits,
                                struct fx_buf *why)
{
    if (report->divergent > limits->divergent_max) {
        fx_buf_printf(why, "%" PRId64 " rows are divergent, allowed are %" PRId64,
                      report->divergent, limits->divergent_max);
        return REC_GATE_FAIL;
    }
    if (report->inconclusive != NULL) {
        fx_buf_add_c(why, report->inconclusive);
        return REC_GATE_UNKNOWN;
    }
    if (report->coverage_percent < limits->coverage_min_percent) {
        fx_buf_printf(why, "coverage is %.4g %%, needed are %.4g %%", report->coverage_percent,
                      limits->coverage_min_percent);
        return REC_GATE_UNKNOWN;
    }
    if (report->verdict == REC_INCONCLUSIVE) {
        fx_buf_printf(why, "the comparison is inconclusive: coverage is %.4g %%",
                      report->coverage_percent);
        return REC_GATE_UNKNOWN;
    }
    return REC_GATE_PASS;
}

enum rec_gate rec_gate(const struct rec_report *report, const struct rec_limits *limits,
                       struct fx_wall now, struct fx_buf *why)
{
    if (!is_about(report, limits, why))
        return REC_GATE_UNKNOWN;
    /* It failed, or has not finished: that says more than which databases it did not compare. */
    if (report->inconclusive != NULL && report->divergent == 0) {
        fx_buf_add_c(why, report->inconclusive);
        return REC_GATE_UNKNOWN;
    }
    if (!is_of_databases(report, limits, why) || !is_timely(report, limits, now, why)) {
        add_remedy(report, limits, why);
        return REC_GATE_UNKNOWN;
    }
    enum rec_gate answer = judge_rows(report, limits, why);
    if (answer != REC_GATE_PASS)
        return answer;
    if (limits->ctx != NULL && !has_its_tables(report, limits->ctx, why))
        return REC_GATE_UNKNOWN;
    fx_buf_printf(why,
                  "%" PRId64 " rows compared, %" PRId64 " divergent, %.4g %% coverage, %" PRId64
                  " s old",
                  report->rows_compared, report->divergent, report->coverage_percent,
                  (now.us - report->cut.us) / 1000000);
    return REC_GATE_PASS;
}
