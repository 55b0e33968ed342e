/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `cdc:` section of ficus.yaml. One table: what is read, what is checked, what the reference
 * page prints.
 */
#include "cdc/cdc.h"

const struct fx_rule cdc_option_rules[] = {
    FX_RULE_INT(struct cdc_options, copy_batch_rows, "copy_batch_rows", .def = "1000", .min = 1,
                .max = 100000, .help = "rows of one multi-row insert while copying"),
    FX_RULE_INT(
        struct cdc_options, txn_rows_max, "txn_rows_max", .def = "2000", .min = 1, .max = 1000000,
        .help = "changes of one source transaction held in memory; beyond, they are sent on "
                "into the open target transaction"),
    FX_RULE_DURATION(struct cdc_options, heartbeat_ms, "heartbeat", .def = "5s", .min = 100,
                     .max = 30000, .help = "how often an idle stream confirms its position"),
    FX_RULE_DURATION(struct cdc_options, status_ms, "status", .def = "1s", .min = 100, .max = 60000,
                     .help = "over how long a stream measures its rate"),
    FX_RULE_INT(struct cdc_options, tail_keys, "tail_keys", .def = "1000", .min = 0, .max = 100000,
                .help = "newest changed keys kept for the cut-over's verify"),
    FX_RULE_DURATION(struct cdc_options, start_timeout_ms, "start_timeout", .def = "15s",
                     .min = 100, .max = 600000,
                     .help = "how long to wait for a stream to answer, and then to be live"),
    FX_RULE_INT(struct cdc_options, scan_sessions, "scan_sessions", .def = "4", .min = 1, .max = 32,
                .help = "sessions of the old side in which a preflight looks for values that do "
                        "not fit"),
    FX_RULE_END};

void cdc_options_read(const struct fx_node *section, struct cdc_options *ret,
                      struct fx_arena *arena, struct fx_problems *problems)
{
    ret->accept_ddl = NULL;
    fx_schema_read(section, cdc_option_rules, ret, arena, problems);
}
