/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people: verdict first, then a line a table, then the differences. */
#include <inttypes.h>

#include "lib/err/redact.h"
#include "reconcile/report/names.h"

const char *rec_verdict_name(enum rec_verdict verdict)
{
    switch (verdict) {
    case REC_EQUAL: return "equal";
    case REC_DIVERGENT: return "divergent";
    case REC_INCONCLUSIVE: return "inconclusive";
    }
    return "?";
}

const char *rec_kind_name(enum rec_kind kind)
{
    switch (kind) {
    case REC_MISSING: return "missing";
    case REC_EXTRA: return "extra";
    case REC_DIFFERENT: return "different";
    }
    return "?";
}

const char *rec_direction_name(enum fx_direction direction)
{
    return direction == FX_FORWARD ? "forward" : "reverse";
}

static void add_table(const struct rec_table_result *table, struct fx_buf *out)
{
    fx_buf_printf(
        out, "  %s -> %s: %" PRId64 " rows against %" PRId64 ", %" PRId64 " equal, %zu columns\n",
        table->source_name, table->target_name, table->rows_source, table->rows_target,
        table->rows_equal, table->columns_compared);
    if (table->one_sided != NULL)
        fx_buf_printf(out, "    on one side only (generated): %s\n", table->one_sided);
    if (table->not_compared != NULL)
        fx_buf_printf(out, "    incomplete: %s\n", table->not_compared);
    if (table->missing + table->extra + table->different > 0)
        fx_buf_printf(out,
                      "    %" PRId64 " missing, %" PRId64 " extra, %" PRId64
                      " different on the target\n",
                      table->missing, table->extra, table->different);
    for (size_t i = 0; i < table->n_differences; i++) {
        const struct rec_difference *difference = &table->differences[i];
        fx_buf_printf(out, "    %-9s  %s", rec_kind_name(difference->kind), difference->key);
        if (difference->kind == REC_DIFFERENT) {
            fx_buf_printf(out, "  %s: %s, on the target %s", difference->column, difference->source,
                          difference->target);
            if (difference->n_columns_different > 1)
                fx_buf_printf(out, "  (and %zu more columns)", difference->n_columns_different - 1);
        }
        fx_buf_add_char(out, '\n');
    }
    int64_t listed = (int64_t)table->n_differences;
    int64_t all = table->missing + table->extra + table->different;
    if (all > listed)
        fx_buf_printf(out, "    … and %" PRId64 " more\n", all - listed);
}

static void add_databases(const struct rec_report *report, struct fx_buf *out)
{
    char id[REC_DATABASES_ID];
    const struct fx_identity *old_side = &report->databases.old_side;
    const struct fx_identity *new_side = &report->databases.new_side;
    if (old_side->address == NULL || new_side->address == NULL)
        return; /* before version 3 */
    rec_databases_id(&report->databases, id);
    fx_buf_printf(out, "  databases %s: %s at %s, %s at %s\n", id, old_side->name,
                  old_side->address, new_side->name, new_side->address);
}

void rec_report_text(const struct rec_report *report, struct fx_buf *out)
{
    char finished[FX_WALL_TEXT];
    fx_wall_text(report->finished, finished);
    fx_buf_printf(
        out, "%s  %s (%s): %" PRId64 " rows compared, %" PRId64 " divergent, %.4g %% coverage\n",
        rec_verdict_name(report->verdict), report->context, rec_direction_name(report->direction),
        report->rows_compared, report->divergent, report->coverage_percent);
    fx_buf_printf(out, "  at %s, source %s, target %s, %.1f s, applier held %" PRId64 " ms\n",
                  finished, fx_pos_text(&report->source_pos), fx_pos_text(&report->target_pos),
                  (double)(report->finished.us - report->started.us) / 1e6,
                  report->applier_held_ms);
    add_databases(report, out);
    if (report->inconclusive != NULL)
        fx_buf_printf(out, "  %s\n", report->inconclusive);
    int64_t n_listed = 0;
    for (size_t i = 0; i < report->n_tables; i++) {
        add_table(&report->tables[i], out);
        n_listed += (int64_t)report->tables[i].n_differences;
    }
    if (n_listed > 0 && !fx_values_are_shown())
        fx_buf_printf(out,
                      "  Values of rows are hidden; to see them: ficus reconcile run --context %s "
                      "--show-values\n",
                      report->context);
}
