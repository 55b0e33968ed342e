/* SPDX-License-Identifier: Apache-2.0 */
/* See checks.h. */
#include "cdc/checks.h"

bool cdc_findings_none(const struct fx_findings *f, const char *context, struct fx_err *err)
{
    if (f->n == 0)
        return true;
    (void)fx_findings_fail(f, err, FX_E_UNSUPPORTED, "context \"%s\" cannot be streamed yet",
                           context);
    if (err->hint[0] == '\0')
        (void)fx_hint(err, "Fix what it names, then run: ficus cdc preflight --context %s",
                      context);
    return false;
}

bool cdc_is_denied(const struct fx_err *err)
{
    /* access denied to a database, to a table, to a column, for want of a global right */
    static const int numbers[] = {1044, 1142, 1143, 1227};
    if (strcmp(err->sqlstate, "42501") == 0)
        return true;
    for (size_t i = 0; i < FX_ARRAY_LEN(numbers); i++)
        if (err->cause_kind == FX_CAUSE_MYSQL && err->cause_number == numbers[i])
            return true;
    return false;
}
