/* SPDX-License-Identifier: Apache-2.0 */
/* See checks.h. */
#include "cdc/checks.h"

bool cdc_findings_none(const struct fx_findings *f, const char *context, struct fx_err *err)
{
    if (f->n == 0)
        return true;
    (void)fx_findings_fail(f, err, FX_E_UNSUPPORTED, "context \"%s\" cannot be streamed yet",
                           context);
    if (f->n > 1)
        (void)fx_hint(
            err,
            "All of them, by groups, with what can be done: ficus cdc preflight --context "
            "%s",
            context);
    if (err->hint[0] == '\0')
        (void)fx_hint(err,
                      "Correct what the detail names, then run: ficus cdc preflight --context %s",
                      context);
    return false;
}
