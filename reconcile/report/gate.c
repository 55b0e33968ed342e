/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a step continue because of this report? Pure: report, limits and the present moment in, an
 * answer out. A report that is too old or about something else says nothing (unknown), also when it
 * shows differences.
 */
#include <inttypes.h>

#include "reconcile/report/names.h"

enum rec_gate rec_gate(const struct rec_report *report, const struct rec_limits *limits,
                       struct fx_wall now, struct fx_buf *why)
{
    int64_t age_ms = (now.us - report->finished.us) / 1000;
    if (limits->mapping_digest != NULL &&
        (report->mapping_digest == NULL ||
         strcmp(report->mapping_digest, limits->mapping_digest) != 0)) {
        fx_buf_add_c(why, "the report was made with another mapping or other tables");
        return REC_GATE_UNKNOWN;
    }
    if (limits->max_age_ms > 0 && (age_ms > limits->max_age_ms || age_ms < -60000)) {
        fx_buf_printf(why, "the report is %" PRId64 " s old, allowed are %" PRId64 " s",
                      age_ms / 1000, limits->max_age_ms / 1000);
        return REC_GATE_UNKNOWN;
    }
    if (report->divergent > limits->divergent_max) {
        fx_buf_printf(why, "%" PRId64 " rows are divergent, allowed are %" PRId64,
                      report->divergent, limits->divergent_max);
        return REC_GATE_FAIL;
    }
    if (report->coverage_percent < limits->coverage_min_percent) {
        fx_buf_printf(why, "coverage is %.4g %%, needed are %.4g %%", report->coverage_percent,
                      limits->coverage_min_percent);
        return REC_GATE_UNKNOWN;
    }
    fx_buf_printf(
        why,
        "%" PRId64 " rows compared, %" PRId64 " divergent, %.4g %% coverage, %" PRId64 " s old",
        report->rows_compared, report->divergent, report->coverage_percent, age_ms / 1000);
    return REC_GATE_PASS;
}
