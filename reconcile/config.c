/* SPDX-License-Identifier: Apache-2.0 */
/* The `reconcile:` section of ficus.yaml. */
#include "reconcile/reconcile.h"

const struct fx_rule rec_option_rules[] = {
    FX_RULE_INT(struct rec_options, differences_max, "differences", .def = "50", .min = 0,
                .max = 10000,
                .help = "differing rows that a report lists for each table; counting goes on"),
    FX_RULE_DURATION(
        struct rec_options, hold_max_ms, "hold_max", .def = "60s", .min = 1000, .max = 600000,
        .help = "longest time that the applier may be paused for the target's snapshot"),
    FX_RULE_DURATION(struct rec_options, cut_timeout_ms, "cut_timeout", .def = "30s", .min = 100,
                     .max = 600000,
                     .help = "longest wait for the source's snapshot (running transactions)"),
    FX_RULE_END};

void rec_options_read(const struct fx_node *section, struct rec_options *ret,
                      struct fx_arena *arena, struct fx_problems *problems)
{
    fx_schema_read(section, rec_option_rules, ret, arena, problems);
}
