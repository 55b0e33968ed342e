/* SPDX-License-Identifier: Apache-2.0 */
/* The table. Gauges are set when someone asks (admin/api), counters where things happen. */
#include "strangler/observe/metrics.h"

const struct fx_metric_def fcd_metric_defs[FCD_MT_COUNT] = {
    [FCD_MT_REQUESTS] =
        {"ficus_facade_requests_total",
         "Requests sent to an upstream, by class of the response; no response counts as 5xx.",
         FX_COUNTER,
         {"route", "side", "class"},
         NULL},
    [FCD_MT_SECONDS] =
        {"ficus_facade_request_seconds",
         "Time from the complete head of a request to the last byte of its response.",
         FX_HISTOGRAM,
         {"route", "side"},
         NULL},
    [FCD_MT_REFUSED] = {"ficus_facade_refused_total",
                        "Requests that the facade answered itself, by status.",
                        FX_COUNTER,
                        {"status"},
                        NULL},
    [FCD_MT_CLIENTS] =
        {"ficus_facade_client_connections", "Open client connections.", FX_GAUGE, {NULL}, NULL},
    [FCD_MT_UPSTREAM_CONNECTIONS] = {"ficus_facade_upstream_connections",
                                     "Connections to an upstream, by state.",
                                     FX_GAUGE,
                                     {"upstream", "pool", "state"},
                                     NULL},
    [FCD_MT_UPSTREAM_FAILURES] =
        {"ficus_facade_upstream_failures_total",
         "Requests to an upstream that got no complete response, by reason.",
         FX_COUNTER,
         {"upstream", "reason"},
         NULL},
    [FCD_MT_HELD] = {"ficus_facade_held", "Writes that are held now.", FX_GAUGE, {"group"}, NULL},
    [FCD_MT_HELD_TOTAL] = {"ficus_facade_held_total",
                           "Writes that were held, by outcome: released, dropped, refused.",
                           FX_COUNTER,
                           {"group", "end"},
                           NULL},
    [FCD_MT_TAKEN_BACK] = {"ficus_facade_taken_back_total",
                           "Requests of the group that waited for a connection while a hold or a "
                           "switch came: their side was chosen anew, nothing had been sent.",
                           FX_COUNTER,
                           {"group"},
                           NULL},
    [FCD_MT_IN_FLIGHT] = {"ficus_facade_writes_in_flight",
                          "Writes of the group that an upstream is working on.",
                          FX_GAUGE,
                          {"group"},
                          NULL},
    [FCD_MT_LOST] = {"ficus_facade_writes_lost_total",
                     "Writes of the group whose end is unknown: no response within "
                     "hold.unanswered after their client got 504 or left.",
                     FX_COUNTER,
                     {"group"},
                     NULL},
    [FCD_MT_BODIES_CUT] = {"ficus_facade_bodies_cut_total",
                           "Requests refused because their body arrived too slowly, by "
                           "the limit: rate (limits.body_rate), hold (hold.body).",
                           FX_COUNTER,
                           {"why"},
                           NULL},
    [FCD_MT_OWNER_IS_NEW] = {"ficus_facade_owner_is_new",
                             "1 when the new side owns the group.",
                             FX_GAUGE,
                             {"group"},
                             NULL},
    [FCD_MT_OWNER_UNKNOWN] =
        {"ficus_facade_owner_unknown",
         "1 when the facade does not know which side owns the group (its state "
         "was lost, or a cut-over was interrupted at its commit) and refuses "
         "the group's writes until it is told.",
         FX_GAUGE,
         {"group"},
         NULL},
    [FCD_MT_EPOCH] = {"ficus_facade_epoch", "The group's epoch.", FX_GAUGE, {"group"}, NULL},
    [FCD_MT_WEIGHT] = {"ficus_facade_weight_percent",
                       "Percentage of reads that go to the new side.",
                       FX_GAUGE,
                       {"route"},
                       NULL},
    [FCD_MT_ADMIN_REFUSED] = {"ficus_facade_admin_refused_total",
                              "Admin calls refused because of who made them, by reason: token, "
                              "user, host, origin.",
                              FX_COUNTER,
                              {"reason"},
                              NULL},
    [FCD_MT_SHADOW] = {"ficus_facade_shadow_total",
                       "Shadowed reads by result: same, mismatch, stale, dropped, failed.",
                       FX_COUNTER,
                       {"route", "result"},
                       NULL},
};

void fcd_metrics_table(struct fx_buf *out)
{
    static const char *const kinds[] = {
        [FX_COUNTER] = "counter", [FX_GAUGE] = "gauge", [FX_HISTOGRAM] = "histogram"};
    fx_buf_add_c(out, "| metric | kind | labels | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < FCD_MT_COUNT; i++) {
        const struct fx_metric_def *def = &fcd_metric_defs[i];
        fx_buf_printf(out, "| `%s` | %s | ", def->name, kinds[def->kind]);
        for (size_t l = 0; l < FX_METRIC_LABELS_MAX && def->labels[l] != NULL; l++)
            fx_buf_printf(out, "%s%s", l > 0 ? ", " : "", def->labels[l]);
        fx_buf_printf(out, " | %s |\n", def->help);
    }
}
