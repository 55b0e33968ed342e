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
    FX_RULE_DURATION(
        struct rec_options, cut_timeout_ms, "cut_timeout", .def = "30s", .min = 100, .max = 600000,
        .help = "longest wait for transactions that run on the source when a snapshot of it is "
                "taken, and for locks; the applier goes on meanwhile"),
    FX_RULE_DURATION(struct rec_options, lock_wait_ms, "lock_wait", .def = "10m", .min = 0,
                     .max = 86400000,
                     .help = "longest wait for another comparison of the same context"),
    FX_RULE_TEXT(struct rec_options, sign_with, "sign_with",
                 .help = "file of the private key that signs reports; a path beside the project "
                         "file (make one: `ficus reconcile key new FILE`)"),
    FX_RULE_END};

void rec_options_read(const struct fx_node *section, struct rec_options *ret,
                      struct fx_arena *arena, struct fx_problems *problems)
{
    fx_schema_read(section, rec_option_rules, ret, arena, problems);
    if (ret->sign_with != NULL)
        ret->sign_with = fx_scalar_beside(fx_node_get(section, "sign_with"), arena);
}

bool rec_signer_load(const struct rec_options *options, struct fx_private_key **ret_key,
                     struct fx_err *err)
{
    *ret_key = NULL;
    return options->sign_with == NULL || fx_private_key_load(options->sign_with, ret_key, err) ||
           fx_ctx(err, "reading the key that signs reports");
}
