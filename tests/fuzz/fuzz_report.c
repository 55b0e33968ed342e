/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a report, as they are and under a checksum that fits: each is refused, or is exactly
 * what Ficus writes of the values that were read, and the gate answers.
 */
#include "lib/base/panic.h"
#include "reconcile/report/names.h"
#include "reconcile/report/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_bytes(struct fx_str bytes)
{
    static const struct rec_trust any = {.allows_unsigned = true}, none,
                                  show = {.is_for_show = true};
    static const struct rec_databases now = {
        .old_side = {"old", "postgresql://a:5432/shop", "1/2", "", 0},
        .new_side = {"new", "mysql://b:3306/orders", "b:3306/1", "", 0},
        .forward = {.source = FX_PG, .epoch = 1, .pos = FX_POS("0/7")},
        .reverse = {.source = FX_MY, .epoch = 1, .pos = FX_POS("0-1-7")}};
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf again = FX_BUF(1 << 22), why = FX_BUF(4096);
    struct rec_limits limits = {
        .divergent_max = INT64_MAX, .max_age_ms = REC_AGE_ANY, .context = "orders", .now = &now};
    struct rec_report *report, *shown;
    struct fx_err err = FX_ERR_INIT, ignored = FX_ERR_INIT;
    fx_arena_init(&arena, 0);
    FX_ASSERT(!rec_report_parse(bytes, &none, &arena, &report, &err));
    if (rec_report_parse(bytes, &show, &arena, &shown, &ignored))
        FX_ASSERT(shown->seal != REC_SEAL_SIGNED);
    if (!rec_report_parse(bytes, &any, &arena, &report, &err)) {
        FX_ASSERT(err.code == FX_E_PROTOCOL || err.code == FX_E_VERSION || err.code == FX_E_LIMIT);
        return;
    }
    FX_ASSERT(report->seal == REC_SEAL_NONE || report->seal == REC_SEAL_CHECKSUM);
    rec_report_body(report, report->version, &again);
    FX_ASSERT(fx_str_starts(bytes, fx_buf_str(&again)));
    (void)rec_gate(report, &limits, report->finished, &why);
    rec_report_text(report, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str bytes = {(const char *)data, size};
    FX_AUTO(fx_buf) struct fx_buf sealed = FX_BUF(1 << 20);
    if (size > 65536)
        return 0;
    try_bytes(bytes);
    /* The seal of a seed gives way, so that a search gets beyond it. */
    const char *seal = memmem(bytes.ptr, size, ",\"checksum\"", 11);
    fx_buf_add(&sealed, seal != NULL ? fx_str_sub(bytes, 0, (size_t)(seal - bytes.ptr)) : bytes);
    rec_seal_add(NULL, &sealed);
    try_bytes(fx_buf_str(&sealed));
    return 0;
}
