/* SPDX-License-Identifier: Apache-2.0 */
/* The journal and the failpoints of a running cut-over. */
#include "plans/cutover/journal.h"

#include <stdarg.h>

#include "lib/io/failpoint.h"

bool pln_cut_journal(struct pln_cutover *cut, enum pln_cutover_step step,
                     enum pln_cutover_event event, struct fx_err *err, const char *fmt, ...)
{
    char detail[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    for (char *p = detail; *p != '\0'; p++)
        if (*p == '\n')
            *p = ';';
    struct fx_err own = FX_ERR_INIT;
    if (cut->log == NULL || cut->log(cut->arg, step, event, cut->group, detail, &own))
        return true;
    if (event == PLN_CUT_FAILED || event == PLN_CUT_NOTE || pln_cut_is_committed(cut)) {
        if (!fx_err_is(&cut->late))
            cut->late = own;
        return true;
    }
    *err = own;
    return fx_ctx(err, "writing step %s of the cut-over to the journal",
                  pln_cutover_step_name(step));
}

void pln_cut_note(struct pln_cutover *cut, enum pln_cutover_step step, const char *what,
                  const struct fx_err *why)
{
    struct fx_err ignored = FX_ERR_INIT;
    (void)!pln_cut_journal(cut, step, PLN_CUT_NOTE, &ignored, "%s%s%s", what,
                           why != NULL ? ": " : "", why != NULL ? why->message : "");
}

/* A rehearsal has failpoints of its own, so that a test can crash the real cut-over only. */
void pln_cut_pass(const struct pln_cutover *cut, const char *step, const char *when)
{
    bool is_canary = fx_str_ends(fx_str_from(cut->group), FX_STR(".canary"));
    FX_FAILPOINT("%s.step.%s.%s", is_canary ? "rehearse" : "cutover", step, when);
}
